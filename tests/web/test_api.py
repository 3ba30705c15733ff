"""HTTP for programs: the fields, the order, the refusals."""

from __future__ import annotations

import re

import pytest

from sync.message import Role
from tests.web.desk import Camp, TestDesk
from tests.web.square import filled
from web_ui import api_shapes as shapes

# DESIGN §7, word for word.
FIELDS = [
    "id", "camp", "channel", "author", "text", "role", "kind", "created", "received", "via", "parent",
    "urgent", "state", "heard_by", "echoes", "list",
]  # fmt: skip
PROBLEM = ["type", "title", "status", "detail"]


@pytest.fixture
def camp(tmp_path):
    return Camp(TestDesk(tmp_path))


@pytest.fixture
def phone(camp):
    with camp.phone() as phone:
        yield phone


@pytest.fixture(scope="module")
def square(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("square"))


def post(phone, text="water at gate 4", headers=None, **fields):
    return phone.post(
        "/api/v1/messages", json={"channel": "general", "text": text, **fields}, headers=headers
    )


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert list(answer.json()) == PROBLEM
    assert answer.json()["status"] == status
    return answer.json()


def test_a_message_has_exactly_these_fields(camp, phone):
    answer = post(phone, author="Lola")
    assert answer.status_code == 201
    message = answer.json()
    assert list(message) == FIELDS
    assert re.fullmatch("[0-9a-f]{32}", message["id"])
    assert message["camp"] == {"id": camp.desk.identity.author.hex(), "name": "Sol"}
    assert (message["channel"], message["author"], message["text"]) == ("general", "Lola", "water at gate 4")
    assert (message["role"], message["kind"], message["via"]) == ("camper", "post", "here")
    assert (message["parent"], message["urgent"], message["list"]) == (None, False, None)
    assert (message["state"], message["heard_by"], message["echoes"]) == ("waiting", [], 0)
    assert message["created"] == message["received"] == "2026-11-30T08:00:00Z"
    assert phone.get("/api/v1/messages").json() == {"messages": [message], "next": None}


def test_messages_come_oldest_first_and_go_on_after_one(phone):
    ids = [post(phone, f"post {n}").json()["id"] for n in range(5)]
    first = phone.get("/api/v1/messages", params={"limit": 2}).json()
    assert [message["id"] for message in first["messages"]] == ids[:2]
    assert first["next"] == ids[1]
    second = phone.get("/api/v1/messages", params={"limit": 3, "after": first["next"]}).json()
    assert [message["id"] for message in second["messages"]] == ids[2:]
    assert second["next"] is None


def test_messages_of_one_channel(phone):
    post(phone, "everywhere")
    post(phone, "only here", channel="here")
    got = phone.get("/api/v1/messages", params={"channel": "here"}).json()
    assert [message["text"] for message in got["messages"]] == ["only here"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": "0"}, 422),
        ({"limit": "501"}, 422),
        ({"limit": "-1"}, 422),
        ({"limit": "ten"}, 422),
        ({"limit": "1e2"}, 422),
        ({"limit": "٣"}, 422),
        ({"after": "xyz"}, 422),
        ({"after": "00"}, 422),
        ({"after": "00" * 16}, 404),
        ({"channel": "nowhere"}, 404),
    ],
)
def test_odd_questions_get_a_problem(phone, query, status):
    problem(phone.get("/api/v1/messages", params=query), status)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 30_000, 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"channel": "general"}', 422),
        (b'{"channel": "general", "text": 5}', 422),
        (b'{"channel": "general", "text": null}', 422),
        (b'{"channel": "general", "text": "x", "urgent": "yes"}', 422),
        (b'{"channel": "general", "text": "x", "role": "coordinator"}', 422),
        (b'{"channel": "general", "text": "x", "reply_to": "12"}', 422),
        (b'{"channel": "general", "text": "x", "reply_to": "%s"}' % (b"00" * 16), 404),
        (b'{"channel": "general", "text": ""}', 422),
        (b'{"channel": "nowhere", "text": "x"}', 422),
        (b'{"channel": "letters", "text": "x"}', 403),
        (b'{"channel": "general", "text": "%s"}' % (b"x" * 4_001), 422),
        (b'{"channel": "general", "text": "%s"}' % (b"x" * 70_000), 413),
        (b'{"channel": "general", "text": "x", "author": "%s"}' % (b"n" * 49), 422),
    ],
)
def test_odd_posts_get_a_problem_and_store_nothing(phone, body, status):
    answer = phone.post("/api/v1/messages", content=body, headers={"content-type": "application/json"})
    problem(answer, status)
    assert phone.get("/api/v1/messages").json()["messages"] == []


def test_another_media_type_is_refused(phone):
    text = b'{"channel": "general", "text": "x"}'
    problem(phone.post("/api/v1/messages", content=text, headers={"content-type": "text/plain"}), 415)
    problem(phone.post("/api/v1/messages", content=text), 415)


