"""The page *Join the list*: sealed at once, kept text on refusal, once for a double tap, taken back."""

from __future__ import annotations

import re
from base64 import b64encode

import pytest

from node.list_settings import MailingList
from sync.actions import Register
from sync.board.joining import UNANSWERED_MAX
from sync.codec import pack
from sync.letters.joining import open_sealed, public_key_of
from sync.message import Kind, Message, Role
from sync.registrations import JoinState, states_reference
from sync.store.join_letters import JoinLetterTables
from tests.web.desk import Camp, TestDesk

SECRET = bytes(range(32))
ADDRESS = "ana.perez+list@correo.example.org"
LIST = MailingList(
    name="camps",
    address="camps@lists.example.org",
    outbox="smtp://lists.example.org:25",
    owner_key=b64encode(public_key_of(SECRET)).decode(),
)
TYPED = {
    "list": "camps",
    "address": ADDRESS,
    "place": "Plaça de Catalunya",
    "group": "kitchen",
    "alias": "blue tent",
    "consent": "1",
}


@pytest.fixture
def camp(tmp_path):
    return Camp(TestDesk(tmp_path, mail_lists=(LIST, MailingList(name="keyless", address="a@b.example"))))


@pytest.fixture
def phone(camp):
    with camp.with_card(Role.LIAISON, "kitchen") as phone:
        yield phone


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    """A camp and a phone for forms that change nothing."""
    camp = Camp(TestDesk(tmp_path_factory.mktemp("refusing"), mail_lists=(LIST,)))
    with camp.with_card(Role.LIAISON, "kitchen") as phone:
        yield camp, phone


def registered(camp):
    return camp.desk.reader().registrations().all_own()


def say(camp, state, words="", second=None):
    """As a camp that posts to the list would."""
    (own, *_) = registered(camp)
    reference = states_reference([(own.id, state)])
    body = pack(words.encode()) if words else b""
    second = int(second or camp.desk.time_s)
    message = Message(Kind.REGISTRATION_STATE, second, body=body, reference=reference)
    with camp.desk.store.transaction():
        camp.desk.engine.publish(message, camp.desk.now)


def test_a_registration_is_sealed_and_never_shown_again(camp, phone, tmp_path):
    assert "keyless" not in phone.get("/join").text
    answer = phone.fill("/join", "/join", **TYPED)
    assert (answer.status_code, answer.headers["location"]) == (303, "/join#registrations")
    page = phone.get("/join").text
    assert "blue tent" in page
    assert "waiting for a camp that reaches the list&#39;s owner" in page
    (own,) = registered(camp)
    entry = open_sealed(own.sealed, camp.desk.identity.author, SECRET)
    assert (entry.address, entry.place, entry.group) == (ADDRESS, "Plaça de Catalunya", "kitchen")
    camp.desk.pass_time(120)
    for path in ("/join", "/log", "/status", "/api/v1/messages", "/api/v1/status"):
        assert "perez" not in phone.get(path).text, path
    assert "Nothing found" in phone.get("/search?q=perez").text
    for file in tmp_path.iterdir():
        assert b"perez" not in file.read_bytes(), file


def test_everybody_reads_that_a_liaison_registered_somebody(camp, phone):
    phone.fill("/join", "/join", **TYPED)
    log = phone.get("/log").text
    assert "Somebody was registered for a mailing list" in log
    assert "liaison of kitchen" in log
    assert "blue tent" not in log


def test_a_double_tap_registers_once(camp, phone):
    fields = {**phone.fields("/join", "/join"), **TYPED}
    for _ in range(3):
        assert phone.post("/join", data=fields).status_code == 303
    assert [own.number for own in registered(camp)] == [1]
    for corrected in ({"alias": "another"}, {"address": "ana.perez@correo.example.org"}):
        answer = phone.post("/join", data={**fields, **corrected})
        assert answer.status_code == 422
        assert "sent before with other words" in answer.text
        assert all(typed in answer.text for typed in corrected.values())
    assert len(registered(camp)) == 1


@pytest.mark.parametrize(
    ("changed", "says", "field"),
    [
        ({"address": "ana at example.org"}, "This is no e-mail address", "address"),
        ({"address": "Ana <ana@example.org>"}, "This is no e-mail address", "address"),
        ({"address": ""}, "This is no e-mail address", "address"),
        ({"list": "keyless"}, "Choose a mailing list", "list"),
        ({"consent": ""}, "tick the box when they agree", "consent"),
        ({"place": "ñ" * 61}, "This is too long", "place"),
        ({"group": "g" * 49}, "This is too long", "group"),
        ({"alias": "ana@example.org"}, "is not sealed", "alias"),
        ({"alias": "+34 600 123 456"}, "is not sealed", "alias"),
    ],
)
def test_a_form_that_is_refused_comes_back_with_what_was_typed(refusing, changed, says, field):
    camp, phone = refusing
    answer = phone.fill("/join", "/join", **{**TYPED, **changed})
    assert answer.status_code == 422
    assert says in answer.text
    assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', answer.text)
    kept = {**TYPED, **changed}
    form = answer.text[answer.text.index('action="/join"') :]
    for name in ("address", "place", "group", "alias"):
        value = re.search(rf'name="{name}"[^>]* value="([^"]*)"', form)
        assert value is not None
        assert value[1].replace("&lt;", "<").replace("&gt;", ">") == kept[name]
    assert ('value="1" checked' in form) == (kept["consent"] == "1")
    assert registered(camp) == []
    if "address" in changed:
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("state", "words", "says"),
    [
        (JoinState.ASKED, "", "the list&#39;s owner was asked"),
        (JoinState.CONFIRMED, "", "confirmed: on the list"),
        (JoinState.REFUSED, "write to us first", "write to us first"),
        (JoinState.WITHDRAWN, "", "taken off the list"),
    ],
)
def test_what_camps_say_of_it_is_shown(camp, phone, state, words, says):
    phone.fill("/join", "/join", **TYPED)
    camp.desk.pass_time(120)
    say(camp, state, words)
    assert says in phone.get("/join").text


