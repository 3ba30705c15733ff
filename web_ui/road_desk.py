"""What the coordinators' page of links needs of the node behind it.

The kinds of links, their words and what is said of them come from the node: no form knows a kind by name.
Sentences are those of the catalogues, in English; the page says them in its reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from sync.actions import Actor
from web_ui.desk import LinkView


class LinkFault(Enum):
    """Why an order about links was not carried out."""

    MISSING = auto()  # a word that is needed
    WRONG = auto()  # a word
    CLASHES = auto()  # a word, with the others
    THERE_ALREADY = auto()
    TOO_MANY = auto()
    NO_SUCH = auto()
    ENVIRONMENT = auto()  # overrules it
    FILE_CHANGED = auto()  # by hand, since the node was started
    CANNOT_EDIT = auto()  # it is written in a way that only a person should change
    CANNOT_WRITE = auto()


class LinkRefused(Exception):
    """Nothing was changed. `word` is the one to look at, where it is one."""

    def __init__(self, fault: LinkFault, word: str = "") -> None:
        super().__init__(fault, word)
        self.fault = fault
        self.word = word


@dataclass(frozen=True, slots=True)
class WordView:
    """One word of a kind of link, as a form asks for it."""

    name: str
    label: str
    hint: str
    needed: bool
    default: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundView:
    """Something at this box that a link could use: the words with which the form is filled in."""

    says: str
    words: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class KindView:
    """A kind of link that can be added."""

    name: str
    title: str
    about: str
    words: tuple[WordView, ...]


@dataclass(frozen=True, slots=True)
class RoadView:
    """One link of the settings: what was set, and how it goes."""

    name: str
    kind: str
    title: str
    words: tuple[tuple[str, str, str], ...]  # its word, what people call it, its value
    links: tuple[LinkView, ...]
    stopped: bool
    fixed: bool  # by the environment: it cannot be changed here


class RoadDesk(Protocol):
    """The links of a node, to be looked at and changed. `views`, `kinds` and `found` in any thread."""

    def views(self) -> tuple[RoadView, ...]:
        """The links of the settings, in their order."""

    def kinds(self) -> tuple[KindView, ...]:
        """What can be added."""

    def found(self, kind: str) -> tuple[FoundView, ...]:
        """What is plugged in that a link of this kind could use."""

    async def add(self, kind: str, words: Mapping[str, str], actor: Actor) -> str:
        """Add a link and open it; its name. Raises LinkRefused."""

    async def set_stopped(self, name: str, stopped: bool, actor: Actor) -> None:
        """Stop a link, or start it again. Raises LinkRefused."""

    async def remove(self, name: str, actor: Actor) -> RoadView:
        """Stop a link and take it out of the settings; what it was. Raises LinkRefused."""
