"""The shell round every answer: headers that keep a page to itself, a limit on what is sent in, HEAD.

Plain ASGI, so that it also holds for answers no route has made, and adds nothing to a WebSocket.
"""

from __future__ import annotations

from collections.abc import MutableMapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A post has 4,000 bytes; in a form each may take three letters, with room for the other fields. Programs
# that want more have not read the interface.
BODY_BYTES_MAX = 64 * 1024
TOO_LARGE = "miccheck.too_large"
# Where a body is taken piece by piece, by a route that asks first who sends it and counts what comes.
BY_PIECES = frozenset({"/coordinator/carry/upload"})


def policy(style_hash: str, script_hash: str) -> str:
    """The content security policy: nothing from anywhere but these two, and pictures in the page itself."""
    return (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; "
        "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


class Shell:
    """ASGI middleware; the outermost."""

    def __init__(self, app: ASGIApp, content_policy: str) -> None:
        self._app = app
        self._headers = {
            "content-security-policy": content_policy,
            "x-content-type-options": "nosniff",
            # Nothing is told to other sites. Not "no-referrer": that also blanks the Origin of our own
            # forms (Fetch standard, "append a request Origin header"), by which we know them.
            "referrer-policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        if head:
            scope["method"] = "GET"
        elif scope["method"] not in ("GET", "OPTIONS") and scope["path"] not in BY_PIECES:
            receive = await _bounded(scope, receive)
        await self._app(scope, receive, self._dressed(scope, send, head))

    def _dressed(self, scope: Scope, send: Send, head: bool) -> Send:
        fresh = "no-store" if scope["scheme"] == "https" else "no-cache"

        async def dress(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("cache-control", fresh)
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        return dress


async def _bounded(scope: MutableMapping[str, object], receive: Receive) -> Receive:
    """Read the whole body, at most BODY_BYTES_MAX of it, and hand it on in one piece."""
    body = bytearray()
    more = True
    while more and len(body) <= BODY_BYTES_MAX:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if len(body) > BODY_BYTES_MAX:
        scope[TOO_LARGE] = True
        body.clear()
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return again
