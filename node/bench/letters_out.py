"""How fast a camp's messages leave as letters: its own outbox, with store, journal and commits, beside a bare
loop of aiosmtplib that sends the same bytes to the same server.

The server (aiosmtpd) is a process of its own, so that neither side gets its time for nothing. The two take
turns on one connection each. What is ours in the figure: finding out whose turn it is, making each letter,
noting what is being sent and what was, with full syncs.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from random import Random
from statistics import median

from aiosmtplib import SMTP

from node.bench.figures import Bound, Figure
from node.clock import Clock, monotonic_s
from node.home import Home
from node.list_settings import MailingList
from node.outbox import LetterQueue, Neighbourhood
from node.pump import Workbench
from node.settings import Settings
from node.smtp_outbox import SmtpOutbox
from node.works import Works
from sync.message import Kind, Message, compose
from sync.signing import SEED_BYTES
from sync.store.letters import LetterTables

SHARE_MIN = 0.8
LETTERS = 1_000
ROUNDS = 3
ADDRESS, SENDER = "camps@sink.invalid", "north@camp.invalid"
CHANNEL = "announcements"


def measure(
    texts: Sequence[str],
    random: Random,
    wall_s: float,
    folder: Path,
    rounds: int = ROUNDS,
    letters: int = LETTERS,
) -> list[Figure]:
    """Send as many letters in each of `rounds` rounds. Raises RuntimeError when one did not arrive."""
    shares: list[float] = []
    rates: list[float] = []
    with _sink() as port:
        for number in range(rounds + 1):  # the first warms up
            outgoing = _Outgoing(folder / f"sending-{number}", port, texts, random, wall_s, letters)
            try:
                ours_s = outgoing.send()
                bare_s = asyncio.run(_send_bare(port, outgoing.raws))
            finally:
                outgoing.close()
            shares.append(bare_s / ours_s)
            rates.append(letters / ours_s)
    return [
        Figure(
            "letters_out_share_of_bare_loop",
            f"{letters:,} messages sent to a list over one connection, to a bare loop of aiosmtplib",
            median(shares[1:]),
            "",
            Bound.AT_LEAST,
            SHARE_MIN,
        ),
        Figure("letters_out_per_s", "messages sent to a list", median(rates[1:]), "/s"),
    ]


class _Outgoing:
    """A camp with a board full of messages for a list that nobody holds."""

    def __init__(
        self, folder: Path, port: int, texts: Sequence[str], random: Random, wall_s: float, letters: int
    ) -> None:
        home = Home(folder)
        home.run.mkdir(parents=True)
        home.write_seed(random.randbytes(SEED_BYTES))
        self._letters = letters
        self._works = Works(home, Settings(), Clock())
        self._works.start()
        self._list = MailingList(
            name="camps",
            address=ADDRESS,
            outbox=f"smtp://127.0.0.1:{port}",
            sender=SENDER,
            agreed_by="the bench",
            agreed_on=date(2026, 1, 1),
            hold_hours=0.0,
            per_hour=3_600,
            digest_above=0,
        )
        said = [texts[n % len(texts)] for n in range(letters)]

        def write(bench: Workbench) -> list[bytes]:
            for n, text in enumerate(said):
                message = Message(Kind.POST, int(wall_s) - n, channel=CHANNEL, nickname="Ana")
                bench.engine.publish(compose(message, text), bench.now)
            LetterTables(bench.store.connection).see_list("camps", wall_s)
            bench.store.connection.execute("UPDATE lists SET introduced_s = 1")
            return []

        self._works.pump.submit(write).result()
        self.raws = self._written()

    def _written(self) -> list[bytes]:
        """The letters as they will leave, for the bare loop."""
        queue = self._queue()
        queue.fill(0.0)

        def write(bench: Workbench) -> list[bytes]:
            tables = queue.tables(bench)
            messages = [letter.message for letter in tables.due_letters("camps")]
            raws = [queue.single(bench, row).raw for row in tables.letters_to_go("camps", messages)]
            bench.store.connection.execute("DELETE FROM letters_out")
            return raws

        return queue.ask(write)

    def _queue(self) -> LetterQueue:
        return LetterQueue(self._list, self._works.pump, Neighbourhood())

    def send(self) -> float:
        """Seconds until all of them are noted as sent."""
        folder = Path(self._works.store.connection.execute("PRAGMA database_list").fetchone()[2]).parent
        outbox = SmtpOutbox(self._list, folder, self._works.pump, self._queue(), monotonic_s, lambda: 1.0)
        started = monotonic_s()
        outbox.carry(started)
        took_s = monotonic_s() - started
        sent = self._works.pump.submit(
            lambda bench: LetterTables(bench.store.connection).counts("camps").sent
        ).result()
        if sent != self._letters:
            raise RuntimeError(f"of {self._letters} letters {sent} were sent")
        return took_s

    def close(self) -> None:
        self._works.stop()


async def _send_bare(port: int, raws: Sequence[bytes]) -> float:
    """Seconds of a loop that does nothing else."""
    started = monotonic_s()
    async with SMTP(hostname="127.0.0.1", port=port) as smtp:
        for raw in raws:
            await smtp.sendmail(SENDER, [ADDRESS], raw)
    return monotonic_s() - started


@contextmanager
def _sink() -> Iterator[int]:
    """The port of a server that takes everything."""
    server = subprocess.Popen(
        [sys.executable, "-m", "node.bench.mail_sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.stdin.close()
        server.wait(10)
        server.stdout.close()
