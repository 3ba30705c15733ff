"""The bench on a small scale: that it measures what it says. How fast this machine is, no test asserts."""

import json
import os
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from node.bench import importing, letters_in, letters_out, living, mutants, sizes, storing
from node.bench.figures import Bound, Figure, quantile, rounded, table
from node.bench.processes import resident_bytes, worked_s
from node.bench.samples import cable, camp_texts, camps, radio
from node.clock import Clock
from node.commands import bench
from node.commands.price import frames_of
from sync import frames
from sync.frames import FrameType
from sync.reject import Reason

NOW_S = 1_795_000_000.0
HELD_OUT = Path(__file__).parent.parent / "data" / "held_out.txt"
TEXTS = HELD_OUT.read_text().splitlines()


def by_name(figures):
    return {figure.name: figure for figure in figures}


def no_progress(done, of):
    assert done <= of


@pytest.mark.parametrize(
    ("value", "bound", "limit", "passes"),
    [
        (5, Bound.AT_MOST, 5, True),
        (5.01, Bound.AT_MOST, 5, False),
        (5, Bound.AT_LEAST, 5, True),
        (4.99, Bound.AT_LEAST, 5, False),
        (1e9, Bound.AT_MOST, None, True),
        (float("nan"), Bound.AT_MOST, 5, False),
        (float("nan"), Bound.AT_LEAST, 5, False),
    ],
)
def test_a_figure_keeps_its_limit_or_not(value, bound, limit, passes):
    figure = Figure("f", "a figure", value, "B", bound, limit)
    assert figure.passes is passes
    assert figure.as_json()["pass"] is passes


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, 0), (0.34761, 0.3476), (170.0, 170), (77.625, 77.62), (27367.4, 27367), (1e6, 1_000_000)],
)
def test_four_digits_are_kept(value, shown):
    assert rounded(value) == shown


@pytest.mark.parametrize(
    ("values", "share", "answer"),
    [
        ([3, 1, 2], 0.5, 2),
        (range(1, 101), 0.99, 99),
        (range(1, 601), 0.99, 594),
        ([7], 0.99, 7),
        ([1, 2], 0, 1),
    ],
)
def test_a_quantile_is_a_value_that_was_measured(values, share, answer):
    assert quantile(values, share) == answer


def test_a_quantile_of_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing"):
        quantile([], 0.5)


def test_the_table_is_markdown_and_names_what_was_missed():
    lines = table(
        [
            Figure("a", "bytes", 138, "B", limit=170),
            Figure("b", "rate", 12_345.6, "/s", Bound.AT_LEAST, 20_000.0),
            Figure("c", "by the way", 0.5, ""),
            Figure("d", "of interest to few", 7, "", detail=True),
        ]
    ).splitlines()
    assert lines[2] == "| bytes      |     138 B |     ≤ 170 B | ok     |"
    assert lines[3] == "| rate       | 12,346 /s | ≥ 20,000 /s | MISSED |"
    assert lines[4] == "| by the way |       0.5 |             |        |"
    assert len(lines) == 5
    assert len({len(line) for line in lines}) == 1


def test_sizes_are_those_of_the_frames_that_leave():
    figures = by_name(sizes.measure(TEXTS, camps(1, Random(1))[0], NOW_S))
    # These two do not depend on the machine: the promise itself.
    assert figures["frame_alone_bytes"].passes
    assert figures["frame_of_four_bytes"].passes
    shorter = by_name(sizes.measure(["ya"] * 4, camps(1, Random(1))[0], NOW_S))
    assert shorter["frame_alone_bytes"].value < figures["frame_alone_bytes"].value
    longer = by_name(sizes.measure([text[:140] + "more" for text in TEXTS], camps(1, Random(1))[0], NOW_S))
    assert longer["frame_alone_bytes"].value == figures["frame_alone_bytes"].value  # cut at 140


