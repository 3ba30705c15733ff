"""The words of a [[link]]: what each may say, how it is asked for on a page, and what would do instead.

A road's settings are a frozen dataclass whose fields are made by `word`. Whoever reads settings, a file or a
form, finds in the fields all there is to know; none of them knows a kind of road by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

# Texts, numbers and whole numbers: the types of words.
Value = str | float | int

# What is wrong with a value and what would do, to follow "is wrong: "; None when it is right.
Check = Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class RoadSettings:
    """What one [[link]] says besides its kind. Each kind has its own."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a [[link]]. `label` and `hint` are sentences of the catalogues (`for_people`)."""

    name: str
    type: str  # "str", "float" or "int"
    needed: bool
    default: Value
    label: str
    hint: str
    choices: tuple[str, ...]  # the only valid ones, where there are any


def for_people(sentence: str) -> str:
    """Put a sentence into the catalogues; the page says it in its reader's language."""
    return sentence


def word(
    default: Any = MISSING,
    check: Check | None = None,
    *,
    label: str,
    hint: str = "",
    choices: tuple[str, ...] = (),
) -> Any:
    """A field of a RoadSettings: needed without a default, one of `choices` where they are given."""
    check = one_of(*choices) if choices else check
    metadata = {"check": check, "label": label, "hint": hint, "choices": choices}
    return field(default=default, metadata=metadata)


def words_of(settings: type[RoadSettings]) -> tuple[Word, ...]:
    """The words of a kind, in their order."""
    return tuple(_word(each) for each in fields(settings))


def _word(each: Field[Any]) -> Word:
    needed = each.default is MISSING
    return Word(
        name=each.name,
        type=str(each.type),
        needed=needed,
        default=each.default if isinstance(each.default, Value) else "",
        label=each.metadata["label"],
        hint=each.metadata["hint"],
        choices=each.metadata["choices"],
    )


def one_of(*words: str) -> Check:
    """One of these words."""
    valid = ", ".join(f'"{each}"' for each in words)

    def check(value: str) -> str | None:
        return None if value in words else f"valid are {valid}{did_you_mean(value, words)}"

    return check


def one_number_of(*numbers: int) -> Check:
    """One of these numbers."""
    valid = ", ".join(str(each) for each in numbers)
    return lambda value: None if value in numbers else f"valid are {valid}"


def device_file(value: str) -> str | None:
    """A device of this box, by its whole path."""
    good = value.startswith("/") and value.isprintable()
    return None if good else 'valid is a device like "/dev/serial/by-id/…" or "/dev/ttyUSB0"'


def did_you_mean(value: str, valid: Sequence[str]) -> str:
    """The nearest of the valid words, to end a sentence with; empty when none is near."""
    near = difflib.get_close_matches(value, valid, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def between(low: float, high: float) -> Check:
    """A number of this range."""
    return lambda value: None if low <= value <= high else f"valid is {low:g} to {high:g}"


def page_address(value: str) -> str | None:
    """The address of a camp's page."""
    valid = 'valid is the neighbour\'s page address, "http://HOST:PORT" or "https://HOST:PORT"'
    try:
        parts = urlsplit(value)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return valid
    good = parts.scheme in ("http", "https") and is_host(parts.hostname or "") and has_port
    return None if good and parts.path in ("", "/") and not parts.query else valid


def host_and_port(what: str) -> Check:
    """A host and a port; `what` says whose."""

    def check(value: str) -> str | None:
        host, _, port = value.rpartition(":")
        return None if is_host(host) and is_port(port) else f'valid is {what}, "HOST:PORT"'

    return check


def is_host(value: str) -> bool:
    """Whether this can be a name or an address; of IPv6 also in brackets.

    What is longer than RFC 1035 §2.3.4 allows, 63 a label and 253 in all, no resolver is asked for.
    """
    labels = value.removesuffix(".").split(".")
    is_one_word = value.isprintable() and not set(value) & set(" /@")
    return is_one_word and len(value) <= 253 and all(0 < len(each) <= 63 for each in labels)


def is_port(value: str) -> bool:
    """Whether this is the number of a port."""
    return value.isascii() and value.isdecimal() and len(value) <= 5 and 0 < int(value) <= 65_535


def split_host(address: str) -> tuple[str, int]:
    """The host, without the brackets of IPv6, and the port of an address that `host_and_port` let pass."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
