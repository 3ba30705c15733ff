"""Writing on the pages: posts, replies, mic checks, and what happens to text that is refused."""

from __future__ import annotations

import pytest

from sync.actions import Refusal, Refused
from sync.message import Role
from tests.web.desk import Camp, TestDesk
from tests.web.phone import HTTP, HTTPS, fields_in


@pytest.fixture
def camp(tmp_path):
    return Camp(TestDesk(tmp_path))


@pytest.fixture
def phone(camp):
    with camp.phone() as phone:
        yield phone


def shown(camp, channel=None):
    return [view.text for view in camp.desk.reader().messages(channel, None, 100).messages]


def test_a_post_is_shown_after_a_redirect(camp, phone):
    answer = phone.fill("/c/general", "/post", text="water at gate 4\nbring bottles", nickname="Lola")
    assert answer.status_code == 303
    page = phone.get(answer.headers["location"])
    assert "water at gate 4\nbring bottles</p>" in page.text
    assert "waiting for the radio" in page.text
    assert "water at gate 4" in phone.get("/").text
    assert shown(camp) == ["water at gate 4\nbring bottles"]


def test_a_double_tap_posts_once_and_both_answers_lead_to_the_post(camp, phone):
    fields = phone.fields("/c/general", "/post") | {"text": "once"}
    first = phone.post("/post", data=fields)
    with camp.phone() as second_connection:  # the cookie of the first answer has not arrived yet
        second = second_connection.post("/post", data=fields)
        assert dict(second_connection.cookies) == dict(phone.cookies)
    assert first.headers["location"] == second.headers["location"]
    assert shown(camp) == ["once"]


def test_the_same_words_by_two_forms_are_two_posts(camp, phone):
    phone.fill("/c/general", "/post", text="again")
    phone.fill("/c/general", "/post", text="again")
    assert shown(camp) == ["again", "again"]


def test_a_used_form_with_other_words_comes_back_with_them(camp, phone):
    fields = phone.fields("/c/general", "/post")
    phone.post("/post", data=fields | {"text": "first words"})
    answer = phone.post("/post", data=fields | {"text": "other words"})
    assert answer.status_code == 422
    kept = fields_in(answer.text, "/post")
    assert kept["text"] == "other words"
    assert phone.post("/post", data=kept).status_code == 303
    assert shown(camp) == ["first words", "other words"]


@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        ({"text": "   \n "}, 422, "nothing in it yet"),
        ({"text": "x" * 4_001}, 422, "too long"),
        ({"text": "hello", "nickname": "n" * 49}, 422, "a name 40; fewer in some scripts"),
        ({"text": "hello", "nickname": "ليلى " * 8}, 422, "fewer in some scripts"),
        ({"text": "hello", "channel": "nowhere"}, 422, "no such channel"),
        ({"text": "hello", "channel": "letters"}, 403, "for others to do"),
        ({"text": "hello", "reply_to": "00" * 16}, 404, "not here"),
        ({"text": "hello", "reply_to": "zz"}, 404, "not here"),
        ({"text": "hello", "token": "forged"}, 422, "open for long"),
        ({"text": "hello", "token": ""}, 422, "open for long"),
        ({"text": "hello", "token": "x" * 5_000}, 422, "open for long"),
        ({"text": "a mic check", "channel": "here", "urgent": "1"}, 403, "for others to do"),
        ({"text": "call 600 123 456"}, 422, "600 123 456"),
    ],
)
def test_what_is_refused_comes_back_with_its_text_and_one_sentence(camp, phone, typed, status, says):
    answer = phone.fill("/post", "/post", **typed)
    assert answer.status_code == status
    assert says in answer.text
    kept = fields_in(answer.text, "/post")
    assert kept["text"].strip() == typed["text"].strip()
    assert kept["nickname"] == typed.get("nickname", "")
    assert shown(camp) == []


def test_a_form_open_for_a_day_comes_back_with_its_text(camp, phone):
    fields = phone.fields("/c/general", "/post") | {"text": "written slowly"}
    camp.desk.pass_time(25 * 3600)
    answer = phone.post("/post", data=fields)
    assert answer.status_code == 422
    assert phone.post("/post", data=fields_in(answer.text, "/post")).status_code == 303
    assert shown(camp) == ["written slowly"]


