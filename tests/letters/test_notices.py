"""What machines write: its kind, the post of ours it speaks of, and words without anybody's address."""

from pathlib import Path

import pytest

from sync.letters import NotForUs, Notice, OutgoingLetter, Why, letter_of, read_letters
from sync.letters.list_forms import NoticeKind
from sync.letters.marks import HEADER, mark_text, message_id_of, token
from tests.letters.reading import only

MAIL = Path(__file__).parent.parent / "data" / "mail"
ADDRESS = "camps@lists.example.org"
NAMES = ("camps", ADDRESS)
CAMP, OURS = b"campcamp", bytes(range(16))
OUR_ID = f"<{message_id_of(OURS)}>"
OUR_LETTER = (
    letter_of(
        OutgoingLetter(OURS, CAMP, "North", "", "general", "Ana", "Water at gate 4", False, 1_795_400_000),
        ADDRESS,
    )
    .decode()
    .replace("\r\n", "\n")
)


def read(raw: str, names: tuple[str, ...] = NAMES) -> Notice:
    (notice,) = read_letters(raw.encode(), names)
    assert isinstance(notice, Notice)
    return notice


def report(
    action: str, recipient: str = ADDRESS, returned: str = OUR_LETTER, kind: str = "message/rfc822"
) -> str:
    return (
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example (Mail Delivery System)\nMessage-ID: <b@mx.example>\n"
        "Subject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\n\n'
        f"--B\nContent-Type: text/plain\n\nI'm sorry. <{recipient}>: 550 5.1.1 unknown\n\n"
        "--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: 5.1.1\n"
        f"Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: Recipient address rejected\n\n"
        f"--B\nContent-Type: {kind}\n\n{returned}\n--B--\n"
    )


EXIM = f"""From: Mail Delivery System <Mailer-Daemon@mx.example>
To: camp@plaza.example
X-Failed-Recipients: {ADDRESS}
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender
Message-ID: <E1@mx.example>

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {ADDRESS}
    host mx.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<{ADDRESS}>:
    550 5.7.1 You are not a member

------ This is a copy of your message, including all the headers. ------

{OUR_LETTER}
"""

QMAIL = f"""Return-Path: <>
From: MAILER-DAEMON@mx.example
Subject: failure notice
Message-ID: <q@mx.example>

Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{ADDRESS}>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 no such list
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Return-Path: <camp@plaza.example>
{OUR_LETTER}
"""

GMAIL = f"""From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>
To: camp@plaza.example
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
In-Reply-To: {OUR_ID}
References: {OUR_ID}
X-Failed-Recipients: {ADDRESS}
Message-ID: <g@mail.example>

** Address not found **

Your message wasn't delivered to {ADDRESS} because the address couldn't be found.

550 5.1.1 The email account that you tried to reach does not exist.
"""

GOOGLE = f"""From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>
X-Failed-Recipients: {ADDRESS}
Subject: Delivery Status Notification (Failure)
References: {OUR_ID}
Message-ID: <g2@mail.example>

Hello camp@plaza.example,

We're writing to let you know that the group you tried to contact (camps) may not exist,
or you may not have permission to post messages to the group.
"""

SYMPA = """From: camps-request@lists.example.org
Subject: Your message has been rejected.
Message-ID: <s@lists.example.org>

Your message for list camps@lists.example.org
has been rejected by the moderator (mod@lists.example.org).

(Subject of your mail: [North] [general] Water at gate 4)
"""


