"""The courier with a real pump, a real store on disk, and real folders."""

import mailbox
import os
import time
from contextlib import closing
from random import Random

import pytest

from node.courier import Courier
from node.pump import Pump
from node.settings import MailingList
from sync.actions import CONSOLE, WritePost, Written
from sync.board import Board, BoardLimits, CampSettings
from sync.engine import Engine
from sync.reading import Reader
from sync.signing import Identity
from sync.store import Store
from sync.views import ListState, Via

PATIENCE_S = 20.0


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

    def __init__(self, home, **settings):
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
        lists = (MailingList(name="camps", address="camps@lists.example.org", **settings),)
        self.courier = Courier(lists, home, self.pump, self.clock, time.monotonic)
        self.pump.start()
        self.courier.start()

    def post(self, text, channel="announcements", **fields):
        written = self.pump.act(WritePost(channel, text, "Ana", **fields), CONSOLE).result()
        assert isinstance(written, Written)
        self.courier.wake()
        return written.message

    def view(self):
        (view,) = self.courier.views()
        return view

    def stop(self):
        if self.stopped:
            return
        self.stopped = True
        self.courier.stop()
        self.pump.stop()
        self.store.close()


@pytest.fixture
def open_gateway(tmp_path):
    opened = []

    def open_(**settings):
        opened.append(Gateway(tmp_path, **settings))
        return opened[-1]

    yield open_
    for gateway in opened:
        gateway.stop()


