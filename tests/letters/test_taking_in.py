"""Letters into the board and messages out of it, with the real store and engine in memory."""

from random import Random

import pytest

from node.inbox import BATCH_LETTERS, LETTERS_LIFE_S, LETTERS_MAX, Allowance
from sync.engine import Engine
from sync.letters import OutgoingLetter, letter_of, read_letters
from sync.letters.batches import pick
from sync.letters.taking_in import Taken, read_again, take_in
from sync.letters.turns import Line
from sync.message import Kind, Message, Role, compose
from sync.signing import Identity, author_of
from sync.store import Store
from sync.store.letter_turns import Caps
from sync.store.letters import LetterTables
from tests.letters.reading import only

NOW_S = 1_795_400_000.0
LIST = "camps"


class Camp:
    """A camp with a gateway, without a thread."""

    def __init__(self, seed: int = 1) -> None:
        identity = Identity(bytes([seed]) * 32)
        self.key = identity.key
        self.store = Store.open(None, identity.key)
        self.engine = Engine(identity, self.store, Random(seed))
        self.engine.tell_time(NOW_S, True)
        self.tables = LetterTables(self.store.connection)

    def take(self, *raws: bytes) -> Taken:
        pieces = [piece for raw in raws for piece in read_letters(raw, (LIST,))]
        with self.store.transaction():
            return take_in(self.store, self.publish, LIST, pieces, NOW_S)

    def publish(self, message: Message):
        return self.engine.publish(message, 0.0)

    def post(self, text: str, **fields):
        kind = fields.pop("kind", Kind.POST)
        message = Message(kind=kind, second=int(NOW_S), channel="announcements", **fields)
        with self.store.transaction():
            return self.publish(compose(message, text))

    def outgoing(self, limit: int = 50):
        with self.store.transaction():
            self.tables.queue(LIST, (), 0, NOW_S)
            return self.leave(limit)

    def leave(self, limit: int = 50):
        """What leaves of what waits."""
        line, caps = Line(NOW_S, None, others=0), Caps(limit, limit, 0)
        rows = []
        while messages := pick(self.tables.due_letters(LIST), line, caps, NOW_S, limit).messages:
            rows += self.tables.letters_to_go(LIST, messages)
            self.tables.begin(LIST, messages, NOW_S)
            self.tables.mark_sent(LIST, messages, NOW_S)
        return rows

    def rows(self, what: str):
        return self.store.connection.execute(f"SELECT {what} FROM messages ORDER BY seq").fetchall()

    def states(self):
        return dict(self.store.connection.execute("SELECT message, state FROM letters_out").fetchall())


@pytest.fixture
def camp():
    camp = Camp()
    yield camp
    camp.store.close()


def mail(n: int, answers: str = "", text: str = "words") -> bytes:
    head = f"In-Reply-To: <{answers}>\n" if answers else ""
    return (
        f"From: Ana <ana@example.org>\nTo: camps@lists.example.org\nMessage-ID: <{n}@a>\nSubject: s{n}\n"
        f"Date: Thu, 19 Nov 2026 11:00:00 +0000\n{head}\n{text}\n"
    ).encode()


def as_mail(camp: Camp, message: bytes, text: str = "Water") -> bytes:
    camp_id = author_of(camp.key)
    letter = OutgoingLetter(message, camp_id, "North", "", "general", "Ana", text, False, int(NOW_S))
    return letter_of(letter, "camps@lists.example.org")


def test_a_letter_is_taken_once(camp):
    assert camp.take(mail(1), mail(1)).taken == 1
    assert camp.take(mail(1)) == Taken(0, 0, 1, 0)
    (row,) = camp.rows("kind, channel, nickname, role, text, via, created_s")
    assert row == (Kind.LETTER, "letters", "Ana", Role.LIST, "s1\n\nwords", "list", 1_795_086_000)


def test_a_thread_of_letters_hangs_together(camp):
    camp.take(mail(1), mail(2, "1@a"))
    (one, _), (_, parent) = camp.rows("id, parent")
    assert parent == one[:8]


