"""Every page in a real browser at phone width: nothing sticks out, all can be touched or typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.message import Role
from tests.browser import pages_of
from tests.web.desk import Camp
from tests.web.phone import HTTP, HTTPS
from tests.web.pseudo import with_pseudo
from tests.web.square import filled

pytestmark = pytest.mark.full

# WCAG 2.5.5, and what a thumb with a glove hits.
TOUCH_PX = 44

_LOOK = (Path(__file__).parent / "look.js").read_text().partition("\n")[2]
FINE = {"wide": [], "small": [], "nameless": [], "scrolls": False, "twice": [], "headings": 1}


@pytest.fixture(scope="module")
def browser():
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("no chromium (tests/apt-packages.txt)")
    from tests.browser.screenshots import chromium

    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def square(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("square"))


@pytest.mark.parametrize("language", ["en", "es", "en-XA", "ar-XB"])
def test_every_page_fits_a_phone(browser, square, language):
    from tests.browser.screenshots import phone

    camp = Camp(square.sol, languages=with_pseudo())
    said: list[str] = []
    for token, base, paths in (
        (None, HTTP, pages_of.everybody(square)),
        (square.sol.session(Role.COORDINATOR), HTTPS, pages_of.with_card(square)),
    ):
        with phone(browser, camp, token=token, language=language) as context:
            page = context.new_page()
            page.on("console", lambda message: said.append(message.text))
            for path in paths:
                page.goto(base + path)
                assert page.evaluate(_LOOK, TOUCH_PX) == FINE, path
    # The policy forbids nothing that a page of ours does.
    assert [line for line in said if "404" not in line] == []


def test_the_phone_tells_the_time(browser, square):
    from tests.browser.screenshots import phone

    with phone(browser, square.camp, token=square.sol.session(Role.COORDINATOR)) as context:
        page = context.new_page()
        page.goto(HTTPS + "/clock")
        told = page.evaluate("Number(document.getElementById('unix').value)")
        assert abs(told - page.evaluate("Date.now() / 1000")) < 60
