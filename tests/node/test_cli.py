"""The command line inside one process: what is said, on which stream, and with which exit code."""

import json
import re
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass

import pytest

from node.cli import COMMANDS, main
from node.home import Home, HomeLock
from node.settings import LANGUAGES
from radio.airtime import PRESETS, Firmware
from web_ui.languages import Languages


@dataclass
class Done:
    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command as `miccheck` would, in this process."""
    for variable in ("PORT", "TLS_PORT"):
        monkeypatch.setenv(f"MICCHECK__WEB__{variable}", "0")

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["miccheck", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Done(end.value.code, said.out, said.err)

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("quiet") / "camp"


@pytest.fixture
def quiet_camp(folder, run):
    """A camp nobody writes in, made once."""
    if not folder.exists():
        assert run("init", folder).code == 0
    return folder, run


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("post", "{home}", "nope", "x"), 1, 'no channel "nope" here; there are general, announcements'),
        (("post", "{home}", "general", "\udcff"), 2, "not UTF-8"),
        (("post", "{home}", "letters", "x"), 1, "do not write in letters"),
        (("card", "{home}", "--revoke", "9" * 30), 2, "--revoke"),
        (("post", "{home}", "general", "  "), 1, "no text"),
        (("post", "{home}", "general", "x" * 4001), 1, "too long"),
        (("post", "{home}", "general", "x", "--reply-to", "00" * 16), 1, "no such message"),
        (("post", "{home}", "general", "x", "--reply-to", "zz"), 2, "32 hex digits"),
        (("post", "{home}", "general"), 2, "TEXT"),
        (("read", "{home}", "nope"), 1, "general, announcements, here, letters"),
        (("read", "{home}", "--after", "00" * 16), 1, "no message"),
        (("read", "{home}", "--limit", "0"), 2, "1<=x<=500"),
        (("pin", "{home}", "nobody"), 1, "no such camp"),
        (("import", "{home}", "/no/such/file"), 1, "No such file"),
        (("import", "{home}", "/dev/zero"), 1, "a device or a pipe"),
        (("status", "/no/such/home"), 1, "there is no camp at /no/such/home; make one: miccheck init"),
        (("init", "{home}-b", "--name", ""), 2, "must not be empty"),
        (("nonsense",), 2, "nonsense"),
        (("price",), 2, "TEXT"),
    ],
)
def test_a_mistake_is_said_in_one_line(quiet_camp, arguments, code, says):
    home, run = quiet_camp
    done = run(*(argument.format(home=home) for argument in arguments))
    assert (done.code, done.out) == (code, ""), done.err
    assert says in done.err
    assert code == 2 or done.err.count("\n") == 1


def test_every_command_explains_itself_with_an_example(run):
    listed = run("--help").out
    for name in COMMANDS:
        assert f"\n  {name} " in listed
        shown = run(name, "--help")
        assert shown.code == 0
        assert "Example" in shown.out
        assert re.search(rf"miccheck {name}\b", shown.out.partition("Example")[2])


def test_the_version_is_said(run):
    assert run("--version").out.startswith("miccheck 0.")


def test_a_message_is_posted_and_read(run, tmp_path):
    home = tmp_path / "camp"
    assert run("init", home, "--name", "Plaza", "--place", "gate 4", "--language", "es").code == 0
    first = run("post", home, "general", "hola\nplaza", "--author", "Ada").out.strip()
    second = run("post", home, "general", "answer", "--reply-to", first).out.strip()
    urgent = run("post", home, "general", "medic to gate 4", "--urgent").out.strip()
    told = run("read", home).out
    assert "  Ada (coordinator, Plaza)\n  hola\n  plaza\n" in told
    assert f"answers {first}" in told
    assert "MIC CHECK" in told
    page = json.loads(run("read", home, "--json", "--limit", 2).out)
    assert [message["id"] for message in page["messages"]] == [first, second]
    assert page["next"] == second
    rest = json.loads(run("read", home, "--json", "--after", second).out)
    assert [message["id"] for message in rest["messages"]] == [urgent]
    assert run("read", home, "--after", first, "general").out.startswith(second)


def test_the_newest_are_read_unless_one_asks_otherwise(run, tmp_path):
    home = tmp_path / "camp"
    run("init", home)
    ids = [run("post", home, "here", f"{number}").out.strip() for number in range(3)]
    assert [line.split()[0] for line in run("read", home, "here", "--limit", 2).out.splitlines()[::4]] == ids[
        1:
    ]


def test_posts_that_cannot_be_dated_are_missing_from_a_stick_and_that_is_said(run, tmp_path, monkeypatch):
    home = tmp_path / "camp"
    monkeypatch.setenv("MICCHECK__CLOCK__OFFSET_S", "-1500000000")
    run("init", home)
    run("post", home, "general", "when")
    done = run("export", home, tmp_path / "stick")
    assert (done.code, done.out) == (0, f"0 bundles written to {tmp_path / 'stick'}\n")
    assert "posts are not in it" in done.err
    monkeypatch.delenv("MICCHECK__CLOCK__OFFSET_S")
    done = run("export", home, tmp_path / "another")
    assert done.err == ""
    assert not done.out.startswith("0 ")


@pytest.mark.parametrize("damage", ["missing", "junk", "empty"])
def test_a_board_that_cannot_be_read_is_one_line(run, tmp_path, damage):
    home = tmp_path / "camp"
    run("init", home)
    board = home / "board.sqlite3"
    board.unlink()
    if damage != "missing":
        board.write_bytes(b"junk" * 5000 if damage == "junk" else b"")
    for command in (("read", home), ("status", home, "--json"), ("card", home)):
        done = run(*command)
        assert (done.code, done.out) == (1, "")
        assert "cannot be read" in done.err
        assert done.err.count("\n") == 1
    assert run("post", home, "general", "begin anew").code == 0  # whoever writes mends the file first
    assert "begin anew" in run("read", home).out


def test_without_a_node_the_links_of_the_settings_are_listed_and_do_not_run(quiet_camp, monkeypatch):
    home, run = quiet_camp
    links = [
        {"KIND": "modem", "DEVICE": "/dev/null"},
        {"KIND": "udp", "INTERFACE": "wlan0", "STOPPED": "true"},
        {"KIND": "modem", "DEVICE": "/dev/zero"},
    ]
    for number, words in enumerate(links):
        for word, value in words.items():
            monkeypatch.setenv(f"MICCHECK__LINK__{number}__{word}", value)
    told = json.loads(run("status", home, "--json").out)["links"]
    shown = [(link["name"], link["kind"], link["state"], link["since"]) for link in told]
    assert shown == [
        ("modem-1", "modem", "not running", None),
        ("udp-1", "udp", "stopped", None),
        ("modem-2", "modem", "not running", None),
    ]
    assert "links 1 state: not running" in run("status", home).out.splitlines()


def test_without_a_node_the_lists_of_the_settings_are_listed(quiet_camp, monkeypatch):
    home, run = quiet_camp
    lists = [
        {"NAME": "squares", "ADDRESS": "squares@example.org", "OUTBOX": "maildir:out"},
        {"NAME": "readers", "INBOX": "mbox:archive"},
        {"NAME": "old", "STOPPED": "true"},
    ]
    for number, words in enumerate(lists):
        for word, value in words.items():
            monkeypatch.setenv(f"MICCHECK__LIST__{number}__{word}", value)
    with closing(sqlite3.connect(home / "board.sqlite3")) as board, board:
        board.execute("INSERT INTO counters VALUES ('letters left out: readers', 3)")
    squares, readers = json.loads(run("status", home, "--json").out)["lists"]
    assert (squares["name"], squares["waiting"], squares["error"]) == ("squares", 0, None)
    assert (readers["name"], readers["left_out"]) == ("readers", 3)
    assert readers["error"].startswith("nothing of the list is passed on until its owner has agreed")
    assert "lists 1 name: squares" in run("status", home).out.splitlines()


def test_a_card_that_never_ends_is_listed(run, tmp_path):
    home = tmp_path / "camp"
    run("init", home)
    assert run("card", home, "moderator").code == 0
    with closing(sqlite3.connect(home / "board.sqlite3")) as board, board:
        board.execute("UPDATE role_cards SET until_s = 253402387200 WHERE id = 2")  # as the page makes it
    done = run("card", home)
    assert done.code == 0
    assert "until 9999-12-31, 0 sessions" in done.out


def test_what_is_wiped_is_in_no_file_of_the_camp(run, tmp_path):
    home = tmp_path / "camp"
    run("init", home)
    run("card", home, "moderator", "--name", "blue lamp")
    run("post", home, "general", "the words")
    aside = home / "board.sqlite3.damaged-1"
    aside.write_bytes(b"the words, damaged")

    def on_disk() -> bytes:
        return b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())

    assert run("wipe", home, "everything").code == 2
    with HomeLock(Home(home)):
        done = run("wipe", home, "messages")
        assert (done.code, done.err) == (1, "miccheck: stop the node first, then wipe\n")
    assert b"the words" in on_disk()
    assert run("wipe", home, "messages").out == "wiped: messages\n"
    assert b"the words" not in on_disk()
    assert b"blue lamp" in on_disk()
    assert "no card any more" in run("wipe", home, "people").out
    assert b"blue lamp" not in on_disk()
    assert run("card", home, "coordinator").code == 0
    assert run("wipe", home, "all").code == 0
    assert run("post", home, "general", "begin anew").code == 0


def test_the_languages_of_the_settings_have_catalogues():
    assert Languages.load(LANGUAGES, "es").default.code == "es"


def test_a_price_is_the_frame_and_its_airtime(run):
    done = run("price", "Need two more people at the east gate from six tonight", "--json")
    price = json.loads(done.out)
    assert price["messages"] == price["frames"] == 1
    assert 4 + 80 < price["frame_bytes"] < 170
    for preset in PRESETS:
        for firmware in Firmware:
            airtime_ms = preset.airtime_ms(price["frame_bytes"], firmware)
            assert price["airtime_ms"][preset.name][firmware.value] == round(airtime_ms)


def test_texts_in_one_bundle_share_its_envelope(run):
    texts = [f"soup is ready at the kitchen, bowl number {number}" for number in range(4)]
    alone = sum(json.loads(run("price", text, "--json").out)["frame_bytes"] for text in texts)
    together = json.loads(run("price", *texts, "--json").out)
    assert together["messages"] == 4
    assert together["frame_bytes"] < alone - 3 * 64
    assert together["bytes_each"] == round(together["frame_bytes"] / 4, 1)


def test_a_long_text_takes_several_frames(run):
    words = " ".join(f"{number * 7919 % 10007:x}" for number in range(400))
    price = json.loads(run("price", words, "--json").out)
    assert price["frames"] > 1
    assert price["frame_bytes"] <= price["frames"] * 226
    assert "frames" in run("price", words).out


def test_a_price_is_told_to_people_as_a_table(run):
    lines = run("price", "hello").out.splitlines()
    assert "bytes in 1 frame" in lines[0]
    assert len(lines) == 2 + len(PRESETS)


@pytest.mark.parametrize(
    ("texts", "code", "says"),
    [
        (["x"] * 9, 2, "8 messages at most, not 9"),
        (["  "], 1, "no text"),
        (["x" * 4001], 1, "4,000 bytes at most"),
        (
            ["".join(chr(0x4E00 + (i * 7919 + n) % 20000) for i in range(1300)) for n in range(8)],
            1,
            "do not fit",
        ),
    ],
)
def test_what_fits_no_bundle_has_no_price(run, texts, code, says):
    done = run("price", *texts)
    assert done.code == code
    assert says in done.err
