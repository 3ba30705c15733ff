"""HTTP for programs: the same rules as the forms, errors as problem documents.

Without a session a program is a camper. Query strings and bodies are read here and not by the framework,
so that every refusal has the one form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError

from sync.actions import Refused, WritePost, Written
from sync.message import MESSAGE_ID_BYTES, MessageId
from sync.reading import Reader
from web_ui import api_shapes as shapes
from web_ui.api_form import Json, channel_json, message_json, page_json, status_json
from web_ui.problems import Problem, refused
from web_ui.visit import Here, Visit

router = APIRouter()

LIMIT_DEFAULT, LIMIT_MAX = 50, 500
# A UUID has 36 letters. Printable ASCII only, as in a header.
IDEMPOTENCY_KEY_MAX = 200
PROGRAM_TOKEN = b"key "


def _answers(shape: type[BaseModel], *problems: int, status: int = 200) -> dict[str, Any]:
    """How a route describes what it answers."""
    problem = {
        "model": shapes.ProblemDocument,
        "content": {"application/problem+json": {}},
    }
    answers: dict[int | str, dict[str, Any]] = {status: {"model": shape}}
    for code in problems:
        answers[code] = {**problem, "description": "Refused"}
    return {"responses": answers, "status_code": status, "response_model": None}


def _query(name: str, schema: Json, says: str) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": says}


@router.get("/healthz", **_answers(shapes.Health))
async def healthz(visit: Here) -> Response:
    """Whether the box is up and its store can be read."""
    await visit.read(lambda reader: reader.camp())
    return JSONResponse({"status": "ok"})


@router.get("/metrics", include_in_schema=False)
async def metrics(visit: Here) -> Response:
    """Counters for Prometheus, to the box itself only."""
    from web_ui.metrics import exposition  # 4 MB that few boxes need

    desk = visit.site.desk
    body = await visit.read(
        lambda reader: exposition(reader.status(), desk.links(), desk.refused_counts(), desk.uptime_s())
    )
    return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/api/openapi.json", include_in_schema=False)
async def openapi(visit: Here, request: Request) -> Response:
    """This interface, described."""
    return JSONResponse(request.app.openapi())


@router.get("/api/v1/status", **_answers(shapes.Status))
async def status(visit: Here) -> Response:
    """How the box is."""
    desk = visit.site.desk

    def look(reader: Reader) -> Json:
        return status_json(
            reader.status(), desk.clock(), desk.links(), desk.list_views(), desk.refused_counts(),
            desk.version(), desk.uptime_s(), desk.mail().internet(),
        )  # fmt: skip

    return JSONResponse(await visit.read(look))


@router.get("/api/v1/channels", **_answers(shapes.Channels))
async def channels(visit: Here) -> Response:
    """All channels known here."""
    return JSONResponse(
        await visit.read(
            lambda reader: {"channels": [channel_json(channel) for channel in reader.channels()]}
        )
    )


@router.get(
    "/api/v1/messages",
    **_answers(shapes.Messages, 404, 422),
    openapi_extra={
        "parameters": [
            _query("channel", {"type": "string"}, "Only of this channel"),
            _query("after", {"type": "string", "pattern": shapes.HEX_ID}, "The id of the last one seen"),
            _query(
                "limit", {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT}, ""
            ),
        ]
    },
)
async def messages(visit: Here) -> Response:
    """Messages, oldest first by local receipt."""
    query = visit.request.query_params
    limit = _limit(query.get("limit"))
    after = _id(query["after"]) if query.get("after") else None
    return JSONResponse(await visit.read(_page(query.get("channel") or None, after, limit)))


def _page(channel: str | None, after: MessageId | None, limit: int) -> Callable[[Reader], Json]:
    def look(reader: Reader) -> Json:
        if channel is not None and all(known.name != channel for known in reader.channels()):
            raise Problem(404, "There is no such channel here.")
        try:
            return page_json(reader.messages(channel, after, limit))
        except LookupError as error:
            raise Problem(404, "No message with the id in `after` is known here.") from error

    return look


@router.post(
    "/api/v1/messages",
    **_answers(shapes.Message, 400, 403, 404, 413, 415, 422, 429, 507, status=201),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": shapes.NewMessage.model_json_schema()}},
        },
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_MAX},
                "description": "A repeat with the same key is answered with the first answer.",
            }
        ],
    },
)
async def post(visit: Here) -> Response:
    """Store a post. The answer comes after the commit."""
    new = await _new_message(visit)
    reply_to = bytes.fromhex(new.reply_to) if new.reply_to is not None else None
    order = WritePost(new.channel, new.text, new.author, new.urgent, reply_to, _token(visit))
    try:
        written = await visit.do(order)
    except Refused as error:
        raise refused(error) from error
    assert isinstance(written, Written)
    view = await visit.read(lambda reader: reader.message(written.message))
    if view is None:
        raise Problem(404, "The message was stored, and its time is over since.")
    return JSONResponse(message_json(view), status_code=201)


async def _new_message(visit: Visit) -> shapes.NewMessage:
    media_type = visit.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(415, "Send application/json.")
    try:
        return shapes.NewMessage.model_validate_json(await visit.request.body())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        broken = first["type"] == "json_invalid"
        said = f"{where}: {first['msg']}" if where else str(first["msg"])
        raise Problem(400 if broken else 422, said) from error


def _token(visit: Visit) -> bytes | None:
    key = visit.request.headers.get("idempotency-key")
    if key is None:
        return None
    if not (0 < len(key) <= IDEMPOTENCY_KEY_MAX and key.isascii() and key.isprintable()):
        raise Problem(422, f"An Idempotency-Key has 1 to {IDEMPOTENCY_KEY_MAX} printable characters.")
    return PROGRAM_TOKEN + key.encode()


def _limit(value: str | None) -> int:
    if value is None:
        return LIMIT_DEFAULT
    if not (value.isascii() and value.isdigit() and len(value) <= 3 and 1 <= int(value) <= LIMIT_MAX):
        raise Problem(422, f"limit: a number from 1 to {LIMIT_MAX}")
    return int(value)


def _id(value: str) -> MessageId:
    try:
        id_ = bytes.fromhex(value)
    except ValueError as error:
        raise Problem(422, "after: an id has 32 hex digits") from error
    if len(id_) != MESSAGE_ID_BYTES:
        raise Problem(422, "after: an id has 32 hex digits")
    return id_
