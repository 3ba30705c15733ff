"""How many bytes a text costs on the air, alone and in company.

The texts must be others than those the codecs were trained on; the project keeps forty beside its tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from node.bench.figures import Figure
from node.commands.price import cut_lengths
from sync.bundle import BundleClass, hour_of, seal
from sync.message import Kind, Message, compose, encode
from sync.signing import Identity
from sync.text import tidy

LETTERS = 140
TOGETHER = 4
ALONE_BYTES_MAX = 170
TOGETHER_BYTES_MAX = 110


def measure(texts: Sequence[str], identity: Identity, wall_s: float) -> list[Figure]:
    """The median frame of the texts, each cut at 140 letters.

    Together, the next four in order share a bundle: more than a radio's frame holds, so it leaves in two.
    Raises ValueError when there are fewer than four texts.
    """
    cut = [tidy(text)[:LETTERS] for text in texts]
    fours = [cut[at : at + TOGETHER] for at in range(0, len(cut) - TOGETHER + 1, TOGETHER)]
    if not fours:
        raise ValueError(f"{len(texts)} texts are too few: it takes {TOGETHER}")
    alone = [_frame_bytes([text], identity, wall_s) for text in cut]
    together = [_frame_bytes(four, identity, wall_s) / TOGETHER for four in fours]
    return [
        Figure(
            "frame_alone_bytes",
            f"a signed post of {LETTERS} letters alone, its whole frame (median of {len(alone)})",
            median(alone),
            "B",
            limit=ALONE_BYTES_MAX,
        ),
        Figure(
            "frame_of_four_bytes",
            f"the same, each of four in one bundle, its frames (median of {len(together)})",
            median(together),
            "B",
            limit=TOGETHER_BYTES_MAX,
        ),
        Figure("frame_alone_bytes_max", "the longest frame of one", max(alone), "B"),
    ]


def _frame_bytes(texts: Sequence[str], identity: Identity, wall_s: float) -> int:
    """The bytes of the frames that carry these texts as posts of one bundle, heads included."""
    posts = [Message(Kind.POST, int(wall_s), salt=number) for number in range(len(texts))]
    messages = [encode(compose(post, text)) for post, text in zip(posts, texts, strict=True)]
    return sum(cut_lengths(len(seal(identity, hour_of(wall_s), BundleClass.POST, messages).wire)))
