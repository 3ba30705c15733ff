"""What the engine tells the one who runs it. Never the content of a message, never an address."""

from __future__ import annotations

from dataclasses import dataclass

from sync.bundle import BundleId
from sync.message import MessageId
from sync.reject import Reason


@dataclass(frozen=True, slots=True)
class MessageArrived:
    """A message of another camp can be shown for the first time."""

    message: MessageId
    camp: bytes  # public key
    link: str
    urgent: bool


@dataclass(frozen=True, slots=True)
class BundleSealed:
    """Messages of this camp were signed and may leave as soon as this is committed."""

    bundle: BundleId
    messages: tuple[MessageId, ...]


@dataclass(frozen=True, slots=True)
class BundleSent:
    """A bundle of this camp was handed to a link for the first time."""

    bundle: BundleId
    link: str


@dataclass(frozen=True, slots=True)
class NeighbourHas:
    """A neighbour showed that it holds a bundle of this camp (a hint, unsigned)."""

    bundle: BundleId
    camp: bytes  # public key


@dataclass(frozen=True, slots=True)
class FrameRefused:
    """Bytes from a link were dropped."""

    link: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class CampWaiting:
    """A camp that is not admitted speaks. Shown to the coordinator."""

    camp: bytes  # public key


@dataclass(frozen=True, slots=True)
class KeyUsedElsewhere:
    """Something verified under this camp's own key was not made here: another box uses the key."""

    bundle: BundleId


@dataclass(frozen=True, slots=True)
class CampDead:
    """A farewell for this key is known: nothing of it is taken from now on."""

    camp: bytes  # public key


Event = (
    MessageArrived
    | BundleSealed
    | BundleSent
    | NeighbourHas
    | FrameRefused
    | CampWaiting
    | KeyUsedElsewhere
    | CampDead
)
