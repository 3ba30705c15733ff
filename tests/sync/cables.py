"""Camps joined by cables that take time, are cut in the middle of a frame's way, and count what passes
twice.
"""

from __future__ import annotations

import heapq
from collections import Counter
from itertools import count
from random import Random

from sync import bundle, frames
from sync.bundle import BundleClass
from sync.frames import BundleFrame
from sync.message import Kind, Message, compose
from sync.message import encode as encode_message
from tests.sync.camps import NOW_S, Camp, cable

LATENCY_S = 0.05


class Cables:
    """Camps and their cables, in virtual time. A cable keeps the order of its frames and loses none but by
    a cut.
    """

    def __init__(self, *names, seed=1, unsent_frames_max=64, **settings):
        self.camps = [Camp(name, **settings) for name in names]
        self.now = NOW_S
        self.random = Random(seed)
        self.unsent_frames_max = unsent_frames_max  # that leave in a step, as a socket lets them
        self.unsent = {}
        self.ends = {}  # (camp name, link name): (camp, other camp, the other end's link name)
        self.on_way = []
        self.order = count()
        self.bytes_of: Counter[int] = Counter()  # by frame type
        self.needless = 0  # bundles sent to a camp that held them when they left
        self.crossed = 0  # bundles that came to a camp that held them by then
        self.made = count()

    def join(self, a, b):
        made = next(self.made)
        for here, there in ((a, b), (b, a)):
            self.ends[here.name, f"{there.name}:{made}"] = (here, there, f"{here.name}:{made}")
            here.engine.add_link(cable(f"{there.name}:{made}", there.identity.key), self.now)

    def cut(self, a, b):
        for key, (here, there, back) in list(self.ends.items()):
            if {here, there} == {a, b}:
                del self.ends[key]
                self.unsent.pop(key, None)
                here.engine.drop_link(key[1])
                self.on_way = [entry for entry in self.on_way if entry[3] != (there.name, back)]
        heapq.heapify(self.on_way)

    def run(self, seconds, step=0.05):
        end = self.now + seconds
        while self.now < end:
            self._arrive()
            for (_, name), (here, there, back) in list(self.ends.items()):
                self._leave(here, name, there, back)
            self.now += step

    def _leave(self, here, name, there, back):
        unsent = self.unsent.setdefault((here.name, name), [])
        if not unsent:
            with here.store.transaction():
                unsent += here.engine.frames_to_send(name, self.now, float("inf"))
        leaving, unsent[:] = unsent[: self.unsent_frames_max], unsent[self.unsent_frames_max :]
        for data in leaving:
            self.bytes_of[data[0] & 0x0F] += len(data)
            self.needless += self._held(there, data)
            arrives = self.now + LATENCY_S
            heapq.heappush(self.on_way, (arrives, next(self.order), there, (there.name, back), data))

    def _arrive(self):
        while self.on_way and self.on_way[0][0] <= self.now:
            _, _, camp, (_, link), data = heapq.heappop(self.on_way)
            self.crossed += self._held(camp, data)
            with camp.store.transaction():
                camp.engine.receive_frame(data, link, self.now)

    def _held(self, camp, data):
        _, frame = frames.decode(data, camp.identity.network)
        if not isinstance(frame, BundleFrame):
            return False
        made = bundle.decode(frame.wire)
        ids = [made.id(key, camp.identity.network) for key in camp.store.keys_of(made.author)]
        return bool(camp.store.ids_stored(ids))


def stored(camp):
    return {bundle_id for (bundle_id,) in camp.store.connection.execute("SELECT id FROM bundles")}


def made_bundles(identity, how_many, hour, class_=BundleClass.POST):
    """Bundles of one post each."""
    said = (compose(Message(Kind.POST, bundle.seconds_of(hour) + n), f"post {n}") for n in range(how_many))
    return [bundle.seal(identity, hour, class_, [encode_message(message)]) for message in said]


def give(camp, identity, bundles, now=NOW_S):
    """A camp has these of somebody, as from a stick."""
    with camp.store.transaction():
        for each in bundles:
            camp.engine.import_bundle(each.wire, identity.key, now)
    while camp.store.unread():
        with camp.store.transaction():
            camp.engine.tick(now)
