"""`miccheck simulate` as a process: what it prints, where, and with which exit code."""

import json
import sys

import pytest

from node.cli import main
from tests.doors.process import miccheck

SMALL = ("simulate", "--camps", "5", "--degree", "3", "--messages", "5", "--minutes", "5", "--after", "600")

FIELDS = {
    "delivered", "within_10_min", "airtime_s_per_message", "airtime_s_by_frame", "ratio_to_managed",
    "oracle_s_per_message", "converged_s", "latency_s", "duty_max", "wall_s", "trace", "scheme", "camps",
    "degree", "topology", "preset", "firmware", "capture", "loss", "messages", "minutes", "after_s", "size",
    "burst", "cuts", "churn", "seed", "frames", "fates",
}  # fmt: skip


@pytest.fixture
def run(monkeypatch, capsys):
    """`miccheck simulate` in this process: exit code, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["miccheck", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, said.out, said.err

    return run


@pytest.fixture
def figures(run):
    """The one JSON object on stdout."""

    def figures(*arguments: str):
        code, out, err = run(*SMALL, *arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return figures


def test_a_seed_is_a_run_in_any_process(figures):
    done = miccheck(*SMALL, "--json", env={"PYTHONHASHSEED": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    there = json.loads(done.stdout)
    assert there.keys() >= FIELDS
    here = figures()
    assert min(here.pop("wall_s"), there.pop("wall_s")) > 0  # the only one that is of the machine
    assert here == there
    assert figures("--seed", "2")["trace"] != here["trace"]


@pytest.mark.parametrize("scheme", ["miccheck", "managed", "flood", "bloom"])
def test_every_scheme_runs_with_every_word_of_the_case(figures, scheme):
    found = figures(
        "--scheme", scheme, "--topology", "clusters", "--preset", "SHORT_FAST", "--firmware", "2.8",
        "--capture", "--loss", "0.1", "--size", "120", "--burst", "2", "--cuts", "1", "--churn", "1",
        "--compare",
    )  # fmt: skip
    words = ("scheme", "topology", "preset", "firmware", "capture", "loss", "size", "burst", "cuts", "churn")
    assert [found[word] for word in words] == [
        scheme, "clusters", "SHORT_FAST", "2.8", True, 0.1, 120, 2, 1, 1,
    ]  # fmt: skip
    theirs = found["managed"]["airtime_s_per_message"]
    assert found["ratio_to_managed"] == pytest.approx(found["airtime_s_per_message"] / theirs, abs=0.01)
    assert scheme != "managed" or found["ratio_to_managed"] == 1.0


def test_a_table_is_for_people(run):
    code, said, err = run(*SMALL, "--compare")
    assert (code, err) == (0, "")  # a bar is for terminals only
    for word in ("delivered", "airtime a message", "managed flooding", "ratio", "beacon", "trace"):
        assert word in said


def test_a_map_is_read_from_a_file(figures, tmp_path):
    file = tmp_path / "square"
    file.write_text("plaza 0.5 0.5\nplaza - park\npark - library -14 0.3\n", encoding="utf-8")
    found = figures("--topology", str(file))
    assert (found["camps"], found["topology"], found["delivered"]) == (3, "file", 1.0)


def test_a_degree_that_nobody_asked_for_fits_few_camps(run):
    arguments = ("simulate", "--scheme", "flood", "--camps", "4", "--messages", "1", "--json")
    assert json.loads(run(*arguments)[1])["degree"] == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--camps", "1"), "camps: 1 is not between 2 and 500"),
        (("--loss", "1"), "loss: 1 is not between 0 and 0.9"),
        (("--loss", "nan"), "loss"),
        (("--size", "400"), "bytes of a message: 400 is not between 100 and 218"),
        (("--degree", "5"), "5 camps cannot hear 5 others each"),
        (("--degree", "1"), "never hang together"),
        (("--topology", "/no/such/map"), "one of geometric, line, grid, clusters, or a file"),
        (("--topology", "/dev/null"), "not two camps"),
        (("--topology", "/dev/zero"), "longer than"),
        (("--messages", "100000"), "messages"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_two(run, arguments, says):
    code, out, err = run(*SMALL, *arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [("--scheme", "gossip"), ("--preset", "FAST"), ("--camps", "many")])
def test_a_word_that_is_none_is_answered_with_the_option(run, arguments):
    code, out, err = run(*SMALL, *arguments)
    assert (code, out) == (2, "")
    assert arguments[0] in err
