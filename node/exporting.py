"""Bundles on their way out, into a file on a stick or piece by piece to a phone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from node.files import sync_folder
from sync.carried import HEAD, encode_record

# A piece of a download: few writes on a connection, and little memory.
PIECE_BYTES = 64 * 1024


def write_bundles(file: Path, bundles: Iterable[tuple[bytes, bytes]]) -> int:
    """Write a file of bundles; how many. Raises OSError, and then nothing of it is there.

    It is written beside, synced, then given its name: a stick pulled out too early holds no half file of it.
    """
    half = file.with_name(f".{file.name}.half")
    count = 0
    try:
        with half.open("wb") as out:
            out.write(HEAD)
            for key, wire in bundles:
                out.write(encode_record(key, wire))
                count += 1
            out.flush()
            os.fsync(out.fileno())
        half.rename(file)
        sync_folder(file.absolute().parent)
    except OSError:
        half.unlink(missing_ok=True)
        raise
    return count


def pieces(bundles: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """The same file in pieces of about PIECE_BYTES."""
    piece = bytearray(HEAD)
    for key, wire in bundles:
        piece += encode_record(key, wire)
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)
