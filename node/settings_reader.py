"""Settings as they stand in a TOML table, checked word by word against a dataclass.

The fields of the dataclass are the words, its defaults the defaults, and the check in a field's metadata says
what is wrong with a value. Every error is one sentence with the place, the wrong word and what would do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from datetime import date
from typing import Any

from node.toml_lines import line_of
from radio.road_words import did_you_mean


class SettingsError(ValueError):
    """A setting is wrong: one sentence with the place, the wrong word and the valid ones.

    `word` is the word of the table that is to be changed, where it is one word; `clashes` says that it is
    right by itself, and not with the others.
    """

    def __init__(self, sentence: str, word: str = "", *, clashes: bool = False) -> None:
        super().__init__(sentence)
        self.word = word
        self.clashes = clashes


_TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    "str": ('a text in "quotes"', (str,)),
    "int": ("a whole number", (int,)),
    "float": ("a number", (int, float)),
    "bool": ("true or false", (bool,)),
    "tuple[str, ...]": ('a list of texts: ["one", "two"]', (list,)),
    "date | None": ("a day: 2026-11-23", (date, str)),
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value stands, to be named in an error."""

    text: str
    file: str
    variables: Mapping[tuple[str, int, str], str]

    def place(self, table: str, index: int = 0, key: str | None = None) -> str:
        """The file and line, or the variable of the environment."""
        variable = self.variables.get((table, index, key)) if key is not None else None
        if variable is not None:
            return f"environment variable {variable}"
        line = line_of(self.text, table, index, key)
        return f"{self.file} line {line}" if line else self.file


@dataclass(frozen=True, slots=True)
class Table:
    """One table that was found: where, and its words."""

    row: Mapping[str, object]
    name: str
    index: int
    source: Source

    def place(self, key: str | None = None) -> str:
        """Where it stands, or one of its words."""
        return self.source.place(self.name, self.index, key)

    def words(self, shape: type) -> dict[str, Any]:
        """The values of those words that `shape` has and the table says. Raises SettingsError."""
        return {
            each.name: _value(each, self.row[each.name], self.place(each.name), self.name)
            for each in fields(shape)
            if each.name in self.row
        }

    def lacks(self, shape: type) -> str | None:
        """The first word that `shape` needs and the table does not say."""
        needed = (each.name for each in fields(shape) if each.default is MISSING)
        return next((name for name in needed if name not in self.row), None)


def table_of(row: object, name: str, index: int, source: Source) -> Table:
    """The table in `row`. Raises SettingsError when it is none."""
    if not isinstance(row, dict):
        place = source.place(name, index)
        raise SettingsError(f"{place}: {name} is a table, write [{name}] on a line of its own")
    return Table(row, name, index, source)


def refuse_unknown(found: Iterable[tuple[str, str]], valid: Sequence[str], what: str, where: str) -> None:
    """Refuse the first of `found` (word and place) that is not `valid`."""
    for word, place in found:
        if word not in valid:
            hint = did_you_mean(word, valid)
            raise SettingsError(
                f'{place}: unknown {what} "{word}"{where}; valid are {", ".join(valid)}{hint}'
            )


def _value(key: Field[Any], value: object, place: str, table: str) -> Any:
    words, types = _TYPES[str(key.type)]
    items = value if isinstance(value, list) else []
    if type(value) not in types or not all(isinstance(item, str) for item in items):
        raise SettingsError(_is_wrong(key.name, value, place, table, f"valid is {words}"), key.name)
    if isinstance(value, list):
        value = tuple(value)
    elif key.type == "date | None" and isinstance(value, str):
        day = _day(value)
        if day is None:
            raise SettingsError(_is_wrong(key.name, value, place, table, f"valid is {words}"), key.name)
        return day
    check = key.metadata["check"]
    complaint = check(value) if check is not None else None
    if complaint is not None:
        raise SettingsError(_is_wrong(key.name, value, place, table, complaint), key.name)
    return float(value) if key.type == "float" and isinstance(value, int) else value


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _is_wrong(name: str, value: object, place: str, table: str, complaint: str) -> str:
    return f"{place}: {name} = {_shown(value)} in [{table}] is wrong: {complaint}"


# A password in an address is refused, and must not stand in a log for that.
_PASSWORD = re.compile(r"(://[^/@:]*:)[^@]*@")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)  # writes as TOML does, on one line
    text = _PASSWORD.sub(r"\1…@", text)
    return text if len(text) <= 60 else text[:57] + "..."


def from_words(value: str, kind: str) -> object:
    """A text as the value that a field of this type wants; itself, to be refused, where it is none."""
    try:
        match kind:
            case "int":
                return int(value)
            case "float":
                return float(value)
            case "bool":
                return {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)
            case "tuple[str, ...]":
                return [word.strip() for word in value.split(",") if word.strip()]
            case _:
                return value
    except ValueError:
        return value
