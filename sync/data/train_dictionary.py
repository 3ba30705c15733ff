"""Make the artefacts of the text codecs from the corpus: `python -m sync.data.train_dictionary [--check]`.

The same corpus gives the same bytes on every machine: integers only, no chance, ties broken by place.
After a change, copy the checksums printed into sync/codec.py. A released artefact never changes;
a better one gets a new codec number.
"""

from __future__ import annotations

import hashlib
import heapq
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from sync.data.train_model import model_from

HERE = Path(__file__).parent
CORPORA = ("corpus_en.txt", "corpus_es.txt")
WORD_LISTS = ("words_en.txt", "words_es.txt")

# zlib looks back 32 KiB less 262 bytes; what lies further away than that is never found.
DICTIONARY_BYTES_MAX = 32_000
# Pieces a line is judged by. Below 4 bytes a match costs more than its letters.
PIECE_BYTES = (4, 6, 8, 11)


def dictionary_from(lines: list[str]) -> bytes:
    """Preset dictionary for raw deflate: the lines that say most that others say too, the best one last.

    Greedy: each step takes the line with the most value per byte, where a piece is worth the number of
    *other* lines it occurs in, once.
    """
    raw = [line.encode() for line in lines]
    pieces = [_pieces(line) for line in raw]
    worth = {
        piece: count - 1 for piece, count in Counter(p for ps in pieces for p in ps).items() if count > 1
    }
    covered: set[bytes] = set()

    def score(place: int) -> int:
        fresh = sum(worth.get(piece, 0) for piece in pieces[place] if piece not in covered)
        return (fresh << 16) // (len(raw[place]) + 1)

    queue = [(-score(place), place) for place in range(len(raw))]
    heapq.heapify(queue)
    chosen: list[bytes] = []
    room = DICTIONARY_BYTES_MAX
    while queue:
        _, place = heapq.heappop(queue)
        # A score only ever sinks, so one that is still the best after counting again is the best.
        again = (-score(place), place)
        if queue and again > queue[0]:
            heapq.heappush(queue, again)
        elif len(raw[place]) < room:
            room -= len(raw[place]) + 1
            chosen.append(raw[place])
            covered |= pieces[place]
    return b"\n".join(reversed(chosen))


def _pieces(line: bytes) -> set[bytes]:
    return {line[i : i + size] for size in PIECE_BYTES for i in range(len(line) - size + 1)}


def corpus(names: Iterable[str] = CORPORA) -> list[str]:
    """The lines of the corpus files, in order."""
    return [line for name in names for line in (HERE / name).read_text("utf-8").splitlines() if line]


def words(names: Iterable[str] = WORD_LISTS) -> list[tuple[str, int]]:
    """The words of the word lists, each with the weight that begins its line."""
    rows = [line.split() for name in names for line in (HERE / name).read_text("utf-8").splitlines()]
    return [(word, int(weight)) for weight, *row in rows for word in row]


def train() -> dict[str, bytes]:
    """Every artefact by file name."""
    lines = corpus()
    return {"dictionary_1.bin": dictionary_from(lines), "model_2.bin": model_from(lines, words())}


def main(arguments: list[str]) -> int:
    """Write the artefacts, or with --check compare them: 1 when one differs, 2 for wrong usage."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m sync.data.train_dictionary [--check]\n")
        return 2
    differing = 0
    for name, data in train().items():
        path = HERE / name
        if not arguments:
            path.write_bytes(data)
        same = path.exists() and path.read_bytes() == data
        differing += not same
        checksum = hashlib.sha256(data).hexdigest()
        verdict = "same" if same else "DIFFERS"
        sys.stdout.write(f"{name} {len(data)} bytes {checksum} {verdict}\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
