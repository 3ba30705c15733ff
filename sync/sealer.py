"""Own messages on their way into signed bundles (PROTOCOL.md §4.3).

A signature costs 64 bytes of air, so what is said within a minute shares one; a mic check does not wait. The
list of mic checks heard rides along. Alone for hours, nothing is sealed: it would only age.
"""

from __future__ import annotations

from random import Random

from sync import bundle
from sync.airtalk import AirTalk
from sync.bundle import BundleClass
from sync.events import BundleSealed
from sync.holdings import Holdings
from sync.links import Links
from sync.message import HERE, REFERENCE_BYTES_MAX, Kind, Message, MessageId
from sync.schedule import ALONE_S, Waiting
from sync.store.rows import WaitingMessage
from sync.views import Via

# A camp says which mic checks it heard in its next own bundle. Where few camps are about it makes one for it
# after four minutes; where many are, such bundles would be the traffic: 50 camps that each made one took
# 2,000 s of airtime for one mic check. Their number and what each costs both grow with the camps, so the wait
# does with their square; and they are chat, carried by repair. A new camp knows few others yet: how many
# there are is reckoned again when the wait is over (50 camps, the first mic check after a quarter of an hour:
# 40 bundles of echoes, and half an hour later all of the air was their repair).
ECHO_WAIT_S = 240.0
ECHO_CAMPS = 5
ECHO_PREFIX_BYTES = 4
# 128 echoes fill a reference; more mic checks than that in five minutes is nobody's truth.
ECHOES_MAX = REFERENCE_BYTES_MAX // ECHO_PREFIX_BYTES


class Sealer:
    """One camp's own messages that no bundle holds yet, and the echoes it owes. Times are engine time."""

    def __init__(self, holdings: Holdings, links: Links, random: Random) -> None:
        self._holdings = holdings
        self._random = random
        self._links = links
        self._echoes: list[bytes] = []
        self._echo_due = float("inf")
        self._echo_since = 0.0
        self._echo_part = 1.0  # of the wait, drawn: not all at once
        self._company_at: float | None = None
        self.reload()

    def reload(self) -> None:
        """Read again what waits in the store."""
        self._waiting = Waiting(self._holdings.store.waiting())

    def publish(self, message: Message, now: float, device: bytes | None = None) -> MessageId:
        """Store an own message and let it wait for a seal; see `Engine.publish`."""
        return self._publish(message, self._class_of(message), now, device)

    def _publish(
        self, message: Message, class_: BundleClass | None, now: float, device: bytes | None = None
    ) -> MessageId:
        self._holdings.changes += 1
        wall_s = self._holdings.hours.wall_s(now)
        message_id = self._holdings.store.add_own(message, class_, now, wall_s, device)
        if class_ is not None:
            self._waiting.add(self._holdings.store.waiting_message(message_id))
            hour = self._holdings.hours.hour(now)
            if class_ == BundleClass.ALERT and hour is not None:
                self._seal(class_, hour, now)
        return message_id

    def withdraw(self, message_id: MessageId) -> bool:
        """Never seal a message that still waits for it; False when it is sealed already."""
        self._holdings.changes += 1
        return self._waiting.withdraw(message_id)

    def owe_echo(self, message_id: MessageId, now: float) -> None:
        """A mic check of another camp was heard; say so soon."""
        if not self._echoes:
            self._echo_since, self._echo_part = now, self._random.uniform(0.5, 1.0)
            self._echo_due = now + self._echo_wait_s()
        if len(self._echoes) < ECHOES_MAX:
            self._echoes.append(message_id[:ECHO_PREFIX_BYTES])

    def meet(self, now: float) -> None:
        """Somebody is in earshot."""
        self._company_at = now

    def next_due(self) -> float:
        """When the first message or echo is to be sealed."""
        return min(self._waiting.next_due(), self._echo_due)

    def seal_due(self, hour: int, now: float) -> None:
        """Seal what is due in this hour."""
        if self._echo_due <= now:
            self._echo_due = self._echo_since + self._echo_wait_s()
        if self._echo_due <= now:
            self._seal(BundleClass.CHAT, hour, now)
        if self._may_seal(now):
            for class_ in self._waiting.due_classes(now):
                self._seal(class_, hour, now)

    def seal_all(self, hour: int, now: float) -> None:
        """Seal everything that waits."""
        for class_ in self._waiting.due_classes(float("inf")):
            self._seal(class_, hour, now)

    def _class_of(self, message: Message) -> BundleClass | None:
        """The class of the bundle it goes into; None: it stays here."""
        if message.kind == Kind.MIC_CHECK:
            return BundleClass.ALERT
        if message.kind != Kind.POST and message.channel != HERE:
            return BundleClass.POST
        rule = self._holdings.store.channel(message.channel)
        if rule is None:
            return BundleClass.POST
        return BundleClass(rule.class_) if rule.crosses else None

    def _may_seal(self, now: float) -> bool:
        """Alone for two hours, a seal would only age; it is made when somebody is heard."""
        if self._company_at is None:
            self._company_at = now
        return now - self._company_at < ALONE_S or any(not link.profile.broadcast for link in self._links)

    def _seal(self, class_: BundleClass, hour: int, now: float) -> None:
        if class_ == BundleClass.POST or self._echo_due <= now:
            self._say_echoes(class_, now)
        for part in self._waiting.take(class_):
            self._seal_part(class_, hour, part, now)

    def _seal_part(self, class_: BundleClass, hour: int, part: list[WaitingMessage], now: float) -> None:
        identity = self._holdings.identity
        sealed = bundle.seal(identity, hour, class_, [waiting.bytes for waiting in part])
        bundle_id = sealed.id(identity.key, self._holdings.network)
        ids = tuple(waiting.id for waiting in part)
        self._holdings.take_in(sealed, identity.key, bundle_id, Via.HERE, True, now)
        self._holdings.store.mark_sealed(bundle_id, ids, hour)
        self._holdings.tell(BundleSealed(bundle_id, ids))
        self._links.push(bundle_id, class_, now)

    def _echo_wait_s(self) -> float:
        talks = [link.talk for link in self._links if isinstance(link.talk, AirTalk)]
        camps = max([self._holdings.live.authors, *(talk.earshot.around() for talk in talks)])
        crowd = max(1.0, (camps / ECHO_CAMPS) ** 2)
        return ECHO_WAIT_S * crowd * self._echo_part

    def _say_echoes(self, class_: BundleClass, now: float) -> None:
        """The list of mic checks heard goes into the bundle that is being sealed."""
        self._echo_due = float("inf")
        if not self._echoes:
            return
        reference, self._echoes = b"".join(self._echoes), []
        second = int(self._holdings.hours.wall_s(now))
        self._publish(Message(kind=Kind.ECHO, second=second, reference=reference), class_, now)