def test_sizes_are_what_price_says():
    four = [text[:140] for text in TEXTS[:4]]
    figures = by_name(sizes.measure(four, camps(1, Random(1))[0], NOW_S))
    frames = frames_of(tuple(four))
    assert len(frames) == 2, "four of 140 letters are more than a radio's frame"
    assert figures["frame_of_four_bytes"].value == sum(frames) / 4


def test_sizes_want_four_texts():
    with pytest.raises(ValueError, match="too few"):
        sizes.measure(TEXTS[:3], camps(1, Random(1))[0], NOW_S)


def test_the_flood_is_refused_for_reasons_and_nothing_gets_in():
    memory = iter(range(1_000_000, 2_000_000, 1_000))
    figures = by_name(
        mutants.measure(
            TEXTS, Random(3), NOW_S, lambda: next(memory), no_progress, refused=3_000, by_cable=600
        )
    )
    assert figures["mutants_refused"].value >= 3_000
    assert figures["mutants_other_exceptions"].value == 0
    assert figures["mutants_got_in"].value == 0
    reasons = {name.removeprefix("mutants_refused_"): figure.value for name, figure in figures.items()}
    assert {Reason.CBOR, Reason.ENCODING, Reason.LENGTH, Reason.SIGNATURE, Reason.KEY} <= reasons.keys()
    assert sum(reasons.get(reason, 0) for reason in Reason) == figures["mutants_refused"].value


def test_signatures_are_rationed_by_radio_and_all_checked_by_cable():
    air = mutants.storm(TEXTS, radio("flood"), 3_000, Random(4), NOW_S, lambda: 1, no_progress)
    peer = camps(1, Random(5))[0].key
    wire = mutants.storm(TEXTS, cable("flood", peer), 600, Random(4), NOW_S, lambda: 1, no_progress)
    assert air.reasons[Reason.RATE] > 0
    assert wire.reasons[Reason.RATE] == 0
    assert wire.reasons[Reason.SIGNATURE] > 0


def test_a_mutant_of_every_type_of_frame_is_made():
    target = mutants.Target(TEXTS, Random(6), NOW_S)
    network = camps(1, Random(1))[0].network
    kinds = {type(frames.decode(frame, network)[1]) for frame in target.frames}
    target.close()
    # A bundle with a key and one without are of one class; LEVEL has five steps.
    assert len(kinds) == len(FrameType) - 1 + 4
    mutant_types = {mutants.mutate(target.frames, Random(seed))[:1] for seed in range(400)}
    assert {bytes([0x10 | kind]) for kind in FrameType} <= mutant_types


def test_an_exception_that_leaves_the_engine_is_counted(monkeypatch):
    def broken(*_):
        raise KeyError

    target = mutants.Target(TEXTS, Random(7), NOW_S)
    target.link(radio("flood"))
    flood = mutants.Flood()
    monkeypatch.setattr(frames, "decode", broken)
    target.meet([b"x"] * 3, flood, 0.001)
    target.close()
    assert flood.escaped == {"KeyError": 3}


def test_growth_is_counted_from_the_end_of_the_first_part():
    flood = mutants.Flood(memory_bytes=[10, 100, *[105] * 7, 110])
    assert flood.growth() == pytest.approx(1.1)


def test_a_flood_of_bundles_is_stored_and_then_read(tmp_path):
    figures = by_name(storing.measure(TEXTS, Random(1), NOW_S, tmp_path, rounds=2, group=40))
    assert figures["store_share_of_verify"].bound == Bound.AT_LEAST
    assert 0 < figures["read_share_of_verify"].value < figures["store_share_of_verify"].value
    assert figures["read_per_s"].value < figures["store_per_s"].value < figures["verify_per_s"].value


def test_a_file_is_imported_and_shown(tmp_path):
    figures = by_name(importing.measure(TEXTS, Random(1), Clock().wall_s(), tmp_path, rounds=1, bundles=300))
    share = figures["import_share_of_verify"]
    assert (share.bound, share.limit) == (Bound.AT_LEAST, 0.25)
    assert 0 < figures["import_shown_share_of_verify"].value <= share.value
    assert figures["import_per_s"].value > 0


