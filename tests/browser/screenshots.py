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
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Route, sync_playwright

from sync.message import Role
from tests.browser import pages_of
from tests.web.desk import Camp
from tests.web.phone import HTTP, HTTPS, Phone
from tests.web.pseudo import with_pseudo
from tests.web.square import Square, filled
from web_ui.visit import LANGUAGE_COOKIE, SESSION_COOKIE

CHROMIUM = "/usr/bin/chromium"
WIDTH, HEIGHT = 360, 740
README_PICTURE = Path(__file__).parent.parent.parent / "docs" / "front-page.png"
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
        for language in LANGUAGES:
            for scheme in ("light", "dark"):
                take(browser, square, out, language, scheme)
    print(f"{len(list(out.glob('*.png')))} pictures in {out}")


if __name__ == "__main__":
    main()
