"""Forgetting on purpose: before a raid, at the end of a camp, or when a box changes hands."""

from __future__ import annotations

from sync.bundle import LIFE_HOURS, BundleClass
from sync.store.own import OwnTables
from sync.store.rebuilding import rebuild
from sync.store.rows import Wipe
from sync.store.schema import RULES

# Words of people are in bundles too, packed; forgetting messages means forgetting those.
_ALSO = {
    Wipe.MESSAGES: ("bundles", "neighbour_has", "camps", "introductions"),
    Wipe.GOSSIP: ("receipts", "echoes"),
}
_SEARCH = "messages_search"
# Ids of the dead outlive their bundles, so that no neighbour, stick or slow clock brings them back as news.
DEAD_HOURS = 48


def wipe(store: OwnTables, what: Wipe) -> None:
    """Empty the tables that `schema.RULES` names for it, inside the caller's transaction."""
    tables = [name for name, rule in RULES.items() if what in (rule.wiped_by, Wipe.CAMP)]
    if what == Wipe.MESSAGES:
        _bury_bundles(store)
        # The camp's card went too: what is told again and again (`sync.board.telling`) is told at once.
        store.connection.execute("DELETE FROM meta WHERE name LIKE 'told %'")
    (own_hour,) = store.connection.execute(
        "SELECT max(hour) FROM bundles WHERE key = ?", (store.key,)
    ).fetchone()
    for table in {*tables, *_ALSO.get(what, ())} - {_SEARCH}:
        store.connection.execute(f"DELETE FROM {table}")
    if own_hour is not None and what != Wipe.PEOPLE:
        # Own bundles that neighbours give back are no sign of a stolen key.
        store.set_meta("salvaged_hour", own_hour)
    rebuild(store, lambda _done, _of: None)
    optimize_search(store)


def _bury_bundles(store: OwnTables) -> None:
    """What was said is not to come back from the next neighbour a minute later."""
    rows = store.connection.execute("SELECT id, hour, class FROM bundles").fetchall()
    for bundle_id, hour, class_ in rows:
        store.add_dead_ids((bundle_id,), hour + LIFE_HOURS[BundleClass(class_)] + DEAD_HOURS)


def optimize_search(store: OwnTables) -> None:
    """Merge the search index, so that deleted words are in no segment any more (FACTS, "SQLite")."""
    store.projection.flush()
    store.connection.execute("INSERT INTO messages_search (messages_search) VALUES ('optimize')")
