"""The pages of the mail: what waits for a person, how a letter leaves, and how it goes to each list."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from random import Random

import pytest

from node.list_settings import MailingList
from node.mail_desk import TRIALS_PER_HOUR
from sync.actions import (
    Actor,
    HideMessage,
    MakeGroup,
    PauseList,
    Refused,
    SetLetterHold,
    WritePost,
    Written,
)
from sync.letters.introducing import introduction_id
from sync.message import Role
from sync.store.letters import LetterRow, LetterTables
from tests.web.desk import Camp, TestDesk
from web_ui.desk import ListView
from web_ui.mail_desk import InternetView
from web_ui.mail_words import BETWEEN, NOT_AGREED

CAMPS = MailingList(
    name="camps",
    address="camps@lists.example.org",
    outbox="smtp://sol@mail.example.org:587",
    inbox="maildir:in",
)
FOLDER = MailingList(name="paper", outbox="maildir:out", channels=("kitchen",))
COORDINATOR = Actor(role=Role.COORDINATOR)


@pytest.fixture
def desk(tmp_path):
    desk = TestDesk(tmp_path, "Sol", mail_lists=(CAMPS, FOLDER))
    desk.order(MakeGroup("kitchen", "Food"), COORDINATOR)
    return desk


@pytest.fixture
def camp(desk):
    return Camp(desk)


def post(desk: TestDesk, text: str, channel: str = "announcements", name: str = "Ana", **more) -> bytes:
    desk.pass_time(70)
    written = desk.order(WritePost(channel, text, name, **more), COORDINATOR)
    assert isinstance(written, Written)
    return written.message


def fill(desk: TestDesk, *, hold: bool = True, introduce: bool = False) -> None:
    """What the courier does when it looks at the board."""
    with desk.store.transaction():
        tables = tables_of(desk)
        for each in desk.mail_lists:
            tables.see_list(each.name, desk.time_s)
            minus = () if each.channels else ("kitchen",)
            tables.queue(each.name, each.channels, 0, desk.time_s, minus=minus, hold_all=hold)
        if introduce:
            letter = introduction_id(desk.identity.author, CAMPS.address)
            tables.introduce("camps", letter, desk.time_s, hold=hold)


def tables_of(desk: TestDesk) -> LetterTables:
    return LetterTables(desk.store.connection)


def state_of(desk: TestDesk, message: bytes) -> str:
    found = tables_of(desk).state_of("camps", message)
    assert found is not None
    return found.state


def row_of(desk: TestDesk, message: bytes) -> LetterRow:
    found = tables_of(desk).letter("camps", message)
    assert found is not None
    return found


def fields(page: str, action: str, place: int = 0) -> dict[str, str]:
    """The hidden and typed fields of a form on a page."""
    forms = re.findall(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', page, re.DOTALL)
    inputs = re.findall(r"<input ([^>]*)>", forms[place])
    named = [(re.search(r'name="([^"]*)"', each), re.search(r'value="([^"]*)"', each)) for each in inputs]
    return {
        name[1]: value[1] if value else ""
        for (name, value), each in zip(named, inputs, strict=True)
        if name and 'type="checkbox"' not in each
    }


def test_a_moderator_lets_a_letter_go(camp, desk):
    message = post(desk, "Assembly at eight")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        page = phone.get("/mail/held").text
        assert "Assembly at eight" in page
        answer = phone.post("/mail/held/approve", data=fields(page, "/mail/held/approve"))
        assert answer.status_code == 303
        assert "No letter waits" in phone.get("/mail/held").text
        log = phone.get("/log").text
    assert state_of(desk, message) == "waiting"
    assert row_of(desk, message).subject == ""
    assert "A letter was let go to a mailing list" in log
    assert f"/m/{message.hex()}" in log


def test_a_subject_is_edited_and_a_number_let_pass(camp, desk):
    message = post(desk, "Medic: +34 612 345 678, ana@correo.example")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        page = phone.get("/mail/held").text
        assert "Left out:" in page
        assert "<bdi>+34 612 345 678</bdi>" in page
        assert "Medic: […" in page.replace("☎", "…")
        form = fields(page, "/mail/held/approve") | {"subject": "Who\r\nto call", "contacts": "1"}
        phone.post("/mail/held/approve", data=form)
        leaves = phone.get(f"/mail/1/preview/{message.hex()}").text
    assert "[Sol] [announcements] Who to call" in leaves
    assert "+34 612 345 678, ana@correo.example" in leaves
    entry = desk.reader().log(1)[0]
    assert (entry.act, entry.why, entry.actor) == ("approve_contacts", "Who to call", "moderator")


def test_a_letter_is_refused_with_a_reason_that_its_author_reads(camp, desk):
    message = post(desk, "Somebody's name and street")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        page = phone.get("/mail/held").text
        form = fields(page, "/mail/held/refuse")
        empty = phone.post("/mail/held/refuse", data=form | {"why": "  "})
        assert empty.status_code == 422
        assert "Say why" in empty.text
        # At the letter, whose form is open: on a phone the top of the page is far away.
        article = empty.text.partition("<article")[2]
        assert 'class="sorry">Say why' in article
        assert "<details open>" in article
        again = fields(phone.get("/mail/held").text, "/mail/held/refuse")
        assert phone.post("/mail/held/refuse", data=again | {"why": "names a person"}).status_code == 303
    with camp.phone() as visitor:
        said = visitor.get(f"/m/{message.hex()}").text
        state = next(
            each for each in visitor.get("/api/v1/messages").json()["messages"] if each["id"] == message.hex()
        )
    assert "a moderator of this camp did not let it go to the mailing list" in said
    assert "names a person" in said
    assert state["list"] == "refused"


@pytest.mark.parametrize("subject", ["L" * 201, "س" * 101])
def test_a_subject_that_is_too_long_stays_in_its_field(camp, desk, subject):
    message = post(desk, "Assembly at eight")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        form = fields(phone.get("/mail/held").text, "/mail/held/approve") | {"subject": subject}
        answer = phone.post("/mail/held/approve", data=form)
    assert answer.status_code == 422
    assert "a subject or a reason has 200 letters at most" in answer.text
    assert subject in answer.text
    assert state_of(desk, message) == "held"


def test_who_decides_after_the_session_ended_is_told_to_enter_the_card(camp, desk):
    post(desk, "Assembly at eight")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        form = fields(phone.get("/mail/held").text, "/mail/held/refuse") | {"why": "names a person"}
        phone.cookies.clear()
        answer = phone.post("/mail/held/refuse", data=form)
    assert answer.status_code == 403
    assert "the session ended" in answer.text
    assert 'href="/card"' in answer.text


def test_two_moderators_do_not_both_decide(camp, desk):
    post(desk, "Assembly at eight")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        first, second = phone.get("/mail/held").text, phone.get("/mail/held").text
        assert phone.post("/mail/held/approve", data=fields(first, "/mail/held/approve")).status_code == 303
        late = phone.post("/mail/held/approve", data=fields(second, "/mail/held/approve"))
    assert late.status_code == 409
    assert "Somebody else was faster" in late.text


@pytest.mark.parametrize("introduce", [False, True])
@pytest.mark.parametrize("form", ["approve", "refuse"])
def test_what_is_typed_for_a_letter_that_another_decided_comes_back_with_who_it_was(
    camp, desk, form, introduce
):
    message = post(desk, "Somebody's name and street")
    fill(desk, introduce=introduce)
    typed = {"subject": "Who to call", "why": "It names my <neighbour>"}
    with camp.with_card(Role.MODERATOR) as phone, camp.with_card(Role.COORDINATOR) as other:
        late = fields(phone.get("/mail/held").text, f"/mail/held/{form}") | typed
        first = fields(other.get("/mail/held").text, "/mail/held/refuse") | {"why": "names a person"}
        assert other.post("/mail/held/refuse", data=first).status_code == 303
        answer = phone.post(f"/mail/held/{form}", data=late)
        assert answer.status_code == 409
        assert "Somebody else was faster" in answer.text
        assert "It was not let go, by: coordinator" in answer.text
        assert "names a person" in answer.text
        kept = "Who to call" if form == "approve" else "It names my &lt;neighbour&gt;"
        assert f'value="{kept}"' in answer.text
        link = f'href="/m/{message.hex()}"'
        assert (link in answer.text) != introduce
        assert kept not in phone.get("/mail/held").text


def test_what_is_typed_for_a_letter_that_left_by_itself_comes_back_with_where_it_is(camp, desk):
    message = post(desk, "Somebody's name and street")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        late = fields(phone.get("/mail/held").text, "/mail/held/refuse") | {"why": "It names my neighbour"}
        with desk.store.transaction():
            tables_of(desk).mark_on_list("camps", message, desk.time_s)
        answer = phone.post("/mail/held/refuse", data=late)
    assert answer.status_code == 409
    assert "Nobody here decided about it" in answer.text
    assert "is on the mailing list" in answer.text
    assert 'value="It names my neighbour"' in answer.text


def test_a_paused_list_is_told_of_where_letters_are_let_go(camp, desk):
    post(desk, "Assembly at eight")
    fill(desk)
    desk.order(PauseList("camps", True), COORDINATOR)
    with camp.with_card(Role.MODERATOR) as phone:
        page = phone.get("/mail/held").text
        assert "camps is paused: what you let go for it waits. A coordinator lets it go on." in " ".join(
            re.sub("<[^>]*>", " ", page).split()
        )
        assert 'action="/mail/pause"' not in page
    with camp.with_card(Role.COORDINATOR) as phone:
        page = phone.get("/mail/held").text
        assert "paper is paused" not in page
        assert phone.post("/mail/pause", data=fields(page, "/mail/pause")).status_code == 303
        assert "is paused" not in phone.get("/mail/held").text


def test_nobody_lets_go_what_was_changed_since_it_was_read(camp, desk):
    first, second = post(desk, "Dinner at eight"), post(desk, "Assembly")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        page = phone.get("/mail/held").text
        one, preview = fields(page, "/mail/held/approve"), f"/mail/1/preview/{first.hex()}"
        as_it_leaves = fields(phone.get(preview).text, "/mail/held/approve")
        ticks = dict(re.findall(r'name="(pick-\d)" value="([^"]*)"', page))
        many = fields(page, "/mail/held/several") | ticks
        change(desk, first, "Buy gold")
        late = phone.post("/mail/held/approve", data=one)
        assert late.status_code == 409
        assert "Its camp changed the text meanwhile" in late.text
        assert "Buy gold" in late.text
        assert phone.post("/mail/held/approve", data=as_it_leaves).status_code == 409
        some = phone.post("/mail/held/several", data=many)
        assert "The text of some was changed meanwhile" in some.text
        assert [state_of(desk, message) for message in (first, second)] == ["held", "waiting"]
        again = fields(some.text, "/mail/held/approve")
        assert phone.post("/mail/held/approve", data=again).status_code == 303
    assert state_of(desk, first) == "waiting"


def test_what_was_changed_after_it_was_let_go_says_so(camp, desk):
    message = post(desk, "Dinner at eight")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        phone.post("/mail/held/approve", data=fields(phone.get("/mail/held").text, "/mail/held/approve"))
        change(desk, message, "Buy gold")
        with desk.store.transaction():
            tables_of(desk).hold_changed("camps")
        page = phone.get("/mail/held").text
    assert "Somebody here let it go. Then its camp changed it" in page
    assert "Buy gold" in page


def change(desk: TestDesk, message: bytes, text: str) -> None:
    """Its camp says something else in its place."""
    with desk.store.transaction():
        desk.store.connection.execute("UPDATE messages SET text = ? WHERE id = ?", (text, message))


def test_several_are_let_go_at_once(camp, desk):
    messages = [post(desk, f"Message {n}") for n in range(3)]
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        page = phone.get("/mail/held").text
        form = fields(page, "/mail/held/several")
        none = phone.post("/mail/held/several", data=form)
        assert none.status_code == 422
        assert "No letter was ticked" in none.text
        form = fields(none.text, "/mail/held/several")
        form |= {"pick-1": f"1 {messages[0].hex()}", "pick-3": f"1 {messages[2].hex()}"}
        assert phone.post("/mail/held/several", data=form).status_code == 303
    assert [state_of(desk, message) for message in messages] == ["waiting", "held", "waiting"]


def test_mic_checks_and_the_introduction_come_first(camp, desk):
    post(desk, "Older post")
    post(desk, "Police at gate 4", urgent=True)
    fill(desk, introduce=True)
    with camp.with_card(Role.MODERATOR) as phone:
        page = phone.get("/mail/held").text
    places = [page.index(words) for words in ("The first letter", "Police at gate 4", "Older post")]
    assert places == sorted(places)
    assert "This camp only writes to the list" in page  # nobody there agreed to more


def test_what_was_hidden_meanwhile_waits_for_nobody(camp, desk):
    message = post(desk, "A lie about somebody")
    fill(desk)
    desk.order(HideMessage(message, "a lie"), COORDINATOR)
    with camp.with_card(Role.MODERATOR) as phone:
        assert "A lie about somebody" not in phone.get("/mail/held").text


def test_the_preview_shows_every_byte_that_leaves(camp, desk):
    message = post(desk, "¡Asamblea a las ocho! <b>&", name="Inés")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        page = phone.get(f"/mail/1/preview/{message.hex()}").text
        file = phone.get(f"/mail/1/preview/{message.hex()}/letter.eml")
    assert file.headers["content-type"] == "message/rfc822"
    assert "attachment" in file.headers["content-disposition"]
    mail = message_from_bytes(file.content, policy=default)
    assert mail["From"].addresses[0].addr_spec == "sol@mail.example.org"
    assert mail["To"] == "camps@lists.example.org"
    assert "¡Asamblea a las ocho! <b>&" in mail.get_content()
    assert "[Sol] [announcements] ¡Asamblea a las ocho! &lt;b&gt;&amp;" in page
    escaped = file.content.decode().replace("\r\n", "\n").replace("&", "&amp;").replace("<", "&lt;")
    assert escaped.replace(">", "&gt;").replace('"', "&#34;") in page


def test_the_preview_follows_a_subject_before_it_is_decided(camp, desk):
    message = post(desk, "Call +34 612 345 678")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        page = phone.get(
            f"/mail/1/preview/{message.hex()}", params={"subject": "Who to call", "contacts": "1"}
        )
        assert "[Sol] [announcements] Who to call" in page.text
        assert "Let through:" in page.text
        form = fields(page.text, "/mail/held/approve")
        assert phone.post("/mail/held/approve", data=form).status_code == 303
    row = row_of(desk, message)
    assert (row.subject, row.let_contacts) == ("Who to call", True)


def test_a_liaison_sees_how_the_own_groups_letters_leave_and_decides_nothing(camp, desk):
    ours, others = post(desk, "Onions please", "kitchen"), post(desk, "Assembly")
    fill(desk)
    with camp.with_card(Role.LIAISON, "kitchen") as phone:
        assert phone.get(f"/mail/2/preview/{ours.hex()}").status_code == 200
        assert "Decide about it" not in phone.get(f"/mail/2/preview/{ours.hex()}").text
        assert phone.get(f"/mail/1/preview/{others.hex()}").status_code == 404
        assert phone.get("/mail/held").status_code == 403
    with camp.phone() as by_http:
        assert by_http.get(f"/mail/2/preview/{ours.hex()}").status_code == 404


def trial(phone, path: str, address: str):
    return phone.post(f"{path}/try", data=fields(phone.get(path).text, f"{path}/try") | {"address": address})


def test_a_dry_run_goes_to_oneself_and_is_remembered_nowhere(camp, desk, tmp_path, caplog):
    message = post(desk, "Assembly at eight")
    fill(desk)
    path = f"/mail/1/preview/{message.hex()}"
    with camp.with_card(Role.MODERATOR) as phone:
        answer = trial(phone, path, " ana.somebody@correo.example ")
        assert answer.headers["location"] == f"{path}?tried=1"
        assert "It was sent to you" in phone.get(answer.headers["location"]).text
        assert "ana.somebody" not in phone.get("/log").text
    [(raw, to)] = desk.tried
    assert to == "ana.somebody@correo.example"
    mail = message_from_bytes(raw, policy=default)
    assert mail["Subject"] == "[dry run] [Sol] [announcements] Assembly at eight"
    assert mail["X-Miccheck-Id"] is None
    assert message.hex() not in raw.decode()
    assert state_of(desk, message) == "held"
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"ana.somebody" not in kept
    assert "ana.somebody" not in caplog.text


def test_a_dry_run_is_of_the_letter_as_it_was_shown(camp, desk):
    message = post(desk, "Medic: +34 612 345 678")
    fill(desk)
    path = f"/mail/1/preview/{message.hex()}"
    with camp.with_card(Role.MODERATOR) as phone:
        page = phone.get(path, params={"subject": "Who to call", "contacts": "1"}).text
        form = fields(page, f"{path}/try")
        wrong = phone.post(f"{path}/try", data=form | {"address": "ana"})
        assert "[Sol] [announcements] Who to call" in wrong.text
        form = fields(wrong.text, f"{path}/try") | {"address": "ana@correo.example"}
        sent = phone.post(f"{path}/try", data=form)
        assert "[Sol] [announcements] Who to call" in phone.get(sent.headers["location"]).text
        [file] = re.findall(r'href="([^"]*letter\.eml[^"]*)"', page)
        assert "Who to call" in phone.get(file.replace("&amp;", "&")).text
    [(raw, _)] = desk.tried
    assert message_from_bytes(raw, policy=default)["Subject"] == (
        "[dry run] [Sol] [announcements] Who to call"
    )
    assert b"+34 612 345 678" in raw
    assert row_of(desk, message).subject == ""  # nothing was decided


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("ana", "That is no e-mail address"),
        ("ana@correo.example, bo@correo.example", "That is no e-mail address"),
        ("a@b.example\r\nBcc: c@d.example", "That is no e-mail address"),
        ("CAMPS@lists.example.org", "That is an address of the list or of this camp"),
        ("sol@mail.example.org", "That is an address of the list or of this camp"),
        ("camps-owner@lists.example.org", "That is an address of the list or of this camp"),
        # A list's program does what is asked of it by letter: this one takes the camp off the list.
        ("Camps-Leave@lists.example.org", "That is an address of the list or of this camp"),
        ("camps-unsubscribe@lists.example.org", "That is an address of the list or of this camp"),
        ("camps-confirm+a1b2@lists.example.org", "That is an address of the list or of this camp"),
        ("camps+subscribe@lists.example.org", "That is an address of the list or of this camp"),
        ("listserv@LISTS.example.org", "That is an address of the list or of this camp"),
        ("owner-camps@lists.example.org", "That is an address of the list or of this camp"),
    ],
)
def test_a_dry_run_to_somebody_else_is_refused_and_the_text_is_kept(camp, desk, address, sentence):
    message = post(desk, "Assembly at eight")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        answer = trial(phone, f"/mail/1/preview/{message.hex()}", address)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert address.split()[0].rstrip(",") in answer.text
    assert desk.tried == []


def test_dry_runs_are_few_an_hour(camp, desk):
    message = post(desk, "Assembly at eight")
    fill(desk)
    path = f"/mail/1/preview/{message.hex()}"
    with camp.with_card(Role.MODERATOR) as phone:
        for _ in range(TRIALS_PER_HOUR):
            assert trial(phone, path, "ana@correo.example").status_code == 303
        assert "That is the most" in trial(phone, path, "ana@correo.example").text
        desk.time_s += 3_601
        assert trial(phone, path, "ana@correo.example").status_code == 303


def test_a_mail_server_that_takes_no_dry_run_is_quoted(camp, desk):
    message = post(desk, "Assembly at eight")
    fill(desk)
    desk.mail_trouble = "nobody takes mail at mail.example.org:587"
    with camp.with_card(Role.MODERATOR) as phone:
        answer = trial(phone, f"/mail/1/preview/{message.hex()}", "ana@correo.example")
    assert answer.status_code == 422
    assert "nobody takes mail at mail.example.org:587" in answer.text


def test_a_list_in_a_folder_has_nobody_to_send_a_dry_run(camp, desk):
    message = post(desk, "Onions", "kitchen")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        answer = trial(phone, f"/mail/2/preview/{message.hex()}", "ana@correo.example")
    assert "go into a folder of this box" in answer.text


def test_the_overview_says_how_it_goes(camp, desk):
    for n in range(4):
        post(desk, f"Message {n}")
    fill(desk, hold=False)
    trouble = f"mail.example.org:587 does not answer{BETWEEN}{NOT_AGREED}"
    desk.lists = (ListView("camps", 328, 12, trouble, seconds_left=240.0, done=12, total=340),)
    desk.internet_view = InternetView("portal", desk.time_s - 60)
    with camp.with_card(Role.MODERATOR) as phone:
        answer = phone.get("/mail")
    assert "12 of 340 letters, 4 min at this speed" in answer.text
    assert "mail.example.org:587 does not answer" in answer.text
    assert "This network shows a web page first" in answer.text
    assert "nothing of the list is passed on until its owner has agreed" in answer.text
    assert answer.headers["refresh"] == "30;url=/mail"
    assert 'action="/mail/pause"' not in answer.text


def test_a_coordinator_pauses_a_list_and_carries_on(camp, desk):
    with camp.with_card(Role.COORDINATOR) as phone:
        phone.post("/mail/pause", data=fields(phone.get("/mail").text, "/mail/pause"))
        page = phone.get("/mail").text
        assert "Paused: nothing leaves, nothing comes in" in page
        phone.post("/mail/pause", data=fields(page, "/mail/pause"))
        assert "Paused" not in phone.get("/mail").text
        assert "A mailing list was paused" in phone.get("/log").text


def test_a_channel_is_held_and_let_go_again(camp, desk):
    with camp.with_card(Role.MODERATOR) as phone:
        page = phone.get("/mail").text
        form = fields(page, "/mail/hold")
        assert form["on"] == "1"
        assert phone.post("/mail/hold", data=form).status_code == 303
        assert tables_of(desk).holds("camps") == {form["channel"]}
        assert "Each letter waits for a person." in phone.get("/mail").text
        again = phone.post("/mail/hold", data=form | {"token": fields(page, "/mail/look")["token"]})
        assert again.status_code == 409
        phone.post("/mail/hold", data=fields(phone.get("/mail").text, "/mail/hold"))
        assert tables_of(desk).holds("camps") == frozenset()


def test_look_now_is_told_to_the_courier(camp, desk):
    with camp.with_card(Role.MODERATOR) as phone:
        phone.post("/mail/look", data=fields(phone.get("/mail").text, "/mail/look"))
    assert desk.looked == ["camps"]


def test_notices_are_read_and_put_away(camp, desk):
    message = post(desk, "Assembly at eight")
    with desk.store.transaction():
        tables_of(desk).note_notice("camps", "held", desk.time_s, "Post by non-member", b"r" * 8, message)
    with camp.with_card(Role.MODERATOR) as phone:
        assert "1 new notice" in phone.get("/mail").text
        page = phone.get("/mail/notices").text
        assert "Post by non-member" in page
        assert f"/m/{message.hex()}" in page
        phone.post("/mail/notices/seen", data=fields(page, "/mail/notices/seen"))
        assert "I have read them" not in phone.get("/mail/notices").text
        assert "1 new notice" not in phone.get("/mail").text


def test_a_letter_held_by_the_list_says_so_on_the_message(camp, desk):
    message = post(desk, "Assembly at eight")
    fill(desk, hold=False)
    with desk.store.transaction():
        tables_of(desk).mark_sent("camps", [message], desk.time_s)
        tables_of(desk).list_said("camps", message, "held", "Post by non-member", desk.time_s)
    with camp.phone() as phone:
        page = phone.get(f"/m/{message.hex()}").text
        said = phone.get("/api/v1/messages").json()["messages"]
    assert "held by the moderators of the mailing list" in page
    assert "Post by non-member" in page
    assert [each["list"] for each in said if each["id"] == message.hex()] == ["held"]


def test_letters_of_noise_still_make_light_pages(camp, desk):
    chance = Random(1)
    noise = ["".join(chr(chance.randrange(0x4E00, 0x9FA5)) for _ in range(1_300)) for _ in range(3)]
    messages = [post(desk, text) for text in noise]
    short = [post(desk, f"+34 612 345 {n}") for n in range(100, 112)]
    fill(desk, introduce=True)
    with camp.with_card(Role.MODERATOR) as phone:
        for path in (
            "/mail/held",
            f"/mail/1/preview/{messages[0].hex()}",
            f"/mail/1/preview/{short[0].hex()}",
        ):
            assert len(gzip.compress(phone.get(path).content, 6)) <= 10_000, path
        for _ in messages:
            form = fields(phone.get("/mail/held").text, "/mail/held/approve")
            assert phone.post("/mail/held/approve", data=form).status_code == 303
        assert len(gzip.compress(phone.get("/mail/held").content, 6)) <= 10_000


def test_who_decides_is_told_that_letters_wait(camp, desk):
    post(desk, "Assembly at eight")
    fill(desk)
    with camp.with_card(Role.COORDINATOR) as phone:
        for path in ("/coordinator", "/moderate", "/mail"):
            assert "1 letter waits for your word" in phone.get(path).text


def test_a_long_queue_says_how_long_it_is(camp, desk):
    for n in range(30):
        post(desk, f"Message {n}")
    fill(desk)
    with camp.with_card(Role.MODERATOR) as phone:
        page = phone.get("/mail/held").text
    shown = page.count('action="/mail/held/approve"')
    assert 5 <= shown <= 12
    assert f"{30 - shown} more behind these" in page


@pytest.mark.parametrize(
    ("words", "channels"),
    [
        ({}, ["announcements"]),  # marked "to the list", but for what another list names
        ({"channels": ("*",)}, ["general", "announcements", "kitchen"]),
        ({"channels": ("kitchen", "general", "nowhere")}, ["general", "kitchen"]),
        ({"direction": "in"}, []),
    ],
)
def test_which_channels_go_to_a_list(tmp_path, words, channels):
    desk = TestDesk(tmp_path, "Sol", mail_lists=(replace(CAMPS, **words), FOLDER))
    desk.order(MakeGroup("kitchen", "Food"), COORDINATOR)
    assert [channel.name for channel in desk.mail().lists()[0].channels] == channels


def test_a_camp_without_lists_is_told_how_to_get_one(tmp_path):
    with Camp(TestDesk(tmp_path)).with_card(Role.MODERATOR) as phone:
        assert "[[list]]" in phone.get("/mail").text
        assert "No letter waits" in phone.get("/mail/held").text
        assert "No notice so far" in phone.get("/mail/notices").text
        assert phone.get(f"/mail/1/preview/{'0' * 32}").status_code == 404


def test_only_coordinators_pause_and_only_moderators_hold(desk):
    with pytest.raises(Refused, match="not_allowed"):
        desk.order(PauseList("camps", True), Actor(role=Role.MODERATOR))
    with pytest.raises(Refused, match="not_allowed"):
        desk.order(SetLetterHold("camps", "general", True), Actor(role=Role.LIAISON, group="kitchen"))