def test_an_answer_to_a_camps_message_hangs_below_it(camp):
    posted = camp.post("Water?")
    camp.take(mail(1, f"{posted.hex()}@miccheck.invalid"))
    assert camp.rows("parent") == [(None,), (posted[:8],)]


def test_our_own_letter_says_that_it_is_on_the_list(camp):
    posted = camp.post("Water")
    assert camp.take(as_mail(camp, posted)) == Taken(0, 1, 0, 0)
    assert camp.states() == {posted: "on_list"}
    assert len(camp.rows("id")) == 1
    assert camp.outgoing() == []


def test_a_message_of_a_camp_out_of_reach_is_read_as_a_letter(camp):
    far = Camp(9)
    message = far.post("Greetings from the other coast")
    assert camp.take(as_mail(far, message, "Greetings from the other coast")).taken == 1
    ((kind, text),) = camp.rows("kind, text")
    assert kind == Kind.LETTER
    assert "Greetings from the other coast" in text
    far.store.close()


def test_a_message_that_gossip_will_bring_is_not_taken_twice(camp):
    near = Camp(9)
    with camp.store.transaction():
        camp.store.add_key(near.key, 0)
    message = near.post("On its way by radio")
    assert camp.take(as_mail(near, message)) == Taken(0, 1, 0, 0)
    assert camp.states() == {message: "on_list"}
    near.store.close()


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize(
    ("said", "leaves"), [("On its way by radio", False), ("Buy my watches", True), ("", True)]
)
def test_a_letter_that_came_before_its_message_is_held_against_it(camp, said, leaves, again):
    """Whoever hears a message first can write its mark to the list before it is known everywhere."""
    near = Camp(9)
    with camp.store.transaction():
        camp.store.add_key(near.key, 0)
    message = near.post("On its way by radio")
    assert camp.take(as_mail(near, message, said)).own == 1
    if again:
        anew = as_mail(near, message, "On its way by radio").replace(b"Message-ID: <", b"Message-ID: <anew-")
        camp.take(anew)
    raw = near.store.connection.execute("SELECT * FROM messages").fetchone()
    with camp.store.transaction():
        columns = ",".join("?" * len(raw))
        camp.store.connection.execute(f"INSERT INTO messages VALUES ({columns})", tuple(raw))
        read_again(camp.tables, LIST)
        read_again(camp.tables, LIST)
    assert [row.message for row in camp.outgoing()] == ([message] if leaves else [])
    near.store.close()


def test_three_hundred_letters_leave_room_for_what_the_camp_says(camp):
    words = Random(4711)
    for batch in range(0, LETTERS_MAX, BATCH_LETTERS):
        numbers = range(batch, min(batch + BATCH_LETTERS, LETTERS_MAX))
        camp.take(*(mail(n, text=words.randbytes(500).hex(" ", 4)) for n in numbers))
        with camp.store.transaction():
            camp.engine.tick(0.0)
    assert len(camp.store.live_bundles()) == 38


def test_machines_are_counted(camp):
    assert camp.take(b"Message-ID: <trial-1@miccheck.invalid>\nFrom: x@y\n\nno\n").dropped == 1
    counters = dict(camp.store.connection.execute("SELECT name, n FROM counters").fetchall())
    assert counters["letters.trial"] == 1


def test_what_goes_to_the_list(camp):
    camp.take(mail(1))  # came from one
    plain = camp.post("A meeting")
    urgent = camp.post("Police", kind=Kind.MIC_CHECK)
    with camp.store.transaction():
        for text in ("General talk", "Stays here"):
            channel = "general" if text == "General talk" else "here"
            camp.publish(compose(Message(kind=Kind.POST, second=int(NOW_S), channel=channel), text))
    hidden = camp.post("Hidden")
    camp.store.connection.execute("UPDATE messages SET hidden = 1 WHERE id = ?", (hidden,))
    assert [row.message for row in camp.outgoing()] == [urgent, plain]
    assert camp.states() == {urgent: "sent", plain: "sent"}