def test_a_mailbox_file_is_taken_in_with_flat_memory(tmp_path):
    held = iter(range(10_000_000, 90_000_000, 100_000))
    figures = by_name(letters_in.measure(TEXTS, Random(1), NOW_S, tmp_path, lambda: next(held), letters=240))
    # Ten batches of 24: the memory after the first is the warm one, and each later one held 100 kB more.
    assert figures["letters_in_grew_mb"].value == pytest.approx(0.9)
    share = figures["letters_read_share_of_parse"]
    assert share.bound == Bound.AT_LEAST
    assert 0 < share.value < 1
    assert 0 < figures["letters_in_per_s"].value < figures["letters_read_per_s"].value


def test_letters_leave_and_each_is_counted(tmp_path):
    figures = by_name(letters_out.measure(TEXTS, Random(1), NOW_S, tmp_path, rounds=1, letters=80))
    assert figures["letters_out_share_of_bare_loop"].limit == 0.8
    assert figures["letters_out_per_s"].value > 0


def test_a_share_is_of_the_same_bundles():
    done = storing.Round(bundles=10, verify_s=0.3, store_s=0.75, read_s=0.25)
    assert done.stored_share == pytest.approx(0.4)
    assert done.read_share == pytest.approx(0.3)


def test_a_real_node_is_started_measured_and_ended(tmp_path):
    figures = by_name(living.measure(TEXTS, tmp_path, no_progress, idle_s=0.2, posts=8, every_s=0.03))
    assert figures["node_resident_mb"].value > 10
    assert figures["node_ready_s"].value > 0.05
    share = figures["post_p99_ms"].value / figures["bare_commit_p99_ms"].value
    assert figures["post_p99_share"].value == pytest.approx(share)
    assert not (tmp_path / "camp" / "run" / "ports.json").exists()  # it ended in order


def test_memory_and_work_of_a_process_are_seen():
    before = worked_s(os.getpid())
    held = bytearray(os.urandom(1_000_000) * 30)
    assert resident_bytes(os.getpid()) > len(held)
    while worked_s(os.getpid()) == before:
        sum(held[:100_000])
    with pytest.raises(FileNotFoundError):
        resident_bytes(4_194_305)  # above the highest pid Linux gives


def test_the_report_is_one_json_value_and_the_exit_code_says_whether_it_passed(tmp_path, monkeypatch):
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(TEXTS))
    arguments = ["--texts", str(texts), "--folder", str(tmp_path), "--part", "sizes", "--json"]
    saved = tmp_path / "bench.json"
    done = CliRunner().invoke(bench.command, [*arguments, "--save", str(saved)], standalone_mode=False)
    report = json.loads(done.stdout)
    assert done.return_value == 0
    assert report == json.loads(saved.read_text())
    assert report["pass"] is True
    assert [figure["name"] for figure in report["figures"]][:2] == [
        "frame_alone_bytes",
        "frame_of_four_bytes",
    ]
    assert set(report["figures"][0]) == {"name", "what", "value", "unit", "bound", "limit", "pass"}

    monkeypatch.setattr(sizes, "ALONE_BYTES_MAX", 100)
    missed = CliRunner().invoke(bench.command, arguments, standalone_mode=False)
    assert missed.return_value == bench.MISSED
    assert json.loads(missed.stdout)["pass"] is False


def test_without_texts_of_others_sizes_are_not_measured(tmp_path):
    done = CliRunner().invoke(
        bench.command, ["--folder", str(tmp_path), "--part", "sizes", "--json"], standalone_mode=False
    )
    assert json.loads(done.stdout)["figures"] == []
    assert len(camp_texts()) > 1_000


@pytest.mark.parametrize(
    ("content", "says"), [("one\ntwo\n", "holds 2 texts"), (None, "cannot read"), (b"\xff\n", "not UTF-8")]
)
def test_texts_that_cannot_be_used_are_named(tmp_path, content, says):
    file = tmp_path / "texts.txt"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = CliRunner().invoke(bench.command, ["--texts", str(file)], standalone_mode=False)
    assert says in str(done.exception)
