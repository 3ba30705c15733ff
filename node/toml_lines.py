"""On which line of a TOML file a key stands.

The standard library's reader keeps no line numbers, and an error without one sends people searching. This
looks for headers and keys the way people write them; inline tables and dotted keys are found by their
first word. It is only ever used to name a place in an error.
"""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*\[(\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*(\"[^\"]*\"|'[^']*'|[\w-]+)\s*[=.]")


def line_of(text: str, table: str, index: int = 0, key: str | None = None) -> int | None:
    """The line (from 1) of `key` in the `index`-th table of that name, or of the table's header."""
    here: str | None = None
    seen = -1
    header_line: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header is not None:
            here = _bare(header[2].partition(".")[0])
            seen += here == table
            if here == table and seen == index:
                header_line = number
                if key is None:
                    return number
            continue
        word = _KEY.match(line)
        if word is None:
            continue
        name = _bare(word[1])
        if here == table and seen == index and name == key:
            return number
        if here is None and name == table and header_line is None:
            header_line = number  # `table = {...}` or `table.key = ...` above the first header
    return header_line


def _bare(word: str) -> str:
    return word.strip().strip("\"'")
