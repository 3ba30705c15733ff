"""The link over Meshtastic's UDP multicast, with `mudp` as the other side of the wire."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meshtastic.protobuf import mesh_pb2
from mudp.encryption import decrypt_packet, encrypt_packet, generate_hash

from radio import meshtastic_link
from radio.mesh_channel import PORT, MeshChannel, channel_of
from radio.mesh_packet import MeshPacket, channel_hash, crypt, node_number
from radio.meshtastic_link import EVERYBODY, read_packet, write_packet
from radio.roads import GROUPS
from radio.udp_link import HEARD_MAX, MeshCipher
from sync import air_frames
from sync.bundle import BundleClass, seal
from sync.frames import BundleFrame
from sync.message import Kind, Message, compose
from sync.message import encode as encode_message
from sync.signing import Identity, Network

ROOT = Path(__file__).parent.parent.parent
CHANNEL = channel_of(Network("the square"))
NORTH = Identity(b"n" * 32, Network("the square"))
SOUTH = Identity(b"s" * 32, Network("the square"))
FRAMES = st.binary(min_size=1, max_size=226)


def cipher(identity: Identity, channel: MeshChannel = CHANNEL, seed: int = 1) -> MeshCipher:
    return MeshCipher(channel, identity.key, 1, meshtastic_link, Random(seed))


def key_text(channel: MeshChannel) -> str:
    return base64.b64encode(channel.key).decode()


@given(FRAMES)
def test_what_one_camp_seals_another_opens_once_and_itself_never(frame):
    north, south = cipher(NORTH), cipher(SOUTH)
    datagram = north.seal(frame)
    assert len(datagram) <= 300
    assert south.open(datagram) == frame
    assert south.open(datagram) is None  # told again by another board
    assert north.open(datagram) is None  # heard back


@given(FRAMES)
def test_mudp_reads_what_we_write(frame):
    packet = mesh_pb2.MeshPacket.FromString(cipher(NORTH).seal(frame))
    data = decrypt_packet(packet, key_text(CHANNEL))
    assert data is not None
    assert (data.portnum, data.payload) == (PORT, frame)
    assert (packet.to, packet.hop_limit, packet.hop_start, packet.want_ack) == (EVERYBODY, 1, 1, False)
    assert packet.channel == generate_hash(CHANNEL.name, key_text(CHANNEL))
    assert not packet.via_mqtt


@given(FRAMES, st.integers(1, 2**32 - 1))
def test_we_read_what_mudp_writes(frame, packet_id):
    packet = mesh_pb2.MeshPacket(to=EVERYBODY, id=packet_id)
    setattr(packet, "from", 0x1234)
    data = mesh_pb2.Data(portnum=PORT, payload=frame, bitfield=1)
    packet.encrypted = encrypt_packet(CHANNEL.name, key_text(CHANNEL), packet, data)
    assert cipher(NORTH).open(packet.SerializeToString()) == frame


@given(st.text("abc-", min_size=1, max_size=11), st.binary(min_size=16, max_size=16))
def test_a_channel_is_named_as_mudp_names_it(name, key):
    channel = MeshChannel(name, key)
    assert channel_hash(channel) == generate_hash(name, key_text(channel))


def test_the_cipher_is_that_of_the_firmware():
    """AES-256-CTR over the counter block id, sender, zeros; a value computed with OpenSSL's command."""
    channel = MeshChannel("x", bytes(range(32)))
    assert crypt(channel, 0x04030201, 0x14131211, bytes(16)) == bytes.fromhex(KEYSTREAM)
    block = bytes.fromhex("11121314000000000102030400000000")
    assert crypt(channel, 0x04030201, 0x14131211, bytes(16)) == _aes_block(channel.key, block)


KEYSTREAM = "dc90f258031d29c94bf84b6c1c249b2b"


def _aes_block(key: bytes, block: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("channel", 0),  # another channel
        ("to", 0x1234),  # to one node only
        ("via_mqtt", True),  # from the internet
        ("encrypted", b""),
        ("decoded", mesh_pb2.Data(portnum=PORT, payload=b"in the clear")),
    ],
)
def test_what_is_not_for_us_is_nothing(change, value):
    packet = mesh_pb2.MeshPacket.FromString(cipher(SOUTH).seal(b"frame"))
    if isinstance(value, mesh_pb2.Data):
        packet.decoded.CopyFrom(value)
    else:
        setattr(packet, change, value)
    assert cipher(NORTH).open(packet.SerializeToString()) is None


