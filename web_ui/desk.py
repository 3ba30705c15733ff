"""What the pages need of the node behind them.

`node` implements `Desk`; tests implement it without threads. The pages know no store, engine or clock of
their own: orders go through `do`, reading through a read-only `Reader` of the calling thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sync.actions import Action, Actor, Outcome
from sync.reading import Reader
from sync.views import Count

if TYPE_CHECKING:
    from web_ui.carry_desk import CarryDesk
    from web_ui.join_desk import JoinDesk
    from web_ui.mail_desk import MailDesk
    from web_ui.road_desk import RoadDesk


@dataclass(frozen=True, slots=True)
class ClockView:
    """Whether the node trusts its clock, and a word for where the time comes from."""

    is_set: bool
    source: str


@dataclass(frozen=True, slots=True)
class AirtimeView:
    """What a radio does to the air: shares of an hour, but `busy`, which is of the last minute."""

    region: str
    preset: str
    used: float  # sent within the last hour
    limit: float  # the most this camp takes
    for_alerts: float  # the last part of `limit`
    law: float  # what the law leaves; 1 where it says nothing
    busy: float  # in which the radio sent or heard somebody
    waits_for: str | None = None  # "hour", "channel" or "firmware": what all but mic checks wait for
    refused_s: float = 0.0  # for so long the radio takes nothing more, by its own word


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link to neighbours.

    `state` is one of searching, talking, lost, unplugged, refused, stopped, broken. `why` is a sentence of
    the catalogues where it can be, of English where not, or empty.
    """

    name: str
    kind: str
    state: str
    peer: str | None  # the neighbour's camp name, where there is one
    since_s: float | None  # Unix time of the last change of state
    frames_in: int
    frames_out: int
    airtime: AirtimeView | None = None  # of a radio
    why: str = ""


@dataclass(frozen=True, slots=True)
class ListView:
    """A mailing list this camp carries letters to. `error` is a sentence for the coordinator, or empty."""

    name: str
    waiting: int
    sent: int
    error: str
    taken_in: int = 0  # letters of the list that were passed on
    left_out: int = 0  # letters that were too many for the air
    progress: str = ""  # in English: "12 of 340 letters, 4 min at this speed"; empty when nothing goes
    seconds_left: float | None = None  # until what waits has left, at the speed of now; None: nobody knows
    done: int = 0  # letters that left since they began to go
    total: int = 0  # and with those that wait; 0: nothing goes


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What the camp's settings say about its pages. A port of 0 is one that is not served."""

    languages: tuple[str, ...] = ("en", "es")
    default_language: str = "en"
    http_port: int = 8080
    tls_port: int = 8443
    liaisons_on_http: bool = False
    introduced_only: bool = False  # what `camp.admit` says, until a coordinator says otherwise


class Desk(Protocol):
    """The node, as its pages see it. Everything but `do` and `set_clock` may be called in any thread."""

    async def do(self, action: Action, actor: Actor) -> Outcome:
        """Carry out an order and answer after its commit. Raises `sync.actions.Refused`."""

    def session_used(self, token: str) -> None:
        """Note, without waiting, that the session of this token is in use (`Board.session_used`)."""

    def reader(self) -> Reader:
        """The reader of the calling thread."""

    def wall_s(self) -> float:
        """Unix time as the node believes it to be."""

    def full_since_s(self) -> float | None:
        """Since when (Unix) the disk takes nothing more; None while it does."""

    def clock(self) -> ClockView:
        """Whether that belief has a ground."""

    async def set_clock(self, unix_s: float, actor: Actor) -> None:
        """Take the time of a person's phone."""

    def links(self) -> tuple[LinkView, ...]:
        """The links to neighbours, in the order of the settings."""

    def carrying(self) -> CarryDesk:
        """Bundles in and out by file and stick."""

    def roads(self) -> RoadDesk:
        """The links of the settings, to be changed by a coordinator."""

    def mail(self) -> MailDesk:
        """Letters to mailing lists: what waits, and how they leave."""

    def joining(self) -> JoinDesk:
        """Mailing lists that people can be registered for."""

    def list_views(self) -> tuple[ListView, ...]:
        """The mailing lists, in the order of the settings."""

    def form_key(self) -> bytes:
        """The secret under which form tokens are signed; at least 32 bytes."""

    def device_hash(self, cookie: str) -> bytes:
        """The device cookie under today's key."""

    def address_hash(self, address: str) -> bytes:
        """An address under a key that only memory holds; for quotas."""

    def version(self) -> str:
        """The version of this software."""

    def uptime_s(self) -> float:
        """Seconds since the node started."""

    def refused_counts(self) -> tuple[Count, ...]:
        """What was refused from the air, counted by reason."""
