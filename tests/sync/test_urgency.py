"""How urgent a frame is, read off the frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import air_frames
from sync.air_frames import AnswerFrame, NeedFrame, ParcelFrame, SymbolFrame
from sync.bundle import BundleClass, seal
from sync.coding import Shape
from sync.frames import AskKeysFrame, BundleFrame
from sync.message import Kind, Message, compose, encode
from sync.signing import Identity
from sync.urgency import Urgency, is_alert, urgency_of

CAMP = Identity(b"\x07" * 32)


def wire(class_):
    return seal(CAMP, 7_800, class_, [encode(compose(Message(Kind.POST, 0), "water"))]).wire


def frame(kind):
    return air_frames.encode(kind, CAMP.network, CAMP.author)


@pytest.mark.parametrize(
    ("sent", "urgency"),
    [
        (BundleFrame(wire(BundleClass.ALERT)), Urgency.ALERT),
        (BundleFrame(wire(BundleClass.ALERT), CAMP.key), Urgency.ALERT),
        (AnswerFrame(wire(BundleClass.ALERT)), Urgency.ALERT),
        (BundleFrame(wire(BundleClass.POST)), Urgency.CONTENT),
        (BundleFrame(wire(BundleClass.CHAT), CAMP.key), Urgency.CONTENT),
        (AnswerFrame(wire(BundleClass.POST)), Urgency.CONTENT),
        (SymbolFrame(b"g" * 8, Shape(2, 300), 0, b"d" * 150), Urgency.CONTENT),
        (ParcelFrame(b"g" * 4, Shape(2, 300), 0, b"d" * 150), Urgency.CONTENT),
        (NeedFrame(b"g" * 8, 1), Urgency.CONTROL),
        (AskKeysFrame((CAMP.author,)), Urgency.CONTROL),
    ],
)
def test_a_frame_says_how_urgent_it_is(sent, urgency):
    assert urgency_of(frame(sent)) is urgency


@given(st.binary(max_size=226))
def test_any_bytes_have_an_urgency(data):
    assert is_alert(data) == (urgency_of(data) is Urgency.ALERT)
