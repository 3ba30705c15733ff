"""A storm over several gateways: whose internet comes and goes, whose gossip is cut, who crashes, and what
the list gets.

Everything but the weather, the wires and the clock is the real thing: stores, engines, the queue, the SMTP
outbox with its journal, receipts, and the list's mail as it is read. Each gateway's outbox runs in a thread
of its own, and a baton goes from one to the next at the moments that virtual time says, so a seed is a storm.
"""

from __future__ import annotations

import heapq
import threading
from collections import Counter
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from itertools import count
from random import Random
from typing import Any

from node.list_settings import MailingList
from node.outbox import LetterQueue, Neighbourhood
from node.pump import Workbench
from node.receipt_teller import publish_receipts
from node.smtp import Answer, Fate
from node.smtp_outbox import SmtpOutbox
from node.walker import RETRY_FIRST_S, RETRY_MAX_S, Trouble
from sync.board import Board, BoardLimits, CampSettings
from sync.engine import Engine, Limits
from sync.letters import read_letters
from sync.letters.marks import mark_of_message_id, message_ids
from sync.letters.taking_in import take_in
from sync.message import Kind
from sync.receipts import list_digest
from tests.sync.camps import NOW_S, Camp, Square

ADDRESS = "camps@lists.example.org"
CHANNEL = "announcements"
GATEWAYS = ("north", "middle", "south")
OTHERS = ("east", "west")


class PowerCut(BaseException):
    """The node is gone between one line and the next."""


class Baton:
    """Virtual time. One thread runs at any moment: this one, or the one whose moment it is."""

    def __init__(self, now):
        self.now = now
        self._due = []
        self._numbers = count()

    def at(self, when, action):
        heapq.heappush(self._due, (max(when, self.now), next(self._numbers), action))

    def run(self, until):
        while self._due and self._due[0][0] <= until:
            self.now, _, action = heapq.heappop(self._due)
            action()
        self.now = max(self.now, until)


class Walk:
    """A thread that has the baton from one `sleep` to the next."""

    def __init__(self, baton, errand):
        self._baton = baton
        self._errand = errand
        self._mine, self._theirs = threading.Semaphore(0), threading.Semaphore(0)
        self._rest = 0  # which sleep this is: a late alarm wakes nobody
        self._resting = False
        self.ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.wake()

    def sleep(self, seconds, *, may_be_woken=False):
        """In the thread."""
        self._rest += 1
        self._resting = may_be_woken
        if seconds != float("inf"):
            self._baton.at(self._baton.now + seconds, lambda rest=self._rest: self._go(rest))
        self._theirs.release()
        self._mine.acquire()

    def wake(self, after=0.2):
        """There may be something to do."""
        if self._resting or self._rest == 0:
            self._baton.at(self._baton.now + after, lambda rest=self._rest: self._go(rest))

    def hurry(self, after):
        """Do not wait for the end of this sleep, whatever it is for."""
        self._baton.at(self._baton.now + after, lambda rest=self._rest: self._go(rest))

    def _go(self, rest):
        if rest == self._rest and not self.ended:
            self._mine.release()
            self._theirs.acquire()

    def _run(self):
        self._mine.acquire()
        while not self.ended:
            self._errand(self)
        self._theirs.release()


class ListHost:
    """The list's server: takes letters, and gives them back to whoever reads its mail after a while."""

    def __init__(self, storm):
        self.storm = storm
        self.got: Counter[bytes] = Counter()  # by message: how often it came over the wire
        self.ids = {}  # by message: the Message-IDs of the letters it came in, alone or with others
        self.letters = 0
        self.by: Counter[str] = Counter()

    def take(self, raw, by):
        mail = message_from_bytes(raw)
        self.letters += 1
        for part in mail.walk():
            for message_id in message_ids(part.get("Message-ID", "")):
                if mark := mark_of_message_id(message_id):
                    self.got[mark.message] += 1
                    self.ids.setdefault(mark.message, set()).add(mail["Message-ID"])
                    self.by[by] += 1
        if self.storm.gives_back:
            back = raw.replace(b"\r\n", b"\n").replace(
                b"Subject: ", b"List-Id: <camps.lists.example.org>\nSubject: ", 1
            )
            when = self.storm.baton.now + self.storm.random.uniform(*self.storm.copy_s)
            self.storm.baton.at(when, lambda: self.storm.deliver(back))


