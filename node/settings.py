"""Settings: `miccheck.toml` and `MICCHECK__TABLE__KEY`, read once, checked whole.

A wrong word in a settings file is found by somebody tired, far from a manual. So whatever is not known is
refused, with the line, the word, and the words that would do. The tables are the dataclasses below:
their fields are the keys, their defaults the defaults.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from node.mail_server import parse_smtp
from node.settings_reader import SettingsError, Source, Table, from_words, refuse_unknown, table_of
from radio.road_words import Check, RoadSettings, between, did_you_mean, one_of
from radio.roads import KINDS
from sync.signing import DEFAULT_NETWORK_WORD, NETWORK_WORD_BYTES_MAX
from sync.text import NICKNAME_BYTES_MAX, is_channel_name, tidy_name

ENVIRONMENT = "MICCHECK__"
LANGUAGES = ("en", "es")
DIRECTIONS = ("both", "out", "in")
# In `channels` of a list: all that leave the camp. A star can be no channel's name.
EVERY_CHANNEL = "*"
# One phone line of published contact; a card must fit a frame.
CONTACT_BYTES_MAX = 80
# Sixteen roads out of one box is more than anybody has antennas and cables for.
LINKS_MAX = 16
LISTS_MAX = 8
# A drill may run a day in nine seconds; faster than that the loop, not the engine, sets the pace.
SPEED_MAX = 10_000.0


def _line_of_text(bytes_max: int) -> Check:
    def check(value: str) -> str | None:
        if len(value.encode()) > bytes_max:
            return f"valid is one line of at most {bytes_max} bytes, this one has {len(value.encode())}"
        return (
            None
            if tidy_name(value) == unicodedata.normalize("NFC", value)
            else "valid is one line of plain text"
        )

    return check


def _name(value: str) -> str | None:
    return _line_of_text(NICKNAME_BYTES_MAX)(value) if value else "it must not be empty"


def _not_empty(value: str) -> str | None:
    return None if value else "it must not be empty"


def _network_word(value: str) -> str | None:
    if 0 < len(value.encode()) <= NETWORK_WORD_BYTES_MAX and value.isprintable():
        return None
    return f"valid is a word or sentence of 1 to {NETWORK_WORD_BYTES_MAX} bytes"


def _road(*kinds: str) -> Check:
    valid = " or ".join(f'"{kind}:PATH"' for kind in kinds)

    def check(value: str) -> str | None:
        kind, _, path = value.partition(":")
        return None if value == "" or (kind in kinds and path) else f"in this version valid is {valid}"

    return check


def _way_out(value: str) -> str | None:
    if value == "" or (value.startswith("maildir:") and value != "maildir:"):
        return None
    try:
        parse_smtp(value)
    except ValueError as error:
        return f'{error}, or "maildir:PATH"'
    return None


def _address(value: str) -> str | None:
    from sync.letters.outward import is_address  # most commands need no mail

    return None if not value or is_address(value) else "valid is an address like camps@lists.example.org"


def _channels(value: tuple[str, ...]) -> str | None:
    wrong = [name for name in value if name != EVERY_CHANNEL and not is_channel_name(name)]
    return f'"{wrong[0]}" cannot be the name of a channel' if wrong else None


def _key(default: Any = MISSING, check: Check | None = None) -> Any:
    return field(default=default, metadata={"check": check})


@dataclass(frozen=True, slots=True)
class Camp:
    """[camp]: who this camp is. `recovery`: a file that asks, by being there at start, for a new card."""

    name: str = _key("camp", _name)
    place: str = _key("", _line_of_text(NICKNAME_BYTES_MAX))
    contact: str = _key("", _line_of_text(CONTACT_BYTES_MAX))
    language: str = _key("en", one_of(*LANGUAGES))
    network: str = _key(DEFAULT_NETWORK_WORD, _network_word)
    admit: str = _key("network", one_of("network", "introduced"))
    recovery: str = _key("")


@dataclass(frozen=True, slots=True)
class Web:
    """[web]: where the pages are. Port 0 takes a free one and says which.

    `certificate` and `certificate_key` are PEM files, relative to HOME; without them the camp makes its own.
    """

    host: str = _key("0.0.0.0", _not_empty)
    port: int = _key(8080, between(0, 65_535))
    tls_port: int = _key(8443, between(0, 65_535))
    liaisons_on_http: bool = _key(False)
    certificate: str = _key("")
    certificate_key: str = _key("")


@dataclass(frozen=True, slots=True)
class Link:
    """[[link]]: a road to neighbours. `settings` are the words of its kind, from the table `radio.roads`.

    A link that is `stopped` stays in the settings and is not built.
    """

    kind: str
    settings: RoadSettings
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class _AnyLink:
    """The words that a [[link]] of any kind has."""

    kind: str = _key(check=one_of(*KINDS))
    stopped: bool = _key(False)


@dataclass(frozen=True, slots=True)
class MailingList:
    """[[list]]: a mailing list and how letters get there and back. Paths are relative to HOME.

    `sender` is the camp's own address on the list; unless given, the user of the outbox.
    """

    name: str = _key(check=_name)
    address: str = _key("", _address)
    outbox: str = _key("", _way_out)
    inbox: str = _key("", _road("maildir", "mbox"))
    channels: tuple[str, ...] = _key((), _channels)  # none: those marked "to the list"; "*": all
    direction: str = _key("both", one_of(*DIRECTIONS))
    sender: str = _key("", _address)
    password_file: str = _key("")


@dataclass(frozen=True, slots=True)
class Clockwork:
    """[clock], for drills: `speed` scales the engine's time only, `offset_s` shifts the wall clock."""

    speed: float = _key(1.0, between(0.001, SPEED_MAX))
    offset_s: float = _key(0.0, between(-4e9, 4e9))


