"""Messages: every field survives the wire, no bytes do harm, no name deceives."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import cbor, message
from sync.message import Kind, Message, Role
from sync.reject import Reason, Reject
from sync.text import NICKNAME_BYTES_MAX, TEXT_BYTES_MAX, is_channel_name, is_tricky

NOW_S = 1_795_000_000

names = st.text(max_size=12).filter(lambda text: not is_tricky(text) and "\n" not in text)
channels = st.sampled_from(
    ["general", "announcements", "letters", "kitchen", "cocina-norte", "кухня", "مطبخ"]
)
messages = st.builds(
    Message,
    kind=st.sampled_from(Kind),
    second=st.integers(NOW_S - 8_000_000, NOW_S + 8_000_000),
    salt=st.integers(0, 255),
    body=st.binary(max_size=200),
    channel=channels,
    nickname=names,
    role=st.sampled_from(Role),
    parent=st.sampled_from([b"", b"12345678"]),
    reference=st.binary(max_size=96),
)


@given(messages)
def test_what_is_written_is_read(m):
    assert message.decode(message.encode(m), NOW_S) == m


@given(messages)
def test_trailing_defaults_are_not_sent(m):
    fields = cbor.decode(message.encode(m))
    assert isinstance(fields, list)
    assert len(fields) == 3 or fields[-1] not in (0, "", b"")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_refused(data):
    try:
        m = message.decode(data, NOW_S)
    except Reject:
        return
    assert abs(m.second - NOW_S) <= message.STAMP_SECONDS // 2


def test_a_plain_post_costs_nine_bytes_beside_its_text():
    assert len(message.encode(Message(Kind.POST, NOW_S, body=b"x" * 60))) == 60 + 9


def test_later_versions_may_add_fields():
    grown = cbor.encode([0, 0, b"\x00hi", 0, "", 0, b"", b"", "more", [1, [2]]])
    assert message.decode(grown, NOW_S).text == "hi"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([0, 0], Reason.SHAPE),
        ("text", Reason.SHAPE),
        ([True, 0, b""], Reason.SHAPE),
        ([0, False, b""], Reason.SHAPE),
        ([0, 1 << 32, b""], Reason.SHAPE),
        ([0, -1, b""], Reason.SHAPE),
        ([-1, 0, b""], Reason.SHAPE),
        ([0, 0, "text"], Reason.SHAPE),
        ([0, 0, b"", 3], Reason.SHAPE),
        ([0, 0, b"", True], Reason.SHAPE),
        ([0, 0, b"", None], Reason.SHAPE),
        ([0, 0, b"", "here"], Reason.SHAPE),
        ([0, 0, b"", "general"], Reason.SHAPE),
        ([0, 0, b"", "Not A Name"], Reason.TEXT),
        ([0, 0, b"", "a--b"], Reason.TEXT),
        ([0, 0, b"", "x" * 33], Reason.TEXT),
        ([0, 0, b"", 0, b"bytes"], Reason.SHAPE),
        ([0, 0, b"", 0, "x" * (NICKNAME_BYTES_MAX + 1)], Reason.TEXT),
        ([0, 0, b"", 0, "left\u202eright"], Reason.TEXT),
        ([0, 0, b"", 0, "two\nlines"], Reason.TEXT),
        ([0, 0, b"", 0, "", "liaison"], Reason.SHAPE),
        ([0, 0, b"", 0, "", 0, b"short"], Reason.SHAPE),
        ([0, 0, b"", 0, "", 0, b"", b"x" * 513], Reason.SHAPE),
        ([99, 0, b""], Reason.KIND),
    ],
)
def test_a_message_that_is_none_is_refused(fields, reason):
    with pytest.raises(Reject) as caught:
        message.decode(cbor.encode(fields), NOW_S)
    assert caught.value.reason == reason


def test_an_unknown_role_gives_no_rights():
    assert message.decode(cbor.encode([0, 0, b"", 0, "", 77]), NOW_S).role == Role.CAMPER


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x63nobody knows this codec", Reason.CODEC),
        (b"\x01\xff\xff\xff", Reason.CODEC),
        (b"\x00" + b"x" * (TEXT_BYTES_MAX + 1), Reason.CODEC),
        (b"\x00\xff\xfe", Reason.TEXT),
        (b"\x00a\x00b", Reason.TEXT),
        (b"\x00" + "run \u202enorth".encode(), Reason.TEXT),
        (b"\x00" + "a\u2028b".encode(), Reason.TEXT),
        (b"\x00" + "\U000e0041".encode(), Reason.TEXT),
        (b"\x00" + "\U0001ffff".encode(), Reason.TEXT),
    ],
)
def test_a_text_that_cannot_be_shown_is_refused_when_read(body, reason):
    m = Message(Kind.POST, NOW_S, body=body)
    assert message.decode(message.encode(m), NOW_S) == m  # carried
    with pytest.raises(Reject) as caught:
        _ = m.text
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "text", ["", "hi", "Agua en la puerta 4", "две\nстроки", "مرحبا \u200fهنا", "👩‍🍳", "x" * 4000]
)
def test_a_text_is_packed_and_read(text):
    m = message.compose(Message(Kind.POST, NOW_S), text)
    assert m.text == text


def test_a_text_that_is_too_long_is_our_own_fault():
    with pytest.raises(ValueError, match="at most 4000 bytes"):
        message.compose(Message(Kind.POST, NOW_S), "ñ" * 2001)


@pytest.mark.parametrize(
    "wrong",
    [
        {"salt": 256},
        {"parent": b"123"},
        {"channel": "No Name"},
        {"nickname": "x" * 49},
        {"reference": b"x" * 513},
    ],
)
def test_a_message_no_node_would_show_cannot_be_written(wrong):
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own sentence
        message.encode(replace(Message(Kind.POST, NOW_S), **wrong))


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("general", True),
        ("cocina-norte", True),
        ("grupo2", True),
        ("кухня", True),
        ("रसोई", True),
        ("\u0301x", False),
        ("", False),
        ("-", False),
        ("a-", False),
        ("A", False),
        ("a b", False),
        ("a_b", False),
        ("a/b", False),
        ("../x", False),
        ("é" * 17, False),
    ],
)
def test_channel_names(name, good):
    assert is_channel_name(name) is good
