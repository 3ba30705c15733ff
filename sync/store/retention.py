"""What the box forgets by itself: every table's rule of `schema.RULES`, and the room that strangers may take.

A seized box tells only what is still on it. So rows go when their time is over, and what is deleted is
gone from the file and its log, not only from the pages.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sync.bundle import EPOCH_S, HOUR_S, LIFE_HOURS, BundleId
from sync.store.own import SEARCH_STALE, OwnTables
from sync.store.projection import ECHO_PREFIX_BYTES, POSTS_DAYS
from sync.store.wiping import DEAD_HOURS, optimize_search

_DAY_S = 86_400
# Seven days of the fastest LoRa preset in all camps in earshot are 60 MB; cables bring more, and the smallest
# card sold is 16 GB.
STORE_BYTES_MAX = 536_870_912
STRANGERS_SHARE = 0.25
# Signed evidence about messages that are not here (yet): the lists of 32 camps.
UNMATCHED_MAX = 4_096
HOTLINE_KEPT = 20
# A list of which every letter bounces to us writes one for each. Nobody reads more of them.
NOTICES_KEPT = 500
REFUSED_KEYS_DAYS = 30

_LIFE = "CASE class " + " ".join(f"WHEN {int(c)} THEN {life}" for c, life in LIFE_HOURS.items()) + " END"
# A box that woke without a clock stamps receipts years too early; the hour of the seal, which came from camps
# that knew, keeps its messages from being swept the moment the clock is right.
_OVER = f"""
SELECT m.seq, m.id, m.text, m.nickname, m.shown, m.prefix
FROM messages m LEFT JOIN channels c ON c.name = m.channel
WHERE max(m.received_s, coalesce({EPOCH_S} + m.hour * {HOUR_S}, 0))
    < :now - {_DAY_S} * CASE WHEN c.name IS NULL THEN {POSTS_DAYS} ELSE c.retention_days END
LIMIT :most
"""
_DEAD_BUNDLES = f"""
SELECT id, hour + {_LIFE} FROM bundles WHERE live = 0 AND read = 1 AND hour + {_LIFE} <= :hour
    AND id NOT IN (SELECT bundle FROM messages WHERE bundle IS NOT NULL)
