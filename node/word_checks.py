"""The fields of a settings table, and what a text in one may be.

Shared by the tables of `node.settings` and those with a file of their own.
"""

from __future__ import annotations

import unicodedata
from dataclasses import MISSING, field
from typing import Any

from radio.road_words import Check
from sync.text import NICKNAME_BYTES_MAX, tidy_name


def key(default: Any = MISSING, check: Check | None = None) -> Any:
    """A word of a table: needed without a default."""
    return field(default=default, metadata={"check": check})


def line_of_text(bytes_max: int) -> Check:
    """One line of plain text, or nothing."""

    def check(value: str) -> str | None:
        if len(value.encode()) > bytes_max:
            return f"valid is one line of at most {bytes_max} bytes, this one has {len(value.encode())}"
        plain = tidy_name(value) == unicodedata.normalize("NFC", value)
        return None if plain else "valid is one line of plain text"

    return check


def a_name(value: str) -> str | None:
    """The name of a camp or a list."""
    return line_of_text(NICKNAME_BYTES_MAX)(value) if value else "it must not be empty"


def not_empty(value: str) -> str | None:
    """Any text."""
    return None if value else "it must not be empty"
