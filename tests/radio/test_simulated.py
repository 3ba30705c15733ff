"""The simulated air, frozen: cases worked out by hand, and a hash over a busy morning.

Whoever changes the model changes the golden hash below, and says in the same commit what real radios do.
Times are seconds on LONG_FAST: a 100-byte frame takes 1.665024 s, a slot 0.02808 s.
"""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio.airtime import PRESETS, preset_named
from radio.simulated import Air, Began, Fate, Path, Sent, Trace

LONG_FAST = preset_named("LONG_FAST")
FRAME = bytes(100)
AIRTIME_S = 1.665024
SLOT_S = 0.02808
WEAK, STRONG = Path(snr_db=-10.0), Path(snr_db=-3.9)


class Chance(Random):
    """The shortest back-offs, and nothing is lost by chance."""

    def __init__(self):
        super().__init__(1)
        self.windows = []

    def randrange(self, start, stop=None, step=1):
        self.windows.append(stop)
        return start

    def random(self):
        return 0.999


def air_of(*names, chance=None, capture=False, preset=LONG_FAST):
    """Radios that all hear each other."""
    air = Air(preset, chance or Chance(), capture)
    for name in names:
        air.switch_on(name)
        for other in names:
            if other != name:
                air.set_path(name, other, Path())
    return air


def run(air, until=1e9):
    """Everything that happens by then."""
    happened = []
    while air.next_due() <= until:
        happened += air.step(air.next_due())
    return happened


def fates(happened):
    """{sender: {hearer: fate}} of what left the air."""
    return {
        sent.sender: {each.hearer: each.fate.value for each in sent.hearings}
        for sent in happened
        if isinstance(sent, Sent)
    }


def begun(happened):
    return [(began.sender, pytest.approx(began.at_s)) for began in happened if isinstance(began, Began)]


def test_a_frame_takes_its_airtime_and_everybody_in_earshot_has_it():
    air = air_of("a", "b", "c")
    air.offer("a", FRAME, 10.0)
    began, sent = run(air)
    assert (began.at_s, began.airtime_ms) == (10.0, pytest.approx(1_000 * AIRTIME_S))
    assert sent.at_s == pytest.approx(10.0 + AIRTIME_S)
    assert sent.airtime_ms == pytest.approx(1_000 * AIRTIME_S)
    assert sent.heard_by() == ("b", "c")


@pytest.mark.parametrize(
    ("preset", "slot_ms"), [("LONG_FAST", 28.08), ("SHORT_TURBO", 8.24), ("LONG_SLOW", 89.52)]
)
def test_a_slot_lasts(preset, slot_ms):
    assert Air(preset_named(preset), Random(1)).slot_s == pytest.approx(slot_ms / 1_000)


# When b begins after a (None: it hears a and waits), and what becomes of the two frames at c, who hears both.
# a and b hear each other.
CONTENTION = [
    (0.0, "collision"),
    (0.5 * SLOT_S, "collision"),
    (0.99 * SLOT_S, "collision"),  # blind: less than a slot
    (1.01 * SLOT_S, "heard"),  # b hears it and waits
    (0.5 * AIRTIME_S, "heard"),
]


@pytest.mark.parametrize(("later_s", "at_c"), CONTENTION)
def test_carrier_sense_misses_what_began_less_than_a_slot_ago(later_s, at_c):
    air = air_of("a", "b", "c")
    air.offer("a", FRAME, 0.0)
    happened = run(air, 0.0)
    happened += run(air, later_s)
    air.offer("b", FRAME, later_s)
    happened += run(air)
    fate = fates(happened)
    assert fate["a"]["c"] == fate["b"]["c"] == at_c
    assert (fate["a"]["b"] == "deaf") == (at_c == "collision")


def test_who_hears_somebody_waits_slot_by_slot_until_he_is_silent():
    air = air_of("a", "b")
    air.offer("a", FRAME, 0.0)
    happened = run(air, 0.0)
    air.offer("b", FRAME, 0.5)
    happened += run(air)
    # One slot at a time from 0.5 s on: the first look after 1.665 s is the 42nd, at 1.67936 s.
    assert begun(happened) == [("a", 0.0), ("b", 0.5 + 42 * SLOT_S)]


def test_hidden_from_each_other_they_collide_in_the_middle():
    air = air_of("a", "b", "c")
    air.set_path("a", "c", None)
    air.set_path("c", "a", None)
    air.offer("a", FRAME, 0.0)
    happened = run(air, 1.0)
    air.offer("c", FRAME, 1.0)
    happened += run(air)
    assert begun(happened) == [("a", 0.0), ("c", 1.0)]
    assert fates(happened) == {"a": {"b": "collision"}, "c": {"b": "collision"}}