@pytest.mark.parametrize("state", [JoinState.REFUSED, JoinState.WITHDRAWN])
def test_it_can_be_taken_back_whatever_is_said_of_it(camp, phone, state):
    phone.fill("/join", "/join", **TYPED)
    camp.desk.pass_time(120)
    say(camp, state)
    camp.desk.pass_time(120)
    assert phone.fill("/join", "/join/1/withdraw").status_code == 303
    assert "withdrawing: the list&#39;s owner is being told" in phone.get("/join").text
    (own,) = registered(camp)
    ((box,),) = camp.desk.store.connection.execute("SELECT sealed FROM registrations WHERE withdrawn = 2")
    assert box == own.sealed


def test_a_word_from_tomorrow_is_of_the_day_it_came(camp, phone):
    phone.fill("/join", "/join", **TYPED)
    camp.desk.pass_time(120)
    say(camp, JoinState.REFUSED, second=camp.desk.time_s + 40 * 86_400)
    camp.desk.pass_time(120)
    say(camp, JoinState.CONFIRMED)
    assert "confirmed: on the list" in phone.get("/join").text


def test_what_has_not_left_is_taken_back_for_good(camp, phone):
    phone.fill("/join", "/join", **TYPED)
    (own,) = registered(camp)
    assert phone.fill("/join", "/join/1/withdraw").status_code == 303
    assert "withdrawn" in phone.get("/join").text
    camp.desk.pass_time(3 * 86_400)
    for table in ("bundles", "own_messages", "messages", "registrations", "registrations_own"):
        for row in camp.desk.store.connection.execute(f"SELECT * FROM {table}"):
            assert all(own.sealed not in value for value in row if isinstance(value, bytes))


def test_what_was_asked_is_withdrawn_in_three_steps(camp, phone):
    phone.fill("/join", "/join", **TYPED)
    camp.desk.pass_time(120)
    say(camp, JoinState.ASKED)
    phone.fill("/join", "/join/1/withdraw")
    assert "withdrawing: the list&#39;s owner is being told" in phone.get("/join").text
    say(camp, JoinState.TOLD)
    assert "withdrawing: the list&#39;s owner was told" in phone.get("/join").text
    say(camp, JoinState.WITHDRAWN)
    page = phone.get("/join").text
    assert "withdrawing" not in page
    assert "withdrawn" in page
    assert "/join/1/withdraw" not in page


def test_liaisons_see_their_own_and_coordinators_all(camp, phone):
    phone.fill("/join", "/join", **TYPED)
    with camp.with_card(Role.LIAISON, "legal") as other:
        page = other.get("/join")
        assert "blue tent" not in page.text
        form = phone.fields("/join", "/join/1/withdraw")
        assert other.post("/join/1/withdraw", data=form).status_code == 409  # the token is another session's
        token = re.findall(r'name="token" value="([^"]+)"', page.text)[0]
        assert other.post("/join/1/withdraw", data={"token": token}).status_code == 403
    with camp.with_card(Role.COORDINATOR) as coordinator:
        assert "blue tent" in coordinator.get("/join").text
        assert coordinator.fill("/join", "/join/1/withdraw").status_code == 303
    with camp.with_card(Role.MODERATOR) as moderator:
        assert "blue tent" not in moderator.get("/join").text
    with camp.phone(secure=True) as visitor:
        assert visitor.get("/join").headers["location"] == "/card"


@pytest.mark.parametrize("number", ["7", "x", "99999999999", "-1", "١"])
def test_a_number_that_is_none_changes_nothing(refusing, number):
    _, phone = refusing
    token = re.findall(r'name="token" value="([^"]+)"', phone.get("/join").text)[0]
    assert phone.post(f"/join/{number}/withdraw", data={"token": token}).status_code == 404


def test_a_camp_that_nobody_carries_for_does_not_fill_the_air(camp, phone):
    for number in range(UNANSWERED_MAX):
        camp.desk.order(Register("camps", b"list", number.to_bytes(2) * 256))
    answer = phone.fill("/join", "/join", **TYPED)
    assert answer.status_code == 409
    assert ADDRESS in answer.text
    assert len(registered(camp)) == UNANSWERED_MAX


def test_coordinators_read_why_a_letter_waits(camp, phone):
    with camp.desk.store.transaction():
        letters = JoinLetterTables(camp.desk.store.connection)
        letters.make(b"t" * 10, "camps", False, [], camp.desk.time_s)
        letters.put_off(b"t" * 10, "550 no such user", 0.0)
    with camp.with_card(Role.COORDINATOR) as coordinator:
        assert "1 letter to the owner of camps waits: 550 no such user" in coordinator.get("/join").text
    assert "550" not in phone.get("/join").text


def test_an_old_form_comes_back_with_its_text(camp, phone):
    fields = {**phone.fields("/join", "/join"), **TYPED}
    camp.desk.pass_time(25 * 3_600)
    answer = phone.post("/join", data=fields)
    assert answer.status_code == 422
    assert ADDRESS in answer.text


def test_without_a_list_the_page_says_what_is_missing(tmp_path):
    camp = Camp(TestDesk(tmp_path))
    with camp.with_card(Role.COORDINATOR) as phone:
        page = phone.get("/join").text
    assert "miccheck owner-key" in page
    assert 'name="address"' not in page
