"""A node whose power is cut while it hands over a letter: the list has it once, by what the inbox shows."""

import json
import signal

import pytest

from tests.doors.process import RunningNode, make_camp, output, wait_until
from tests.letters.gateway import TAKE_AND_HANG_UP, MailHost

SETTINGS = """
[[list]]
name = "camps"
address = "camps@lists.example.org"
outbox = "{url}"
inbox = "mbox:{inbox}"
channels = ["*"]
"""


def list_states(camp):
    return {m["text"]: m["list"] for m in json.loads(output("read", camp, "general", "--json"))["messages"]}


@pytest.fixture
def host():
    opened = MailHost()
    yield opened
    opened.stop()


def test_killed_between_the_letter_and_the_answer_it_does_not_send_it_twice(tmp_path, host):
    camp, inbox = tmp_path / "camp", tmp_path / "mbox"
    make_camp(camp)
    with (camp / "miccheck.toml").open("a") as file:
        file.write(SETTINGS.format(url=host.url, inbox=inbox))
    host.slow_s = 10.0
    host.to_data.append(TAKE_AND_HANG_UP)
    with RunningNode(camp) as node:
        output("post", camp, "general", "Once")
        wait_until(lambda: host.letters)  # the node waits for the answer
        node.process.send_signal(signal.SIGKILL)
        node.process.wait(10)
    assert list_states(camp) == {"Once": "waiting"}

    host.slow_s = 0.0
    inbox.write_bytes(b"From a\n" + host.letters[0].replace(b"\r\n", b"\n") + b"\n")
    with RunningNode(camp):
        output("post", camp, "general", "Twice")
        wait_until(lambda: list_states(camp) == {"Once": "on_list", "Twice": "sent"}, 30)
    assert len(host.letters) == 2
