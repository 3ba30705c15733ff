"""The bench of the air on a small scale: that it measures what it says."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import pytest
from click.testing import CliRunner

from node.bench.figures import Bound, Figure
from node.bench.gossip import air, cases, decoding, loaded, results, rows
from node.bench.gossip.apart import Lack, cost_of
from node.bench.gossip.bounds import bundle_ms, coded_bound_ms, erasure_bound_ms
from node.bench.gossip.cases import CASES, Job
from node.bench.gossip.earshot import in_earshot
from node.bench.gossip.levelling import level
from node.bench.gossip.quiet import share_of_air
from node.bench.gossip.results import Results
from node.bench.gossip.rows import ROWS, rows_of
from node.bench.gossip.stock import SHORT_BYTES, give, long_bundles, short_bundles
from node.bench.samples import camps
from node.commands import bench
from radio.airtime import COMPARED, Firmware, preset_named
from radio.attackers import ALL_ATTACKS, Attacker
from radio.experiment.case import Case
from sync import air_frames, bundle
from sync.air_frames import ParcelFrame
from sync.bundle import BundleClass
from sync.signing import Network

NOW_S = 1_795_000_000.0
LONG_FAST = preset_named("LONG_FAST")
FEW = Case(camps=4, degree=3, loss=0.1, messages=3, minutes=5, after_s=1_800)


def raw_ms(frame_bytes):
    return LONG_FAST.airtime_ms(frame_bytes, Firmware.RAW)


def signing_ms(frame_bytes):
    return LONG_FAST.airtime_ms(frame_bytes, Firmware.V2_8)


def no_progress(done, of):
    assert done <= of


# -- what camps hold ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how_many", [1, 9, 300])
def test_short_bundles_are_what_the_workload_says(how_many):
    authors = camps(3, Random(1))
    stock = short_bundles(authors, how_many, NOW_S)
    assert {len(each.wire) for each in stock} == {SHORT_BYTES}
    assert len({each.id for each in stock}) == how_many
    for number, each in enumerate(stock):
        author = authors[number % 3]
        decoded = bundle.decode(each.wire)
        assert decoded.verifies(author.key, Network())
        assert decoded.id(author.key, Network()) == each.id


def test_long_bundles_hold_so_many_messages_and_the_alerts_are_alone():
    stock = long_bundles(camps(5, Random(1)), 200, 10, NOW_S, Random(2))
    assert sum(len(each.messages) for each in stock) == 200
    assert len({message for each in stock for message in each.messages}) == 200
    alerts = [each for each in stock if each.class_ == BundleClass.ALERT]
    assert len(alerts) == 10
    assert {len(each.messages) for each in alerts} == {1}
    sizes = [len(each.messages) for each in stock if each.class_ == BundleClass.POST]
    assert set(sizes[:-1]) == {4, 5, 6, 7, 8}


def test_what_is_given_is_there_and_costs_nothing():
    world = in_earshot(2, 1, Firmware.RAW)
    stock = short_bundles(camps(2, Random(1)), 6, world.now)
    for name in world.camps:
        give(world, name, stock)
    world.run(1_000)
    for camp in world.camps.values():
        assert {each.id for each in camp.store.live_bundles()} == {each.id for each in stock}
    assert set(world.ledger.frames_of_kind) == {"beacon"}
    world.close()


# -- the least it can cost -----------------------------------------------------------------------------------


def test_a_bound_is_the_airtime_of_the_frames_over_what_gets_through():
    stock = short_bundles(camps(1, Random(1)), 4, NOW_S)
    assert erasure_bound_ms(stock, 0.0, raw_ms) == pytest.approx(4 * raw_ms(4 + SHORT_BYTES))
    assert erasure_bound_ms(stock, 0.2, raw_ms) == pytest.approx(5 * raw_ms(4 + SHORT_BYTES))
    assert coded_bound_ms(stock, 0.2, raw_ms) == erasure_bound_ms(stock, 0.2, raw_ms)
    assert erasure_bound_ms([], 0.2, raw_ms) == 0


@pytest.mark.parametrize(
    ("wire_bytes", "frames", "frame_bytes"),
    [(150, 1, 154), (222, 1, 226), (223, 2, 15 + 4 + 112), (414, 2, 15 + 4 + 207), (415, 3, 15 + 4 + 139)],
)
def test_a_bundle_costs_its_frames(wire_bytes, frames, frame_bytes):
    assert bundle_ms(bytes(wire_bytes), raw_ms) == pytest.approx(frames * raw_ms(frame_bytes))


@pytest.mark.parametrize(("wire_bytes", "frame_bytes"), [(90, 94), (150, 166), (200, 204)])
def test_where_firmware_signs_what_is_short_the_bound_takes_the_longer_frame(wire_bytes, frame_bytes):
    assert bundle_ms(bytes(wire_bytes), signing_ms) == pytest.approx(signing_ms(frame_bytes))


# -- camps that were apart -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lack", [Lack.PAIR, Lack.HALVES, Lack.ONE_HAS, Lack.ONE_LACKS])
def test_camps_that_were_apart_become_level_at_a_cost(lack):
    cost = cost_of(lack, 4, 1, Firmware.RAW)
    assert cost.levelled.lacking == 0
    assert cost.bound_s == pytest.approx(4 * raw_ms(4 + SHORT_BYTES) / 0.8 / 1_000)
    # Nobody is told for nothing what is lacking.
    assert cost.levelled.frames["beacon"] >= 1
    assert cost.levelled.airtime_s > 4 * raw_ms(4 + SHORT_BYTES) / 1_000
    assert sum(cost.levelled.by_kind_s.values()) == pytest.approx(cost.levelled.airtime_s)
    assert cost.ratio == cost.levelled.airtime_s / cost.bound_s


def test_a_camp_that_joins_gets_every_message():
    cost = cost_of(Lack.JOINS_ONE, 200, 1, Firmware.RAW)
    assert cost.levelled.lacking == 0
    assert 0 <= cost.levelled.early_share <= 1


def test_who_does_not_become_level_costs_without_end():
    world = in_earshot(2, 1, Firmware.RAW)
    world.cut("camp0", "camp1")
    stock = short_bundles(camps(1, Random(1)), 3, world.now)
    levelled = level(world, {"camp0": stock, "camp1": stock[:1]}, patience_s=600)
    world.close()
    assert levelled.lacking == 2
    assert set(levelled.frames) == {"beacon"}


def test_what_came_before_the_last_alert_is_told():
    world = in_earshot(2, 3, Firmware.RAW)
    stock = long_bundles(camps(2, Random(1)), 20, 2, world.now, Random(1))
    told = []
    world.on_event.append(lambda name, event: told.append(getattr(event, "urgent", None)))
    levelled = level(world, {"camp0": stock, "camp1": []})
    world.close()
    arrived = [urgent for urgent in told if urgent is not None]
    before = arrived[: len(arrived) - arrived[::-1].index(True)].count(False)
    assert levelled.early_share == pytest.approx(before / 18, abs=1 / 18)


# -- a level square, a loaded one, an attacker ---------------------------------------------------------------


def test_a_level_square_says_beacons_and_nothing_else():
    share, by_kind_s = share_of_air(1, Firmware.RAW, 7_200)
    assert set(by_kind_s) == {"beacon"}
    assert share == pytest.approx(by_kind_s["beacon"] / 7_200)


def test_mic_checks_among_posts_arrive():
    carried = loaded.mic_checks(FEW, 2)
    assert carried.delivered == 1
    assert len(carried.latencies_s) == 2 * 3
    assert list(carried.latencies_s) == sorted(carried.latencies_s)
    assert carried.p95_s() == carried.latencies_s[-1]
    assert replace(carried, delivered=0.5).p95_s() == FEW.length_s


@pytest.mark.parametrize("attack", ALL_ATTACKS)
def test_an_attacker_takes_its_share_of_the_air(attack):
    world = in_earshot(3, 1, Firmware.RAW)
    attacker = Attacker(world, list(world.camps), Random(1))
    end_s = world.now + 3_600
    attacker.fill(0.03, world.now, end_s, ALL_ATTACKS[attack].prepare(attacker))
    world.run(3_600)
    world.close()
    assert world.ledger.ms_of_camp["attacker"] / 3_600_000 == pytest.approx(0.03, rel=0.15)


def test_an_attacker_among_camps_is_measured():
    calm = loaded.under_attack(FEW, None)
    loud = loaded.under_attack(FEW, "noise")
    assert calm.delivered == 1
    assert "unknown" in loud.by_kind_s
    assert "unknown" not in calm.by_kind_s


def test_what_is_decoded_in_the_measurement_is_answered():
    camp = decoding._Camp(Random(1), NOW_S, 100, 5)
    camp.decode(NOW_S, Random(2))
    sent = []
    while frames := camp._engine.frames_to_send(decoding.LINK, NOW_S + 60.0, 1e9):
        sent += [type(air_frames.decode(frame, Network())[1]) for frame in frames]
    camp.close()
    assert ParcelFrame in sent  # what the neighbour lacks, and only the sketch can have told


def test_decoding_is_measured_with_little_and_much_history():
    figures = decoding.measure(Random(1), NOW_S, live=100, history=(5, 300), rounds=3)
    assert [figure.name for figure in figures] == ["decode_43_ms", "decode_flat"]
    assert all(figure.value > 0 for figure in figures)


# -- runs, rows and the table ------------------------------------------------------------------------------


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch):
    file = tmp_path / "results.json"
    jobs = [Job("level_day", 1, Firmware.RAW), Job("pair_20", 1, Firmware.RAW)]
    first = Results(file)
    first.add(jobs[:1], 1, no_progress)
    asked = []

    def run_none(left, processes):
        asked.append(left)
        return iter(())

    monkeypatch.setattr(results, "run_all", run_none)
    again = Results(file)
    again.add(jobs, 1, no_progress)
    assert asked == [jobs[1:]]
    done = again.of(Firmware.RAW, [1, 2], ["level_day", "pair_20"])
    assert [len(done[case]) for case in done] == [1, 0]
    assert done["level_day"][0]["share"] == cases.run(jobs[0])["share"]


def slow_mark(job):
    """In place of a run: a file for each job that was begun."""
    Path(job.case, str(job.seed)).touch()
    sleep(0.02)
    return {}


def test_who_breaks_off_waits_for_the_runs_under_way_and_no_others(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "run", slow_mark)
    jobs = [Job(str(tmp_path), seed, Firmware.RAW) for seed in range(60)]
    running = results.run_all(jobs, 1)
    assert next(running)[0] in jobs
    running.close()
    assert 0 < len(list(tmp_path.iterdir())) < 60


@pytest.mark.parametrize("text", ['{"code": "other", "runs": {"pair_20/1/raw": {}}}', "[]", "torn {"])
def test_what_other_code_did_is_begun_anew(tmp_path, text):
    file = tmp_path / "results.json"
    file.write_text(text)
    assert Results(file).as_json()["runs"] == {}


def test_rows_are_read_from_runs():
    network: dict[str, Any] = {"delivered": 1.0, "within_10_min": 0.99, "airtime_s_per_message": 30.0}
    done: dict[str, Any] = {
        "network": [
            {**network, "managed_s_per_message": 40.0},
            {**network, "delivered": 0.99, "airtime_s_per_message": 50.0, "managed_s_per_message": 60.0},
        ],
        "pair_20": [{"airtime_s": 44.0, "bound_s": 40.0, "lacking": 0}],
        "halves_20": [{"airtime_s": 44.0, "bound_s": 40.0, "lacking": 1}],
        "mic_checks": [
            {"delivered": 1.0, "latencies_s": [10.0] * 95 + [400.0] * 5},
            {"delivered": 1.0, "latencies_s": [10.0] * 100},
        ],
        cases.attacked("noise"): [{"delivered": 1.0, "p95_s": 300.0}],
        cases.attacked(cases.UNHARMED): [{"delivered": 1.0, "p95_s": 200.0}],
    }
    measured = {row.name: row.figure(done) for row in rows_of(done)}
    assert measured["network_delivered"].value == 0.99
    assert not measured["network_delivered"].passes
    assert measured["network_to_managed"].value == 0.8
    assert measured["pair_20_to_bound"].value == 1.1
    assert measured["halves_20_to_bound"].value == float("inf")
    assert measured["halves_20_to_bound"].as_json()["value"] is None
    assert measured["mic_check_p95_s"].value == 10
    assert measured["mic_check_last_s"].value == 400
    assert measured["attack_noise_slowed"].value == 1.5
    assert "lossy_delivered" not in measured


def test_a_mic_check_that_some_camp_never_had_has_no_last_one():
    done: dict[str, Any] = {"mic_checks": [{"delivered": 0.96, "latencies_s": [float(n) for n in range(96)]}]}
    measured = {row.name: row.figure(done).value for row in rows_of(done)}
    assert measured == {"mic_check_p95_s": 94, "mic_check_last_s": float("inf")}


def test_every_row_has_its_cases_and_every_case_a_row():
    assert {case for row in ROWS for case in row.cases} == set(CASES)
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_the_table_has_a_column_for_each_firmware(tmp_path):
    row = rows.Row("a", "a thing", ("pair_20",), lambda _: 0.0, 1.1, aim=1.05)
    figures = {
        firmware: [Figure("a", "a thing", value, "", Bound.AT_MOST, 1.1)]
        for firmware, value in zip(COMPARED, (1.02345, 1.234), strict=True)
    }
    more = [Figure("d", "decoding", 4.9, "ms", limit=10.0)]
    table = air.markdown(figures, [row], more)
    assert table.splitlines()[2:] == [
        "| a thing | ≤ 1.1 | ≤ 1.05 | 1.023 | **1.234** |",
        "| decoding | ≤ 10 ms | | 4.9 ms | |",
    ]
    document = f"before\n{air.BEGIN}\nold\n{air.END}\nafter\n"
    assert air.with_table(document, "new") == f"before\n{air.BEGIN}\nnew\n{air.END}\nafter\n"
    with pytest.raises(ValueError, match="the air"):
        air.with_table("no marks", "new")


@pytest.mark.parametrize(
    ("words", "seeds"), [("7", range(7, 8)), ("1-20", range(1, 21)), ("1001-1010", range(1001, 1011))]
)
def test_seeds_are_a_span(words, seeds, monkeypatch):
    asked = []

    def look(results, seeds, cases, progress):
        asked.append(seeds)
        return []

    monkeypatch.setattr(air, "look", look)
    arguments = ["--part", "air", "--case", "pair_20", "--seeds", words]
    done = CliRunner().invoke(bench.command, arguments, standalone_mode=False)
    assert done.exception is None
    assert asked == [seeds]


@pytest.mark.parametrize("words", ["", "-", "x", "5-", "9-1", "1-1000", "1-" + "9" * 5_000])
def test_what_is_no_span_of_seeds_is_refused(words):
    done = CliRunner().invoke(bench.command, ["--seeds", words])
    assert done.exit_code == 2
    assert "--seeds" in done.output


def test_the_record_goes_into_a_file_and_a_document(tmp_path, monkeypatch):
    monkeypatch.setattr(air, "CASES", {"pair_20": CASES["pair_20"]})
    monkeypatch.setattr(decoding, "measure", lambda *_: [])
    monkeypatch.setattr(bench, "ROWS", [row for row in ROWS if row.cases == ("pair_20",)])
    saved, readme = tmp_path / "bench-full.json", tmp_path / "README.md"
    readme.write_text(f"# Camp\n{air.BEGIN}\n{air.END}\nend\n")
    arguments = ["--full", "--seeds", "1-1", "--save", str(saved), "--readme", str(readme)]
    done = CliRunner().invoke(bench.command, arguments, standalone_mode=False)
    assert done.exception is None
    report = json.loads(saved.read_text())
    assert set(report["runs"]) == {"pair_20/1/raw", "pair_20/1/firmware_2_8"}
    assert [figure["name"] for figure in report["figures"]["raw"]] == ["pair_20_to_bound"]
    assert report["pass"] is (done.return_value == 0)
    written = readme.read_text().splitlines()
    assert written[:2] + written[-2:] == ["# Camp", air.BEGIN, air.END, "end"]
    assert written[4].startswith("| a pair, 20 differences")


def test_a_document_without_marks_is_refused_before_anything_is_run(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("no marks")
    done = CliRunner().invoke(bench.command, ["--full", "--readme", str(readme)], standalone_mode=False)
    assert "cannot put a table" in str(done.exception)
