"""What `miccheck air` writes, and what it refuses."""

import json

import pytest
from click.testing import CliRunner

from node.air_view import AirView, as_json, as_line
from node.commands.air import command
from radio.air_server import Came, Missed, Went
from radio.simulated import Began, Fate, Hearing, Sent

FRAME = b"\x10" + bytes(109)
BEGAN = Began("A", FRAME, 12.3456, 1_747.0)
HEARINGS = (
    Hearing("B", Fate.HEARD, 0.0),
    Hearing("C", Fate.COLLIDED, 0.0),
    Hearing("D", Fate.DEAF, 0.0),
    Hearing("E", Fate.LOST, 0.0),
    Hearing("F", Fate.PART, 0.0),
)
SENT = Sent("A", FRAME, 14.0926, 1_747.0, HEARINGS)

NEWS = [
    (Came("A", 1.0, True), "A is on the air", {"event": "on", "camp": "A", "is_heard": True}),
    (Came("X", 1.0, False), "X is on the air, but --hears does not name it", {"is_heard": False}),
    (Went("A", 2.0), "A is off", {"event": "off", "at_s": 2.0}),
    (Missed("A", 2.0), "A does not read what it hears", {"event": "missed"}),
    (BEGAN, "A begins: bundle, 110 bytes, 1,747 ms", {"event": "begin", "at_s": 12.346, "bytes": 110}),
    (
        SENT,
        "14.1 s  A: bundle, 110 bytes, 1,747 ms → heard by B; lost at C (two at once), "
        "D (it was sending itself), E (by chance), F (it heard only a part)",
        {
            "event": "end",
            "camp": "A",
            "kind": "bundle",
            "airtime_ms": 1747,
            "heard": ["B"],
            "lost": {"C": "collision", "D": "deaf", "E": "lost", "F": "part"},
        },
    ),
    (
        Sent("A", b"\xff", 1.0, 500.0, ()),
        "A: unknown, 1 bytes, 500 ms → nobody in earshot",
        {"kind": "unknown"},
    ),
]


@pytest.mark.parametrize(("news", "line", "fields"), NEWS)
def test_news_is_a_line_for_people_and_one_for_programs(news, line, fields):
    assert line in as_line(news)
    assert fields.items() <= json.loads(as_json(news)).items()


def written(*news, as_objects=False, is_terminal=False):
    out: list[str] = []
    view = AirView(out.append, as_objects, is_terminal)
    for each in news:
        view.show(each)
    view.end()
    return "".join(out)


def test_a_log_has_a_line_for_each_frame_and_a_total():
    assert written(Came("A", 0.0, True), BEGAN, SENT).splitlines() == [
        "      0.0 s  A is on the air",
        as_line(SENT),
        "1 frames, 1.7 s on the air: A 1.7 s",
    ]
    assert written() == "0 frames, 0.0 s on the air\n"


def test_a_terminal_shows_who_is_sending_now():
    drawn = written(BEGAN, SENT, is_terminal=True)
    assert drawn.split("\r\x1b[K") == [
        "",
        "on the air: A bundle 1.7 s",
        as_line(SENT) + "\nsilence",
        "1 frames, 1.7 s on the air: A 1.7 s\n",
    ]


def test_a_program_gets_one_object_a_line():
    lines = [
        json.loads(line) for line in written(BEGAN, SENT, as_objects=True, is_terminal=True).splitlines()
    ]
    assert [line["event"] for line in lines] == ["begin", "end", "total"]
    assert lines[-1] == {
        "event": "total",
        "frames": 1,
        "airtime_ms": 1747,
        "airtime_ms_of_camp": {"A": 1747},
        "airtime_ms_of_kind": {"bundle": 1747},
        "fates": {"heard": 1, "collision": 1, "deaf": 1, "lost": 1, "part": 1},
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--listen"),
        (["--listen", "7001"], "HOST:PORT"),
        (["--listen", "127.0.0.1:x"], "HOST:PORT"),
        (["--listen", "127.0.0.1:70000"], "HOST:PORT"),
        (["--listen", "0.0.0.0:7001"], "this machine only"),
        (["--listen", "127.0.0.1:0", "--hears", "A"], "two camps"),
        (["--listen", "127.0.0.1:0", "--hears", "A:B,"], "two camps"),
        (["--listen", "127.0.0.1:0", "--hears", "A:A"], "two camps"),
        (["--listen", "127.0.0.1:0", "--hears", "A:B:C"], "two camps"),
        (["--listen", "127.0.0.1:0", "--loss", "1.1"], "--loss"),
        (["--listen", "127.0.0.1:0", "--speed", "0"], "--speed"),
        (["--listen", "127.0.0.1:0", "--preset", "FAST"], "LONG_FAST"),
    ],
)
def test_a_wrong_word_is_refused(arguments, says):
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 2
    assert says in done.output
