"""Somebody joins a list, through real nodes: only the owner of the list learns who."""

from __future__ import annotations

import io
import re
import socket
import threading
from base64 import b64encode
from contextlib import suppress
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from tests.doors.process import RunningNode, make_camp, miccheck, output, wait_until
from tests.doors.test_links import Coordinator
from tests.letters.gateway import MailHost

ADDRESS = "ana.perez@correo.example.org"
# A letter is gathered for an hour of engine time.
FAST = {"MICCHECK__CLOCK__SPEED": "3600", "MICCHECK__LAN__DISCOVER": "false"}
FAR = """
[[list]]
name = "camps"
address = "camps@lists.example.org"
owner_key = "{key}"

[[link]]
kind = "ip"
url = "http://127.0.0.1:{port}"
"""
GATE = """
[[list]]
name = "camps"
address = "camps@lists.example.org"
outbox = "{url}"
inbox = "maildir:inbox"
sender = "gate@camps.example.org"
channels = ["announcements"]
hold_hours = 0
"""


class Wire:
    """A cable between two camps that keeps every byte."""

    def __init__(self, port: int) -> None:
        self.heard = bytearray()
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self._to))
            for a, b in ((here, there), (there, here)):
                threading.Thread(target=self._carry, args=(a, b), daemon=True).start()

    def _carry(self, a: socket.socket, b: socket.socket) -> None:
        with suppress(OSError):
            while data := a.recv(65_536):
                self.heard += data
                b.sendall(data)
        for each in (a, b):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def host():
    opened = MailHost()
    yield opened
    opened.stop()


def letters_to(host: MailHost, recipient: str) -> list[bytes]:
    pairs = zip(host.envelopes, host.letters, strict=True)
    return [letter for (_, to), letter in pairs if to == recipient]


def tells(raw: bytes) -> list[str]:
    """What of the person stands in these bytes, plain, or as base64 and UTF-16 would write it."""
    found = [word for word in ("perez", "Cibeles") if word.encode() in raw or word.encode("utf-16-le") in raw]
    return found + [b64 for b64 in (b64encode(ADDRESS.encode())[:24].decode(),) if b64.encode() in raw]


def test_somebody_joins_and_nobody_on_the_way_learns_who(tmp_path, host):
    far, gate, key = tmp_path / "far", tmp_path / "gate", tmp_path / "owner.key"
    public = output("owner-key", "make", key).strip()
    code = make_camp(far)
    make_camp(gate, "--name", "gate")
    with (gate / "miccheck.toml").open("a") as file:
        file.write(GATE.format(url=host.url))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = FAST | {"TMPDIR": str(scratch)}
    with RunningNode(gate, env=env) as there:
        wire = Wire(there.port)
        with (far / "miccheck.toml").open("a") as file:
            file.write(FAR.format(key=public, port=wire.port))
        with RunningNode(far, env=env) as here, Coordinator(here, code) as phone:
            form = {
                "list": "camps",
                "address": ADDRESS,
                "place": "Cibeles",
                "group": "kitchen",
                "alias": "tent 4",
            }
            assert phone.send("/join", "/join", **form, consent="1").startswith("/join")
            wait_until(lambda: letters_to(host, "camps-owner@lists.example.org"), 40)
            (letter,) = letters_to(host, "camps-owner@lists.example.org")
            wait_until(lambda: "owner was asked" in phone.page("/join"), 40)

            saved = tmp_path / "letter.eml"
            saved.write_bytes(letter)
            opened = miccheck("owner-key", "open", key, saved)
            assert opened.returncode == 0, opened.stderr
            assert f"{ADDRESS},Cibeles,kitchen" in opened.stdout

            answer = gate / "inbox" / "new" / "answer"
            answer.write_bytes(answer_to(letter))
            wait_until(lambda: "confirmed: on the list" in phone.page("/join"), 40)
            page = phone.page("/join")
            assert "tent 4" in page
            for path in ("/log", "/status", "/c/general", "/c/letters", "/coordinator", "/mail"):
                assert tells(phone.page(path).encode()) == [], path
            assert tells(page.encode()) == []
            limits = Path(f"/proc/{here.process.pid}/limits").read_text()
            assert re.search(r"Max core file size +0 +0 ", limits)  # no crash writes memory to the disk
            exported = tmp_path / "far.bundles"
            output("export", far, exported)
            assert nothing_told_in(far, gate, scratch)  # the logs of the databases too
            said = here.said() + here.printed + there.said() + there.printed
            here.stop()
        there.stop()
    wire.close()
    assert tells(said.encode()) == []
    assert len(wire.heard) > 1_000
    assert tells(bytes(wire.heard)) == []
    assert tells(letter) == []
    assert tells(exported.read_bytes()) == []
    assert nothing_told_in(far, gate, scratch)


def nothing_told_in(*folders: Path) -> bool:
    """Whether no file in these folders tells anything."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "board.sqlite3" for path in files)
    return [path for path in files if tells(path.read_bytes())] == []


def answer_to(letter: bytes) -> bytes:
    """What the owner's mail program makes of "joined all CODE"."""
    mail = message_from_bytes(letter, policy=default)
    code = next(line.strip() for line in io.StringIO(mail.get_content()) if len(line.strip()) == 16)
    return (
        "From: Olga <olga@example.net>\nTo: gate@camps.example.org\nSubject: Re: one\n"
        f"Message-ID: <1@example.net>\nIn-Reply-To: {mail['Message-ID']}\n\n"
        f"Welcome!\njoined all {code}\n\n> quoted\n"
    ).encode()
