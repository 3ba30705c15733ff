"""What the page *Join the list* needs of the node behind it.

What a liaison types is sealed inside `register`; the node keeps the box and nothing else, so no page can ever
show an address again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sync.actions import Actor


class JoinFault(StrEnum):
    """What is wrong with a form. Pages have a sentence for each."""

    NO_LIST = "no_list"
    NO_ADDRESS = "no_address"
    NO_CONSENT = "no_consent"
    TOO_LONG = "too_long"
    ALIAS_TELLS = "alias_tells"  # an address or a number in the name under which it is listed


class JoinRefused(Exception):
    """A form was refused; `field` is the one to look at."""

    def __init__(self, fault: JoinFault, field: str) -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.field = field


@dataclass(frozen=True, slots=True, repr=False)
class JoinForm:
    """The form as it was sent. Printed, it says nothing."""

    list: str = ""
    address: str = ""
    place: str = ""
    group: str = ""
    alias: str = ""
    consent: bool = False

    def __repr__(self) -> str:
        return "JoinForm(…)"


@dataclass(frozen=True, slots=True)
class JoinableList:
    """A list whose owner can be asked. `posts` says that this camp itself brings letters there."""

    name: str
    address: str
    posts: bool


class JoinDesk(Protocol):
    """Lists that people can be registered for."""

    def lists(self) -> tuple[JoinableList, ...]:
        """The lists whose owner has a key, in the order of the settings."""

    async def register(self, form: JoinForm, actor: Actor, token: bytes) -> int:
        """Seal and keep a registration; its number. A repeated token answers with the first.

        Raises JoinRefused and `sync.actions.Refused`.
        """
