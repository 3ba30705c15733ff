"""What all pages share: the desk, the languages, the templates, a few threads for reading."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sync.actions import CONSOLE, CloseSession
from sync.reading import Reader
from sync.views import ChannelView, MessageView
from web_ui import words
from web_ui.desk import Desk, WebSettings
from web_ui.forms import FormTokens
from web_ui.languages import Languages

if TYPE_CHECKING:
    from web_ui.visit import Page, Visit

TEMPLATES = Path(__file__).parent / "templates"
# Each thread has a connection with its cache, about 1 MiB; a page is ready in milliseconds.
THREADS_MAX = 4

T = TypeVar("T")


class Site:
    """Made once, by `create_app`."""

    def __init__(self, desk: Desk, settings: WebSettings, languages: Languages) -> None:
        self.desk = desk
        self.settings = settings
        self.languages = languages
        self.forms = FormTokens(desk.form_key())
        self._threads = anyio.CapacityLimiter(THREADS_MAX)
        self._templates = _templates()
        self.style = (TEMPLATES / "style.css").read_text("utf-8")
        self.script = (TEMPLATES / "clock.js").read_text("utf-8")

    async def in_thread(self, work: Callable[[], T]) -> T:
        """The result of work that waits for the disk."""
        return await anyio.to_thread.run_sync(work, limiter=self._threads)

    async def close_session(self, session: int) -> None:
        """Take back a session that may not be at the door where its card was shown."""
        await self.desk.do(CloseSession(session), CONSOLE)

    def render(self, visit: Visit, build: Callable[[Reader], Page]) -> HTMLResponse:
        """The page as an answer. To be called in a thread."""
        reader = self.desk.reader()
        page = build(reader)
        language = visit.language
        now_s = self.desk.wall_s()
        html = self._templates.get_template(page.template).render(
            gettext=language.translations.gettext,
            ngettext=language.translations.ngettext,
            language=language,
            languages=tuple(self.languages),
            visit=visit,
            here=reader.camp(),
            silenced=reader.is_silenced(),
            clock=self.desk.clock(),
            style=Markup(self.style),
            script=Markup(self.script),
            path=_path_of(visit),
            ago=lambda then_s: words.ago(language, now_s, then_s),
            stamp=words.stamp,
            rfc3339=words.rfc3339,
            title=lambda channel: words.title(language, channel),
            rule=lambda channel: _rule(visit, channel),
            state=lambda view: _state(visit, view),
            role_word=lambda role: language.say(words.ROLES[role]),
            say=language.say,
            loud=lambda view: words.is_loud(view, now_s),
            words=words,
            **page.content,
        )
        # A "no-cache" answer is used again on the way back only. With "cookie" here, the cookie given for the
        # first post would fetch the form anew on the way back from it, and sending that would post twice.
        vary = "accept-language, cookie" if visit.session is not None else "accept-language"
        headers = {"content-language": language.code, "vary": vary}
        if page.retry_after_s is not None:
            headers["retry-after"] = str(page.retry_after_s)
        return HTMLResponse(html, status_code=page.status, headers=headers)


@cache
def _templates() -> Environment:
    """The templates, compiled once in a process: a page takes 1 ms, to compile its template 10."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )


def hash_of(text: str) -> str:
    """A text's hash as a content security policy names it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _path_of(visit: Visit) -> str:
    """Where the reader is, for the language switch to come back to. After a form: the front page."""
    if visit.request.method != "GET":
        return "/"
    query = visit.request.url.query
    return visit.request.url.path + (f"?{query}" if query else "")


def _rule(visit: Visit, channel: ChannelView) -> str:
    return words.rule(visit.language, channel)


def _state(visit: Visit, view: MessageView) -> tuple[str, ...]:
    return words.state(visit.language, view)
