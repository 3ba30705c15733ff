"""Two gateways take the same letter from a list: one message on pages, in search and for programs."""

from random import Random

import pytest

from node.bench.samples import bundle_frame, cable, camps
from sync.engine import Engine
from sync.letters import read_letters
from sync.letters.inward import message_of
from sync.letters.taking_in import take_in
from sync.message import Kind, Message, compose, encode
from sync.reading import Reader
from sync.signing import Identity
from sync.store import Store
from tests.letters.reading import only

NOW_S = 1_795_400_000.0
DATE_S = 1_795_086_000
NAMES = ("camps", "camps@lists.example.org")


class Camp:
    """A camp without a gateway; north and south have one."""

    def __init__(self) -> None:
        self.me, self.north, self.south = camps(3, Random(7))
        self.store = Store.open(None, self.me.key)
        self.engine = Engine(self.me, self.store, Random(7))
        self.engine.tell_time(NOW_S, True)
        for peer in (self.north, self.south):
            self.engine.add_link(cable(peer.key.hex(), peer.key), 0.0)
        self.reader = Reader.over(self.store)

    def hear(self, camp: Identity, *said: Message) -> None:
        frame = bundle_frame(camp, [encode(each) for each in said], NOW_S)
        with self.store.transaction():
            self.engine.receive_frame(frame, camp.key.hex(), 0.0)
        while self.store.unread():
            with self.store.transaction():
                self.engine.tick(0.0)

    def shown(self):
        return self.reader.messages("letters", None, 50).messages


@pytest.fixture
def camp():
    camp = Camp()
    yield camp
    camp.store.close()


def mail(message_id: str = "1@a.example", answers: str = "", text: str = "Nine tarps too many.") -> bytes:
    head = f"In-Reply-To: <{answers}>\n" if answers else ""
    return (
        f"From: Ana <ana@a.example>\nTo: camps@lists.example.org\nMessage-ID: <{message_id}>\n"
        "Subject: Tarps\n"
        f"Date: Thu, 19 Nov 2026 11:00:00 +0000\n{head}\n{text}\n"
    ).encode()


def taken(raw: bytes) -> Message:
    return message_of(only(raw, NAMES), b"", int(NOW_S))


def post(text: str, parent: bytes) -> Message:
    return compose(Message(Kind.POST, int(NOW_S), channel="letters", nickname="bo", parent=parent), text)


@pytest.mark.parametrize("second_id", ["1@a.example", "1@A.EXAMPLE", "anew@lists.example.org"])
def test_one_letter_by_two_gateways_is_one_message(camp, second_id):
    camp.hear(camp.north, taken(mail()))
    camp.hear(camp.south, taken(mail(second_id)))
    (only,) = camp.shown()
    assert only.created == DATE_S
    assert [view.id for view in camp.reader.search("tarps", 9)] == [only.id]
    assert len(camp.reader.thread(only.id)) == 1


@pytest.mark.parametrize("second_id", ["1@a.example", "anew@lists.example.org"])
def test_answers_to_either_stand_in_one_thread(camp, second_id):
    one, two = taken(mail()), taken(mail(second_id))
    camp.hear(camp.north, one)
    camp.hear(camp.south, two)
    rows = camp.store.connection.execute("SELECT id FROM messages ORDER BY seq").fetchall()
    prefixes = [row[0][:8] for row in rows]
    camp.hear(camp.north, post("from the north", prefixes[0]))
    camp.hear(camp.south, post("from the south", prefixes[1]))
    root, *answers = camp.reader.thread(camp.shown()[0].id)
    assert sorted(view.text for view in answers) == ["from the north", "from the south"]
    assert {view.parent for view in answers} == {root.id}


@pytest.mark.parametrize(
    "other", [mail("2@b.example", text="Ten."), mail("2@b.example").replace(b"Ana", b"Bo")]
)
def test_letters_that_differ_are_two(camp, other):
    camp.hear(camp.north, taken(mail()))
    camp.hear(camp.south, taken(other))
    assert len(camp.shown()) == 2


def test_a_gateway_that_hears_it_first_does_not_take_it(camp):
    camp.hear(camp.north, taken(mail()))
    for raw in (mail(), mail("anew@lists.example.org")):
        with camp.store.transaction():
            pieces = list(read_letters(raw, NAMES))
            assert take_in(camp.store, lambda _: pytest.fail("taken"), "camps", pieces, NOW_S).known == 1


def test_a_rebuild_shows_the_same(camp):
    camp.hear(camp.north, taken(mail()))
    camp.hear(camp.south, taken(mail("anew@lists.example.org")))
    before = camp.shown()
    camp.store.rebuild(lambda *_: None)
    assert camp.shown() == before
