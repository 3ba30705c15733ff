"""The coordinators' page of links: how each goes, add one, stop it, start it again, take it away.

What kinds there are and what their forms ask comes from the node (`web_ui.road_desk`). A form that is refused
comes back with what was typed and the word to look at; a link that was taken away leaves the form from which
it was made, filled in, so that it can be added again.
"""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Response

from web_ui.pages.about import percent
from web_ui.road_desk import KindView, LinkFault, LinkRefused
from web_ui.visit import NOT_HERE, Here, Page, Sorry, Visit
from web_ui.words import link_state, mark
from web_ui.writing import fields_of

router = APIRouter(include_in_schema=False)

# Boards and sticks at one box; of more, who looks has pulled the wrong cable.
FOUND_SHOWN = 8
# Camps that dial this one may be 150; who is at the other end of each stands on the page of camps.
OTHERS_SHOWN = 12
LINKS = "/coordinator/links"

FAULTS = {
    LinkFault.MISSING: mark("Something is missing."),
    LinkFault.WRONG: mark("This cannot be right."),
    LinkFault.CLASHES: mark(
        "This does not go with the rest: the law of a region forbids some presets, for example."
    ),
    LinkFault.THERE_ALREADY: mark("There is such a link already."),
    LinkFault.TOO_MANY: mark("There are sixteen links, and no more fit. Remove one first."),
    LinkFault.NO_SUCH: mark("There is no such link any more."),
    LinkFault.ENVIRONMENT: mark("This is set where the node is started, and can only be changed there."),
    LinkFault.FILE_CHANGED: mark(
        "miccheck.toml was changed by hand since the node was started. Start the node again first."
    ),
    LinkFault.CANNOT_EDIT: mark("miccheck.toml is written in a way that only a person should change."),
    LinkFault.CANNOT_WRITE: mark("The settings cannot be written: the card is full or broken."),
}
CONFLICT, UNPROCESSABLE = 409, 422


@router.get("/coordinator/links")
async def links(visit: Here) -> Response:
    """How the links go."""
    return await _links(visit)


async def _links(visit: Visit, sentence: str = "", status: int = 200) -> Response:
    return await visit.page(lambda _: _list(visit, sentence, status))


def _list(visit: Visit, sentence: str, status: int) -> Page:
    desk = visit.site.desk
    roads = desk.roads().views()
    shown = {link.name for road in roads for link in road.links}
    others = [link for link in desk.links() if link.name not in shown]
    content = {
        "roads": roads,
        "others": others[:OTHERS_SHOWN],
        "more": len(others) - OTHERS_SHOWN,
        "kinds": desk.roads().kinds(),
        "link_word": lambda link: link_state(visit.language, link.kind, link.state),
        "percent": percent,
        "sorry": sentence,
    }
    return Page("coordinator_links.html", content, status)


@router.get("/coordinator/links/add/{kind}")
async def add_form(visit: Here, kind: str) -> Response:
    """The form of one kind; the address may fill it in."""
    return await _form(visit, kind, dict(visit.request.query_params))


async def _form(
    visit: Visit, kind: str, kept: dict[str, str], refused: LinkRefused | None = None
) -> Response:
    view = _kind(visit, kind)
    roads = visit.site.desk.roads()

    def build() -> Page:
        filled_in = ((dict(each.words), each.says) for each in roads.found(kind))
        content = {
            "kind": view,
            "kept": kept,
            "found": [
                (f"{LINKS}/add/{kind}?{urlencode(words)}", says)
                for words, says in list(filled_in)[:FOUND_SHOWN]
            ],
            "sorry": FAULTS[refused.fault] if refused is not None else "",
            "look_at": refused.word if refused is not None else "",
            "removed": kept.get("removed", "") == "1" and refused is None,
        }
        return Page("coordinator_link_add.html", content, _status_of(refused))

    return await visit.page(lambda _: build())


def _status_of(refused: LinkRefused | None) -> int:
    if refused is None:
        return 200
    return UNPROCESSABLE if refused.word else CONFLICT


def _kind(visit: Visit, name: str) -> KindView:
    for kind in visit.site.desk.roads().kinds():
        if kind.name == name:
            return kind
    raise Sorry(404, NOT_HERE)


@router.post("/coordinator/links/add/{kind}")
async def add(visit: Here, kind: str) -> Response:
    """Add a link; refused, the form with what was typed."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    words = {word.name: fields.get(word.name, "") for word in _kind(visit, kind).words}
    try:
        await visit.site.desk.roads().add(kind, words, visit.actor)
    except LinkRefused as refused:
        return await _form(visit, kind, words, refused)
    return visit.go(LINKS)


@router.post("/coordinator/links/{link}/stop")
async def stop(visit: Here, link: str) -> Response:
    """Stop a link; its settings stay."""
    return await _set_stopped(visit, link, True)


@router.post("/coordinator/links/{link}/start")
async def start(visit: Here, link: str) -> Response:
    """Start a stopped link."""
    return await _set_stopped(visit, link, False)


async def _set_stopped(visit: Visit, link: str, stopped: bool) -> Response:
    visit.use_token((await fields_of(visit)).get("token", ""))
    try:
        await visit.site.desk.roads().set_stopped(link, stopped, visit.actor)
    except LinkRefused as refused:
        return await _links(visit, FAULTS[refused.fault], _status_of(refused))
    return visit.go(LINKS)


@router.post("/coordinator/links/{link}/remove")
async def remove(visit: Here, link: str) -> Response:
    """Take a link out of the settings, and show the form that would add it again."""
    visit.use_token((await fields_of(visit)).get("token", ""))
    try:
        was = await visit.site.desk.roads().remove(link, visit.actor)
    except LinkRefused as refused:
        return await _links(visit, FAULTS[refused.fault], _status_of(refused))
    words = {name: value for name, _, value in was.words}
    return visit.go(f"{LINKS}/add/{was.kind}?{urlencode(words | {'removed': '1'})}")
