"""The tables of a camp's board, and for each how long its rows stay and what a wipe does to it.

Signed bytes (`bundles`), own messages and what people of this camp did are the truth. `messages` with its
search index, `camps`, `introductions`, `echoes` and `receipts` are projections: `miccheck rebuild` makes
them again from the truth.

Every bundle and every own message has a receipt number (`seq`, one count for both). Message i of it has
`messages.seq` = 8 * seq + i, so a rebuild gives every message the place it had.

A migration is a new entry at the end of MIGRATIONS. An entry that has shipped is never edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Nature(StrEnum):
    """Where a table's rows come from."""

    TRUTH = "truth"
    PROJECTION = "projection"
    SCRATCH = "scratch"  # may be lost at any moment without harm


@dataclass(frozen=True, slots=True)
class TableRule:
    """What a coordinator can read about a table before trusting the box with people's words."""

    nature: Nature
    retention: str
    wiped_by: str


_FIRST = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- Keys that verified something. At most 4 admitted keys for an author id.
CREATE TABLE keys (
    key BLOB PRIMARY KEY,
    author BLOB NOT NULL,
    first_hour INTEGER NOT NULL,
    pinned_s INTEGER,              -- a coordinator here vouches for it
    introduce INTEGER NOT NULL DEFAULT 1,  -- whether the pin is told to others
    refused_s INTEGER              -- verified, but not admitted: a camp is waiting
) WITHOUT ROWID;
CREATE INDEX keys_author ON keys (author);

-- Who vouches for whom, from introductions of carried bundles and from pins here.
CREATE TABLE introductions (
    introducer BLOB NOT NULL, introduced BLOB NOT NULL, hour INTEGER NOT NULL,
    PRIMARY KEY (introducer, introduced)
) WITHOUT ROWID;

