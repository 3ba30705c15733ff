"""Forgetting on purpose: before a raid, at the end of a camp, or when a box changes hands."""

from __future__ import annotations

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


def wipe(store: OwnTables, what: Wipe) -> None:
    """Empty the tables that `schema.RULES` names for it, inside the caller's transaction."""
    tables = [name for name, rule in RULES.items() if what in (rule.wiped_by, Wipe.CAMP)]
    for table in {*tables, *_ALSO.get(what, ())} - {_SEARCH}:
        store.connection.execute(f"DELETE FROM {table}")
    rebuild(store, lambda _done, _of: None)
    optimize_search(store)


def optimize_search(store: OwnTables) -> None:
    """Merge the search index, so that deleted words are in no segment any more (FACTS, "SQLite")."""
    store.projection.flush()
    store.connection.execute("INSERT INTO messages_search (messages_search) VALUES ('optimize')")
