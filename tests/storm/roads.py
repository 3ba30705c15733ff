"""Camps with a radio and cables at once, in the virtual time of `radio.world`: what goes to whom."""

from __future__ import annotations

from collections import Counter
from functools import partial

from radio.world import World
from sync import air_frames, bundle
from sync.air_frames import AnswerFrame
from sync.bundle import BundleClass
from sync.frames import BundleFrame
from sync.link import LinkProfile
from sync.views import Via

LATENCY_S = 0.05


class Roads(World):
    """A world in which some camps are joined by cables as well."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.cables = {}  # (camp, link): (other camp, its link)
        self.needless = []  # (how, sender, receiver): a bundle left for who held it then
        self.crossed = 0
        self.idle = 0  # bundles on the air that everybody in earshot held, by whatever road
        self.sent: Counter[str] = Counter()  # bundles by road

    def join(self, one, other):
        for here, there in ((one, other), (other, one)):
            key = self.camps[there].identity.key
            profile = LinkProfile(
                f"cable-{there}", 40_960, lambda _: 0.0, broadcast=False, via=Via.IP, peer=key
            )
            self.cables[here, f"cable-{there}"] = (there, f"cable-{here}")
            self._turn(self.camps[here], lambda engine, profile=profile: engine.add_link(profile, self.now))

    def part(self, one, other):
        for here, there in ((one, other), (other, one)):
            self.cables.pop((here, f"cable-{there}"), None)
            self._turn(self.camps[here], lambda engine, there=there: engine.drop_link(f"cable-{there}"))

    def _turn(self, camp, work):
        outcome = super()._turn(camp, work)
        for (name, link), (there, back) in list(self.cables.items()):
            if name == camp.name and camp.engine is not None:
                with camp.store.transaction():
                    leaving = camp.engine.frames_to_send(link, self.now, float("inf"))
                for data in leaving:
                    self._leave(camp, there, data)
                    self.at(self.now + LATENCY_S, partial(self._arrive, there, back, data))
        return outcome

    def _leave(self, camp, there, data):
        made = self.bundle_in(camp, data)
        if made is not None:
            self.sent["cable"] += 1
            if self.holds(there, made):
                self.needless.append(("cable", camp.name, there))

    def _arrive(self, name, link, data):
        camp = self.camps[name]
        if (name, link) in self.cables:
            made = self.bundle_in(camp, data)
            self.crossed += made is not None and self.holds(name, made)
            self._turn(camp, lambda engine: engine.receive_frame(data, link, self.now))

    def _feed(self, camp):
        """What goes on the air, with everybody in earshot at the other end of a cable, was for nobody."""
        frame = camp.turns.next_frame()
        if frame is None:
            return
        made = self.bundle_in(camp, frame)
        if made is not None and made.class_ == BundleClass.ALERT:
            self.sent["alert"] += 1
        elif made is not None:
            self.sent["air"] += 1
            hearers = list(self.air.paths_from(camp.name))
            self.idle += all(self.holds(name, made) for name in hearers)
            if hearers and all((camp.name, f"cable-{name}") in self.cables for name in hearers):
                self.needless.append(("air", camp.name, ",".join(hearers)))
        self.air.offer(camp.name, frame, self.now)

    def bundle_in(self, camp, data):
        """The bundle that a frame carries whole."""
        frame = air_frames.decode(data, camp.identity.network)[1]
        return bundle.decode(frame.wire) if isinstance(frame, BundleFrame | AnswerFrame) else None

    def holds(self, name, made):
        """Whether a camp has this bundle stored."""
        camp = self.camps[name]
        ids = [made.id(key, camp.identity.network) for key in camp.store.keys_of(made.author)]
        return bool(camp.store.ids_stored(ids))
