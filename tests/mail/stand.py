"""A mail server, mailboxes and Mailman on loopback, from `start` to `stop`.

They run in the foreground, each in a process group of its own that is ended as one (`guard`), and their files
lie in a folder that everybody may enter: Postfix and Dovecot give up being root.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.mail.certificates import make_certificates
from tests.mail.configuration import LISTS, PEOPLE, Ports, account, files_of

ROOT = Path(__file__).parent.parent.parent
MAILMAN = ROOT / ".venv-mailman" / "bin"
# Mailman starts a dozen Pythons; with both cores busy that took 70 s.
START_S = 180.0
END_S = 20.0
PATH = "/usr/local/sbin:/usr/sbin:/sbin:" + os.environ.get("PATH", "/usr/bin:/bin")


def lacking() -> str:
    """Why the stand cannot be started here; empty when it can."""
    if os.geteuid() != 0:
        return "Postfix and Dovecot start as root only"
    if not all(shutil.which(name, path=PATH) for name in ("postfix", "dovecot")):
        return "Postfix or Dovecot is not installed: tests/apt-packages.txt"
    if not (MAILMAN / "master").exists():
        return "Mailman is not installed: requirements/environment.py mailman"
    return ""


class MailStand:
    """The three servers. `password` is everybody's word; `authority` signed the servers' certificate."""

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="miccheck-mail-"))
        self.ports = Ports(*_free_ports(len(fields(Ports))))
        self.authority = self.base / "authority.pem"
        self._people = 0
        self._servers: list[subprocess.Popen[bytes]] = []
        guard = [sys.executable, str(Path(__file__).with_name("guard.py")), str(self.base)]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, text=True, start_new_session=True)

    def person(self, kind: str) -> str:
        """Somebody new with an account: their name, the kind and a number."""
        self._people += 1
        who = f"{kind}{self._people}"
        with (self.base / "people").open("a") as people:
            people.write(account(who, self.password(who)))
        return who

    def password(self, who: str) -> str:
        """The word with which somebody logs in."""
        return f"{who}-word"

    def start(self) -> None:
        """Start all three and wait until they answer."""
        self.base.chmod(0o755)
        make_certificates(self.base, "localhost")
        for name in ("dovecot", "mailboxes", "postfix", "queue", "postfix-data", "mailman"):
            (self.base / name).mkdir()
        shutil.chown(self.base / "mailboxes", "mail", "mail")
        shutil.chown(self.base / "postfix-data", "postfix", "postfix")
        for name, text in files_of(self.base, self.ports).items():
            (self.base / name).write_text(text)
        self._run("dovecot", "-F", "-c", self.base / "dovecot.conf")
        self._run("postfix", "-c", self.base / "postfix", "start-fg")
        for port in (self.ports.imaps, self.ports.dovecot_lmtp, self.ports.smtp, self.ports.submissions):
            self._wait_for(port)
        # Its runners are told by this option too; it is the price of a folder that belongs to root.
        self._run(MAILMAN / "master", "-C", self.base / "mailman.cfg", "--force")
        for port in (self.ports.mailman_lmtp, self.ports.rest):
            self._wait_for(port)

    def stop(self) -> None:
        """End what was started, and take the files away."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait(END_S)
        for server in self._servers:
            server.wait(END_S)

    def logs(self) -> str:
        """The last lines of every server, for a test that failed."""
        found = [self.base / "postfix.log", self.base / "dovecot.log", *self.base.glob("mailman/logs/*.log")]
        return "\n".join(f"--- {log.name}\n{_tail(log)}" for log in found if log.exists())

    # -- Mailman's REST -------------------------------------------------------------------------------

    def ask(self, method: str, path: str, **words: str) -> Any:
        """One request to Mailman; what it answers, or None where that is nothing."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.ports.rest, timeout=60)) as connection:
            secret = base64.b64encode(b"tests:tests").decode()
            head = {"Authorization": f"Basic {secret}", "Content-Type": "application/x-www-form-urlencoded"}
            connection.request(method, f"/3.1/{path}", urlencode(words) or None, head)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status < 300, (method, path, answer.status, body[:300])
            return json.loads(body) if body else None

    def make_list(self, name: str, *members: str, **settings: str) -> str:
        """A list with these members, who get their own letters back; its address."""
        if not self.ask("GET", "domains").get("total_size"):
            self.ask("POST", "domains", mail_host=LISTS)
        address = f"{name}@{LISTS}"
        self.ask("POST", "lists", fqdn_listname=address)
        # Two first letters at once make each of its archivers twice, and Mailman shunts all that follow.
        self.ask("GET", f"lists/{name}.{LISTS}/archivers")
        self.configure(name, **{"send_welcome_message": "false", **settings})
        for member in members:
            self.join(name, member)
        return address

    def configure(self, name: str, **settings: str) -> None:
        """Change settings of a list."""
        self.ask("PATCH", f"lists/{name}.{LISTS}/config", **settings)

    def join(self, name: str, who: str, delivery: str = "regular") -> None:
        """Make somebody a member without asking them."""
        self.ask(
            "POST",
            "members",
            list_id=f"{name}.{LISTS}",
            subscriber=f"{who}@{PEOPLE}",
            display_name=who.title(),
            delivery_mode=delivery,
            pre_verified="true",
            pre_confirmed="true",
            pre_approved="true",
            send_welcome_message="false",
        )

    def change_member(self, name: str, who: str, **settings: str) -> None:
        """Moderate a member, or send digests."""
        link = self.ask("GET", f"lists/{name}.{LISTS}/member/{who}@{PEOPLE}")["self_link"]
        self.ask("PATCH", link.partition("/3.1/")[2], **settings)

    def members(self, name: str) -> set[str]:
        """The addresses on a list."""
        found = self.ask("GET", f"lists/{name}.{LISTS}/roster/member").get("entries", [])
        return {each["email"] for each in found}

    def held(self, name: str) -> list[int]:
        """The letters that wait for the list's moderator."""
        found = self.ask("GET", f"lists/{name}.{LISTS}/held").get("entries", [])
        return [each["request_id"] for each in found]

    def decide(self, name: str, request: int, action: str, reason: str = "") -> None:
        """Accept, reject or discard a held letter."""
        words = {"action": action} | ({"comment": reason} if reason else {})
        self.ask("POST", f"lists/{name}.{LISTS}/held/{request}", **words)

    def send_digest(self, name: str) -> None:
        """Have the digest of a list go out now."""
        self.ask("POST", f"lists/{name}.{LISTS}/digest", send="true")

    # -- the processes --------------------------------------------------------------------------------

    def _run(self, *command: str | Path) -> None:
        """In a process group of its own. A daemon keeps the pipes it inherits, so it gets a file."""
        with (self.base / "said.log").open("ab") as said:
            server = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
                env=os.environ | {"PATH": PATH},
            )
        self._servers.append(server)
        assert self._guard.stdin is not None
        print(server.pid, file=self._guard.stdin, flush=True)

    def _wait_for(self, port: int) -> None:
        until_s = time.monotonic() + START_S
        while True:
            ended = [server.args for server in self._servers if server.poll() is not None]
            assert not ended, f"{ended} ended: {_tail(self.base / 'said.log')}\n{self.logs()}"
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                assert time.monotonic() < until_s, f"nobody listens on {port}: {self.logs()}"
                time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody has at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _tail(file: Path) -> str:
    return file.read_text(errors="replace")[-3_000:]
