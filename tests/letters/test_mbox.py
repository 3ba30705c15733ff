"""Mailbox files as they lie about: quoted three ways, torn, cut, replaced, and longer than memory."""

import io
import itertools
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.letters import read_mbox
from sync.letters.mbox import LETTER_BYTES_MAX, check_of, letter_starts
from tests.letters.reading import only

MAIL = Path(__file__).parent.parent / "data" / "mail"
FROM = b"From ana@example.org Tue Nov 17 09:12:44 2026\n"


def letter(n: int, body: bytes = b"words") -> bytes:
    return FROM + b"From: Ana <ana@example.org>\nMessage-ID: <%d@a>\nSubject: s%d\n\n%s\n\n" % (n, n, body)


def subjects(raw: bytes, position: int = 0) -> list[bytes]:
    return [
        found.raw.split(b"Subject: ")[1].split(b"\n")[0] for found in read_mbox(io.BytesIO(raw), position)
    ]


def test_an_archive_of_pipermail():
    with (MAIL / "pipermail.mbox").open("rb") as file:
        letters = [only(found.raw) for found in read_mbox(file)]
    assert [(one.name, one.subject) for one in letters] == [
        ("Rowan Ash", "[Occupy-talk] Library tent is open"),
        ("Inés", "Library tent is open"),
    ]
    assert letters[0].text == (
        "The library tent is open until ten. Bring books back when it rains.\n\n"
        "From now on we also lend umbrellas."
    )
    assert letters[1].parents == (letters[0].message_id,)


@pytest.mark.parametrize(
    "separator",
    [
        b"From ana@example.org Tue Nov 17 09:12:44 2026\n",
        b"From ana at example.org  Tue Nov  7 09:12:44 2026\n",
        b"From - Tue Nov 17 09:12:44 2026\r\n",
        b"From MAILER-DAEMON Tue, 17 Nov 2026 09:12:44 +0000\n",
        b"From ana@example.org Tue Nov 17 09:12:44 UTC 2026\n",
        b"From somebody\n",
    ],
)
def test_a_line_that_begins_a_letter(separator):
    one = separator + b"Subject: a\n\nwords\n\n"
    assert len(list(read_mbox(io.BytesIO(one + one)))) == 2


def test_from_in_a_text_begins_nothing():
    raw = letter(1, b"x\nFrom here on\n\nFrom us all\nwords\n>From a quote\n>>From two")
    (found,) = read_mbox(io.BytesIO(raw))
    assert b"\nFrom here on\n\nFrom us all\nwords\nFrom a quote\n>From two\n" in found.raw


def test_the_last_letter_is_marked():
    found = list(read_mbox(io.BytesIO(letter(1) + letter(2)[:-20])))
    assert [one.last for one in found] == [False, True]


def test_reading_goes_on_where_it_ended():
    raw = b"".join(map(letter, range(5)))
    all_of_it = list(read_mbox(io.BytesIO(raw)))
    for found in all_of_it:
        assert subjects(raw, found.end) == [b"s%d" % n for n in range(5)][all_of_it.index(found) + 1 :]
    assert list(letter_starts(io.BytesIO(raw))) == [found.start for found in all_of_it]


def test_another_file_in_its_place_is_noticed():
    one, two = b"".join(map(letter, range(5))), b"".join(map(letter, range(5, 10)))
    assert check_of(io.BytesIO(one), 300) == check_of(io.BytesIO(one + two), 300)
    assert check_of(io.BytesIO(one), 300) != check_of(io.BytesIO(two), 300)
    assert check_of(io.BytesIO(one), 300) != check_of(io.BytesIO(one[:200]), 300)


def test_ten_thousand_letters_and_a_giant_in_flat_memory(tmp_path):
    path = tmp_path / "big.mbox"
    with path.open("wb") as file:
        for n in range(5_000):
            file.write(letter(n, b"water at the gate " * 20))
        file.write(FROM + b"Subject: giant\n\n" + b"x" * (12 * 1_048_576) + b"\n\n")
        for n in range(5_000):
            file.write(letter(n))
    tracemalloc.start()
    count = giant = 0
    with path.open("rb") as file:
        for found in read_mbox(file):
            count += 1
            giant = max(giant, len(found.raw))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 10_001
    assert giant == LETTER_BYTES_MAX
    assert peak < 8 * 1_048_576


@given(st.binary(max_size=500), st.integers(0, 600))
def test_any_bytes_can_be_read(raw, position):
    found = list(read_mbox(io.BytesIO(raw), position))
    assert all(one.start < one.end <= len(raw) for one in found)


@given(
    st.lists(st.sampled_from([b"From ", b"\n", b"a", b">", FROM, b"x: y\n"]), max_size=40),
    st.integers(0, 200),
)
def test_letters_do_not_overlap(pieces, position):
    found = list(read_mbox(io.BytesIO(b"".join(pieces)), position))
    assert all(one.end <= two.start for one, two in itertools.pairwise(found))
