"""Blocks that carry their author's key: who lacks it gains it, and a bad one does no harm."""

import json
from pathlib import Path
from random import Random

import pytest

from sync import air_frames
from sync.air_frames import SymbolFrame
from sync.bundle import BundleClass, hour_of, seal
from sync.coding import shape_of, symbol
from sync.frames import AskKeysFrame, KeysFrame
from sync.message import Kind, Message, encode
from sync.signing import Identity
from tests.sync.camps import NOW_S, Camp, air
from tests.vectors import write

AUTHOR = Identity(b"author".ljust(32, b"."))
STRANGER = Identity(b"stranger".ljust(32, b"."))
SEALED = seal(
    AUTHOR,
    hour_of(NOW_S),
    BundleClass.POST,
    [encode(Message(Kind.POST, int(NOW_S), body=b"\0" + b"a" * 250))],
)
ID = SEALED.id(AUTHOR.key, AUTHOR.network)
ALL_MS = float("inf")
KEYED, BARE = SEALED.wire + AUTHOR.key, SEALED.wire


def camp_in_the_air():
    here = Camp("here")
    here.engine.add_link(air(), NOW_S)
    return here


def receive(camp, frame):
    data = air_frames.encode(frame, camp.identity.network, STRANGER.author)
    with camp.store.transaction():
        camp.engine.receive_frame(data, "air", NOW_S)


def hear(camp, content, indices, spoiled=()):
    shape = shape_of(len(content), 207)
    for index in indices:
        data = symbol(content, shape, index)
        if index in spoiled:
            data = bytes(len(data))
        receive(camp, SymbolFrame(ID[:8], shape, index, data))


def said(camp, seconds=60):
    """All that leaves within so many seconds."""
    frames = []
    for second in range(seconds):
        with camp.store.transaction():
            frames += camp.engine.frames_to_send("air", NOW_S + second, ALL_MS)
    return [air_frames.decode(data, camp.identity.network)[1] for data in frames]


def test_who_lacks_the_key_has_it_with_the_block():
    here = camp_in_the_air()
    hear(here, KEYED, (0, 1))
    assert here.live() == [ID]
    assert not [frame for frame in said(here) if isinstance(frame, AskKeysFrame)]


def test_without_it_the_bundle_is_held_and_the_key_asked_for_and_a_later_block_brings_it():
    here = camp_in_the_air()
    hear(here, BARE, (0, 1))
    assert here.live() == []
    assert AskKeysFrame((AUTHOR.author,)) in said(here)
    hear(here, KEYED, (100, 101))
    assert here.live() == [ID]


@pytest.mark.parametrize("key", [STRANGER.key, bytes(32), AUTHOR.key[:-1] + b"\0"])
def test_a_wrong_key_is_ignored_and_its_bundle_judged_without_it(key):
    here = camp_in_the_air()
    hear(here, SEALED.wire + key, (0, 1))
    assert here.live() == []
    assert here.store.keys_of(STRANGER.author) == ()
    receive(here, KeysFrame((AUTHOR.key,)))
    assert here.live() == [ID]


def test_who_knows_the_key_takes_the_bundle_whatever_stands_behind_it():
    here = camp_in_the_air()
    with here.store.transaction():
        here.store.add_key(AUTHOR.key, 0)
    hear(here, SEALED.wire + bytes(32), (0, 1))
    assert here.live() == [ID]


def test_a_symbol_that_was_spoiled_costs_one_more():
    here = camp_in_the_air()
    hear(here, KEYED, (0, 1), spoiled=(0,))
    assert here.live() == []
    hear(here, KEYED, (200, 201))
    assert here.live() == [ID]


@pytest.mark.parametrize("length", [80, 200, 412, 4_532])
def test_what_is_no_bundle_is_counted_and_no_more(length):
    here = camp_in_the_air()
    hear(here, Random(length).randbytes(length), range(shape_of(length, 207).symbols))
    assert here.live() == []


def test_what_is_passed_on_is_the_same_content():
    here = camp_in_the_air()
    hear(here, KEYED, (0, 1))
    passed = [frame for frame in said(here, 120) if isinstance(frame, SymbolFrame)]
    assert passed
    assert all(frame.index > 1 and frame.data == symbol(KEYED, frame.shape, frame.index) for frame in passed)


@pytest.mark.parametrize(
    "case",
    json.loads((Path(write.__file__).parent / "blocks.json").read_text()),
    ids=lambda case: case["name"],
)
def test_a_block_is_the_wire_form_and_the_key(case):
    content = bytes.fromhex(case["wire"]) + bytes.fromhex(case["key"])
    shape = shape_of(len(content), 207)
    assert (shape.symbols, shape.length) == (case["symbols"], case["length"])
    for index, data in case["of_index"].items():
        assert symbol(content, shape, int(index)).hex() == data
