"""Codes people type."""

from base64 import b32encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.codewords import ALPHABET, fold, group, read_bits, read_card, write_bits, write_card


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (bytes(13), "MC-00000-00000-00000-00000"),
        (b"\xff" * 13, "MC-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ"),
        (bytes(range(13)), "MC-000G4-0R40M-30E20-9185G"),
    ],
)
def test_a_card_is_this_code(raw, code):
    assert write_card(raw) == code


@given(st.binary(min_size=15, max_size=15))
def test_symbols_are_those_of_base_32(raw):
    plain = b32encode(raw).decode().translate(str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALPHABET))
    assert write_bits(raw) == plain


def test_a_card_needs_all_its_chance():
    with pytest.raises(ValueError, match="13 bytes"):
        write_card(bytes(12))


@given(st.binary(max_size=100))
def test_bits_come_back(raw):
    assert read_bits(write_bits(raw))[: len(raw)] == raw
    assert set(write_bits(raw)) <= set(ALPHABET)


@given(st.binary(min_size=13, max_size=13), st.booleans(), st.sampled_from(["", " ", "-", "--", " – ", "."]))
def test_a_card_is_read_as_it_was_made(raw, prefixed, between):
    symbols = write_bits(raw)[:20]
    typed = ("mc-" if prefixed else "") + group(symbols.lower(), 5, between)
    assert read_card(typed) == symbols


@given(st.text())
def test_anything_typed_is_a_card_or_none(typed):
    symbols = read_card(typed)
    assert symbols is None or (len(symbols) == 20 and set(symbols) <= set(ALPHABET))


@given(st.text(ALPHABET, min_size=1))
def test_folding_leaves_symbols_alone(symbols):
    assert fold(symbols) == symbols == fold(symbols.lower())
