"""Bundles: sealed and read back, refused when a bit is wrong, alive by the hour alone."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import bundle, cbor, message
from sync.bundle import BundleClass
from sync.message import Kind, Message
from sync.reject import Reason, Reject
from sync.signing import SIGNATURE_BYTES, Identity, Network, author_of, verify

CAMP = Identity(b"c" * 32)
NOW_S = 1_795_000_000
HOUR = bundle.hour_of(NOW_S)
POST = message.encode(Message(Kind.POST, NOW_S, body=b"\x00water at gate 4"))

scalars = st.one_of(
    st.integers(-(2**64), 2**64 - 1), st.binary(max_size=20), st.text(max_size=10), st.booleans(), st.none()
)
arrays = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4), max_leaves=6)


def reason_of(wire):
    with pytest.raises(Reject) as caught:
        bundle.decode(wire)
    return caught.value.reason


@given(
    st.lists(st.lists(arrays.filter(lambda v: depth(v) <= 2), min_size=1, max_size=5), min_size=1, max_size=8)
)
def test_the_envelope_carries_what_later_versions_may_say(messages):
    sealed = bundle.seal(CAMP, HOUR, BundleClass.POST, [cbor.encode(m) for m in messages])
    read = bundle.decode(sealed.wire)
    assert read == sealed
    assert read.verifies(CAMP.key, CAMP.network)


def depth(value):
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(st.integers(0, 8 * len(bundle.seal(CAMP, HOUR, BundleClass.POST, [POST]).wire) - 1))
def test_one_wrong_bit_anywhere_is_noticed(bit):
    wire = bytearray(bundle.seal(CAMP, HOUR, BundleClass.POST, [POST]).wire)
    wire[bit // 8] ^= 1 << bit % 8
    try:
        read = bundle.decode(bytes(wire))
    except Reject:
        return
    assert not read.verifies(CAMP.key, CAMP.network)


@given(st.binary(max_size=400))
def test_any_bytes_are_an_envelope_or_refused(data):
    with contextlib.suppress(Reject):
        bundle.decode(data)


@pytest.mark.parametrize(("inner", "reason"), [("80", None), ("8100", None), ("8180", Reason.CBOR)])
def test_an_empty_array_is_a_level_too(inner, reason):
    fields: list[cbor.Value] = [CAMP.author, HOUR, int(BundleClass.POST)]
    start = b"\x84" + b"".join(cbor.encode(field) for field in fields)
    wire = start + bytes.fromhex("825820" + "00" * 32 + "8181" + inner) + bytes(SIGNATURE_BYTES)
    if reason is None:
        assert bundle.decode(wire).hour == HOUR
    else:
        assert reason_of(wire) == reason


def test_a_signature_is_for_one_word_one_key_and_one_purpose():
    sealed = bundle.seal(CAMP, HOUR, BundleClass.POST, [POST])
    assert not sealed.verifies(CAMP.key, Network("another"))
    assert not sealed.verifies(Identity(b"d" * 32).key, CAMP.network)
    assert not verify(CAMP.key, CAMP.network.link_input(CAMP.key, sealed.signed), sealed.signature)


@pytest.mark.parametrize("key", [bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"])
def test_a_key_of_small_order_signs_nothing(key):
    # Under such a key R = identity, S = 0 verifies for any message in libraries that do not look.
    assert not verify(key, b"anything", b"\x01" + bytes(63))


def test_a_key_that_is_none_verifies_nothing():
    assert not verify(b"short", b"anything", bytes(64))
    assert not verify(CAMP.key, b"anything", b"short")


def test_eight_messages_and_not_nine():
    assert len(bundle.seal(CAMP, HOUR, BundleClass.POST, [POST] * 8).messages) == 8
    for wrong in ([], [POST] * 9):
        with pytest.raises(ValueError, match="1 to 8"):
            bundle.seal(CAMP, HOUR, BundleClass.POST, wrong)


def test_radio_bundles_have_at_most_4500_bytes_and_bulk_32768():
    long = message.encode(Message(Kind.POST, NOW_S, body=b"\x00" * 1_000))
    with pytest.raises(ValueError, match="do not fit"):
        bundle.seal(CAMP, HOUR, BundleClass.POST, [long] * 5)
    bulk = bundle.seal(CAMP, HOUR, BundleClass.BULK, [long] * 5)
    assert bundle.decode(bulk.wire) == bulk
    fields = [CAMP.author, HOUR, int(BundleClass.POST), *(cbor.decode(long) for _ in range(5))]
    assert reason_of(cbor.encode(fields) + bytes(SIGNATURE_BYTES)) == Reason.LENGTH
    assert reason_of(bytes(40_000)) == Reason.LENGTH


@pytest.mark.parametrize(
    ("class_", "sealed_ago", "alive"),
    [
        (BundleClass.ALERT, -1, True),
        (BundleClass.ALERT, -2, False),
        (BundleClass.ALERT, 23, True),
        (BundleClass.ALERT, 24, False),
        (BundleClass.POST, 71, True),
        (BundleClass.POST, 72, False),
        (BundleClass.CHAT, 11, True),
        (BundleClass.CHAT, 12, False),
        (BundleClass.BULK, 71, True),
        (BundleClass.BULK, 72, False),
    ],
)
def test_life_is_counted_from_the_hour_of_sealing(class_, sealed_ago, alive):
    assert bundle.is_alive(HOUR - sealed_ago, class_, HOUR) is alive


def test_hours_count_from_2026():
    assert bundle.hour_of(bundle.EPOCH_S) == 0
    assert bundle.hour_of(bundle.EPOCH_S + 3_599.9) == 0
    assert bundle.hour_of(bundle.EPOCH_S + 3_600) == 1
    assert bundle.hour_of(0) == 0
    assert bundle.seconds_of(bundle.hour_of(NOW_S)) <= NOW_S < bundle.seconds_of(bundle.hour_of(NOW_S) + 1)


def test_an_author_id_says_nothing_of_the_network():
    assert Identity(b"c" * 32, Network("x")).author == CAMP.author == author_of(CAMP.key)


def test_a_network_word_has_a_length():
    for word in ("", "x" * 65):
        with pytest.raises(ValueError, match="1 to 64"):
            Network(word)
