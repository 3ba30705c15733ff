"""A registration sealed with given chance, so that its bytes can be written down (PROTOCOL.md §5.5)."""

from __future__ import annotations

from sync.letters.joining import entry_of, public_key_of, seal
from sync.receipts import list_digest
from sync.registrations import registration_id
from tests.vectors.camps import NORTH

LIST = "camps@lists.example.org"
LIST_DIGEST = list_digest(LIST)
SECRET = bytes(range(64, 96))
PUBLIC = public_key_of(SECRET)
ONE_TIME_SECRET = bytes(range(96, 128))
FIELDS = ("ana@example.org", "Plaça de Catalunya", "cuina")


def _chance(count: int) -> bytes:
    """The one-time secret, and padding that counts down."""
    return ONE_TIME_SECRET if count == len(ONE_TIME_SECRET) else bytes(255 - at % 256 for at in range(count))


ENTRY = entry_of(*FIELDS)
assert ENTRY is not None
SEALED = seal(ENTRY, NORTH.author, PUBLIC, _chance)


def joining_case() -> dict[str, object]:
    """All that goes in, and what comes out."""
    address, place, group = FIELDS
    return {
        "owner_secret": SECRET.hex(),
        "owner_key": PUBLIC.hex(),
        "list": LIST,
        "list_digest": LIST_DIGEST.hex(),
        "camp": NORTH.author.hex(),
        "address": address,
        "place": place,
        "group": group,
        "one_time_secret": ONE_TIME_SECRET.hex(),
        "padding": "ff fe fd … down to 00, and again",
        "box": SEALED.hex(),
        "id": registration_id(NORTH.author, SEALED).hex(),
    }