@pytest.mark.parametrize(
    ("raw", "kind", "said", "ours"),
    [
        pytest.param(report("failed"), "bounce", "refused", True, id="Postfix"),
        pytest.param(
            report("failed", kind="text/rfc822-headers", returned=OUR_LETTER.partition("\n\n")[0]),
            "bounce",
            "refused",
            True,
            id="headers returned",
        ),
        pytest.param(
            report("failed", returned=f"From: a@b.example\n{HEADER}: {mark_text(CAMP, OURS)}\n\nx"),
            "bounce",
            "refused",
            True,
            id="our header returned",
        ),
        pytest.param(
            report("failed", returned=f"From: a@b.example\n\n{token(CAMP, OURS)}"),
            "bounce",
            "refused",
            True,
            id="our token returned",
        ),
        pytest.param(
            report("failed", "a.member@elsewhere.example"), "bounce", "", True, id="a member's server"
        ),
        pytest.param(report("delayed"), "other", "", True, id="delayed"),
        pytest.param(report("relayed"), "other", "", True, id="a success"),
        pytest.param(EXIM, "bounce", "refused", True, id="Exim"),
        pytest.param(QMAIL, "bounce", "refused", True, id="qmail"),
        pytest.param(GMAIL, "bounce", "refused", True, id="Gmail"),
        pytest.param(GOOGLE, "refused", "refused", True, id="Google Groups"),
        pytest.param(SYMPA, "refused", "refused", False, id="Sympa"),
        pytest.param(
            report("failed").replace("report-type=delivery-status", "report-type=disposition-notification"),
            "other",
            "",
            True,
            id="a read receipt",
        ),
        pytest.param(
            "Return-Path: <>\nFrom: Bo <bo@b.example>\nSubject: Out of office\nAuto-Submitted: auto-replied\n"
            f"In-Reply-To: {OUR_ID}\n\nI am away.\n",
            "vacation",
            "",
            True,
            id="away (RFC 3834)",
        ),
        pytest.param(
            "From: Bo <bo@b.example>\nSubject: Respuesta automática: fuera de la oficina\n"
            "X-Autoreply: yes\n\nVuelvo el lunes.\n",
            "vacation",
            "",
            False,
            id="away, in Spanish",
        ),
        pytest.param(
            "From: Bo <bo@b.example>\nAuto-Submitted: auto-replied\n"
            "Subject: Re: Your message to camps awaits moderator approval\n\nI am away\n",
            "vacation",
            "",
            False,
            id="away, quoting a hold notice",
        ),
        pytest.param(
            "From: LISTSERV@lists.example.org\nSubject: Message\n\nYour message dated Mon, 23 Nov 2026 with "
            f'subject "x" has been submitted to the moderator of the CAMPS list.\n{OUR_ID}\n',
            "held",
            "held",
            True,
            id="LISTSERV, held",
        ),
        pytest.param(
            "From: sympa@lists.example.org\nSubject: Message distribution\n\nYour message to the list "
            "'camps' has been forwarded to the moderator(s)\n",
            "held",
            "held",
            False,
            id="Sympa, held",
        ),
        pytest.param(
            "From: camps-request@lists.example.org\nSubject: Su mensaje a camps espera la aprobación del "
            "moderador\n\nx\n",
            "held",
            "held",
            False,
            id="held, in Spanish",
        ),
        pytest.param(
            "From: noreply@groups.io\nSubject: Message Rejected\n\nYour message was not approved by the "
            "moderators.\n",
            "refused",
            "refused",
            False,
            id="groups.io, refused",
        ),
        pytest.param(
            "From: noreply@groups.io\nSubject: Your Groups.io Account Is Bouncing\n\nHello\n",
            "other",
            "",
            False,
            id="groups.io, bouncing",
        ),
        pytest.param(
            "From: camps-confirm+0123456789abcdef@lists.example.org\n"
            "Subject: confirm 0123456789abcdef0123\n\nx\n",
            "confirmation",
            "",
            False,
            id="Mailman 2, confirm",
        ),
        pytest.param(
            "From: sympa@lists.example.org\nSubject: AUTH 1a2b3c4d ADD camps x@y.example\n\nx\n",
            "confirmation",
            "",
            False,
            id="Sympa, confirm",
        ),
        pytest.param(
            "From: mailman-owner@lists.example.org\n"
            "Subject: lists.example.org mailing list memberships reminder\n"
            "X-List-Administrivia: yes\n\npassword: hunter2\n",
            "other",
            "",
            False,
            id="Mailman 2, reminder",
        ),
    ],
)
def test_what_a_machine_says(raw, kind, said, ours):
    notice = read(raw)
    assert (notice.kind, notice.said) == (kind, said)
    assert notice.messages == ((OURS,) if ours else ())
    assert "@" not in notice.words.replace("[…@…]", "")


