"""Many messages in one letter, each as it would have left alone."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.letters import IncomingLetter, letter_of, read_letters
from sync.letters.digest_out import (
    DIGEST_BYTES_MAX,
    DIGEST_LETTERS_MAX,
    digest_id,
    digest_of,
    digest_token,
    how_many_fit,
)
from sync.letters.inward import DigestBack
from sync.letters.marks import Mark, message_id_of
from sync.letters.outward import OutgoingLetter

LIST = "camps@lists.example.org"
NORTH, SOUTH, EAST = (bytes([n]) * 8 for n in (1, 2, 3))


def letter(n: int, camp: bytes = NORTH, name: str = "North", text: str = "", **more) -> OutgoingLetter:
    made = OutgoingLetter(
        bytes([n]) * 16, camp, name, "Plaza", "general", "Ana", text or f"Message {n}", False,
        1_795_086_000 + 60 * n,
    )  # fmt: skip
    return replace(made, **more)


def test_a_mail_program_finds_each_letter_as_it_would_have_left_alone():
    letters = [
        letter(1),
        letter(2, text="¡Asamblea!\n-- \nFrom here"),
        letter(3, references=("a@b.example",)),
    ]
    mail = message_from_bytes(digest_of(letters, LIST, "sol@mail.example.org"), policy=default)
    assert mail.get_content_type() == "multipart/mixed"
    contents, digest = mail.iter_parts()
    assert contents.get_content_type() == "text/plain"
    assert digest.get_content_type() == "multipart/digest"
    parts = list(digest.iter_parts())
    assert [part.get_content_type() for part in parts] == ["message/rfc822"] * 3
    for each, part in zip(letters, parts, strict=True):
        alone = message_from_bytes(letter_of(each, LIST, "sol@mail.example.org"), policy=default)
        inside = part.get_content()
        assert inside.items() == alone.items()
        assert inside.get_content() == alone.get_content()


def test_the_way_back_tells_whose_they_are():
    letters = [letter(n) for n in range(1, 6)]
    back, *rest = read_letters(digest_of(letters, LIST))
    assert back == DigestBack(digest_id([each.message for each in letters]))
    found = [each for each in rest if isinstance(each, IncomingLetter)]
    assert len(found) == len(rest)
    assert [each.mark for each in found] == [Mark(each.message, NORTH) for each in letters]
    assert [each.message_id for each in found] == [message_id_of(each.message) for each in letters]


def test_its_head_and_its_contents_say_what_is_in_it():
    letters = [letter(1), letter(2, SOUTH, "Süd [2]"), letter(3, SOUTH, "Süd [2]"), letter(4, EAST, "East")]
    mail = message_from_bytes(digest_of(letters, LIST), policy=default)
    assert (
        mail["Subject"]
        == "[Süd (2), North and 1 more camp] [digest] 4 messages, 2026-11-19 11:01 to 11:04 UTC"
    )
    assert mail["Date"].datetime.timestamp() == letters[-1].created_s
    assert mail["To"] == LIST
    id_ = digest_id([each.message for each in letters])
    assert mail["Message-ID"] == f"<digest-{id_.hex()}@miccheck.invalid>"
    assert mail["X-Miccheck-Id"] is None
    contents = next(mail.iter_parts()).get_content()
    assert digest_token(id_) in contents.splitlines()[:3]
    assert "2. [Süd (2)] [general] Message 2" in contents


def test_the_same_messages_make_the_same_digest():
    letters = [letter(n) for n in range(1, 4)]
    assert digest_of(letters, LIST) == digest_of(letters, LIST)
    ids = [each.message for each in letters]
    assert digest_id(ids) == digest_id(ids[::-1]) != digest_id(ids[:2])


def test_as_many_as_a_list_takes_without_a_moderator():
    short = [letter(n % 250, text="x") for n in range(60)]
    assert how_many_fit(short, LIST) == DIGEST_LETTERS_MAX
    long = [letter(n, text="ñ" * 2_000) for n in range(10)]
    fit = how_many_fit(long, LIST)
    assert 1 < fit < 10
    assert len(digest_of(long[:fit], LIST)) < 40 * 1024  # Mailman's own limit
    assert how_many_fit([letter(1, text="ñ" * DIGEST_BYTES_MAX)] * 2, LIST) == 1
    assert how_many_fit([letter(1)], LIST) == 1
    with pytest.raises(ValueError, match="one letter at least"):
        digest_of([], LIST)


texts = st.text(
    alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("\r\n-_>. áñ")), max_size=120
)


@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=4))
def test_nothing_typed_breaks_it(typed):
    letters = [
        letter(n, text=text, author=author, camp_name=camp) for n, (text, author, camp) in enumerate(typed)
    ]
    raw = digest_of(letters, LIST)
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = message_from_bytes(raw, policy=default)
    _, digest = mail.iter_parts()
    assert [part.get_content()["Message-ID"] for part in digest.iter_parts()] == [
        f"<{message_id_of(each.message)}>" for each in letters
    ]
