"""A neighbour that proved its key and then means harm: it costs a bounded amount, and stops nothing."""

from random import Random

from sync import frames, message
from sync.accept import HELD_MAX
from sync.bundle import BundleClass, hour_of, seal
from sync.frames import AskFrame, AskKeysFrame, BundleFrame, GotFrame, KeysFrame
from sync.message import Kind, Message
from sync.neighbours import KEYS_OWED_MAX
from sync.schedule import STALE_MAX, Outgoing
from sync.signing import Identity
from tests.sync.camps import NOW_S, Camp, cable

ALL_MS = float("inf")


def camp_with_a_link():
    here = Camp("here")
    here.engine.add_link(cable("x", b"p" * 32), NOW_S)
    return here


def receive(camp, frame):
    data = frames.encode(frame, camp.identity.network, b"ab")
    with camp.store.transaction():
        camp.engine.receive_frame(data, "x", NOW_S)


def sent(camp):
    return [
        frames.decode(data, camp.identity.network)[1]
        for data in camp.engine.frames_to_send("x", NOW_S, ALL_MS)
    ]


def neighbour_of(camp):
    return camp.engine._links["x"]


def test_requests_for_the_keys_of_nobody_leave_nothing_behind_and_do_not_stop_the_node():
    here, random = camp_with_a_link(), Random(1)
    for _ in range(1_200):  # 64,000 were enough to end a node
        receive(here, AskKeysFrame(tuple(random.randbytes(8) for _ in range(64))))
    assert len(neighbour_of(here).keys_asked) == 0
    receive(here, AskKeysFrame((*(random.randbytes(8) for _ in range(63)), here.identity.author)))
    assert KeysFrame((here.identity.key,)) in sent(here)


def test_keys_that_are_owed_are_bounded():
    here = camp_with_a_link()
    camps = [Identity(bytes([n >> 8, n & 0xFF]) * 16) for n in range(KEYS_OWED_MAX + 20)]
    with here.store.transaction():
        for camp in camps:
            here.store.add_key(camp.key, 0)
    for start in range(0, len(camps), 64):
        receive(here, AskKeysFrame(tuple(camp.author for camp in camps[start : start + 64])))
    assert len(neighbour_of(here).keys_asked) == KEYS_OWED_MAX
    while sent(here):
        pass
    assert len(neighbour_of(here).keys_asked) == 0


def test_bundles_of_authors_nobody_knows_are_asked_after_as_far_as_they_are_held():
    here = camp_with_a_link()
    for n in range(3 * HELD_MAX):
        stranger = Identity(n.to_bytes(32, "big"))
        said = message.encode(Message(Kind.POST, int(NOW_S)))
        sealed = seal(stranger, hour_of(NOW_S), BundleClass.POST, [said])
        receive(here, BundleFrame(sealed.wire))
    assert len(neighbour_of(here).authors_wanted) <= HELD_MAX


def test_asking_and_saying_got_it_in_turns_fills_no_queue():
    here = camp_with_a_link()
    for n in range(10):
        here.post(f"mic check {n}", NOW_S, kind=Kind.MIC_CHECK)
    ids = tuple(here.live())
    for _ in range(STALE_MAX):
        receive(here, AskFrame(ids))
        receive(here, GotFrame(ids))
    outgoing = neighbour_of(here).outgoing
    assert len(outgoing._ready) + len(outgoing._later) <= STALE_MAX + 2 * len(ids)


def test_a_swept_queue_keeps_what_waits_and_its_order():
    queue = Outgoing()
    queue.push(b"later", BundleClass.POST, not_before=5.0)
    for _ in range(STALE_MAX + 10):
        for name in (b"second", b"first", b"gone"):
            queue.push(name, BundleClass.ALERT if name == b"first" else BundleClass.POST)
            queue.drop(name)
    queue.push(b"second", BundleClass.POST)
    queue.push(b"first", BundleClass.ALERT)
    left = []
    while (found := queue.peek(10.0)) is not None:
        left.append(found)
        queue.drop(found)
    assert left == [b"first", b"later", b"second"]
    assert len(queue) == 0
