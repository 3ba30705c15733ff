"""Registrations on their way to the owner of a list: gathered, once, answered, taken back."""

from __future__ import annotations

from base64 import b64encode
from concurrent.futures import Future
from email import message_from_bytes
from email.policy import default
from random import Random
from typing import Any

import pytest

from node import pump
from node.join_ears import JoinEars
from node.joiner import AGAIN_S, GATHER_S, LETTERS_PER_HOUR, LOOKS, REQUESTS_PER_HOUR
from node.owner_key_file import write_secret_key
from node.smtp import Fate
from sync.letters.join_letters import message_id_of_token, sealed_in, token_text
from sync.letters.joining import open_sealed
from sync.letters.turns import STEP_S
from sync.message import Kind
from sync.receipts import list_digest
from sync.registrations import SEALED_BYTES, JoinState
from sync.store.join_letters import JoinLetterTables
from sync.store.registrations import RegistrationTables
from tests.letters.joining_camps import (
    ADDRESS,
    HOUR,
    NOW_S,
    OWNER,
    SECRET,
    JoinCamp,
    meet,
    pass_time,
)
from tests.sync.camps import air


@pytest.fixture
def far(tmp_path):
    """A camp without internet."""
    return JoinCamp("far", tmp_path, posts=False)


@pytest.fixture
def gate(tmp_path):
    """A camp that posts to the list."""
    return JoinCamp("gate", tmp_path)


def addresses(letters):
    """Who is in these letters, for the owner."""
    found = [box for letter in letters for box in sealed_in(letter.raw)]
    return sorted(open_sealed(sealed, camp, SECRET).address for _, camp, sealed in found)


class Pump(pump.Pump):
    """Jobs at once."""

    def __init__(self, camp):
        self.camp = camp

    def submit(self, work):
        future: Future[Any] = Future()
        with self.camp.store.transaction():
            future.set_result(work(self.camp.bench()))
        return future


def answer_to(letter, line, headers=""):
    return (
        f"From: Olga <olga@example.net>\r\nTo: <gate@camps.example.org>\r\nSubject: Re: people\r\n"
        f"In-Reply-To: <{message_id_of_token(letter.id)}>\r\n{headers}\r\n"
        f"{line}\r\n\r\nOn Monday camp gate wrote:\r\n> [miccheck joining]\r\n> quoted\r\n"
    ).encode()


def answer(camp, letter, line, home, headers=""):
    text = line.replace("CODE", token_text(letter.id))
    return JoinEars(camp.list, home, Pump(camp)).hear(answer_to(letter, text, headers))


def test_what_waits_for_an_hour_leaves_as_one_letter(far, gate):
    far.register("ana@example.org")
    meet(far, gate)
    assert gate.carry() == []
    pass_time(HOUR / 2, far, gate)
    far.register("bea@example.org")
    meet(far, gate)
    pass_time(HOUR / 2, far, gate)
    (letter,) = gate.carry()
    assert letter.recipient == OWNER
    assert addresses([letter]) == ["ana@example.org", "bea@example.org"]
    assert far.words() == ["waiting", "waiting"]
    meet(far, gate)
    assert far.words() == ["asked", "asked"]
    pass_time(30 * HOUR, far, gate)
    assert gate.carry() == []


def test_a_letter_says_how_it_is_opened_and_nothing_of_whom(gate):
    gate.register("ana@example.org", place="Cibeles", group="medics")
    pass_time(GATHER_S, gate)
    (letter,) = gate.carry()
    mail = message_from_bytes(letter.raw, policy=default)
    text = mail.get_content()
    assert (mail["To"], mail["From"].addresses[0].addr_spec) == (OWNER, "gate@camps.example.org")
    assert "miccheck owner-key open owner.key letter.eml" in text
    assert token_text(letter.id) in text
    for word in (b"ana@", b"Cibeles", b"medics"):
        assert word not in letter.raw
    assert letter.raw.isascii()
    assert max(map(len, letter.raw.split(b"\r\n"))) <= 78


def test_two_gateways_ask_once(tmp_path, far, gate):
    other = JoinCamp("other", tmp_path)
    camps = (far, gate, other)
    meet(*camps)
    far.register("ana@example.org")
    for _ in range(20):
        meet(*camps)
        pass_time(STEP_S / 2, *camps)
        for camp in (gate, other):
            camp.carry()
    assert addresses(gate.sent + other.sent) == ["ana@example.org"]
    assert far.words() == ["asked"]