@dataclass(frozen=True, slots=True)
class Quota:
    """[quota]: posts a device may make a minute; 0 is as many as it likes."""

    device_per_minute: int = _key(6, between(0, 10_000))


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. The field names are the table names."""

    camp: Camp = field(default_factory=Camp)
    web: Web = field(default_factory=Web)
    link: tuple[Link, ...] = ()
    list: tuple[MailingList, ...] = ()
    clock: Clockwork = field(default_factory=Clockwork)
    quota: Quota = field(default_factory=Quota)


_TABLES: dict[str, type] = {"camp": Camp, "web": Web, "clock": Clockwork, "quota": Quota}
_ARRAYS: dict[str, tuple[type, int]] = {"link": (Link, LINKS_MAX), "list": (MailingList, LISTS_MAX)}


def read_settings(file: Path, environment: Mapping[str, str]) -> Settings:
    """The settings in `file`, overruled by `environment`. Raises SettingsError with one sentence."""
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"{file}: {why}") from error
    return parse_settings(text, environment, file.name)


def parse_settings(text: str, environment: Mapping[str, str], file: str = "miccheck.toml") -> Settings:
    """The settings in `text`, overruled by `environment`. Raises SettingsError with one sentence."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not TOML: {error}") from error
    variables = _overrule(tree, environment)
    source = Source(text, file, variables)
    refuse_unknown([(word, source.place(word)) for word in tree], [*_TABLES, *_ARRAYS], "table", "")
    values: dict[str, Any] = {}
    for name, shape in _TABLES.items():
        values[name] = _read_table(shape, tree.get(name, {}), name, 0, source)
    for name, (shape, most) in _ARRAYS.items():
        rows = tree.get(name, [])
        if not isinstance(rows, list):
            raise SettingsError(
                f"{source.place(name)}: write [[{name}]] in double brackets; there may be several"
            )
        if len(rows) > most:
            raise SettingsError(f"{source.place(name, most)}: at most {most} [[{name}]] tables are valid")
        values[name] = tuple(_read_table(shape, row, name, index, source) for index, row in enumerate(rows))
    return Settings(**values)


