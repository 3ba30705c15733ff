"""What somebody is writing: kept through every refusal, pointed out where it would lead to a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from web_ui.private_things import private_things

if TYPE_CHECKING:
    from web_ui.visit import Visit

# What a form may say of its letters. Python knows more: such as take quadratic time (punycode), and such as
# make text of what is none (unicode_escape).
CHARSETS = (b"utf-8", b"utf8", b"us-ascii")
UNSUPPORTED_MEDIA_TYPE = 415
# The fields of our longest form, with room; more are nobody's who read it here.
FIELDS_MAX = 30


@dataclass(frozen=True, slots=True)
class Draft:
    """A post on its way: the fields of the form as they were sent."""

    channel: str
    text: str = ""
    nickname: str = ""
    urgent: bool = False
    reply_to: str = ""  # hex, or empty
    public: bool = False  # its author knows that everybody will read it
    private: tuple[str, ...] = ()  # what in it would lead to a person

    def looked_at(self) -> Draft:
        """The same draft with what should be pointed out."""
        return replace(self, private=private_things(f"{self.text} {self.nickname}"))


def draft_from(fields: Mapping[str, str]) -> Draft:
    """The draft in a form."""
    return Draft(
        channel=fields.get("channel", ""),
        text=fields.get("text", ""),
        nickname=fields.get("nickname", ""),
        urgent=fields.get("urgent", "") == "1",
        reply_to=fields.get("reply_to", ""),
        public=fields.get("public", "") == "1",
    )


async def fields_of(visit: Visit) -> dict[str, str]:
    """The text fields of the form that was sent; files in it are left out. Raises HTTPException."""
    _, options = parse_options_header(visit.request.headers.get("content-type"))
    if options.get(b"charset", b"utf-8").lower() not in CHARSETS:
        raise HTTPException(UNSUPPORTED_MEDIA_TYPE)
    form = await visit.request.form(max_files=1, max_fields=FIELDS_MAX)
    return {name: value for name, value in form.items() if not isinstance(value, UploadFile)}
