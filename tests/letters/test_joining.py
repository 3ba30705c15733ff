"""What is sealed for a list's owner, and the letters to the owner: any address, one size, nothing told."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nacl.public import PrivateKey, SealedBox

from sync import cbor
from sync.letters.addresses import read_address
from sync.letters.join_letters import (
    Line,
    OwnerLetter,
    answers_in,
    is_about_joining,
    owner_letter,
    sealed_in,
    token_text,
)
from sync.letters.joining import (
    GROUP_BYTES_MAX,
    PLACE_BYTES_MAX,
    PLAIN_BYTES,
    Entry,
    NotOpened,
    entry_of,
    open_sealed,
    public_key_of,
    read_key,
    read_owner_key,
    seal,
    write_key,
)
from sync.letters.mime import parse
from sync.registrations import (
    SEALED_BYTES,
    STATES_MAX,
    JoinState,
    read_registration,
    read_states,
    registration_id,
    registration_reference,
    states_reference,
)
from sync.reject import Reject
from tests.vectors import write

SECRET = bytes(range(1, 33))
OWNER = public_key_of(SECRET)
CAMP = b"campcamp"
LIST = "camps@lists.example.org"

atoms = st.text("abcXYZ019!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=15)
locals_ = st.lists(atoms, min_size=1, max_size=4).map(".".join)
labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
hosts = st.tuples(st.lists(labels, min_size=1, max_size=4), st.sampled_from(["org", "example", "cat"])).map(
    lambda parts: ".".join([*parts[0], parts[1]])
)
addresses = st.tuples(locals_, hosts).map("@".join)
chances = st.integers(0, 2**32).map(lambda seed: Random(seed).randbytes)


# -- addresses -------------------------------------------------------------------------------------------


@given(addresses)
def test_any_address_is_taken(address):
    assert read_address(address) == read_address(f"  {address}\n") is not None


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("ana@example.org", "ana@example.org"),
        ("Ana.Pérez@example.org", None),  # RFC 6531; Mailman takes none
        ("Ana@EXAMPLE.Org", "Ana@example.org"),
        ("ana@españa.example", "ana@xn--espaa-rta.example"),
        ("ana@пример.испытание", "ana@xn--e1afmkfd.xn--80akhbyknj4f"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
        ("o'brien+list@mail.example.co.uk", "o'brien+list@mail.example.co.uk"),
        (f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 57}.org", None),  # 255 characters
        (f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 56}.org", True),
        ("a" * 65 + "@example.org", None),
        ("ana@localhost", None),
        ("ana@192.0.2.1", None),
        ("ana@[192.0.2.1]", None),
        ("ana@-x.example.org", None),
        ("ana@straße.de", None),  # two hosts by two standards
        ("ana@@example.org", None),
        (".ana@example.org", None),
        ("ana.@example.org", None),
        ("a..b@example.org", None),
        ('"a b"@example.org', None),
        ("Ana <ana@example.org>", None),
        ("mailto:ana@example.org", None),
        ("ana@example.org, bea@example.org", None),
        ("ana@example.org\r\nend", None),
        ("ana@example..org", None),
        ("ana@example.org.", None),
        ("ana", None),
        ("@example.org", None),
        ("", None),
    ],
)
def test_what_is_an_address(typed, read):
    assert read_address(typed) == (typed if read is True else read)


@given(st.text(max_size=60))
def test_any_other_text_is_refused_or_fit_for_a_command(typed):
    read = read_address(typed)
    if read is not None:
        assert read.isascii()
        assert not set(read) & set(' \t\r\n<>,;:"()[]\\')
        assert read_address(read) == read


def test_a_long_host_costs_no_time():
    assert read_address("a@" + "é" * 1_000_000) is None


# -- the box ---------------------------------------------------------------------------------------------


@given(addresses, st.text(max_size=200), st.text(max_size=80), chances)
@settings(max_examples=60)
def test_what_is_sealed_is_opened_and_has_one_size(address, place, group, chance):
    entry = entry_of(address, place, group)
    assert entry is not None
    sealed = seal(entry, CAMP, OWNER, chance)
    assert len(sealed) == SEALED_BYTES
    assert open_sealed(sealed, CAMP, SECRET) == entry
    assert entry.address.encode() not in sealed


def test_the_longest_of_all_fits():
    address = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.org"
    entry = entry_of(address, "ñ" * 60, "g" * 48)
    assert entry is not None
    assert [len(text.encode()) for text in (entry.address, entry.place, entry.group)] == [
        254,
        PLACE_BYTES_MAX,
        GROUP_BYTES_MAX,
    ]
    assert open_sealed(seal(entry, CAMP, OWNER, Random(1).randbytes), CAMP, SECRET) == entry


def test_the_same_twice_is_two_boxes():
    entry = entry_of("ana@example.org", "", "")
    assert entry is not None
    chance = Random(1).randbytes
    boxes = [seal(entry, CAMP, OWNER, chance) for _ in range(8)]
    assert len({registration_id(CAMP, box) for box in boxes}) == 8


def test_it_is_the_sealed_box_of_libsodium():
    plain = SealedBox(PrivateKey(SECRET)).decrypt(
        seal(Entry("ana@example.org", "Sol", ""), CAMP, OWNER, Random(1).randbytes)
    )
    assert len(plain) == PLAIN_BYTES
    length = int.from_bytes(plain[:2], "big")
    assert cbor.decode(plain[2 : 2 + length]) == [1, CAMP, "ana@example.org", "Sol", ""]


def boxed(packed: bytes) -> bytes:
    plain = len(packed).to_bytes(2, "big") + packed
    return bytes(SealedBox(PrivateKey(SECRET).public_key).encrypt(plain.ljust(PLAIN_BYTES, b".")))


@pytest.mark.parametrize(
    ("sealed", "says"),
    [
        (bytes(SEALED_BYTES), "another key"),
        (b"", "another key"),
        (boxed(b"nonsense"), "cannot be read"),
        (boxed(cbor.encode([1, b"campfour", "ana@example.org", "", ""])), "a copy"),
        (boxed(cbor.encode([1, CAMP, "ana", "", ""])), "no e-mail address"),
        (boxed(cbor.encode([1, CAMP, 7, "", ""])), "no e-mail address"),
        (boxed(cbor.encode([1, CAMP, "ana@example.org"])), "no e-mail address"),
        (boxed(cbor.encode("ana@example.org")), "a copy"),
    ],
)
def test_what_a_stranger_sealed_is_refused_in_a_sentence(sealed, says):
    with pytest.raises(NotOpened, match=says):
        open_sealed(sealed, CAMP, SECRET)


def test_what_a_stranger_sealed_is_as_clean_as_what_is_typed():
    packed = cbor.encode([1, CAMP, "ana@example.org", "a\x1b[2J\u202eb\nc" + "x" * 300, "=cmd()", "later"])
    entry = open_sealed(boxed(packed), CAMP, SECRET)
    assert entry.place.startswith("a[2Jb c")
    assert len(entry.place.encode()) <= PLACE_BYTES_MAX


@given(st.binary(max_size=600))
def test_any_bytes_are_opened_or_refused(raw):
    with pytest.raises(NotOpened):
        open_sealed(raw, CAMP, SECRET)


def test_an_entry_says_nothing_of_itself():
    assert "ana" not in repr(Entry("ana@example.org", "Sol", "x"))


@pytest.mark.parametrize(
    "text",
    ["", "x", write_key(bytes(31)), write_key(bytes(32)), "A" * 43 + "é", write_key(b"\x01" + bytes(31))],
)
def test_a_key_that_is_none_is_refused_without_being_quoted(text):
    with pytest.raises(ValueError, match="key") as error:
        read_owner_key(text)
    assert not text or text not in str(error.value)


def test_a_key_is_read_as_it_was_written():
    assert read_owner_key(f" {write_key(OWNER)}\n") == OWNER
    assert read_key(write_key(SECRET)) == SECRET


def test_the_vector_is_this_box():
    case = json.loads((Path(write.__file__).parent / "joining.json").read_text("utf-8"))
    sealed, camp = bytes.fromhex(case["box"]), bytes.fromhex(case["camp"])
    entry = open_sealed(sealed, camp, bytes.fromhex(case["owner_secret"]))
    assert (entry.address, entry.place, entry.group) == (case["address"], case["place"], case["group"])
    assert registration_id(camp, sealed).hex() == case["id"]


# -- kinds 11 and 12 -------------------------------------------------------------------------------------


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=SEALED_BYTES, max_size=SEALED_BYTES))
def test_a_registration_and_its_withdrawal_are_read_back(list_digest, box):
    said = read_registration(CAMP, registration_reference(list_digest), box)
    assert (said.list_digest, said.sealed, said.withdrawn) == (list_digest, box, False)
    for body in (b"", box):
        taken_back = read_registration(CAMP, registration_reference(list_digest, said.id), body)
        assert (taken_back.id, taken_back.withdrawn) == (said.id, True)
    with pytest.raises(Reject):
        read_registration(b"elsewher", registration_reference(list_digest, said.id), box)


@given(
    st.lists(st.tuples(st.binary(min_size=8, max_size=8), st.sampled_from(JoinState)), max_size=STATES_MAX)
)
def test_states_are_read_back(states):
    reference = states_reference(states)
    assert read_states(reference) == states
    assert read_states(reference + b"part") == states
    assert len(reference) <= 512


@given(st.binary(max_size=520), st.binary(max_size=520))
def test_any_bytes_are_a_registration_or_refused(reference, body):
    read_states(reference)
    try:
        said = read_registration(CAMP, reference, body)
    except Reject:
        return
    assert said.withdrawn == (len(reference) > 4)


# -- letters ---------------------------------------------------------------------------------------------


def letter(count=2, leaving=False, name="Sol ñ"):
    lines, chance = [], Random(3).randbytes
    for number in range(1, count + 1):
        entry = entry_of(f"ana{number}@example.org", "Sol", "kitchen")
        assert entry is not None
        sealed = seal(entry, CAMP, OWNER, chance)
        id_ = registration_id(CAMP, sealed)
        lines.append(Line(number, id_, CAMP, name, 1_795_086_000, sealed))
    return OwnerLetter(b"tokentoken", LIST, name, 1_795_086_000, leaving, tuple(lines))


def opened(raw):
    return sorted(open_sealed(sealed, camp, SECRET).address for _, camp, sealed in sealed_in(raw))


def raw_letter(**changes):
    return owner_letter(letter(**changes), "camps-owner@lists.example.org", "sol@example.org")


BOTH = ["ana1@example.org", "ana2@example.org"]


def forwarded(raw):
    outer = message_from_bytes(b"From: a@b.example\r\nSubject: Fwd\r\n\r\n", policy=default)
    outer.set_content("Look")
    outer.add_attachment(message_from_bytes(raw, policy=default))
    return outer.as_bytes()


def in_base64(raw):
    mail = message_from_bytes(raw, policy=default)
    mail.set_content(mail.get_content(), cte="base64")
    return mail.as_bytes()


def quoted(raw):
    text = message_from_bytes(raw, policy=default).get_content()
    return ("> > " + text.replace("\n", "\n> > ")).encode()


@pytest.mark.parametrize(
    "way",
    [
        lambda raw: raw,
        forwarded,
        in_base64,
        quoted,
        lambda raw: raw + raw,
        lambda raw: raw.replace(b"\r\n", b"\n"),
        lambda raw: message_from_bytes(raw, policy=default).get_content().encode(),
        lambda raw: b"From x\n" + raw.replace(b"\r\n", b"\n") + b"\n\nFrom y\n" + raw,
    ],
    ids=["as it came", "forwarded", "base64", "quoted", "twice", "lf", "copied", "mbox"],
)
@pytest.mark.parametrize("name", ["Sol", "Acampada Sol ñ"])
def test_a_letter_is_opened_however_it_came(way, name):
    assert opened(way(raw_letter(name=name))) == BOTH


@pytest.mark.parametrize("torn", [b"-----END REGISTRATION", b"-----BEGIN"])
def test_a_torn_letter_gives_what_is_whole(torn):
    raw = raw_letter()
    cut = raw.rindex(torn)
    assert opened(raw[:cut]) == BOTH[:1]


def test_a_box_that_was_changed_is_left_out():
    raw = raw_letter(count=1)
    at = raw.index(b"-----\r\n", raw.index(b"BEGIN")) + 20
    assert sealed_in(raw[:at] + (b"A" if raw[at : at + 1] != b"A" else b"B") + raw[at + 1 :]) == []


@given(st.binary(max_size=400))
def test_any_bytes_are_a_letter_with_nothing_in_it(raw):
    assert sealed_in(raw) == []


@pytest.mark.parametrize(
    "charset",
    [b"charset*=x'y'z", b'charset="\0"', b"charset*0*=a''%ff; charset*1=b", b"charset*=''", b"charset=?"],
)
@pytest.mark.parametrize("encoding", [b"base64", b"quoted-printable", b"x-uuencode", b"8bit", b"?"])
def test_a_hostile_part_keeps_nothing_closed(charset, encoding):
    hostile = b"Content-Type: text/plain; %s\r\nContent-Transfer-Encoding: %s\r\n\r\n" % (charset, encoding)
    mixed = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
    as_mail = b"Content-Type: message/rfc822\r\n\r\n" + in_base64(raw_letter())
    assert opened(mixed + hostile + b"\xff\r\n--b\r\n" + as_mail + b"\r\n--b--\r\n") == BOTH


def test_the_letter_is_the_same_every_time_and_plain():
    assume_same = letter()
    made = [owner_letter(assume_same, "o@example.org", "s@example.org") for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].isascii()
    mail = message_from_bytes(made[0], policy=default)
    assert not mail.defects
    assert mail["Subject"] == f"[Sol ñ] 2 people to add to {LIST}"
    assert mail.get_content().count(token_text(b"tokentoken")) == 1


@pytest.mark.parametrize(
    "name", ["x\r\nBcc: eve@example.net", "[[]]", '"', "=?utf-8?q?x?=", "a" * 400, "‮evil"]
)
def test_no_name_of_a_camp_makes_a_header(name):
    mail = message_from_bytes(raw_letter(name=name), policy=default)
    assert mail["Bcc"] is None
    assert not mail.defects
    assert len(sealed_in(raw_letter(name=name))) == 2


@pytest.mark.parametrize("leaving", [False, True])
def test_a_letter_that_is_quoted_whole_answers_nothing(leaving):
    """Mail programs that quote without marks, and vacation programs, give the letter back as it was."""
    raw = raw_letter(leaving=leaving)
    text = message_from_bytes(raw, policy=default).get_content()
    back = parse(b"In-Reply-To: <join-0123456789abcdef@miccheck.invalid>\r\n\r\nThanks\r\n" + text.encode())
    assert back is not None
    assert is_about_joining(back)
    assert answers_in(back) == ()


@given(st.text(max_size=300))
def test_any_answer_is_read_or_says_nothing(text):
    assume("\x00" not in text)
    mail = parse(
        b"In-Reply-To: <join-0123456789abcdef@miccheck.invalid>\n\n" + text.encode("utf-8", "replace")
    )
    assert mail is not None
    assert answers_in(mail) == ()


def test_a_list_letter_is_not_about_joining():
    mail = parse(b"Message-ID: <0123456789abcdef0123456789abcdef@miccheck.invalid>\n\njoined all x\n")
    assert mail is not None
    assert not is_about_joining(mail)
