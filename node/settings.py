"""Settings: `miccheck.toml` and `MICCHECK__TABLE__KEY`, read once, checked whole.

A wrong word in a settings file is found by somebody tired, far from a manual. So whatever is not known is
refused, with the line, the word, and the words that would do. The tables are the dataclasses below:
their fields are the keys, their defaults the defaults.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from node.list_settings import MailingList, clash
from node.settings_reader import SettingsError, Source, Table, from_words, refuse_unknown, table_of
from node.word_checks import a_name, key, line_of_text, not_empty
from radio.road_words import RoadSettings, between, did_you_mean, is_host, one_of
from radio.roads import KINDS
from sync.signing import DEFAULT_NETWORK_WORD, NETWORK_WORD_BYTES_MAX
from sync.text import NICKNAME_BYTES_MAX

__all__ = ["MailingList", "Settings", "parse_settings", "read_settings"]

ENVIRONMENT = "MICCHECK__"
LANGUAGES = ("en", "es")
# One phone line of published contact; a card must fit a frame.
CONTACT_BYTES_MAX = 80
# Sixteen roads out of one box is more than anybody has antennas and cables for.
LINKS_MAX = 16
LISTS_MAX = 8
# A drill may run a day in nine seconds; faster than that the loop, not the engine, sets the pace.
SPEED_MAX = 10_000.0


def _network_word(value: str) -> str | None:
    if 0 < len(value.encode()) <= NETWORK_WORD_BYTES_MAX and value.isprintable():
        return None
    return f"valid is a word or sentence of 1 to {NETWORK_WORD_BYTES_MAX} bytes"


def _timezone(value: str) -> str | None:
    """A name of the time zone database. UTC needs none: a bare Debian has no tzdata."""
    if value == "UTC":
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of it
        known = sorted(available_timezones())
        lacking = "" if known else " (this box knows none but UTC: apt install tzdata)"
        return f'valid is a time zone like "Europe/Madrid" or "UTC"{lacking}{did_you_mean(value, known)}'
    return None


def _probe(value: str) -> str | None:
    """Plain HTTP: a captive portal can show itself in nothing else."""
    valid = 'valid is a page by plain HTTP whose answer is empty, "http://HOST/generate_204"'
    try:
        parts = urlsplit(value)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return valid
    good = parts.scheme == "http" and is_host(parts.hostname or "") and has_port and parts.username is None
    return None if not value or (good and value.isascii() and value.isprintable()) else valid


def _kind(value: str) -> str | None:
    return one_of(*KINDS)(value)


@dataclass(frozen=True, slots=True)
class Camp:
    """[camp]: who this camp is. `recovery`: a file that asks, by being there at start, for a new card."""

    name: str = key("camp", a_name)
    place: str = key("", line_of_text(NICKNAME_BYTES_MAX))
    contact: str = key("", line_of_text(CONTACT_BYTES_MAX))
    language: str = key("en", one_of(*LANGUAGES))
    network: str = key(DEFAULT_NETWORK_WORD, _network_word)
    admit: str = key("network", one_of("network", "introduced"))
    recovery: str = key("")
    timezone: str = key("UTC", _timezone)  # the hour beside UTC in letters


@dataclass(frozen=True, slots=True)
class Web:
    """[web]: where the pages are. Port 0 takes a free one and says which.

    `certificate` and `certificate_key` are PEM files, relative to HOME; without them the camp makes its own.
    """

    host: str = key("0.0.0.0", not_empty)
    port: int = key(8080, between(0, 65_535))
    tls_port: int = key(8443, between(0, 65_535))
    liaisons_on_http: bool = key(False)
    certificate: str = key("")
    certificate_key: str = key("")


@dataclass(frozen=True, slots=True)
class Lan:
    """[lan]: finding camps on the same hotspot or cable. Without `interfaces`, all that lead nowhere else."""

    discover: bool = key(True)
    interfaces: tuple[str, ...] = key(())


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

    kind: str = key(check=_kind)
    stopped: bool = key(False)


@dataclass(frozen=True, slots=True)
class Clockwork:
    """[clock], for drills: `speed` scales the engine's time only, `offset_s` shifts the wall clock."""

    speed: float = key(1.0, between(0.001, SPEED_MAX))
    offset_s: float = key(0.0, between(-4e9, 4e9))


@dataclass(frozen=True, slots=True)
class Quota:
    """[quota]: posts a device may make a minute; 0 is as many as it likes."""

    device_per_minute: int = key(6, between(0, 10_000))


@dataclass(frozen=True, slots=True)
class Internet:
    """[internet]: what the camp's way out is like. `metered`: every byte costs, or is slow.

    `check` is a page by plain HTTP that answers 204; it is asked only to tell a captive portal.
    """

    metered: bool = key(False)
    check: str = key("", _probe)


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. The field names are the table names."""

    camp: Camp = field(default_factory=Camp)
    web: Web = field(default_factory=Web)
    lan: Lan = field(default_factory=Lan)
    link: tuple[Link, ...] = ()
    list: tuple[MailingList, ...] = ()
    internet: Internet = field(default_factory=Internet)
    clock: Clockwork = field(default_factory=Clockwork)
    quota: Quota = field(default_factory=Quota)


_TABLES: dict[str, type] = {
    "camp": Camp,
    "web": Web,
    "lan": Lan,
    "internet": Internet,
    "clock": Clockwork,
    "quota": Quota,
}
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
    _check_lists(values["list"], source)
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
        _check_list(values, table)
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
        raise SettingsError(f"{table.place(wrong.word)}: {wrong.why}", wrong.word, clashes=True)
    return Link(kind.name, settings, common.get("stopped", False))


def _check_list(values: dict[str, Any], table: Table) -> None:
    found = clash(values)
    if found is not None:
        word, why = found
        raise SettingsError(f"{table.place(word or None)}: {why}", word, clashes=True)


def _check_lists(lists: Sequence[MailingList], source: Source) -> None:
    """What is stored of a list is stored under its name."""
    names = [each.name for each in lists]
    for index, name in enumerate(names):
        if name in names[:index]:
            place = source.place("list", index, "name")
            raise SettingsError(f'{place}: there is another [[list]] with name = "{name}"', "name")


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