def test_channels_of_the_settings_and_never_the_camps_own(camp):
    with camp.store.transaction():
        for channel in ("general", "here", "announcements"):
            camp.publish(compose(Message(kind=Kind.POST, second=int(NOW_S), channel=channel), channel))
        camp.tables.queue(LIST, ("general", "here"), 0, NOW_S)
        assert [row.text for row in camp.leave()] == ["general"]


def test_a_star_is_every_channel_that_crosses(camp):
    with camp.store.transaction():
        for channel in ("general", "here", "kitchen"):
            camp.publish(compose(Message(kind=Kind.POST, second=int(NOW_S), channel=channel), channel))
    camp.take(mail(1))
    with camp.store.transaction():
        camp.tables.queue(LIST, ("*",), 0, NOW_S)
        assert [row.text for row in camp.leave()] == ["general", "kitchen"]


def test_what_was_taken_back_before_it_left_stays(camp):
    posted = camp.post("Oops")
    with camp.store.transaction():
        camp.tables.queue(LIST, (), 0, NOW_S)
        camp.publish(
            Message(kind=Kind.RETRACT, second=int(NOW_S), channel="announcements", parent=posted[:8])
        )
        assert camp.leave() == []
    assert camp.states() == {}


def test_the_road_of_a_message(camp):
    posted = camp.post("A meeting")
    with camp.store.transaction():
        camp.tables.queue(LIST, (), 0, NOW_S)
        camp.tables.begin(LIST, [posted], NOW_S)
        assert camp.tables.sending(LIST) == [(posted, None)]
        camp.tables.mark_sent(LIST, [posted], NOW_S)
        assert camp.tables.untold(LIST, 64) == ([posted], NOW_S, False)
        camp.tables.mark_told(LIST, [posted])
        assert camp.tables.untold(LIST, 64) == ([], None, False)
        assert camp.tables.counts(LIST).sent == 1
        assert camp.tables.sending(LIST) == []


def test_an_answer_to_a_letter_refers_to_it_on_the_list(camp):
    camp.take(mail(1, text="Who has a generator?"))
    ((letter,),) = camp.rows("id")
    first = camp.post("We do", parent=letter[:8])
    camp.post("Thanks", parent=first[:8])
    with camp.store.transaction():
        above = camp.tables.ancestors(first[:8])
    assert [ancestor.message_id for ancestor in above] == ["1@a", ""]
    assert [ancestor.message for ancestor in above] == [letter, first]


def test_parents_in_a_circle_end(camp):
    one = camp.post("a")
    with camp.store.transaction():
        camp.store.connection.execute("UPDATE messages SET parent = prefix WHERE id = ?", (one,))
        assert len(camp.tables.ancestors(one[:8])) == 1


def test_a_letter_of_ours_survives_the_way_round(camp):
    posted = camp.post("¿Agua? Sí — 40 l")
    (row,) = camp.outgoing()
    letter = only(as_mail(camp, posted, row.text))
    assert letter.mark is not None
    assert letter.mark.message == posted


def test_a_message_seen_on_the_list_before_it_came_by_radio_is_not_sent_again(camp):
    near = Camp(9)
    with camp.store.transaction():
        camp.store.add_key(near.key, 0)
    message = near.post("By radio, late")
    camp.take(as_mail(near, message))
    with camp.store.transaction():
        camp.store.connection.execute("DELETE FROM letters_out")  # as the sweep does before it arrives
        camp.store.connection.execute(
            "INSERT INTO messages SELECT 1, ?, ?, NULL, ?, 0, 0, 'announcements', '', 0, NULL, NULL, 'x',"
            " 0, 0, 0, 'ip', 72, 0, 1, 0, 0",
            (message, message[:8], near.key),
        )
    assert camp.outgoing() == []
    near.store.close()


def test_the_allowance_of_letters_fills_again_in_three_days():
    allowance = Allowance(0.0)
    assert allowance.left(0.0) == LETTERS_MAX
    allowance.spend(LETTERS_MAX)
    assert allowance.left(60.0) == 0
    assert allowance.left(LETTERS_LIFE_S / 2) == LETTERS_MAX // 2
    assert allowance.left(10 * LETTERS_LIFE_S) == LETTERS_MAX
