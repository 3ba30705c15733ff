"""A node that is killed while it hands over letters: the list has each once, by journal and inbox."""

import json
import re
from email import message_from_bytes
from email.policy import default

import pytest

from tests.doors.process import RunningNode, make_camp, output, wait_until
from tests.letters.gateway import HESITATE, TAKE_AND_HANG_UP, MailHost

SETTINGS = """
[[list]]
name = "camps"
address = "camps@lists.example.org"
outbox = "{url}"
inbox = "mbox:{inbox}"
channels = ["*"]
hold_hours = 0
"""


def list_states(camp):
    return {m["text"]: m["list"] for m in json.loads(output("read", camp, "general", "--json"))["messages"]}


@pytest.fixture
def host():
    opened = MailHost()
    yield opened
    opened.stop()


@pytest.fixture
def camp(tmp_path, host):
    folder = tmp_path / "camp"
    make_camp(folder)
    with (folder / "miccheck.toml").open("a") as file:
        file.write(SETTINGS.format(url=host.url, inbox=tmp_path / "mbox"))
    return folder


def as_mbox(*letters):
    return b"".join(b"From a\n" + raw.replace(b"\r\n", b"\n") + b"\n" for raw in letters)


def texts(host):
    """What the list was sent: the last words of each subject."""
    return [message_from_bytes(raw, policy=default)["Subject"].rpartition("] ")[2] for raw in host.letters]


def introduce(camp, host):
    """The first letter to a list explains the camp; it is not what these tests are about."""
    output("post", camp, "general", "Zero")
    wait_until(lambda: list_states(camp).get("Zero") == "sent")
    assert len(texts(host)) == 2


def test_killed_between_the_letter_and_the_answer_it_does_not_send_it_twice(tmp_path, camp, host):
    with RunningNode(camp) as node:
        introduce(camp, host)
        host.slow_s = 10.0
        host.to_data.append(TAKE_AND_HANG_UP)
        output("post", camp, "general", "Once")
        wait_until(lambda: len(host.letters) == 3)  # the node waits for the answer
        node.kill()
    assert list_states(camp) == {"Zero": "sent", "Once": "waiting"}

    host.slow_s = 0.0
    (tmp_path / "mbox").write_bytes(as_mbox(host.letters[2]))
    with RunningNode(camp):
        output("post", camp, "general", "Twice")
        wait_until(lambda: list_states(camp) == {"Zero": "sent", "Once": "on_list", "Twice": "sent"}, 30)
    assert texts(host)[1:] == ["Zero", "Once", "Twice"]


def test_killed_in_a_batch_it_knows_which_letters_were_taken(camp, host):
    """Three have their 250, the fourth waits for it, others were not begun, and nothing of it is committed.

    No inbox tells what arrived: what was not noted beside the store would be sent again.
    """
    settings = camp / "miccheck.toml"
    settings.write_text(re.sub("(?m)^inbox.*$", "", settings.read_text()))
    with RunningNode(camp) as node:
        introduce(camp, host)
        node.stop()
    for n in range(5):
        output("post", camp, "general", f"Letter {n}")
    host.to_data.extend(["250 OK"] * 3 + [HESITATE])
    with RunningNode(camp) as node:
        wait_until(lambda: not host.to_data)
        node.kill()
    assert texts(host)[2:] == [f"Letter {n}" for n in range(3)]
    assert set(list_states(camp).values()) == {"sent", "waiting"}
    with RunningNode(camp):
        wait_until(lambda: set(list_states(camp).values()) == {"sent"})
    assert texts(host)[2:] == [f"Letter {n}" for n in range(5)]
