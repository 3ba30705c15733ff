"""A camp that lost its coordinators: a file on the boot partition asks for a new card at the next start.

Whoever can put a file there holds the box in their hands and could as well take it apart. The card is
written into the file, and the public log says that it was made.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

_LOG = logging.getLogger("miccheck")

# What we wrote ourselves must not ask again at the next start.
_ANSWER = "Mic Check coordinator card"


def recover(file: Path, make: Callable[[], tuple[int, str]], revoke: Callable[[int], None]) -> None:
    """Answer the file, if it is there and asks: `make` gives a card's number and code, `revoke` ends it."""
    try:
        with file.open("r+", encoding="utf-8", errors="replace") as paper:
            if paper.read(len(_ANSWER)) == _ANSWER:
                return
            card, code = make()
            try:
                _write(paper.fileno(), code)
            except OSError:
                revoke(card)
                raise
    except FileNotFoundError:
        return
    except OSError as error:
        _LOG.error("the recovery file cannot be written, so no card was made: %s", error.strerror)
        return
    _LOG.warning("a coordinator card was made because the recovery file asked for it")


def _write(descriptor: int, code: str) -> None:
    text = (
        f"{_ANSWER}\n\ncode: {code}\n\n"
        'Enter it on the page of the camp, under "I have a card". Then delete this file:\n'
        "whoever reads it is a coordinator. An empty file asks for another card.\n"
    )
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)
    os.fsync(descriptor)
