"""What the programs that run mailing lists do to letters: one table, which the readers of mail are made of.

Nobody tells a subscriber which program a list runs, archives and gateways drop headers, and lists are moved:
so every reader here looks for the forms of all of them. `LISTS.md` beside this file is this table in words,
made by `python -m tests.letters.list_table`, and a test holds the two together.

Patterns of notices are searched in text that is lower case and has single spaces (`folded`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class NoticeKind(StrEnum):
    """What a machine wants to say. The words stand in the store."""

    BOUNCE = "bounce"  # a mail server could not deliver something
    HELD = "held"  # a post of ours waits for the list's moderators
    REFUSED = "refused"  # the list or its moderators did not take it
    VACATION = "vacation"  # a person is away, and their program says so
    SUBSCRIPTION = "subscription"  # somebody is on the list now, or is no longer
    CONFIRMATION = "confirmation"  # the list waits for a yes
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Said:
    """Words that tell the kind of a notice: regular expressions over the folded subject or text."""

    kind: NoticeKind
    subject: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class ListForm:
    """One program. Empty fields: it does nothing of that kind, or nobody here knows."""

    name: str
    known_by: str  # what tells it, for people
    seen: str  # with which version and when the entry was tried for real; empty: not seen
    sources: tuple[str, ...]  # where each entry can be looked up
    marks: tuple[str, ...] = ()  # headers on what it distributes: such a letter came through a list
    sender_in: tuple[str, ...] = ()  # headers with the address of who wrote it
    name_in: tuple[str, ...] = ()  # headers that keep the author's name when From names the list
    from_tail: str = ""  # what it writes behind the author's name in From
    helpers: str = ""  # local parts of addresses that only machines write from
    list_helpers: str = (
        ""  # what stands behind the list's own name in such addresses; people are shop-owner@, too
    )
    people: str = ""  # local parts that look like helpers' and are people's
    footer: str = ""  # the line with which its footer begins
    digest_subject: str = ""
    digest_ruler: str = ""  # the line before each letter of a plain digest
    notices: tuple[Said, ...] = ()
    remarks: str = ""


_K = NoticeKind
_GITHUB = "https://github.com/"

MAILMAN_3 = ListForm(
    name="GNU Mailman 3",
    known_by="X-Mailman-Version: 3.…",
    seen="Mailman 3.3.10 with Postfix and Dovecot on loopback, 2026-11-23",
    sources=(
        "src/mailman/handlers/cook_headers.py, handlers/dmarc.py, runners/digest.py, chains/hold.py, "
        "chains/reject.py, app/moderator.py, app/notifications.py, app/subscriptions.py and "
        "messages/, templates/ of the package mailman 3.3.10 (en, es seen; de, fr, it, pt, ca, nl read)",
        "https://docs.mailman3.org/",
    ),
    marks=("List-Id", "List-Post", "List-Archive", "Archived-At", "X-MailFrom", "X-Mailman-Version"),
    sender_in=("X-MailFrom",),
    name_in=("Reply-To",),
    from_tail=r"(?:via|vía) \S.*",
    helpers=r"[^@]*-(?:bounces|request|confirm)(?:\+[^@]*)?|mailman",
    list_helpers=r"-(?:owner|join|leave)",
    footer=r"_{47}",
    digest_subject=r"\b(?:digest|resumen), vol \d+, (?:issue|número) \d+",
    digest_ruler=r"-{70}|-{30}",
    notices=(
        Said(_K.HELD, subject=r"your message to .{1,100} awaits moderator approval"),
        Said(_K.HELD, subject=r"su mensaje a .{1,100} espera la aprobación del moderador"),
        # In order: de, fr, it, pt, ca, nl.
        Said(_K.HELD, subject=r"ihre nachricht an .{1,100} wartet auf die zustimmung"),
        Said(_K.HELD, subject=r"votre message à .{1,100} attend la validation"),
        Said(_K.HELD, subject=r"il tuo messaggio a .{1,100} attende l'approvazione"),
        Said(_K.HELD, subject=r"sua mensagem para .{1,100} aguarda aprovação"),
        Said(_K.HELD, subject=r"el seu missatge a .{1,100} s'espera l'aprovació"),
        Said(_K.HELD, subject=r"uw bericht aan .{1,100} wacht op goedkeuring"),
        Said(_K.REFUSED, subject=r"anfrage an die mailingliste .{1,100} abgelehnt"),
        Said(_K.REFUSED, subject=r"demande à la liste de diffusion .{1,100} rejetée"),
        Said(_K.REFUSED, subject=r"la richiesta alla lista .{1,100} rifiutata"),
        Said(_K.REFUSED, subject=r"solicitação para a lista .{1,100} rejeitada"),
        Said(_K.REFUSED, subject=r"rebutjat la sol·licitud a la llista"),
        Said(_K.REFUSED, subject=r"verzoek aan maillijst .{1,100} geweigerd"),
        Said(_K.REFUSED, text=r"ihre nachricht an die mailingliste .{1,100} abgelehnt"),
        Said(_K.REFUSED, text=r"votre message à destination de la liste .{1,100} a été rejeté"),
        Said(_K.REFUSED, text=r"il tuo messaggio alla mailing list .{1,100} stato rifiutato"),
        Said(_K.REFUSED, text=r"sua mensagem para a lista .{1,100} foi rejeitada"),
        Said(_K.REFUSED, text=r"el seu missatge a la llista .{1,100} rebutjat"),
        Said(_K.REFUSED, subject=r"request to mailing list .{1,100} rejected"),
        Said(_K.REFUSED, subject=r"solicitud a (?:la )?lista de correo .{1,100} rechazada"),
        Said(_K.REFUSED, text=r"your message to the .{1,100} mailing-list was rejected for the following"),
        Said(
            _K.REFUSED, text=r"su mensaje a la lista de correos .{1,100} ha sido rechazado por las siguientes"
        ),
        Said(_K.SUBSCRIPTION, subject=r"^welcome to the .{1,100} mailing list"),
        Said(_K.SUBSCRIPTION, subject=r"^bienvenid[oa](?:/a)? a la lista de correo"),
        Said(_K.SUBSCRIPTION, subject=r"you have been unsubscribed from the .{1,100} mailing list"),
        Said(_K.SUBSCRIPTION, subject=r"se le ha dado de baja de la lista de correo"),
        Said(
            _K.SUBSCRIPTION,
            subject=r"(?:un)?subscription notification$|^notificación de (?:suscripción|baja)",
        ),
        Said(_K.CONFIRMATION, subject=r"your confirmation is needed to (?:join|leave) the"),
        Said(_K.CONFIRMATION, subject=r"se requiere confirmación de su intención de unirse"),
        Said(_K.CONFIRMATION, subject=r"es necesario confirmar que quiere abandonar la lista"),
        Said(_K.CONFIRMATION, text=r"has been invited to join the .{1,100} mailing list"),
        Said(_K.OTHER, subject=r"^the results of your email commands"),
        Said(_K.OTHER, subject=r"post acknowledgment$|confirmación de envío$"),
    ),
    remarks=(
        "Keeps Message-ID, Date and foreign headers, except on an anonymous list, which writes its own and "
        "leaves only our token in the text. A list that wraps for DMARC sends multipart/mixed with the "
        "letter as message/rfc822. Its own notices have List-Id and no List-Post. A hold notice and a "
        "moderator's refusal name the post by its subject alone; a refusal by a rule carries the whole post."
    ),
)

MAILMAN_2 = ListForm(
    name="GNU Mailman 2.1",
    known_by="X-Mailman-Version: 2.1.…, X-BeenThere",
    seen="",
    sources=(
        _GITHUB
        + "terencehonles/mailman: Mailman/Handlers/Hold.py, Handlers/CookHeaders.py, Handlers/ToDigest.py, "
        "templates/en, templates/es/postheld.txt, refuse.txt, verify.txt",
        "RFC 1153 (plain digests)",
    ),
    marks=("List-Id", "List-Post", "List-Unsubscribe", "X-BeenThere", "X-Mailman-Version"),
    name_in=("Reply-To",),
    from_tail=r"(?:via|vía|por medio de|durch|par|tramite) \S.*",
    helpers=r"[^@]*-(?:bounces|request|confirm)(?:\+[^@]*)?|mailman(?:-owner)?",
    list_helpers=r"-(?:owner|admin|join|leave)",
    footer=r"_{47}",
    digest_subject=r"\b(?:digest|resumen),? (?:vol|band|volumen)\b",
    digest_ruler=r"-{70}|-{30}",
    notices=(
        Said(_K.HELD, text=r"is being held until the list moderator can review it for approval"),
        Said(_K.HELD, text=r"ha sido retenido (?:en espera de|hasta) que el moderador"),
        Said(_K.REFUSED, text=r"has been rejected by the list moderator"),
        Said(_K.REFUSED, text=r"ha sido rechazada por el moderador"),
        Said(_K.CONFIRMATION, subject=r"^confirm [0-9a-f]{16,40}\b"),
        Said(_K.CONFIRMATION, text=r"-- confirmación de su[bs]scripción -- petición"),
        Said(_K.OTHER, subject=r"mailing list memberships? reminder"),
    ),
    remarks=(
        "Writes X-List-Administrivia: yes on its own notices. Its monthly reminder holds a password in clear."
    ),
)

SYMPA = ListForm(
    name="Sympa",
    known_by="X-Loop and X-Sequence, List-Help: <mailto:sympa@…>",
    seen="",
    sources=(
        _GITHUB + "sympa-community/sympa: default/mail_tt2/digest.tt2, digest_plain.tt2, message_report.tt2, "
        "reject.tt2, delivery_status_notification.tt2, authorization_reject.tt2, send_auth.tt2, "
        "request_auth.tt2, welcome.tt2",
        _GITHUB + "sympa-community/sympa-community.github.io: manual/customize/dmarc-protection.md, "
        "basics-alterations.md",
    ),
    marks=("List-Id", "List-Post", "Archived-At", "X-Loop", "X-Sequence"),
    name_in=("X-Original-From",),
    from_tail=r"\((?:via [^()]*|[^()]*@[^()]*)\)",
    helpers=r"sympa(?:-request)?|listmaster|[^@]*-request",
    list_helpers=r"-(?:owner|editor|subscribe|unsubscribe)",
    digest_subject=r"\bdigest (?:\d|\S+ \d)",
    digest_ruler=r"-{70}|-{30}",
    notices=(
        Said(_K.HELD, text=r"your message to the list .{1,100} has been forwarded to the moderator"),
        Said(_K.HELD, text=r"to distribute the attached message in list .{1,100} follow the link below"),
        Said(_K.REFUSED, subject=r"^your message has been rejected"),
        Said(_K.REFUSED, text=r"message .{1,100} for list .{1,100} has been rejected"),
        Said(_K.REFUSED, text=r"impossible to distribute your message for list"),
        Said(
            _K.REFUSED,
            text=r"message distribution (?:in|for) (?:the|this) list is (?:restricted|not allowed)",
        ),
        Said(_K.SUBSCRIPTION, subject=r"^welcome to list "),
        Said(
            _K.CONFIRMATION,
            subject=r"^auth [0-9a-f]+ (?:add|del|sub|signoff|invite)|/ (?:un)?subscribing (?:to|from) ",
        ),
        Said(_K.OTHER, subject=r"^message distribution$"),
    ),
    remarks=(
        "Drops mail that says Auto-Submitted, or X-Loop equal to the list, or has no Message-ID. Its plain "
        "digest has no empty line behind a ruler. Its translations of notices are not in this table."
    ),
)

GOOGLE_GROUPS = ListForm(
    name="Google Groups",
    known_by="X-Google-Group-Id, Mailing-list: list …; contact …+owners@",
    seen="",
    sources=(
        "https://support.google.com/groups/answer/2466386 (who is told of a rejected post)",
        "a public parser of its digests, which describes the form: «Topic:», «---------- 1 of 2 ----------»",
    ),
    marks=("List-Id", "List-Post", "Mailing-List", "X-Google-Group-Id", "X-Original-Sender"),
    sender_in=("X-Original-Sender",),
    name_in=("X-Original-From", "Reply-To"),
    from_tail=r"via \S.*",
    helpers=r"[^@]*\+(?:bnc[^@]*|subconfirm[^@]*)|mailer-daemon",
    list_helpers=r"\+(?:noreply|owners|managers|unsubscribe)",
    footer=(
        r"You received this (?:message|digest) because you(?: are|'re) subscribed"
        r"|Has recibido este mensaje porque est"
    ),
    digest_subject=(
        r"^(?:\[[^\]]*\] )?digest for \S{1,100}@\S{1,100} - \d+ (?:update|message)"
        r"|\babridged summary of \S{1,100}@"
    ),
    digest_ruler=r"-{5,} ?\d+ of \d+ ?-{5,}",
    notices=(
        Said(
            _K.REFUSED,
            text=r"the group you tried to contact .{1,200} may not exist, or you may not have permission",
        ),
        Said(_K.SUBSCRIPTION, text=r"(?:has added you|you have been added) to the .{1,100} group"),
        Said(_K.CONFIRMATION, text=r"has invited you to join the .{1,100} group"),
    ),
    remarks=(
        "A moderated group tells the author nothing while a post waits. Letters of a digest have no "
        "Message-ID."
    ),
)

LISTSERV = ListForm(
    name="LISTSERV",
    known_by="List-Id: …, Sender: … Mailing List <LIST@…>, X-LSV-ListID",
    seen="",
    sources=(
        "https://www.lsoft.com/manuals/17.0/listkwd/kDigest.html (plain, MIME and HTML digests)",
        "release notes of LISTSERV 1.7f (plain digests follow RFC 1153 but for the subject)",
        "https://its.uiowa.edu/support/article/3938 (subject tag and header styles)",
        "the words of its notices are from memory",
    ),
    marks=("List-Id", "List-Unsubscribe", "List-Owner", "X-LSV-ListID"),
    helpers=r"listserv|owner-[^@]*|[^@]*-request",
    people=r"[0-9a-f]{8,}-dmarc-request",
    digest_subject=r"\bdigest - \d|\bdigest from .{1,40} to .{1,40}\(#",
    digest_ruler=r"-{70}|-{30}",
    notices=(
        Said(
            _K.HELD,
            text=r"(?:has been|was) (?:submitted|forwarded|sent) to the (?:moderator|editor|list owner)",
        ),
        Said(_K.REFUSED, subject=r"^rejected (?:posting|message)"),
        Said(_K.REFUSED, text=r"you are not (?:authorized|allowed) to (?:send mail|post) to the"),
        Said(_K.REFUSED, text=r"is being returned to you unprocessed"),
        Said(_K.SUBSCRIPTION, subject=r"^you are now subscribed to|^you have been (?:added to|removed from)"),
        Said(_K.CONFIRMATION, subject=r"^command confirmation request|subscription probe for"),
        Said(_K.OTHER, subject=r"^output of your job"),
    ),
    remarks=(
        "Stops bodies that quote header lines. Against DMARC it writes the author's address anew "
        "(…-dmarc-request@) and leaves the name."
    ),
)

GROUPS_IO = ListForm(
    name="groups.io",
    known_by="Mailing-List: list …; contact …+owner@, Message-ID …@groups.io",
    seen="",
    sources=(
        "https://groups.io/helpcenter (pending messages, Rejected Message notice, digests, bouncing)",
        "footers of lists.cip-project.org in public mail archives (« -=-=-=- », «View/Reply Online»)",
    ),
    marks=("List-Id", "List-Unsubscribe", "Mailing-List"),
    name_in=("Reply-To",),
    from_tail=r"via groups\.io",
    helpers=r"bounce\+[^@]*|[^@]*\+bounce",
    list_helpers=r"\+(?:owner|help|noreply|confirm)",
    footer=r"-=-=-=-=-=-=-|Groups\.io Links:",
    digest_subject=r"\bdigest #?\d+|\bdigest: ",
    notices=(
        Said(
            _K.REFUSED, text=r"(?:was|has) not (?:been )?approved by the (?:group'?s? )?(?:moderators|owners)"
        ),
        Said(_K.REFUSED, subject=r"^(?:your )?message (?:was )?rejected"),
        Said(_K.CONFIRMATION, subject=r"^(?:please )?confirm your (?:groups\.io|subscription)"),
        Said(_K.SUBSCRIPTION, subject=r"^welcome to (?:the )?\S+@\S+"),
        Said(_K.OTHER, subject=r"your groups\.io account is bouncing"),
    ),
    remarks=(
        "Tells nobody that a post waits, nor that it ran out after 14 days. The text of its digests was not "
        "found: they are taken apart by a general rule, or left out and counted."
    ),
)

YAHOO_GROUPS = ListForm(
    name="Yahoo Groups (until 2020; in archives)",
    known_by="X-Yahoo-Newman-Id, Mailing-List: list …; contact …-owner@yahoogroups.com",
    seen="",
    sources=(
        "the manual of Perl's Mail::Digest::Tools (two lines of 72 underscores, «Topics in this digest:»)",
    ),
    marks=("Mailing-List", "X-Yahoo-Newman-Id"),
    from_tail=r"\S+@\S+ \[[^\]]*\]",
    helpers=r"[^@]*-return-[^@]*",
    list_helpers=r"-(?:owner|noreply)",
    footer=r"__\._,_\.___",
    digest_subject=r"\bdigest number \d+",
    digest_ruler=r"_{60,}",
)

# What several of them, and those not listed, write. Tried after the entries above.
ANY_PROGRAM = ListForm(
    name="Any other",
    known_by="",
    seen="",
    sources=("RFC 2369, 2919, 3462, 3464, 3834, 5064; words that the programs above share",),
    marks=("List-Id", "List-Post", "List-Unsubscribe", "Mailing-List", "X-Mailing-List"),
    sender_in=("X-Original-Sender",),
    name_in=("X-Original-From", "Reply-To"),
    from_tail=r"(?:via|vía) \S.*",
    helpers=r"mailer-daemon|postmaster|majordomo|[^@]*-(?:bounces?|request|confirm|return-[^@]*)(?:\+[^@]*)?",
    list_helpers=r"-owner",
    footer=r"-{8,} next part -{8,}|-----BEGIN PGP SIGNATURE-----",
    digest_subject=r"\bdigest\b.*\d|\bresumen\b.*\d",
    digest_ruler=r"[-=_*~]{10,}",
    notices=(
        Said(
            _K.HELD,
            subject=(
                r"await(?:s|ing) (?:moderat|approval)|held for (?:moderation|approval)"
                r"|pending (?:moderator )?approval"
            ),
        ),
        Said(_K.HELD, subject=r"espera la aprobación|pendiente de (?:moderación|aprobación)|retenid[oa]"),
        Said(
            _K.HELD,
            text=r"(?:post|message) (?:is|has been|was) (?:held|queued) for (?:moderat|approval)",
        ),
        Said(
            _K.REFUSED, subject=r"(?:post|posting|message) .{0,100}(?:rejected|refused|denied)|cannot post to"
        ),
        Said(_K.REFUSED, subject=r"(?:mensaje|envío) .{0,100}rechazad[oa]"),
        Said(_K.REFUSED, text=r"your (?:post|posting|message) (?:was|has been) (?:rejected|refused|denied)"),
        Said(_K.REFUSED, text=r"su (?:mensaje|envío) (?:fue|ha sido) rechazado"),
        Said(
            _K.CONFIRMATION,
            subject=r"^(?:re: )?confirm\b|confirm(?:ation)? (?:request|required|needed)|please confirm",
        ),
        Said(_K.CONFIRMATION, subject=r"\bconfirm(?:e|ar|ación)\b.{0,60}\bsu[bs]?scripción"),
        Said(
            _K.SUBSCRIPTION,
            subject=(
                r"^welcome to\b|^goodbye from|\b(?:un)?subscri(?:bed|ption)\b|^bienvenid[oa]\b"
                r"|dado de (?:alta|baja)"
            ),
        ),
    ),
)

LIST_FORMS = (MAILMAN_3, MAILMAN_2, SYMPA, GOOGLE_GROUPS, LISTSERV, GROUPS_IO, YAHOO_GROUPS, ANY_PROGRAM)


def folded(text: str) -> str:
    """Lower case with single spaces: what the patterns of notices are searched in."""
    return " ".join(text.lower().split())


def _any_of(patterns: Iterable[str]) -> str:
    return "|".join(f"(?:{pattern})" for pattern in dict.fromkeys(patterns) if pattern)


LIST_MARKS = tuple(dict.fromkeys(name for form in LIST_FORMS for name in form.marks))
SENDER_HEADERS = tuple(dict.fromkeys(name for form in LIST_FORMS for name in form.sender_in))
NAME_HEADERS = tuple(
    dict.fromkeys(("X-Original-From", *(name for form in LIST_FORMS for name in form.name_in)))
)
FROM_TAIL = re.compile(rf" +(?:{_any_of(form.from_tail for form in LIST_FORMS)})$", re.IGNORECASE)
HELPERS = re.compile(_any_of(form.helpers for form in LIST_FORMS), re.IGNORECASE)
LIST_HELPERS = re.compile(rf"(?:{_any_of(form.list_helpers for form in LIST_FORMS)})$", re.IGNORECASE)
PEOPLE = re.compile(_any_of(form.people for form in LIST_FORMS), re.IGNORECASE)
FOOTERS = re.compile(
    _any_of(form.footer for form in LIST_FORMS if form is not MAILMAN_2 and form is not MAILMAN_3)
)
DIGEST_SUBJECTS = tuple(
    (
        re.compile(form.digest_subject, re.IGNORECASE),
        re.compile(form.digest_ruler or ANY_PROGRAM.digest_ruler),
    )
    for form in LIST_FORMS
    if form.digest_subject
)
NOTICES = tuple(
    (
        said.kind,
        re.compile(said.subject) if said.subject else None,
        re.compile(said.text) if said.text else None,
    )
    for form in LIST_FORMS
    for said in form.notices
)
