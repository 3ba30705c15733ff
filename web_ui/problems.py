"""Errors as programs read them: problem documents (RFC 9457)."""

from __future__ import annotations

import math
from http import HTTPStatus

from fastapi.responses import JSONResponse

from sync.actions import Refusal, Refused
from web_ui.words import REFUSED, status_of

# Where waiting helps and the board does not know how long.
RETRY_AFTER_S = 60
# Where the sentence of the pages speaks of a form.
_TO_PROGRAMS = {Refusal.TOKEN_USED: "This Idempotency-Key was used for another post."}


class Problem(Exception):
    """What was wrong with a program's request."""

    def __init__(
        self, status: int, detail: str, kind: str = "about:blank", retry_after_s: int | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.retry_after_s = retry_after_s


def refused(error: Refused) -> Problem:
    """What the board refused, as a problem whose type ends in the refusal's word."""
    status = status_of(error.refusal)
    wait = retry_after(error) if status == 429 else None
    said = _TO_PROGRAMS.get(error.refusal, REFUSED[error.refusal])
    return Problem(status, said, f"urn:miccheck:refused:{error.refusal.value}", wait)


def retry_after(error: Refused) -> int:
    """Whole seconds after which trying again may help."""
    return max(1, math.ceil(error.retry_after_s)) if error.retry_after_s is not None else RETRY_AFTER_S


def document(problem: Problem) -> JSONResponse:
    """The answer that carries a problem."""
    title = HTTPStatus(problem.status).phrase
    if problem.kind != "about:blank":
        title = problem.kind.rpartition(":")[2].replace("_", " ")
    headers = {} if problem.retry_after_s is None else {"retry-after": str(problem.retry_after_s)}
    return JSONResponse(
        {"type": problem.kind, "title": title, "status": problem.status, "detail": problem.detail},
        status_code=problem.status,
        headers=headers,
        media_type="application/problem+json",
    )