"""
_STRANGERS = "key <> :own AND key NOT IN (SELECT key FROM keys WHERE pinned_s IS NOT NULL)"
# In this order: sessions hang on cards, camps and introductions on keys.
_RULES = (
    f"UPDATE own_messages SET device = NULL WHERE device IS NOT NULL AND received_s < :now - {_DAY_S}",
    f"UPDATE held SET device = NULL WHERE device IS NOT NULL AND received_s < :now - {_DAY_S}",
    f"DELETE FROM held WHERE received_s < :now - {7 * _DAY_S} OR decided_s < :now - {_DAY_S}",
    f"DELETE FROM tokens WHERE at_s < :now - {2 * _DAY_S}",
    f"DELETE FROM sessions WHERE used_s < :now - {7 * _DAY_S}",
    f"DELETE FROM role_cards WHERE min(coalesce(revoked_s, until_s), coalesce(until_s, revoked_s))"
    f" < :now - {30 * _DAY_S}",
    f"DELETE FROM moderation WHERE at_s < :now - {30 * _DAY_S}",
    "DELETE FROM mutes WHERE until_s < :now",
    f"DELETE FROM hotline WHERE seq NOT IN (SELECT seq FROM hotline ORDER BY seq DESC LIMIT {HOTLINE_KEPT})",
    "DELETE FROM letters_out WHERE introduction = 0 AND message NOT IN (SELECT id FROM messages)",
    f"DELETE FROM mail_notices WHERE at_s < :now - {30 * _DAY_S}"
    f" OR id NOT IN (SELECT id FROM mail_notices ORDER BY id DESC LIMIT {NOTICES_KEPT})",
    f"DELETE FROM letters_in WHERE at_s < :now - {400 * _DAY_S}",
    f"DELETE FROM registrations WHERE received_s < :now - {30 * _DAY_S}",
    f"DELETE FROM registration_states WHERE received_s < :now - {400 * _DAY_S}",
    f"DELETE FROM registrations_own WHERE made_s < :now - {400 * _DAY_S}"
    f" OR withdrawn_s < :now - {30 * _DAY_S}",
    f"DELETE FROM join_letters WHERE made_s < :now - {400 * _DAY_S}",
    "DELETE FROM join_letter_lines WHERE token NOT IN (SELECT token FROM join_letters)",
    "DELETE FROM dead_ids WHERE until_hour < :hour",
    "DELETE FROM neighbour_has WHERE bundle NOT IN (SELECT id FROM bundles)",
    "DELETE FROM introductions WHERE (introducer, introduced) NOT IN"
    " (SELECT key, reference FROM messages WHERE kind = 5 AND reference IS NOT NULL)",
    "DELETE FROM keys WHERE pinned_s IS NULL AND key NOT IN (SELECT key FROM bundles)"
    f" AND (refused_s IS NULL OR refused_s < :now - {REFUSED_KEYS_DAYS * _DAY_S})",
    "DELETE FROM camps WHERE key <> :own AND key NOT IN (SELECT key FROM keys)",
    "DELETE FROM channels WHERE heard = 1 AND name NOT IN (SELECT channel FROM messages)",
)


@dataclass(frozen=True, slots=True)
class Swept:
    """How much is gone."""

    messages: int
    bundles: int
    live_bundles: int  # of these, evicted while they lived: whoever mirrors the live set reads it again

    def plus(self, other: Swept) -> Swept:
        """Both together."""
        return Swept(
            self.messages + other.messages,
            self.bundles + other.bundles,
            self.live_bundles + other.live_bundles,
        )


@dataclass(frozen=True, slots=True)
class _Stranger:
    """A bundle of a camp that is not pinned here."""

    id: BundleId
    live: bool
    size: int
    end_hour: int


def sweep(
    store: OwnTables,
    now_s: float,
    now_hour: int,
    store_bytes_max: int = STORE_BYTES_MAX,
    messages_max: int | None = None,
) -> Swept:
    """Delete what is over at this Unix time and hour, in the open transaction or in one of its own.

    Strangers (other camps not pinned here) keep at most a quarter of `store_bytes_max`, in bytes of bundles.
    With `messages_max` it is one part of a sweep in little room: the search index is cleaned by the next
    sweep without.
    """
    if not store.is_open():
        with store.transaction():
            return sweep(store, now_s, now_hour, store_bytes_max, messages_max)
    most = -1 if messages_max is None else messages_max
    values = {"now": now_s, "hour": now_hour, "own": store.key, "most": most}
    changes = store.connection.total_changes
    messages = _forget_messages(store, store.connection.execute(_OVER, values).fetchall())
    dead = store.connection.execute(_DEAD_BUNDLES, values).fetchall()
    _forget_bundles(store, dead, now_hour)
    evicted = _evict_strangers(store, now_hour, int(store_bytes_max * STRANGERS_SHARE))
    for rule in _RULES:
        store.connection.execute(rule, values)
    _cap_unmatched(store)
    store.projection.forget(store.projection.laid_aside())  # channel names that went are not known any more
    if messages or evicted:
        store.set_meta(SEARCH_STALE, 1)
    if messages_max is None and store.meta(SEARCH_STALE):
        optimize_search(store)
        store.set_meta(SEARCH_STALE, None)
    if store.connection.total_changes > changes:
        store.erase_after_commit()
    return Swept(messages, len(dead) + len(evicted), sum(entry.live for entry in evicted))


def _forget_messages(store: OwnTables, rows: Sequence[tuple[int, bytes, str, str, int, bytes]]) -> int:
    for seq, _, text, nickname, shown, _ in rows:
        if shown:
            store.projection.unsearch(seq, text, nickname)
    store.projection.flush()
    execute = store.connection.executemany
    execute("DELETE FROM messages WHERE seq = ?", ((row[0],) for row in rows))
    execute("DELETE FROM own_messages WHERE id = ?", ((row[1],) for row in rows))
    execute("DELETE FROM receipts WHERE prefix = ?", ((row[5],) for row in rows))
    execute("DELETE FROM echoes WHERE prefix = ?", ((row[5][:ECHO_PREFIX_BYTES],) for row in rows))
    return len(rows)


def _forget_bundles(store: OwnTables, rows: Iterable[tuple[BundleId, int]], now_hour: int) -> None:
    """Delete bundles, given as (id, hour at which their life ends)."""
    for bundle_id, end_hour in rows:
        store.connection.execute("DELETE FROM bundles WHERE id = ?", (bundle_id,))
        if end_hour + DEAD_HOURS >= now_hour:
            store.add_dead_ids((bundle_id,), end_hour + DEAD_HOURS)


def _evict_strangers(store: OwnTables, now_hour: int, bytes_max: int) -> list[_Stranger]:
    """Let the largest of the strangers' pools shrink first: its history, then its oldest live bundles.

    A live bundle that goes makes this camp differ from its neighbours for as long as it lives. That is the
    lesser evil: with a full disk this camp could not speak at all.
    """
    own = {"own": store.key}
    sizes = f"SELECT key, sum(length(wire)) FROM bundles WHERE {_STRANGERS} GROUP BY key"
    heap = [(-size, key) for key, size in store.connection.execute(sizes, own)]
    over = -sum(size for size, _ in heap) - bytes_max
    if over <= 0:
        return []
    heapq.heapify(heap)
    pools = _pools(store)
    gone: list[_Stranger] = []
    while over > 0:
        size, key = heapq.heappop(heap)
        entry = pools[key].pop()
        gone.append(entry)
        over -= entry.size
        heapq.heappush(heap, (size + entry.size, key))
    _forget_messages(store, _messages_of(store, {entry.id for entry in gone}))
    store.recount_unread()
    _forget_bundles(store, ((entry.id, entry.end_hour) for entry in gone), now_hour)
    return gone


def _pools(store: OwnTables) -> dict[bytes, list[_Stranger]]:
    """Every stranger's bundles; the next to go is last."""
    rows = store.connection.execute(
        f"SELECT key, live, seq, id, length(wire), hour + {_LIFE} FROM bundles WHERE {_STRANGERS}"
        " ORDER BY live DESC, seq DESC",
        {"own": store.key},
    )
    pools: dict[bytes, list[_Stranger]] = {}
    for key, live, _, bundle_id, size, end_hour in rows:
        pools.setdefault(key, []).append(_Stranger(bundle_id, bool(live), size, end_hour))
    return pools


def _messages_of(store: OwnTables, bundles: set[BundleId]) -> list[tuple[int, bytes, str, str, int, bytes]]:
    rows = store.connection.execute(
        "SELECT seq, id, text, nickname, shown, prefix, bundle FROM messages WHERE bundle IS NOT NULL"
    )
    return [row[:6] for row in rows if row[6] in bundles]


def _cap_unmatched(store: OwnTables) -> None:
    """Evidence about messages never heard of: kept for when they come, unless it is too much to be honest."""
    for table, prefix in (("receipts", "prefix"), ("echoes", f"substr(id, 1, {ECHO_PREFIX_BYTES})")):
        unmatched = f"{table} WHERE prefix NOT IN (SELECT {prefix} FROM messages)"
        (n,) = store.connection.execute(f"SELECT count(*) FROM {unmatched}").fetchone()
        if n > UNMATCHED_MAX:
            store.connection.execute(f"DELETE FROM {unmatched}")
