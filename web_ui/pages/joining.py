"""The page *Join the list*: a liaison asks the owner of a mailing list to add somebody, and takes it back.

By HTTPS only, for people with a card. The address is on the way once, from the form to the box it is sealed
in; a form that is refused comes back with it, and no page after that has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from fastapi import APIRouter, Response

from sync.actions import Actor, Refusal, Refused, Unregister
from sync.message import Role
from sync.reading import Reader
from sync.registrations import JoinState
from sync.store.registrations import OwnRegistration, StateSaid
from web_ui.forms import FormStale
from web_ui.join_desk import JoinFault, JoinForm, JoinRefused
from web_ui.problems import retry_after
from web_ui.visit import Here, Page, Visit
from web_ui.words import REFUSED, mark, status_of
from web_ui.writing import fields_of

router = APIRouter(include_in_schema=False)

JOIN = "/join"
# Tokens of this form answer no other.
JOIN_TOKEN = b"join "
# A page of a phone turned ten times, and of 10 kB; of more, the newest.
SHOWN_MAX = 25
UNPROCESSABLE = 422
STALE = mark("This form was open for long. Look at it once more and send it.")

FAULTS = {
    JoinFault.NO_LIST: mark("Choose a mailing list."),
    JoinFault.NO_ADDRESS: mark(
        "This is no e-mail address: it reads name@host, without spaces, as ana@example.org."
    ),
    JoinFault.NO_CONSENT: mark("Ask the person, and tick the box when they agree."),
    JoinFault.TOO_LONG: mark(
        "This is too long. A place has 120 letters, the others 48; fewer in some scripts."
    ),
    JoinFault.ALIAS_TELLS: mark(
        "The name for this page is not sealed: no e-mail address and no phone number in it, please."
    ),
}


class Word(StrEnum):
    """What became of a registration."""

    WAITING = "waiting"
    ASKED = "asked"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    OFF = "off"
    WITHDRAWING = "withdrawing"
    TOLD = "told"
    WITHDRAWN = "withdrawn"


WORDS = {
    Word.WAITING: mark("waiting for a camp that reaches the list's owner"),
    Word.ASKED: mark("the list's owner was asked"),
    Word.CONFIRMED: mark("confirmed: on the list"),
    Word.REFUSED: mark("refused by the list's owner"),
    Word.OFF: mark("taken off the list"),
    Word.WITHDRAWING: mark("withdrawing: the list's owner is being told"),
    Word.TOLD: mark("withdrawing: the list's owner was told"),
    Word.WITHDRAWN: mark("withdrawn"),
}


@dataclass(frozen=True, slots=True)
class RegistrationView:
    """A registration as its liaison sees it: never what is sealed. Times are Unix seconds."""

    number: int
    alias: str
    list: str
    word: Word
    why: str  # of a refusal
    by: bytes | None  # the key of the camp that says so
    made: int
    since: int

    @property
    def may_withdraw(self) -> bool:
        """Whether it can be taken back: any time, whatever anybody says of it."""
        return self.word not in (Word.WITHDRAWING, Word.TOLD, Word.WITHDRAWN)


def view_of(own: OwnRegistration) -> RegistrationView:
    """What became of a registration, from all that camps have said of it."""
    newest = {each.state: each for each in sorted(own.said, key=lambda said: (said.second, said.key))}
    word, said = _standing(newest) if own.withdrawn_s is None else _taken_back(newest, own.left)
    since = said.second if said is not None else own.made_s if own.withdrawn_s is None else own.withdrawn_s
    return RegistrationView(
        number=own.number,
        alias=own.alias,
        list=own.list,
        word=word,
        why=said.words if said is not None and word is Word.REFUSED else "",
        by=said.key if said is not None else None,
        made=own.made_s,
        since=since,
    )


def _standing(said: Mapping[JoinState, StateSaid]) -> tuple[Word, StateSaid | None]:
    """The owner's latest word, else that somebody was asked."""
    words = {
        JoinState.CONFIRMED: Word.CONFIRMED,
        JoinState.REFUSED: Word.REFUSED,
        JoinState.WITHDRAWN: Word.OFF,
    }
    decided = [each for state, each in said.items() if state in words]
    if decided:
        last = max(decided, key=lambda each: (each.second, each.state))
        return words[last.state], last
    asked = said.get(JoinState.ASKED)
    return (Word.ASKED, asked) if asked is not None else (Word.WAITING, None)