def test_a_repeat_with_the_same_key_is_answered_with_the_first(phone):
    key = {"Idempotency-Key": "0a1b"}
    first = post(phone, "once", key)
    again = post(phone, "once", key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(phone.get("/api/v1/messages").json()["messages"]) == 1
    refused = problem(post(phone, "other words", key), 422)
    assert refused["type"] == "urn:miccheck:refused:token_used"
    assert "Idempotency-Key" in refused["detail"]
    problem(post(phone, "x", {"Idempotency-Key": "k" * 201}), 422)
    problem(post(phone, "x", {"Idempotency-Key": ""}), 422)


def test_what_waits_for_a_person_is_created_and_held(camp, phone):
    urgent = post(phone, "storm", urgent=True)
    quiet = post(phone, "may I?", channel="announcements")
    assert (urgent.status_code, urgent.json()["state"]) == (201, "held")
    assert (quiet.status_code, quiet.json()["state"]) == (201, "held")
    assert urgent.json()["urgent"] is True
    assert phone.get("/api/v1/messages").json()["messages"] == []


def test_a_liaison_calls_a_mic_check_at_once(camp):
    with camp.with_card(Role.LIAISON, "kitchen") as liaison:
        message = post(liaison, "storm", urgent=True).json()
    assert (message["state"], message["kind"], message["role"]) == ("waiting", "mic_check", "liaison")


def test_too_fast_says_when_to_try_again(tmp_path):
    camp = Camp(TestDesk(tmp_path, device_per_minute=6))
    with camp.phone() as phone:
        answers = [post(phone, f"post {n}") for n in range(12)]
    assert answers[0].status_code == 201
    last = answers[-1]
    problem(last, 429)
    assert int(last.headers["retry-after"]) >= 1


def test_unknown_addresses_get_a_problem(phone):
    problem(phone.get("/api/v2/messages"), 404)
    assert "page" not in problem(phone.get("/api/v1/messages/"), 404)["detail"]
    refused = phone.delete("/api/v1/messages")
    assert "page" not in problem(refused, 405)["detail"]
    assert refused.headers["allow"] == "GET, HEAD, POST"
    assert phone.post("/api/v1/status").headers["allow"] == "GET, HEAD"


def test_what_is_described_is_what_is_answered(square):
    with square.camp.phone() as phone:
        for view in shapes.Messages.model_validate_json(phone.get("/api/v1/messages").content).messages:
            assert view.text or view.state in ("retracted", "neighbour")
        shapes.Channels.model_validate_json(phone.get("/api/v1/channels").content)
        status = shapes.Status.model_validate_json(phone.get("/api/v1/status").content)
        shapes.Health.model_validate_json(phone.get("/healthz").content)
        answer = phone.get("/api/openapi.json")
    described = answer.json()
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert status.camp.name == "Acampada Sol"
    assert status.refused == {"signature": 3, "length": 41}
    assert set(described["paths"]) == {
        "/healthz", "/api/v1/status", "/api/v1/channels", "/api/v1/messages",
    }  # fmt: skip


def test_what_was_hidden_has_no_text(square):
    with square.camp.phone() as phone:
        messages = phone.get("/api/v1/messages", params={"limit": 500}).json()["messages"]
    assert all("BATTERIES" not in message["text"] for message in messages)
    assert any(message["author"] == "seller" and message["text"] == "" for message in messages)


def test_mic_checks_count_who_heard_them(square):
    with square.camp.phone() as phone:
        messages = phone.get("/api/v1/messages", params={"limit": 500}).json()["messages"]
    heard = next(message for message in messages if message["kind"] == "mic_check")
    assert heard["echoes"] == 1
    assert heard["heard_by"] == [square.norte.identity.author.hex()]
    assert heard["state"] == "neighbour"


def test_the_status_says_what_a_radio_does_to_the_air(square):
    with square.camp.phone() as phone:
        cable, _, radio = phone.get("/api/v1/status").json()["links"]
    assert cable["airtime"] is None
    assert radio["airtime"] == {
        "region": "EU_868",
        "preset": "LONG_FAST",
        "used": 0.0123,
        "limit": 0.05,
        "for_alerts": 0.01,
        "law": 0.1,
        "busy": 0.31,
        "waits_for": "channel",
        "refused_s": 0,
    }


def test_metrics_count_the_box_and_nobody(square):
    with square.camp.phone(address="127.0.0.1") as phone:
        text = phone.get("/metrics").text
    assert "miccheck_messages 1" in text
    assert 'miccheck_refused_total{reason="length"} 41.0' in text
    assert 'miccheck_frames_total{link="0",way="in"} 214.0' in text
    assert 'miccheck_airtime_ratio{link="2"} 0.012345' in text
    assert 'miccheck_airtime_limit_ratio{link="2"} 0.05' in text
    assert 'miccheck_channel_busy_ratio{link="2"} 0.31' in text
    for word in ("plaza", "python_info", "process_", "10.0.0", "Lola"):
        assert word not in text
