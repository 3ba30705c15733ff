"""The baselines on nets so small that the answer is known, and the run that measures all schemes alike."""

import itertools
import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio.airtime import Firmware, preset_named
from radio.experiment import bloom
from radio.experiment.case import Case, Scheme, Terrain
from radio.experiment.flooding import HOPS_MAX, REPETITIONS_MAX, window_bits
from radio.experiment.oracle import oracle_s_per_message
from radio.experiment.outcome import as_json
from radio.experiment.run import compare, simulate, square_of
from radio.experiment.topology import Topology, Way, topology_of
from radio.experiment.uses import Uses
from radio.experiment.workload import Post, workload_of
from radio.simulated import Fate, Hearing, Path, Sent
from radio.world import START_S
from sync.message import Kind, Message

NOTHING = Post(0.0, 0, Message(Kind.POST, 0))
FRAME_MS = preset_named("LONG_FAST").airtime_ms(150, Firmware.RAW)
SMALL = Case(camps=5, degree=3, messages=6, minutes=5, after_s=900)


def square(scheme, *ways, snr_db=-10.0, **more):
    """Camps a, b, c … of one scheme; `ab` means b hears a."""
    made = square_of(Case(scheme=Scheme(scheme), **more))
    for sender, hearer in ways:
        made.air.set_path(sender, hearer, Path(0.0, snr_db))
    for name in sorted({name for way in ways for name in way}):
        made.add_camp(name)
    return made


def both(*pairs):
    return [*pairs, *(pair[::-1] for pair in pairs)]


def kinds(made):
    return dict(made.ledger.frames_of_kind)


# -- flooding -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["flood", "managed"])
@pytest.mark.parametrize("seed", range(5))
def test_a_row_of_three_takes_three_frames(scheme, seed):
    made = square(scheme, *both("ab", "bc"), seed=seed)
    made.post("a", 0, NOTHING)
    made.run(120)
    assert made.holds("b", 0)
    assert made.holds("c", 0)
    assert kinds(made) == {"message": 1, "relay": 2}
    assert made.ledger.airtime_ms == pytest.approx(3 * FRAME_MS)


def test_flooding_relays_once_each_and_managed_flooding_hardly_at_all():
    everybody = both(*(one + other for one in "abcde" for other in "abcde" if one < other))
    relays: Counter[str] = Counter()
    for seed in range(40):
        for scheme in ("flood", "managed"):
            made = square(scheme, *everybody, seed=seed, snr_db=8.0)
            made.post("a", 0, NOTHING)
            made.run(120)
            relays[scheme] += made.ledger.frames_of_kind["relay"]
            assert scheme == "managed" or made.ledger.frames_of_kind["relay"] == 4
    # Two whose waits end within a slot do not hear each other: rare in a window of 128.
    assert 40 <= relays["managed"] <= 50


def test_an_author_whom_nobody_repeats_says_it_twice_more():
    made = square("managed", "ab")  # b hears a, and a never hears that
    made.post("a", 0, NOTHING)
    made.run(300)
    assert kinds(made) == {"message": 1 + REPETITIONS_MAX, "relay": 1 + REPETITIONS_MAX}
    deaf = square("managed", "ab", "bc")
    deaf.air.set_path("a", "b", None)
    deaf.post("a", 0, NOTHING)
    deaf.run(300)
    assert kinds(deaf) == {"message": 1 + REPETITIONS_MAX}
    assert not deaf.holds("b", 0)


def test_managed_flooding_goes_over_seven_relays():
    names = "abcdefghijkl"
    row = both(*(one + other for one, other in itertools.pairwise(names)))
    managed, flood = square("managed", *row), square("flood", *row)
    for made in (managed, flood):
        made.post("a", 0, NOTHING)
        made.run(300)
    assert [name for name in names if managed.holds(name, 0)] == list(names[: HOPS_MAX + 2])
    assert all(flood.holds(name, 0) for name in names)


def test_the_weak_speak_first():
    """c hears a badly and d hears it well; both reach b, who hears a not at all."""
    first: Counter[str] = Counter()
    for seed in range(30):
        made = square("managed", *both("cb", "db", "cd"), seed=seed)
        made.air.set_path("a", "c", Path(0.0, -17.0))
        made.air.set_path("a", "d", Path(0.0, 9.0))
        made.add_camp("a")
        heard: list[str] = []
        made.on_sent.append(lambda sent, heard=heard: heard.append(sent.sender))
        made.post("a", 0, NOTHING)
        made.run(60)
        first[next(name for name in heard if name != "a")] += 1
    assert first["c"] >= 25


@pytest.mark.parametrize(
    ("snr_db", "bits"),
    [(-30, 3), (-20, 3), (-14.1, 4), (-14, 4), (-2, 6), (0, 6), (9.9, 7), (10, 8), (12, 8)],
)
def test_the_window_grows_with_the_signal(snr_db, bits):
    assert window_bits(snr_db) == bits


