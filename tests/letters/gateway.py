"""A camp with a pump and a courier in a folder, and a mail server that does what a test says."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import closing
from datetime import date
from random import Random
from typing import Any

from node.courier import Courier
from node.demo_smtp import SmtpServer
from node.pump import Pump
from node.settings import MailingList
from node.trust import Terms
from sync.actions import CONSOLE, WritePost, Written
from sync.board import Board, BoardLimits, CampSettings
from sync.engine import Engine
from sync.reading import Reader
from sync.signing import Identity
from sync.store import Store
from sync.views import Via

PATIENCE_S = 20.0
ADDRESS = "camps@lists.example.org"


class Ticking:
    """A clock whose engine time runs fast."""

    speed = 50.0

    def now(self):
        return time.monotonic() * self.speed

    def wait_s(self, engine_s):
        return engine_s / self.speed

    def wall_s(self):
        return 1_795_400_000.0 + time.monotonic()

    def is_set(self):
        return True


class Gateway:
    """A camp with a pump and a courier in a folder."""

    def __init__(self, home, **settings: Any):
        self.home = home
        self.stopped = False
        identity = Identity(bytes([7]) * 32)
        self.store = Store.open(home / "board.sqlite3", identity.key)
        engine = Engine(identity, self.store, Random(7))
        camp = CampSettings("North", "Plaza", ("en",), "", True, 0)
        board = Board(self.store, engine, identity, os.urandom, BoardLimits(), camp)
        self.clock = Ticking()
        nothing = lambda *_: None  # noqa: E731
        self.pump = Pump(self.store, engine, board, self.clock, nothing, nothing, nothing)
        agreed = {"agreed_by": "Ana", "agreed_on": date(2026, 11, 23)}
        words: dict[str, Any] = {"hold_hours": 0.0, "digest_above": 0, **agreed, **settings}
        introduces, others = words.pop("introduces", False), words.pop("others", ())
        terms = Terms(metered=words.pop("metered", False))
        lists = (MailingList(name="camps", address=ADDRESS, **words), *others)
        if not introduces:
            self._is_introduced()
        self.courier = Courier(lists, home, self.pump, self.clock, time.monotonic, lambda: 1.0, terms=terms)
        self.pump.start()
        self.courier.start()

    def _is_introduced(self):
        with self.store.transaction():
            self.store.connection.execute(
                "INSERT OR IGNORE INTO lists (name, since_s, introduced_s) VALUES ('camps', 1, 1)"
            )

    def post(self, text, channel="announcements", **fields):
        written = self.pump.act(WritePost(channel, text, "Ana", **fields), CONSOLE).result()
        assert isinstance(written, Written)
        self.courier.wake()
        return written.message

    def view(self):
        return self.courier.views()[0]

    def list_states(self):
        """Of this camp's own posts."""
        return [view.list for view in shown(self) if view.via == Via.HERE]

    def execute(self, sql):
        """A statement over the store, by the pump."""
        return self.pump.submit(lambda bench: bench.store.connection.execute(sql).fetchall()).result()

    def stop(self):
        if self.stopped:
            return
        self.stopped = True
        self.courier.stop()
        self.pump.stop()
        self.store.close()


def until(condition, patience_s=PATIENCE_S):
    end = time.monotonic() + patience_s
    while not (answer := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return answer


def shown(gateway, channel=None):
    with closing(Reader(gateway.home / "board.sqlite3")) as reader:
        return reader.messages(channel, None, 500).messages


HANG_UP = "hang up"
TAKE_AND_HANG_UP = "take it, and hang up before saying so"
HESITATE = "neither take it nor say so, for as long as the test lasts"


class MailHost:
    """A mail server. What it answers to RCPT and DATA is in two lists, first come first served; then OK."""

    def __init__(self, **options):
        self.letters = []  # content of each letter it took
        self.envelopes = []  # (sender, recipient) of them
        self.greetings = []
        self.to_rcpt = []
        self.to_data = []
        self.hates = None  # a word over which it hangs up, each time
        self.hates_by = HANG_UP
        self.hated = 0
        self.connections = set()
        self.slow_s = 0.0
        self.server = SmtpServer(self, "mail.example.org", **options)
        self.server.start()

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.server.port}"

    def stop(self):
        self.server.stop()

    def _take(self, envelope):
        self.letters.append(envelope.content)
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos[0]))

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        self.greetings.append(hostname)
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        self.connections.add(session.peer)
        answer = self.to_rcpt.pop(0) if self.to_rcpt else "250 OK"
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        answer = self.to_data.pop(0) if self.to_data else "250 OK"
        if self.hates is not None and self.hates in envelope.content:
            self.hated += 1
            answer = self.hates_by
        if answer == TAKE_AND_HANG_UP:
            self._take(envelope)
        if answer == HESITATE:
            await asyncio.sleep(600)
        await asyncio.sleep(self.slow_s)
        if answer.startswith("2"):
            self._take(envelope)
        if answer in (HANG_UP, TAKE_AND_HANG_UP):
            server.transport.abort()
        return answer
