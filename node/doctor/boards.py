"""Meshtastic boards: looked at, compared with what the camp needs, and set up after a person agreed.

What a board was set to is kept in HOME, because boards change: an app on somebody's phone, a new firmware, a
reset. Only one program may hold a board, so while the node runs its own words are all there is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from pathlib import Path

from node.clock import monotonic_s, pause
from node.doctor.finding import Finding, Patient, bad, ok, skip, warn
from node.files import write_secret
from radio.board import BoardError
from radio.board_search import NO_SERIAL_LINE, Nowhere, Place, SerialPlace, find
from radio.board_setup import (
    CHANNELS,
    FIRMWARE_MIN,
    NOT_ALLOWED,
    REBROADCAST_MODES,
    REGION_UNSET,
    SIGNATURES_DEFAULT,
    BoardChannel,
    BoardFacts,
    BoardWish,
    Change,
    changes,
    unusable,
)
from radio.roads import Meshtastic
from sync.signing import Network

# A board starts again after it was set up: an ESP32 takes 5 to 10 s, one with a full database longer.
RESTART_S = 60.0
LOOK_AGAIN_S = 2.0
# Of a channel's key: enough to see that it is another one, and nothing that opens the channel.
KEY_MARK_BYTES = 4
STATE = "boards.json"
# SHORT_FAST fits into every band of `radio.regions`.
_OTHER_PRESET = 'say a preset that is allowed there in its [[link]], preset = "SHORT_FAST", then --apply'


@dataclass(frozen=True, slots=True)
class Bench:
    """How boards are reached; to be exchanged in tests."""

    look: Callable[[Place], BoardFacts]
    apply: Callable[[Place, BoardWish, tuple[Change, ...]], None]


def real_bench() -> Bench:
    """Boards through the `meshtastic` package, which takes seconds to import on a Pi."""
    from radio import meshtastic_link

    return Bench(meshtastic_link.look, meshtastic_link.apply)


@dataclass(frozen=True, slots=True)
class Looked:
    """A board that could be looked at: what it is, what the camp wants, and what would change."""

    name: str
    place: Place
    wish: BoardWish
    facts: BoardFacts
    changes: tuple[Change, ...]


def examine(patient: Patient, bench: Callable[[], Bench] = real_bench) -> Iterator[Finding | Looked]:
    """Look at the board of each [[link]] of kind "meshtastic"; findings, and boards that could be set up."""
    for name, link in patient.named_links():
        if link.kind != "meshtastic" or link.stopped:
            continue
        check = f"board {name}"
        if patient.runs:
            yield skip(
                check, "the running node holds it, and only one program may; stop the node to look at it"
            )
            continue
        assert isinstance(link.settings, Meshtastic)
        place = find(link.settings.where)
        if isinstance(place, Nowhere):
            yield bad(check, place.why, "plug the board in, or name it in the settings: device or host")
            continue
        try:
            facts = bench().look(place)
        except BoardError as error:
            yield bad(check, str(error), _how_to_reach(place, str(error)))
            continue
        wish = link.settings.wish(Network(patient.settings.camp.network))
        looked = Looked(name, place, wish, facts, changes(facts, wish))
        yield from findings_of(patient, looked)
        yield looked


def _how_to_reach(place: Place, why: str) -> str:
    if why == NO_SERIAL_LINE:
        return "set device: ls /dev/serial/by-id"
    if isinstance(place, SerialPlace):
        return "end other programs that use it; look whether its USB cable carries data"
    return f"look whether host is its address, its Wi-Fi is on, and nothing keeps you from port {place.port}"


def findings_of(patient: Patient, looked: Looked) -> Iterator[Finding]:
    """How a board is, what would be changed, and what only a person can see to."""
    check, facts = f"board {looked.name}", looked.facts
    if facts.version < FIRMWARE_MIN:
        wanted = ".".join(map(str, FIRMWARE_MIN))
        do = f"flash {wanted} or later: flasher.meshtastic.org"
        yield bad(check, f"its firmware is {facts.firmware or 'unknown'}", do)
    else:
        yield ok(
            check, f"firmware {facts.firmware}, {facts.region}, {facts.preset or 'no preset'}, {facts.role}"
        )
    for change in looked.changes:
        yield bad(check, f"would change: {change.sentence}", "miccheck doctor --apply")
    why = _in_the_way(facts, looked.wish)
    if why:
        yield bad(check, why, _what_to_do(why, facts))
    if facts.is_managed:
        yield bad(check, "it is managed from afar: what is changed here it ignores", "end that with its app")
    yield from _frequency(check, facts)
    drift = [
        f"{name} was {was}, is {now}"
        for name, was, now in _drift(_kept(patient, looked.place), _marks(facts))
    ]
    if drift:
        says = f"since the doctor set it up: {'; '.join(drift)}"
        yield warn(check, says, "if nobody here did that, look who has the board's app; then --apply")


def _in_the_way(facts: BoardFacts, wish: BoardWish) -> str:
    """What keeps the board from serving even when all is changed that we may change: a person's to say."""
    ours = BoardChannel(CHANNELS - 1, wish.channel.name, wish.channel.key)
    then = replace(
        facts,
        region=wish.region or facts.region,
        preset=wish.preset or facts.preset,
        transmits=True,
        rebroadcast=REBROADCAST_MODES[0],
        signatures=SIGNATURES_DEFAULT,
        channels=(*facts.channels, ours),
    )
    return unusable(then, wish)


