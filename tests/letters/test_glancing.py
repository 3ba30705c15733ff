"""A busy list fills the air's allowance; what it says of our own posts is heard all the same."""

import pytest

from sync.views import ListState
from tests.letters.gateway import ADDRESS, shown, until
from tests.letters.imap_host import ImapHost

# Instead of 300, so that it is filled in a moment.
LETTERS_MAX = 30


def others(first: int, count: int) -> list[bytes]:
    return [
        f"From: Ana <a@a.example>\nTo: {ADDRESS}\nMessage-ID: <{n}@a.example>\nSubject: s{n}\n\nw\n".encode()
        for n in range(first, first + count)
    ]


def as_mbox(letters: list[bytes]) -> bytes:
    return b"".join(b"From a@b.example Mon Nov 23 08:00:00 2026\n" + each + b"\n" for each in letters)


def deliver(tmp_path, kind: str, letters: list[bytes], batch: str) -> None:
    """Put letters into the inbox of this kind."""
    if kind == "mbox":
        with (tmp_path / "in").open("ab") as file:
            file.write(as_mbox(letters))
        return
    new = tmp_path / "in" / "new"
    new.mkdir(parents=True, exist_ok=True)
    for number, letter in enumerate(letters):
        (new / f"{batch}{number:05}").write_bytes(letter)


@pytest.fixture
def posted(open_gateway, tmp_path, monkeypatch):
    """A gateway that sent one post, and that post as the list gives it back."""
    monkeypatch.setattr("node.inbox.LETTERS_MAX", LETTERS_MAX)
    monkeypatch.setattr("node.inbox.LOOK_EVERY_S", 0.2)
    monkeypatch.setattr("node.inbox.SETTLE_S", 0.2)

    def open_(kind: str):
        gateway = open_gateway(outbox="maildir:out", inbox=f"{kind}:{tmp_path / 'in'}")
        message = gateway.post("Water at gate 4")
        sent = tmp_path / "out" / "new"
        (letter,) = until(lambda: sent.is_dir() and list(sent.iterdir()))
        until(lambda: gateway.list_states() == [ListState.SENT])
        return gateway, message, letter.read_bytes().replace(b"\r\n", b"\n")

    return open_


@pytest.fixture
def host():
    host = ImapHost()
    yield host
    host.stop()


def open_imap(open_gateway, tmp_path, monkeypatch, host, **options):
    """A gateway that sent one post, whose list is in a mailbox; and that post as the list gives it back."""
    monkeypatch.setattr("node.inbox.LETTERS_MAX", LETTERS_MAX)
    monkeypatch.setattr("node.imap_inbox.POLL_S", 0.2)
    monkeypatch.setattr("node.imap_inbox.POLL_METERED_S", 0.2)
    (tmp_path / "password").write_text("right")
    gateway = open_gateway(outbox="maildir:out", inbox=host.url, password_file="password", **options)
    gateway.post("Water at gate 4")
    sent = tmp_path / "out" / "new"
    (letter,) = until(lambda: sent.is_dir() and list(sent.iterdir()))
    until(lambda: gateway.list_states() == [ListState.SENT])
    return gateway, letter.read_bytes()


def crlf(letters: list[bytes]) -> list[bytes]:
    return [each.replace(b"\n", b"\r\n") for each in letters]


@pytest.mark.parametrize("metered", [False, True])
def test_a_full_allowance_hides_no_copy_of_ours_in_a_mailbox(
    open_gateway, tmp_path, monkeypatch, host, metered
):
    gateway, copy = open_imap(open_gateway, tmp_path, monkeypatch, host, metered=metered)
    host.put(*crlf(others(0, LETTERS_MAX)))
    until(lambda: gateway.view().taken_in == LETTERS_MAX)
    host.put(*crlf(others(1_000, 3)), copy)
    until(lambda: gateway.list_states() == [ListState.ON_LIST])
    assert len(shown(gateway, "letters")) == LETTERS_MAX
    fetches = [each for each in host.commands if each.startswith("FETCH") and "BODY" in each]
    looks = sum(each.startswith("SEARCH") for each in host.commands)
    until(lambda: sum(each.startswith("SEARCH") for each in host.commands) > looks + 2)
    assert [each for each in host.commands if each.startswith("FETCH") and "BODY" in each] == fetches


def test_what_is_left_out_of_a_backlog_hides_no_copy_of_ours_in_a_mailbox(
    open_gateway, tmp_path, monkeypatch, host
):
    gateway, copy = open_imap(open_gateway, tmp_path, monkeypatch, host)
    host.put(*crlf(others(0, 3)), copy, *crlf(others(3, LETTERS_MAX)))
    until(lambda: gateway.list_states() == [ListState.ON_LIST])
    until(lambda: gateway.view().left_out == 4)


@pytest.mark.parametrize("kind", ["mbox", "maildir"])
def test_a_full_allowance_hides_no_copy_of_ours(posted, tmp_path, kind):
    gateway, _, copy = posted(kind)
    deliver(tmp_path, kind, others(0, LETTERS_MAX), "a")
    until(lambda: gateway.view().taken_in == LETTERS_MAX)
    deliver(tmp_path, kind, [*others(1_000, 3), copy], "b")
    until(lambda: gateway.list_states() == [ListState.ON_LIST])
    assert len(shown(gateway, "letters")) == LETTERS_MAX
    assert gateway.execute("SELECT n FROM counters WHERE name = 'letters.not agreed'") == []


@pytest.mark.parametrize("kind", ["mbox", "maildir"])
def test_what_is_left_out_of_a_backlog_hides_no_copy_of_ours(posted, tmp_path, kind):
    gateway, _, copy = posted(kind)
    deliver(tmp_path, kind, [*others(0, 3), copy, *others(3, LETTERS_MAX)], "a")
    until(lambda: gateway.list_states() == [ListState.ON_LIST])
    assert gateway.view().trouble == ""