def test_another_network_and_other_ports_are_nothing():
    stranger = channel_of(Network("another word"))
    assert cipher(NORTH).open(cipher(SOUTH, stranger).seal(b"frame")) is None
    for data in (mesh_pb2.Data(portnum=1, payload=b"hello"), mesh_pb2.Data(portnum=PORT, payload=bytes(227))):
        sealed = crypt(CHANNEL, 7, 9, data.SerializeToString())
        packet = MeshPacket(7, 9, channel_hash(CHANNEL), 1, 10, sealed)
        assert cipher(NORTH).open(write_packet(packet)) is None
    # The same byte may name two channels: what the key does not open is garbled, and nothing.
    garbled = MeshPacket(7, 10, channel_hash(CHANNEL), 1, 10, bytes(40))
    assert cipher(NORTH).open(write_packet(garbled)) is None


@given(st.binary(max_size=600))
def test_any_datagram_is_a_frame_or_nothing(data):
    frame = cipher(NORTH).open(data)
    assert frame is None or 0 < len(frame) <= 226


@given(
    st.builds(
        MeshPacket,
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**32 - 1),
        st.integers(0, 255),
        st.integers(0, 7),
        st.sampled_from([10, 64, 110]),
        st.binary(min_size=1, max_size=237),
    )
)
def test_a_packet_survives_its_protobuf(packet):
    assert read_packet(write_packet(packet)) == packet


@pytest.mark.parametrize(
    ("class_", "priority"),
    [
        (BundleClass.ALERT, mesh_pb2.MeshPacket.Priority.ALERT),
        (BundleClass.POST, mesh_pb2.MeshPacket.Priority.BACKGROUND),
    ],
)
def test_a_mic_check_is_marked_so_that_boards_send_it_first(class_, priority):
    message = encode_message(compose(Message(Kind.POST, 0), "water"))
    bundle = BundleFrame(seal(NORTH, 7_715, class_, [message]).wire)
    frame = air_frames.encode(bundle, NORTH.network, NORTH.author)
    assert mesh_pb2.MeshPacket.FromString(cipher(NORTH).seal(frame)).priority == priority


def test_numbers_are_a_camps_own_and_never_reserved():
    keys = [Random(n).randbytes(32) for n in range(2_000)]
    numbers = {node_number(key) for key in keys}
    assert len(numbers) == len(keys)
    assert all(16 <= number < 2**32 - 16 for number in numbers)


def test_no_id_comes_twice_and_memory_stays_small():
    north, south = cipher(NORTH), cipher(SOUTH)
    ids = set()
    for n in range(HEARD_MAX + 50):
        datagram = north.seal(b"%d" % n)
        ids.add(mesh_pb2.MeshPacket.FromString(datagram).id)
        assert south.open(datagram) == b"%d" % n
    assert len(ids) == HEARD_MAX + 50
    assert len(south._heard) == HEARD_MAX


def lan_is_possible() -> str:
    """Why no network namespace can be made here; empty when one can."""
    if os.geteuid() != 0:
        return "a network namespace needs root"
    tried = subprocess.run(["unshare", "--net", "ip", "link"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "unshare --net does not work here"


@pytest.mark.parametrize("group", GROUPS)
def test_frames_pass_to_mudp_and_back_over_a_lan(group):
    why_not = lan_is_possible()
    if why_not:
        pytest.skip(why_not)
    played = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "tests.radio.udp_lan", group],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert played.returncode == 0, played.stderr
    happened = json.loads(played.stdout)
    heard = happened["peer heard"]
    frame = bytes.fromhex(heard["payload"])
    assert frame.endswith(b"from the camp")
    assert (heard["port"], heard["to"], heard["hops"], heard["want_ack"]) == (PORT, EVERYBODY, [1, 1], False)
    assert happened["a heard"] == [(b"heard " + frame).hex()]  # and not itself
    assert sorted(happened["b heard"]) == sorted([frame.hex(), (b"heard " + frame).hex()])
    assert happened["of no interface"] == "searching"
    assert happened["unplugged"]
    assert happened["after the end"] == [True, True]
