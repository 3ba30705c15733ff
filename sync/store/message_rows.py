"""Messages as people see them: one question to the file, and the row turned into a `MessageView`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from sync.message import Kind, Role, decode
from sync.signing import author_of
from sync.store.list_camps import posts_to
from sync.views import CampName, HeldView, HeldWhy, ListState, MessageView, State, Via

# Of a camp's number, enough to compare with the page of camps.
CAMP_DIGITS = 8

# The parent of a reply may be a letter that another gateway took in as well; then the one shown here stands
# for both.
_PARENT = """
(SELECT coalesce(
    (SELECT t.id FROM messages t WHERE p.shown = 0 AND p.kind = 8 AND t.kind = 8 AND t.reference = p.reference
        AND t.shown = 1), p.id)
 FROM messages p WHERE p.prefix = m.parent ORDER BY p.seq LIMIT 1)
"""
_HEARD_BY = """
(SELECT group_concat(hex(key)) FROM
    (SELECT n.key FROM neighbour_has n WHERE m.own = 1 AND n.bundle = m.bundle
     UNION SELECT e.key FROM echoes e WHERE m.kind = 1 AND e.prefix = substr(m.id, 1, 4) AND e.key <> :own))
"""

# A camp calls itself what it likes. One that nobody here vouches for and that bears the name of this camp, or
# of one that is vouched for, is shown with its number, so that its coordinators are not taken for ours.
_PINNED = "SELECT key FROM keys WHERE pinned_s IS NOT NULL"
_BORROWS_NAME = f"""
(m.own = 0 AND m.key NOT IN ({_PINNED}) AND lower(c.name) IN (
    SELECT lower(name) FROM camps WHERE key = :own OR key IN ({_PINNED})
    UNION SELECT lower(value) FROM meta WHERE name = 'name'))
"""

# Where its letters are: one that the moderators of a list hold is held, though it was sent. Of what a
# stranger says to be on the list only what happened here counts.
_LETTERS = """
(SELECT group_concat(CASE WHEN l.state = 'sent' AND l.said = 'held' THEN 'held'
    WHEN l.state IN ('waiting', 'sending') AND l.said = 'claimed' THEN 'claimed'
    WHEN l.state = 'sent' AND l.said = 'claimed' THEN 'claimed,sent' ELSE l.state END)
 FROM letters_out l WHERE l.message = m.id)
"""
_LIST_WHY = """
(SELECT CASE l.state WHEN 'refused' THEN l.why ELSE l.said_words END FROM letters_out l
 WHERE l.message = m.id AND (l.state = 'refused' OR l.said = 'held') ORDER BY l.changed_s DESC LIMIT 1)
"""

SELECT_MESSAGES = f"""
SELECT m.id, m.seq, m.key, c.name, {_BORROWS_NAME}, m.own, m.channel, m.nickname, m.text, m.role, m.kind,
    m.created_s, m.received_s, m.via, {_PARENT}, m.retracted, m.hidden,
    o.id IS NOT NULL, o.class IS NULL, o.bundle IS NOT NULL, b.sent_s IS NOT NULL, coalesce(b.live, 1),
    b.id IS NULL,
    {_HEARD_BY},
    CASE WHEN m.kind = 1 THEN (SELECT count(*) FROM echoes e WHERE e.prefix = substr(m.id, 1, 4)) ELSE 0 END,
    {_LETTERS}, {_LIST_WHY},
    EXISTS (SELECT 1 FROM receipts r WHERE r.prefix = m.prefix AND r.key <> :own AND r.word = 0
        AND {posts_to("r.key", "r.list")}),
    coalesce((SELECT to_list FROM channels WHERE name = m.channel), 0),
    (SELECT count(*) FROM messages a WHERE a.parent = m.prefix AND a.shown = 1),
    CASE WHEN m.hidden THEN (SELECT why FROM moderation WHERE act = 'hide' AND target = lower(hex(m.id))
        ORDER BY seq DESC LIMIT 1) END
FROM messages m LEFT JOIN camps c ON c.key = m.key LEFT JOIN own_messages o ON o.id = m.id
    LEFT JOIN bundles b ON b.id = o.bundle