@dataclass
class Storm:
    """The weather, drawn from a seed, and what came of it."""

    seed: int
    folder: object
    messages: int = 2_000
    span_s: float = 12 * 3_600.0
    calm_s: float = 7_200.0  # after the list has everything: what comes twice may still come
    gives_back: bool = True
    copy_s: tuple[float, float] = (3.0, 20.0)  # Mailman 3 took 3 to 6 s
    gossip_s: float = 60.0  # how long news takes over one link
    outages: int = 6  # of each gateway's internet
    gossip_cuts: int = 4
    crashes: int = 6  # of each gateway, right after the server's 250
    trouble: float = 0.02  # of letters: the line breaks, before or after the server took it, or it says 451
    mic_checks: float = 0.05
    digest_above: int = 20
    said: dict = field(default_factory=dict)

    def __post_init__(self):
        self.random = Random(self.seed)
        self.baton = Baton(NOW_S)
        self.square = Square(seed=self.seed)
        self.host = ListHost(self)
        self.camps = {}
        for name in (*GATEWAYS, *OTHERS):
            posts = (list_digest(ADDRESS),) if name in GATEWAYS else ()
            self.camps[name] = GatewayCamp(self, name, posts) if posts else StormCamp(self, name, posts)
        self.square.camps = list(self.camps.values())
        for a, b in self._pairs():
            self.square.join(a, b)
        self.crashed: Counter[str] = Counter()
        self._plan()

    def run(self):
        """The storm, and the calm after it, until the list has everything."""
        self.baton.at(self.baton.now, self._gossip)
        self.baton.run(NOW_S + self.span_s)
        for camp in self.gateways:
            camp.internet = True
        for a, b in self._pairs():
            self.square.join(a, b)
        for _ in range(16):
            self.baton.run(self.baton.now + 3_600.0)
            if set(self.said) <= set(self.host.got):
                break
        self.baton.run(self.baton.now + self.calm_s)
        for camp in self.gateways:
            camp.end()

    @property
    def gateways(self):
        return [self.camps[name] for name in GATEWAYS]

    @property
    def lost(self):
        return len(set(self.said) - set(self.host.got))

    @property
    def doubled(self):
        """Letters over the wire that need not have been."""
        return sum(times - 1 for times in self.host.got.values())

    @property
    def doubled_when_merged(self):
        """Messages that a program which merges letters of equal Message-IDs shows twice.

        A message alone has the same from every camp; two digests with it have two.
        """
        return sum(len(ids) > 1 for ids in self.host.ids.values())

    def line(self):
        host = self.host
        return (
            f"seed {self.seed}: {len(self.said)} messages, {host.letters} letters, {self.lost} lost, "
            f"{self.doubled} doubled on the wire, {self.doubled_when_merged} after merging; "
            f"{sum(self.crashed.values())} crashes after a 250; "
            + ", ".join(f"{name} {host.by[name]}" for name in GATEWAYS)
        )

    def deliver(self, raw):
        for camp in self.gateways:
            camp.mail.append(raw)

    def _pairs(self):
        ring = list(self.camps.values())
        return list(zip(ring, ring[1:] + ring[:1], strict=True))

    # -- the weather --------------------------------------------------------------------------------

    def _plan(self):
        at, random = self.baton.at, self.random
        for n in range(self.messages):
            when = NOW_S + random.uniform(600, self.span_s * 0.9)  # they have met
            kind = Kind.MIC_CHECK if random.random() < self.mic_checks else Kind.POST
            at(when, lambda n=n, kind=kind: self._post(random.choice(list(self.camps.values())), n, kind))
        for camp in self.gateways:
            for _ in range(self.outages):
                self._away(camp, random.uniform(0, self.span_s), random.uniform(60, self.span_s / 8))
            for _ in range(self.crashes):
                at(NOW_S + random.uniform(0, self.span_s), lambda camp=camp: camp.doom())
        # Nobody has internet for a while, and then all of them in the same moment; twice.
        for share in (0.2, 0.6):
            for camp in self.gateways:
                self._away(camp, self.span_s * share, self.span_s / 10)
        for _ in range(self.gossip_cuts):
            a, b = random.choice(self._pairs())
            when, long = random.uniform(0, self.span_s), random.uniform(60, self.span_s / 6)
            at(NOW_S + when, lambda a=a, b=b: self.square.cut(a, b))
            at(NOW_S + when + long, lambda a=a, b=b: self.square.join(a, b))

    def _away(self, camp, when, long):
        self.baton.at(NOW_S + when, lambda: camp.set_internet(False))
        self.baton.at(NOW_S + when + long, lambda: camp.set_internet(True))

    def _post(self, camp, n, kind):
        message = camp.post(f"message {n}", self.baton.now, CHANNEL, kind)
        self.said[message] = n
        camp.wake()

    def _gossip(self):
        self.square.now = self.baton.now
        for camp in self.camps.values():
            with camp.store.transaction():
                camp.board.tick(self.baton.now, self.baton.now)
                camp.engine.tick(self.baton.now)
        moved = self.square._carry_once()
        for camp in self.camps.values():
            camp.wake()
        self.baton.at(self.baton.now + (self.gossip_s if not moved else self.gossip_s / 2), self._gossip)


