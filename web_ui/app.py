"""The pages and the interface for programs, as one application for both ports.

The scheme of a request says by which port it came; `web_ui.access` says what may be opened there.
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import compile_path

from sync.actions import Refused
from web_ui import api
from web_ui.access import TABLE, Asked, Verdict, decide
from web_ui.desk import Desk, WebSettings
from web_ui.languages import Languages
from web_ui.pages import (
    about,
    carrying,
    coordinating,
    entering,
    joining,
    letter_preview,
    letter_queue,
    linking,
    mailing,
    moderating,
    posting,
    reading,
    thread,
)
from web_ui.problems import Problem, document, refused, retry_after
from web_ui.shell import Shell, policy
from web_ui.site import Site, hash_of
from web_ui.visit import (
    NO_CARD_NOW,
    NOT_HERE,
    Page,
    Sorry,
    ToCard,
    Visit,
    enter,
    from_the_box,
    role_of,
    welcome,
)
from web_ui.words import REFUSED, mark, status_of

# What programs ask for; everything else is a page.
FOR_PROGRAMS = ("/api/", "/healthz", "/metrics")
# Below this gzip makes an answer longer.
GZIP_BYTES_MIN = 500

FAULT = mark("Something is wrong with this box. What you sent may not have been stored. Tell a coordinator.")

NOT_UNDERSTOOD = mark("The box did not understand that.")
_TO_PROGRAMS = {
    404: "There is no such address here. /api/openapi.json says which there are.",
    405: "This address is asked in another way. The header Allow says how.",
}
_PATTERNS = {path: compile_path(path)[0] for _method, path in TABLE}
_SAID = {404: NOT_HERE, 405: NOT_HERE, 503: mark("This box is being stopped. Try again in a minute.")}


def create_app(desk: Desk, settings: WebSettings, languages: Languages | None = None) -> FastAPI:
    """The application. `languages` are those of the settings unless given.

    Raises ValueError for a language there is no catalogue of.
    """
    if languages is None:
        languages = Languages.load(settings.languages, settings.default_language)
    site = Site(desk, settings, languages)
    app = FastAPI(
        title="Mic Check",
        version=desk.version(),
        openapi_url=None,  # ours stands in the access table like any other route
        docs_url=None,  # it loads scripts from outside
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(enter)],
    )
    app.state.site = site
    for router in (
        reading,
        thread,
        posting,
        about,
        entering,
        moderating,
        coordinating,
        linking,
        carrying,
        joining,
        mailing,
        letter_queue,
        letter_preview,
        api,
    ):
        app.include_router(router.router)
    app.add_exception_handler(Sorry, _sorry)
    app.add_exception_handler(ToCard, _to_card)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_BYTES_MIN, compresslevel=6)
    app.add_middleware(Shell, content_policy=policy(hash_of(site.style), hash_of(site.script)))
    return app


async def _say(request: Request, status: int, sentence: str, wait_s: int | None = None) -> Response:
    if request.url.path.startswith(FOR_PROGRAMS):
        return document(Problem(status, _TO_PROGRAMS.get(status, sentence), retry_after_s=wait_s))
    visit = await welcome(request.app.state.site, request)
    return await visit.show(
        Page("sorry.html", {"sentence": sentence, "enter_card": sentence == NO_CARD_NOW}, status, wait_s)
    )


async def _sorry(request: Request, error: Exception) -> Response:
    assert isinstance(error, Sorry)
    return await _say(request, error.status, error.sentence, error.retry_after_s)


async def _to_card(request: Request, error: Exception) -> Response:
    site: Site = request.app.state.site
    return (await welcome(site, request)).go("/card")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    if request.url.path.startswith(FOR_PROGRAMS):
        return document(refused(error))
    status = status_of(error.refusal)
    return await _say(request, status, REFUSED[error.refusal], retry_after(error) if status == 429 else None)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return document(error)


async def _http(request: Request, error: Exception) -> Response:
    """What the framework refused: no such route, or another method."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    allowed = ""
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = _allowed(await welcome(request.app.state.site, request))
        status = status if allowed else HTTPStatus.NOT_FOUND
    answer = await _say(request, status, _SAID.get(status, NOT_UNDERSTOOD))
    if allowed:
        answer.headers["allow"] = allowed
    return answer


def _allowed(visit: Visit) -> str:
    """By which methods this address is asked at this door (RFC 9110, 15.5.6); empty when there is none.

    The framework names those of the first route only, and does not know the doors.
    """
    request, liaisons_on_http = visit.request, visit.site.settings.liaisons_on_http
    found = set()
    for (method, path), rule in TABLE.items():
        if _PATTERNS[path].match(request.url.path):
            asked = Asked(method, role_of(visit), visit.secure, from_the_box(request))
            if decide(rule, asked, liaisons_on_http) is not Verdict.HIDDEN:
                found |= {method, "HEAD"} if method == "GET" else {method}
    return ", ".join(sorted(found))


async def _fault(request: Request, error: Exception) -> Response:
    """A fault of ours: said in the log by the server, and here in one sentence without the store."""
    sentence = FAULT
    if request.url.path.startswith(FOR_PROGRAMS):
        return document(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, sentence))
    site: Site = request.app.state.site
    language = site.languages.choose(None, request.headers.get("accept-language", ""))
    said = language.say(sentence)
    return Response(f"<!doctype html><title>Mic Check</title><p>{said}</p>", 500, media_type="text/html")
