"""The dead-key letter survives paper, mail and tired hands."""

import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.farewell import LetterError, camp_of, read_letter, write_letter
from sync.signing import Identity

NORTH = Identity(b"n" * 32)
LETTER = write_letter(NORTH, "Norte")
WORD = (NORTH.key, NORTH.sign_farewell())
CODE = re.findall(r"^    (.*)$", LETTER, re.M)


def test_a_letter_is_these_lines():
    assert CODE[0] == "0574 V4HC B5N3 G2PZ S7Q8 DZY7"
    assert len(CODE) == 8
    assert {len(line) for line in CODE} == {29}
    assert not set("".join(CODE)) & set("ILOUilou")
    assert NORTH.author.hex() in LETTER
    assert "Norte" in LETTER
    assert max(len(line) for line in LETTER.splitlines()) <= 100


@given(st.binary(min_size=32, max_size=32), st.text(max_size=48))
def test_what_is_written_can_be_read(seed, name):
    other = Identity(seed)
    key, signature = read_letter(write_letter(other, name))
    assert (key, signature) == (other.key, other.sign_farewell())
    assert camp_of(key) == other.author.hex()


@pytest.mark.parametrize(
    "spoil",
    [
        str.lower,
        lambda text: text.replace("0", "O").replace("1", "l"),
        lambda text: "\n".join("> > " + line for line in text.splitlines()),
        lambda text: textwrap.fill(text, 30),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\n".join(CODE),
        lambda text: " ".join(CODE),
        lambda text: "\n".join(reversed(CODE)),
        lambda text: "\n".join(line.replace(" ", "") for line in CODE),
        lambda text: "\n".join(f"{n}. {line}" for n, line in enumerate(CODE, 1)),
        lambda text: "\n".join(line.replace(" ", "-") for line in CODE),
        lambda text: (
            f"From: Eva\nSubject: the box\n\nDear all, they took it.\n\n{text}\n--\nsent from a phone"
        ),
        lambda text: text.replace("\n", "=\n").replace(CODE[2], CODE[2][:11] + "=\n" + CODE[2][11:]),
        lambda text: text + text,
        lambda text: text.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789ABCDEF"}),
    ],
)
def test_a_letter_is_read_however_it_comes(spoil):
    assert read_letter(spoil(LETTER)) == WORD


@given(st.integers(0, 7), st.integers(0, 23), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_a_mistyped_line_is_named(line, place, symbol):
    lines = [code.replace(" ", "") for code in CODE]
    before = lines[line]
    lines[line] = before[:place] + symbol + before[place + 1 :]
    if lines[line] == before:
        assert read_letter("\n".join(lines)) == WORD
    else:
        with pytest.raises(LetterError) as error:
            read_letter("\n".join(lines))
        assert error.value.lines == (line + 1,)


def test_lines_of_two_letters_make_no_letter():
    other = re.findall(r"^    (.*)$", write_letter(Identity(b"s" * 32), "Sur"), re.M)
    with pytest.raises(LetterError) as error:
        read_letter("\n".join(CODE[:4] + other[4:]))
    assert error.value.lines == ()


@given(st.text(max_size=300))
def test_any_other_text_is_refused(text):
    with pytest.raises(LetterError):
        read_letter(text)


def test_a_long_text_is_searched_only_so_far():
    with pytest.raises(LetterError):
        read_letter("word " * 5_000 + LETTER)
