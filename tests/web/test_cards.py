"""People with a card: entering it, deciding about posts, the coordinators' pages."""

from __future__ import annotations

import re

import pytest

from sync.actions import CardMade, MakeCard, WritePost, Written
from sync.farewell import write_letter
from sync.message import Role
from tests.web.desk import Camp, TestDesk
from tests.web.square import filled
from web_ui.desk import ClockView, WebSettings
from web_ui.visit import SESSION_COOKIE


@pytest.fixture
def camp(tmp_path):
    return Camp(TestDesk(tmp_path))


@pytest.fixture
def coordinator(camp):
    with camp.with_card(Role.COORDINATOR) as phone:
        yield phone


def card(camp, role=Role.MODERATOR, group=None):
    made = camp.desk.order(MakeCard(role, group))
    assert isinstance(made, CardMade)
    return made.secret


def test_a_card_opens_a_session_by_its_form_and_not_by_its_link(camp):
    secret = card(camp, Role.COORDINATOR)
    with camp.phone(secure=True) as phone:
        linked = phone.get(f"/card/{secret}")
        assert SESSION_COOKIE not in phone.cookies
        assert f'value="{secret}"' in linked.text
        answer = phone.fill(f"/card/{secret}", "/card", label="the cracked one")
        assert answer.headers["location"] == "/coordinator"
        cookie = answer.headers["set-cookie"]
        for part in ("__Host-session=", "Secure", "HttpOnly", "SameSite=strict", "Path=/"):
            assert part in cookie
        assert "Domain" not in cookie
        assert phone.get("/coordinator").status_code == 200
        assert "the cracked one" in phone.get("/coordinator/cards").text


@pytest.mark.parametrize("typed", ["mc {0}", "https://camp.internal:8443/card/{0}", "  {0}\n"])
def test_a_card_is_read_however_it_was_typed(camp, typed):
    secret = card(camp)
    if typed.startswith("mc"):
        secret = secret.removeprefix("MC-").lower().replace("-", " ")
    with camp.phone(secure=True) as phone:
        answer = phone.fill("/card", "/card", secret=typed.format(secret))
        assert (answer.status_code, answer.headers["location"]) == (303, "/held")


def test_a_wrong_card_says_so_and_keeps_what_was_typed(camp):
    with camp.phone(secure=True) as phone:
        answer = phone.fill("/card", "/card", secret="MC-00000-00000-00000-00000")
        assert answer.status_code == 403
        assert "MC-00000" in answer.text
        assert "opens nothing" in answer.text
        answers = [phone.fill("/card", "/card", secret="MC-00000-00000-00000-0000Z") for _ in range(30)]
    assert answers[-1].status_code == 429
    assert "retry-after" in answers[-1].headers


def test_leaving_ends_the_session(camp):
    with camp.with_card(Role.LIAISON, "kitchen") as phone:
        token = phone.cookies[SESSION_COOKIE]
        assert phone.fill("/held", "/leave").headers["location"] == "/"
        phone.cookies.set(SESSION_COOKIE, token)
        assert phone.get("/held").headers["location"] == "/card"


def test_a_high_card_shown_on_http_opens_nothing_and_is_called_out(tmp_path):
    camp = Camp(TestDesk(tmp_path), WebSettings(liaisons_on_http=True))
    with camp.phone() as phone:
        refused = phone.fill("/card", "/card", secret=card(camp, Role.COORDINATOR))
        assert refused.status_code == 403
        assert "let a coordinator replace it" in refused.text
        assert camp.desk.reader().sessions() == ()
        allowed = phone.fill("/card", "/card", secret=card(camp, Role.LIAISON, "kitchen"))
        assert allowed.status_code == 303
        assert "Secure" not in allowed.headers["set-cookie"]
        assert phone.get("/held").status_code == 200


def test_use_is_noted_once_an_hour(camp):
    with camp.with_card(Role.MODERATOR) as phone:
        phone.get("/held")
        assert camp.desk.used == []
        camp.desk.pass_time(3_700)
        phone.get("/held")
        assert camp.desk.used == [phone.cookies[SESSION_COOKIE]]


def test_the_queue_of_a_liaison_and_of_a_moderator(tmp_path):
    square = filled(tmp_path)
    with square.camp.with_card(Role.LIAISON, "kitchen") as liaison:
        page = liaison.get("/held").text
        assert "Police vans" in page
        assert "yoga" not in page
    with square.camp.with_card(Role.LIAISON) as liaison:  # of no group: only to repeat mic checks
        page = liaison.get("/held").text
        assert "Police vans" in page
        assert "yoga" not in page
        assert "/refuse" not in page
    with square.camp.with_card(Role.MODERATOR) as moderator:
        page = moderator.get("/held").text
        assert page.index("Police vans") < page.index("yoga")