def test_the_second_gateway_asks_when_the_first_is_away(tmp_path, far, gate):
    other = JoinCamp("other", tmp_path)
    meet(far, gate, other)
    far.register("ana@example.org")
    meet(far, gate, other)
    first, second = gate, other
    pass_time(GATHER_S, far, gate, other)
    if not gate.carry():
        first, second = other, gate
        assert first.mail.next_due_s(first.bench()) == 0.0
    # The first is never heard of again.
    assert second.carry() == []
    pass_time(STEP_S, far, second)
    assert addresses(second.carry()) == ["ana@example.org"]


def test_what_was_withdrawn_before_it_was_delivered_never_leaves(far, gate):
    far.register("ana@example.org")
    far.register("bea@example.org")
    meet(far, gate)
    far.withdraw(1)
    assert far.words() == ["withdrawn", "waiting"]
    meet(far, gate)
    pass_time(2 * HOUR, far, gate)
    assert addresses(gate.carry()) == ["bea@example.org"]
    pass_time(100 * HOUR, far, gate)
    meet(far, gate)
    assert gate.carry() == []
    assert far.words() == ["withdrawn", "asked"]


def test_what_was_withdrawn_while_a_letter_was_put_off_leaves_it(far, gate):
    far.register("ana@example.org")
    far.register("bea@example.org")
    meet(far, gate)
    pass_time(GATHER_S, far, gate)
    (put_off,) = gate.carry(Fate.NOT_NOW, "450 come again")
    far.withdraw(1)
    meet(far, gate)
    pass_time(HOUR, far, gate)
    (letter,) = gate.carry()
    assert letter.id == put_off.id
    assert addresses([letter]) == ["bea@example.org"]
    meet(far, gate)
    assert far.words() == ["withdrawn", "asked"]


def test_what_another_asked_while_a_letter_was_put_off_leaves_it(tmp_path, far, gate):
    other = JoinCamp("other", tmp_path)
    far.register("ana@example.org")
    meet(far, gate, other)
    pass_time(GATHER_S + 2 * STEP_S, far, gate, other)
    assert gate.carry(Fate.NOT_NOW, "450 come again")
    assert other.carry()
    meet(far, gate, other)
    pass_time(HOUR, far, gate, other)
    assert gate.carry() == []
    assert JoinLetterTables(gate.store.connection).sending("camps") == []


def test_what_was_withdrawn_after_it_was_delivered_is_told_to_the_owner(far, gate, tmp_path):
    far.register("ana@example.org")
    meet(far, gate)
    pass_time(GATHER_S, far, gate)
    (asked,) = gate.carry()
    meet(far, gate)
    far.withdraw(1)
    assert far.words() == ["withdrawing"]
    meet(far, gate)
    (letter,) = gate.carry()
    assert addresses([letter]) == ["ana@example.org"]
    text = message_from_bytes(letter.raw, policy=default).get_content()
    assert "take them off the list" in " ".join(text.split())
    meet(far, gate)
    assert far.words() == ["told"]
    assert answer(gate, letter, "removed all CODE", tmp_path)
    meet(far, gate)
    assert far.words() == ["withdrawn"]
    assert asked.id != letter.id


def test_another_gateway_tells_the_owner_what_the_first_asked(tmp_path, far, gate):
    far.register("ana@example.org")
    meet(far, gate)
    pass_time(GATHER_S, far, gate)
    assert gate.carry()
    meet(far, gate)
    pass_time(100 * HOUR, far)  # what was said has died, and the first is gone
    far.withdraw(1)
    other = JoinCamp("other", tmp_path)
    pass_time(far.now_s - other.now_s, other)
    meet(far, other)
    assert addresses(other.carry()) == ["ana@example.org"]
    meet(far, other)
    assert far.words() == ["told"]


