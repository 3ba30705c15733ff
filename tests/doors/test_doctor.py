"""The doctor with real processes: a board fresh from its box, set up, and then held by the running node."""

import json

import pytest

from tests.doors.process import RunningNode, make_camp, miccheck, wait_until
from tests.radio.board import Bench


@pytest.fixture
def bench(tmp_path):
    with Bench(tmp_path / "bench") as bench:
        yield bench


def findings(done):
    return {each["check"]: (each["verdict"], each["says"]) for each in json.loads(done.stdout)["checks"]}


def test_a_board_from_its_box_talks_after_the_doctor_was_there(bench, tmp_path):
    board = bench.board(tcp=True, channel=None, region="UNSET")
    home = tmp_path / "camp"
    make_camp(home)
    settings = home / "miccheck.toml"
    words = (
        f'[[link]]\nkind = "meshtastic"\nhost = "{board.host}"\nregion = "EU_868"\npreset = "SHORT_FAST"\n'
    )
    settings.write_text(f"{settings.read_text()}\n{words}")

    first = miccheck("doctor", home)
    assert first.returncode == 1
    assert "would change: set the region to EU_868 (it is UNSET)" in first.stdout
    refused = miccheck("doctor", home, "--apply")
    assert (refused.returncode, "add --yes" in refused.stderr) == (1, True)
    done = miccheck("doctor", home, "--apply", "--yes")
    assert done.returncode == 0
    assert "the board meshtastic-1 was set up" in done.stdout

    with RunningNode(home) as node:
        wait_until(lambda: node.ask("GET", "/api/v1/status")[1]["links"][0]["state"] == "talking")
        beside = miccheck("doctor", home, "--json")
        assert findings(beside)["link meshtastic-1"] == ("ok", "the running node says: talking")
        assert findings(beside)["board meshtastic-1"][0] == "skip"
        held = miccheck("doctor", home, "--apply", "--yes")
        assert (held.returncode, "stop the node first" in held.stderr) == (1, True)
        board.unplug()
        wait_until(lambda: node.ask("GET", "/api/v1/status")[1]["links"][0]["state"] != "talking")
        gone = miccheck("doctor", home, "--json")
        assert gone.returncode == 1
        assert findings(gone)["link meshtastic-1"][0] == "bad"


def test_two_camps_that_find_each_other(tmp_path):
    for name in ("north", "south"):
        make_camp(tmp_path / name)
    with RunningNode(tmp_path / "south") as south:
        settings = tmp_path / "north" / "miccheck.toml"
        link = f'[[link]]\nkind = "ip"\nurl = "http://127.0.0.1:{south.port}"\n'
        settings.write_text(f"{settings.read_text()}\n{link}")
        done = miccheck("doctor", tmp_path / "north", "--json")
        assert findings(done)["link ip-1"] == ("ok", "the neighbour answers")
        assert findings(miccheck("doctor", tmp_path / "south", "--json"))["ports"][0] == "ok"
        south.stop()
        assert "Traceback" not in south.said()
    assert findings(miccheck("doctor", tmp_path / "north", "--json"))["link ip-1"][0] == "warn"
