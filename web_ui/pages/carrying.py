"""The coordinators' page for carrying: files to a phone and from one, and sticks, opened by a tap."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import iterate_in_threadpool

from sync.actions import CarryChange, NoteCarrying, Refused
from sync.message import HERE
from sync.reading import Reader
from web_ui.carry_desk import UPLOAD_BYTES_MAX, CarryDesk, CarryTrouble
from web_ui.uploading import Upload
from web_ui.visit import Here, Page, Visit
from web_ui.words import CARRY_TROUBLES
from web_ui.writing import fields_of

router = APIRouter(include_in_schema=False)

PAGE = "/coordinator/carry"
# How far back a file goes, in hours, as the form offers it.
SINCE_HOURS = {"24": 24, "72": 72, "168": 168}
# While a file is being taken in, the page comes again by itself after so many seconds.
LOOK_AGAIN_S = 3
STATUS_OF = {"too_large": 413, "busy": 409, "disk_full": 507, "gone": 404, "not_allowed": 403}


@router.get("/coordinator/carry")
async def carry(visit: Here) -> Response:
    """What was carried, what can be, and which sticks are plugged in."""
    return await _page(visit, "", HTTPStatus.OK)


async def _page(visit: Visit, trouble: str, status: int) -> Response:
    desk = visit.site.desk.carrying()
    answer = await visit.page(lambda reader: _carry(reader, desk, trouble, status))
    intake = desk.intake()
    if intake is not None and intake.state == "running" and not trouble:
        answer.headers["refresh"] = f"{LOOK_AGAIN_S};url={PAGE}"
    return answer


def _carry(reader: Reader, desk: CarryDesk, trouble: str, status: int) -> Page:
    content = {
        "intake": desk.intake(),
        "written": desk.written(),
        "sticks": desk.sticks(),
        "open_stick": desk.opened(),
        "can_open": desk.can_open(),
        "channels": [channel.name for channel in reader.channels() if channel.name != HERE],
        "upload_mb": UPLOAD_BYTES_MAX // 1_048_576,
        "troubles": CARRY_TROUBLES,
        "megabytes": megabytes,
        "sorry": CARRY_TROUBLES[trouble] if trouble else "",
    }
    return Page("coordinator_carry.html", content, status)


@router.get("/coordinator/carry/file")
async def download(visit: Here) -> Response:
    """A file of bundles for a phone. It may be asked for as often as somebody likes."""
    wanted = dict(visit.request.query_params)
    desk = visit.site.desk.carrying()
    now_s = visit.site.desk.wall_s()
    try:
        await desk.seal()
    except CarryTrouble as trouble:
        return await _trouble(visit, trouble)
    await _note(visit, CarryChange.IN_FILE)
    pieces = desk.bundles(_since_s(wanted, now_s), wanted.get("channel") or None)
    return StreamingResponse(
        iterate_in_threadpool(pieces),
        media_type="application/octet-stream",
        headers={
            "content-disposition": f'attachment; filename="{file_name(now_s)}"',
            "content-encoding": "identity",  # signatures cannot be packed; do not try
        },
    )


@router.post("/coordinator/carry/upload")
async def upload(visit: Here) -> Response:
    """Take a file from a phone."""
    sent = Upload(visit.request.headers.get("content-type", ""), visit.request.stream())
    _takes_long(visit.request)
    await sent.begin()
    visit.use_token(sent.fields.get("token", ""))
    try:
        await visit.site.desk.carrying().receive(sent.file_name or "", _not_too_much(sent.pieces()))
    except CarryTrouble as trouble:
        await sent.drain()
        return await _trouble(visit, trouble)
    await _note(visit, CarryChange.BROUGHT_IN)
    return visit.go(PAGE)


async def _not_too_much(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    left = UPLOAD_BYTES_MAX
    async for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise CarryTrouble("too_large")
        yield piece


def _takes_long(request: Request) -> None:
    """Tell the server that this body may take minutes, as long as something of it comes."""
    patience = request.scope.get("state", {}).get("takes_long")
    if patience is not None:
        patience()


@router.post("/coordinator/carry/stop")
async def stop(visit: Here) -> Response:
    """Take in no more of the file."""
    visit.use_token((await fields_of(visit)).get("token", ""))
    visit.site.desk.carrying().stop()
    return visit.go(PAGE)


@router.post("/coordinator/carry/open")
async def open_stick(visit: Here) -> Response:
    """Open a stick, to be read only."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    try:
        await visit.site.desk.carrying().open(fields.get("stick", ""))
    except CarryTrouble as trouble:
        return await _trouble(visit, trouble)
    return visit.go(PAGE)


@router.post("/coordinator/carry/close")
async def close_stick(visit: Here) -> Response:
    """Close the open stick."""
    visit.use_token((await fields_of(visit)).get("token", ""))
    try:
        await visit.site.desk.carrying().close()
    except CarryTrouble as trouble:
        return await _trouble(visit, trouble)
    return visit.go(PAGE)


@router.post("/coordinator/carry/take")
async def take(visit: Here) -> Response:
    """Take in a file of the open stick."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    try:
        await visit.site.desk.carrying().take(fields.get("file", ""))
    except CarryTrouble as trouble:
        return await _trouble(visit, trouble)
    await _note(visit, CarryChange.BROUGHT_IN)
    return visit.go(PAGE)


@router.post("/coordinator/carry/write")
async def write(visit: Here) -> Response:
    """Write bundles onto a stick."""
    fields = await fields_of(visit)
    visit.use_token(fields.get("token", ""))
    since_s = _since_s(fields, visit.site.desk.wall_s())
    try:
        await visit.site.desk.carrying().write(
            fields.get("stick", ""), since_s, fields.get("channel") or None
        )
    except CarryTrouble as trouble:
        return await _trouble(visit, trouble)
    await _note(visit, CarryChange.ON_STICK)
    return visit.go(PAGE)


async def _note(visit: Visit, change: CarryChange) -> None:
    """Have it stand in the public log. What is done stays done where the disk is too full to say so."""
    with suppress(Refused):
        await visit.do(NoteCarrying(change))


async def _trouble(visit: Visit, trouble: CarryTrouble) -> Response:
    return await _page(visit, trouble.word, STATUS_OF.get(trouble.word, HTTPStatus.UNPROCESSABLE_ENTITY))


def _since_s(fields: dict[str, str], now_s: float) -> float | None:
    """From when on, in Unix seconds; None for everything."""
    hours = SINCE_HOURS.get(fields.get("since", ""))
    return None if hours is None else now_s - 3_600 * hours


def file_name(now_s: float) -> str:
    """What a file of bundles is called that leaves at this Unix time."""
    return datetime.fromtimestamp(now_s, UTC).strftime("camp-%Y%m%d-%H%M.bundles")


def megabytes(size_bytes: int) -> str:
    """A size as people read it."""
    if size_bytes >= 1_000_000_000:
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 100_000 else f"{(size_bytes + 999) // 1000} kB"