@pytest.mark.parametrize("state", [JoinState.ASKED, JoinState.CONFIRMED, JoinState.REFUSED])
def test_who_posts_to_no_list_keeps_nobody_from_it(tmp_path, far, gate, state):
    liar = JoinCamp("liar", tmp_path, posts=False)
    far.register("ana@example.org")
    meet(far, gate, liar)
    liar.claim(state)
    meet(far, gate, liar)
    assert far.words() == ["waiting"]
    pass_time(GATHER_S, far, gate)
    assert addresses(gate.carry()) == ["ana@example.org"]


def test_who_posts_to_the_list_asks_for_its_own_people(tmp_path, gate):
    liar = JoinCamp("liar", tmp_path)
    gate.register("ana@example.org")
    meet(gate, liar)
    liar.claim(JoinState.ASKED)
    meet(gate, liar)
    pass_time(GATHER_S, gate)
    assert addresses(gate.carry()) == ["ana@example.org"]


@pytest.mark.parametrize("state", [JoinState.TOLD, JoinState.WITHDRAWN])
def test_who_asked_tells_the_owner_whoever_says_he_did(tmp_path, far, gate, state):
    liar = JoinCamp("liar", tmp_path)
    far.register("ana@example.org")
    meet(far, gate, liar)
    pass_time(GATHER_S + STEP_S, far, gate, liar)
    assert gate.carry()
    liar.claim(state)
    meet(far, gate, liar)
    pass_time(60, far, gate)
    far.withdraw(1)
    assert far.words() == ["withdrawing"]
    meet(far, gate, liar)
    assert addresses(gate.carry()) == ["ana@example.org"]
    pass_time(60, far, gate)
    meet(far, gate)
    assert far.words() == ["told" if state is JoinState.TOLD else "withdrawn"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("joined all CODE", ["confirmed", "confirmed"]),
        ("Joined: ALL CODE", ["confirmed", "confirmed"]),
        ("joined 1 CODE", ["confirmed", "asked"]),
        ("joined 1, 2 CODE", ["confirmed", "confirmed"]),
        ("refused 2 CODE not a camp of ours", ["asked", "refused"]),
        ("joined 1 CODE\r\nrefused 2 CODE: write to olga@example.net", ["confirmed", "refused"]),
        ("joined 7 CODE", ["asked", "asked"]),
        ("joined all aaaaaaaaaaaaaaaa", ["asked", "asked"]),
        ("> joined all CODE", ["asked", "asked"]),
        ("thank you", ["asked", "asked"]),
        ("[miccheck joining]\r\njoined all CODE", ["asked", "asked"]),
    ],
)
def test_what_the_owner_answers_is_told_to_the_camp(far, gate, tmp_path, line, words):
    far.register("ana@example.org")
    far.register("bea@example.org")
    meet(far, gate)
    pass_time(GATHER_S, far, gate)
    (letter,) = gate.carry()
    assert answer(gate, letter, line, tmp_path)
    meet(far, gate)
    assert sorted(far.words()) == sorted(words)
    assert all("olga" not in why for why in far.why())
    if "not a camp" in line:
        assert "not a camp of ours" in far.why()


def test_an_answer_that_is_read_again_is_told_once(far, gate, tmp_path):
    far.register("ana@example.org")
    meet(far, gate)
    pass_time(GATHER_S, far, gate)
    (letter,) = gate.carry()
    for line in ("joined all CODE", "joined 1 CODE", "removed all CODE", "joined all CODE"):
        assert answer(gate, letter, line, tmp_path)
        pass_time(60, gate)
    # Asked, joined, removed.
    assert len(gate.said(Kind.REGISTRATION_STATE)) == 3


@pytest.mark.parametrize("header", ["Auto-Submitted: auto-replied\r\n", "X-Autoreply: yes\r\n"])
def test_a_machine_that_answers_says_nothing(far, gate, tmp_path, header):
    far.register("ana@example.org")
    meet(far, gate)
    pass_time(GATHER_S, far, gate)
    (letter,) = gate.carry()
    assert answer(gate, letter, "joined all CODE", tmp_path, header)
    meet(far, gate)
    assert far.words() == ["asked"]


