"""What camps tell each other about joining a mailing list: sealed registrations, and what became of them.

A registration is a box that only the list's owner opens (`sync.letters.joining` seals it); camps carry it and
speak of it by its id. These are the bytes of message kinds 11 and 12 (PROTOCOL.md §5.5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from sync.receipts import LIST_BYTES
from sync.reject import Reason, Reject
from sync.signing import digest

# One size for all, so that the length tells nothing. A bundle with it is three full frames of LoRa, as one
# with 400 would be; two frames would not hold the longest address there may be.
SEALED_BYTES = 512
# A clash needs 2^32 registrations; made on purpose it takes back the maker's own.
REGISTRATION_ID_BYTES = 8
_ID_DOMAIN = b"miccheck registration 1"
_STATE_BYTES = REGISTRATION_ID_BYTES + 1
# As many as fit one reference of 512 bytes.
STATES_MAX = 512 // _STATE_BYTES
# A refusal is one line on a phone, as every reason is.
WORDS_BYTES_MAX = 200


class JoinState(IntEnum):
    """What a camp that posts to a list says of a registration."""

    ASKED = 1  # the list's owner, or the list, was asked
    CONFIRMED = 2
    REFUSED = 3
    TOLD = 4  # it was withdrawn, and the owner was told
    WITHDRAWN = 5  # the owner says that it is off the list


@dataclass(frozen=True, slots=True)
class Said:
    """What a message of kind 11 says. Without its box it is a withdrawal."""

    list_digest: bytes
    id: bytes
    sealed: bytes | None
    withdrawn: bool


def registration_id(camp: bytes, sealed: bytes) -> bytes:
    """The 8 bytes by which camps speak of what the camp with this author id sealed."""
    return digest(_ID_DOMAIN + camp + sealed, REGISTRATION_ID_BYTES)


def read_registration(camp: bytes, reference: bytes, content: bytes) -> Said:
    """What the camp with this author id says in a message of kind 11. `Reject(SHAPE)` when it is none."""
    list_digest, named = reference[:LIST_BYTES], reference[LIST_BYTES:]
    if len(list_digest) < LIST_BYTES or len(named) not in (0, REGISTRATION_ID_BYTES):
        raise Reject(Reason.SHAPE)
    if not content and named:
        return Said(list_digest, named, None, True)
    id_ = registration_id(camp, content)
    if len(content) != SEALED_BYTES or named not in (b"", id_):
        raise Reject(Reason.SHAPE)
    return Said(list_digest, id_, content, bool(named))


def registration_reference(list_digest: bytes, withdrawn: bytes = b"") -> bytes:
    """The reference of kind 11; with the id of a registration it is withdrawn."""
    return list_digest + withdrawn


def read_states(reference: bytes) -> list[tuple[bytes, JoinState]]:
    """Of kind 12: the registrations it names, with their states.

    States of a later version and a part of a pair at the end are left out.
    """
    last = len(reference) - _STATE_BYTES
    pairs = [reference[at : at + _STATE_BYTES] for at in range(0, last + 1, _STATE_BYTES)]
    return [(pair[:-1], JoinState(pair[-1])) for pair in pairs if pair[-1] in _STATES]


def states_reference(states: Iterable[tuple[bytes, JoinState]]) -> bytes:
    """The reference of kind 12; at most STATES_MAX of them fit."""
    return b"".join(id_ + bytes([state]) for id_, state in states)


_STATES = frozenset(JoinState)