@pytest.mark.parametrize(
    ("subject", "text", "kind"),
    [
        ("Ihre Nachricht an camps@x wartet auf die Zustimmung der Moderation", "", "held"),
        ("Votre message à camps@x attend la validation d'un modérateur", "", "held"),
        ("Il tuo messaggio a camps@x attende l'approvazione del moderatore", "", "held"),
        ("A sua mensagem para camps@x aguarda aprovação do moderador", "", "held"),
        ("El seu missatge a camps@x s'espera l'aprovació de l'moderador", "", "held"),
        ("Uw bericht aan camps@x wacht op goedkeuring van een moderator", "", "held"),
        ('Anfrage an die Mailingliste "Camps" abgelehnt', "", "refused"),
        ("Demande à la liste de diffusion « Camps » rejetée", "", "refused"),
        ('La richiesta alla lista "Camps" è stata rifiutata', "", "refused"),
        ('Solicitação para a lista de discussão "Camps" rejeitada', "", "refused"),
        ("S'ha rebutjat la sol·licitud a la llista de correu «Camps»", "", "refused"),
        ('Verzoek aan maillijst "Camps" geweigerd', "", "refused"),
        (
            "[North] x",
            "Ihre Nachricht an die Mailingliste Camps wurde\nmit folgender Begründung abgelehnt",
            "refused",
        ),
        ("[North] x", "Votre message à destination de la liste de diffusion Camps a été rejeté", "refused"),
    ],
)
def test_notices_of_mailman_3_in_other_languages(subject, text, kind):
    notice = read(f"From: camps-bounces@lists.example.org\nSubject: {subject}\n\n{text}\n")
    assert (notice.kind, notice.said) == (kind, kind)


def real(name: str) -> Notice:
    raw = (MAIL / "mailman3" / f"{name}.eml").read_bytes()
    (notice,) = read_letters(raw, (f"{name}@lists.test",))
    assert isinstance(notice, Notice)
    return notice


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("held", NoticeKind.HELD, "The message comes from a moderated member"),
        ("held_es", NoticeKind.HELD, "El mensaje proviene de un miembro moderado"),
        ("refused", NoticeKind.REFUSED, '"We do not know you. Ask […@…]"'),
        ("refused_es", NoticeKind.REFUSED, '"We do not know you. Ask […@…]"'),
        ("refused_by_rule", NoticeKind.REFUSED, "The message comes from a moderated member"),
        ("refused_by_rule_es", NoticeKind.REFUSED, "El mensaje proviene de un miembro moderado"),
        ("welcome", NoticeKind.SUBSCRIPTION, 'Welcome to the "Plain" mailing list'),
        ("welcome_es", NoticeKind.SUBSCRIPTION, "Bienvenido a la lista de correo"),
        ("confirm", NoticeKind.CONFIRMATION, "Your confirmation is needed to join the […@…] mailing list."),
        ("commands", NoticeKind.OTHER, "The results of your email commands"),
    ],
)
def test_what_mailman_3_really_wrote(name, kind, words):
    notice = real(name)
    assert notice.kind == kind
    assert words in notice.words
    assert notice.said == {"held": "held", "refused": "refused"}.get(kind, "")


def test_a_refused_post_that_is_returned_is_known():
    assert real("refused_by_rule").messages == (b"z" * 16,)


@pytest.mark.parametrize(
    ("sender", "is_person"),
    [
        ("shop-owner@a.example", True),
        ("kitchen-admin@a.example", True),
        ("news-editor@a.example", True),
        ("camps-owner@lists.example.org", False),
        ("camps-admin@lists.example.org", False),
        ("camps-bounces+ana=a.example@lists.example.org", False),
        ("0a1b2c3d-dmarc-request@LISTS.EXAMPLE.ORG", True),
        ("noreply@town.example", True),
        ("MAILER-DAEMON@mx.example", False),
    ],
)
def test_people_with_addresses_like_a_machines(sender, is_person):
    raw = f"From: {sender}\nTo: {ADDRESS}\nList-Id: <camps.lists.example.org>\n"
    (piece,) = read_letters(f"{raw}List-Post: <mailto:{ADDRESS}>\nSubject: x\n\nwords\n".encode(), NAMES)
    assert isinstance(piece, Notice) is not is_person


def test_nobodys_address_without_a_list_is_a_machines():
    assert read("From: noreply@town.example\nSubject: Your account\n\nwords\n").kind == NoticeKind.OTHER


