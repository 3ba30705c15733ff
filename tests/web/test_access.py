"""Every route of the application × every role × both ports, against the one table."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

from sync.message import Role
from tests.web.desk import Camp, TestDesk
from tests.web.phone import Phone
from web_ui.access import TABLE, Asked, Door, Verdict, decide
from web_ui.desk import WebSettings
from web_ui.visit import HTTP_SESSION_COOKIE

ROLES = (Role.VISITOR, Role.CAMPER, Role.LIAISON, Role.MODERATOR, Role.COORDINATOR)


@pytest.fixture
def camp(tmp_path):
    return Camp(TestDesk(tmp_path))


def routes(app) -> list[APIRoute]:
    """Every route there is, wherever it was added."""
    found: list[APIRoute] = []
    queue = list(app.routes)
    while queue:
        route = queue.pop()
        inner = getattr(getattr(route, "original_router", None), "routes", None) or getattr(
            route, "routes", None
        )
        if isinstance(route, APIRoute):
            found.append(route)
        elif inner:
            queue += inner
        else:
            raise AssertionError(f"a route the walk does not understand: {route!r}")
    return found


def test_the_table_names_every_route_and_no_other(camp):
    served = {(method, route.path) for route in routes(camp.app) for method in route.methods or ()}
    assert served == set(TABLE)


def phone_of(camp: Camp, role: Role, secure: bool) -> Phone:
    """A phone that shows what a person of this role would show at this port."""
    if role in (Role.VISITOR, Role.CAMPER):
        phone = camp.phone(secure=secure)
    elif secure:
        phone = camp.with_card(role, "kitchen" if role is Role.LIAISON else None)
    else:
        phone = camp.phone()
        phone.cookies.set(HTTP_SESSION_COOKIE, camp.desk.session(role))
    if role is Role.CAMPER:
        phone.cookies.set("device", "a phone that has posted before")
    return phone


def path_of(route: str) -> str:
    path = route.replace("{message}", "0" * 32).replace("{channel}", "general").replace("{code}", "es")
    return (
        path.replace("{secret}", "MC-1")
        .replace("{card}", "77")
        .replace("{session}", "77")
        .replace("{link}", "ip-1")
        .replace("{kind}", "ip")
        .replace("{number}", "1")
    )


def expected(route: tuple[str, str], role: Role, secure: bool, liaisons_on_http: bool) -> Verdict:
    """The rule of DESIGN §6 in other words than the table's."""
    method, path = route
    above = {"/m/{message}/hide", "/m/{message}/unhide", "/m/{message}/mute"}
    needs = None
    if path.startswith("/coordinator") or path == "/mail/pause":
        needs = Role.COORDINATOR
    elif "/preview/" in path or path.startswith("/join"):  # an address is typed there: by HTTPS only
        if not secure:
            return Verdict.HIDDEN
        needs = Role.LIAISON
    elif path.startswith(("/moderate", "/mail")) or path in above:
        needs = Role.MODERATOR
    elif path.startswith(("/held", "/clock", "/leave")):
        needs = Role.LIAISON
    if path == "/metrics":
        return Verdict.HIDDEN
    liaison_page = needs is Role.LIAISON or path.startswith("/card")
    if not secure and (needs or liaison_page) and not (liaisons_on_http and liaison_page):
        return Verdict.HIDDEN
    holds = role in (Role.LIAISON, Role.MODERATOR, Role.COORDINATOR)
    if not secure and role is not Role.LIAISON:
        holds = False
    if needs is None or (holds and role >= needs):
        return Verdict.ENTER
    return Verdict.TO_CARD if method == "GET" and not holds else Verdict.FORBIDDEN


