"""Pictures of every page as a phone shows it: `python -m tests.browser.screenshots [OUT]`.

360 px wide, light and dark, English, Spanish and a language written from right to left. The browser's
requests are answered by the application itself, so that pages for people with a card need no certificate.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, FloatRect, Route, sync_playwright

from sync.message import Role
from tests.browser import joining_pictures, pages_of
from tests.web.desk import Camp
from tests.web.phone import HTTP, HTTPS, Phone
from tests.web.pseudo import with_pseudo
from tests.web.square import Square, filled
from web_ui import mail_words
from web_ui.desk import AirtimeView, LinkView
from web_ui.visit import LANGUAGE_COOKIE, SESSION_COOKIE

CHROMIUM = "/usr/bin/chromium"
WIDTH, HEIGHT = 360, 740
# In a manual, two screens of a phone tell what a page is.
GUIDE_HEIGHT = 1_200
DOCS = Path(__file__).parent.parent.parent / "docs"
README_PICTURE = DOCS / "front-page.png"
LANGUAGES = ("en", "es", "ar-XB")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def phone(
    browser: Browser,
    camp: Camp,
    *,
    token: str | None = None,
    language: str = "en",
    scheme: str = "light",
    scale: float = 2,
) -> Iterator[BrowserContext]:
    """A phone whose every request the camp answers; a request to anywhere else fails loudly."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        device_scale_factor=scale,
        has_touch=True,
        is_mobile=True,
        color_scheme="dark" if scheme == "dark" else "light",
        service_workers="block",
    )
    home = HTTPS if token else HTTP
    context.add_cookies([{"name": LANGUAGE_COOKIE, "value": language, "url": home}])
    if token:
        context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": home, "secure": True}])
    with ThreadPoolExecutor(1) as answering:
        client = answering.submit(Phone, camp.app, secure=bool(token)).result()

        def answer(route: Route) -> None:
            request = route.request
            if not request.url.startswith((HTTP, HTTPS)):
                raise AssertionError(f"a page asked for {request.url}")
            client.cookies.clear()
            try:
                got = answering.submit(
                    client.request,
                    request.method,
                    request.url,
                    headers=request.all_headers(),
                    content=request.post_data_buffer,
                ).result()
            except BaseException:
                route.abort()
                raise
            headers = {name: value for name, value in got.headers.items() if name != "content-encoding"}
            route.fulfill(status=got.status_code, headers=headers, body=got.content)

        context.route("**/*", answer)
        try:
            yield context
        finally:
            context.unroute_all(behavior="wait")
            context.close()
            answering.submit(client.close).result()


def take(browser: Browser, square: Square, out: Path, language: str, scheme: str) -> None:
    """Every page once."""
    camp = Camp(square.sol, languages=with_pseudo())
    for token, base, named in (
        (None, HTTP, pages_of.everybody(square)),
        (square.sol.session(Role.COORDINATOR), HTTPS, pages_of.with_card(square)),
    ):
        with phone(browser, camp, token=token, language=language, scheme=scheme) as context:
            page = context.new_page()
            for path, name in named.items():
                page.goto(base + path)
                page.screenshot(path=out / f"{name}.{language}.{scheme}.png", full_page=True)


def take_links(browser: Browser, square: Square, out: Path, language: str, scheme: str) -> None:
    """The status page in the states of a board, and what the page of links asks and refuses."""
    desk = square.sol
    whole = desk.link_views
    camp = Camp(desk, languages=with_pseudo())
    with phone(browser, camp, language=language, scheme=scheme) as context:
        page = context.new_page()
        for name, link in links_of_a_board(desk.time_s).items():
            desk.link_views = (link,)
            page.goto(HTTP + "/status")
            page.screenshot(path=out / f"status-{name}.{language}.{scheme}.png", full_page=True)
    desk.link_views = whole
    with phone(
        browser, camp, token=desk.session(Role.COORDINATOR), language=language, scheme=scheme
    ) as context:
        page = context.new_page()
        page.goto(HTTPS + "/coordinator/links")
        page.locator("summary").first.click()
        page.screenshot(path=out / f"link-remove.{language}.{scheme}.png", full_page=True)
        page.goto(HTTPS + "/coordinator/links/add/ip")
        page.fill("#url", "south.camp.internal:8080")
        page.locator("form[action$='/add/ip'] button").click()
        page.get_by_role("alert").wait_for()
        page.screenshot(path=out / f"link-refused.{language}.{scheme}.png", full_page=True)


