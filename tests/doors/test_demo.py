"""The main job, run once through as a new user would: three camps, a list, mail, and a pulled plug."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from node.demo_morning import waves

MAIL = Path(__file__).parent.parent / "data" / "mail"
START_S = 60.0
# A fifth of all frames is lost, and what repairs that has patience.
PATIENCE_S = 90.0
# Six nodes that start and stop on a machine that does other things besides.
ENDS_S = 300.0


class Demo:
    """A running `miccheck demo`, reading what it prints."""

    def __init__(self, tmp_path: Path, seconds: str | None = None) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "DEMO_SECONDS"}
        environment |= {"TMPDIR": str(tmp_path)} | ({"DEMO_SECONDS": seconds} if seconds else {})
        self.log = (tmp_path / "demo.out").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "node", "demo"],
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env=environment,
        )

    def said(self) -> str:
        return Path(self.log.name).read_text()

    def says(self, pattern: str, patience_s: float = PATIENCE_S) -> re.Match[str]:
        end = time.monotonic() + patience_s
        while not (found := re.search(pattern, self.said(), re.MULTILINE)):
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, f"{pattern} is not in\n{self.said()}"
            time.sleep(0.1)
        return found

    def page(self, letter: str) -> str:
        return self.says(rf"^{letter} (http://127\.0\.0\.1:\d+)$", START_S)[1]

    def post(self, letter: str, text: str, **fields: str) -> str:
        body = json.dumps({"channel": "general", "text": text, "author": "Ana", **fields}).encode()
        request = Request(f"{self.page(letter)}/api/v1/messages", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=10) as answer:
            assert answer.status == 201
            return str(json.load(answer)["id"])

    def messages(self, letter: str) -> list[dict[str, str]]:
        with urlopen(f"{self.page(letter)}/api/v1/messages?limit=500", timeout=10) as answer:
            return list(json.load(answer)["messages"])

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


def wait_for(holds, patience_s: float = PATIENCE_S) -> None:
    end = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


def left_of(tmp_path: Path) -> list[str]:
    return [path.name for path in tmp_path.iterdir() if path.name.startswith("miccheck-demo-")]


def is_free(page: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(page.rpartition(":")[2]))) != 0


def check_morning(demo: Demo) -> None:
    """It is on every page, and crossed no air."""
    morning = [post for wave in waves() for post in wave]
    for letter in "ABC":
        shown = {message["text"]: message for message in demo.messages(letter)}
        told = [shown[post.text] for post in morning]
        assert [message["author"] for message in told] == [post.name for post in morning]
        assert {message["via"] for message in told} == {"here", "carried"}
        assert all(
            message["parent"] == told[post.answers]["id"]
            for message, post in zip(told, morning, strict=True)
            if post.answers is not None
        )
    assert not re.search(r"^ .* [ABC]  .*Buenos días", demo.said(), re.MULTILINE)


@pytest.fixture
def open_demo(tmp_path):
    opened = []

    def open_(seconds=None):
        opened.append(Demo(tmp_path, seconds))
        return opened[-1]

    yield open_
    for demo in opened:
        if demo.process.poll() is None:
            demo.end()
        demo.log.close()


def test_the_main_job(open_demo, tmp_path):
    demo = open_demo()
    pages = [demo.page(letter) for letter in "ABC"]
    archive = Path(demo.says(r"^list archive: (.+)$")[1])
    check_morning(demo)

    inbox = demo.says(r"cat some\.mbox >> (\S+)$")[1]
    Path(inbox).write_bytes((MAIL / "pipermail.mbox").read_bytes())
    first = demo.post("A", "¿Quién trae pan? — Who brings bread?")
    demo.says(r"C  general: Ana \(Camp A\): ¿Quién trae pan")

    pid = int(demo.says(r"kill -9 (\d+)$")[1])
    os.kill(pid, signal.SIGKILL)
    demo.says(r"B  is down \(SIGKILL\)")
    second = demo.post("A", "While B is down", reply_to=first)
    restarted = subprocess.Popen(
        demo.says(r"^ +(\S+ .*run \S+/B)$")[1].split(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    demo.says(r"B  is back")
    third = demo.post("C", "Here we do", reply_to=first)
    demo.says(r"C  general: Ana \(Camp A\): While B is down")
    demo.says(r"A  general: Ana \(Camp C\): Here we do")
    demo.says(r"A  letters: Rowan Ash \(Camp C\): .*Library tent")
    demo.says(r"^.*list archive  .*While B is down")

    # A letter to the list, written as the demo shows: it is on all three pages, and in three mailboxes.
    command = demo.says(r"^a letter to the list: (.+)$")[1]
    subprocess.run(command, shell=True, check=True, timeout=20)  # noqa: S602 - as a person would
    for letter in "CBA":
        demo.says(rf"{letter}  letters: Rosa \(Camp C\): Soup")
    for subscriber in ("C", "Rosa", "Tariq"):
        mailbox = archive.parent / f"mail-of-{subscriber}"
        found = [path for folder in ("new", "cur") for path in (mailbox / folder).iterdir()]
        assert any(b"Sopa a las seis" in path.read_bytes() for path in found)

    letters = [message_from_bytes(path.read_bytes(), policy=default) for path in (archive / "new").iterdir()]
    by_id = {letter["Message-ID"]: letter for letter in letters}
    assert by_id[f"<{second}@miccheck.invalid>"]["In-Reply-To"] == f"<{first}@miccheck.invalid>"
    assert "¿Quién trae pan? — Who brings bread?" in by_id[f"<{first}@miccheck.invalid>"].get_content()
    shown = {message["id"]: message for message in demo.messages("A")}
    assert shown[third]["parent"] == first
    assert {message["author"] for message in shown.values() if message["role"] == "list"} == {
        "Rowan Ash",
        "Inés",
        "Rosa",
    }
    assert by_id[f"<{first}@miccheck.invalid>"]["List-Id"] == "Camps <camps.lists.example.org>"
    wait_for(
        lambda: {message["list"] for message in demo.messages("A") if message["id"] == first} == {"on_list"}
    )

    assert demo.end(signal.SIGINT) == 0
    assert restarted.wait(10) == 0
    assert left_of(tmp_path) == []
    assert all(is_free(page) for page in pages)


@pytest.mark.full
def test_two_demos_side_by_side_end_by_themselves(open_demo, tmp_path):
    one, two = open_demo("60"), open_demo("60")
    assert {one.process.wait(ENDS_S), two.process.wait(ENDS_S)} == {0}, one.said() + two.said()
    assert left_of(tmp_path) == []


@pytest.mark.full
def test_too_little_time_says_what_is_missing(open_demo, tmp_path):
    demo = open_demo("0")
    assert demo.process.wait(60) == 1
    assert re.search(r"^miccheck: no post .* at [AC]", demo.said(), re.MULTILINE), demo.said()
    assert left_of(tmp_path) == []


@pytest.mark.parametrize("after_s", [pytest.param(0.5, marks=pytest.mark.full), 2.0])
def test_ended_while_it_starts_it_leaves_nothing(open_demo, tmp_path, after_s):
    demo = open_demo()
    time.sleep(after_s)
    demo.end()
    assert left_of(tmp_path) == []


def test_a_wrong_number_of_seconds_is_refused(open_demo):
    demo = open_demo("soon")
    assert demo.process.wait(30) == 2
    assert 'DEMO_SECONDS = "soon" is wrong: valid is a number of seconds' in demo.said()
