"""Camps for engine tests: real engines and stores, cables that lose what a test says, and time by hand."""

from __future__ import annotations

from random import Random

from sync.engine import Engine, Limits
from sync.events import Event
from sync.link import LinkProfile
from sync.message import GENERAL, Kind, Message, Role, compose
from sync.signing import Identity, Network
from sync.store import Store
from sync.views import Via

NOW_S = 1_795_000_000.0


class Camp:
    """One camp: an engine over a store in memory (or in a file)."""

    def __init__(self, name, network=None, path=None, limits=None):
        self.name = name
        self.identity = Identity(name.encode().ljust(32, b"."), network or Network())
        self.path = path
        self.limits = limits or Limits()
        self.events: list[Event] = []
        self.open()

    def open(self):
        self.store = Store.open(self.path, self.identity.key)
        self.engine = Engine(self.identity, self.store, Random(self.name), self.limits)

    def restart(self):
        self.store.close()
        self.open()

    def post(self, text, now, channel=GENERAL, kind=Kind.POST):
        message = compose(Message(kind, int(now), channel=channel, role=Role.CAMPER), text)
        with self.store.transaction():
            return self.engine.publish(message, now)

    def shown(self):
        rows = self.store.connection.execute("SELECT text FROM messages WHERE shown = 1 ORDER BY seq")
        return [row[0] for row in rows]

    def live(self):
        return sorted(bundle.id for bundle in self.store.live_bundles())

    def counted(self, reason):
        query = "SELECT n FROM counters WHERE name = ?"
        return next(iter(self.store.connection.execute(query, (f"refused.{reason}",))), (0,))[0]


class Square:
    """Camps joined by cables (or by air all of them hear), driven by a clock the test winds."""

    def __init__(self, *names, now=NOW_S, seed=1, **settings):
        self.camps = [Camp(name, **settings) for name in names]
        self.now = now
        self.random = Random(seed)
        self.loss = 0.0
        self.doubled = 0.0
        self.ends: dict[str, tuple[Camp, Camp, str]] = {}
        self.sent = 0

    def join(self, a, b):
        for here, there in ((a, b), (b, a)):
            name = f"to-{there.name}"
            back = f"to-{here.name}"
            self.ends[f"{here.name}/{name}"] = (here, there, back)
            here.engine.add_link(cable(name, there.identity.key), self.now)

    def cut(self, a, b):
        for here, there in ((a, b), (b, a)):
            self.ends.pop(f"{here.name}/to-{there.name}", None)
            here.engine.drop_link(f"to-{there.name}")

    def restart(self, camp):
        camp.restart()
        for other in self.camps:
            if f"{camp.name}/to-{other.name}" in self.ends:
                self.cut(camp, other)
                self.join(camp, other)

    def settle(self):
        """Carry frames until nobody has any for this moment."""
        while self._carry_once():
            pass
        for camp in self.camps:
            while (event := camp.engine.next_event()) is not None:
                camp.events.append(event)

    def _carry_once(self):
        moved = False
        for key, (here, there, back) in list(self.ends.items()):
            with here.store.transaction():
                frames = here.engine.frames_to_send(key.split("/")[1], self.now, float("inf"))
            for frame in frames:
                moved = True
                self.sent += 1
                if self.random.random() < self.loss:
                    continue
                for _ in range(2 if self.random.random() < self.doubled else 1):
                    with there.store.transaction():
                        there.engine.receive_frame(frame, back, self.now)
        return moved

    def run(self, seconds, step=5.0):
        end = self.now + seconds
        while self.now < end:
            self.settle()
            self.now = min(end, self.now + step)
        self.settle()


def cable(name, peer):
    return LinkProfile(name, 40_960, lambda _: 0.0, broadcast=False, via=Via.IP, peer=peer)


def air(name="air"):
    return LinkProfile(name, 226, lambda n: 500.0 + 8.0 * n, broadcast=True)
