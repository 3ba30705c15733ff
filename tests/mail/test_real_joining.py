"""People join a real Mailman list from a camp: by a letter to its owner, and on the owner's own node."""

from __future__ import annotations

import json
import re
from itertools import count
from pathlib import Path

import pytest

from tests.doors.process import RunningNode, miccheck, output, wait_until
from tests.doors.test_links import Coordinator
from tests.mail.camp_on_list import CampOnList
from tests.mail.configuration import LISTS, PEOPLE
from tests.mail.stand import MailStand
from tests.mail.subscriber import PATIENCE_S, Subscriber, text_of

pytestmark = pytest.mark.full
_LISTS = count(1)
# A letter is gathered for an hour of engine time.
FAST = {"MICCHECK__CLOCK__SPEED": "1800", "MICCHECK__LAN__DISCOVER": "false"}


@pytest.fixture
def name() -> str:
    """A list that no other test knows."""
    return f"joined{next(_LISTS)}"


@pytest.fixture
def north(stand, tmp_path: Path) -> CampOnList:
    return CampOnList(stand, tmp_path / "north", "North")


def owned(stand: MailStand, name: str, camp: CampOnList, owner: str) -> str:
    """A list whose members are asked first, owned by somebody; its address."""
    address = stand.make_list(name, camp.who, subscription_policy="confirm", admin_notify_mchanges="true")
    stand.ask("POST", "members", list_id=f"{name}.{LISTS}", subscriber=f"{owner}@{PEOPLE}", role="owner")
    return address


def register(phone: Coordinator, name: str, who: str) -> None:
    form = {"list": name, "address": f"{who}@{PEOPLE}", "place": "Cibeles", "group": "kitchen"}
    phone.send("/join", "/join", **form, consent="1")


def says(phone: Coordinator, words: str) -> None:
    wait_until(lambda: words in phone.page("/join"), PATIENCE_S)


def test_the_owners_node_has_mailman_ask_the_person(stand: MailStand, north, name):
    bob = Subscriber(stand, "bob")
    address = owned(stand, name, north, north.who)
    key = output("owner-key", "make", north.home / "secrets" / "owner.key").strip()
    words = {"owner_key": f'"{key}"', "owner_secret_file": '"secrets/owner.key"', "joining": '"request"'}
    north.add_list(address, **words)
    with RunningNode(north.home, env=FAST) as node, Coordinator(node, north.code) as phone:
        register(phone, name, bob.who)
        question = bob.wait_for(name)
        says(phone, "owner was asked")
        code = re.findall(r"confirm ([0-9a-f]{40})", text_of(question))[0]
        bob.write(f"{name}-request@{LISTS}", f"Re: confirm {code}", f"confirm {code}\n")
        wait_until(lambda: bob.address in stand.members(name), PATIENCE_S)
        says(phone, "confirmed: on the list")
        assert bob.who not in phone.page("/join")
        assert north.letters() == []


def test_an_owner_reads_the_letter_and_answers_it(stand: MailStand, north, name, tmp_path):
    ana = Subscriber(stand, "ana")
    address = owned(stand, name, north, ana.who)
    key = tmp_path / "owner.key"
    public = output("owner-key", "make", key).strip()
    north.add_list(address, owner_key=json.dumps(public))
    with RunningNode(north.home, env=FAST) as node, Coordinator(node, north.code) as phone:
        register(phone, name, "bob")
        letter = ana.wait_for(f"to add to {address}")
        saved = tmp_path / "letter.eml"
        saved.write_bytes(letter.as_bytes())
        opened = miccheck("owner-key", "open", key, saved)
        assert f"bob@{PEOPLE},Cibeles,kitchen" in opened.stdout, opened.stderr
        code = re.findall(r"^\s*([a-z2-7]{16})\s*$", text_of(letter), re.MULTILINE)[0]
        ana.write(
            f"{north.who}@{PEOPLE}",
            f"Re: {letter['Subject']}",
            f"Welcome!\njoined all {code}\n",
            In_Reply_To=str(letter["Message-ID"]),
        )
        says(phone, "confirmed: on the list")
        assert north.letters() == []

        phone.send("/join/1/withdraw", "/join")
        leaving = ana.wait_for(f"to take off {address}")
        assert "bob" not in leaving.as_string()
        says(phone, "owner was told")