def _read_table(shape: type, row: object, name: str, index: int, source: Source) -> Any:
    table = table_of(row, name, index, source)
    if shape is Link:
        return _read_link(table)
    valid = [each.name for each in fields(shape)]
    refuse_unknown([(word, table.place(word)) for word in table.row], valid, "word", f" in [{name}]")
    values = table.words(shape)
    lacking = table.lacks(shape)
    if lacking is not None:
        raise SettingsError(f'{table.place()}: [[{name}]] needs "{lacking}"', lacking)
    if shape is MailingList:
        _check_list(values, index, source)
    return shape(**values)


def _read_link(table: Table) -> Link:
    """A link has the words of its kind and no others."""
    if table.lacks(_AnyLink) is not None:
        raise SettingsError(f'{table.place()}: [[link]] needs "kind"', "kind")
    common = table.words(_AnyLink)
    kind = KINDS[common["kind"]]
    valid = [each.name for shape in (_AnyLink, kind.settings) for each in fields(shape)]
    for word in table.row:
        if word not in valid:
            hint = f"valid are {', '.join(valid)}{did_you_mean(word, valid)}"
            raise SettingsError(
                f'{table.place(word)}: a [[link]] of kind "{kind.name}" has no "{word}"; {hint}', word
            )
    lacking = table.lacks(kind.settings)
    if lacking is not None:
        raise SettingsError(f'{table.place()}: [[link]] of kind "{kind.name}" needs "{lacking}"', lacking)
    settings = kind.settings(**table.words(kind.settings))
    wrong = kind.wrong(settings)
    if wrong is not None:
        raise SettingsError(f"{table.place(wrong.word)}: {wrong.why}", wrong.word)
    return Link(kind.name, settings, common.get("stopped", False))


def _check_list(values: Mapping[str, Any], index: int, source: Source) -> None:
    """A mail server must be told to whom a letter goes; a maildir is read by somebody who knows."""
    if values.get("outbox", "").startswith("smtp:") and not values.get("address"):
        raise SettingsError(f'{source.place("list", index)}: a [[list]] with an SMTP outbox needs "address"')


def _overrule(tree: dict[str, Any], environment: Mapping[str, str]) -> dict[tuple[str, int, str], str]:
    """Write the variables into the tree; say which of them wrote what."""
    origins: dict[tuple[str, int, str], str] = {}
    for variable in sorted(name for name in environment if name.startswith(ENVIRONMENT)):
        table, *rest = variable.removeprefix(ENVIRONMENT).lower().split("__")
        if table in _TABLES and len(rest) == 1:
            row, index, shape = tree.setdefault(table, {}), 0, _TABLES[table]
        elif table in _ARRAYS and len(rest) == 2 and rest[0].isdecimal():
            index, shape = int(rest[0]), _ARRAYS[table][0]
            row = _row_of(tree, table, index, variable)
        else:
            words = [f"{ENVIRONMENT}{name.upper()}__KEY" for name in _TABLES]
            words += [f"{ENVIRONMENT}{name.upper()}__0__KEY" for name in _ARRAYS]
            raise SettingsError(
                f"environment variable {variable} names no setting; valid are {', '.join(words)}"
            )
        key = rest[-1]
        kinds = _types_of(shape)
        place = f"environment variable {variable}"
        refuse_unknown([(key, place)], list(kinds), "word", "")
        if isinstance(row, dict):  # otherwise the table is refused by name in a moment
            row[key] = from_words(environment[variable], kinds[key])
            origins[table, index, key] = variable
    return origins


def _types_of(shape: type) -> dict[str, str]:
    """The words of a table with their types; of a [[link]], those of all kinds."""
    shapes: Sequence[type] = (shape,)
    if shape is Link:
        shapes = (_AnyLink, *(kind.settings for kind in KINDS.values()))
    return {each.name: str(each.type) for one in shapes for each in fields(one)}


def _row_of(tree: dict[str, Any], table: str, index: int, variable: str) -> object:
    rows = tree.setdefault(table, [])
    if not isinstance(rows, list) or index > len(rows):
        raise SettingsError(f"environment variable {variable}: there is no [[{table}]] number {index} yet")
    if index == len(rows):
        rows.append({})
    return rows[index]
