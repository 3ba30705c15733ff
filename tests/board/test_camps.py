"""Other camps: vouching, letting in, burying; groups and the hotline card; and what is said again."""

from random import Random

import pytest

from node.works import utc_offset_of
from sync import bundle, cbor
from sync.actions import (
    CONSOLE,
    Actor,
    BuryCamp,
    Done,
    MakeGroup,
    PinCamp,
    Refusal,
    ReleaseHeld,
    SetAdmission,
    SetHotline,
    UnpinCamp,
    WritePost,
)
from sync.board import Board, BoardLimits, CampSettings
from sync.bundle import BundleClass, hour_of
from sync.codec import pack, unpack
from sync.engine import Engine
from sync.farewell import write_letter
from sync.message import Kind, Message, Role, decode, encode
from sync.receipts import list_digest
from sync.signing import Identity
from sync.store import Wipe
from sync.views import Via
from tests.board.conftest import camper, make_camp

SOUTH, WEST, EAST = (Identity(bytes([n]) * 32) for n in (2, 3, 4))


def hear(camp, other: Identity, name: str) -> None:
    """Another camp's card arrives."""
    hour = hour_of(camp.wall_s)
    body = pack(cbor.encode([name, "", "", "", 0]))
    card = encode(Message(Kind.CARD, int(camp.wall_s), body=body, reference=other.key))
    sealed = bundle.seal(other, hour, BundleClass.POST, [card])
    with camp.store.transaction():
        camp.store.add_key(other.key, hour)
        id_ = sealed.id(other.key, other.network)
        camp.store.add_bundle(sealed, other.key, id_, camp.wall_s, Via.IP, True)


def bodies(camp, kind: Kind) -> list[bytes]:
    """Unpacked bodies of own messages of a kind that wait or waited for a seal."""
    rows = camp.store.connection.execute("SELECT bytes, second FROM own_messages ORDER BY seq")
    said = [decode(raw, second, local=True) for raw, second in rows]
    return [message.content for message in said if message.kind == kind]


# Pins ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        SOUTH.key.hex(),
        SOUTH.key.hex().upper(),
        SOUTH.author.hex(),
        f"  {SOUTH.author.hex()}\n",
        "Sur",
        " sUR ",
    ],
)
def test_a_camp_is_pinned_by_key_id_or_name(camp, typed):
    hear(camp, SOUTH, "Sur")
    assert camp.do(PinCamp(typed)) == Done(SOUTH.author.hex())
    assert camp.store.pins() == {SOUTH.key: True}
    assert camp.said(Kind.INTRODUCTION)[0][1] == SOUTH.key
    assert bodies(camp, Kind.INTRODUCTION) == [b"Sur"]
    camp.do(UnpinCamp(typed))
    assert camp.store.pins() == {}


def test_a_camp_never_heard_is_pinned_by_its_key(camp):
    camp.do(PinCamp(SOUTH.key.hex()))
    assert bodies(camp, Kind.INTRODUCTION) == [b""]
    camp.do(PinCamp(SOUTH.author.hex(), introduce=False))
    assert camp.store.pins() == {SOUTH.key: False}


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("", Refusal.NO_CAMP),
        (" \n", Refusal.NO_CAMP),
        ("Norte Grande", Refusal.NO_CAMP),
        ("0123456789abcdef", Refusal.NO_CAMP),
        ("ab" * 31, Refusal.NO_CAMP),
        ("x" * 1_000_000, Refusal.NO_CAMP),
        ("Plaza", Refusal.AMBIGUOUS),
    ],
)
@pytest.mark.parametrize("order", [PinCamp, UnpinCamp])
def test_camps_that_cannot_be_meant(camp, typed, refusal, order):
    hear(camp, SOUTH, "Plaza")
    hear(camp, WEST, "plaza")
    assert camp.refusal(order(typed)) == refusal


def test_whom_one_vouches_for_stands_in_the_log(camp):
    for order in (PinCamp, PinCamp, UnpinCamp):
        camp.do(order(SOUTH.key.hex()))
    assert camp.log()[-2:] == [("coordinator", "pin", ""), ("coordinator", "unpin", "")]