def test_any_overlap_destroys_and_touching_is_none():
    for gap_s, fate in ((-0.001, "collision"), (0.0, "heard")):
        air = air_of("a", "b", "c")
        air.set_path("a", "c", None)
        air.offer("a", FRAME, 0.0)
        happened = run(air, 0.0)
        end_s = air.next_due()
        air.offer("c", FRAME, end_s + gap_s)
        happened += run(air)
        assert begun(happened) == [("a", 0.0), ("c", end_s + gap_s)]
        assert fates(happened)["a"] == {"b": fate}
        assert fates(happened)["c"]["b"] == fate


def test_a_radio_that_sends_hears_nothing():
    air = air_of("a", "b", "c")
    air.set_path("a", "c", None)  # c does not know that a is sending
    air.offer("a", FRAME, 0.0)
    happened = run(air, 1.0)
    air.offer("c", FRAME, 1.0)
    happened += run(air)
    assert fates(happened) == {"a": {"b": "collision"}, "c": {"a": "deaf", "b": "collision"}}


def test_hearing_need_not_be_mutual():
    air = air_of("a", "b")
    air.set_path("b", "a", None)
    air.offer("a", FRAME, 0.0)
    air.offer("b", FRAME, 10.0)
    assert fates(run(air)) == {"a": {"b": "heard"}, "b": {}}


@pytest.mark.parametrize(
    ("capture", "first", "second", "fate_first", "fate_second"),
    [
        (False, STRONG, WEAK, "collision", "collision"),
        (True, STRONG, WEAK, "heard", "collision"),
        (True, WEAK, STRONG, "collision", "heard"),
        (True, Path(snr_db=-10.0), Path(snr_db=-4.1), "collision", "collision"),  # 5.9 dB are not enough
        (True, WEAK, WEAK, "collision", "collision"),
    ],
)
def test_capture_saves_the_stronger_by_six_decibels(capture, first, second, fate_first, fate_second):
    air = air_of("a", "b", "c", capture=capture)
    air.set_path("a", "c", None)
    air.set_path("c", "a", None)
    air.set_path("a", "b", first)
    air.set_path("c", "b", second)
    air.offer("a", FRAME, 0.0)
    happened = run(air, 1.0)
    air.offer("c", FRAME, 1.0)
    assert fates(happened + run(air)) == {"a": {"b": fate_first}, "c": {"b": fate_second}}


@pytest.mark.parametrize(
    ("preset", "floor_db"), [("SHORT_FAST", -7.5), ("LONG_FAST", -17.5), ("LONG_SLOW", -20.0)]
)
def test_below_the_floor_of_the_preset_nothing_arrives(preset, floor_db):
    for snr_db, heard in ((floor_db, {"b": "heard"}), (floor_db - 0.1, {})):
        air = air_of("a", "b", preset=preset_named(preset))
        air.set_path("a", "b", Path(snr_db=snr_db))
        air.offer("a", FRAME, 0.0)
        assert fates(run(air)) == {"a": heard}


def test_loss_is_by_chance_and_by_path():
    air = Air(LONG_FAST, Random(1))
    for name in "abc":
        air.switch_on(name)
    air.set_path("a", "b", Path(loss=0.2))
    air.set_path("a", "c", Path(loss=1.0))
    got = {"b": 0, "c": 0}
    for n in range(2_000):
        air.offer("a", FRAME, 10.0 * n)
        for name in run(air)[-1].heard_by():
            got[name] += 1
    assert got["b"] / 2_000 == pytest.approx(0.8, abs=0.03)
    assert got["c"] == 0


def test_the_contention_window_grows_with_how_busy_the_last_minute_was():
    chance = Chance()
    air = air_of("a", "b", chance=chance)
    now = 0.0
    for _ in range(60):
        air.offer("a", FRAME, now)
        now = run(air)[-1].at_s
    # 1.665 s of 60 each: a fifth of the minute is full after 8 frames (13.3 s), all of it after 37.
    assert chance.windows == [8] * 8 + [16] * 7 + [32] * 7 + [64] * 7 + [128] * 8 + [256] * 23
    assert air.utilisation("b", now) == 1.0
    assert air.utilisation("b", now + 61) == 0.0


def test_a_radio_holds_one_frame():
    air = air_of("a", "b")
    assert air.is_free("a")
    air.offer("a", FRAME, 0.0)
    with pytest.raises(ValueError, match="a cannot"):
        air.offer("a", FRAME, 0.0)
    run(air, 0.0)
    with pytest.raises(ValueError, match="a cannot"):
        air.offer("a", FRAME, 1.0)
    run(air)
    assert air.is_free("a")
    with pytest.raises(ValueError, match="nobody cannot"):
        air.offer("nobody", FRAME, 1.0)