def test_refusing_wants_a_reason_and_its_author_reads_it(camp):
    with camp.phone() as phone:
        path = phone.fill("/c/announcements", "/post", text="buy my batteries").headers["location"]
        held = f"/held{path.removeprefix('/m')}"
        with camp.with_card(Role.MODERATOR) as moderator:
            assert moderator.fill("/held", f"{held}/refuse", why=" ").status_code == 422
            assert moderator.fill("/held", f"{held}/refuse", why="an advertisement").status_code == 303
            late = moderator.fill(
                "/moderate", "/moderate/strangers", why="too many of them"
            )  # another form, to get a fresh token
            assert late.status_code == 303
        page = phone.get(path).text
        assert "was not let through" in page
        assert "an advertisement" in page
        assert "an advertisement" in phone.get("/log").text
        assert "batteries" not in phone.get("/c/announcements").text


def test_a_post_decided_by_another_says_so(camp):
    with camp.phone() as phone:
        path = phone.fill("/c/announcements", "/post", text="may I?").headers["location"]
    action = f"/held{path.removeprefix('/m')}/release"
    with camp.with_card(Role.MODERATOR) as one, camp.with_card(Role.MODERATOR) as other:
        fields = other.fields("/held", action)
        assert one.fill("/held", action).headers["location"] == path
        late = other.post(action, data=fields)
        assert late.status_code == 409
        assert "Somebody else was faster" in late.text


def test_hiding_shows_the_reason_and_unhiding_the_text(camp):
    with camp.phone() as phone, camp.with_card(Role.MODERATOR) as moderator:
        path = phone.fill("/c/general", "/post", text="cheap batteries").headers["location"]
        assert moderator.fill(path, f"{path}/hide", why="an advertisement").status_code == 303
        for page in (path, "/c/general", "/"):
            assert "cheap batteries" not in phone.get(page).text
        assert "an advertisement" in phone.get(path).text
        assert moderator.fill(path, f"{path}/unhide", why="a mistake").status_code == 303
        assert "cheap batteries" in phone.get(path).text


def test_what_waits_or_was_refused_is_read_by_its_author_and_those_who_decide(camp):
    with camp.phone() as phone, camp.phone() as stranger, camp.with_card(Role.MODERATOR) as moderator:
        path = phone.fill("/c/announcements", "/post", text="the name of a person").headers["location"]
        for _ in ("while it waits", "when it was refused"):
            assert "the name of a person" in phone.get(path).text
            assert "the name of a person" in moderator.get(path).text
            assert "the name of a person" not in stranger.get(path).text
            with camp.with_card(Role.LIAISON, "kitchen") as liaison:
                assert "the name of a person" not in liaison.get(path).text
            if "Refuse it" in moderator.get("/held").text:
                moderator.fill("/held", f"/held{path.removeprefix('/m')}/refuse", why="no names")
        assert path in stranger.get("/log").text


@pytest.mark.parametrize("order", ["hide", "mute"])
def test_a_reason_that_is_refused_is_kept(camp, order):
    with camp.phone() as phone, camp.with_card(Role.MODERATOR) as moderator:
        path = phone.fill("/c/general", "/post", text="cheap batteries").headers["location"]
        answer = moderator.fill(path, f"{path}/{order}", why="because " * 30)
        assert answer.status_code == 422
        assert "because " * 30 in answer.text
        assert "cheap batteries" in answer.text


def test_the_log_goes_on_on_another_page(camp):
    with camp.phone() as phone, camp.with_card(Role.MODERATOR) as moderator:
        path = phone.fill("/c/general", "/post", text="back and forth").headers["location"]
        for number in range(60):
            action = "unhide" if number % 2 else "hide"
            token = moderator.fields("/moderate", "/moderate/strangers")["token"]
            moderator.post(f"{path}/{action}", data={"token": token, "why": f"reason {number:02}."})
        first = phone.get("/log").text
        assert "reason 59." in first
        assert "reason 05." not in first
        older = re.search(r'href="(/log\?from=\d+)"', first)
        assert older
        assert "reason 05." in phone.get(older[1]).text


def test_a_muted_phone_waits(camp):
    with camp.phone() as phone, camp.with_card(Role.MODERATOR) as moderator:
        path = phone.fill("/c/general", "/post", text="noise").headers["location"]
        assert moderator.fill(path, f"{path}/mute", why="floods", hours="2").status_code == 303
        held = phone.fill("/c/general", "/post", text="more noise").headers["location"]
        assert "waits for a moderator" in phone.get(held).text
        assert "is held until" in moderator.get(path).text
        camp.desk.pass_time(2 * 3_600)
        assert "is held until" not in moderator.get(path).text


