"""The coordinators' page of links: seen, added, stopped, started, taken away, and taken back."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from html import unescape

import pytest

from sync.message import Role
from tests.web.square import filled
from web_ui.desk import AirtimeView, LinkView


@pytest.fixture
def square(tmp_path):
    return filled(tmp_path)


@pytest.fixture
def phone(square):
    with square.camp.with_card(Role.COORDINATOR) as phone:
        yield phone


def token_in(html: str) -> str:
    return re.findall(r'name="token" value="([^"]+)"', html)[0]


def send(phone, path: str, form: str, **fields: str):
    """Open `form`, and send its token with these fields to `path`."""
    return phone.post(path, data={"token": token_in(phone.get(form).text), **fields})


def names(square) -> list[str]:
    return [road.name for road in square.camp.desk.road_views]


def test_the_page_says_how_each_link_goes(phone):
    page = phone.get("/coordinator/links").text
    assert "norte.camp.internal:8080" in page
    assert "214 frames came, 187 went" in page
    assert "EU_868: sent for 1.2 % of the last hour" in page
    others = page.partition("Camps that found this one")[2]
    assert "searching for a neighbour" in others


@pytest.mark.parametrize(
    ("language", "came", "says"),
    [
        ("en", 1, "1 frame came, 4 went"),
        ("en", 2, "2 frames came, 4 went"),
        ("es", 1, "Llegó 1 trama, salieron 4"),
        ("es", 0, "Llegaron 0 tramas, salieron 4"),
    ],
)
def test_one_frame_is_no_frames(square, phone, language, came, says):
    square.camp.desk.link_views = (LinkView("one", "ip", "talking", None, square.sol.time_s, came, 4),)
    assert says in phone.get("/status", headers={"accept-language": language}).text


def test_what_the_environment_says_cannot_be_changed(phone, square):
    page = phone.get("/coordinator/links").text
    assert "/coordinator/links/ip-1/stop" in page
    assert "/coordinator/links/air-1/stop" not in page
    assert page.count("This is set where the node is started") == 1
    answer = send(phone, "/coordinator/links/air-1/remove", "/coordinator/links")
    assert answer.status_code == 409
    assert "This is set where the node is started" in answer.text
    assert names(square) == ["ip-1", "air-1"]


def test_a_link_is_added_and_its_form_keeps_what_was_typed(phone, square):
    form = "/coordinator/links/add/ip"
    answer = send(phone, form, form, url="south:8080")
    assert answer.status_code == 422
    assert 'value="south:8080"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "This cannot be right." in answer.text
    answer = send(phone, form, form, url="")
    assert (answer.status_code, "Something is missing." in answer.text) == (422, True)
    answer = send(phone, form, form, url="http://south:8080")
    assert answer.headers["location"] == "/coordinator/links"
    assert "http://south:8080" in phone.get("/coordinator/links").text
    answer = send(phone, form, form, url="http://south:8080")
    assert (answer.status_code, "There is such a link already." in answer.text) == (409, True)
    assert 'value="http://south:8080"' in answer.text
    assert names(square) == ["ip-1", "air-1", "ip-3"]


def test_a_form_that_was_sent_before_adds_nothing(phone, square):
    form = "/coordinator/links/add/ip"
    token = token_in(phone.get(form).text)
    for status, url in ((303, "http://a:1"), (409, "http://b:1")):
        assert phone.post(form, data={"token": token, "url": url}).status_code == status
    assert names(square) == ["ip-1", "air-1", "ip-3"]


def test_what_is_plugged_in_fills_the_form_in(phone):
    page = phone.get("/coordinator/links/add/board").text
    assert "usb-&lt;b&gt;" in page
    address = unescape(re.findall(r'href="(/coordinator/links/add/board\?[^"]+)"', page)[0])
    filled_in = phone.get(address).text
    assert 'value="/dev/serial/by-id/usb-&lt;b&gt;"' in filled_in
    assert "<option selected>EU_868</option>" in filled_in


def test_a_link_is_stopped_and_started(phone, square):
    answer = send(phone, "/coordinator/links/ip-1/stop", "/coordinator/links")
    assert answer.headers["location"] == "/coordinator/links"
    assert square.camp.desk.road_views[0].stopped
    assert "/coordinator/links/ip-1/start" in phone.get("/coordinator/links").text
    send(phone, "/coordinator/links/ip-1/start", "/coordinator/links")
    assert not square.camp.desk.road_views[0].stopped


def test_a_link_that_was_removed_can_be_added_again(phone, square):
    answer = send(phone, "/coordinator/links/ip-1/remove", "/coordinator/links")
    assert answer.status_code == 303
    assert names(square) == ["air-1"]
    form = phone.get(answer.headers["location"]).text
    assert "The link was removed." in form
    assert 'value="norte.camp.internal:8080"' in form


def test_a_page_of_sixteen_links_and_a_hundred_neighbours_is_light(square, phone):
    desk, radio = square.camp.desk, square.camp.desk.link_views[2]
    said = tuple((word, f"What is set as {word}", "/dev/serial/by-id/usb-a-long-name") for word in "abcdef")
    desk.road_views = tuple(
        replace(
            desk.road_views[0],
            name=f"udp-{n}",
            words=said,
            links=(replace(radio, why="No board is plugged in."),),
        )
        for n in range(16)
    )
    desk.link_views = tuple(
        replace(desk.link_views[0], name=f"ip-in-{n}", peer=f"Camp {n}") for n in range(100)
    )
    page = phone.get("/coordinator/links")
    assert "88 more are not shown." in page.text
    assert len(gzip.compress(page.content, 6)) <= 10_000


@pytest.mark.parametrize("act", ["stop", "start", "remove"])
def test_a_link_that_is_gone_is_said_to_be_gone(phone, act):
    answer = send(phone, f"/coordinator/links/ip-9/{act}", "/coordinator/links")
    assert (answer.status_code, "There is no such link any more." in answer.text) == (409, True)


@pytest.mark.parametrize("method", ["get", "post"])
def test_there_is_no_form_of_a_kind_nobody_knows(phone, method):
    token = token_in(phone.get("/coordinator/links").text)
    arguments = {"data": {"token": token}} if method == "post" else {}
    assert getattr(phone, method)("/coordinator/links/add/sea", **arguments).status_code == 404


@pytest.mark.parametrize(
    ("kind", "language", "says"),
    [
        ("meshtastic", "en", "searching for the board"),
        ("meshtastic", "es", "buscando la placa"),
        ("modem", "en", "searching for the modem"),
        ("ip", "en", "searching for a neighbour"),
    ],
)
@pytest.mark.parametrize("path", ["/status", "/coordinator/links"])
def test_who_has_no_device_yet_searches_for_that(square, phone, kind, language, says, path):
    link = LinkView("one", kind, "searching", None, square.sol.time_s, 0, 0, None, "No board is plugged in.")
    desk = square.camp.desk
    desk.link_views = (link,)
    desk.road_views = (replace(desk.road_views[0], links=(link,)),)
    assert says in phone.get(path, headers={"accept-language": language}).text


@pytest.mark.parametrize(
    ("state", "why", "waits_for", "language", "says"),
    [
        ("searching", "", None, "en", "searching for a neighbour"),
        ("unplugged", "", None, "en", "unplugged"),
        ("unplugged", "", None, "es", "desconectado"),
        ("refused", "set its region", None, "en", "set its region"),
        ("stopped", "", None, "es", "parado"),
        ("broken", "no library", None, "en", "cannot be used"),
        ("talking", "", "firmware", "en", "everything waits for 52 minutes"),
        ("talking", "", "firmware", "es", "todo espera 52 minutos"),
    ],
)
@pytest.mark.parametrize("path", ["/status", "/coordinator/links"])
def test_every_state_of_a_link_is_a_sentence(square, phone, state, why, waits_for, language, says, path):
    radio = AirtimeView("EU_868", "LONG_FAST", 0.05, 0.05, 0.01, 0.1, 0.2, waits_for, 3_090.0)
    link = LinkView("air-9", "board", state, None, square.sol.time_s, 3, 4, radio, why)
    desk = square.camp.desk
    desk.link_views = (link,)
    desk.road_views = (replace(desk.road_views[0], links=(link,)),)
    assert says in phone.get(path, headers={"accept-language": language}).text
