"""A new list is watched by a moderator: nothing leaves a real node before somebody said so on its page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from tests.doors.process import RunningNode, make_camp, output, wait_until
from tests.doors.test_links import Coordinator
from tests.letters.gateway import MailHost

SETTINGS = """
[[list]]
name = "camps"
address = "camps@lists.example.org"
outbox = "{url}"
sender = "sol@mail.example.org"
channels = ["general"]
hold_hours = 1
"""


@pytest.fixture
def host() -> Iterator[MailHost]:
    opened = MailHost()
    yield opened
    opened.stop()


def subjects(host: MailHost) -> list[str]:
    return [message_from_bytes(raw, policy=default)["Subject"] for raw in host.letters]


def letters(page: str) -> dict[str, str]:
    """The letters on the page of those that wait: subject and message."""
    found = re.findall(
        r'name="message" value="([0-9a-f]+)"><input type="hidden" name="was" value="([^"]*)"', page
    )
    return {was: message for message, was in found}


def test_a_letter_leaves_when_somebody_let_it_go_and_not_before(tmp_path: Path, host: MailHost) -> None:
    camp = tmp_path / "camp"
    code = make_camp(camp)
    with (camp / "miccheck.toml").open("a") as file:
        file.write(SETTINGS.format(url=host.url))
    with RunningNode(camp) as node, Coordinator(node, code) as phone:
        output("post", camp, "general", "Assembly at eight, call 612 345 678")
        output("post", camp, "general", "A rumour")
        wait_until(lambda: len(letters(phone.page("/mail/held"))) == 3)
        waits = letters(phone.page("/mail/held"))
        assert host.letters == []
        assembly, rumour, first = waits["Assembly at eight, call [☎…]"], waits["A rumour"], waits[""]

        # Somebody wants to see it first, and gets it alone.
        preview = f"/mail/1/preview/{assembly}"
        phone.send(f"{preview}/try", form=preview, address="ana@correo.example")
        assert host.envelopes == [("sol@mail.example.org", "ana@correo.example")]
        assert subjects(host)[0].startswith("[dry run] ")

        shown = phone.client.get(f"{preview}/letter.eml").content
        phone.send("/mail/held/approve", form="/mail/held", list="1", message=first, was="", subject="")
        wait_until(lambda: len(host.letters) == 2)
        phone.send("/mail/held/refuse", form="/mail/held", list="1", message=rumour, why="nobody saw it")
        phone.send("/mail/pause", form="/mail", list="1", on="1")
        phone.send("/mail/held/approve", form="/mail/held", list="1", message=assembly, was="x", subject="x")
        assert "Paused" in phone.page("/mail")
        assert len(host.letters) == 2
        phone.send("/mail/pause", form="/mail", list="1")
        wait_until(lambda: len(host.letters) == 3)

        assert host.letters[2].rstrip() == shown.rstrip()  # byte by byte what the page showed
        assert "What these letters are" in subjects(host)[1]
        assert "612 345 678" not in host.letters[2].decode()
        assert "nobody saw it" in phone.page(f"/m/{rumour}")
        wait_until(lambda: "sent to the mailing list" in phone.page(f"/m/{assembly}"))
        assert "ana@correo" not in node.said()
    assert b"ana@correo" not in b"".join(f.read_bytes() for f in camp.rglob("*") if f.is_file())