def test_nobody_is_muted_for_what_no_phone_posted(camp):
    written = camp.desk.order(WritePost("general", "from the console"))
    assert isinstance(written, Written)
    with camp.with_card(Role.MODERATOR) as moderator:
        page = moderator.get(f"/m/{written.message.hex()}").text
        assert "nobody can be muted" in page
        assert "/mute" not in page


def test_holding_everybody_and_quieting_a_channel(camp):
    with camp.phone() as phone, camp.with_card(Role.MODERATOR) as moderator:
        moderator.fill("/moderate", "/moderate/strangers", why="a flood")
        held = phone.fill("/c/general", "/post", text="hello").headers["location"]
        assert "waits for a moderator" in phone.get(held).text
        moderator.fill("/moderate", "/moderate/strangers")
        moderator.fill("/moderate", "/moderate/channel", channel="here", quiet="1")
        assert "Liaisons speak" in phone.get("/c/here").text


def test_a_card_is_made_once_shown_once_and_revoked(camp, coordinator):
    fields = coordinator.fields("/coordinator/cards", "/coordinator/cards")
    fields |= {"role": "liaison", "group": "Night Watch", "until": "2027-01-31", "name": "lamp"}
    made = coordinator.post("/coordinator/cards", data=fields)
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    secret = re.search(r'dir="ltr">(MC-[0-9A-Z-]{23})<', made.text)
    assert secret
    assert f"https://camp.internal:8443/card/{secret[1]}" in made.text
    assert "<svg" in made.text[made.text.index("qr") :]
    assert coordinator.post("/coordinator/cards", data=fields).status_code == 409
    listed = coordinator.get("/coordinator/cards").text
    assert secret[1] not in listed
    assert "night-watch" in listed
    number = max(card.id for card in camp.desk.reader().cards())
    action = f"/coordinator/cards/{number}/revoke"
    assert coordinator.fill("/coordinator/cards", action, why="lost").status_code == 303
    with camp.phone(secure=True) as phone:
        assert phone.fill("/card", "/card", secret=secret[1]).status_code == 403


@pytest.mark.parametrize(
    "typed",
    [
        {"role": "king"},
        {"role": "moderator", "until": "tomorrow"},
        {"role": "moderator", "until": "2020-01-01"},
    ],
)
def test_an_odd_card_form_comes_back(coordinator, typed):
    answer = coordinator.fill("/coordinator/cards", "/coordinator/cards", name="keep me", **typed)
    assert answer.status_code == 422
    assert 'value="keep me"' in answer.text


def test_the_last_coordinator_card_stays(camp, coordinator):
    number = camp.desk.reader().cards()[0].id
    answer = coordinator.fill("/coordinator/cards", f"/coordinator/cards/{number}/revoke")
    assert answer.status_code == 409
    assert "last coordinator" in answer.text


def test_a_session_is_closed_from_another_phone(camp, coordinator):
    with camp.with_card(Role.MODERATOR) as other:
        session = next(view.id for view in camp.desk.reader().sessions() if view.role is Role.MODERATOR)
        coordinator.fill("/coordinator/cards", f"/coordinator/sessions/{session}/close")
        assert other.get("/held").headers["location"] == "/card"


def test_groups_and_channels(camp, coordinator):
    made = coordinator.fill(
        "/coordinator/channels", "/coordinator/groups", name="Kitchen Team", about="Onions"
    )
    assert made.status_code == 303
    assert "kitchen-team" in coordinator.get("/").text
    bad = coordinator.fill("/coordinator/channels", "/coordinator/groups", name="!!!")
    assert bad.status_code == 422
    assert 'value="!!!"' in bad.text
    fields = coordinator.fields("/coordinator/channels", "/coordinator/channels")
    changed = coordinator.post("/coordinator/channels", data=fields | {"channel": "general", "days": "3"})
    assert changed.status_code == 303
    days = {channel.name: channel.retention_days for channel in camp.desk.reader().channels()}
    assert days["general"] == 3
    for odd in ("many", "0", "-1", "3651", "9" * 5_000):
        answer = coordinator.fill("/coordinator/channels", "/coordinator/channels", days=odd)
        assert answer.status_code == 422
        assert "from 1 to 3650" in answer.text


def test_what_never_goes_to_the_list_has_no_box_to_tick(coordinator):
    page = coordinator.get("/coordinator/channels").text
    forms = {form.split('"')[0]: form for form in page.split('name="channel" value="')[1:]}
    assert [name for name, form in forms.items() if "to_list" not in form] == ["here", "letters"]


