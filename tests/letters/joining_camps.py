"""Camps of which some post to a list: real stores, engines and boards; time and bundles by hand."""

from __future__ import annotations

from base64 import b64encode
from random import Random

from node.joiner import JoinMail, tell_states
from node.list_settings import MailingList
from node.pump import Workbench
from node.smtp import Answer, Fate
from sync.actions import CONSOLE, Register, Unregister
from sync.board import Board, BoardLimits, CampSettings
from sync.engine import Engine
from sync.letters.joining import entry_of, public_key_of, seal
from sync.receipts import list_digest
from sync.signing import Identity
from sync.store import Store
from sync.store.registrations import RegistrationTables
from web_ui.pages.joining import view_of

ADDRESS = "camps@lists.example.org"
OWNER = "camps-owner@lists.example.org"
SECRET = bytes(range(1, 33))
PUBLIC = public_key_of(SECRET)
NOW_S = 1_795_000_000.0
HOUR = 3_600.0


class JoinCamp:
    """One camp; a gateway when it has a way to the list."""

    def __init__(self, name, home, posts=True, **settings):
        self.name = name
        self.now_s = NOW_S
        self.identity = Identity(name.encode().ljust(32, b"."))
        self.random = Random(name)
        self.store = Store.open(None, self.identity.key)
        self.engine = Engine(self.identity, self.store, self.random)
        camp = CampSettings(name, has_list=posts, lists=(list_digest(ADDRESS),) if posts else ())
        self.board = Board(self.store, self.engine, self.identity, self.random.randbytes, BoardLimits(), camp)
        self.list = MailingList(
            name="camps",
            address=ADDRESS,
            outbox="smtp://lists.example.org" if posts else "",
            sender=f"{name}@camps.example.org" if posts else "",
            owner_key=b64encode(PUBLIC).decode(),
            **settings,
        )
        self.mail = JoinMail(self.list, home, self.random.randbytes)
        self.sent = []
        self.tick()

    def bench(self):
        return Workbench(self.store, self.engine, self.board, self.now_s, self.now_s)

    def tick(self):
        with self.store.transaction():
            self.engine.tell_time(self.now_s, True)
            self.board.tick(self.now_s, self.now_s)
            self.engine.tick(self.now_s)

    def register(self, address, owner_key=PUBLIC, place="Plaza", group="kitchen"):
        entry = entry_of(address, place, group)
        assert entry is not None
        sealed = seal(entry, self.identity.author, owner_key, self.random.randbytes)
        order = Register("camps", list_digest(ADDRESS), sealed)
        self.board.do(order, CONSOLE, self.now_s, self.now_s)
        self.tick()

    def withdraw(self, number):
        self.board.do(Unregister(number), CONSOLE, self.now_s, self.now_s)
        self.tick()

    def claim(self, state, *ids):
        """Say of registrations what is not so; of all that are known here when none is named."""
        rows = self.store.connection.execute("SELECT id FROM registrations").fetchall()
        with self.store.transaction():
            tell_states(self.bench(), [(id_, state) for id_ in ids or (row[0] for row in rows)])

    def said(self, kind):
        """The references of what this camp said of a kind."""
        rows = self.store.connection.execute(
            "SELECT reference FROM messages WHERE own = 1 AND kind = ?", (kind,)
        )
        return [reference for (reference,) in rows]

    def words(self):
        """What became of this camp's registrations, oldest first."""
        own = RegistrationTables(self.store.connection).all_own()
        return [str(view_of(each).word) for each in reversed(own)]

    def why(self):
        return [view_of(each).why for each in RegistrationTables(self.store.connection).all_own()]

    def carry(self, fate=Fate.ACCEPTED, why=""):
        """One connection to the mail server, which answers so; the letters that it was handed."""
        with self.store.transaction():
            if self.mail.next_due_s(self.bench()) != 0.0:
                return []
            letters = list(self.mail.take(self.bench(), 64))
        for letter in letters:
            with self.store.transaction():
                for _ in range(2):  # the outbox may say it twice
                    self.mail.note(self.bench(), letter, Answer(fate, why))
        if fate is Fate.ACCEPTED:
            self.sent += letters
        return letters

    def say_all(self):
        """Bundles of all that waits."""
        with self.store.transaction():
            self.engine.seal_all(self.now_s)
        rows = self.store.connection.execute("SELECT wire, key FROM bundles WHERE live = 1 ORDER BY seq")
        return rows.fetchall()

    def hear(self, bundles):
        with self.store.transaction():
            for wire, key in bundles:
                self.engine.import_bundle(wire, key, self.now_s)
            self.engine.tick(self.now_s)


def meet(*camps):
    """Let all of them hear all of the others."""
    said = [camp.say_all() for camp in camps]
    for camp in camps:
        for bundles in said:
            camp.hear(bundles)


def pass_time(seconds, *camps):
    for camp in camps:
        camp.now_s += seconds
        camp.tick()