def test_a_form_from_before_the_clock_was_set_back_comes_back(camp, phone):
    fields = phone.fields("/c/general", "/post") | {"text": "early"}
    camp.desk.time_s -= 7_200
    assert phone.post("/post", data=fields).status_code == 422


def test_a_phone_number_is_pointed_out_and_posted_when_its_author_insists(camp, phone):
    answer = phone.fill("/c/general", "/post", text="medic: 600 123 456, or help@example.org")
    assert answer.status_code == 422
    assert "600 123 456" in answer.text
    assert "help@example.org" in answer.text
    kept = fields_in(answer.text, "/post")
    assert phone.post("/post", data=kept).status_code == 422
    assert phone.post("/post", data=kept | {"public": "1"}).status_code == 303
    assert shown(camp) == ["medic: 600 123 456, or help@example.org"]


def test_too_fast_is_said_with_a_time_and_the_text_kept(tmp_path):
    camp = Camp(TestDesk(tmp_path, device_per_minute=6))
    with camp.phone() as phone:
        answers = [phone.fill("/post", "/post", text=f"post {n}") for n in range(8)]
    assert [answer.status_code for answer in answers[:6]] == [303] * 6
    assert answers[7].status_code == 429
    assert int(answers[7].headers["retry-after"]) >= 1
    assert fields_in(answers[7].text, "/post")["text"] == "post 7"


def test_a_full_disk_keeps_the_text_and_reads_go_on(camp, phone, monkeypatch):
    async def full(action, actor):
        raise Refused(Refusal.DISK_FULL)

    fields = phone.fields("/post", "/post") | {"text": "one more"}
    monkeypatch.setattr(camp.desk, "do", full)
    answer = phone.post("/post", data=fields)
    assert answer.status_code == 507
    assert fields_in(answer.text, "/post")["text"] == "one more"
    assert phone.get("/").status_code == 200


def test_a_reply_stands_in_the_thread(camp, phone):
    root = phone.fill("/c/general", "/post", text="who has tents?").headers["location"]
    answer = phone.fill(root, "/post", text="we have two")
    assert answer.status_code == 303
    assert "we have two" in phone.get(root).text
    assert "1 reply" in phone.get("/c/general").text
    reply = phone.get(answer.headers["location"]).text
    assert "who has tents?" in reply


def test_long_threads_go_on_on_another_page(camp, phone):
    root = phone.fill("/c/general", "/post", text="count").headers["location"]
    for n in range(25):
        phone.fill(root, "/post", text=f"number {n} of many")
    first = phone.get(root).text
    assert "number 0 of" in first
    assert "number 24 of" not in first
    second = phone.get(f"{root}?from=20").text
    assert "number 24 of" in second


def test_a_mic_check_waits_until_a_liaison_repeats_it(camp, phone):
    answer = phone.fill("/mic-check", "/post", text="storm from the west")
    page = phone.get(answer.headers["location"])
    assert "waits for a person of this camp to repeat it" in page.text
    assert "storm" not in phone.get("/").text
    with camp.with_card(Role.LIAISON, "kitchen") as liaison:
        action = f"/held{answer.headers['location'].removeprefix('/m')}/release"
        released = liaison.fill("/held", action)
        assert released.status_code == 303
    front = phone.get("/").text
    assert "storm from the west" in front
    assert '<article class="alarm' in front


def test_the_phone_that_posted_takes_it_back_and_no_other(camp, phone):
    path = phone.fill("/c/general", "/post", text="wrong gate").headers["location"]
    assert "Take it back" in phone.get(path).text
    with camp.phone() as other:
        other.fill("/c/general", "/post", text="something else")
        assert "Take it back" not in other.get(path).text
        token = other.fields("/post", "/post")["token"]
        assert other.post(f"{path}/retract", data={"token": token}).status_code == 403
    assert phone.fill(path, f"{path}/retract").status_code == 303
    after = phone.get(path)
    assert "wrong gate" not in after.text
    assert "taken back" in after.text


