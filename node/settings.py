"""Settings: `miccheck.toml` and `MICCHECK__TABLE__KEY`, read once, checked whole.

A wrong word in a settings file is found by somebody tired, far from a manual. So whatever is not known is
refused, with the line, the word, and the words that would do. The tables are the dataclasses below:
their fields are the keys, their defaults the defaults.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from node.mail_server import parse_smtp
from node.toml_lines import line_of
from radio.airtime import PRESETS, preset_named
from radio.regions import DEFAULT_REGION, DEFAULT_SHARE, REGIONS, SHARE_MIN, region_named
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
# What Meshtastic radios are sold with.
DEFAULT_PRESET = "LONG_FAST"
# A drill may run a day in nine seconds; faster than that the loop, not the engine, sets the pace.
SPEED_MAX = 10_000.0

Check = Callable[[Any], str | None]


class SettingsError(ValueError):
    """A setting is wrong: one sentence with the place, the wrong word and the valid ones."""


def _one_of(*words: str) -> Check:
    valid = ", ".join(f'"{word}"' for word in words)

    def check(value: str) -> str | None:
        return None if value in words else f"valid are {valid}{_did_you_mean(value, words)}"

    return check


def _between(low: float, high: float) -> Check:
    return lambda value: None if low <= value <= high else f"valid is {low:g} to {high:g}"


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


def _page_address(value: str) -> str | None:
    valid = 'valid is the neighbour\'s page address, "http://HOST:PORT" or "https://HOST:PORT"'
    try:
        parts = urlsplit(value)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return valid
    good = parts.scheme in ("http", "https") and parts.hostname and has_port
    return None if good and parts.path in ("", "/") and not parts.query else valid


def _host_and_port(value: str) -> str | None:
    host, _, port = value.rpartition(":")
    good = host and port.isascii() and port.isdecimal() and 0 < int(port) <= 65_535
    return None if good else 'valid is the address that `miccheck air` printed, "HOST:PORT"'


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
    language: str = _key("en", _one_of(*LANGUAGES))
    network: str = _key(DEFAULT_NETWORK_WORD, _network_word)
    admit: str = _key("network", _one_of("network", "introduced"))
    recovery: str = _key("")


@dataclass(frozen=True, slots=True)
class Web:
    """[web]: where the pages are. Port 0 takes a free one and says which."""

    host: str = _key("0.0.0.0", _not_empty)
    port: int = _key(8080, _between(0, 65_535))
    tls_port: int = _key(8443, _between(0, 65_535))
    liaisons_on_http: bool = _key(False)


@dataclass(frozen=True, slots=True)
class Link:
    """[[link]]: a road to a neighbour. "ip" needs `url`; "air", a simulated radio for drills, `address`.

    `airtime_share`: how much of what the law of the region leaves a radio is used.
    """

    kind: str = _key(check=_one_of("ip", "air"))
    url: str = _key("", _page_address)
    address: str = _key("", _host_and_port)
    preset: str = _key(DEFAULT_PRESET, _one_of(*(preset.name for preset in PRESETS)))
    region: str = _key(DEFAULT_REGION, _one_of(*(region.name for region in REGIONS)))
    airtime_share: float = _key(DEFAULT_SHARE, _between(SHARE_MIN, 1.0))

    def host_and_port(self) -> tuple[str, int]:
        """The two parts of `address`."""
        host, _, port = self.address.rpartition(":")
        return host.strip("[]"), int(port)


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
    direction: str = _key("both", _one_of(*DIRECTIONS))
    sender: str = _key("", _address)
    password_file: str = _key("")


@dataclass(frozen=True, slots=True)
class Clockwork:
    """[clock], for drills: `speed` scales the engine's time only, `offset_s` shifts the wall clock."""

    speed: float = _key(1.0, _between(0.001, SPEED_MAX))
    offset_s: float = _key(0.0, _between(-4e9, 4e9))


