"""The committed vectors are what this code reads and writes, byte for byte."""

import json
from pathlib import Path

import pytest

from sync import bundle, frames, message
from sync.reject import Reject
from sync.signing import Identity, Network, author_of, verify
from tests.vectors import write

VECTORS = Path(write.__file__).parent


def load(name):
    return json.loads((VECTORS / name).read_text())


@pytest.mark.parametrize("name", write.FILES)
def test_the_code_writes_what_is_committed(name):
    assert write.text_of(name) == (VECTORS / name).read_text()


@pytest.mark.parametrize("case", load("messages.json"), ids=lambda case: case["name"])
def test_a_message_is_read_from_its_bytes(case):
    read = message.decode(bytes.fromhex(case["bytes"]), bundle.seconds_of(write.HOUR))
    assert (read.kind, read.second, read.salt) == (case["kind"], case["second"], case["salt"])
    assert (read.channel, read.nickname, int(read.role)) == (case["channel"], case["nickname"], case["role"])
    assert read.body.hex() == case["body"]
    assert read.parent.hex() == case["parent"]
    assert read.reference.hex() == case["reference"]


@pytest.mark.parametrize("case", load("bundles.json"), ids=lambda case: case["name"])
def test_a_bundle_verifies_under_its_key_and_word_only(case):
    read = bundle.decode(bytes.fromhex(case["wire"]))
    key, network = bytes.fromhex(case["key"]), Network(case["network_word"])
    assert read.author == author_of(key)
    assert [m.hex() for m in read.messages] == case["messages"]
    assert read.id(key, network).hex() == case["id"]
    assert read.verifies(key, network)
    assert not read.verifies(key, Network("another word"))
    assert not read.verifies(Identity(bytes(32)).key, network)


@pytest.mark.parametrize("case", load("frames.json"), ids=lambda case: case["name"])
def test_a_frame_is_read_and_written_back(case):
    data = bytes.fromhex(case["bytes"])
    sender, frame = frames.decode(data, write.NORTH.network)
    assert sender == write.NORTH.author[:2]
    assert frames.encode(frame, write.NORTH.network, write.NORTH.author) == data


@pytest.mark.parametrize("case", load("refused.json"), ids=lambda case: case["name"])
def test_a_broken_wire_form_is_refused_for_its_reason(case):
    with pytest.raises(Reject) as caught:
        bundle.decode(bytes.fromhex(case["wire"]))
    assert caught.value.reason == case["reason"]


def test_a_handshake_proves_both_ends():
    case = {name: bytes.fromhex(value) for name, value in load("handshake.json").items()}
    both = case["dialler_hello"] + case["answerer_hello"]
    for who, side, proof in ((write.NORTH, b"D", "dialler_proof"), (write.SOUTH, b"A", "answerer_proof")):
        assert verify(who.key, who.network.link_input(who.key, side + both), case[proof])
        assert not verify(who.key, Network("x").link_input(who.key, side + both), case[proof])
