"""What the store knows of whose turn it is to post a message to a list; see `sync.letters.turns`.

Plain SQL over the store's one writing connection, inside the caller's transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from sync.bundle import hour_of
from sync.message import PARENT_BYTES, MessageId
from sync.receipts import LIST_BYTES, Word
from sync.signing import author_of
from sync.store.letters_out import NO_PLACE
from sync.store.list_camps import OWN_KEY, posts_to

# A camp whose bundles were sealed longer ago is away. It says its card every 48 hours, so who is there is
# heard in this time; a class 1 bundle lives as long. What it held back is not held any more: its box may be
# gone for ever, and the list must see every message.
GATEWAY_HEARD_HOURS = 72
HOUR_S = 3_600.0

_DUE = """
SELECT message, state = 'sending', introduction, urgent, seq, max(place, 0),
    since_s, written_s, next_try_s, changed_s, tries, digest
FROM letters_out WHERE list = ? AND state IN ('waiting', 'sending')
"""
_OUT = "list = :list AND state IN ('waiting', 'held', 'sending')"
# One without a list counts from a camp of before lists were named. A list without an address is a folder that
# no other camp has.
_POSTED = f"""
SELECT 1 FROM receipts r WHERE r.prefix = substr(letters_out.message, 1, {PARENT_BYTES})
    AND r.word = {int(Word.POSTED)} AND (
        r.list = :digest AND (r.key = {OWN_KEY} OR length(:digest) > 0 AND {posts_to("r.key", ":digest")})
        OR r.list = x'' AND EXISTS
            (SELECT 1 FROM camps c WHERE c.key = r.key AND c.has_list = 1 AND c.lists IS NULL))
"""
# Of whom a coordinator here knows who they are.
_VOUCHED = f"AND (r.key = {OWN_KEY} OR r.key IN (SELECT key FROM keys WHERE pinned_s IS NOT NULL))"
_IS_OURS = "EXISTS (SELECT 1 FROM messages m WHERE m.id = letters_out.message AND m.own = 1)"
# A stranger says that our message is on the list, and the list's mail does not show it yet. Then our turn
# comes as late as if so many others came first: two hours, or twelve minutes for a mic check. Lists give
# letters back in minutes; where moderators take longer a second copy lies before them, and merges.
CLAIMED, CLAIMED_PLACE = "claimed", 4
# Its own camp's moderators hold a message back, or refused it.
_HUSHED = """
SELECT 1 FROM messages m JOIN receipts r ON r.prefix = m.prefix AND r.key = m.key
WHERE m.id = letters_out.message AND m.own = 0 AND r.list IN (:digest, x'') AND r.word =
"""
_SENT_LATELY = """
SELECT count(DISTINCT CASE WHEN urgent = 0 AND introduction = 0 THEN coalesce(digest, message) END),
    count(CASE WHEN urgent = 1 OR introduction = 1 THEN 1 END), min(sent_s)