CREATE TABLE farewells (
    key BLOB PRIMARY KEY, signature BLOB NOT NULL, received_s INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE bundles (
    seq INTEGER PRIMARY KEY,       -- receipt number
    id BLOB NOT NULL UNIQUE,
    author BLOB NOT NULL,
    key BLOB NOT NULL,
    hour INTEGER NOT NULL,
    class INTEGER NOT NULL,
    wire BLOB NOT NULL,
    received_s REAL NOT NULL,
    via TEXT NOT NULL,             -- here, radio, ip, list, carried
    live INTEGER NOT NULL,         -- 0: kept as history, never offered
    sent_s REAL,                   -- own bundles: when a link first took it
    read INTEGER NOT NULL DEFAULT 1  -- 0: carried, but its messages are not read into projections yet
);
CREATE INDEX bundles_unread ON bundles (seq) WHERE read = 0;
CREATE INDEX bundles_live ON bundles (live, author, hour, id);
CREATE INDEX bundles_hour ON bundles (hour);

-- Ids of bundles that are gone, so that a replay is not news. Life + 48 h.
CREATE TABLE dead_ids (id BLOB PRIMARY KEY, until_hour INTEGER NOT NULL) WITHOUT ROWID;
-- Verified and refused: neither requested nor an inconsistency. At most 4,096, oldest go first.
CREATE TABLE ghosts (seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE);

-- Own messages: those of `here` stay, those that cross wait for a seal and stay as their author's copy.
CREATE TABLE own_messages (
    seq INTEGER PRIMARY KEY,       -- receipt number
    id BLOB NOT NULL UNIQUE,
    bytes BLOB NOT NULL,
    second INTEGER NOT NULL,
    class INTEGER,                 -- NULL: local, never sealed
    bundle BLOB,                   -- the bundle that holds it; NULL while it waits
    waiting_since REAL NOT NULL,   -- engine time of this run; 0 from an earlier one
    received_s REAL NOT NULL,
    device BLOB                    -- hash of the device that posted it, for undo and mute; one day
);
CREATE INDEX own_waiting ON own_messages (class, seq) WHERE class IS NOT NULL AND bundle IS NULL;
CREATE INDEX own_bundle ON own_messages (bundle);

CREATE TABLE counters (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;

-- Projections -----------------------------------------------------------------------------------
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,       -- order of local receipt; a rebuild gives the same
    id BLOB NOT NULL UNIQUE,
    prefix BLOB NOT NULL,          -- its first 8 bytes: what replies carry
    bundle BLOB,                   -- NULL: own and unsealed, or local
    key BLOB NOT NULL,
    own INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    channel TEXT NOT NULL,
    nickname TEXT NOT NULL,
    role INTEGER NOT NULL,
    parent BLOB,                   -- 8 bytes
    reference BLOB,
    text TEXT NOT NULL,
    created_s INTEGER NOT NULL,
    received_s REAL NOT NULL,
    sort_s REAL NOT NULL,          -- min(created, received)
    via TEXT NOT NULL,
    live_hours INTEGER NOT NULL,
    hour INTEGER,                  -- of sealing
    shown INTEGER NOT NULL DEFAULT 1,        -- 0: receipts, echoes, cards: for machines; doubles of a letter
    retracted INTEGER NOT NULL DEFAULT 0,
    hidden INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX messages_channel ON messages (channel, shown, sort_s, seq);
CREATE INDEX messages_recent ON messages (shown, sort_s, seq);
CREATE INDEX messages_prefix ON messages (prefix);
CREATE INDEX messages_parent ON messages (parent) WHERE parent IS NOT NULL;
CREATE INDEX messages_changes ON messages (parent) WHERE kind IN (2, 3);
CREATE INDEX messages_urgent ON messages (sort_s) WHERE kind = 1;
CREATE INDEX messages_letter ON messages (reference) WHERE kind = 8;

CREATE VIRTUAL TABLE messages_search USING fts5 (
    text, nickname, content='messages', content_rowid='seq', tokenize='unicode61 remove_diacritics 2'
);

-- What camps say of themselves, newest card wins.
CREATE TABLE camps (
    key BLOB PRIMARY KEY, author BLOB NOT NULL, name TEXT NOT NULL, place TEXT NOT NULL,
    languages TEXT NOT NULL, contact TEXT NOT NULL, has_list INTEGER NOT NULL,
    card_second INTEGER NOT NULL, heard_s REAL NOT NULL
) WITHOUT ROWID;
-- Signed lists of heard mic checks.
CREATE TABLE echoes (prefix BLOB NOT NULL, key BLOB NOT NULL, PRIMARY KEY (prefix, key)) WITHOUT ROWID;
-- Camps that posted a message to a list, by their receipts.
CREATE TABLE receipts (prefix BLOB NOT NULL, key BLOB NOT NULL, PRIMARY KEY (prefix, key)) WITHOUT ROWID;
-- Evidence (unsigned, a hint) that a neighbour holds an own bundle.
CREATE TABLE neighbour_has (bundle BLOB NOT NULL, key BLOB NOT NULL, PRIMARY KEY (bundle, key)) WITHOUT ROWID;

-- Channels: the four of every camp, groups made here, and names heard from other camps (at most 64).
CREATE TABLE channels (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    speaks TEXT NOT NULL,          -- anyone, liaisons
    crosses INTEGER NOT NULL,
    class INTEGER NOT NULL,
    to_list INTEGER NOT NULL,
    retention_days INTEGER,        -- NULL: kept
    is_group INTEGER NOT NULL,
    about TEXT NOT NULL DEFAULT '',
    made_s INTEGER NOT NULL,
    heard INTEGER NOT NULL DEFAULT 0   -- 1: known only from other camps' messages
) WITHOUT ROWID;

-- People and moderation -------------------------------------------------------------------------
CREATE TABLE role_cards (
    id INTEGER PRIMARY KEY, role INTEGER NOT NULL, group_name TEXT, name TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE, made_s INTEGER NOT NULL, made_by INTEGER,
    until_s INTEGER, revoked_s INTEGER, revoked_why TEXT
);
CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY, card INTEGER NOT NULL REFERENCES role_cards (id) ON DELETE CASCADE,
    opened_s INTEGER NOT NULL, used_s INTEGER NOT NULL, label TEXT NOT NULL, id INTEGER NOT NULL UNIQUE
) WITHOUT ROWID;

-- Posts that wait for a person. A held post has the id it would have when released.
CREATE TABLE held (
    id BLOB PRIMARY KEY, bytes BLOB NOT NULL, why TEXT NOT NULL,   -- quiet, mic_check, stranger, muted
    received_s REAL NOT NULL, device BLOB,
    decided_s INTEGER, decided_by INTEGER, refused_why TEXT        -- refused rows stay a day for their author
) WITHOUT ROWID;

-- The public log: additive, never edited.
CREATE TABLE moderation (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at_s INTEGER NOT NULL, actor TEXT NOT NULL, card INTEGER,
    act TEXT NOT NULL, target TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT ''
);
CREATE TABLE mutes (device BLOB PRIMARY KEY, until_s INTEGER NOT NULL, why TEXT NOT NULL) WITHOUT ROWID;
-- The hotline card (medic, legal) with its history; the newest row is shown.
CREATE TABLE hotline (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at_s INTEGER NOT NULL, card INTEGER, text TEXT NOT NULL
);

-- Form tokens and Idempotency-Keys: what was answered to them. 48 h.
CREATE TABLE tokens (
    hash BLOB PRIMARY KEY, request_hash BLOB NOT NULL, message BLOB NOT NULL, at_s INTEGER NOT NULL
) WITHOUT ROWID;

-- Letters ---------------------------------------------------------------------------------------
CREATE TABLE letters_out (
    list TEXT NOT NULL, message BLOB NOT NULL,
    state TEXT NOT NULL,           -- waiting, sending, sent, on_list, refused
    tries INTEGER NOT NULL DEFAULT 0, next_try_s REAL NOT NULL DEFAULT 0, changed_s REAL NOT NULL,
    why TEXT NOT NULL DEFAULT '', receipt_told INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (list, message)
) WITHOUT ROWID;
CREATE INDEX letters_out_state ON letters_out (state, next_try_s);
CREATE INDEX letters_out_message ON letters_out (message);
-- Hash of the Message-ID of every letter taken from a list, so that it is taken once.
CREATE TABLE letters_in (
    hash BLOB PRIMARY KEY, list TEXT NOT NULL, outcome TEXT NOT NULL, message BLOB, at_s REAL NOT NULL,
    message_id TEXT NOT NULL DEFAULT ''   -- answers from here refer to it
) WITHOUT ROWID;
-- How far an mbox was read.
CREATE TABLE inbox_marks (
    inbox TEXT PRIMARY KEY, position INTEGER NOT NULL, check_hash BLOB NOT NULL
) WITHOUT ROWID;
"""

_MAIL = """
-- A mailing list, since it was first seen in the settings under a clock that was set.
CREATE TABLE lists (
    name TEXT PRIMARY KEY,
    since_s REAL NOT NULL,
    introduced_s REAL,                   -- NULL: the letter that explains us was not handed over yet
    one_by_one INTEGER NOT NULL DEFAULT 0  -- 1: its server refused a digest
) WITHOUT ROWID;
INSERT INTO lists (name, since_s) SELECT list, min(changed_s) FROM letters_out GROUP BY list;
-- What moderators decided about holding a channel's letters; no row: they are not held.
CREATE TABLE list_channels (
    list TEXT NOT NULL, channel TEXT NOT NULL, holds INTEGER NOT NULL, PRIMARY KEY (list, channel)
) WITHOUT ROWID;
-- What a list or a mail server wrote to us, without anybody's address.
CREATE TABLE mail_notices (
    id INTEGER PRIMARY KEY,
    list TEXT NOT NULL,
    kind TEXT NOT NULL,                  -- bounce, held, refused, vacation, subscription, confirmation, other
    at_s REAL NOT NULL,
    message BLOB,                        -- the message of a camp it is about, where it says so
    words TEXT NOT NULL,
    reference BLOB NOT NULL UNIQUE,      -- hash of its Message-ID, so that it is noted once
    seen_s REAL                          -- when somebody here put it away
);

-- `state` of letters_out is now also held, by the moderators of this camp. `message` of an introduction is
-- made from camp and list, and is no message of the board.
ALTER TABLE letters_out ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE letters_out ADD COLUMN let_contacts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE letters_out ADD COLUMN approved INTEGER NOT NULL DEFAULT 0;  -- 1: by a moderator of this camp
ALTER TABLE letters_out ADD COLUMN refused_by TEXT NOT NULL DEFAULT '';  -- moderator, server, list
ALTER TABLE letters_out ADD COLUMN said TEXT NOT NULL DEFAULT '';        -- the list's answer: held, refused
ALTER TABLE letters_out ADD COLUMN said_words TEXT NOT NULL DEFAULT '';
ALTER TABLE letters_out ADD COLUMN introduction INTEGER NOT NULL DEFAULT 0;
ALTER TABLE letters_out ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE letters_out ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;       -- of the message: order of receipt
ALTER TABLE letters_out ADD COLUMN since_s REAL NOT NULL DEFAULT 0;      -- from when its turns are counted
ALTER TABLE letters_out ADD COLUMN written_s REAL NOT NULL DEFAULT 0;    -- the earliest that anybody had it
ALTER TABLE letters_out ADD COLUMN place INTEGER NOT NULL DEFAULT 0;     -- this camp's among the gateways
ALTER TABLE letters_out ADD COLUMN digest BLOB;                          -- the MIME digest it left in
ALTER TABLE letters_out ADD COLUMN sent_s REAL;                          -- when a server or folder took it
ALTER TABLE letters_out ADD COLUMN held_told INTEGER NOT NULL DEFAULT 0; -- the last word told of holding it
UPDATE letters_out SET since_s = changed_s, written_s = changed_s,
    seq = coalesce((SELECT m.seq FROM messages m WHERE m.id = message), 0),
    urgent = coalesce((SELECT m.kind = 1 FROM messages m WHERE m.id = message), 0);
UPDATE letters_out SET sent_s = changed_s WHERE state = 'sent';
UPDATE letters_out SET refused_by = 'server' WHERE state = 'refused';
CREATE INDEX letters_out_sent ON letters_out (list, sent_s) WHERE sent_s IS NOT NULL;

-- What cards say since: minutes east of UTC, and 4-byte digests of lists' addresses (NULL: an older card).
ALTER TABLE camps ADD COLUMN utc_offset INTEGER NOT NULL DEFAULT 0;
ALTER TABLE camps ADD COLUMN lists BLOB;
-- Camps that posted a message to a list, by their receipts; or that hold or refused their own.
ALTER TABLE receipts RENAME TO receipts_of_any;
CREATE TABLE receipts (
    prefix BLOB NOT NULL, key BLOB NOT NULL,
    list BLOB NOT NULL,                  -- 4-byte digest of the list's address; empty: not told
    word INTEGER NOT NULL DEFAULT 0,     -- 0 posted, 1 held, 2 refused, 3 let go
    second INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (prefix, key, list)
) WITHOUT ROWID;
INSERT INTO receipts (prefix, key, list) SELECT prefix, key, x'' FROM receipts_of_any;
DROP TABLE receipts_of_any;

-- Joining the list (PROTOCOL.md §5.5). What is here of a person is sealed to the list's owner; nobody here
-- can open it.
-- What liaisons of this camp registered, under a name they chose; never the address.
CREATE TABLE registrations_own (
    id BLOB PRIMARY KEY,           -- 8 bytes: hash of the sealed box
    number INTEGER NOT NULL UNIQUE,  -- "Registration 3"
    list_digest BLOB NOT NULL,     -- 4 bytes: hash of the list's lower-case address
    list TEXT NOT NULL,            -- its name in the settings when it was made
    alias TEXT NOT NULL,           -- '': "Registration 3"
    card INTEGER,                  -- whose it is; NULL: made at the console
    sealed BLOB NOT NULL,          -- 512 bytes
    message BLOB NOT NULL,         -- the newest message that says it, or takes it back
    made_s INTEGER NOT NULL,
    told_s INTEGER NOT NULL,       -- when it was last said; said again while nobody answers
    withdrawn_s INTEGER            -- NULL: it stands
) WITHOUT ROWID;
-- Sealed registrations of all camps, this one too, and what was withdrawn of them.
CREATE TABLE registrations (
    id BLOB NOT NULL, key BLOB NOT NULL,   -- of the camp that said it
    list_digest BLOB NOT NULL,
    sealed BLOB,                   -- NULL: only its withdrawal is known
    second INTEGER NOT NULL, received_s REAL NOT NULL,
    withdrawn INTEGER NOT NULL DEFAULT 0,  -- 1: it is; 2: and somebody had been asked
    PRIMARY KEY (id, key)
) WITHOUT ROWID;
CREATE INDEX registrations_list ON registrations (list_digest, received_s);
-- What camps say became of a registration (kind 12): 1 asked, 2 confirmed, 3 refused, 4 the owner was told
-- that it was withdrawn, 5 withdrawn.
CREATE TABLE registration_states (
    id BLOB NOT NULL, key BLOB NOT NULL, state INTEGER NOT NULL, words TEXT NOT NULL,
    second INTEGER NOT NULL, received_s REAL NOT NULL,
    PRIMARY KEY (id, key, state)
) WITHOUT ROWID;
-- Letters of this gateway to a list's owner, and what is in each.
CREATE TABLE join_letters (
    token BLOB PRIMARY KEY,        -- 10 random bytes: who answers with it has read the letter
    list TEXT NOT NULL,
    act TEXT NOT NULL,             -- join, leave
    state TEXT NOT NULL,           -- sending, sent, refused
    tries INTEGER NOT NULL DEFAULT 0, next_try_s REAL NOT NULL DEFAULT 0, made_s REAL NOT NULL,
    why TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE join_letter_lines (
    token BLOB NOT NULL, number INTEGER NOT NULL, id BLOB NOT NULL, key BLOB NOT NULL,
    PRIMARY KEY (token, number)
) WITHOUT ROWID;
CREATE INDEX join_letter_lines_of ON join_letter_lines (id, key);
"""

# What a moderator saw when letting a letter go: a hash of its words. NULL: nobody did, or before this column.
_APPROVED = "ALTER TABLE letters_out ADD COLUMN approved_hash BLOB"

MIGRATIONS: tuple[str, ...] = (_FIRST, _MAIL, _APPROVED)

# Retention is done by `sync.store.retention`, wipes by `Store.wipe`. A test walks the database and fails
# for a table that is not named here.
RULES: dict[str, TableRule] = {
    "meta": TableRule(Nature.TRUTH, "kept", "whole camp"),
    "keys": TableRule(Nature.TRUTH, "kept while pinned or a bundle of it is stored", "gossip"),
    "introductions": TableRule(Nature.PROJECTION, "as its bundle", "gossip"),
    "farewells": TableRule(Nature.TRUTH, "kept", "whole camp"),
    "bundles": TableRule(Nature.TRUTH, "longest retention of its messages' channels", "gossip"),
    "dead_ids": TableRule(Nature.TRUTH, "life + 48 hours", "gossip"),
    "ghosts": TableRule(Nature.SCRATCH, "newest 4,096", "gossip"),
    "own_messages": TableRule(Nature.TRUTH, "retention of its channel", "messages"),
    "counters": TableRule(Nature.SCRATCH, "kept", "whole camp"),
    "messages": TableRule(Nature.PROJECTION, "retention of its channel", "messages"),
    "messages_search": TableRule(Nature.PROJECTION, "as messages", "messages"),
    "camps": TableRule(Nature.PROJECTION, "as its key", "gossip"),
    "echoes": TableRule(Nature.PROJECTION, "as its message; of unknown ones 4,096", "messages"),
    "receipts": TableRule(Nature.PROJECTION, "as its message; of unknown ones 4,096", "messages"),
    "neighbour_has": TableRule(Nature.SCRATCH, "as its bundle", "gossip"),
    "channels": TableRule(Nature.TRUTH, "kept; heard names while they have messages", "whole camp"),
    "role_cards": TableRule(Nature.TRUTH, "30 days after it ended", "people"),
    "sessions": TableRule(Nature.TRUTH, "7 days unused", "people"),
    "held": TableRule(Nature.TRUTH, "7 days; refused 1 day", "messages"),
    "moderation": TableRule(Nature.TRUTH, "30 days", "people"),
    "mutes": TableRule(Nature.TRUTH, "until it ends, one day at most", "people"),
    "hotline": TableRule(Nature.TRUTH, "newest 20", "people"),
    "tokens": TableRule(Nature.SCRATCH, "48 hours", "messages"),
    "letters_out": TableRule(Nature.TRUTH, "as its message", "messages"),
    "letters_in": TableRule(Nature.TRUTH, "400 days", "messages"),
    "inbox_marks": TableRule(Nature.TRUTH, "kept", "whole camp"),
    "lists": TableRule(Nature.TRUTH, "kept", "whole camp"),
    "list_channels": TableRule(Nature.TRUTH, "kept", "whole camp"),
    "mail_notices": TableRule(Nature.TRUTH, "30 days; newest 500", "messages"),
    "registrations_own": TableRule(Nature.TRUTH, "400 days; withdrawn ones 30 days", "people"),
    "registrations": TableRule(Nature.TRUTH, "30 days; newest 256 of a camp", "messages"),
    "registration_states": TableRule(Nature.TRUTH, "400 days; of strangers' 4,096", "messages"),
    "join_letters": TableRule(Nature.TRUTH, "400 days", "messages"),
    "join_letter_lines": TableRule(Nature.TRUTH, "as its letter", "messages"),
}