def test_a_camp_without_power_forgets_what_it_meant_to_send():
    made = square("managed", *both("ab", "bc"))
    made.post("a", 0, NOTHING)
    made.run(2.2)  # b has heard it, and waits
    assert made.holds("b", 0)
    assert not made.holds("c", 0)
    made.stop("b")
    assert not made.is_on("b")
    made.run(1)
    made.restart("b")
    made.run(3)
    assert made.holds("b", 0)
    assert not made.holds("c", 0)
    made.run(60)  # a says it again, as it heard nobody, and b relays it after all
    assert made.holds("c", 0)


# -- Bloom filters --------------------------------------------------------------------------------------


def test_a_filter_brings_what_the_push_did_not():
    made = square("bloom", *both("ab", "bc"))
    made.cut("a", "b")
    made.post("a", 0, NOTHING)
    made.run(600)
    assert not made.holds("b", 0)
    made.heal("a", "b")
    made.run(3_600)
    assert made.holds("b", 0)
    assert made.holds("c", 0)
    before = made.ledger.frames_of_kind["message"]
    made.run(4 * 3_600)
    assert made.ledger.frames_of_kind["message"] == before  # level, and they know it


@given(st.sets(st.integers(0, 2**32 - 1), max_size=150), st.integers(0, 2**32 - 1), st.integers(1, 190))
def test_a_filter_forgets_nothing(numbers, salt, length):
    told = bloom.filter_of(numbers, salt, length)
    assert len(told) == length
    assert all(bloom.is_in(number, told, salt) for number in numbers)


def test_a_filter_of_ten_bits_errs_once_in_a_hundred():
    told = bloom.filter_of(set(range(150)), 1, 188)
    wrong = sum(bloom.is_in(number, told, 1) for number in range(1_000, 11_000))
    assert 40 < wrong < 160


def test_a_set_too_large_for_a_frame_is_told_in_parts():
    made = square("bloom", *both("ab"))
    sizes = []
    made.on_sent.append(lambda sent: sizes.append(len(sent.frame)))
    for number in range(400):
        made._stations["a"].held.add(number)
        if number != 7:
            made._stations["b"].held.add(number)
    made.run(12 * 3_600)
    assert made.holds("b", 7)
    assert max(sizes) <= 226


# -- the oracle -----------------------------------------------------------------------------------------


def sends(edges, author, loss=0.0, posts=1, seed=1):
    camps = 1 + max(max(edge) for edge in edges)
    ways = tuple(Way(*way, Path(loss)) for one, other in edges for way in ((one, other), (other, one)))
    topology = Topology(tuple(map(str, range(camps))), ((0.0, 0.0),) * camps, ways)
    spent_s = oracle_s_per_message(Case(seed=seed), topology, [Post(0.0, author, NOTHING.message)] * posts)
    return spent_s * 1_000 / FRAME_MS


