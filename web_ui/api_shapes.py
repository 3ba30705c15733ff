"""The shapes of the interface for programs, as its OpenAPI description tells them and requests are read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

HEX_ID = r"^[0-9a-f]{32}$"
STAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"

MessageId = Annotated[str, Field(pattern=HEX_ID)]
Stamp = Annotated[str, Field(pattern=STAMP)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class NewMessage(_Shape):
    """A post. Without a session one is a camper."""

    channel: str = Field(max_length=100)
    text: str
    author: str = ""
    urgent: bool = False
    reply_to: MessageId | None = None


class Camp(_Shape):
    """A camp: 16 hex digits of its key's hash, and the name on its card."""

    id: str
    name: str


class Message(_Shape):
    """A message as people of this camp see it."""

    id: MessageId
    camp: Camp
    channel: str
    author: str
    text: str
    role: Literal["visitor", "camper", "liaison", "moderator", "coordinator", "list"]
    kind: str
    created: Stamp
    received: Stamp
    via: Literal["here", "radio", "ip", "list", "carried"]
    parent: MessageId | None
    urgent: bool
    state: Literal["held", "waiting", "sent", "neighbour", "refused", "retracted", "expired"]
    heard_by: list[str]
    echoes: int
    list: Literal["waiting", "held", "sent", "on_list", "refused"] | None


class Messages(_Shape):
    """Messages, oldest first by local receipt; `next` is the id to pass as `after`, null at the end."""

    messages: list[Message]
    next: MessageId | None


class Channel(_Shape):
    """A channel and its rules."""

    name: str
    speaks: Literal["anyone", "liaisons"]
    crosses: bool
    to_list: bool
    retention_days: int | None
    group: bool
    heard: bool
    about: str
    messages: int
    newest: Stamp | None


class Channels(_Shape):
    """All channels known here."""

    channels: list[Channel]


class CampOfBox(Camp):
    """This camp."""

    place: str


class Clock(_Shape):
    """Whether the node trusts its clock."""

    set: bool
    source: str


class Bundles(_Shape):
    """How many bundles are offered to neighbours, and kept."""

    live: int
    history: int


class Letters(_Shape):
    """Letters to the mailing lists."""

    waiting: int
    sent: int


class Airtime(_Shape):
    """What a radio does to the air: shares of an hour, but `busy`, which is of the last minute.

    `used` was sent; `limit` is the most this camp takes, its last part (`for_alerts`) for mic checks only;
    `law` is what the law of the region leaves. All but mic checks wait for an `hour` that is used up, or for
    a `channel` that others use.
    """

    region: str
    preset: str
    used: float
    limit: float
    for_alerts: float
    law: float
    busy: float
    waits_for: Literal["hour", "channel", "firmware"] | None
    refused_s: int


class Link(_Shape):
    """A link to neighbours."""

    name: str
    kind: str
    state: str
    peer: str | None
    since: Stamp | None
    frames_in: int
    frames_out: int
    airtime: Airtime | None
    why: str | None


class MailingList(_Shape):
    """A mailing list this camp carries letters to."""

    name: str
    waiting: int
    sent: int
    taken_in: int
    left_out: int
    progress: str | None
    seconds_left: int | None
    error: str | None


class Internet(_Shape):
    """How far this box gets: in no network, in one without internet, with a page to log in to, or there."""

    state: Literal["unknown", "offline", "local", "portal", "online"]
    since: Stamp | None
    metered: bool


class Status(_Shape):
    """How the box is."""

    camp: CampOfBox
    version: str
    uptime_s: int
    clock: Clock
    messages: int
    held: int
    waiting: int
    bundles: Bundles
    camps: int
    letters: Letters
    store_bytes: int
    links: list[Link]
    lists: list[MailingList]
    internet: Internet
    refused: dict[str, int]


class Health(_Shape):
    """The box is up and its store can be read."""

    status: Literal["ok"]


class ProblemDocument(_Shape):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