FROM letters_out WHERE list = :list AND ((sent_s > :now - :hour AND sent_s <= :now) OR state = 'sending')
"""


class DueLetter(NamedTuple):
    """What decides when a letter leaves. `place` is this camp's among the gateways. Unix seconds.

    A tuple, because a thousand are read before each batch, and a frozen object takes six times as long.
    """

    message: MessageId
    in_doubt: bool  # it was being sent when something failed: it may have arrived
    introduction: bool
    urgent: bool
    seq: int  # order of receipt
    place: int
    since_s: float  # from when turns are counted here
    written_s: float  # and from when at the camp that had it first
    next_try_s: float  # a server asked to come again then
    changed_s: float
    tries: int
    digest: bytes | None  # in doubt: the digest it was in


@dataclass(frozen=True, slots=True)
class Caps:
    """How many letters may leave now, and how many wait before they leave as a digest (0: never)."""

    ordinary: int
    urgent: int
    digest_above: int
    free_s: float = 0.0  # when one of them has room again


class LetterTurns:
    """Who posts what, in one camp's file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def gateways(self, list_digest: bytes, now_s: float) -> frozenset[bytes]:
        """Author ids of the camps whose cards say that they post to a list, and that were heard lately.

        A card of before lists were named on it counts for every list.
        """
        if not list_digest:
            return frozenset()
        rows = self._connection.execute(
            "SELECT author, lists FROM camps WHERE has_list = 1 AND EXISTS"
            " (SELECT 1 FROM bundles b WHERE b.live = 1 AND b.author = camps.author AND b.hour >= ?)",
            (hour_of(now_s) - GATEWAY_HEARD_HOURS,),
        )
        return frozenset(author for author, lists in rows if lists is None or list_digest in _digests(lists))

    def settle(self, list_name: str, list_digest: bytes, now_s: float, *, sees_list: bool = False) -> None:
        """What other camps posted is on the list; what they hold back of their own waits for their word.

        Who `sees_list`, in an inbox, need not take a stranger's word for messages of this camp: keys are
        free, and a false receipt would keep them off the list.
        """
        values = {"list": list_name, "digest": list_digest, "now": now_s}
        believed = f"AND (NOT {_IS_OURS} OR EXISTS ({_POSTED} {_VOUCHED}))" if sees_list else ""
        self._connection.execute(
            "UPDATE letters_out SET state = 'on_list', receipt_told = 1, changed_s = :now, said = '',"
            f" said_words = '' WHERE {_OUT} AND EXISTS ({_POSTED}) {believed}",
            values,
        )
        if sees_list:
            self._connection.execute(
                f"UPDATE letters_out SET since_s = CASE said WHEN '{CLAIMED}' THEN since_s ELSE :now END,"
                f" place = max(place, {CLAIMED_PLACE}), said = '{CLAIMED}'"
                f" WHERE list = :list AND state IN ('waiting', 'held') AND {_IS_OURS} AND EXISTS ({_POSTED})",
                values,
            )
        self._connection.execute(
            "UPDATE letters_out SET state = 'refused', refused_by = 'moderator', why = '', changed_s = :now"
            f" WHERE {_OUT} AND EXISTS ({_HUSHED} {int(Word.REFUSED)})",
            values,
        )
        # Its turns are counted from when it is let go, or from when its camp was last there.
        self._connection.execute(
            f"UPDATE letters_out SET since_s = :now, place = max(place, 1) WHERE {_OUT}"
            f" AND place <> {NO_PLACE} AND EXISTS ({_HUSHED} {int(Word.HELD)} AND EXISTS"
            " (SELECT 1 FROM bundles b WHERE b.live = 1 AND b.author = (SELECT k.author FROM keys k"
            " WHERE k.key = m.key) AND b.hour >= :hour))",
            {**values, "hour": hour_of(now_s) - GATEWAY_HEARD_HOURS},
        )

    def give_places(
        self, list_name: str, place: Callable[[MessageId, bytes, float], int], *, again: bool
    ) -> None:
        """Note this camp's place among the gateways for letters that have none; with `again`, for all.

        `place(message, its camp's author id, seconds from writing to arrival here)` is that of
        `sync.letters.turns`.
        """
        some = "" if again else f"AND o.place = {NO_PLACE}"
        rows = self._connection.execute(
            "SELECT o.message, m.key, o.since_s - m.created_s FROM letters_out o"
            f" JOIN messages m ON m.id = o.message WHERE o.list = ? {some}"
            " AND o.state IN ('waiting', 'held')",
            (list_name,),
        ).fetchall()
        self._connection.executemany(
            "UPDATE letters_out SET place = ? WHERE list = ? AND message = ?",
            [(place(message, author_of(key), late_s), list_name, message) for message, key, late_s in rows],
        )

    def due_letters(self, list_name: str) -> list[DueLetter]:
        """What waits or is in doubt, for `sync.letters.turns`."""
        return list(map(DueLetter._make, self._connection.execute(_DUE, (list_name,))))

    def others_heard_s(self, list_name: str) -> float:
        """When it was last seen that another camp posted something; 0.0 when never."""
        (heard_s,) = self._connection.execute(
            "SELECT coalesce(max(changed_s), 0) FROM letters_out"
            " WHERE list = ? AND state = 'on_list' AND sent_s IS NULL",
            (list_name,),
        ).fetchone()
        return float(heard_s)

    def late_s(self, list_name: str, late_s: float, since_s: float) -> tuple[list[float], list[float]]:
        """When letters left here, and when others' were seen, `late_s` and more after they were written.

        In any order, from `since_s` on.
        """
        late = "SELECT DISTINCT {0} FROM letters_out WHERE list = ? AND {0} > ? AND {0} - written_s >= ?"
        values = (list_name, since_s, late_s)
        ours = self._connection.execute(late.format("sent_s"), values).fetchall()
        theirs = self._connection.execute(
            f"{late.format('changed_s')} AND state = 'on_list' AND sent_s IS NULL", values
        ).fetchall()
        return [row[0] for row in ours], [row[0] for row in theirs]

    def gives_back(self, list_name: str) -> bool:
        """Whether letters that left here were seen on the list."""
        row = self._connection.execute(
            "SELECT 1 FROM letters_out WHERE list = ? AND state = 'on_list' AND sent_s IS NOT NULL LIMIT 1",
            (list_name,),
        ).fetchone()
        return row is not None

    def caps(self, list_name: str, per_hour: int, digest_above: int, now_s: float) -> Caps:
        """How many letters may still leave in this hour. Mic checks have a cap of their own, as large."""
        ordinary, urgent, first_s = self._connection.execute(
            _SENT_LATELY, {"list": list_name, "now": now_s, "hour": HOUR_S}
        ).fetchone()
        (one_by_one,) = self._connection.execute(
            "SELECT coalesce(max(one_by_one), 0) FROM lists WHERE name = ?", (list_name,)
        ).fetchone()
        free_s = now_s if first_s is None else first_s + HOUR_S
        return Caps(per_hour - ordinary, per_hour - urgent, 0 if one_by_one else digest_above, free_s)


def _digests(lists: bytes) -> list[bytes]:
    return [lists[at : at + LIST_BYTES] for at in range(0, len(lists), LIST_BYTES)]
