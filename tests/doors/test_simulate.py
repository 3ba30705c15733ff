"""`miccheck simulate` as a process: what it prints, where, and with which exit code."""

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from node.cli import main
from tests.doors.process import miccheck

SMALL = ("simulate", "--camps", "5", "--degree", "3", "--messages", "5", "--minutes", "5", "--after", "600")

FIELDS = {
    "delivered", "within_10_min", "airtime_s_per_message", "airtime_s_by_frame", "ratio_to_managed",
    "oracle_s_per_message", "converged_s", "latency_s", "duty_max", "wall_s", "trace", "scheme", "camps",
    "degree", "topology", "preset", "firmware", "capture", "loss", "messages", "minutes", "after_s", "size",
    "burst", "cuts", "churn", "seed", "frames", "fates", "managed",
}  # fmt: skip

SVG = "{http://www.w3.org/2000/svg}"


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
    assert found["latency_s"].keys() == {"p50", "p95", "max"}
    assert scheme != "managed" or found["ratio_to_managed"] == 1.0


def test_a_table_is_for_people(run):
    code, said, err = run(*SMALL, "--compare")
    assert (code, err) == (0, "")  # a bar is for terminals only
    for word in ("delivered", "airtime a message", "managed flooding", "ratio", "beacon", "trace"):
        assert word in said


def test_nobody_has_power_and_nothing_is_divided_by_nothing(run, tmp_path):
    file = tmp_path / "dark.svg"
    dark = (
        "simulate",
        "--camps",
        "3",
        "--messages",
        "1",
        "--minutes",
        "1",
        "--after",
        "10",
        "--churn",
        "10000",
    )
    code, said, err = run(*dark, "--compare", "--plot", str(file))
    assert (code, err) == (0, "")
    for words in ("delivered               0.0000", "0.00 s, 0.0000 delivered\n", "10,000 power failures"):
        assert words in said
    assert ElementTree.parse(file).getroot().findtext(f"{SVG}title") == "Mic Check: 3 camps, 1 message"


def test_a_map_is_read_from_a_file(figures, tmp_path):
    file = tmp_path / "square"
    file.write_text("plaza 0.5 0.5\nplaza - park\npark - library -14 0.3\n", encoding="utf-8")
    found = figures("--topology", str(file))
    assert (found["camps"], found["topology"], found["delivered"]) == (3, "file", 1.0)


def test_a_drawing_is_written_and_standard_output_is_left_alone(figures, tmp_path):
    file = tmp_path / "square.svg"
    file.write_text("what was there before")
    plain, drawn = figures("--compare"), figures("--compare", "--plot", str(file))
    del plain["wall_s"], drawn["wall_s"]
    assert plain == drawn
    root = ElementTree.parse(file).getroot()
    assert root.findtext(f"{SVG}title") == "Mic Check: 5 camps, 5 messages"
    said = {text.text for text in root.iter(f"{SVG}text")}
    assert plain["airtime_s_by_frame"].keys() | {"managed flooding"} <= said


def test_a_drawing_that_cannot_be_is_said_before_the_run(run, tmp_path):
    missing = tmp_path / "no" / "square.svg"
    code, out, err = run("simulate", "--minutes", "10000", "--plot", str(missing))
    assert (code, out) == (2, "")
    assert "'--plot': there is no folder" in err
    assert run("simulate", "--minutes", "10000", "--plot", str(tmp_path))[:2] == (2, "")


def test_a_disk_that_is_full_does_not_take_the_figures_with_it(run):
    code, out, err = run(*SMALL, "--plot", "/dev/full")
    assert code == 1
    assert "airtime a message" in out
    assert err == "miccheck: /dev/full was not written: No space left on device\n"


@pytest.mark.parametrize("word", ["ShortFast", "short fast", "SHORT-FAST", "SHORT_FAST"])
def test_a_preset_may_be_written_as_radios_write_it(figures, word):
    assert figures("--preset", word)["preset"] == "SHORT_FAST"


class Terminal:
    """A terminal that shows what a process says on stderr."""

    def __init__(self) -> None:
        self.ours, self.theirs = os.openpty()
        self.shown = ""

    def shows(self, word: str) -> bool:
        """Read on until it does; False when the process has closed it before."""
        while word not in self.shown:
            try:
                self.shown += os.read(self.ours, 4_096).decode(errors="replace")
            except OSError:
                return False
        return True


@pytest.fixture
def looked_at():
    """`miccheck simulate` as a process whose stderr is a terminal."""
    terminal = Terminal()
    started: list[subprocess.Popen[str]] = []

    def looked_at(*arguments: str) -> tuple[subprocess.Popen[str], Terminal]:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", *arguments],
            stdout=subprocess.PIPE,
            stderr=terminal.theirs,
            text=True,
            start_new_session=True,
        )
        os.close(terminal.theirs)
        started.append(process)
        return process, terminal

    yield looked_at
    for process in started:
        process.kill()
        process.communicate(timeout=20)
    os.close(terminal.ours)


def test_a_bar_shows_how_far_it_is_and_leaves_standard_output_alone(looked_at):
    process, terminal = looked_at(*SMALL, "--json", "--compare")
    assert terminal.shows("30/30")  # 15 minutes, twice
    out, _ = process.communicate(timeout=20)
    assert json.loads(out)["camps"] == 5
    assert process.returncode == 0


def test_an_interrupted_run_ends_at_once_and_draws_nothing(looked_at, tmp_path):
    file = tmp_path / "square.svg"
    process, terminal = looked_at("simulate", "--camps", "200", "--minutes", "10000", "--plot", str(file))
    assert terminal.shows("minutes")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert not terminal.shows("Traceback")
    assert not file.exists()


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