def until(condition):
    end = time.monotonic() + PATIENCE_S
    while not (answer := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return answer


def letters(folder):
    return sorted((folder / "new").iterdir()) if (folder / "new").is_dir() else []


def shown(gateway, channel=None):
    with closing(Reader(gateway.home / "board.sqlite3")) as reader:
        return reader.messages(channel, None, 500).messages


def sent(gateway):
    return [view.list for view in shown(gateway) if view.via == Via.HERE]


def test_a_post_is_a_letter_in_the_maildir(open_gateway, tmp_path):
    gateway = open_gateway(outbox="maildir:out")
    gateway.post("Asamblea a las 18h en la plaza")
    gateway.post("Second", reply_to=gateway.post("First"))
    until(lambda: len(letters(tmp_path / "out")) == 3)
    mails = {mail["Subject"]: mail for mail in mailbox.Maildir(tmp_path / "out", create=False)}
    assert set(mails) == {
        "[North] [announcements] Asamblea a las 18h en la plaza",
        "[North] [announcements] First",
        "[North] [announcements] Second",
    }
    first, second = mails["[North] [announcements] First"], mails["[North] [announcements] Second"]
    assert second["In-Reply-To"] == first["Message-ID"]
    until(lambda: sent(gateway) == [ListState.SENT] * 3)
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0


def test_a_receipt_tells_the_other_camps(open_gateway, tmp_path):
    gateway = open_gateway(outbox="maildir:out")
    posted = gateway.post("One")

    def told(bench):
        return bench.store.connection.execute("SELECT reference FROM messages WHERE kind = 9").fetchall()

    def receipts():
        return gateway.pump.submit(told).result()

    assert until(receipts) == [(posted[:8],)]


def test_a_crash_between_the_file_and_the_commit_makes_no_second_letter(open_gateway, tmp_path):
    gateway = open_gateway(outbox="maildir:out")
    gateway.post("One")
    until(lambda: gateway.view().sent == 1)
    gateway.stop()

    store = Store.open(tmp_path / "board.sqlite3", Identity(bytes([7]) * 32).key)
    with store.transaction():
        store.connection.execute("UPDATE letters_out SET state = 'sending'")
    store.close()
    (letter,) = letters(tmp_path / "out")
    letter.rename(tmp_path / "out" / "cur" / f"{letter.name}:2,S")  # somebody has read it

    again = open_gateway(outbox="maildir:out")
    until(lambda: again.view().sent == 1)
    assert letters(tmp_path / "out") == []


def test_a_crash_before_the_file_sends_it(open_gateway, tmp_path):
    gateway = open_gateway(outbox="maildir:out")
    gateway.post("One")
    until(lambda: gateway.view().sent == 1)
    gateway.stop()
    store = Store.open(tmp_path / "board.sqlite3", Identity(bytes([7]) * 32).key)
    with store.transaction():
        store.connection.execute("UPDATE letters_out SET state = 'sending'")
    store.close()
    (letter,) = letters(tmp_path / "out")
    letter.unlink()

    open_gateway(outbox="maildir:out")
    assert until(lambda: letters(tmp_path / "out"))[0].name == letter.name


def test_a_missing_folder_is_one_sentence_and_then_works(open_gateway, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("node.courier.RETRY_FIRST_S", 0.1)
    gateway = open_gateway(outbox="maildir:stick/out")
    gateway.post("One")
    trouble = until(lambda: gateway.view().trouble)
    assert trouble == f"the folder of {tmp_path}/stick/out is not there"
    (tmp_path / "stick").mkdir()
    until(lambda: letters(tmp_path / "stick" / "out"))
    until(lambda: gateway.view().trouble == "")
    assert [record.message for record in caplog.records if "not there" in record.message] == [
        f"list camps: {trouble}; trying again"
    ]


LETTER = b"From: Ana <ana@example.org>\nMessage-ID: <%d@a>\nSubject: s%d\n\nwords\n\n"
SAMPLE = b"From ana@example.org Tue Nov 17 09:12:44 2026\n" + LETTER


def mbox(first, last):
    return b"".join(SAMPLE % (n, n) for n in range(first, last))


def texts(gateway):
    return [view.text for view in shown(gateway, "letters")]


def test_an_mbox_is_read_as_it_grows_and_after_a_restart(open_gateway, tmp_path, monkeypatch):
    monkeypatch.setattr("node.inbox.LOOK_EVERY_S", 0.1)
    monkeypatch.setattr("node.inbox.SETTLE_S", 0.1)
    inbox = tmp_path / "inbox"
    gateway = open_gateway(inbox="mbox:inbox")
    inbox.write_bytes(mbox(0, 30))
    until(lambda: len(texts(gateway)) == 30)
    with inbox.open("ab") as file:
        file.write(mbox(30, 33)[:-10])  # torn: somebody writes
        file.flush()
        until(lambda: len(texts(gateway)) >= 32)
        file.write(mbox(30, 33)[-10:])
    until(lambda: len(texts(gateway)) == 33)
    gateway.stop()
    with inbox.open("ab") as file:
        file.write(mbox(33, 35))
    again = open_gateway(inbox="mbox:inbox")
    until(lambda: len(texts(again)) == 35)
    assert texts(again)[-1] == "s34\n\nwords"
    inbox.write_bytes(mbox(35, 36))  # rotated
    until(lambda: len(texts(again)) == 36)
    assert again.view().taken_in == 36


def test_of_a_long_backlog_the_newest_are_taken_and_the_rest_is_counted(open_gateway, tmp_path, monkeypatch):
    monkeypatch.setattr("node.inbox.LETTERS_MAX", 40)
    monkeypatch.setattr("node.inbox.SETTLE_S", 0.1)
    (tmp_path / "inbox").write_bytes(mbox(0, 100))
    gateway = open_gateway(inbox="mbox:inbox")
    until(lambda: gateway.view().left_out == 60 and gateway.view().taken_in == 40)
    assert texts(gateway) == [f"s{n}\n\nwords" for n in range(60, 100)]


def test_more_letters_than_the_air_can_take_wait(open_gateway, tmp_path, monkeypatch):
    monkeypatch.setattr("node.inbox.LETTERS_MAX", 30)
    monkeypatch.setattr("node.inbox.LOOK_EVERY_S", 0.1)
    monkeypatch.setattr("node.inbox.SETTLE_S", 0.1)
    (tmp_path / "inbox").write_bytes(mbox(0, 20))
    gateway = open_gateway(inbox="mbox:inbox")
    until(lambda: len(texts(gateway)) == 20)
    with (tmp_path / "inbox").open("ab") as file:
        file.write(mbox(20, 40))
    trouble = until(lambda: gateway.view().trouble)
    assert trouble == "more than 300 letters in three days: the rest waits in the inbox"
    assert len(texts(gateway)) == 30


def test_what_the_direction_forbids_is_not_done(open_gateway, tmp_path):
    (tmp_path / "inbox").write_bytes(mbox(0, 2))
    gateway = open_gateway(inbox="mbox:inbox", outbox="maildir:out", direction="out")
    gateway.post("Out")
    until(lambda: gateway.view().sent == 1)
    assert texts(gateway) == []
    gateway.stop()
    gateway = open_gateway(inbox="mbox:inbox", outbox="maildir:out", direction="in")
    gateway.post("Not out")
    until(lambda: len(texts(gateway)) == 2)
    assert len(letters(tmp_path / "out")) == 1


def test_letters_of_a_maildir_are_filed_away(open_gateway, tmp_path, monkeypatch):
    monkeypatch.setattr("node.inbox.LOOK_EVERY_S", 0.1)
    gateway = open_gateway(inbox="maildir:in")
    until(lambda: (tmp_path / "in" / "new").is_dir())
    box = mailbox.Maildir(tmp_path / "in", create=False)
    for n in range(25):
        box.add(LETTER % (n, n))
    until(lambda: len(texts(gateway)) == 25)
    until(lambda: not letters(tmp_path / "in"))
    assert len(list((tmp_path / "in" / "cur").iterdir())) == 25


def test_what_was_sent_and_comes_back_is_on_the_list(open_gateway, tmp_path, monkeypatch):
    monkeypatch.setattr("node.inbox.LOOK_EVERY_S", 0.1)
    gateway = open_gateway(outbox="maildir:box", inbox="maildir:box")
    gateway.post("Once round")
    until(lambda: sent(gateway) == [ListState.ON_LIST])
    assert texts(gateway) == []
    assert gateway.view().sent == 1


def test_without_lists_there_is_nothing_to_do(tmp_path):
    courier = Courier((), tmp_path, None, Ticking(), time.monotonic)  # type: ignore[arg-type]
    courier.start()
    assert courier.views() == ()
    courier.wake()
    courier.stop()
