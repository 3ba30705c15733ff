"""The courier with a real pump, a real store on disk, and real folders."""

import mailbox
import time

from node.courier import Courier
from sync.signing import Identity
from sync.store import Store
from sync.views import ListState
from tests.letters.gateway import Ticking, shown, until


def letters(folder):
    return sorted((folder / "new").iterdir()) if (folder / "new").is_dir() else []


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
    until(lambda: gateway.list_states() == [ListState.SENT] * 3)
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
    monkeypatch.setattr("node.walker.RETRY_FIRST_S", 0.1)
    gateway = open_gateway(outbox="maildir:stick/out")
    gateway.post("One")
    trouble = until(lambda: gateway.view().trouble)
    assert trouble == f"the folder of {tmp_path}/stick/out is not there; trying again now"
    (tmp_path / "stick").mkdir()
    until(lambda: letters(tmp_path / "stick" / "out"))
    until(lambda: gateway.view().trouble == "")
    assert [record.message for record in caplog.records if "not there" in record.message] == [
        f"list camps, out: the folder of {tmp_path}/stick/out is not there; trying again"
    ]


LETTER = (
    b"From: Ana <a@a.example>\nTo: camps@lists.example.org\nMessage-ID: <%d@a>\nSubject: s%d\n\nwords\n\n"
)
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
    until(lambda: again.view().taken_in == 36)


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
    until(lambda: gateway.list_states() == [ListState.ON_LIST])
    assert texts(gateway) == []
    assert gateway.view().sent == 1


def test_without_lists_there_is_nothing_to_do(tmp_path):
    courier = Courier((), tmp_path, None, Ticking(), time.monotonic, lambda: 1.0)  # type: ignore[arg-type]
    courier.start()
    assert courier.views() == ()
    courier.wake()
    courier.stop()
