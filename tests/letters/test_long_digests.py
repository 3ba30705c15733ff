"""A digest holds hundreds of letters: what of them reaches the air, and what may not come in that way."""

import pytest

from node.inbox import BATCH_LETTERS, Allowance
from sync.letters import DigestBack, NotForUs, OutgoingLetter, Why, read_letters
from sync.letters.digest_out import digest_id, digest_of
from tests.letters.gateway import ADDRESS, shown, until

LETTERS_MAX = 60
NAMES = ("camps", ADDRESS)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("node.inbox.LETTERS_MAX", LETTERS_MAX)
    monkeypatch.setattr("node.inbox.LOOK_EVERY_S", 0.1)
    monkeypatch.setattr("node.inbox.SETTLE_S", 0.1)


def digest(first: int, count: int, to: str = ADDRESS, head: str = "") -> bytes:
    parts = "".join(
        f"--D\n\nFrom: Ana <a@a.example>\nMessage-ID: <{n}@a.example>\nSubject: s{n}\n\nwords {n}\n"
        for n in range(first, first + count)
    )
    return (
        f"From: camps-request@lists.example.org\nTo: {to}\nMessage-ID: <d{first}@lists.example.org>\n"
        f"{head}Subject: Camps Digest, Vol 1, Issue {first}\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/digest; boundary="D"\n\n{parts}--D--\n'
    ).encode()


def deliver(tmp_path, kind: str, *letters: bytes) -> None:
    if kind == "mbox":
        with (tmp_path / "in").open("ab") as file:
            file.writelines(b"From a@b.example Mon Nov 23 08:00:00 2026\n" + each + b"\n" for each in letters)
        return
    new = tmp_path / "in" / "new"
    new.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(letters):
        (new / f"{number:05}").write_bytes(each)


@pytest.mark.parametrize("kind", ["mbox", "maildir"])
def test_no_digest_brings_more_than_the_air_allows(open_gateway, tmp_path, kind):
    deliver(tmp_path, kind, digest(0, 50), digest(100, 50))
    gateway = open_gateway(inbox=f"{kind}:in")
    until(lambda: gateway.view().left_out == 100 - LETTERS_MAX)
    assert gateway.view().taken_in == len(shown(gateway, "letters")) == LETTERS_MAX
    deliver(tmp_path, kind, digest(0, 50), digest(200, 1))
    until(lambda: gateway.view().trouble)  # the next waits in the inbox
    assert gateway.view().left_out == 100 - LETTERS_MAX


def test_a_digest_is_taken_in_a_batch_a_transaction(open_gateway, tmp_path):
    deliver(tmp_path, "maildir", digest(0, 2 * BATCH_LETTERS + 2))
    gateway = open_gateway(inbox="maildir:in")
    until(lambda: gateway.view().taken_in == 2 * BATCH_LETTERS + 2)
    counted = gateway.execute("SELECT count(*) FROM letters_in GROUP BY at_s ORDER BY at_s")
    assert counted == [(BATCH_LETTERS,), (BATCH_LETTERS,), (2,)]


@pytest.mark.parametrize("to", ["camp@plaza.example", "ana@a.example"])
def test_a_digest_that_was_not_sent_to_the_list_is_private(to):
    raw = digest(1, 3, to)
    assert list(read_letters(raw, NAMES, ("camp@plaza.example",))) == [NotForUs(Why.PRIVATE)]


def test_a_digest_that_names_nobody_is_private_in_a_mailbox_alone():
    raw = digest(1, 3).replace(f"To: {ADDRESS}\n".encode(), b"")
    assert list(read_letters(raw, NAMES)) == [NotForUs(Why.PRIVATE)]
    assert len(list(read_letters(raw, NAMES, archive=True))) == 3


def test_a_digest_of_ours_that_was_not_sent_to_the_list_says_nothing():
    letter = OutgoingLetter(bytes(16), b"campcamp", "North", "", "general", "Ana", "Hi", False, 1_795_400_000)
    raw = digest_of([letter], ADDRESS)
    assert DigestBack(digest_id([letter.message])) in list(read_letters(raw, NAMES))
    astray = raw.replace(ADDRESS.encode(), b"camp@plaza.example", 1)
    assert list(read_letters(astray, NAMES)) == [NotForUs(Why.PRIVATE)]


def test_the_allowance_is_never_in_debt():
    allowance = Allowance(0.0)
    allowance.spend(10_000)
    assert (allowance.rest, allowance.left(0.0)) == (0, 0)
    assert allowance.left(72 * 3_600.0) == LETTERS_MAX
