"""Camps and bundles to measure with: many voices, as they come from neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from itertools import count
from random import Random

from sync import frames
from sync.bundle import BundleClass, hour_of, seal
from sync.frames import BundleFrame
from sync.link import LinkProfile
from sync.message import Kind, Message, compose, encode
from sync.signing import SEED_BYTES, Identity, Network
from sync.views import Via

# A cable takes frames of 40 kB, as the node's own links do; a radio takes what LoRa takes.
CABLE_MTU, RADIO_MTU = 40_960, 226


def camp_texts() -> list[str]:
    """Camp messages in two languages, from those the codecs were trained on."""
    voices = [
        resources.files("sync.data")
        .joinpath(f"corpus_{language}.txt")
        .read_text(encoding="utf-8")
        .splitlines()
        for language in ("en", "es")
    ]
    return [text for pair in zip(*voices, strict=False) for text in pair if text]


def camps(how_many: int, random: Random, network: Network | None = None) -> list[Identity]:
    """Camps with keys of their own."""
    return [Identity(random.randbytes(SEED_BYTES), network) for _ in range(how_many)]


def posts(texts: Sequence[str], wall_s: float) -> Iterator[bytes]:
    """Encoded posts without end, no two the same, the texts in turn."""
    for number in count():
        post = Message(Kind.POST, int(wall_s) - number % 3_600, salt=number // 3_600 % 256, nickname="ana")
        yield encode(compose(post, texts[number % len(texts)]))


def bundle_frame(camp: Identity, messages: Sequence[bytes], wall_s: float) -> bytes:
    """The frame by which a camp hands a bundle of posts on over a cable: with its key."""
    sealed = seal(camp, hour_of(wall_s), BundleClass.POST, messages)
    return frames.encode(BundleFrame(sealed.wire, camp.key), camp.network, camp.author)


def radio(name: str) -> LinkProfile:
    """A broadcast link: what comes over it is rationed, for anybody may send."""
    return LinkProfile(name, RADIO_MTU, _airtime_ms, broadcast=True)


def cable(name: str, peer: bytes) -> LinkProfile:
    """A point-to-point link to a camp that proved this key."""
    return LinkProfile(name, CABLE_MTU, lambda _: 0.0, broadcast=False, via=Via.IP, peer=peer)


def _airtime_ms(payload_bytes: int) -> float:
    return 500.0 + 8.0 * payload_bytes  # about LongFast
