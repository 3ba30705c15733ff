"""Two real nodes and a real air process: a mic check crosses, and nothing is left when they end."""

import json
import re
import signal
import socket
import subprocess
import sys

import pytest

from tests.doors.process import RunningNode, make_camp, miccheck, output, wait_until

# A mic check takes two seconds by radio and a tenth here.
SPEED = "20"


class RunningAir:
    """`miccheck air` until it is ended; also a context manager."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "node", "air", "--listen", "127.0.0.1:0", "--speed", SPEED, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline()
        found = re.search(r"127\.0\.0\.1:\d+", self.first)
        assert found is not None, self.first
        self.address = found[0]

    def node(self, home):
        """A node with its radio on this air, whose radio is on."""
        link = {"KIND": "air", "ADDRESS": self.address, "PRESET": "LONG_FAST"}
        env = {f"MICCHECK__LINK__0__{word}": value for word, value in link.items()}
        node = RunningNode(home, env | {"MICCHECK__CLOCK__SPEED": SPEED})
        wait_until(lambda: radio(node)["state"] == "talking")
        return node

    def end(self, number: int = signal.SIGTERM) -> str:
        """What it wrote since the first line."""
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, out
        return out

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def radio(node):
    """The node's radio on its status page."""
    return node.ask("GET", "/api/v1/status")[1]["links"][0]


@pytest.fixture
def homes(tmp_path):
    for name in "AB":
        make_camp(tmp_path / name, "--name", name)
    return tmp_path / "A", tmp_path / "B"


def test_a_mic_check_crosses_and_everything_ends(homes):
    with RunningAir("--json", "--seed", "7") as air:
        about = json.loads(air.first)
        assert (about["event"], about["preset"], about["seed"]) == ("listening", "LONG_FAST", 7)
        with air.node(homes[0]) as a, air.node(homes[1]) as b:
            output("post", homes[0], "general", "police at the north gate", "--urgent")
            wait_until(lambda: "police at the north gate" in b.texts())
            output("post", homes[1], "general", "we heard you", "--urgent")
            wait_until(lambda: "we heard you" in a.texts())
            (message,) = [
                each
                for each in b.ask("GET", "/api/v1/messages")[1]["messages"]
                if each["camp"]["name"] != "B"
            ]
            assert message["via"] == "radio"
            assert radio(a)["kind"] == "air"
            assert radio(a)["frames_out"] >= 1
            assert a.stop() < 5
            assert b.stop() < 5
        lines = [json.loads(line) for line in air.end().splitlines()]
    ends = [line for line in lines if line["event"] == "end"]
    own = [line for line in ends if line["camp"] == "A"]
    assert own[0]["kind"] == "bundle with key"
    assert 700 < own[0]["airtime_ms"] < 2_200
    assert ["B"] in [line["heard"] for line in own]
    assert lines[-1]["event"] == "total"
    assert lines[-1]["frames"] == len(ends)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(air.address.rpartition(":")[2])))


def test_neither_a_power_failure_nor_an_orderly_end_gives_a_radio_a_fresh_hour(homes):
    with RunningAir() as air:
        with air.node(homes[0]) as a:
            before = radio(a)["airtime"]
            assert (before["region"], before["preset"]) == ("EU_868", "LONG_FAST")
            assert (before["limit"], before["for_alerts"], before["law"]) == (0.05, 0.005, 0.1)
            output("post", homes[0], "general", "police at the north gate", "--urgent")
            wait_until(lambda: radio(a)["frames_out"] >= 1)
            used = radio(a)["airtime"]["used"]
            assert used > 0.0003  # a second, and more
            a.kill()
        with air.node(homes[0]) as a:
            # A tenth of the hour was written down before the first frame left.
            assert radio(a)["airtime"]["used"] >= 0.005
            assert a.stop() < 5
        with air.node(homes[0]) as a:
            assert radio(a)["airtime"]["used"] >= 0.005
        air.end()


def test_a_node_finds_an_air_that_was_restarted(homes):
    with RunningAir() as air, air.node(homes[0]) as a:
        total = air.end(signal.SIGINT).splitlines()[-1]
        assert re.fullmatch(r"\d+ frames?, .* on the air.*", total)  # a beacon or none: its own choice
        wait_until(lambda: radio(a)["state"] == "lost")
        again = ["--listen", air.address, "--speed", SPEED]
        with subprocess.Popen(
            [sys.executable, "-m", "node", "air", *again], stdout=subprocess.PIPE, text=True
        ) as process:
            wait_until(lambda: radio(a)["state"] == "talking")
            process.terminate()
            said, _ = process.communicate(timeout=20)
            assert "A is on the air" in said


def test_a_port_that_is_taken_is_said_in_one_line():
    with RunningAir() as air:
        done = miccheck("air", "--listen", air.address)
        assert done.returncode == 1
        assert re.fullmatch(r"miccheck: cannot listen on 127\.0\.0\.1:\d+: .*\n", done.stderr)
        assert done.stdout == ""
        air.end()