@pytest.mark.parametrize("liaisons_on_http", [False, True])
@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("role", ROLES)
def test_every_route_for_every_role_by_both_ports(tmp_path, role, secure, liaisons_on_http):
    camp = Camp(TestDesk(tmp_path), WebSettings(liaisons_on_http=liaisons_on_http))
    with phone_of(camp, role, secure) as phone:
        for route in TABLE:
            method, path = route
            answer = phone.request(method, path_of(path))
            verdict = expected(route, role, secure, liaisons_on_http)
            where = (method, path, role, secure, answer.status_code)
            sent_to_card = answer.status_code == 303 and answer.headers["location"] == "/card"
            if verdict is Verdict.HIDDEN:
                assert answer.status_code == 404, where
            elif verdict is Verdict.TO_CARD:
                assert sent_to_card, where
            elif verdict is Verdict.FORBIDDEN:
                assert answer.status_code == 403, where
            else:  # the page itself, or what it says to an empty form or an unknown message
                assert not sent_to_card, where
                assert answer.status_code in (200, 303, 404, 409, 415, 422), where


def test_what_needs_a_card_looks_on_http_like_what_does_not_exist(camp):
    with camp.phone() as phone:
        hidden = phone.get("/coordinator")
        missing = phone.get("/no-such-page")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text.replace("/coordinator", "/no-such-page") == missing.text


def test_a_session_above_liaison_is_no_session_on_http(tmp_path):
    desk = TestDesk(tmp_path)
    camp = Camp(desk, WebSettings(liaisons_on_http=True))
    with camp.phone() as phone:
        phone.cookies.set(HTTP_SESSION_COOKIE, desk.session(Role.COORDINATOR))
        assert phone.get("/held").headers["location"] == "/card"
        phone.cookies.clear()
        phone.cookies.set(HTTP_SESSION_COOKIE, desk.session(Role.LIAISON))
        assert phone.get("/held").status_code == 200
        phone.cookies.clear()


def test_metrics_are_for_the_box_itself(camp):
    for address in ("127.0.0.1", "::1", "127.9.9.9", "::ffff:127.0.0.1"):
        with camp.phone(address=address) as phone:
            assert phone.get("/metrics").status_code == 200
    for address in ("10.0.0.7", "192.168.4.1", "fe80::1", "::ffff:10.0.0.7", "testclient"):
        with camp.phone(address=address) as phone:
            assert phone.get("/metrics").status_code == 404


def test_a_session_ends_with_its_card(camp):
    desk = camp.desk
    with camp.with_card(Role.MODERATOR) as phone:
        assert phone.get("/moderate").status_code == 200
        desk.pass_time(8 * 86_400)
        assert phone.get("/moderate").headers["location"] == "/card"


@pytest.mark.parametrize("role", ROLES)
def test_a_program_with_a_session_speaks_with_its_role(camp, role):
    with phone_of(camp, role, secure=True) as phone:
        answer = phone.post("/api/v1/messages", json={"channel": "general", "text": f"I am {role.word}"})
    assert answer.status_code == 201
    assert answer.json()["role"] == ("camper" if role is Role.VISITOR else role.word)


def test_decide_hides_loopback_routes_first():
    rule = TABLE["GET", "/metrics"]
    assert rule.door is Door.LOOPBACK
    assert decide(rule, Asked("GET", Role.COORDINATOR, True, False), True) is Verdict.HIDDEN
    assert decide(rule, Asked("GET", Role.VISITOR, False, True), False) is Verdict.ENTER


@pytest.mark.parametrize(
    ("method", "path", "secure", "status", "allow"),
    [
        ("DELETE", "/held", False, 404, None),
        ("DELETE", "/held", True, 405, "GET, HEAD"),
        ("GET", "/coordinator/pin", False, 404, None),
        ("GET", "/coordinator/pin", True, 405, "POST"),
        ("PUT", "/post", False, 405, "GET, HEAD, POST"),
        ("DELETE", "/nowhere", True, 404, None),
    ],
)
def test_another_method_finds_no_page_that_is_not_at_this_door(camp, method, path, secure, status, allow):
    with camp.phone(secure=secure) as phone:
        answer = phone.request(method, path)
    assert (answer.status_code, answer.headers.get("allow")) == (status, allow)