@pytest.mark.parametrize("fate", [Fate.NOT_NOW, Fate.REFUSED, Fate.NOT_SENT, Fate.UNSURE])
def test_a_letter_that_did_not_go_goes_again_with_the_same_bytes(gate, fate):
    gate.register("ana@example.org")
    pass_time(GATHER_S, gate)
    (first,) = gate.carry(fate, "550 no")
    assert gate.words() == ["waiting"]
    assert RegistrationTables(gate.store.connection).letters_that_wait() == [("camps", 1, "550 no")]
    if fate is not Fate.NOT_SENT:
        assert gate.carry() == []
    pass_time(6 * HOUR, gate)
    (again,) = gate.carry()
    assert again == first
    assert gate.words() == ["asked"]


def test_after_a_crash_the_letter_in_doubt_is_sent_once_more(gate):
    gate.register("ana@example.org")
    pass_time(GATHER_S, gate)
    with gate.store.transaction():
        (lost,) = gate.mail.take(gate.bench(), 64)
        assert not gate.mail.take(gate.bench(), 64)
    pass_time(AGAIN_S, gate)
    (again,) = gate.carry()
    assert again == lost
    assert gate.carry() == []


def test_fifty_to_a_letter(gate):
    for number in range(52):
        gate.register(f"ana{number}@example.org")
        pass_time(1, gate)
    pass_time(GATHER_S, gate)
    letters = gate.carry()
    assert sorted(len(sealed_in(letter.raw)) for letter in letters) == [2, 50]


def flood(store, keys, of_each, received_s, withdrawn=0):
    """Boxes of camps that nobody knows."""
    chance = Random(5)
    store.connection.executemany(
        "INSERT INTO registrations VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (chance.randbytes(8), bytes([key]) * 32, list_digest(ADDRESS), bytes(SEALED_BYTES), received_s,
             received_s, withdrawn)
            for key in range(keys)
            for _ in range(of_each)
        ],
    )  # fmt: skip


@pytest.mark.parametrize("withdrawn", [0, 2])
def test_strangers_do_not_fill_an_owners_mailbox(gate, withdrawn):
    flood(gate.store, 3, 200, NOW_S - 1, withdrawn)
    gate.register("ana@example.org")
    counts = []
    for _ in range(4):
        pass_time(HOUR, gate)
        letters = gate.carry()
        counts.append(sum(b"Subject: [gate] " in letter.raw for letter in letters))
        if len(counts) == 1:  # whatever the others ask
            named = [box for letter in letters for box in sealed_in(letter.raw)]
            assert gate.identity.author in {camp for _, camp, _ in named} or withdrawn
    assert counts[:3] == [LETTERS_PER_HOUR + (withdrawn > 0), LETTERS_PER_HOUR, LETTERS_PER_HOUR]


def test_nothing_of_whom_is_in_a_frame_on_the_air(far, gate):
    for camp, other in ((far, gate), (gate, far)):
        camp.engine.add_link(air("air"), camp.now_s)
        assert other is not camp
    far.register("ana.perez@example.org", place="Cibeles", group="medics")
    frames = []
    for _ in range(60):
        pass_time(30, far, gate)
        for camp, other in ((far, gate), (gate, far)):
            with camp.store.transaction():
                sent = camp.engine.frames_to_send("air", camp.now_s, float("inf"))
            with other.store.transaction():
                for frame in sent:
                    other.engine.receive_frame(frame, "air", other.now_s)
            frames += sent
    pass_time(GATHER_S, far, gate)
    assert addresses(gate.carry()) == ["ana.perez@example.org"]  # it came by these frames
    heard = b"".join(frames)
    assert len(heard) > SEALED_BYTES
    for word in (b"perez", b"Cibeles", b"medics", b64encode(b"ana.perez")):
        assert word not in heard


# -- the owner's own node --------------------------------------------------------------------------------


@pytest.fixture
def owner(tmp_path):
    write_secret_key(tmp_path / "owner.key", SECRET)
    return JoinCamp("owner", tmp_path, joining="request", owner_secret_file="owner.key")