def test_nobody_vouches_for_oneself_or_the_dead(camp):
    camp.tick()
    for typed in (camp.identity.key.hex(), camp.identity.author.hex(), "Norte"):
        assert camp.refusal(PinCamp(typed)) == Refusal.OWN_CAMP
    camp.do(BuryCamp(write_letter(SOUTH, "Sur")))
    assert camp.refusal(PinCamp(SOUTH.key.hex())) == Refusal.KEY_DEAD
    assert camp.refusal(UnpinCamp(WEST.key.hex())) == Refusal.NO_CAMP


def test_sixteen_camps_are_introduced_and_more_are_pinned(camp):
    others = [Identity(bytes([100 + n]) * 32) for n in range(18)]
    for other in others:
        camp.do(PinCamp(other.key.hex()))
    assert len(camp.store.pins()) == 18
    assert len(camp.said(Kind.INTRODUCTION)) == 16
    camp.do(PinCamp(others[0].key.hex()))  # one of the sixteen, once more
    assert len(camp.said(Kind.INTRODUCTION)) == 17


def test_pinning_admits_at_once(camp):
    camp.do(SetAdmission(True))
    assert camp.refusal(SetAdmission(True)) == Refusal.DECIDED
    assert SOUTH.key not in camp.engine._admission
    camp.do(PinCamp(SOUTH.key.hex()))
    assert SOUTH.key in camp.engine._admission
    camp.do(UnpinCamp(SOUTH.key.hex()))
    assert SOUTH.key not in camp.engine._admission
    camp.do(SetAdmission(False))
    assert SOUTH.key in camp.engine._admission


# The dead -----------------------------------------------------------------------------------------


def test_a_buried_camp_is_dead_here_and_told_of(camp):
    camp.do(PinCamp(SOUTH.key.hex()))
    assert camp.do(BuryCamp(f"> {write_letter(SOUTH, 'Sur')}")) == Done(SOUTH.author.hex())
    assert camp.store.farewells() == {SOUTH.key}
    assert SOUTH.key not in camp.engine._admission
    assert camp.said(Kind.FAREWELL)[0][1] == SOUTH.key + SOUTH.sign_farewell()
    assert camp.refusal(BuryCamp(write_letter(SOUTH, "Sur"))) == Refusal.DECIDED


@pytest.mark.parametrize("letter", ["", "dear camp", "MC-AAAAA", "0" * 192, "x" * 1_000_000])
def test_what_is_no_letter_buries_nobody(camp, letter):
    assert camp.refusal(BuryCamp(letter)) == Refusal.BAD_LETTER


def test_a_camp_told_of_its_own_death_falls_silent_outside_and_lives_on_inside(camp):
    held = camp.post("wait", camper(), "announcements")
    camp.do(BuryCamp(write_letter(camp.identity, "Norte")))
    assert camp.said(Kind.FAREWELL)[0][1] == camp.identity.key + camp.identity.sign_farewell()
    for person in (camper(), CONSOLE):
        assert camp.refusal(WritePost("general", "hola"), person) == Refusal.OWN_KEY_DEAD
        assert not camp.post("soup is ready", person, "here").held
    assert camp.refusal(ReleaseHeld(held.message)) == Refusal.OWN_KEY_DEAD
    camp.tick()
    assert camp.said(Kind.CARD) == []


# Again and again ----------------------------------------------------------------------------------


def test_the_card_says_what_the_camp_wants_to_say():
    camp = make_camp(
        name=" Norte\n", place="Plaza", languages=("es", "en"), contact="canal 7" * 100, has_list=True
    )
    camp.tick()
    assert camp.said(Kind.CARD)[0][1] == camp.identity.key
    fields = cbor.decode(bodies(camp, Kind.CARD)[0])
    assert fields == ["Norte", "Plaza", "es en", ("canal 7" * 100)[:200], 1, 0, b""]
    assert camp.row("SELECT name, place, languages, has_list FROM camps") == ("Norte", "Plaza", "es en", 1)


