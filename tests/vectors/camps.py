"""Who speaks in the vectors, and when: fixed, so that the same bytes come out on every machine."""

from sync import bundle
from sync.signing import Identity, Network

NORTH = Identity(bytes(range(32)))
SOUTH = Identity(bytes(range(32, 64)))
CLOSED = Identity(bytes(range(32)), Network("agua clara"))
NOW_S = 1_795_000_000
HOUR = bundle.hour_of(NOW_S)
