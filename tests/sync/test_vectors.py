"""The committed vectors are what this code reads and writes, byte for byte."""

import asyncio
import io
import json
from pathlib import Path

import pytest

from radio import ip_handshake
from sync import bundle, cbor, farewell, frames, message
from sync.bundle import BundleClass
from sync.carried import CarriedFile, NotBundles
from sync.engine import Imported
from sync.live import FIRST_ID, LAST_ID, LiveBundle, LiveSet
from sync.message import Kind
from sync.reject import Reject
from sync.signing import Identity, Network, author_of, verify
from tests.sync.camps import Camp
from tests.vectors import write
from tests.vectors.camps import HOUR, NORTH, SOUTH

VECTORS = Path(write.__file__).parent


def load(name):
    return json.loads((VECTORS / name).read_text("utf-8"))


def each(*files, having="name"):
    """A parameter for every case of some files that has one field."""
    cases = [case for file in files for case in load(file) if having in case]
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.get("name", case.get("word")))


def assert_fields(read, case):
    assert (read.kind, read.second, read.salt) == (case["kind"], case["second"], case["salt"])
    assert (read.channel, read.nickname, int(read.role)) == (case["channel"], case["nickname"], case["role"])
    assert read.body.hex() == case["body"]
    assert read.parent.hex() == case["parent"]
    assert read.reference.hex() == case["reference"]


@pytest.mark.parametrize("name", write.FILES)
def test_the_code_writes_what_is_committed(name):
    assert write.text_of(name) == (VECTORS / name).read_text("utf-8")


def test_every_file_of_vectors_is_written():
    assert {path.name for path in VECTORS.glob("*.json")} == set(write.FILES)


# -- messages ---------------------------------------------------------------------------------------


@each("messages.json")
def test_a_message_is_read_from_its_bytes(case):
    data = bytes.fromhex(case["bytes"])
    assert_fields(message.decode(data, bundle.seconds_of(HOUR)), case)
    assert message.identify(NORTH.key, data).hex() == case["id_under_north"]


@each("packed.json", having="content")
def test_a_packed_body_is_unpacked(case):
    read = message.decode(bytes.fromhex(case["bytes"]), bundle.seconds_of(HOUR))
    assert_fields(read, case)
    is_array = read.kind in (Kind.CARD, Kind.GROUP)
    assert (cbor.decode(read.content) if is_array else read.text) == case["content"]


@each("stamps.json")
def test_a_stamp_is_read_by_the_hour(case):
    read = message.decode(bytes.fromhex(case["bytes"]), bundle.seconds_of(case["hour"]))
    assert (read.second, read.salt) == (case["second"], case["salt"])


@each("packed.json", "not_shown.json", having="reason")
def test_a_message_is_carried_and_not_shown_for_its_reason(case):
    camp = take_in(case)
    assert camp.shown() == []
    assert camp.counted(case["reason"]) == 1


@each("not_shown.json", having="shown")
def test_an_odd_message_is_shown(case):
    shown = case["shown"]
    read = message.decode(bytes.fromhex(case["bytes"]), bundle.seconds_of(case["hour"]))
    assert (read.text, read.second, read.salt) == (shown["text"], shown["second"], shown["salt"])
    assert (read.channel, read.nickname, int(read.role)) == (
        shown["channel"],
        shown["nickname"],
        shown["role"],
    )
    assert read.parent.hex() == shown["parent"]
    assert take_in(case).shown() == [shown["text"]]


def take_in(case):
    """A camp that took in a bundle of North with this message."""
    camp, now = Camp("reader"), float(bundle.seconds_of(HOUR))
    sealed = bundle.seal(NORTH, HOUR, BundleClass.POST, [bytes.fromhex(case["bytes"])])
    with camp.store.transaction():
        assert camp.engine.import_bundle(sealed.wire, NORTH.key, now) == Imported.NEW
        camp.engine.tick(now)
    return camp


# -- bundles ----------------------------------------------------------------------------------------


@each("bundles.json")
def test_a_bundle_verifies_under_its_key_and_word_only(case):
    read = bundle.decode(bytes.fromhex(case["wire"]))
    key, network = bytes.fromhex(case["key"]), Network(case["network_word"])
    assert read.author == author_of(key)
    assert [m.hex() for m in read.messages] == case["messages"]
    assert read.id(key, network).hex() == case["id"]
    assert read.verifies(key, network)
    assert not read.verifies(key, Network("another word"))
    assert not read.verifies(Identity(bytes(32)).key, network)


@each("refused.json")
def test_a_broken_wire_form_is_refused_for_its_reason(case):
    with pytest.raises(Reject) as caught:
        bundle.decode(bytes.fromhex(case["wire"]))
    assert caught.value.reason == case["reason"]


@pytest.mark.parametrize("backwards", [False, True])
@each("live.json")
def test_the_live_set_is_the_same_in_whatever_order_bundles_come(case, backwards):
    rows = sorted(case["bundles"], key=lambda row: (-row["hour"], row["id"]), reverse=backwards)
    bundles = [read_live(row) for row in rows]
    for at in case["at"]:
        live = LiveSet()
        for entry in bundles:
            alive = bundle.is_alive(entry.hour, entry.class_, at["hour"])
            if alive and live.is_in_window(entry.author, entry.hour, entry.id):
                live.add(entry)
        assert [entry.id.hex() for entry in live.between(FIRST_ID, LAST_ID)] == at["live"]