def test_a_frame_breaks_off_when_its_radio_goes():
    air = air_of("a", "b")
    air.offer("a", FRAME, 0.0)
    run(air, 1.0)
    (sent,) = air.switch_off("a", 1.0)
    assert sent.airtime_ms == pytest.approx(1_000)
    assert fates([sent]) == {"a": {"b": "part"}}
    assert run(air) == []
    assert air.utilisation("b", 1.0) == pytest.approx(1 / 60)


@pytest.mark.parametrize("what", ["came", "went", "cut", "healed"])
def test_half_a_frame_is_none_but_is_noise(what):
    air = air_of("a", "b", "c")
    air.set_path("a", "c", None)
    air.set_path("c", "a", None)
    if what == "came":
        air.switch_off("b", 0.0)
    if what == "healed":
        air.set_path("a", "b", None)
    air.offer("a", FRAME, 0.0)
    happened = run(air, 0.5)
    match what:
        case "came":
            air.switch_on("b")
        case "went":
            air.switch_off("b", 0.5)
        case "cut":
            air.set_path("a", "b", None)
        case "healed":
            air.set_path("a", "b", Path())
    air.offer("c", FRAME, 1.0)
    happened += run(air)
    assert fates(happened)["a"] == {"b": "part"}
    assert fates(happened)["c"] == ({} if what == "went" else {"b": "collision"})


def busy_morning(seed, capture=False):
    """Six radios in a ring with two hidden pairs each, 400 frames of many lengths, some of them cut off."""
    chance = Random(seed)
    air = Air(LONG_FAST, Random(f"{seed} air"), capture)
    names = "abcdef"
    for n, name in enumerate(names):
        air.switch_on(name)
        for step, snr_db in ((1, -2.0), (2, -12.0)):
            air.set_path(name, names[(n + step) % 6], Path(0.1, snr_db))
            air.set_path(name, names[n - 1], Path(0.1, -2.0))
    trace, count = Trace(0.0), dict.fromkeys(Fate, 0)

    def note(happened):
        for each in happened:
            if isinstance(each, Sent):
                trace.note(each)
                for hearing in each.hearings:
                    count[hearing.fate] += 1

    now = 0.0
    for _ in range(400):
        now += 2.0 * chance.random()
        note(air.step(now))
        name = chance.choice(names)
        if chance.random() < 0.02:
            note(air.switch_off(name, now))
            air.switch_on(name)
        if air.is_free(name):
            air.offer(name, chance.randbytes(chance.randrange(1, 227)), now)
    note(air.step(now + 1_000))
    return trace.hex(), count


GOLDEN = "b6492a8381867b24a8c8fbda58b383e1"
GOLDEN_CAPTURE = "7f701b365331588caf669455dc8b4848"


def test_the_model_is_frozen():
    trace, count = busy_morning(1)
    assert trace == GOLDEN, "the air changed: everything tuned on it must be measured again"
    assert all(count.values()), "the morning shows every fate"
    assert busy_morning(1, capture=True)[0] == GOLDEN_CAPTURE


def test_same_seed_same_morning():
    assert busy_morning(5) == busy_morning(5)
    assert busy_morning(5)[0] != busy_morning(6)[0]


@given(st.integers(0, 2**32), st.sampled_from(PRESETS), st.integers(2, 5), st.booleans())
def test_nobody_hears_two_at_once_or_while_sending(seed, preset, radios, capture):
    chance = Random(seed)
    names = "abcde"[:radios]
    air = Air(preset, chance, capture)
    for name in names:
        air.switch_on(name)
    for sender in names:
        for hearer in names:
            if sender != hearer and chance.random() < 0.7:
                air.set_path(sender, hearer, Path(chance.choice([0.0, 0.3]), chance.choice([0.0, -3.0])))
    sent: list[Sent] = []
    now = 0.0
    for _ in range(30):
        now += chance.random() * preset.longest_ms() / 1_000
        sent += [each for each in air.step(now) if isinstance(each, Sent)]
        name = chance.choice(names)
        if air.is_free(name):
            air.offer(name, bytes(chance.randrange(1, 227)), now)
    sent += [each for each in air.step(now + 1_000_000) if isinstance(each, Sent)]
    spans = [(each.at_s - each.airtime_ms / 1_000, each.at_s, each) for each in sent]
    for begin_s, end_s, one in spans:
        for other_begin_s, other_end_s, other in spans:
            if other is one or other_end_s <= begin_s + 1e-9 or end_s <= other_begin_s + 1e-9:
                continue
            assert other.sender != one.sender, "a radio sends one frame at a time"
            assert other.sender not in one.heard_by(), "half duplex"
            if not capture:
                assert not set(one.heard_by()) & set(air.paths_from(other.sender)), "any overlap destroys"