def test_text_is_never_markup(camp, phone):
    nasty = "<script>alert(1)</script> <b>x</b> \"' &amp; {{ 7*7 }} {% raw %} </textarea>"
    path = phone.fill("/c/general", "/post", text=nasty, nickname="<i>n</i>").headers["location"]
    for page in (path, "/", "/c/general", "/search?q=alert"):
        text = phone.get(page).text
        assert "<script>alert" not in text
        assert "<b>x</b>" not in text
        assert "<i>n</i>" not in text
    again = phone.fill("/post", "/post", text=nasty, channel="nowhere")
    assert fields_in(again.text, "/post")["text"] == nasty
    assert phone.get("/search", params={"q": '"><script>alert(1)</script>'}).text.count("<script>alert") == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://camp.internal:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_forms_of_other_sites_are_refused(camp, phone, headers):
    fields = phone.fields("/post", "/post") | {"text": "not mine"}
    answer = phone.post("/post", data=fields, headers=headers)
    assert answer.status_code == 403
    program = phone.post("/api/v1/messages", json={"channel": "general", "text": "x"}, headers=headers)
    assert program.status_code == 403
    assert program.headers["content-type"] == "application/problem+json"
    assert shown(camp) == []


@pytest.mark.parametrize(
    "headers", [{"origin": HTTP}, {"origin": "null"}, {"sec-fetch-site": "same-origin"}, {}]
)
def test_our_own_forms_are_taken(camp, phone, headers):
    fields = phone.fields("/post", "/post") | {"text": "mine"}
    assert phone.post("/post", data=fields, headers=headers).status_code == 303


def test_a_session_wants_an_origin_it_can_see(camp):
    with camp.with_card(Role.COORDINATOR) as phone:
        fields = phone.fields("/coordinator/hotline", "/coordinator/hotline") | {"text": "medic"}
        assert phone.post("/coordinator/hotline", data=fields, headers={"origin": "null"}).status_code == 403
        assert phone.post("/coordinator/hotline", data=fields, headers={"origin": HTTPS}).status_code == 303


def test_a_token_of_one_session_is_none_in_another(camp):
    with camp.with_card(Role.COORDINATOR) as one, camp.with_card(Role.COORDINATOR) as other:
        fields = one.fields("/coordinator/hotline", "/coordinator/hotline") | {"text": "medic"}
        assert other.post("/coordinator/hotline", data=fields).status_code == 409
        with camp.phone(secure=True) as stranger:
            post_token = stranger.fields("/post", "/post")["token"]
        fields["token"] = post_token
        assert one.post("/coordinator/hotline", data=fields).status_code == 409


def test_too_much_is_refused_unread(camp, phone):
    answer = phone.post("/post", data={"text": "x" * 70_000})
    assert answer.status_code == 413
    assert "far too long" in answer.text


def test_odd_bodies_get_a_page_and_not_a_fault(camp, phone):
    for body, kind in (
        (b"\xff\xfe%zz&text=\x00", "application/x-www-form-urlencoded"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (b"{}", "application/json"),
        (b"&".join(b"a%d=1" % n for n in range(500)), "application/x-www-form-urlencoded"),
    ):
        answer = phone.post("/post", content=body, headers={"content-type": kind})
        assert answer.status_code in (400, 422), (body, answer.status_code)
        assert "<main" in answer.text


@pytest.mark.parametrize(
    "charset", ["unicode_escape", "RAW_UNICODE_ESCAPE", "punycode", "undefined", "utf-16", '"utf-7"', "\\xff"]
)
def test_a_form_in_a_charset_of_programmers_is_not_read(camp, phone, charset):
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n\\ud800\r\n'
        for name in ("token", "channel", "text", "nickname", "reply_to")
    )
    answer = phone.request(
        "POST",
        "/post",
        content=f"{parts}--x--\r\n".encode(),
        headers={"content-type": f"multipart/form-data; boundary=x; CharSet={charset}"},
    )
    assert answer.status_code == 415
    assert "did not understand" in answer.text
    assert shown(camp) == []
