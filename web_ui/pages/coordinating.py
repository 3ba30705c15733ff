"""The coordinators' pages: cards and sessions, camps, channels and groups, the hotline card, dead keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import APIRouter, Response

from sync.actions import (
    Action,
    BuryCamp,
    CardMade,
    CloseSession,
    MakeCard,
    MakeGroup,
    PinCamp,
    Refused,
    RevokeCard,
    SetAdmission,
    SetChannel,
    SetHotline,
    UnpinCamp,
)
from sync.board.camps import ADMIT
from sync.board.moderating import RETENTION_DAYS_MAX
from sync.message import HERE, LETTERS, Role
from sync.reading import Reader
from web_ui.excerpts import rows_that_fit
from web_ui.pages.about import words_of_camp
from web_ui.visit import NOT_HERE, Here, Page, Sorry, Visit
from web_ui.words import REFUSED, mark, status_of
from web_ui.writing import fields_of

router = APIRouter(include_in_schema=False)

# A camp has a dozen cards; of more, those that were revoked go first from the page, then the oldest.
CARDS_SHOWN = 30
SESSIONS_SHOWN = 30
CAMPS_SHOWN = 25
CHANNELS_SHOWN = 30
# A row with its form and token, packed.
FORM_BYTES = 120
CARD_WRONG = mark("Choose a role; a day reads 2026-12-31, and is not over yet.")
DAYS_WRONG = mark("Days are a whole number from 1 to 3650; empty keeps messages.")
ROLES = {role.word: role for role in (Role.LIAISON, Role.MODERATOR, Role.COORDINATOR)}

Builder = Callable[[Visit, Reader, str, int, dict[str, str]], Page]


@router.get("/coordinator")
async def coordinator(visit: Here) -> Response:
    """What waits for a coordinator, and where everything is."""
    return await visit.page(lambda reader: _index(visit, reader))


def _index(visit: Visit, reader: Reader) -> Page:
    content = {
        "waiting": [camp for camp in reader.camps() if camp.waiting],
        "status": reader.status(),
        "letters_held": visit.site.desk.mail().count_held(),
    }
    return Page("coordinator.html", content)


@router.get("/coordinator/cards")
async def cards(visit: Here) -> Response:
    """Cards and the phones on which they are in use."""
    return await visit.page(lambda reader: _cards(visit, reader, "", 200, {}))


def _cards(visit: Visit, reader: Reader, sentence: str, status: int, kept: dict[str, str]) -> Page:
    now_s = visit.site.desk.wall_s()
    all_cards = sorted(reader.cards(), key=lambda card: (card.revoked is not None, -card.made))
    shown = rows_that_fit(all_cards[:CARDS_SHOWN], lambda card: card.name + card.revoked_why, FORM_BYTES)
    content = {
        "cards": shown,
        "more": len(all_cards) - len(shown),
        "sessions": reader.sessions()[:SESSIONS_SHOWN],
        "groups": [channel.name for channel in reader.channels() if channel.is_group and not channel.heard],
        "now_s": now_s,
        "sorry": sentence,
        "kept": kept,
    }
    return Page("cards.html", content, status)


@router.post("/coordinator/cards")
async def make_card(visit: Here) -> Response:
    """Make a card and show its code, this once."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    try:
        made = await visit.do(_card_order(visit, fields))
    except Refused as error:
        return await _again(visit, _cards, REFUSED[error.refusal], status_of(error.refusal), fields)
    except ValueError:
        return await _again(visit, _cards, CARD_WRONG, 422, fields)
    assert isinstance(made, CardMade)
    link = f"{visit.card_page_absolute()}/{made.secret}"
    from web_ui.qr import qr_svg  # segno is needed for this page only

    return await visit.show(Page("card_made.html", {"secret": made.secret, "link": link, "qr": qr_svg(link)}))


def _card_order(visit: Visit, fields: dict[str, str]) -> MakeCard:
    """The order in the form. Raises ValueError."""
    role = ROLES.get(fields.get("role", ""))
    if role is None:
        raise ValueError("no such role")
    until = fields.get("until", "")
    until_s = None
    if until and role is not Role.COORDINATOR:
        # To the end of that day everywhere: a card that ends in the morning is a surprise.
        day = datetime.strptime(until, "%Y-%m-%d").replace(tzinfo=UTC)
        until_s = int(day.timestamp()) + 36 * 3600
        if until_s <= visit.site.desk.wall_s():
            raise ValueError("that day is over")
    group = fields.get("group", "").strip() if role is Role.LIAISON else ""
    return MakeCard(role, group or None, fields.get("name", ""), until_s)


@router.post("/coordinator/cards/{card}/revoke")
async def revoke_card(visit: Here, card: str) -> Response:
    """End a card and its sessions."""
    fields = await fields_of(visit)
    return await _order(visit, fields, RevokeCard(_number(card), fields.get("why", "")), _cards, "cards")


@router.post("/coordinator/sessions/{session}/close")
async def close_session(visit: Here, session: str) -> Response:
    """End one session."""
    return await _order(visit, await fields_of(visit), CloseSession(_number(session)), _cards, "cards")


@router.get("/coordinator/camps")
async def camps(visit: Here) -> Response:
    """Other camps: who is vouched for, who waits, which keys are dead."""
    return await visit.page(lambda reader: _camps(visit, reader, "", 200, {}))