def test_the_hotline_card_has_a_history_and_prints(camp, coordinator):
    for text in ("Medic: 1", "Medic: 2"):
        assert coordinator.fill("/coordinator/hotline", "/coordinator/hotline", text=text).status_code == 303
    with camp.phone() as phone:
        page = phone.get("/hotline").text
        assert page.index("Medic: 2") < page.index("Medic: 1")
        assert "As of 2026-11-30 08:00 UTC" in page
        assert "@media print" in page
    long = coordinator.fill("/coordinator/hotline", "/coordinator/hotline", text="x" * 2_001)
    assert long.status_code == 422
    assert "x" * 2_001 in long.text


def test_camps_are_pinned_admission_switched_and_keys_buried(tmp_path):
    square = filled(tmp_path)
    sol, key = square.sol, square.norte.identity.key.hex()
    with square.camp.with_card(Role.COORDINATOR) as phone:
        camps = "/coordinator/camps"
        assert sol.identity.key.hex() in phone.get(camps).text
        assert phone.fill(camps, "/coordinator/unpin", camp=key).status_code == 303
        assert phone.fill(camps, "/coordinator/pin", camp=key, introduce="1").status_code == 303
        assert sol.store.pins() == {square.norte.identity.key: True}
        unknown = phone.fill(camps, "/coordinator/pin", camp="Nowhere")
        assert unknown.status_code == 422
        assert 'value="Nowhere"' in unknown.text
        phone.fill(camps, "/coordinator/admission")
        assert sol.reader().meta("admit") == "introduced"
        assert "Only camps that we know" in phone.get(camps).text
        assert phone.fill(camps, "/coordinator/farewell", letter="nonsense").status_code == 422
        letter = write_letter(square.norte.identity, "Plaza Norte")
        assert phone.fill(camps, "/coordinator/farewell", letter=letter).status_code == 303
        assert "its key is dead" in phone.get("/camps").text
        assert "of that camp is dead" in phone.fill(camps, "/coordinator/pin", camp=key).text
        phone.fill(camps, "/coordinator/farewell", letter=write_letter(sol.identity, "Sol"))
    with square.camp.phone() as phone:
        answer = phone.fill("/c/general", "/post", text="do you hear us?")
        assert answer.status_code == 403
        assert answer.text.count("other camps believe nothing") == 2  # why not, and as on every page
        assert phone.fill("/c/here", "/post", text="soup is ready").status_code == 303
        assert "other camps believe nothing" in phone.get("/").text


@pytest.mark.parametrize(
    ("typed", "unix_s"),
    [
        ({"unix": "1800000000"}, 1_800_000_000),
        ({"utc": "2027-01-15T08:00"}, 1_800_000_000),
        ({"utc": "2027-01-15T08:00", "unix": "5"}, 1_800_000_000),
        ({"unix": "12"}, None),
        ({"utc": "noon"}, None),
        ({"utc": "9999-12-31T23:59"}, None),
        ({}, None),
    ],
)
def test_a_liaison_sets_the_clock(camp, typed, unix_s):
    camp.desk.clock_view = ClockView(False, "not set")
    with camp.with_card(Role.LIAISON, "kitchen") as phone:
        assert "is not set" in phone.get("/").text
        answer = phone.fill("/clock", "/clock", **typed)
        assert answer.status_code == (303 if unix_s else 422)
        if unix_s:
            assert camp.desk.wall_s() == unix_s


def test_a_clock_that_is_set_is_a_coordinators(camp, coordinator):
    with camp.with_card(Role.LIAISON, "kitchen") as phone:
        page = phone.get("/clock")
        assert "tell a coordinator" in page.text
        assert 'name="utc"' not in page.text
        token = phone.fields("/held", "/leave")["token"]
        before = camp.desk.wall_s()
        assert phone.post("/clock", data={"token": token, "unix": "1800000000"}).status_code == 403
        assert camp.desk.wall_s() == before
    assert coordinator.fill("/clock", "/clock", unix="1800000000").status_code == 303
    assert camp.desk.wall_s() == 1_800_000_000


def test_posts_work_while_the_clock_is_not_set(camp):
    camp.desk.clock_view = ClockView(False, "not set")
    with camp.phone() as phone:
        assert "The clock of this box is not set" in phone.get("/").text
        assert phone.fill("/c/general", "/post", text="what time is it?").status_code == 303


def test_pages_for_people_with_a_card_are_not_kept(camp, coordinator):
    for path in ("/coordinator", "/held", "/coordinator/cards", "/"):
        assert coordinator.get(path).headers["cache-control"] == "no-store"
