"""A camp on a real Mailman list: what people there read, and what of theirs comes back."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from tests.doors.process import RunningNode, wait_until
from tests.mail.camp_on_list import CampOnList
from tests.mail.configuration import PEOPLE
from tests.mail.stand import MailStand
from tests.mail.subscriber import PATIENCE_S, Subscriber, text_of

pytestmark = pytest.mark.full
_LISTS = count(1)


@pytest.fixture
def name() -> str:
    """A list that no other test knows."""
    return f"camps{next(_LISTS)}"


@pytest.fixture
def north(stand, tmp_path: Path) -> CampOnList:
    return CampOnList(stand, tmp_path / "north", "North")


@pytest.fixture
def ana(stand) -> Subscriber:
    return Subscriber(stand)


def becomes(camp: CampOnList, text: str, state: str) -> None:
    wait_until(lambda: camp.state(text) == state, PATIENCE_S)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_post_is_read_on_the_list_and_answered(stand: MailStand, north, ana, name, scheme):
    address = stand.make_list(name, north.who, ana.who)
    north.add_list(address, scheme)
    text = f"{name}: rice for 40 people at gate 4 – ¿quién viene?"
    with RunningNode(north.home):
        message = north.post(text, "general", "--author", "Luz")
        letter = ana.wait_for(text[:20])
        assert letter["Message-ID"] == f"<{message}@miccheck.invalid>"
        assert letter["X-Miccheck-Id"].endswith(f"/{message}")
        assert str(letter["Subject"]).count("[North] [general]") == 1
        assert "Luz" in str(letter["From"])
        assert text in text_of(letter)
        becomes(north, text, "on_list")  # its own copy came by IMAP

        ana.write(
            address, f"Re: {letter['Subject']}", "We bring 20 kg.\n", In_Reply_To=str(letter["Message-ID"])
        )
        wait_until(lambda: north.letters(), PATIENCE_S)
        (answer,) = north.letters()
        assert answer["text"] == "We bring 20 kg."
        assert answer["author"] == "Ana López"
        assert answer["parent"] == message
        assert PEOPLE not in str(north.letters())

        north.post(f"Thank you, Ana, from {name}", "general", "--reply-to", answer["id"])
        thanks = ana.wait_for(f"Thank you, Ana, from {name}")
        assert str(letter["Message-ID"]) in str(thanks["References"])
    assert len([each for each in ana.letters() if each["Message-ID"] == letter["Message-ID"]]) == 1


def test_two_camps_bring_a_message_to_the_list_once(stand: MailStand, north, ana, name, tmp_path):
    south = CampOnList(stand, tmp_path / "south", "South")
    address = stand.make_list(name, north.who, south.who, ana.who)
    for camp in (north, south):
        camp.add_list(address)
    with RunningNode(north.home) as first:
        with (south.home / "miccheck.toml").open("a") as file:
            file.write(f'[[link]]\nkind = "ip"\nurl = "http://127.0.0.1:{first.port}"\n')
        with RunningNode(south.home):
            mine, theirs = f"From the north, {name}", f"From the south, {name}"
            north.post(mine)
            south.post(theirs)
            ana.wait_for(mine)
            ana.wait_for(theirs)
            for camp in (north, south):
                for text in (mine, theirs):
                    becomes(camp, text, "on_list")
            ana.write(address, "Both read this", f"Once on the pages, {name}\n")
            wait_until(lambda: north.letters() and south.letters(), PATIENCE_S)
    for camp in (north, south):
        assert len({each["id"] for each in camp.letters()}) >= 1
        assert [each["text"] for each in camp.letters()].count(camp.letters()[0]["text"]) == 1
    subjects = [str(each["Subject"]) for each in ana.letters()]
    assert len([each for each in subjects if "From the north" in each and name in each]) == 1
    assert len([each for each in subjects if "From the south" in each and name in each]) == 1


@pytest.mark.parametrize(
    ("action", "state"), [("accept", "on_list"), ("reject", "refused")], ids=["accepted", "rejected"]
)
def test_a_moderated_list_holds_a_post_and_decides(stand: MailStand, north, name, action, state):
    address = stand.make_list(name, north.who)
    stand.change_member(name, north.who, moderation_action="hold")
    north.add_list(address)
    with RunningNode(north.home):
        north.post("Please let me in")
        becomes(north, "Please let me in", "held")  # the list's notice says so
        assert north.letters() == []  # a notice is nobody's letter
        for request in stand.held(name):  # the first letter, which explains what these are, and this one
            stand.decide(name, request, action, "not about the kitchen")
        becomes(north, "Please let me in", state)


@pytest.mark.parametrize("delivery", ["mime_digests", "plaintext_digests"])
def test_a_digest_is_unpacked_and_its_letters_are_taken_once(stand: MailStand, north, ana, name, delivery):
    address = stand.make_list(name, ana.who)
    stand.join(name, north.who, delivery)
    north.add_list(address)
    with RunningNode(north.home):
        ours = f"{name}: our own, in the digest"
        north.post(ours)
        ana.wait_for(ours)
        first = ana.write(address, "Water", "The tap at gate 2 works.\n")
        ana.write(address, "Re: Water", f"And at gate 3, {name}.\n", In_Reply_To=first)
        ana.wait_for(f"And at gate 3, {name}.")
        stand.send_digest(name)
        wait_until(lambda: len(north.letters()) == 2, PATIENCE_S)
        becomes(north, ours, "on_list")
        ana.write(address, "Bread", f"At six, {name}.\n")
        ana.wait_for(f"At six, {name}.")
        stand.send_digest(name)
        wait_until(lambda: len(north.letters()) == 3, PATIENCE_S)
    letters = north.letters()
    assert {each["author"] for each in letters} == {"Ana López"}
    assert PEOPLE not in str(letters)


def test_a_wish_not_to_be_relayed_is_respected(stand: MailStand, north, ana, name):
    address = stand.make_list(name, north.who, ana.who)
    north.add_list(address)
    with RunningNode(north.home):
        ana.write(address, "[no relay] only for the list", "Nobody else.\n")
        ana.write(address, "By header", "Nobody else either.\n", X_No_Archive="Yes")
        ana.write(address, "For everybody", "Come all.\n")
        wait_until(lambda: north.letters(), PATIENCE_S)
        assert [each["text"] for each in north.letters()] == ["For everybody\n\nCome all."]


def test_without_the_owners_word_nothing_comes_in(stand: MailStand, north, ana, name):
    address = stand.make_list(name, north.who, ana.who)
    north.add_list(address, agreed_by=None, agreed_on=None)
    with RunningNode(north.home):
        ana.write(address, "Not yet", "Nobody agreed.\n")
        north.post("Out it goes")
        becomes(north, "Out it goes", "on_list")  # own copies are looked at all the same
        assert north.letters() == []
        assert "agreed_by" in north.trouble()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"word": "wrong"}, "password"),
        ({"host": "127.0.0.1"}, "certificate"),
    ],
    ids=["wrong password", "another name"],
)
def test_what_is_wrong_is_said(stand: MailStand, north, name, words, says):
    north.add_list(stand.make_list(name, north.who), **words)
    with RunningNode(north.home) as node:
        north.post("Nobody gets this")
        wait_until(lambda: says in north.trouble(), PATIENCE_S)
        assert north.state("Nobody gets this") == "waiting"
        assert stand.password(north.who) not in node.said()
        assert PEOPLE not in node.said()


@pytest.mark.parametrize(("local", "says"), [("greylisted", "come again"), ("full", "full")])
def test_a_letter_that_is_put_off_waits(stand: MailStand, north, local, says):
    north.add_list(f"{local}@lists.test")
    with RunningNode(north.home):
        north.post("Later, perhaps")
        wait_until(lambda: says in north.trouble(), PATIENCE_S)
        assert north.state("Later, perhaps") == "waiting"


def test_a_list_that_is_not_there_refuses(stand: MailStand, north):
    north.add_list("nobody@lists.test", inbox_password_file='"secrets/list-nobody"')
    with RunningNode(north.home):
        north.post("Is anybody there")
        # Postfix takes it and Mailman refuses: the answer is a bounce in the inbox (RFC 3464).
        becomes(north, "Is anybody there", "refused")
        assert north.letters() == []
