"""A file from a phone, taken as it comes: it is never whole in memory, and the form before it is small."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException

# The fields before the file: a token, and what a later form may add.
FIELD_BYTES_MAX = 1_000
FIELDS_MAX = 8
HEADER_BYTES_MAX = 1_000
UNSUPPORTED_MEDIA_TYPE, BAD_REQUEST = 415, 400


@dataclass
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    file: str | None = None  # its name, where it is a file


class Upload:
    """A form of small fields and one file behind them (RFC 7578). `fields`, `file_name` after `begin`."""

    def __init__(self, content_type: str, stream: AsyncIterator[bytes]) -> None:
        """Raises HTTPException (415) for a form that cannot carry a file."""
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise HTTPException(UNSUPPORTED_MEDIA_TYPE)
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        self._stream = stream
        self._pieces: list[bytes] = []
        self._part = _Part()
        self._header = b""
        self._value = b""
        self._text = b""
        self._ended = False
        self._parser = MultipartParser(boundary, {
            "on_part_begin": self._begin_part,
            "on_header_field": lambda data, start, end: self._grow_header(data[start:end]),
            "on_header_value": lambda data, start, end: self._grow_value(data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": lambda data, start, end: self._data(data[start:end]),
            "on_part_end": self._end_part,
        })  # fmt: skip

    async def begin(self) -> None:
        """Read up to the file. Raises HTTPException (400) when it is no form or there is no file in it."""
        while self.file_name is None:
            if not await self._more():
                raise HTTPException(BAD_REQUEST)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The file. Raises HTTPException (400) when it ends in the middle."""
        while True:
            waiting, self._pieces = self._pieces, []
            for piece in waiting:
                yield piece
            if self._ended:
                return
            if not await self._more():
                raise HTTPException(BAD_REQUEST)

    async def drain(self) -> None:
        """Take the rest and forget it: a browser that still sends does not read what we answer."""
        async for _ in self._stream:
            pass

    async def _more(self) -> bool:
        """Take what comes next; False at the end."""
        async for chunk in self._stream:
            if chunk:
                try:
                    self._parser.write(chunk)
                except FormParserError as error:
                    raise HTTPException(BAD_REQUEST) from error
                return True
        return False

    def _begin_part(self) -> None:
        self._part, self._text = _Part(), b""

    def _grow_header(self, data: bytes) -> None:
        self._header = _bounded(self._header + data, HEADER_BYTES_MAX)

    def _grow_value(self, data: bytes) -> None:
        self._value = _bounded(self._value + data, HEADER_BYTES_MAX)

    def _end_header(self) -> None:
        self._part.headers[self._header.lower()] = self._value
        self._header = self._value = b""
        if len(self._part.headers) > FIELDS_MAX:
            raise HTTPException(BAD_REQUEST)

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._part.headers.get(b"content-disposition"))
        self._part.name = options.get(b"name", b"").decode(errors="replace")
        if b"filename" in options and self.file_name is None:
            self._part.file = self.file_name = options[b"filename"].decode(errors="replace")

    def _data(self, data: bytes) -> None:
        if self._part.file is not None:
            self._pieces.append(data)
        elif self.file_name is None:
            self._text = _bounded(self._text + data, FIELD_BYTES_MAX)

    def _end_part(self) -> None:
        if self._part.file is not None:
            self._ended = True
        elif self.file_name is None and len(self.fields) < FIELDS_MAX:
            self.fields[self._part.name] = self._text.decode(errors="replace")


def _bounded(data: bytes, bytes_max: int) -> bytes:
    if len(data) > bytes_max:
        raise HTTPException(BAD_REQUEST)
    return data
