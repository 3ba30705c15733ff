"""How fast bundles are taken in: decode, verify, store, project, index; beside the bare verify rate.

`python -m tests.bench.store_rate` prints it. Both are measured in turns of a few milliseconds, so that
whatever else the machine does falls on both alike.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from nacl.signing import VerifyKey

from sync import bundle, message
from sync.bundle import BundleClass
from sync.message import Kind, Message
from sync.signing import Identity
from sync.store import Store
from sync.views import Via

GROUP = 100
_TEXTS = Path(__file__).parents[1] / "data" / "held_out.txt"


@dataclass(frozen=True, slots=True)
class StoreRate:
    """Bundles a second."""

    verified: float  # by bare PyNaCl
    stored: float  # decoded, verified, stored and committed in groups of 100

    @property
    def share(self) -> float:
        return self.stored / self.verified


def measure(folder: Path, bundles: int = 3_000) -> StoreRate:
    """Take single-message bundles of one camp into a board in `folder`."""
    camp, own = Identity(b"a" * 32), Identity(b"b" * 32)
    key = VerifyKey(camp.key)
    wires = _wires(camp, bundles)
    store = Store.open(folder / "board.sqlite3", own.key)
    received_s = float(bundle.seconds_of(5_000))
    verify_s = store_s = 0.0

    def verify(group: list[bytes]) -> None:
        for wire in group:
            key.verify(camp.network.bundle_input(camp.key, wire[:-64]), wire[-64:])

    def keep(group: list[bytes]) -> None:
        with store.transaction():
            for wire in group:
                made = bundle.decode(wire)
                assert made.verifies(camp.key, camp.network)
                made_id = made.id(camp.key, camp.network)
                store.add_bundle(made, camp.key, made_id, received_s, Via.RADIO, True)

    for start in range(0, bundles, GROUP):
        group = wires[start : start + GROUP]
        verify_s += _seconds(verify, group)
        store_s += _seconds(keep, group)
    store.close()
    return StoreRate(bundles / verify_s, bundles / store_s)


def _wires(camp: Identity, count: int) -> list[bytes]:
    texts = [line for line in _TEXTS.read_text().splitlines() if line]
    made: list[bytes] = []
    for n in range(count):
        said = Message(Kind.POST, bundle.seconds_of(5_000) + n, nickname="ana")
        said = message.compose(said, f"{texts[n % len(texts)][:135]} {n}")
        made.append(bundle.seal(camp, 5_000, BundleClass.POST, [message.encode(said)]).wire)
    return made


def _seconds(work: Callable[[list[bytes]], None], group: list[bytes]) -> float:
    begin = perf_counter()
    work(group)
    return perf_counter() - begin


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        rate = measure(Path(folder))
    print(f"verified {rate.verified:.0f}/s, stored {rate.stored:.0f}/s, share {rate.share:.2f}")
