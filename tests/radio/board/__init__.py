"""A Meshtastic board that is none: firmware, ether, and the doors by which a computer reaches it.

It speaks the stream API with the protobufs of the package, and behaves as firmware 2.7 and 2.8 were measured
to behave. `with Bench() as bench` starts it in a thread of its own; whoever is tested may then be a loop, a
thread or another process.
"""

from tests.radio.board.bench import Bench, BoardOnBench
from tests.radio.board.ether import Aired, Ether
from tests.radio.board.firmware import Firmware

__all__ = ["Aired", "Bench", "BoardOnBench", "Ether", "Firmware"]
