"""What bundle frames were for, seen from outside: a first saying, a relay, or a repair; and which told nobody
anything. Repair and superfluous pushes are what a better policy would save, so a run says how much they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from radio.experiment.outcome import FrameKind
from radio.ledger import kind_of
from radio.simulated import Sent
from sync.padding import unpad
from sync.signing import SIGNATURE_BYTES

# Whoever passes a bundle on so soon after it came relays it; later it answers somebody.
RELAY_S = 30.0
OWN, RELAY, REPAIR, SUPERFLUOUS = "own", "relay", "repair", "superfluous"
_KINDS = ("bundle", "bundle with key")


class Uses:
    """Counts bundle frames by use. A bundle is known by its signature, the last bytes of its frame."""

    def __init__(self) -> None:
        self._had_since_s: defaultdict[bytes, dict[str, float]] = defaultdict(dict)
        self._said: set[tuple[bytes, str]] = set()
        self._frames: Counter[str] = Counter()
        self._ms: Counter[str] = Counter()

    def note(self, sent: Sent) -> None:
        """A frame left the air."""
        if kind_of(sent.frame) not in _KINDS:
            return
        bundle = unpad(sent.frame)[-SIGNATURE_BYTES:]
        had = self._had_since_s[bundle]
        uses = [self._use(sent, bundle, had)]
        new = [name for name in sent.heard_by() if name not in had]
        if not new:
            uses.append(SUPERFLUOUS)
        for use in uses:
            self._frames[use] += 1
            self._ms[use] += round(sent.airtime_ms)
        self._said.add((bundle, sent.sender))
        had.setdefault(sent.sender, sent.at_s)
        for name in new:
            had[name] = sent.at_s

    def all(self) -> tuple[FrameKind, ...]:
        """Own, relay, repair; and superfluous, which is part of those three."""
        return tuple(
            FrameKind(use, self._frames[use], self._ms[use] / 1_000)
            for use in (OWN, RELAY, REPAIR, SUPERFLUOUS)
        )

    def _use(self, sent: Sent, bundle: bytes, had: dict[str, float]) -> str:
        if not had:
            return OWN
        began_s = sent.at_s - sent.airtime_ms / 1_000
        is_first = (bundle, sent.sender) not in self._said
        is_soon = began_s - had.get(sent.sender, float("-inf")) <= RELAY_S
        return RELAY if is_first and is_soon else REPAIR
