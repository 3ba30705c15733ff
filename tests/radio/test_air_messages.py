"""What a node and the air say to each other: these bytes and no others."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio.air_link import (
    MESSAGE_BYTES_MAX,
    AirMessageError,
    Done,
    Heard,
    Hello,
    Noise,
    Refusal,
    Send,
    Welcome,
    decode,
    encode,
)
from sync import cbor

MESSAGES = [
    (Welcome(), "81 67 77656c636f6d65"),
    (Refusal("no"), "82 67 72656675736564 62 6e6f"),
    (Send(b"\x10\x20"), "82 64 73656e64 42 1020"),
    (Done(2157), "82 64 73656e74 19 086d"),
    (Heard(-1250, b"\x10\x20"), "83 65 6865617264 39 04e1 42 1020"),
    (Noise(2157), "82 65 6e6f697365 19 086d"),
]


@pytest.mark.parametrize(("message", "body"), MESSAGES)
def test_a_message_is_these_bytes(message, body):
    wire = bytes.fromhex(body)
    assert encode(message) == len(wire).to_bytes(2, "big") + wire
    assert decode(wire) == message


def test_a_hello_names_the_camp_and_the_preset():
    wire = encode(Hello("Plaza", "LONG_FAST"))
    assert cbor.decode(wire[2:]) == ["hello", 1, "Plaza", "LONG_FAST"]
    assert decode(wire[2:]) == Hello("Plaza", "LONG_FAST")


@given(
    st.one_of(
        st.builds(Send, st.binary(min_size=1, max_size=226)),
        st.builds(Heard, st.integers(-20_000, 20_000), st.binary(min_size=1, max_size=226)),
        st.builds(Done, st.integers(0, 20_000)),
        st.builds(Noise, st.integers(0, 60_000)),
        st.builds(Refusal, st.text(max_size=50)),
        st.builds(Hello, st.sampled_from(["A", "the café", "広場"]), st.sampled_from(["LONG_FAST", "x"])),
    )
)
def test_what_is_said_is_understood(message):
    wire = encode(message)
    assert len(wire) <= MESSAGE_BYTES_MAX + 2
    assert decode(wire[2:]) == message


@given(st.binary(max_size=100))
def test_any_bytes_are_a_message_or_refused(data):
    with contextlib.suppress(AirMessageError):
        assert encode(decode(data))[2:] == data


_FIELD = st.one_of(
    st.sampled_from(["hello", "welcome", "refused", "send", "sent", "heard", "noise", "LONG_FAST"]),
    st.integers(-(2**63), 2**63),
    st.booleans(),
    st.none(),
    st.binary(max_size=300),
    st.text(max_size=60),
)


@given(st.lists(_FIELD, max_size=5))
def test_any_array_is_a_message_or_refused(fields):
    data = cbor.encode(fields)
    with contextlib.suppress(AirMessageError):
        assert encode(decode(data))[2:] == data


@pytest.mark.parametrize(
    "fields",
    [
        ["hello", 2, "A", "LONG_FAST"],
        ["hello", True, "A", "LONG_FAST"],
        ["hello", 1, "", "LONG_FAST"],
        ["hello", 1, "x" * 49, "LONG_FAST"],
        ["hello", 1, "\x1b[2J", "LONG_FAST"],
        ["send", b""],
        ["send", bytes(227)],
        ["sent", -1],
        ["sent", True],
        ["heard", 20_001, b"x"],
        ["heard", False, b"x"],
        ["noise", -1],
        ["noise", 60_001],
        ["noise", True],
        ["refused", "x" * 201],
        ["shout"],
        [],
        0,
    ],
)
def test_nonsense_is_refused(fields):
    with pytest.raises(AirMessageError):
        decode(cbor.encode(fields))
