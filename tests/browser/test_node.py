"""A real browser and a real node: writing by keys alone, a double tap, a card over the camp's own HTTPS."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.full

MICCHECK = Path(sys.executable).parent / "miccheck"
READY_S = 30


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """Addresses of the pages, and the coordinator's card."""
    home = tmp_path_factory.mktemp("node") / "camp"
    made = subprocess.run(
        [MICCHECK, "init", home, "--name", "Sol"], capture_output=True, text=True, check=True
    )
    card = re.search(r"MC-[0-9A-Z-]{23}", made.stdout)
    assert card
    environment = os.environ | {"MICCHECK__WEB__PORT": "0", "MICCHECK__WEB__TLS_PORT": "0"}
    running = subprocess.Popen([MICCHECK, "run", home], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield *_addresses(running), card[0]
    finally:
        running.terminate()
        running.communicate(timeout=READY_S)


def _addresses(running: subprocess.Popen[str]) -> tuple[str, str]:
    assert running.stdout is not None
    said = ""
    for line in running.stdout:
        said += line
        found = re.search(r"http://\S+?:(\d+)/.*https://\S+?:(\d+)/", said, re.S)
        if found:
            return f"http://127.0.0.1:{found[1]}", f"https://127.0.0.1:{found[2]}"
    raise AssertionError(f"the node said: {said}")


@pytest.fixture(scope="module")
def browser():
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("no chromium (tests/apt-packages.txt)")
    from tests.browser.screenshots import chromium

    with chromium() as found:
        yield found


@pytest.fixture
def page(browser):
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        java_script_enabled=False,
        ignore_https_errors=True,
        locale="en",
    )
    yield context.new_page()
    context.close()


def test_a_post_is_written_with_keys_alone_and_without_script(node, page):
    page.goto(node[0] + "/c/general")
    page.focus("#text")
    page.keyboard.type("typed with keys only")
    page.keyboard.press("Tab")
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    page.wait_for_url("**/m/*")
    assert "typed with keys only" in page.inner_text("article")
    assert "waiting for the radio" in page.inner_text("article")
    page.reload()
    page.goto(node[0] + "/c/general")
    assert page.inner_text("main").count("typed with keys only") == 1
    page.get_by_role("link", name="Reply").first.click()
    page.get_by_role("button", name="Take it back").click()
    assert "Taken back" in page.inner_text("article")


def test_a_double_tap_posts_once(node, page):
    page.goto(node[0] + "/c/general")
    page.fill("#text", "once and no more")
    page.get_by_role("button", name="Post").dblclick()
    page.wait_for_url("**/m/*")
    page.goto(node[0] + "/c/general")
    assert page.inner_text("main").count("once and no more") == 1


def test_the_way_back_and_another_tap_post_once(node, page):
    page.goto(node[0] + "/c/general")
    page.fill("#text", "sent, and sent again")
    page.get_by_role("button", name="Post").click()
    page.wait_for_url("**/m/*")
    first = page.url
    page.go_back()
    assert page.input_value("#text") == "sent, and sent again"
    page.get_by_role("button", name="Post").click()
    page.wait_for_url(first)


def test_what_is_refused_keeps_the_text(node, page):
    page.goto(node[0] + "/post")
    page.fill("#text", "call 600 123 456")
    page.get_by_role("button", name="Post").click()
    assert "phone number" in page.inner_text("main")
    assert page.input_value("#text") == "call 600 123 456"
    page.check("input[name=public]")
    page.get_by_role("button", name="Post").click()
    page.wait_for_url("**/m/*")


def test_a_mic_check_is_repeated_by_somebody_with_a_card(node, page):
    plain, secure, card = node
    page.goto(plain + "/mic-check")
    page.fill("#text", "storm from the west")
    page.get_by_role("button", name="Call mic check").click()
    assert "repeat it" in page.inner_text("article")
    page.goto(plain)
    link = page.get_by_role("link", name="I have a card").get_attribute("href")
    assert link == f"{secure}/card"
    page.goto(f"{secure}/card/{card}")
    page.get_by_role("button", name="Use the card").click()
    page.wait_for_url("**/coordinator")
    page.goto(secure + "/held")
    page.get_by_role("button", name="Repeat the mic check").click()
    page.wait_for_url("**/m/*")
    page.goto(plain)
    assert "storm from the west" in page.inner_text(".alarm")
    page.goto(secure + "/held")
    page.get_by_role("button", name="Leave").click()
    page.goto(secure + "/coordinator")
    assert page.url == secure + "/card"


def test_pages_ask_for_one_thing_only(node, page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(node[0] + "/", wait_until="networkidle")
    assert asked == [node[0] + "/"]
