"""A camp whose mailing list is on the stand: a folder with settings, and a node that runs in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.doors.process import make_camp, output
from tests.mail.configuration import PEOPLE
from tests.mail.stand import MailStand

_LIST = """
[[list]]
name = "{name}"
address = "{address}"
outbox = "{scheme}://{who}%40{domain}@{host}:{out}"
inbox = "{inbox}"
password_file = "secrets/list-{name}"
ca_file = "{authority}"
"""
_OPEN = {"agreed_by": '"Ana López"', "agreed_on": '"2026-11-01"', "hold_hours": "0", "channels": '["*"]'}


class CampOnList:
    """A camp that posts as `who`, whose mailbox is its inbox."""

    def __init__(self, stand: MailStand, folder: Path, name: str) -> None:
        self.home = folder
        self.who = stand.person(name.lower())
        self._stand = stand
        self.code = make_camp(folder, "--name", name, "--place", "Plaza")

    def add_list(
        self,
        address: str,
        scheme: str = "smtp",
        host: str = "localhost",
        word: str = "",
        **settings: str | None,
    ) -> None:
        """Append a [[list]]; `settings` are TOML values of further words, None leaves one out."""
        name = address.partition("@")[0]
        ports = self._stand.ports
        words = _OPEN | settings
        text = _LIST.format(
            name=name,
            address=address,
            scheme=scheme,
            who=self.who,
            domain=PEOPLE,
            host=host,
            out=ports.submissions if scheme == "smtps" else ports.submission,
            inbox=f"imaps://{self.who}%40{PEOPLE}@{host}:{ports.imaps}",
            authority=self._stand.authority,
        )
        text += "".join(f"{key} = {value}\n" for key, value in words.items() if value is not None)
        with (self.home / "miccheck.toml").open("a") as file:
            file.write(text)
        secret = self.home / "secrets" / f"list-{name}"
        secret.write_text(word or self._stand.password(self.who))
        secret.chmod(0o600)

    def post(self, text: str, channel: str = "general", *options: str) -> str:
        """Post as a camper does; the id of the message."""
        return output("post", self.home, channel, text, *options).strip()

    def messages(self, channel: str) -> list[dict[str, Any]]:
        """What stands in a channel."""
        found: list[dict[str, Any]] = json.loads(output("read", self.home, channel, "--json"))["messages"]
        return found

    def state(self, text: str, channel: str = "general") -> str | None:
        """Where the letter of a message is."""
        return next((m["list"] for m in self.messages(channel) if m["text"] == text), None)

    def letters(self) -> list[dict[str, Any]]:
        """What came from lists."""
        return self.messages("letters")

    def trouble(self) -> str:
        """What `miccheck status` says is wrong with the first list."""
        return json.loads(output("status", self.home, "--json"))["lists"][0]["error"] or ""