class StormCamp(Camp):
    """A camp without internet."""

    def __init__(self, storm, name, lists):
        self.storm = storm
        self.lists = lists
        super().__init__(name)

    def open(self):
        super().open()
        self._begin()

    def begin_again(self):
        """After a crash: what was committed is all there is."""
        links = [key for key in self.storm.square.ends if key.startswith(f"{self.name}/")]
        peers = [self.storm.square.ends[key][1] for key in links]
        for peer in peers:
            self.storm.square.cut(self, peer)
        self.engine = Engine(self.identity, self.store, Random(self.name), Limits())
        self._begin()
        for peer in peers:
            self.storm.square.join(self, peer)

    def _begin(self):
        chance = Random(self.name)
        settings = CampSettings(self.name, has_list=bool(self.lists), lists=self.lists)
        self.board = Board(self.store, self.engine, self.identity, chance.randbytes, BoardLimits(), settings)

    def wake(self):
        pass


class GatewayCamp(StormCamp):
    """A camp whose internet comes and goes. It is its own pump."""

    def __init__(self, storm, name, lists):
        super().__init__(storm, name, lists)
        self.internet = True
        self.mail = []
        self.read = 0
        self.looked_s = float("-inf") if storm.gives_back else None
        self.look_wanted = False
        self.crashes_next = False
        self.boots = 0
        self.retry_s = RETRY_FIRST_S
        self.random = Random(f"{storm.seed} {name}")
        inbox = "mbox:inbox" if storm.gives_back else ""
        self.list = MailingList(
            name="camps",
            address=ADDRESS,
            outbox="smtp://lists.example.org",
            inbox=inbox,
            hold_hours=0.0,
            digest_above=storm.digest_above,
        )
        self.folder = storm.folder / name
        self.start()
        self.walk = Walk(storm.baton, self._errand)
        storm.baton.at(storm.baton.now + 1, self._look)
        storm.baton.at(storm.baton.now + 1, self._tell)

    def start(self):
        pump: Any = self
        queue = LetterQueue(self.list, pump, Neighbourhood((), (str,), lambda: True, lambda: self.looked_s))
        self.outbox = SmtpOutbox(
            self.list,
            self.folder,
            pump,
            queue,
            lambda: self.storm.baton.now,
            lambda: self.random.uniform(0.75, 1.25),
            want_look=self._want_look,
            converse=self._converse,
            boot=f"boot {self.boots}",
        )

    def submit(self, job):
        """As the pump does."""
        answer: Future[object] = Future()
        now = self.storm.baton.now
        try:
            with self.store.transaction():
                outcome = job(Workbench(self.store, self.engine, self.board, now, now))
        except Exception as fault:  # noqa: BLE001 - it belongs to the one who asked
            answer.set_exception(fault)
        else:
            answer.set_result(outcome)
        return answer

    def set_internet(self, on):
        self.internet = on
        if on and self.random.random() < 0.8:  # it is noticed in seconds; or at the next try
            self.walk.hurry(self.random.uniform(1, 10))

    def wake(self):
        self.walk.wake()

    def doom(self):
        """The next letter is the last for now."""
        self.crashes_next = True

    def end(self):
        self.walk.ended = True

    # -- the way out, in its thread -----------------------------------------------------------------

    def _errand(self, walk):
        try:
            pause_s = self.outbox.carry(self.storm.baton.now)
        except Trouble:
            pause_s = self.retry_s * self.random.uniform(0.75, 1.25)
            self.retry_s = min(2 * self.retry_s, RETRY_MAX_S)
            walk.sleep(pause_s)
        except PowerCut:
            self._crash(walk)
        else:
            self.retry_s = RETRY_FIRST_S
            walk.sleep(pause_s, may_be_woken=True)

    def _crash(self, walk):
        self.storm.crashed[self.name] += 1
        self.crashes_next = False
        self.outbox._journal.close()
        if self.random.random() < 0.5:  # the power, not the process: what was not synced may be lost
            self.boots += 1
            (journal,) = (self.folder / "run").iterdir()
            lines = journal.read_bytes()
            journal.write_bytes(lines[: self.random.randrange(len(lines) + 1)])
        if self.looked_s is not None:
            self.looked_s = float("-inf")
        walk.sleep(self.random.uniform(5, 900))
        self.begin_again()
        self.start()

    @asynccontextmanager
    async def _converse(self, server, helo, password):
        self._pass(1.0)
        if not self.internet:
            raise Trouble("no internet")
        yield self

    async def send(self, raw, sender, recipient):
        """As an open conversation does."""
        self._pass(self.random.uniform(0.2, 1.0))
        weather = self.random.random()
        if not self.internet or weather < self.storm.trouble / 4:
            return Answer(Fate.NOT_SENT, "the line broke")
        if weather < self.storm.trouble / 2:
            return Answer(Fate.NOT_NOW, "451 greylisted")
        if weather < self.storm.trouble * 3 / 4:
            return Answer(Fate.UNSURE, "the line broke")
        self.storm.host.take(raw, self.name)
        if self.crashes_next:
            raise PowerCut
        self._pass(self.random.uniform(0.05, 0.5))
        if weather < self.storm.trouble:
            return Answer(Fate.UNSURE, "the line broke before the answer")
        return Answer(Fate.ACCEPTED)

    def _pass(self, seconds):
        self.walk.sleep(seconds)

    # -- the way in, and what is told ---------------------------------------------------------------

    def _look(self):
        if self.internet and self.storm.gives_back:
            began_s, new = self.storm.baton.now, self.mail[self.read :]
            self.read = len(self.mail)
            pieces = [piece for raw in new for piece in read_letters(raw, ("camps", ADDRESS))]
            if pieces:
                self.submit(lambda bench: take_in(bench.store, None, "camps", pieces, bench.wall_s)).result()
            self.looked_s = began_s
            if self.look_wanted:
                self.look_wanted = False
                self.wake()
        self.storm.baton.at(self.storm.baton.now + self.random.uniform(5, 15), self._look)

    def _want_look(self):
        self.look_wanted = True

    def _tell(self):
        wait_s = self.submit(lambda bench: publish_receipts(bench, (self.list,))).result()
        self.storm.baton.at(self.storm.baton.now + max(5.0, min(60.0, wait_s or 60.0)), self._tell)
