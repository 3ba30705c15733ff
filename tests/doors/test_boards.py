"""Two real nodes over two fake boards that are pulled out again and again: nothing lost, nothing doubled."""

import json
import threading
import time
from collections import Counter
from random import Random

import pytest

from tests.doors.process import RunningNode, make_camp, output, wait_until
from tests.radio.board import Bench

# Ten times as fast as life: a SHORT_TURBO frame takes 10 ms of ours, and beacons come every 12 s. Faster, and
# the tenth of a second that the library sleeps after each write is long against the gossip's waits.
SPEED = 10.0
# For a few messages that does not matter.
SPEED_OF_A_FEW = 30.0


@pytest.fixture
def bench(tmp_path, request):
    with Bench(tmp_path, getattr(request, "param", SPEED)) as bench:
        yield bench


def start(folder, name, board):
    """A camp at this board. Posts are not counted by device."""
    make_camp(folder / name, "--name", name)
    place = {"HOST": board.host} if hasattr(board, "host") else {"DEVICE": str(board.by_id)}
    link = {"KIND": "meshtastic", **place}
    env = {f"MICCHECK__LINK__0__{word}": value for word, value in link.items()}
    others = {"MICCHECK__CLOCK__SPEED": f"{board.bench.speed:g}", "MICCHECK__QUOTA__DEVICE_PER_MINUTE": "0"}
    return RunningNode(folder / name, env | others)


def radio(node):
    """The node's radio on its status page."""
    return node.ask("GET", "/api/v1/status")[1]["links"][0]


def is_talking(node):
    return radio(node)["state"] == "talking"


def post(node, text, urgent=False):
    status, answer = node.ask(
        "POST", "/api/v1/messages", {"channel": "general", "text": text, "urgent": urgent}
    )
    assert status == 201, answer


class Trouble(threading.Thread):
    """Pulls a board out at random moments, puts it back, and looks how long the node needs."""

    def __init__(self, node, board, times, random):
        super().__init__(name=f"trouble at {board.name}")
        self.node, self.board, self.times, self.random = node, board, times, random
        self.needed_s: list[float] = []

    def run(self):
        for _ in range(self.times):
            time.sleep(self.random.uniform(0.1, 1.6))
            self.board.unplug()
            before = self.times_asked()
            time.sleep(self.random.uniform(0.1, 1.0))
            self.board.plug()
            began = time.monotonic()
            # The node may not have noticed yet that the board was gone.
            wait_until(lambda before=before: self.times_asked() > before and is_talking(self.node))
            self.needed_s.append(time.monotonic() - began)

    def times_asked(self):
        """How often the board was asked for its settings."""
        return self.board.do(lambda firmware: firmware.asked)


def storm(bench, tmp_path, messages, times, seed, level_s, tcp=False):
    """Both camps write while their boards come and go; how long each needed to talk again, in seconds."""
    random = Random(seed)
    boards = [bench.board(name, boot_s=0.3, tcp=tcp) for name in "ab"]
    with start(tmp_path, "A", boards[0]) as a, start(tmp_path, "B", boards[1]) as b:
        nodes = (a, b)
        wait_until(lambda: all(is_talking(node) for node in nodes))
        troubles = [
            Trouble(node, board, times, Random(seed + index))
            for index, (node, board) in enumerate(zip(nodes, boards, strict=True))
        ]
        for trouble in troubles:
            trouble.start()
        texts = [f"message {number} of the storm" for number in range(messages)]
        for number, text in enumerate(texts):
            post(nodes[number % 2], text)
            time.sleep(random.uniform(0, 4.2 * times / messages))  # as long as the trouble lasts
        for trouble in troubles:
            trouble.join()
        wait_until(lambda: all(len(node.texts()) >= messages for node in nodes), level_s)
        for node in nodes:
            assert Counter(node.texts()) == Counter(texts)
        needed_s = [each for trouble in troubles for each in trouble.needed_s]
        assert len(needed_s) == 2 * times
        for node in nodes:
            node.stop()
    return needed_s


@pytest.mark.parametrize("bench", [SPEED_OF_A_FEW], indirect=True)
def test_two_camps_level_though_their_boards_are_pulled_out(bench, tmp_path):
    storm(bench, tmp_path, messages=6, times=1, seed=1, level_s=60)


@pytest.mark.full
@pytest.mark.parametrize(
    ("messages", "times", "seed", "tcp"), [(200, 20, 11, False), (100, 10, 12, True)], ids=["serial", "tcp"]
)
def test_two_hundred_messages_and_each_board_pulled_out_twenty_times(
    bench, tmp_path, messages, times, seed, tcp, record_property
):
    needed_s = storm(bench, tmp_path, messages, times, seed, level_s=100, tcp=tcp)
    record_property("talking_again_s_max", max(needed_s))
    print(f"talking again after {sorted(needed_s)[len(needed_s) // 2]:.1f} s, at most {max(needed_s):.1f} s")


@pytest.mark.full
def test_a_mic_check_over_a_board_says_that_it_was_sent(bench, tmp_path):
    boards = [bench.board(name, tcp=True) for name in "ab"]
    with start(tmp_path, "A", boards[0]) as a, start(tmp_path, "B", boards[1]) as b:
        wait_until(lambda: is_talking(a) and is_talking(b))
        output("post", tmp_path / "A", "announcements", "Everybody to the fountain", "--urgent")
        wait_until(lambda: "Everybody to the fountain" in b.texts())
        (message,) = a.ask("GET", "/api/v1/messages?channel=announcements")[1]["messages"]
        assert message["state"] in ("sent", "neighbour")
        shown = json.loads(output("status", tmp_path / "A", "--json"))["links"][0]
        assert (shown["kind"], shown["state"], shown["airtime"]["region"]) == ("meshtastic", "talking", "US")
        a.stop()
        b.stop()