def _camps(visit: Visit, reader: Reader, sentence: str, status: int, kept: dict[str, str]) -> Page:
    known = reader.camps()
    others = [camp for camp in known if not camp.own]
    others.sort(key=lambda camp: (not camp.waiting, not camp.pinned, -(camp.heard or 0)))
    shown = rows_that_fit(others[:CAMPS_SHOWN], words_of_camp, FORM_BYTES)
    content = {
        "camps": shown,
        "more": len(others) - len(shown),
        "own_key": next(camp.key.hex() for camp in known if camp.own),
        "introduced_only": _introduced_only(visit, reader),
        "sorry": sentence,
        "kept": kept,
    }
    return Page("coordinator_camps.html", content, status)


def _introduced_only(visit: Visit, reader: Reader) -> bool:
    switch = reader.meta(ADMIT)
    return visit.site.settings.introduced_only if switch is None else switch == "introduced"


@router.post("/coordinator/pin")
async def pin(visit: Here) -> Response:
    """Vouch for a camp."""
    fields = await fields_of(visit)
    order = PinCamp(fields.get("camp", ""), introduce=fields.get("introduce", "") == "1")
    return await _order(visit, fields, order, _camps, "camps")


@router.post("/coordinator/unpin")
async def unpin(visit: Here) -> Response:
    """Stop vouching for a camp."""
    fields = await fields_of(visit)
    return await _order(visit, fields, UnpinCamp(fields.get("camp", "")), _camps, "camps")


@router.post("/coordinator/admission")
async def admission(visit: Here) -> Response:
    """Let every camp of the network in, or only those vouched for."""
    fields = await fields_of(visit)
    order = SetAdmission(fields.get("introduced_only", "") == "1")
    return await _order(visit, fields, order, _camps, "camps")


@router.post("/coordinator/farewell")
async def farewell(visit: Here) -> Response:
    """Make a dead-key letter known."""
    fields = await fields_of(visit)
    return await _order(visit, fields, BuryCamp(fields.get("letter", "")), _camps, "camps")


@router.get("/coordinator/channels")
async def channels(visit: Here) -> Response:
    """Channels and groups: who speaks, how long messages stay, whether they go to the list."""
    return await visit.page(lambda reader: _channels(visit, reader, "", 200, {}))


def _channels(visit: Visit, reader: Reader, sentence: str, status: int, kept: dict[str, str]) -> Page:
    ours = [channel for channel in reader.channels() if not channel.heard][:CHANNELS_SHOWN]
    content = {"channels": ours, "never_to_list": (HERE, LETTERS), "sorry": sentence, "kept": kept}
    return Page("coordinator_channels.html", content, status)


@router.post("/coordinator/channels")
async def set_channel(visit: Here) -> Response:
    """Change a channel."""
    fields = await fields_of(visit)
    days = fields.get("days", "").strip()
    if days and not _are_days(days):
        return await _again(visit, _channels, DAYS_WRONG, 422, fields)
    order = SetChannel(
        fields.get("channel", ""),
        quiet=fields.get("quiet", "") == "1",
        retention_days=int(days) if days else None,
        to_list=fields.get("to_list", "") == "1",
    )
    return await _order(visit, fields, order, _channels, "channels")


def _are_days(typed: str) -> bool:
    digits = typed.isascii() and typed.isdigit() and len(typed) <= 4
    return digits and 1 <= int(typed) <= RETENTION_DAYS_MAX


@router.post("/coordinator/groups")
async def make_group(visit: Here) -> Response:
    """Make a working group and its channel."""
    fields = await fields_of(visit)
    order = MakeGroup(fields.get("name", ""), fields.get("about", ""))
    return await _order(visit, fields, order, _channels, "channels")


@router.get("/coordinator/hotline")
async def hotline(visit: Here) -> Response:
    """The form of the medic and legal card."""
    return await visit.page(lambda reader: _hotline(visit, reader, "", 200, {}))


def _hotline(visit: Visit, reader: Reader, sentence: str, status: int, kept: dict[str, str]) -> Page:
    now = reader.hotline()
    text = kept.get("text", now.text if now is not None else "")
    return Page("coordinator_hotline.html", {"text": text, "sorry": sentence}, status)


@router.post("/coordinator/hotline")
async def set_hotline(visit: Here) -> Response:
    """Change the medic and legal card."""
    fields = await fields_of(visit)
    return await _order(visit, fields, SetHotline(fields.get("text", "")), _hotline, "hotline")


async def _order(
    visit: Visit, fields: dict[str, str], order: Action, builder: Builder, then: str
) -> Response:
    """Carry an order out and show the page it came from; refused, the same page with what was typed."""
    visit.use_token(fields.get("token", ""))
    try:
        await visit.do(order)
    except Refused as error:
        return await _again(visit, builder, REFUSED[error.refusal], status_of(error.refusal), fields)
    return visit.go(f"/coordinator/{then}")


async def _again(
    visit: Visit, builder: Builder, sentence: str, status: int, fields: dict[str, str]
) -> Response:
    return await visit.page(lambda reader: builder(visit, reader, sentence, status, fields))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise Sorry(404, NOT_HERE)
    return int(text)