STAR = [(0, 1), (0, 2), (0, 3), (0, 4)]
ROW = [(0, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize(
    ("edges", "author", "expected"), [(STAR, 0, 1), (STAR, 3, 2), (ROW, 0, 3), (ROW, 1, 2), ([(0, 1)], 1, 1)]
)
def test_the_oracle_on_a_star_and_a_row(edges, author, expected):
    assert sends(edges, author) == pytest.approx(expected)


def test_the_oracle_pays_for_losses():
    # A pair: 1/(1-p). From the hub to four at once: the longest of four geometric waits, 3.505 for one half.
    assert sends([(0, 1)], 0, loss=0.5, posts=4_000) == pytest.approx(2.0, rel=0.05)
    assert sends(STAR, 0, loss=0.5, posts=4_000) == pytest.approx(3.505, rel=0.05)


# -- what bundles were for ------------------------------------------------------------------------------


def test_a_bundle_is_pushed_relayed_and_repaired():
    uses = Uses()
    frame = b"\x10net" + b"signed" + b"S" * 64

    def say(sender, at_s, *hearers):
        heard = tuple(Hearing(name, Fate.HEARD, 0.0) for name in hearers)
        uses.note(Sent(sender, frame, at_s, 1_500.0, heard))

    say("a", 10.0, "b")
    say("b", 14.0, "a", "c")
    say("c", 20.0, "b")
    say("a", 200.0, "b", "d")
    say("d", 300.0)
    uses.note(Sent("a", b"\x12beacon", 400.0, 900.0, ()))
    assert [(use.name, use.frames, use.airtime_s) for use in uses.all()] == [
        ("own", 1, 1.5),
        ("relay", 2, 3.0),
        ("repair", 2, 3.0),
        ("superfluous", 2, 3.0),
    ]


# -- a run ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", list(Scheme))
def test_the_same_case_is_the_same_run_to_the_last_frame(scheme):
    case = replace(SMALL, scheme=scheme)
    first, again, other = simulate(case), simulate(case), simulate(replace(case, seed=2))
    assert first == again
    assert first.trace != other.trace
    assert first.airtime_s_per_message * case.messages == pytest.approx(
        sum(kind.airtime_s for kind in first.kinds)
    )
    assert {name for name, _ in first.fates} <= {fate.value for fate in Fate}
    assert first.within_10_min <= first.delivered <= 1.0
    assert first.latency.p50 <= first.latency.p95 <= first.latency.max == first.latencies_s[-1]
    assert [point.delivered for point in first.curve] == sorted(point.delivered for point in first.curve)
    assert first.curve[-1].delivered == pytest.approx(first.delivered)
    assert (first.converged_s is None) == (first.delivered < 1)


def test_our_own_engines_deliver_everything_over_cuts_and_power_failures():
    case = replace(SMALL, camps=6, messages=12, minutes=30, after_s=14_400.0, cuts=4, churn=4)
    report = simulate(case)
    assert report.delivered == 1.0
    assert report.converged_s is not None
    assert report.trace != simulate(replace(case, cuts=0, churn=0)).trace
    # Whoever finds the box without power tries again: nothing is lost before it is said.
    assert len(report.latencies_s) == 12 * 5


def test_bursts_share_bundles():
    alone = simulate(replace(SMALL, messages=16, minutes=30))
    bursts = simulate(replace(SMALL, messages=16, minutes=30, burst=4))
    own = [next(use.frames for use in report.uses if use.name == "own") for report in (alone, bursts)]
    assert own[1] < own[0] <= 16
    assert bursts.delivered == 1.0


def test_latency_counts_the_wait_for_the_seal():
    report = simulate(replace(SMALL, messages=3, loss=0.0))
    assert min(report.latencies_s) > 60.0  # PROTOCOL.md §4.3: a post waits a minute for company
    flooded = simulate(replace(SMALL, messages=3, loss=0.0, scheme=Scheme.FLOOD))
    assert max(flooded.latencies_s) < 60.0


def test_a_rival_runs_on_the_same_map():
    report = compare(SMALL)
    rival = simulate(replace(SMALL, scheme=Scheme.MANAGED))
    assert report.managed is not None
    assert report.managed.airtime_s_per_message == rival.airtime_s_per_message
    assert report.ratio_to_managed == report.airtime_s_per_message / rival.airtime_s_per_message
    assert report.map == rival.map == topology_of(SMALL).map()


def test_what_lasts_longer_on_the_air_costs_more():
    case = replace(SMALL, scheme=Scheme.FLOOD, loss=0.0, terrain=Terrain.LINE, camps=2)
    raw = simulate(case)
    signed = simulate(replace(case, firmware=Firmware.V2_8))
    slow = simulate(replace(case, preset="LONG_SLOW"))
    assert raw.airtime_s_per_message == pytest.approx(2 * FRAME_MS / 1_000)
    assert signed.airtime_s_per_message > 1.2 * raw.airtime_s_per_message
    assert slow.airtime_s_per_message > 5 * raw.airtime_s_per_message
    busiest_s = raw.duty_max * 3_600
    assert busiest_s == pytest.approx(len(workload_of(case, START_S)) * FRAME_MS / 1_000)


def test_capture_saves_frames():
    lost = {
        capture: dict(simulate(Case(scheme=Scheme.FLOOD, messages=10, minutes=10, capture=capture)).fates)
        for capture in (False, True)
    }
    assert lost[True]["collision"] < lost[False]["collision"]


def test_progress_is_told_to_the_end():
    told = []
    simulate(replace(SMALL, scheme=Scheme.FLOOD), progress=lambda done_s, of_s: told.append((done_s, of_s)))
    assert told == sorted(told)
    assert told[-1] == (SMALL.length_s, SMALL.length_s)
    told.clear()
    compare(replace(SMALL, scheme=Scheme.FLOOD), progress=lambda *each: told.append(each))
    assert told == sorted(told)
    assert told[-1] == (2 * SMALL.length_s, 2 * SMALL.length_s)


def test_json_has_all_figures():
    fields = json.loads(json.dumps(as_json(compare(SMALL))))
    assert fields["latency_s"].keys() == {"p50", "p95", "max"}
    assert fields["managed"].keys() == {"delivered", "airtime_s_per_message"}
    assert sum(fields["airtime_s_by_frame"].values()) == pytest.approx(
        fields["airtime_s_per_message"] * 6, abs=0.01
    )
    assert fields["frames"].keys() == fields["airtime_s_by_frame"].keys()
    assert as_json(simulate(SMALL))["ratio_to_managed"] is None