def read_live(row):
    author, id_ = bytes.fromhex(row["author"]), bytes.fromhex(row["id"])
    return LiveBundle(id_, author, author.ljust(32, b"."), row["hour"], BundleClass(row["class"]), 200)


@each("export.json", having="records")
def test_a_file_of_bundles_gives_what_is_good_in_it(case):
    file = CarriedFile(io.BytesIO(bytes.fromhex(case["bytes"])))
    found = []
    for record in file:
        read = bundle.decode(record.wire)
        assert read.verifies(record.key, Network())
        id_ = read.id(record.key, Network())
        found.append({"key": record.key.hex(), "wire": record.wire.hex(), "id": id_.hex()})
    assert found == case["records"]
    assert file.torn == case["torn"]


@each("export.json", having="refused")
def test_a_file_with_neither_head_nor_record_is_refused(case):
    with pytest.raises(NotBundles):
        list(CarriedFile(io.BytesIO(bytes.fromhex(case["bytes"]))))


# -- links ------------------------------------------------------------------------------------------


@each("frames.json")
def test_a_frame_is_read_and_written_back(case):
    data = bytes.fromhex(case["bytes"])
    sender, frame = frames.decode(data, NORTH.network)
    assert sender == NORTH.author[:2]
    assert frames.encode(frame, NORTH.network, NORTH.author) == data


@each("refused_frames.json")
def test_a_broken_frame_is_refused_for_its_reason(case):
    with pytest.raises(Reject) as caught:
        frames.decode(bytes.fromhex(case["bytes"]), NORTH.network)
    assert caught.value.reason == case["reason"]


class Wire:
    """A socket whose other end says what the vectors say."""

    def __init__(self, *received):
        self.received = list(received)
        self.sent = []

    async def send(self, data):
        self.sent.append(data)

    async def receive(self):
        return self.received.pop(0)

    async def close(self, code):
        raise AssertionError(f"closed with {code}")


@each("handshake.json")
def test_a_handshake_proves_both_ends(case):
    named = {name: bytes.fromhex(value) for name, value in case.items() if name[:3] in ("dia", "ans")}
    both = named["dialler_hello"] + named["answerer_hello"]
    for end, side, nonce in (("dialler", b"D", bytes(16)), ("answerer", b"A", b"\x01" * 16)):
        network = Network(case["network_word"])
        key, read_nonce = ip_handshake.read_hello(named[f"{end}_hello"])
        assert (key, read_nonce) == (Identity(named[f"{end}_seed"]).key, nonce)
        assert verify(key, network.link_input(key, side + both), named[f"{end}_proof"])
        assert not verify(key, Network("x").link_input(key, side + both), named[f"{end}_proof"])


# A hello of more than four fields is one that this code reads and never says.
OF_THIS_VERSION = [
    pytest.param(case, end, id=f"{case['name']}, {end}")
    for case in load("handshake.json")
    for end in ("dialler", "answerer")
    if case[f"{end}_hello"].startswith("84")
]


@pytest.mark.parametrize(("case", "end"), OF_THIS_VERSION)
def test_this_code_shakes_hands_with_the_other_end(case, end):
    other = "answerer" if end == "dialler" else "dialler"
    ours = Identity(bytes.fromhex(case[f"{end}_seed"]), Network(case["network_word"]))
    _, nonce = ip_handshake.read_hello(bytes.fromhex(case[f"{end}_hello"]))
    wire = Wire(bytes.fromhex(case[f"{other}_hello"]), bytes.fromhex(case[f"{other}_proof"]))
    key = asyncio.run(ip_handshake.shake_hands(wire, ours, nonce, dialler=end == "dialler"))
    assert key == Identity(bytes.fromhex(case[f"{other}_seed"])).key
    assert [data.hex() for data in wire.sent] == [case[f"{end}_hello"], case[f"{end}_proof"]]


# -- keys and words ---------------------------------------------------------------------------------


@each("network.json", having="word")
def test_a_word_stands_in_what_is_signed_and_makes_the_tag(case):
    network = Network(case["word"])
    word_bytes = bytes.fromhex(case["word_bytes"])
    assert network.bundle_input(NORTH.key, b"") == b"miccheck bundle 1" + word_bytes + NORTH.key
    frame = frames.encode(frames.AskFrame(()), network, NORTH.author)
    assert frame[1:2].hex() == case["tag"]


@each("signatures.json")
def test_a_signature_counts_as_the_protocol_says(case):
    key, input_, signature = (bytes.fromhex(case[name]) for name in ("key", "input", "signature"))
    assert verify(key, input_, signature) == case["counts"]


def test_a_dead_key_letter_is_written_as_its_lines():
    case = load("farewell.json")
    letter = farewell.write_letter(Identity(bytes.fromhex(case["seed"])), "South")
    assert [line.strip() for line in letter.splitlines() if line.strip() in case["lines"]] == case["lines"]


@pytest.mark.parametrize("typed", load("farewell.json")["readable"], ids=lambda typed: typed["name"])
def test_a_dead_key_letter_is_read_however_it_is_typed(typed):
    case = load("farewell.json")
    assert farewell.read_letter(typed["text"]) == (SOUTH.key, bytes.fromhex(case["signature"]))


@pytest.mark.parametrize("typed", load("farewell.json")["refused"], ids=lambda typed: typed["name"])
def test_a_dead_key_letter_names_the_lines_that_are_wrong(typed):
    with pytest.raises(farewell.LetterError) as caught:
        farewell.read_letter(typed["text"])
    assert list(caught.value.lines) == typed["lines"]