def _what_to_do(why: str, facts: BoardFacts) -> str:
    if why == NOT_ALLOWED:
        return _OTHER_PRESET
    if facts.region == REGION_UNSET:
        return 'say in its [[link]] where the radio is, region = "EU_868" or another, then --apply'
    return "set it with the board's own app"


def check_lawful(looked: Looked) -> None:
    """Refuse to set up a board that would then have a preset its region forbids. Raises BoardError."""
    if _in_the_way(looked.facts, looked.wish) == NOT_ALLOWED:
        raise BoardError(f"{NOT_ALLOWED} Nothing was changed: {_OTHER_PRESET}")


def _frequency(check: str, facts: BoardFacts) -> Iterator[Finding]:
    """Boards with the same preset still miss each other on other frequency slots of it."""
    primary = next((each.name for each in facts.channels if each.is_primary), "")
    if facts.frequency_slot:
        says = f"it is set to frequency slot {facts.frequency_slot}"
    elif primary:
        says = f"its frequency follows from the name of its primary channel, {primary}"
    else:
        return
    yield warn(check, says, "have the same on the boards of all camps, or they do not hear each other")


def set_up(patient: Patient, looked: Looked, bench: Callable[[], Bench] = real_bench) -> Looked:
    """Make the changes, wait for the start, keep what the board is then. Raises BoardError, OSError."""
    if looked.changes:
        bench().apply(looked.place, looked.wish, looked.changes)
    facts = _look_again(looked, bench)
    rest = changes(facts, looked.wish)
    if rest:
        raise BoardError(f"it did not take this: {rest[0].sentence}")
    keep(patient, looked.place, facts)
    return replace(looked, facts=facts, changes=())


def _look_again(looked: Looked, bench: Callable[[], Bench]) -> BoardFacts:
    """The board after its start. It may be gone for a while, or answer once more before it goes."""
    if not looked.changes:
        return looked.facts
    until_s = monotonic_s() + RESTART_S
    while True:
        pause(LOOK_AGAIN_S)
        try:
            facts = bench().look(looked.place)
        except BoardError:
            if monotonic_s() > until_s:
                raise
            continue
        if not changes(facts, looked.wish) or monotonic_s() > until_s:
            return facts


def keep(patient: Patient, place: Place, facts: BoardFacts) -> None:
    """Keep in HOME what a board was set to. Raises OSError."""
    file = patient.home.folder / STATE
    boards = _read(file)
    boards[_address(place)] = _marks(facts)
    write_secret(file, json.dumps(boards, indent=1).encode())


def _address(place: Place) -> str:
    """By what a board is known again: its lasting device name, or where it is in the network."""
    return str(place.path) if isinstance(place, SerialPlace) else f"{place.host}:{place.port}"


def _kept(patient: Patient, place: Place) -> dict[str, object]:
    kept = _read(patient.home.folder / STATE).get(_address(place))
    return kept if isinstance(kept, dict) else {}


def _read(file: Path) -> dict[str, object]:
    try:
        boards = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return boards if isinstance(boards, dict) else {}


def _marks(facts: BoardFacts) -> dict[str, object]:
    """What is kept of a board: everything it says of itself, of keys only a mark."""
    marks: dict[str, object] = {
        each.name: getattr(facts, each.name) for each in fields(facts) if each.name != "channels"
    }
    for channel in facts.channels:
        mark = blake2b(channel.key, digest_size=KEY_MARK_BYTES).hexdigest()
        marks[f"channel {channel.index}"] = f"{channel.name or 'the default'} (key {mark})"
    return marks


def _drift(kept: dict[str, object], now: dict[str, object]) -> Iterator[tuple[str, object, object]]:
    """What is not as it was kept: name, before, now. Nothing where nothing was kept."""
    for name in sorted({*kept, *now}) if kept else ():
        before, after = kept.get(name, "not there"), now.get(name, "not there")
        if before != after:
            yield name, before, after
