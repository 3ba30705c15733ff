"""What happens in the demo, seen from outside: pages are asked and the archive is listed, again and again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.message import Message as Mail
from pathlib import Path
from typing import Any

from node import maildir
from node.demo_camp import DemoCamp, NotFound, NotReady
from sync.letters.headers import header
from sync.letters.marks import HEADER, mark_of_header
from sync.letters.mime import parse
from sync.text import tidy_name

# One line of a terminal.
TEXT_CHARACTERS = 60


class Watch:
    """The first camp is where posts are made that must reach the last one and the archive."""

    def __init__(self, camps: Sequence[DemoCamp], archive: Path) -> None:
        self._camps = camps
        self._archive = archive
        self._seen: dict[str, set[str]] = {camp.letter: set() for camp in camps}
        self._after: dict[str, str] = {}
        self._down: set[str] = set()
        self._posted: set[str] = set()  # at the first camp
        self._letters: set[str] = set()  # names of files
        self._archived: set[str] = set()  # ids of messages
        for camp in camps:
            for _ in self._look_at(camp):
                pass  # the morning is no news
        self._posted.clear()

    def look(self) -> Iterator[str]:
        """A line for everything that happened since the last look."""
        for camp in self._camps:
            yield from self._look_at(camp)
        yield from self._look_into_archive()

    def missing(self) -> str | None:
        """What is missing for a post made at the first camp to be everywhere; None when nothing is."""
        first, last = self._camps[0].letter, self._camps[-1].letter
        arrived = self._posted & self._seen[last]
        if not self._posted:
            return f"no post was made at {first}"
        if not arrived:
            return f"no post made at {first} is at {last} yet"
        if not arrived & self._archived:
            return f"no post made at {first} is in the list archive yet"
        return None

    def _look_at(self, camp: DemoCamp) -> Iterator[str]:
        try:
            messages = camp.messages(self._after.get(camp.letter))
        except NotReady:
            if camp.letter not in self._down:
                self._down.add(camp.letter)
                why = camp.has_ended() or "it does not answer"
                yield f"{camp.letter}  is down ({why}); start it: {camp.command}"
            return
        except NotFound:
            self._after.pop(camp.letter, None)  # the last one was taken back or swept: begin anew
            return
        if camp.letter in self._down:
            self._down.discard(camp.letter)
            yield f"{camp.letter}  is back"
        for message in messages:
            self._after[camp.letter] = message["id"]
            if message["id"] in self._seen[camp.letter]:
                continue
            self._seen[camp.letter].add(message["id"])
            if message["via"] == "here" and camp is self._camps[0]:
                self._posted.add(message["id"])
            yield f"{camp.letter}  {_line(message)}"

    def _look_into_archive(self) -> Iterator[str]:
        try:
            letters = maildir.unread(self._archive)
        except OSError:
            return  # the courier makes it with the first letter
        for path in letters:
            if path.name not in self._letters:
                self._letters.add(path.name)
                mail = parse(path.read_bytes())
                if mail is not None:
                    self._note(mail)
                    yield f"list archive  {tidy_name(header(mail, 'Subject'))}"

    def _note(self, mail: Mail) -> None:
        mark = mark_of_header(header(mail, HEADER))
        if mark is not None:
            self._archived.add(mark.message.hex())


def _line(message: dict[str, Any]) -> str:
    text = tidy_name(message["text"])
    if len(text) > TEXT_CHARACTERS:
        text = text[: TEXT_CHARACTERS - 1] + "…"
    urgent = "MIC CHECK " if message["urgent"] else ""
    return (
        f"{message['channel']}: {urgent}{message['author'] or 'somebody'} ({message['camp']['name']}): {text}"
    )