WHERE
"""

SELECT_HELD = "SELECT id, bytes, why, received_s, decided_s, refused_why FROM held WHERE "


def message_view(row: tuple[object, ...] | sqlite3.Row) -> MessageView:
    """The view of a row of SELECT_MESSAGES."""
    fields: Iterator[object] = iter(row)
    return _view(*fields)  # type: ignore[arg-type]


def _view(
    message_id: bytes,
    seq: int,
    key: bytes,
    camp: str | None,
    borrows_name: int,
    own: int,
    channel: str,
    nickname: str,
    text: str,
    role: int,
    kind: int,
    created_s: int,
    received_s: float,
    via: str,
    parent: bytes | None,
    retracted: int,
    hidden: int,
    is_kept: int,
    local: int,
    sealed: int,
    sent: int,
    live: int,
    bundle_gone: int,
    heard_by: str | None,
    echoes: int,
    letters: str | None,
    list_why: str | None,
    on_list: int,
    to_list: int,
    replies: int,
    hidden_why: str | None,
) -> MessageView:
    author = author_of(key).hex()
    heard = tuple(sorted(author_of(bytes.fromhex(k)).hex() for k in heard_by.split(","))) if heard_by else ()
    if retracted:
        state = State.RETRACTED
    elif not own or not is_kept:
        state = State.NEIGHBOUR
    else:
        state = _own_state(local, sealed, bool(heard or on_list), sent or bundle_gone, live)
    listed = None if via == Via.LIST else _list_state(letters, on_list, to_list)
    return MessageView(
        id=message_id,
        seq=seq,
        camp=CampName(author, _name(author, camp, bool(borrows_name))),
        own=bool(own),
        channel=channel,
        author=nickname,
        text=text,
        role=Role(role),
        kind=Kind(kind),
        created=created_s,
        received=received_s,
        via=Via(via),
        parent=parent,
        urgent=kind == Kind.MIC_CHECK,
        state=state,
        heard_by=heard,
        echoes=echoes,
        list=listed,
        replies=replies,
        hidden=bool(hidden),
        hidden_why=hidden_why or "",
        list_why=list_why or "" if listed in (ListState.HELD, ListState.REFUSED) else "",
    )


def _name(author: str, camp: str | None, borrowed: bool) -> str:
    if not camp:
        return author
    return f"{camp} ({author[:CAMP_DIGITS]})" if borrowed else camp


def _own_state(local: int, sealed: int, heard: bool, sent: int, live: int) -> State:
    if local:
        return State.SENT  # stored here is all it does
    if not sealed:
        return State.WAITING
    if heard:
        return State.NEIGHBOUR
    if sent:
        return State.SENT
    return State.WAITING if live else State.EXPIRED


def _list_state(letters: str | None, on_list: int, to_list: int) -> ListState | None:
    """The furthest that any list or gateway has brought it."""
    states = set(letters.split(",")) if letters else set()
    if "on_list" in states or (on_list and ListState.CLAIMED not in states):
        return ListState.ON_LIST
    for state in (ListState.SENT, ListState.CLAIMED, ListState.HELD, ListState.REFUSED):
        if state in states:
            return state
    return ListState.WAITING if states or to_list else None


def held_view(row: tuple[bytes, bytes, str, float, int | None, str | None]) -> HeldView:
    """The view of a row of SELECT_HELD."""
    message_id, raw, why, received_s, decided_s, refused_why = row
    message = decode(raw, int(received_s), local=True)
    return HeldView(
        message_id,
        message.channel,
        message.nickname,
        message.text,
        message.urgent or why == HeldWhy.MIC_CHECK,
        HeldWhy(why),
        received_s,
        None if decided_s is None else refused_why or "",
    )


def held_as_message(
    row: tuple[bytes, bytes, str, float, int | None, str | None], camp: CampName
) -> MessageView:
    """A held or refused post as its author sees it. `hidden_why` of a refused one says why."""
    message_id, raw, _, received_s, decided_s, refused_why = row
    message = decode(raw, int(received_s), local=True)
    return MessageView(
        id=message_id,
        seq=0,
        camp=camp,
        own=True,
        channel=message.channel,
        author=message.nickname,
        text=message.text,
        role=message.role,
        kind=Kind(message.kind),
        created=message.second,
        received=received_s,
        via=Via.HERE,
        parent=None,
        urgent=message.urgent,
        state=State.HELD if decided_s is None else State.REFUSED,
        heard_by=(),
        echoes=0,
        list=None,
        replies=0,
        hidden=False,
        hidden_why=refused_why or "",
    )
