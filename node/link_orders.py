"""A coordinator's orders about links: done in the settings file first, then on the running roads.

What the page adds is there after a restart, and what it removes is not: the file and the node never say
different things. Where somebody changed the file by hand since the node started, nothing is done, for nobody
knows what was meant. A link that the environment overrules is not the file's to change.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isfinite
from pathlib import Path

from node.files import write_secret
from node.link_file import CannotEdit, count_links, with_link, with_stopped, without_link
from node.roadworks import Roadworks, Work
from node.settings import ENVIRONMENT, LINKS_MAX, Link, parse_settings
from node.settings_reader import SettingsError, from_words
from radio.road_words import Value, words_of
from radio.roads import KINDS
from web_ui.road_desk import LinkFault, LinkRefused

_LOG = logging.getLogger("miccheck")
_OVERRULED = re.compile(rf"{ENVIRONMENT}LINK__(\d+)__", re.IGNORECASE)
# The settings of a camp are a page of text. Longer than the longest address is no word of a link.
WORD_CHARACTERS_MAX = 300


class LinkOrders:
    """Changes the links of a running node. Lives in its event loop."""

    def __init__(self, file: Path, environment: Mapping[str, str], roads: Roadworks) -> None:
        self._file = file
        self._environment = environment
        self._roads = roads
        self._one_at_a_time = asyncio.Lock()
        found = (_OVERRULED.match(variable) for variable in environment)
        self._overruled = frozenset(int(match[1]) for match in found if match)

    def is_overruled(self, index: int) -> bool:
        """Whether the environment says something of the `index`-th link."""
        return index in self._overruled

    async def add(self, kind: str, typed: Mapping[str, str]) -> str:
        """Add a link of this kind with the words that were typed; its name. Raises LinkRefused."""
        if kind not in KINDS:
            raise LinkRefused(LinkFault.NO_SUCH)
        words = _words(kind, typed)
        async with self._one_at_a_time:
            text = self._text()
            if len(self._roads.works()) >= LINKS_MAX:
                raise LinkRefused(LinkFault.TOO_MANY)
            if any(index >= count_links(text) for index in self._overruled):
                raise LinkRefused(LinkFault.ENVIRONMENT)
            link = self._new_link(text, words)
            if any(replace(work.link, stopped=False) == link for work in self._roads.works()):
                raise LinkRefused(LinkFault.THERE_ALREADY)
            await self._write(lambda: with_link(text, words))
            return self._roads.add(link).name

    async def set_stopped(self, name: str, stopped: bool) -> None:
        """Stop a link and keep its settings, or start it again. Raises LinkRefused."""
        async with self._one_at_a_time:
            text = self._text()
            index, work = self._find(name)
            if index in self._overruled:
                raise LinkRefused(LinkFault.ENVIRONMENT)
            if work.link.stopped != stopped:
                await self._write(lambda: with_stopped(text, index, stopped))
                await self._roads.set(work, replace(work.link, stopped=stopped))

    async def remove(self, name: str) -> Work:
        """Stop a link and take it out of the settings; what it was. Raises LinkRefused."""
        async with self._one_at_a_time:
            text = self._text()
            index, work = self._find(name)
            # Variables name links by number: those behind this one would come to mean others.
            if any(overruled >= index for overruled in self._overruled):
                raise LinkRefused(LinkFault.ENVIRONMENT)
            await self._write(lambda: without_link(text, index))
            await self._roads.remove(work)
            return work

    def _find(self, name: str) -> tuple[int, Work]:
        for index, work in enumerate(self._roads.works()):
            if work.name == name:
                return index, work
        raise LinkRefused(LinkFault.NO_SUCH)

    def _text(self) -> str:
        """The file, if it still says what runs. Raises LinkRefused."""
        try:
            text = self._file.read_bytes().decode()
            links = parse_settings(text, self._environment).link
        except (OSError, UnicodeDecodeError, SettingsError) as error:
            raise LinkRefused(LinkFault.FILE_CHANGED) from error
        if links != tuple(work.link for work in self._roads.works()):
            raise LinkRefused(LinkFault.FILE_CHANGED)
        return text

    def _new_link(self, text: str, words: Mapping[str, Value]) -> Link:
        try:
            return parse_settings(with_link(text, words), self._environment).link[-1]
        except SettingsError as error:
            raise LinkRefused(LinkFault.WRONG, error.word) from error
        except CannotEdit as error:
            raise LinkRefused(LinkFault.CANNOT_EDIT) from error

    async def _write(self, edit: Callable[[], str]) -> None:
        """Write the file whole or not at all. Raises LinkRefused."""
        try:
            await asyncio.to_thread(write_secret, self._file, edit().encode())
        except CannotEdit as error:
            raise LinkRefused(LinkFault.CANNOT_EDIT) from error
        except OSError as error:
            _LOG.error("the settings cannot be written: %s", error.strerror)
            raise LinkRefused(LinkFault.CANNOT_WRITE) from error


def _words(kind: str, typed: Mapping[str, str]) -> dict[str, Value]:
    """The words of a form as they are written into the file. Raises LinkRefused."""
    words: dict[str, Value] = {"kind": kind}
    for word in words_of(KINDS[kind].settings):
        value = typed.get(word.name, "").strip()
        if not value and word.needed:
            raise LinkRefused(LinkFault.MISSING, word.name)
        if len(value) > WORD_CHARACTERS_MAX or not value.isprintable():
            raise LinkRefused(LinkFault.WRONG, word.name)
        if value:
            read = from_words(value.replace(",", ".") if word.type == "float" else value, word.type)
            if not isinstance(read, Value) or (isinstance(read, float) and not isfinite(read)):
                raise LinkRefused(LinkFault.WRONG, word.name)
            words[word.name] = read
    return words
