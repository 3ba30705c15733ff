"""A phone that opens the pages without a network: an ordinary httpx client over the application itself."""

from __future__ import annotations

import asyncio
import re

import httpx

HTTP = "http://camp.internal:8080"
HTTPS = "https://camp.internal:8443"


class _Air(httpx.BaseTransport):
    """Hands requests to the application, in an event loop that stands still in between."""

    def __init__(self, app, address: str, *, faults: bool) -> None:
        self._loop = asyncio.Runner()
        self._inner = httpx.ASGITransport(app, client=(address, 40_000), raise_app_exceptions=faults)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._loop.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        raw = b"".join([part async for part in answer.stream])
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(raw))

    def close(self) -> None:
        self._loop.close()


class Phone(httpx.Client):
    """A browser without scripts: it keeps cookies, and fills in forms as they stand on the page."""

    def __init__(self, app, *, secure: bool = False, address: str = "10.0.0.7", faults: bool = True) -> None:
        """With `faults` a fault of the application fails the test instead of becoming a page."""
        super().__init__(
            transport=_Air(app, address, faults=faults),
            base_url=HTTPS if secure else HTTP,
            headers={"accept-language": "en"},
        )

    def fields(self, page: str, action: str) -> dict[str, str]:
        """The fields of the form with this action, as the page fills them in."""
        answer = self.get(page)
        assert answer.status_code == 200, (page, answer.status_code)
        return fields_in(answer.text, action)

    def fill(self, page: str, action: str, **typed: str) -> httpx.Response:
        """Open a page, fill in the form with this action and send it."""
        return self.post(action, data={**self.fields(page, action), **typed})


def fields_in(html: str, action: str) -> dict[str, str]:
    """Hidden fields and filled-in values of a form."""
    start = html.index(f'action="{action}"')
    form = html[start : html.index("</form>", start)]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            found[name.group(1)] = _plain(value.group(1)) if value else ""
    for name_, text in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', form, re.S):
        found[name_] = _plain(text)
    for name_, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        assert chosen
        found[name_] = chosen.group(1)
    return found


def _plain(text: str) -> str:
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        text = text.replace(entity, letter)
    return text
