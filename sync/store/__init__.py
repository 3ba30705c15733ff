"""One camp's memory: a SQLite file with one writer. See `sync.store.schema` for the tables."""
