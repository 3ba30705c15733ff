"""One camp's memory: a SQLite file with one writer. See `sync.store.schema` for the tables."""

from sync.store.database import StoreDamaged, StoreFull, StoreTooNew, WrongCamp
from sync.store.rows import ChannelRule, ReadLater, ShownMessage, WaitingMessage, Wipe
from sync.store.store import Store

__all__ = [
    "Store",
    "StoreFull",
    "StoreDamaged",
    "StoreTooNew",
    "WrongCamp",
    "ChannelRule",
    "ReadLater",
    "ShownMessage",
    "WaitingMessage",
    "Wipe",
]
