"""The node as the page *Join the list* sees it: what is typed is sealed here, before anything is stored.

The address lives as long as the request. Nothing on the way can log it: no order, event or error holds it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from node.list_settings import MailingList
from sync.actions import Action, Actor, Outcome, Register, Registered
from sync.letters.joining import GROUP_BYTES_MAX, PLACE_BYTES_MAX, entry_of, read_owner_key, seal
from sync.letters.privacy import without_contacts
from sync.receipts import list_digest
from sync.text import NICKNAME_BYTES_MAX, tidy_name
from web_ui.join_desk import JoinableList, JoinFault, JoinForm, JoinRefused

_LOG = logging.getLogger("miccheck")

HASH_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class _Sealable:
    """A list and what is sealed for its owner."""

    shown: JoinableList
    digest: bytes
    owner_key: bytes


class NodeJoining:
    """`web_ui.join_desk.JoinDesk`, implemented by the running node."""

    def __init__(
        self,
        lists: Sequence[MailingList],
        author: bytes,
        random: Callable[[int], bytes],
        do: Callable[[Action, Actor], Awaitable[Outcome]],
    ) -> None:
        """`author` is this camp's 8-byte id, `random` gives bytes nobody can guess, `do` has the board carry
        out an order."""
        self._lists = tuple(found for each in lists if (found := _sealable(each)) is not None)
        self._author = author
        self._random = random
        self._do = do
        # A hash of an address can be guessed by who has its key, so nobody has it when the node ends.
        self._hash_key = random(HASH_KEY_BYTES)

    def lists(self) -> tuple[JoinableList, ...]:
        """The lists whose owner has a key, in the order of the settings."""
        return tuple(each.shown for each in self._lists)

    async def register(self, form: JoinForm, actor: Actor, token: bytes) -> int:
        """Seal and keep a registration; its number. Raises JoinRefused and Refused."""
        to = next((each for each in self._lists if each.shown.name == form.list), None)
        if to is None:
            raise JoinRefused(JoinFault.NO_LIST, "list")
        entry = entry_of(form.address, form.place, form.group)
        if entry is None:
            raise JoinRefused(JoinFault.NO_ADDRESS, "address")
        for field, typed, most in (
            ("place", form.place, PLACE_BYTES_MAX),
            ("group", form.group, GROUP_BYTES_MAX),
            ("alias", form.alias, NICKNAME_BYTES_MAX),
        ):
            if len(tidy_name(typed).encode()) > most:
                raise JoinRefused(JoinFault.TOO_LONG, field)
        alias = tidy_name(form.alias)
        if without_contacts(alias) != alias or "@" in alias:
            raise JoinRefused(JoinFault.ALIAS_TELLS, "alias")
        if not form.consent:
            raise JoinRefused(JoinFault.NO_CONSENT, "consent")
        sealed = seal(entry, self._author, to.owner_key, self._random)
        order = Register(to.shown.name, to.digest, sealed, alias, token, self._hash(form))
        outcome = await self._do(order, actor)
        assert isinstance(outcome, Registered)
        return outcome.number

    def _hash(self, form: JoinForm) -> bytes:
        """By which the same form sent twice is known, and a corrected one is not taken for it."""
        typed = "\0".join((form.list, form.address, form.place, form.group, form.alias))
        return blake2b(typed.encode("utf-8", "replace"), key=self._hash_key, digest_size=16).digest()


def _sealable(each: MailingList) -> _Sealable | None:
    if not each.owner_key or not each.address or each.stopped:
        return None
    try:
        key = read_owner_key(each.owner_key)
    except ValueError as error:
        _LOG.warning("list %s: owner_key: %s", each.name, error)
        return None
    posts = bool(each.outbox) and each.direction != "in"
    return _Sealable(JoinableList(each.name, each.address, posts), list_digest(each.address), key)
