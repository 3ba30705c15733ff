"""The [[link]] tables of `miccheck.toml`, changed by a program without touching what people wrote.

A settings file belongs to whoever looks after the box, with comments and an order of its own. So nothing is
written anew: a table is appended, or the lines of one table go, or one line of it changes; every other byte
stays. Whether the result says what was meant is checked by reading it: TOML can be written in ways that a
look at lines does not understand, and then the file is left alone.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from radio.road_words import Value

_HEADER = re.compile(r"\s*\[(\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_NOTHING = re.compile(r"\s*(?:#.*)?$")
_STOPPED = re.compile(r"\s*(?:stopped|\"stopped\"|'stopped')\s*=")


class CannotEdit(ValueError):
    """The file is written in a way that this room does not dare to change."""


def with_link(text: str, words: Mapping[str, Value]) -> str:
    """The text with one more [[link]] at its end. Raises CannotEdit."""
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = ["[[link]]", *(f"{word} = {_written(value)}" for word, value in words.items())]
    begun = text if not text or text.endswith("\n") else text + ending
    gap = ending if begun else ""
    links = [*_links(text), dict(words)]
    return _checked(text, begun + gap + ending.join(lines) + ending, links)


def without_link(text: str, index: int) -> str:
    """The text without the `index`-th [[link]]; comments in it stay. Raises CannotEdit."""
    lines = text.split("\n")
    first, behind = _lines_of(lines, index)
    kept = [line for line in lines[first + 1 : behind] if _NOTHING.match(line)]
    links = _links(text)
    return _checked(
        text, "\n".join(lines[:first] + kept + lines[behind:]), links[:index] + links[index + 1 :]
    )


def with_stopped(text: str, index: int, stopped: bool) -> str:
    """The text in which the `index`-th [[link]] is stopped, or is not. Raises CannotEdit."""
    lines = text.split("\n")
    first, behind = _lines_of(lines, index)
    inside = [line for line in lines[first + 1 : behind] if not _STOPPED.match(line)]
    if stopped:
        end = "\r" if lines[first].endswith("\r") else ""
        inside.insert(0, f"stopped = true{end}")
    links = _links(text)
    link = {word: value for word, value in links[index].items() if word != "stopped"}
    links[index] = link | ({"stopped": True} if stopped else {})
    return _checked(text, "\n".join([*lines[: first + 1], *inside, *lines[behind:]]), links)


def count_links(text: str) -> int:
    """How many [[link]] tables the file has. Raises CannotEdit when it is no TOML."""
    return len(_links(text))


def _lines_of(lines: list[str], index: int) -> tuple[int, int]:
    """Where the `index`-th [[link]] begins, and the next table behind it."""
    headers = [(n, match) for n, line in enumerate(lines) if (match := _HEADER.match(line))]
    links = [n for n, match in headers if match[1] and match[2].strip("\"'") == "link"]
    if index >= len(links):
        raise CannotEdit("the [[link]] tables are not written one below the other")
    behind = (n for n, _ in headers if n > links[index])
    return links[index], next(behind, len(lines))


def _links(text: str) -> list[dict[str, Any]]:
    try:
        links = tomllib.loads(text).get("link", [])
    except tomllib.TOMLDecodeError as error:
        raise CannotEdit(f"it is not TOML: {error}") from error
    if not isinstance(links, list) or not all(isinstance(link, dict) for link in links):
        raise CannotEdit("link is no array of tables")
    return links


def _checked(before: str, after: str, links: list[dict[str, Any]]) -> str:
    """`after`, if it says the same as `before` but for its links. Raises CannotEdit."""
    meant = tomllib.loads(before) | {"link": links}
    try:
        said = {"link": []} | tomllib.loads(after)
    except tomllib.TOMLDecodeError as error:
        raise CannotEdit(f"it would be no TOML: {error}") from error
    if said != meant:
        raise CannotEdit("it is written in a way that is changed better by hand")
    return after


def _written(value: Value) -> str:
    """A value as TOML writes it: of strings JSON's escapes, and of what JSON leaves, DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
