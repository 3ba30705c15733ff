"""What holds for every page: its weight, its headers, no address outside the box, the right language."""

from __future__ import annotations

import gzip
import random
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from sync.actions import (
    HideMessage,
    MakeCard,
    MakeGroup,
    ReleaseHeld,
    SetHotline,
    UnhideMessage,
    WritePost,
    Written,
)
from sync.message import Role
from sync.reject import Reason
from tests.browser import pages_of
from tests.web.desk import Camp, TestDesk
from tests.web.phone import HTTP, HTTPS, Phone
from tests.web.pseudo import with_pseudo
from tests.web.square import filled
from web_ui.access import TABLE
from web_ui.pages.about import WHY_REFUSED
from web_ui.site import Site, hash_of

PAGE_BYTES_MAX = 10_000
# Elements that make a browser ask for something more.
ASKING = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
# What stands on pages and is no sentence: names people gave, words of the machine, units.
NAMES = (
    r"Acampada Sol|Plaza Norte|Mic Check|kitchen|legal|blue tent|night shift|squares|harbour|English|Español|"
    r"UTC|MB|signature|length|[0-9a-f]{16,}"
)
VOID = {"meta", "link", "input", "br", "circle", "path"}


@pytest.fixture(scope="module")
def square(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("square"))


class Page(HTMLParser):
    """Elements of a page, and whether they are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.crossed.append(tag)


def every_page(square, camp=None):
    """Every page as everybody and as a coordinator sees it, by both ports."""
    camp = camp or square.camp
    with camp.phone() as phone, camp.with_card(Role.COORDINATOR) as coordinator:
        for path in pages_of.everybody(square):
            yield path, phone.get(path)
        for path in (*pages_of.everybody(square), *pages_of.with_card(square)):
            yield path, coordinator.get(path)


def test_every_page_there_is_is_opened_here(square):
    # Those a program asks, those that only send one elsewhere, and a file.
    others = {"/language/{code}", "/healthz", "/metrics", "/coordinator/carry/file"}
    others.add("/mail/{number}/preview/{message}/letter.eml")
    named = [path.partition("?")[0] for path in (*pages_of.everybody(square), *pages_of.with_card(square))]
    for method, route in TABLE:
        if method == "GET" and route not in others and not route.startswith("/api/"):
            pattern = re.sub(r"\{\w+\}", "[^/]+", route)
            assert any(re.fullmatch(pattern, path) for path in named), route


def test_every_page_is_light_whole_and_asks_for_nothing_more(square):
    for path, answer in every_page(square):
        packed = len(gzip.compress(answer.content, 6))
        assert packed <= PAGE_BYTES_MAX, (path, packed)
        page = Page(answer.text)
        asked = {
            attributes[ASKING[tag]]
            for tag, attributes in page.elements
            if tag in ASKING and attributes.get(ASKING[tag])
        }
        assert asked == {"data:,"}, (path, asked)  # the icon, which is nothing
        assert "url(" not in answer.text
        assert page.crossed == [], path
        assert page.open == [], path


def test_no_page_names_an_address_outside_the_box(square):
    for path, answer in every_page(square):
        for address in re.findall(r"(?:https?:)?//[^\s\"'<>]+", answer.text):
            assert address.startswith((HTTP, HTTPS, "https://camp.internal:8443")), (path, address)
        for tag, attributes in Page(answer.text).elements:
            target = attributes.get("href") if tag == "a" else attributes.get("action")
            if target:
                assert target.startswith(("/", "#", "https://camp.internal:8443/card")), (path, target)
                assert not target.startswith("//")


def test_every_page_says_its_policy(square):
    site = square.camp.app.state.site
    for path, answer in every_page(square):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert f"style-src 'sha256-{hash_of(site.style)}'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert " style=" not in answer.text, path
        assert not re.search(r"<[^>]+ on\w+=", answer.text), path
        assert answer.text.count("<style>") == 1
        style = answer.text[answer.text.index("<style>") + 7 : answer.text.index("</style>")]
        assert style == site.style
        script = re.search("<script>(.*?)</script>", answer.text, re.S)
        assert (script is not None) == (path == "/clock")
        if script:
            assert f"script-src 'sha256-{hash_of(script[1])}'" in policy
            assert len(script[1]) <= 2_000


def test_every_page_is_in_the_language_it_says(square):
    camp = Camp(square.sol, languages=with_pseudo())
    with camp.phone() as phone:
        for code, direction in (("en", "ltr"), ("es", "ltr"), ("en-XA", "ltr"), ("ar-XB", "rtl")):
            answer = phone.get("/", headers={"accept-language": f"xx, {code};q=0.9, en;q=0.1"})
            assert f'<html lang="{code}" dir="{direction}">' in answer.text
            assert answer.headers["content-language"] == code


def test_no_sentence_of_any_page_is_outside_the_catalogue(square):
    """In a language whose every sentence stands in brackets, what stands in none was forgotten."""
    camp = Camp(square.sol, languages=with_pseudo())
    with camp.phone() as phone, camp.with_card(Role.COORDINATOR) as coordinator:
        for client, paths in (
            (phone, pages_of.everybody(square)),
            (coordinator, pages_of.with_card(square)),
        ):
            client.cookies.set("language", "en-XA")
            for path in paths:
                html = client.get(path).text
                html = re.sub(r"<(style|script|svg|bdi|select|textarea)\b.*?</\1>", "", html, flags=re.S)
                html = re.sub(r'<[^>]+ dir="(?:auto|ltr)"[^>]*>[^<]*', "", html)
                for text in re.findall(r">([^<]+)<", html):
                    said = re.sub(r"\[[^\[\]]*(\[[^\[\]]*\][^\[\]]*)*\]", "", text)
                    said = re.sub(NAMES, "", said)
                    assert not re.search(r"[A-Za-z]{3,}", said), (path, text)


@pytest.mark.parametrize(
    ("language", "says"), [("en", "announces the number of this camp"), ("es", "anuncia en su propia red")]
)
def test_what_others_can_see_tells_of_the_announcement(square, language, says):
    with square.camp.phone() as phone:
        assert says in phone.get("/seen", headers={"accept-language": language}).text


def test_the_language_is_switched_by_a_link_that_comes_back(square):
    with square.camp.phone() as phone:
        answer = phone.get("/language/es", params={"back": "/c/general?before=3"})
        assert answer.headers["location"] == "/c/general?before=3"
        assert "La plaza" in phone.get("/").text
        for back in ("//evil.example", "/\\evil.example", "https://evil.example", "", "/\r\nX: y", "/\tx"):
            assert phone.get("/language/en", params={"back": back}).headers["location"] == "/"
        assert phone.get("/language/xx").status_code == 404


def noise(chance: random.Random, characters: int) -> str:
    """Text that nothing can pack: what somebody who wants a heavy page would post."""
    return "".join(chr(chance.randrange(0x4E00, 0x9FA5)) for _ in range(characters))


def test_a_camp_full_of_noise_still_has_light_pages(tmp_path):
    desk = TestDesk(tmp_path)
    chance = random.Random(1)
    desk.order(SetHotline(noise(chance, 660)))
    for number in range(20):
        desk.order(MakeGroup(f"group {number} {noise(chance, 3)}", noise(chance, 40)))
        desk.order(MakeCard(Role.MODERATOR, name=noise(chance, 15)))
    root = None
    for number in range(36):
        desk.pass_time(1)
        long = noise(chance, 1_330 if number % 3 else 120)
        urgent = number % 5 == 0 and number < 40
        channel = "general" if number % 2 or urgent else "announcements"
        written = desk.order(
            WritePost(
                channel,
                long,
                noise(chance, 15),
                urgent=urgent,
                reply_to=root if channel == "general" else None,
            )
        )
        assert isinstance(written, Written)
        if root is None and channel == "general":
            root = written.message
        if written.held and number % 10 == 0:
            desk.order(ReleaseHeld(written.message))
    assert root is not None
    for number in range(40):
        desk.order((HideMessage, UnhideMessage)[number % 2](root, noise(chance, 66)))
    camp = Camp(desk)
    with camp.with_card(Role.COORDINATOR) as phone:
        for path in (
            "/", "/c/general", "/c/announcements", f"/m/{root.hex()}", "/held", "/search?q=x", "/log",
            "/hotline", "/coordinator/cards", "/coordinator/channels", "/coordinator/hotline", "/moderate",
            "/camps", "/post",
        ):  # fmt: skip
            packed = len(gzip.compress(phone.get(path).content, 6))
            assert packed <= PAGE_BYTES_MAX, (path, packed)


def test_all_of_a_channel_can_be_reached_by_older(square):
    seen = []
    path: str | None = "/c/general"
    with square.camp.phone() as phone:
        while path:
            html = phone.get(path).text
            seen += re.findall(r'<p class="acts"><a href="/m/([0-9a-f]{32})', html)
            older = re.search(r'href="(/c/general\?before=\d+)"', html)
            path = older[1] if older else None
    assert (
        len(seen)
        == len(set(seen))
        == next(channel.messages for channel in square.sol.reader().channels() if channel.name == "general")
    )


@pytest.mark.parametrize(
    "path", ["/m/xyz", "/m/" + "0" * 32, "/m/" + "A" * 32, "/c/nowhere", "/c/%00", "/x/y"]
)
def test_what_is_not_there_is_a_friendly_page(square, path):
    with square.camp.phone() as phone:
        answer = phone.get(path)
    assert answer.status_code == 404
    assert "There is no such page here" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "query", ['"', "*", "AND", "a OR b", "NEAR(", "tent*", "'", "x" * 500, "\x00", "-tent", "ñ"]
)
def test_any_search_is_only_words(square, query):
    with square.camp.phone() as phone:
        assert phone.get("/search", params={"q": query}).status_code == 200


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "٣", ""])
def test_odd_places_to_go_on_show_the_beginning(square, before):
    with square.camp.phone() as phone:
        assert phone.get("/c/general", params={"before": before}).status_code == 200
        assert phone.get(f"/m/{square.root}", params={"from": before}).status_code == 200
        assert phone.get("/camps", params={"from": before}).status_code == 200


def test_a_fault_of_ours_is_one_sentence_and_not_the_fault(square, monkeypatch):
    def broken():
        raise OSError("disk I/O error at /home/secret")

    monkeypatch.setattr(square.sol, "reader", broken)
    with Phone(square.camp.app, faults=False) as phone:
        page, program = phone.get("/"), phone.get("/api/v1/channels")
    for answer in (page, program):
        assert answer.status_code == 500
        assert "Something is wrong with this box" in answer.text
        assert "secret" not in answer.text
    assert program.headers["content-type"] == "application/problem+json"


def test_head_is_get_without_a_body(square):
    with square.camp.phone() as phone:
        answer = phone.head("/c/general")
        assert (answer.status_code, answer.content) == (200, b"")
        assert phone.head("/nothing").status_code == 404


def test_pages_are_packed_on_the_way(square):
    with square.camp.phone() as phone:
        assert phone.get("/").headers["content-encoding"] == "gzip"


def test_the_card_link_survives_odd_hosts(square):
    with square.camp.phone() as phone:
        for host, link in (
            ("10.0.0.1:8080", "https://10.0.0.1:8443/card"),
            ("[fe80::1]:8080", "https://[fe80::1]:8443/card"),
            ('x"><script>', None),
            ("a b", None),
            ("", None),
        ):
            html = phone.get("/", headers={"host": host}).text
            assert "<script>" not in html
            if link:
                assert f'href="{link}"' in html


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_pair_of_colours_can_be_read(square, scheme):
    """WCAG 2.2 AA: 4.5 for text, 3 for the borders of fields."""
    site: Site = square.camp.app.state.site
    colours = dict(re.findall(r"--([\w-]+):(#\w+)", re.findall(r":root\{[^}]*\}", site.style)[scheme]))
    for ground in ("paper", "sheet", "alarm-paper"):
        for ink in ("ink", "soft", "dawn", "alarm"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    assert contrast(colours["dawn-ink"], colours["dawn"]) >= 4.5
    sky = re.findall(r"#\w{6}", re.findall(r"--sky:[^;}]*", site.style)[scheme])
    assert all(
        contrast("#ffffff", colour) >= 3 for colour in sky
    )  # the links there stand above the brightest
    assert all(contrast("#ffffff", colour) >= 4.5 for colour in sky[:2])


def test_the_style_names_no_side_of_the_page(square):
    """Left and right are start and end, or a page from right to left is upside down."""
    style = square.camp.app.state.site.style
    assert not re.search(
        r"(?<![\w-])(?:margin|padding|border)-(?:left|right)|[;{](?:left|right):|float:|text-align:", style
    )


def test_the_status_says_that_the_disk_is_full(square):
    with square.camp.phone() as phone:
        assert "The disk is full" not in phone.get("/status").text
        square.camp.desk.full_s = square.camp.desk.wall_s()
        assert "The disk is full since" in phone.get("/status").text
        assert "El disco está lleno desde" in phone.get("/status", headers={"accept-language": "es"}).text


def test_the_status_counts_what_was_refused_in_words_of_the_reader(square):
    assert set(WHY_REFUSED) == set(Reason)
    with square.camp.phone() as phone:
        said = phone.get("/status", headers={"accept-language": "es"}).text
    assert "mal firmado <small>signature</small></dt><dd>3</dd>" in said


@pytest.mark.parametrize(
    ("waits_for", "language", "says"),
    [
        ("channel", "en", "the channel is crowded: posts wait a little, mic checks go"),
        ("hour", "en", "the hour is used up: posts wait, mic checks go"),
        ("hour", "es", "la hora está gastada"),
        (None, "es", "el canal está ocupado el 31.0 % del tiempo"),
        (
            None,
            "en",
            "EU_868: sent for 1.2 % of the last hour, at most 5.0 %; the channel is in use for 31.0 %",
        ),
    ],
)
def test_the_status_says_what_a_radio_does_and_what_it_waits_for(square, waits_for, language, says):
    *others, radio = square.camp.desk.link_views
    airtime = replace(radio.airtime, waits_for=waits_for)
    square.camp.desk.link_views = (*others, replace(radio, airtime=airtime))
    with square.camp.phone() as phone:
        page = phone.get("/status", headers={"accept-language": language}).text
    assert says in page
    assert ("mic checks go" in page) == (waits_for is not None and language == "en")
