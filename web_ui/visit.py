"""One request as the pages see it: who asks, by which door, in which language; and how it is answered."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, TypeVar
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from sync.actions import Action, Actor, Outcome
from sync.codewords import session_hash
from sync.message import Role
from sync.reading import Reader
from sync.views import SessionView
from web_ui.access import TABLE, Asked, Verdict, decide, session_counts
from web_ui.forms import FormStale
from web_ui.languages import Language
from web_ui.shell import TOO_LARGE
from web_ui.words import mark

if TYPE_CHECKING:
    from web_ui.site import Site

DEVICE_COOKIE = "device"
LANGUAGE_COOKIE = "language"
SESSION_COOKIE = "__Host-session"  # the prefix makes browsers refuse it without Secure, or with a Domain
HTTP_SESSION_COOKIE = "liaison"  # plain HTTP cannot have a Secure one; liaisons only, where allowed
# Cookies we made have 24 to 64 letters.
COOKIE_CHARACTERS_MAX = 100
# Seven days unused end a session; to know that, the node need not be told of every page.
SESSION_NOTED_EVERY_S = 3_600

T = TypeVar("T")


class Sorry(Exception):
    """A page that says one sentence why not."""

    def __init__(self, status: int, sentence: str, retry_after_s: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after_s = retry_after_s


# A form from a page that was open when the session ended.
NO_CARD_NOW = mark(
    "This phone has no card any more: the session ended. Enter the card again; "
    "what you typed is one step back."
)


class ToCard(Exception):
    """The page needs a card: go and enter one."""


SENT_BEFORE = mark("This form was sent before, or is a day old. Go back and open it again.")
NOT_HERE = mark("There is no such page here. It may have been taken back, or its time is over.")


@dataclass(frozen=True, slots=True)
class Page:
    """A template and what goes into it."""

    template: str
    content: Mapping[str, object] = field(default_factory=dict)
    status: int = 200
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. Made by `enter`, which every route depends on."""

    site: Site
    request: Request
    secure: bool
    language: Language
    actor: Actor
    session: SessionView | None
    device: str | None  # the cookie itself

    async def read(self, look: Callable[[Reader], T]) -> T:
        """What `look` finds in the store, in a thread of its own."""
        return await self.site.in_thread(lambda: look(self.site.desk.reader()))

    async def page(self, build: Callable[[Reader], Page]) -> HTMLResponse:
        """The page that `build` makes of the store."""
        return await self.site.in_thread(lambda: self.site.render(self, build))

    async def show(self, page: Page) -> HTMLResponse:
        """A page that needs no look into the store."""
        return await self.page(lambda _reader: page)

    async def do(self, action: Action) -> Outcome:
        """Carry out an order as this person. Raises Refused."""
        return await self.site.desk.do(action, self.actor)

    def go(self, path: str) -> RedirectResponse:
        """See other: after a form, so that a reload does not send it again."""
        return RedirectResponse(path, status_code=303)

    @property
    def session_id(self) -> int | None:
        """The number of the session, to which its form tokens are bound."""
        return self.session.id if self.session is not None else None

    def known_as(self, device: str) -> Visit:
        """The same visit with a device cookie that is only now being given."""
        return replace(self, actor=replace(self.actor, device=self.site.desk.device_hash(device)))

    def new_token(self) -> str:
        """A token for a form on this page."""
        return self.site.forms.issue(self.site.desk.wall_s(), self.session_id)

    def use_token(self, token: str) -> None:
        """Accept a form of a person with a card, once. Raises Sorry."""
        try:
            self.site.forms.use(token, self.site.desk.wall_s(), self.session_id)
        except FormStale as error:
            raise Sorry(409, SENT_BEFORE) from error

    def card_page(self) -> str:
        """Where a card is entered: by HTTPS, on the host of this page; empty when nowhere."""
        return "/card" if self.secure else self.card_page_absolute()

    def card_page_absolute(self) -> str:
        """The same with host and port, for a QR code."""
        host, port = _host_of(self.request), self.site.settings.tls_port
        return f"https://{host}:{port}/card" if host and port else ""


async def enter(request: Request) -> Visit:
    """Look the route up in the access table and let the request in, or not."""
    site: Site = request.app.state.site
    visit = await welcome(site, request)
    rule = TABLE[request.method, request.scope["route"].path]
    asked = Asked(request.method, role_of(visit), visit.secure, from_the_box(request))
    match decide(rule, asked, site.settings.liaisons_on_http):
        case Verdict.HIDDEN:
            raise Sorry(404, NOT_HERE)
        case Verdict.TO_CARD:
            raise ToCard
        case Verdict.FORBIDDEN if visit.session is None and visit.secure:
            raise Sorry(403, NO_CARD_NOW)
        case Verdict.FORBIDDEN:
            raise Sorry(403, mark("Your card is for other things. Ask a coordinator."))
        case Verdict.ENTER:
            pass
    if request.method != "GET":
        if TOO_LARGE in request.scope:
            raise Sorry(413, mark("That is far too long for a box in a tent."))
        if _is_foreign(request, visit.session is not None):
            raise Sorry(403, mark("This form came from another site. Open it here and send it again."))
    return visit


Here = Annotated[Visit, Depends(enter)]


async def welcome(site: Site, request: Request) -> Visit:
    """Who asks, by which door and in which language; nothing is decided yet."""
    cookies = {name: value for name, value in request.cookies.items() if len(value) <= COOKIE_CHARACTERS_MAX}
    secure = request.url.scheme == "https"
    session = await _session_of(site, cookies, secure)
    device = cookies.get(DEVICE_COOKIE)
    return Visit(
        site=site,
        request=request,
        secure=secure,
        language=site.languages.choose(
            cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")
        ),
        actor=Actor(
            role=session.role if session is not None else Role.CAMPER,
            group=session.group if session is not None else None,
            card=session.card if session is not None else None,
            device=site.desk.device_hash(device) if device else None,
            address=site.desk.address_hash(request.client.host) if request.client else None,
        ),
        session=session,
        device=device,
    )


def role_of(visit: Visit) -> Role:
    """The role by which the access table knows a visit."""
    if visit.session is not None:
        return visit.session.role
    return Role.CAMPER if visit.device else Role.VISITOR


def from_the_box(request: Request) -> bool:
    """Whether the request comes from the box itself."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client is not None else "")
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback  # a socket for both families
    return address.is_loopback


async def _session_of(site: Site, cookies: Mapping[str, str], secure: bool) -> SessionView | None:
    token = cookies.get(SESSION_COOKIE if secure else HTTP_SESSION_COOKIE)
    if not token:
        return None
    desk = site.desk
    session = await site.in_thread(lambda: desk.reader().session(session_hash(token), desk.wall_s()))
    if session is None or not session_counts(session.role, secure, site.settings.liaisons_on_http):
        return None
    if abs(desk.wall_s() - session.used) >= SESSION_NOTED_EVERY_S:
        desk.session_used(token)
    return session


def _is_foreign(request: Request, has_session: bool) -> bool:
    """Whether a form or order was sent by a page of another site (RFC 6454; Fetch Metadata).

    Programs name no origin. Browsers do, and newer ones also where the request was made, on HTTPS.
    """
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("origin")
    if origin is None:
        return False
    if origin == "null":  # a browser that hides it: the form's token must do, for those without a card
        return has_session
    return origin.lower() != f"{request.url.scheme}://{request.headers.get('host', '')}".lower()


def _host_of(request: Request) -> str:
    """The host name or address in the Host header, fit for a link."""
    try:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""
    return f"[{host}]" if ":" in host else host