def links_of_a_board(now_s: float) -> dict[str, LinkView]:
    """A Meshtastic board in the states that people ask about."""
    use = AirtimeView("EU_868", "LONG_FAST", 0.0123, 0.05, 0.01, 0.1, 0.07)
    full = replace(use, used=0.05, waits_for="firmware", refused_s=3_120.0)
    link = LinkView("meshtastic-1", "meshtastic", "searching", None, now_s - 40, 0, 0)
    talking = replace(link, state="talking", since_s=now_s - 900, frames_in=212, frames_out=97, airtime=use)
    return {
        "searching": replace(link, why="No board is plugged in."),
        "talking": talking,
        "unplugged": replace(talking, state="unplugged", since_s=now_s - 5, why="The board was pulled out."),
        "duty-limit": replace(
            talking, airtime=full, why="The board has used up its hour and refused a frame."
        ),
    }


def take_mail(browser: Browser, square: Square, out: Path, language: str, scheme: str) -> None:
    """The mail: what each failure says, a refusal of a letter to try, and what a moderator ticked."""
    desk = square.sol
    before, internet = desk.lists, desk.internet_view
    camp = Camp(desk, languages=with_pseudo())
    with phone(
        browser, camp, token=desk.session(Role.COORDINATOR), language=language, scheme=scheme
    ) as context:
        page = context.new_page()
        for name, sentence in failures().items():
            desk.lists = (replace(before[0], error=sentence, seconds_left=None),)
            desk.internet_view = replace(internet, state="portal" if name == "portal" else internet.state)
            page.goto(HTTPS + "/mail")
            page.screenshot(path=out / f"mail-failure-{name}.{language}.{scheme}.png", full_page=True)
        desk.lists, desk.internet_view = before, internet
        page.goto(f"{HTTPS}/mail/1/preview/{square.letter}")
        page.fill("#address", "squares@lists.example.org")
        page.locator("form[action$='/try'] button").click()
        page.get_by_role("alert").wait_for()
        page.screenshot(path=out / f"mail-try-refused.{language}.{scheme}.png", full_page=True)


def failures() -> dict[str, str]:
    """What keeps letters in, by the name of its sentence, as a list's error says it."""
    values = {
        "server": "mail.example.org:587",
        "host": "mail.example.org",
        "port": 587,
        "other": 465,
        "scheme": "smtps",
        "said": "550 5.7.1 not allowed",
        "file": "secrets/mail",
        "why": "452 try again",
        "n": 200,
    }
    return {
        name.lower().replace("_", "-"): mail_words.in_english(sentence, **values)
        for name, sentence in vars(mail_words).items()
        if name.isupper() and isinstance(sentence, str) and name != "BETWEEN"
    }


def take_for_the_guide(browser: Browser, square: Square) -> None:
    """The pictures of the mail that the manuals show."""
    desk = square.sol
    before = desk.lists
    pages = {
        "mail": "/mail",
        "mail-held": "/mail/held",
        "mail-preview": f"/mail/1/preview/{square.letter}",
        "mail-failure": "/mail",
    }
    with phone(browser, square.camp, token=desk.session(Role.COORDINATOR), scale=1) as context:
        page = context.new_page()
        for name, path in pages.items():
            if name == "mail-failure":
                desk.lists = (replace(before[0], error=failures()["wrong-password"], seconds_left=None),)
            page.goto(HTTPS + path)
            box = page.locator("main").bounding_box()
            assert box is not None
            part = FloatRect(x=0, y=box["y"], width=WIDTH, height=min(box["height"], GUIDE_HEIGHT))
            page.screenshot(path=DOCS / f"{name}.png", clip=part, full_page=True)
    desk.lists = before


def take_joining(browser: Browser, square: Square, out: Path) -> None:
    """The page on which people join a list."""
    joining_pictures.with_registrations(square.sol)
    camp, token = Camp(square.sol, languages=with_pseudo()), square.sol.session(Role.COORDINATOR)
    for language in LANGUAGES:
        with phone(browser, camp, token=token, language=language) as context:
            joining_pictures.take(context.new_page(), out, f"{language}.light")
    with phone(browser, square.camp, token=token, scale=1) as context:
        joining_pictures.take_for_the_guide(context.new_page(), DOCS)


def take_for_the_readme(browser: Browser, square: Square) -> None:
    """The front page as one sees it first."""
    with phone(browser, square.camp, scale=1) as context:
        page = context.new_page()
        page.goto(HTTP + "/")
        page.screenshot(path=README_PICTURE)


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        square = filled(Path(folder))
        take_for_the_readme(browser, square)
        take_for_the_guide(browser, square)
        for language in LANGUAGES:
            for scheme in ("light", "dark"):
                take(browser, square, out, language, scheme)
                take_links(browser, square, out, language, scheme)
            take_mail(browser, square, out, language, "light")
        take_joining(browser, square, out)
    print(f"{len(list(out.glob('*.png')))} pictures in {out}")


if __name__ == "__main__":
    main()