@dataclass(frozen=True, slots=True)
class Quota:
    """[quota]: posts a device may make a minute; 0 is as many as it likes."""

    device_per_minute: int = _key(6, _between(0, 10_000))


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
# What a kind of link needs, and what else it may have.
_LINK_WORDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ip": ("url", ()),
    "air": ("address", ("preset", "region", "airtime_share")),
}
_TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    "str": ('a text in "quotes"', (str,)),
    "int": ("a whole number", (int,)),
    "float": ("a number", (int, float)),
    "bool": ("true or false", (bool,)),
    "tuple[str, ...]": ('a list of texts: ["one", "two"]', (list,)),
}


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a value stands, to be named in an error."""

    text: str
    file: str
    variables: Mapping[tuple[str, int, str], str]

    def place(self, table: str, index: int = 0, key: str | None = None) -> str:
        variable = self.variables.get((table, index, key)) if key is not None else None
        if variable is not None:
            return f"environment variable {variable}"
        line = line_of(self.text, table, index, key)
        return f"{self.file} line {line}" if line else self.file


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
    source = _Source(text, file, variables)
    _refuse_unknown([(word, source.place(word)) for word in tree], [*_TABLES, *_ARRAYS], "table", "")
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


def _read_table(shape: type, row: object, table: str, index: int, source: _Source) -> Any:
    if not isinstance(row, dict):
        raise SettingsError(
            f"{source.place(table, index)}: {table} is a table, write [{table}] on a line of its own"
        )
    known = fields(shape)
    names = [each.name for each in known]
    places = [(word, source.place(table, index, word)) for word in row]
    _refuse_unknown(places, names, "word", f" in [{table}]")
    values: dict[str, Any] = {}
    for each in known:
        if each.name in row:
            values[each.name] = _value(each, row[each.name], source.place(table, index, each.name), table)
        elif each.default is MISSING:
            raise SettingsError(f'{source.place(table, index)}: [[{table}]] needs "{each.name}"')
    if shape is Link:
        _check_link(values, index, source)
    if shape is MailingList:
        _check_list(values, index, source)
    return shape(**values)


def _check_link(values: Mapping[str, Any], index: int, source: _Source) -> None:
    """A link has the words of its kind and no others."""
    kind = values["kind"]
    needed, more = _LINK_WORDS[kind]
    if needed not in values:
        raise SettingsError(f'{source.place("link", index)}: [[link]] of kind "{kind}" needs "{needed}"')
    for word in values:
        if word not in ("kind", needed, *more):
            place = source.place("link", index, word)
            valid = ", ".join(("kind", needed, *more))
            raise SettingsError(f'{place}: a [[link]] of kind "{kind}" has no "{word}"; valid are {valid}')
    if "region" in values:
        preset = preset_named(values.get("preset", DEFAULT_PRESET))
        refusal = region_named(values["region"]).refusal(preset)
        if refusal:
            raise SettingsError(f"{source.place('link', index, 'region')}: {refusal}")


def _check_list(values: Mapping[str, Any], index: int, source: _Source) -> None:
    """A mail server must be told to whom a letter goes; a maildir is read by somebody who knows."""
    if values.get("outbox", "").startswith("smtp:") and not values.get("address"):
        raise SettingsError(f'{source.place("list", index)}: a [[list]] with an SMTP outbox needs "address"')


def _value(key: Field[Any], value: object, place: str, table: str) -> Any:
    words, types = _TYPES[str(key.type)]
    items = value if isinstance(value, list) else []
    if type(value) not in types or not all(isinstance(item, str) for item in items):
        raise SettingsError(f"{place}: {key.name} = {_shown(value)} in [{table}] is wrong: valid is {words}")
    if isinstance(value, list):
        value = tuple(value)
    check = key.metadata["check"]
    complaint = check(value) if check is not None else None
    if complaint is not None:
        raise SettingsError(f"{place}: {key.name} = {_shown(value)} in [{table}] is wrong: {complaint}")
    return float(value) if key.type == "float" and isinstance(value, int) else value


def _refuse_unknown(found: Iterable[tuple[str, str]], valid: Sequence[str], what: str, where: str) -> None:
    """Refuse the first of `found` (word and place) that is not `valid`."""
    for word, place in found:
        if word not in valid:
            hint = _did_you_mean(word, valid)
            raise SettingsError(
                f'{place}: unknown {what} "{word}"{where}; valid are {", ".join(valid)}{hint}'
            )


def _did_you_mean(word: str, valid: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, valid, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


# A password in an address is refused, and must not stand in a log for that.
_PASSWORD = re.compile(r"(://[^/@:]*:)[^@]*@")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)  # writes as TOML does, on one line
    text = _PASSWORD.sub(r"\1…@", text)
    return text if len(text) <= 60 else text[:57] + "..."


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
        kinds = {each.name: str(each.type) for each in fields(shape)}
        place = f"environment variable {variable}"
        _refuse_unknown([(key, place)], list(kinds), "word", "")
        if isinstance(row, dict):  # otherwise the table is refused by name in a moment
            row[key] = _from_words(environment[variable], kinds[key])
            origins[table, index, key] = variable
    return origins


def _row_of(tree: dict[str, Any], table: str, index: int, variable: str) -> object:
    rows = tree.setdefault(table, [])
    if not isinstance(rows, list) or index > len(rows):
        raise SettingsError(f"environment variable {variable}: there is no [[{table}]] number {index} yet")
    if index == len(rows):
        rows.append({})
    return rows[index]


def _from_words(value: str, kind: str) -> object:
    """A variable's text as the value its key wants; the text itself, to be refused, where it is none."""
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