def test_the_owners_node_asks_the_list_itself(far, owner):
    far.register("Ana.P@Example.org")
    meet(far, owner)
    (letter,) = owner.carry()
    assert letter.recipient == "camps-request@lists.example.org"
    mail = message_from_bytes(letter.raw, policy=default)
    assert mail.get_content().splitlines() == ["subscribe address=Ana.P@example.org", "end"]
    assert mail["Subject"] == "echo Mic Check"
    for table in ("join_letters", "join_letter_lines", "registrations", "messages", "meta"):
        for row in owner.store.connection.execute(f"SELECT * FROM {table}"):
            assert "ana.p" not in repr(row).lower()
    meet(far, owner)
    assert far.words() == ["asked"]


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("Ana P <ana.p@example.org> has been successfully subscribed to Camps.", "confirmed"),
        ("ana.p@example.org has been removed from Camps.", "off"),
        ("bea@example.org has been successfully subscribed to Camps.", "asked"),
        ("ana.p@example.org wrote to us.", "asked"),
    ],
)
def test_the_lists_own_notice_confirms(far, owner, tmp_path, says, words):
    far.register("ana.p@example.org")
    meet(far, owner)
    owner.carry()
    notice = (
        "From: camps-bounces@lists.example.org\r\nSubject: Camps subscription notification\r\n"
        f"List-Id: <camps.lists.example.org>\r\n\r\n{says}\r\n"
    ).encode()
    assert not JoinEars(owner.list, tmp_path, Pump(owner)).hear(notice)
    meet(far, owner)
    assert far.words() == [words]


def test_boxes_are_opened_while_the_pump_does_other_work(far, owner, tmp_path, monkeypatch):
    far.register("ana.p@example.org")
    meet(far, owner)
    owner.carry()
    opened = []

    def opening(*sealed):
        opened.append(owner.store.connection.in_transaction)
        return open_sealed(*sealed)

    monkeypatch.setattr("node.join_ears.open_sealed", opening)
    notice = b"From: camps-owner@lists.example.org\r\n\r\nana.p@example.org has been subscribed to Camps.\r\n"
    for _ in range(2):
        assert not JoinEars(owner.list, tmp_path, Pump(owner)).hear(notice)
    assert opened == [False, False]
    meet(far, owner)
    assert far.words() == ["confirmed"]
    assert len(owner.said(Kind.REGISTRATION_STATE)) == 2


def test_anybody_elses_mail_confirms_nothing(far, owner, tmp_path):
    far.register("ana.p@example.org")
    meet(far, owner)
    owner.carry()
    text = b"From: eve@example.net\r\nSubject: hi\r\n\r\nana.p@example.org has been subscribed to Camps.\r\n"
    assert not JoinEars(owner.list, tmp_path, Pump(owner)).hear(text)
    meet(far, owner)
    assert far.words() == ["asked"]


def test_what_is_sealed_to_another_key_is_refused(far, owner):
    far.register("ana@example.org", owner_key=bytes(range(2, 34)))
    meet(far, owner)
    assert owner.carry() == []
    meet(far, owner)
    assert far.words() == ["refused"]
    assert "another key" in far.why()[0]
    assert owner.mail.next_due_s(owner.bench()) == GATHER_S / LOOKS


def test_strangers_do_not_get_a_thousand_letters_an_hour(owner):
    for number in range(REQUESTS_PER_HOUR + 5):
        owner.register(f"ana{number}@example.org")
        pass_time(1, owner)
    assert len(owner.carry()) == REQUESTS_PER_HOUR
    assert owner.carry() == []
    pass_time(HOUR, owner)
    assert len(owner.carry()) == 5


def test_one_camp_does_not_use_up_the_hour_for_others(far, owner):
    for number in range(REQUESTS_PER_HOUR + 5):
        owner.register(f"ana{number}@example.org")
    pass_time(1, far, owner)
    far.register("bea@example.org")
    meet(far, owner)
    asked = [bytes(letter.raw) for letter in owner.carry()]
    assert len(asked) == REQUESTS_PER_HOUR
    assert any(b"subscribe address=bea@example.org" in raw for raw in asked)


def test_without_the_key_file_it_waits_and_says_why(owner, tmp_path):
    owner.register("ana@example.org")
    (tmp_path / "owner.key").rename(tmp_path / "elsewhere.key")
    assert owner.carry() == []
    ((name, count, why),) = RegistrationTables(owner.store.connection).letters_that_wait()
    assert (name, count) == ("camps", 1)
    assert "owner.key" in why
    (tmp_path / "elsewhere.key").rename(tmp_path / "owner.key")
    pass_time(HOUR, owner)
    assert len(owner.carry()) == 1
    assert ADDRESS.startswith("camps@")