def test_what_the_list_distributes_is_no_word_of_the_list():
    raw = f"From: camps-bounces@lists.example.org\nList-Post: <mailto:{ADDRESS}>\n"
    raw += f"Subject: Your message to camps awaits moderator approval\n\n{token(CAMP, OURS)}\n"
    assert read(raw).said == ""


def test_a_person_who_speaks_of_a_hold_is_a_person():
    raw = f"From: Ana <a@a.example>\nTo: {ADDRESS}\n"
    raw += "Subject: Your message to camps awaits moderator approval\n\nIt does.\n"
    assert only(raw.encode(), NAMES).text == "It does."


def test_a_bounced_digest_names_the_digest():
    returned = (
        "From: a@b.example\nMessage-ID: <digest-0123456789abcdef0123456789abcdef@miccheck.invalid>\n\nx"
    )
    notice = read(report("failed", returned=returned))
    assert notice.digest == bytes.fromhex("0123456789abcdef0123456789abcdef")


def test_no_password_and_no_token_is_kept():
    raw = "From: camps-request@lists.example.org\nSubject: Posting refused\n\nYour message was rejected. "
    raw += "To cancel go to https://lists.example.org/confirm/camps/0123456789abcdef "
    raw += "or call +1 555 010 9999 with 0a1b2c3d4e5f.\n"
    words = read(raw).words
    assert "0123" not in words
    assert "0a1b" not in words
    assert "9999" not in words


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        ("bounce.eml", NoticeKind.BOUNCE),
        ("request.eml", NoticeKind.SUBSCRIPTION),
        ("vacation.eml", NoticeKind.VACATION),
        ("notice.eml", NoticeKind.HELD),
    ],
)
def test_the_old_samples(sample, kind):
    assert read((MAIL / sample).read_text()).kind == kind


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (
            f"From: Ana <a@a.example>\nTo: camp@plaza.example\nIn-Reply-To: {OUR_ID}\n"
            "Subject: Re: Water\n\nPrivately.\n",
            Why.PRIVATE,
        ),
        (
            "From: Ana <a@a.example>\nTo: others@b.example\nList-Id: <others.b.example>\n"
            "Subject: x\n\nOther list.\n",
            Why.ELSEWHERE,
        ),
        (
            "From: Camp <camp@plaza.example>\nMessage-ID: <trial-1a@miccheck.invalid>\n"
            "Subject: x\n\nTrial.\n",
            Why.TRIAL,
        ),
        ("From: Camp <camp@plaza.example>\nX-Miccheck-Trial: yes\nSubject: x\n\nTrial.\n", Why.TRIAL),
    ],
)
def test_what_did_not_come_through_the_list(raw, why):
    assert list(read_letters(raw.encode(), NAMES)) == [NotForUs(why)]


@pytest.mark.parametrize(
    ("head", "ours"),
    [
        ("To: old-list@elsewhere.example", True),
        ("To: x@elsewhere.example\nList-Id: <others.b.example>", True),
        ("To: Camp <CAMP@plaza.example>", False),
        (f"To: x@elsewhere.example\nIn-Reply-To: {OUR_ID}", False),
    ],
)
def test_a_file_of_list_mail_is_the_lists(head, ours):
    raw = f"From: Ana <a@a.example>\n{head}\nSubject: x\n\nwords\n".encode()
    (piece,) = read_letters(raw, NAMES, ("camp@plaza.example",), archive=True)
    assert (piece != NotForUs(Why.PRIVATE)) is ours


@pytest.mark.parametrize(
    "head",
    [
        f"To: {ADDRESS}",
        f"To: somebody@x.example\nCc: Camps <{ADDRESS.upper()}>",
        f"To: somebody@x.example\nReply-To: {ADDRESS}",
        "To: somebody@x.example\nReturn-Path: <camps-bounces+x=y@lists.example.org>",
        "To: somebody@x.example\nList-Id: Camps <camps.old-host.example>",
        "To: somebody@x.example\nX-BeenThere: camps@old-host.example",
    ],
)
def test_what_came_through_the_list(head):
    assert only(f"From: Ana <a@a.example>\n{head}\nSubject: x\n\nwords\n".encode(), NAMES).text == "words"