def test_the_card_says_which_lists_and_what_time_it_is_there():
    lists = tuple(list_digest(f"list-{n}@example.org") for n in range(9))
    camp = make_camp(name="Norte", has_list=True, lists=lists, utc_offset=lambda wall_s: -180)
    camp.tick()
    card = cbor.decode(bodies(camp, Kind.CARD)[0])
    assert isinstance(card, list)
    said = card[5:]
    assert said == [-180, b"".join(sorted(lists)[:8])]
    assert camp.row("SELECT utc_offset, lists FROM camps") == (-180, said[1])


def test_summer_time_is_a_new_card():
    offset = utc_offset_of("Europe/Madrid")
    camp = make_camp(name="Norte", utc_offset=offset)
    camp.wall_s = 1_774_746_000.0 - 60  # 2026-03-29T01:00Z, when the clocks there go from 2 to 3
    camp.tick()
    camp.pass_time(3_600)
    camp.tick()
    cards = [cbor.decode(body) for body in bodies(camp, Kind.CARD)]
    assert [card[5] for card in cards if isinstance(card, list)] == [60, 120]


def test_a_camp_that_wiped_its_messages_says_its_name_again(camp):
    camp.tick()
    camp.store.wipe(Wipe.MESSAGES)
    camp.board = Board(camp.store, camp.engine, camp.identity, bytes, BoardLimits(), CampSettings("Norte"))
    camp.tick()
    assert camp.row("SELECT name FROM camps WHERE key = ?", camp.identity.key) == ("Norte",)


def test_what_is_known_of_us_is_said_every_two_days(camp):
    camp.tick()
    camp.do(PinCamp(SOUTH.key.hex()))
    camp.do(PinCamp(WEST.key.hex(), introduce=False))
    camp.do(BuryCamp(write_letter(EAST, "Este")))
    for day in range(34):
        camp.pass_time(86_400)
        camp.tick()
        said = (len(camp.said(Kind.CARD)), len(camp.said(Kind.INTRODUCTION)), len(camp.said(Kind.FAREWELL)))
        times = (day + 1) // 2
        assert said == (1 + times, 1 + times, 1 + min(times, 14)), f"day {day + 1}"


def test_ticking_often_says_nothing_twice(camp):
    for _ in range(100):
        camp.tick()
        assert camp.board.next_wakeup() > camp.now
        camp.now = camp.board.next_wakeup()
        camp.wall_s += 60
    assert len(camp.said(Kind.CARD)) == 1


def test_before_its_time_a_tick_costs_nothing(camp):
    camp.tick()
    statements: list[str] = []
    camp.store.connection.set_trace_callback(statements.append)
    for _ in range(3):
        camp.now += 1
        camp.board.tick(camp.now, camp.wall_s)
    assert statements == []


def test_a_restart_says_the_card_again_only_when_it_changed(camp):
    def restart(name):
        engine = Engine(camp.identity, camp.store, Random(1))
        camp.board = Board(camp.store, engine, camp.identity, bytes, BoardLimits(), CampSettings(name))
        camp.pass_time(60)
        camp.tick()
        return len(camp.said(Kind.CARD))

    assert [restart("Norte"), restart("Norte"), restart("Norte Libre"), restart("Norte Libre")] == [
        1,
        1,
        2,
        2,
    ]
    assert camp.row("SELECT name FROM camps") == ("Norte Libre",)


def test_two_cards_are_never_of_one_second(camp):
    camp.tick()
    engine = Engine(camp.identity, camp.store, Random(1))
    lists = CampSettings("Norte", has_list=True)
    camp.board = Board(camp.store, engine, camp.identity, bytes, BoardLimits(), lists)
    camp.tick()
    assert len(camp.said(Kind.CARD)) == 1
    assert camp.board.next_wakeup() <= camp.now + 1
    camp.pass_time(1)
    camp.tick()
    assert len(camp.said(Kind.CARD)) == 2
    assert camp.row("SELECT has_list FROM camps") == (1,)


