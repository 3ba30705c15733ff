"""A bundle whose signature was checked on the way is taken in as any other, and nothing else is."""

from random import Random

import pytest

from sync.accept import prove
from sync.bundle import BundleClass, hour_of, seal
from sync.engine import Imported, Limits
from sync.message import Kind, Message, compose, encode
from sync.reject import Reason, Reject
from sync.signing import Identity, Network
from tests.sync.camps import NOW_S, Camp

OTHER = Identity(b"o" * 32)


def sealed(hours_ago=0, text="water at gate 4", by=OTHER):
    post = encode(compose(Message(Kind.POST, int(NOW_S)), text))
    return seal(by, hour_of(NOW_S) - hours_ago, BundleClass.POST, [post])


@pytest.mark.parametrize("hours_ago", [-2, -1, 0, 71, 72, 900])
@pytest.mark.parametrize("introduced_only", [False, True])
def test_it_is_judged_like_one_that_is_checked_at_the_gate(hours_ago, introduced_only):
    bundle = sealed(hours_ago)
    seen: list[tuple[bool, object]] = []
    for proved in (False, True):
        camp = Camp("here", limits=Limits(introduced_only=introduced_only))
        with camp.store.transaction():
            camp.engine.tell_time(NOW_S, trusted=True)
            for _ in range(2):
                if proved:
                    checked = prove(bundle.wire, OTHER.key, camp.identity.network)
                    became = camp.engine.import_proved(checked, NOW_S)
                else:
                    became = camp.engine.import_bundle(bundle.wire, OTHER.key, NOW_S)
                seen.append((proved, became))
        seen.append((proved, (camp.shown(), camp.live(), camp.store.ghosts())))
    assert [what for proved, what in seen if proved] == [what for proved, what in seen if not proved]
    assert (True, Imported.REFUSED if introduced_only or hours_ago == -2 else Imported.NEW) in seen


def test_any_flipped_bit_is_no_proof():
    wire = sealed().wire
    for at in Random(4711).sample(range(8 * len(wire)), 200):
        bad = bytearray(wire)
        bad[at // 8] ^= 1 << at % 8
        with pytest.raises(Reject):
            prove(bytes(bad), OTHER.key, Network())


@pytest.mark.parametrize(
    ("key", "network", "reason"),
    [
        (Identity(b"x" * 32).key, Network(), Reason.KEY),
        (bytes(32), Network(), Reason.KEY),
        (OTHER.key, Network("another square"), Reason.SIGNATURE),
    ],
)
def test_another_key_and_another_network_prove_nothing(key, network, reason):
    with pytest.raises(Reject) as refused:
        prove(sealed().wire, key, network)
    assert refused.value.reason == reason
