"""Everybody does everything at once, and what was promised holds; and what a full disk leaves behind."""

from random import Random

import pytest

from sync import bundle
from sync.actions import (
    CONSOLE,
    Action,
    Actor,
    BuryCamp,
    CloseSession,
    HideMessage,
    HoldStrangers,
    MakeCard,
    MakeGroup,
    MuteAuthor,
    OpenSession,
    PinCamp,
    Refused,
    RefuseHeld,
    ReleaseHeld,
    RetractPost,
    RevokeCard,
    SetAdmission,
    SetChannel,
    SetHotline,
    UnhideMessage,
    UnpinCamp,
    WritePost,
    Written,
)
from sync.farewell import write_letter
from sync.message import HERE, Kind, Role, decode
from sync.signing import Identity
from sync.store import StoreFull
from tests.board.conftest import camper, make_camp

ACTORS = [
    camper("anna"),
    camper("ben", "other house"),
    Actor(),
    Actor(role=Role.LIAISON, group="kitchen"),
    Actor(role=Role.LIAISON),
    Actor(role=Role.MODERATOR, device=b"mod"),
    Actor(role=Role.COORDINATOR),
    CONSOLE,
]
CHANNELS = ["general", "here", "announcements", "letters", "kitchen", "nowhere"]
SOUTH = Identity(b"s" * 32)


def any_order(random: Random, ids: list[bytes], secrets: list[str]) -> Action:
    message = random.choice(ids or [b"?" * 16])
    why = random.choice(["because", ""])
    orders: list[Action] = [
        *[
            WritePost(
                random.choice(CHANNELS),
                f"word {random.randrange(40)}",
                urgent=random.random() < 0.2,
                reply_to=message if random.random() < 0.2 else None,
                token=random.randbytes(1) if random.random() < 0.3 else None,
            )
        ]
        * 12,
        *[RetractPost(message)] * 3,
        *[ReleaseHeld(message)] * 4,
        *[RefuseHeld(message, why)] * 2,
        HideMessage(message, why),
        UnhideMessage(message, why),
        MuteAuthor(message, random.randrange(-1, 30), why),
        HoldStrangers(random.random() < 0.3, why),
        SetChannel(random.choice(CHANNELS), random.random() < 0.3, random.choice([None, 7]), False),
        MakeGroup(random.choice(["kitchen", "Legal", "?"])),
        MakeCard(random.choice(list(Role)), random.choice([None, "kitchen"])),
        RevokeCard(random.randrange(6), why),
        OpenSession(random.choice(secrets or ["no card"])),
        CloseSession(random.randrange(6)),
        PinCamp(SOUTH.key.hex(), random.random() < 0.5),
        UnpinCamp(SOUTH.key.hex()),
        SetAdmission(random.random() < 0.5),
        SetHotline(f"medic {random.randrange(3)}"),
        BuryCamp(write_letter(SOUTH, "Sur")),
    ]
    return random.choice(orders)


@pytest.mark.parametrize("seed", range(6))
def test_a_storm_of_orders(seed):
    random = Random(seed)
    camp = make_camp(device_per_minute=30)
    ids: list[bytes] = []
    secrets: list[str] = []
    withdrawn: set[bytes] = set()
    done = 0
    for _ in range(300):
        order, actor = any_order(random, ids, secrets), random.choice(ACTORS)
        before = camp.dump() if random.random() < 0.2 else None
        sealed = {
            i for (i,) in camp.store.connection.execute("SELECT id FROM own_messages WHERE bundle NOT NULL")
        }
        try:
            outcome = camp.do(order, actor)
            done += 1
        except Refused:
            assert before is None or camp.dump() == before, (
                f"seed {seed}: a refused {order} changed something"
            )
            continue
        if isinstance(outcome, Written):
            ids.append(outcome.message)
        elif isinstance(order, MakeCard):
            secrets.append(outcome.secret)  # type: ignore[union-attr]
        elif isinstance(order, RetractPost) and order.message not in sealed:
            withdrawn.add(order.message)
        camp.pass_time(random.choice([0, 1, 30]))
        with camp.store.transaction():
            camp.engine.tick(camp.now)
    assert done > 50, f"seed {seed}: the storm was a calm"
    check_promises(camp, withdrawn)
    camp.store.close()


def check_promises(camp, withdrawn):
    db = camp.store.connection
    crossed = set()
    for (wire,) in db.execute("SELECT wire FROM bundles"):
        sealed = bundle.decode(wire)
        for raw in sealed.messages:
            said = decode(raw, bundle.seconds_of(sealed.hour))
            assert said.channel not in (HERE, "letters")
            crossed.add(raw)
    for id_, raw, second, class_ in db.execute("SELECT id, bytes, second, class FROM own_messages"):
        said = decode(raw, second, local=True)
        assert (said.channel == HERE) <= (class_ is None)
        assert (id_ in withdrawn) <= (raw not in crossed)
        if said.kind == Kind.MIC_CHECK and said.role == Role.CAMPER:
            repeated = "SELECT count(*) FROM moderation WHERE act = 'repeat' AND target = ?"
            assert db.execute(repeated, (id_.hex(),)).fetchone() == (1,)
    both = "SELECT count(*) FROM held JOIN messages USING (id)"
    assert db.execute(both).fetchone() == (0,), "a post both waits and is out"
    decided = "SELECT count(*) FROM held WHERE (decided_s IS NULL) <> (refused_why IS NULL)"
    assert db.execute(decided).fetchone() == (0,)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    for actor, why in db.execute("SELECT actor, why FROM moderation"):
        assert actor in ("liaison", "liaison of kitchen", "moderator", "coordinator")
        assert why in ("because", "")


def fill(camp) -> tuple[int, list[str]]:
    """Post until the disk is full: how many messages are stored, and what the store held before the last."""
    for stored in range(1, 1_000):
        before = camp.dump()
        try:
            camp.post("words " * 300)
        except StoreFull:
            return stored, before
    raise AssertionError("the disk never got full")


def test_a_full_disk_refuses_and_leaves_everything_as_it_was():
    camp = make_camp()
    camp.post("before")
    pages = camp.store.connection.execute("PRAGMA page_count").fetchone()[0]
    camp.store.connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    stored, before = fill(camp)
    assert camp.dump() == before
    assert len(camp.texts()) == stored

    camp.engine.reload()
    camp.store.connection.execute("PRAGMA max_page_count = 1000000")
    camp.post("after")
    assert len(camp.texts()) == stored + 1
    assert len(camp.store.waiting()) == stored + 1


def test_a_fault_of_the_engine_leaves_everything_as_it_was(monkeypatch):
    camp = make_camp()
    held = camp.post("wait", camper(), "announcements")
    before = camp.dump()

    def fail(*_: object, **__: object) -> bytes:
        raise RuntimeError("ours")

    monkeypatch.setattr(camp.engine, "publish", fail)
    for order in (WritePost("general", "x", token=b"t"), ReleaseHeld(held.message), MakeGroup("kitchen")):
        with camp.store.transaction(), pytest.raises(RuntimeError, match="ours"):
            camp.board.do(order, CONSOLE, camp.now, camp.wall_s)
        assert camp.dump() == before


def test_an_order_alone_is_a_whole_transaction():
    camp = make_camp()
    camp.engine.tell_time(camp.wall_s, True)
    camp.board.do(WritePost("general", "hola"), camper(), camp.now, camp.wall_s)
    assert not camp.store.connection.in_transaction
    found = camp.row("SELECT count(*) FROM messages_search WHERE messages_search MATCH 'hola'")
    assert found == (1,)