def test_a_clock_that_is_set_later_does_not_silence_the_card(camp):
    camp.wall_s = 1_000.0  # 1970
    camp.tick()
    camp.wall_s = 1_790_000_000.0
    camp.now += 3_600
    camp.tick()
    camp.wall_s -= 100 * 86_400  # and back
    camp.now += 3_600
    camp.tick()
    assert len(camp.said(Kind.CARD)) == 3


# Groups and the hotline ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "channel"),
    [
        ("kitchen", "kitchen"),
        ("  Folk   Kitchen!", "folk-kitchen"),
        ("Comisión de Salud", "comisión-de-salud"),
        ("#medics_24/7", "medics-24-7"),
        ("طبخ", "طبخ"),
        ("ß" * 40, "ß" * 16),
        ("a" * 31 + " b", "a" * 31),
        ("İstanbul", "istanbul"),  # its small letter is two characters, one of them no letter
        ("रसोई", "रसई"),
        ("", None),
        ("¡¿!?", None),
        ("General", None),
        ("here", None),
        ("LETTERS", None),
        ("x" * 1_000_000, "x" * 32),
    ],
)
def test_a_groups_name_makes_its_channel(camp, typed, channel):
    if channel is None:
        assert camp.refusal(MakeGroup(typed)) == Refusal.BAD_NAME
    else:
        assert camp.do(MakeGroup(typed)) == Done(channel)
        assert camp.store.channel(channel).is_group


def test_a_group_is_told_and_can_say_more_of_itself_later(camp):
    camp.do(MakeGroup("kitchen", "soup"))
    camp.do(MakeGroup("kitchen"))
    camp.do(MakeGroup("Kitchen", "soup and bread"))
    abouts = [cbor.decode(body) for body in bodies(camp, Kind.GROUP)]
    assert abouts == [["soup"], ["soup and bread"]]
    assert camp.row("SELECT about, heard FROM channels WHERE name = 'kitchen'") == ("soup and bread", 0)
    assert camp.refusal(MakeGroup("legal", "x" * 201)) == Refusal.TOO_LONG


def test_a_group_heard_from_another_camp_becomes_ours(camp):
    hour = hour_of(camp.wall_s)
    group = encode(
        Message(Kind.GROUP, int(camp.wall_s), body=pack(cbor.encode(["theirs"])), channel="kitchen")
    )
    sealed = bundle.seal(SOUTH, hour, BundleClass.POST, [group])
    with camp.store.transaction():
        camp.store.add_bundle(
            sealed, SOUTH.key, sealed.id(SOUTH.key, SOUTH.network), camp.wall_s, Via.IP, True
        )
    assert camp.store.channel("kitchen").heard
    camp.do(MakeGroup("kitchen", "ours"))
    rule = camp.store.channel("kitchen")
    assert (rule.heard, rule.is_group, rule.to_list) == (False, True, True)


def test_the_hotline_keeps_its_history(camp):
    actor = camp.card(Role.COORDINATOR)
    camp.do(SetHotline("medic 112\r\nlegal 555"), actor)
    camp.do(SetHotline("medic 112\nlegal 555"), actor)
    camp.do(SetHotline(""), CONSOLE)
    rows = list(camp.store.connection.execute("SELECT card, text FROM hotline ORDER BY seq"))
    assert rows == [(actor.card, "medic 112\nlegal 555"), (None, "")]
    assert camp.refusal(SetHotline("x" * 2_001), actor) == Refusal.TOO_LONG
    for number in range(30):
        camp.do(SetHotline(f"medic {number}"))
    assert camp.row("SELECT count(*), max(text) FROM hotline WHERE text LIKE 'medic 29'") == (1, "medic 29")
    assert camp.row("SELECT count(*) FROM hotline") == (20,)


def test_bodies_are_packed_by_the_codec(camp):
    camp.tick()
    raw, second = camp.store.connection.execute("SELECT bytes, second FROM own_messages").fetchone()
    body = decode(raw, second).body
    assert cbor.decode(unpack(body, 4_000)) == ["Norte", "", "", "", 0]


def test_only_a_coordinator_comes_this_far(camp):
    assert camp.refusal(PinCamp(SOUTH.key.hex()), Actor(role=Role.MODERATOR)) == Refusal.NOT_ALLOWED