def _taken_back(said: Mapping[JoinState, StateSaid], left: Set[JoinState]) -> tuple[Word, StateSaid | None]:
    """Without anybody who was asked there is nobody to tell: it never left for the list.

    `left` is what was said since; who was told of what is off the list already has nothing left to do.
    """
    if left and JoinState.WITHDRAWN in said:
        return Word.WITHDRAWN, said[JoinState.WITHDRAWN]
    if left:
        return Word.TOLD, said[JoinState.TOLD]
    return (Word.WITHDRAWING if said else Word.WITHDRAWN), None


@router.get(JOIN)
async def join(visit: Here) -> Response:
    """The form, and what became of earlier ones."""
    kept = JoinForm(group=visit.actor.group or "")
    return await visit.page(lambda reader: _page(visit, reader, kept))


@router.post(JOIN)
async def register(visit: Here) -> Response:
    """Seal a registration and keep it; or the form again with everything that was typed."""
    fields = await fields_of(visit)
    form = JoinForm(
        list=fields.get("list", ""),
        address=fields.get("address", ""),
        place=fields.get("place", ""),
        group=fields.get("group", ""),
        alias=fields.get("alias", ""),
        consent=fields.get("consent", "") == "1",
    )
    try:
        token = visit.site.forms.read(fields.get("token", ""), visit.site.desk.wall_s(), visit.session_id)
        await visit.site.desk.joining().register(form, visit.actor, JOIN_TOKEN + token)
    except FormStale:
        return await _again(visit, form, STALE, UNPROCESSABLE)
    except JoinRefused as refused:
        return await _again(visit, form, FAULTS[refused.fault], UNPROCESSABLE, refused.field)
    except Refused as refused:
        wait_s = retry_after(refused) if status_of(refused.refusal) == 429 else None
        sentence, status = REFUSED[refused.refusal], status_of(refused.refusal)
        return await _again(visit, form, sentence, status, wait_s=wait_s)
    return visit.go(f"{JOIN}#registrations")


@router.post("/join/{number}/withdraw")
async def withdraw(visit: Here, number: str) -> Response:
    """Take a registration back."""
    visit.use_token((await fields_of(visit)).get("token", ""))
    # Ten digits are more registrations than people.
    if not number.isascii() or not number.isdecimal() or len(number) > 10:
        raise Refused(Refusal.NO_REGISTRATION)
    await visit.do(Unregister(int(number)))
    return visit.go(f"{JOIN}#registrations")


async def _again(
    visit: Visit, form: JoinForm, sentence: str, status: int, look_at: str = "", wait_s: int | None = None
) -> Response:
    return await visit.page(lambda reader: _page(visit, reader, form, sentence, status, look_at, wait_s))


def _page(
    visit: Visit,
    reader: Reader,
    kept: JoinForm,
    sentence: str = "",
    status: int = 200,
    look_at: str = "",
    wait_s: int | None = None,
) -> Page:
    own = [each for each in reader.registrations().all_own() if _may_see(each, visit.actor)]
    names = {camp.key: camp.name for camp in reader.camps()} if own else {}
    coordinates = visit.actor.role is Role.COORDINATOR
    content = {
        "lists": visit.site.desk.joining().lists(),
        "kept": kept,
        "sorry": sentence,
        "look_at": look_at,
        "registrations": [view_of(each) for each in own[:SHOWN_MAX]],
        "more": max(0, len(own) - SHOWN_MAX),
        "stuck": reader.registrations().letters_that_wait() if coordinates else [],
        "named": lambda key: names.get(key, ""),
        "word_of": lambda view: WORDS[view.word],
    }
    return Page("join.html", content, status, wait_s)


def _may_see(own: OwnRegistration, actor: Actor) -> bool:
    return actor.role is Role.COORDINATOR or (own.card is not None and own.card == actor.card)
