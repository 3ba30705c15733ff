"""Parcels: packed, cut, rebuilt by anybody, and judged bundle by bundle."""

import json
from hashlib import blake2b
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import cbor
from sync.air_frames import PARCEL_BYTES_MAX, AnswerFrame, NeedFrame, ParcelFrame
from sync.bundle import BundleClass
from sync.coding import SYMBOLS_MAX
from sync.link import LinkProfile
from sync.live import LiveBundle
from sync.owing import GIVEN_PER_HOUR_MAX, HOUR_S, Given, Owing
from sync.parcelpost import NEEDS_MAX, SENT_FOR_HEARD, ParcelPost
from sync.parcels import PARCELS_MAX, Contents, Parcels, generation_of, pack, symbol_bytes_max, unpack
from sync.purse import Purse
from sync.reject import Reason, Reject
from sync.signing import author_of
from tests.vectors import write

SENDER = b"AB"
ASKER = b"ASKR"
WIRES = st.lists(st.binary(min_size=80, max_size=160), min_size=1, max_size=12)
KEYS = st.lists(st.binary(min_size=32, max_size=32), max_size=4)


@given(WIRES, KEYS)
def test_what_was_packed_is_unpacked(wires, keys):
    contents = Contents(tuple(wires), tuple(keys))
    assert unpack(pack(contents)) == contents


@given(st.binary(max_size=200))
def test_any_bytes_are_a_parcel_or_refused(data):
    try:
        contents = unpack(data)
    except Reject as reject:
        refused = reject.reason
        assert refused in {Reason.CBOR, Reason.ENCODING, Reason.FRAME}
    else:
        items = cbor.decode(data)
        assert isinstance(items, list)
        assert len(contents.wires) + len(contents.keys) == len(items)


@pytest.mark.parametrize("items", [7, b"a bundle", [b"a bundle", 7], ["text"], [[b"nested"]]])
def test_what_is_no_list_of_byte_strings_is_no_parcel(items):
    with pytest.raises(Reject):
        unpack(cbor.encode(items))


def test_a_parcel_that_fits_no_block_is_not_made():
    with pytest.raises(ValueError, match="parcel of"):
        pack(Contents((bytes(PARCEL_BYTES_MAX),)))


@pytest.mark.parametrize("case", json.loads((Path(write.__file__).parent / "parcels.json").read_text()))
def test_a_parcel_is_an_array_of_strings_named_by_its_hash(case):
    data = bytes.fromhex(case["bytes"])
    assert cbor.decode(data) == [bytes.fromhex(item) for item in case["keys"] + case["bundles"]]
    assert blake2b(data).digest()[:4].hex() == case["generation"]


def test_the_oldest_parcel_is_forgotten():
    parcels = Parcels(226, SYMBOLS_MAX)
    generations = [parcels.remember(bytes([n]) * 100, is_own=True) for n in range(PARCELS_MAX + 1)]
    assert generations[0] not in parcels
    assert all(generation in parcels for generation in generations[1:])


@given(st.lists(st.integers(80, 400), min_size=1, max_size=60), st.integers(2, SYMBOLS_MAX))
def test_what_fits_is_cut_into_no_more_symbols_than_there_may_be(sizes, symbols_max):
    parcels = Parcels(226, symbols_max)
    fitting = parcels.fitting(sizes)
    data = pack(Contents(tuple(bytes(size - 3) for size in sizes[:fitting])))
    assert fitting >= 1
    assert parcels.shape(len(data)).symbols <= max(symbols_max, -(-sizes[0] // symbol_bytes_max(226)) + 1)


# -- what is owed --------------------------------------------------------------------------------------


class Shelf:
    """Bundles that lie somewhere, and what came in."""

    def __init__(self, count=0, size=150, alerts=0, authors=1):
        self.live = {}
        self.wires = {}
        self.taken = []
        self.keys = []
        for n in range(count):
            key = bytes([n % authors]) * 32
            class_ = BundleClass.ALERT if n >= count - alerts else BundleClass.POST
            id_ = n.to_bytes(2) + bytes(14)
            self.live[id_] = LiveBundle(id_, author_of(key), key, n // 10, class_, size)
            self.wires[id_] = b"\x85\x48" + author_of(key) + Random(n).randbytes(size - 10)

    def wire_of(self, bundle_id):
        return self.wires.get(bundle_id)

    def with_prefix(self, prefix):
        return self.live.get(prefix)

    def take_answer(self, wire, now):
        is_new = wire not in self.taken
        self.taken.append(wire)
        return is_new

    def take_key(self, key, now):
        self.keys.append(key)


def owing(shelf, given_=None):
    return Owing(shelf, given_ or Given(), Parcels(226, SYMBOLS_MAX))


def test_alerts_go_first_then_the_newest_and_what_does_not_fit_is_forgotten():
    shelf = Shelf(60, alerts=4)
    owed = owing(shelf)
    owed.owe(ASKER, shelf.live, (), True, 0.0)
    wires = owed.next_contents(SYMBOLS_MAX, 0.0).wires
    order = {wire: id_ for id_, wire in shelf.wires.items()}
    found = [shelf.live[order[wire]] for wire in wires]
    assert [live.class_ for live in found[:5]] == [0, 0, 0, 0, 1]
    assert [live.hour for live in found[4:]] == sorted((live.hour for live in found[4:]), reverse=True)
    assert len(found) < 60
    assert not owed.is_owed


def test_sixty_four_an_hour_unless_somebody_signed_for_more():
    given_ = Given()
    given_.give(ASKER, GIVEN_PER_HOUR_MAX - 2, 0.0)
    shelf = Shelf(10)
    owed = owing(shelf, given_)
    owed.owe(ASKER, shelf.live, (), True, 1.0)
    assert len(owed.next_contents(SYMBOLS_MAX, 1.0).wires) == 2
    owed.owe(ASKER, shelf.live, (), True, 2.0)
    assert not owed.is_owed
    given_.join(ASKER[:2], 3.0)
    owed.owe(ASKER, shelf.live, (), True, 3.0)
    assert len(owed.next_contents(SYMBOLS_MAX, 3.0).wires) == 10
    assert given_.left(ASKER, 3.0 + HOUR_S + 1) == GIVEN_PER_HOUR_MAX


@pytest.mark.parametrize(("held", "keys"), [((), 2), ((0, 1), 0), ((0,), 1)])
def test_keys_go_along_of_authors_of_whom_the_asker_holds_nothing(held, keys):
    shelf = Shelf(12, authors=2)
    ids = list(shelf.live)
    owed = owing(shelf)
    owed.owe(ASKER, ids[2:], [ids[n] for n in held], True, 0.0)
    assert len(owed.next_contents(SYMBOLS_MAX, 0.0).keys) == keys


# -- the post -------------------------------------------------------------------------------------------


LINK = LinkProfile("air", 226, lambda n: 10.0 * n, broadcast=True)  # a full frame: 2,260 ms
FULL_MS = 2_260.0


def post(shelf, purse=None):
    purse = purse or Purse(25.0, 75_000.0, 0.0)
    return ParcelPost(shelf, shelf, Given(), purse, LINK, Random(1)), purse


def all_of(sender, now=0.0):
    frames = []
    while (frame := sender.next_frame(now)) is not None:
        frames.append(frame)
    return frames


def made(shelf):
    sender, purse = post(shelf)
    sender.owe(ASKER, shelf.live, (), True, 0.0)
    return sender, purse, all_of(sender)


def one_who_holds_more(sender, is_half):
    """We asked nobody, but lack something."""
    return is_half


def test_one_of_a_parcels_own_pieces_tells_what_all_of_it_cost():
    sender, _, frames = made(Shelf(20))
    sender.mend(frames[0].generation, 1, 10.0)
    hearer, spent = post(Shelf())[0], []
    for frame in [*frames[3:6], *all_of(sender, 10.0)]:
        spent.append(hearer.spent(frame))
        hearer.hear(frame, SENDER, 11.0)
    assert spent == [len(frames), 0.0, 0.0, SENT_FOR_HEARD]


def test_who_asks_while_a_parcel_leaves_is_owed_what_is_not_in_it():
    shelf = Shelf(60)
    sender, _ = post(shelf)
    sender.owe(ASKER, shelf.live, (), True, 0.0)
    first = [sender.next_frame(0.0)]
    sender.owe(b"else", shelf.live, (), True, 1.0)
    assert sender.is_owed
    first += all_of(sender, 1.0)
    assert len(first) == first[0].shape.symbols
    second = all_of(sender, 10_000.0)
    other = Shelf()
    hearer, _ = post(other)
    for frame in first + second:
        hearer.hear(frame, SENDER, 0.0)
    assert len(other.taken) == len(set(other.taken)) > GIVEN_PER_HOUR_MAX / 2


def test_who_is_answered_asks_for_the_rest_however_often_it_asked():
    """On a crowded channel the symbols come one by one, and more is asked for than is answered."""
    _, _, frames = made(Shelf(40))
    hearer, _ = post(Shelf())
    for frame in frames[: len(frames) // 2 + 1]:
        hearer.hear(frame, SENDER, 0.0)
    for frame in frames[len(frames) // 2 + 1 : -1]:
        needs = [hearer.next_need(hearer.next_need_due(), one_who_holds_more) for _ in range(NEEDS_MAX - 1)]
        assert None not in needs
        hearer.hear(frame, SENDER, hearer.next_need_due())
    assert hearer.next_need(hearer.next_need_due(), one_who_holds_more) == NeedFrame(frames[0].generation, 1)


def test_who_lost_some_says_how_many_and_gets_others():
    shelf, other = Shelf(20), Shelf()
    sender, _, frames = made(shelf)
    assert {frame.shape.symbols for frame in frames} == {len(frames)}
    hearer, _ = post(other)
    assert all(hearer.hear(frame, SENDER, 0.0) is None for frame in frames[2:])
    need = hearer.next_need(hearer.next_need_due(), one_who_holds_more)
    assert need == NeedFrame(frames[0].generation, 2)
    sender.mend(need.generation, need.missing, 10.0)
    first, second = all_of(sender, 10.0)
    assert {first.index, second.index}.isdisjoint(frame.index for frame in frames)
    assert [hearer.hear(first, SENDER, 11.0), hearer.hear(second, SENDER, 12.0)] == [None, 20]
    assert sorted(other.taken) == sorted(shelf.wires.values())


def test_whoever_rebuilt_a_parcel_makes_parity_of_it():
    _, _, frames = made(Shelf(20))
    hearer, _ = post(Shelf())
    for frame in frames:
        hearer.hear(frame, SENDER, 0.0)
    third = Shelf()
    late, _ = post(third)
    for frame in frames[3:]:
        late.hear(frame, SENDER, 0.0)
    hearer.mend(frames[0].generation, 3, 1.0)
    assert not hearer.is_own(frames[0].generation)
    assert [late.hear(frame, b"CD", 2.0) for frame in all_of(hearer, 1.0)] == [None, None, 20]


def test_a_forged_symbol_spoils_nothing():
    _, _, frames = made(Shelf(20))
    other = Shelf()
    hearer, _ = post(other)
    forged = ParcelFrame(frames[0].generation, frames[0].shape, 200, bytes(frames[0].shape.symbol_bytes))
    heard = [hearer.hear(frame, SENDER, 0.0) for frame in (forged, *frames)]
    assert heard[-1] == 20
    assert len(other.taken) == 20


def test_a_parcel_of_something_else_is_taken_for_whole_and_gives_nothing():
    from sync.coding import symbol

    data = cbor.encode("no bundles in here, but of the length of some" * 3)
    shape = Parcels(226, SYMBOLS_MAX).shape(len(data))
    shelf = Shelf()
    hearer, _ = post(shelf)
    assert hearer.hear(ParcelFrame(generation_of(data), shape, 0, symbol(data, shape, 0)), SENDER, 0.0) == 0
    assert shelf.taken == shelf.keys == []


def test_keys_of_nobody_in_the_parcel_are_not_looked_at():
    from sync.coding import symbol

    shelf, other = Shelf(1), Shelf()
    wire = next(iter(shelf.wires.values()))
    data = pack(Contents((wire,), (b"k" * 32, bytes(32))))
    shape = Parcels(226, SYMBOLS_MAX).shape(len(data))
    hearer, _ = post(other)
    for index in range(shape.symbols):
        hearer.hear(ParcelFrame(generation_of(data), shape, index, symbol(data, shape, index)), SENDER, 0.0)
    assert other.keys == [bytes(32)]
    assert other.taken == [wire]


def test_one_bundle_that_fits_goes_as_an_answer():
    shelf = Shelf(1)
    sender, _ = post(shelf)
    sender.owe(ASKER, shelf.live, list(shelf.live), True, 0.0)
    assert all_of(sender) == [AnswerFrame(next(iter(shelf.wires.values())))]


def test_a_parcel_leaves_when_all_of_it_can_be_paid():
    shelf = Shelf(20)
    purse = Purse(25.0, 75_000.0, 0.0)
    purse.take(70_000.0, 0.0)
    sender, _ = post(shelf, purse)
    sender.owe(ASKER, shelf.live, (), True, 0.0)
    assert all_of(sender) == []
    due = sender.next_due(0.0)
    assert due > 0.0
    assert all_of(sender, due - 10) == []
    assert len(all_of(sender, due + 1)) == 15


def test_it_is_cut_short_where_others_wait():
    shelf = Shelf(20)
    purse = Purse(25.0, 75_000.0, 0.0)
    purse.take(70_000.0, 0.0)
    sender, _ = post(shelf, purse)
    sender.owe(ASKER, shelf.live, (), True, 0.0)
    sender.share_with(True)
    due = sender.next_due(0.0)
    assert 1 <= len(all_of(sender, due)) < 15


def test_asking_for_symbols_again_and_again_has_an_end():
    sender, purse, frames = made(Shelf(20))
    sent = 0
    for _ in range(200):
        sender.mend(frames[0].generation, SYMBOLS_MAX, 1.0)
        sent += len(all_of(sender, 1.0))
    assert (len(frames) + sent) * FULL_MS <= 1.6 * purse.most + FULL_MS


def test_the_same_asked_for_again_is_sent_in_other_symbols():
    """Whoever asks again has some of it, and which is lost at whom nobody knows: of three symbols sent again
    and again a camp that loses half of them got all in the fifth round, and bundles lay for two hours.
    """
    shelf, other = Shelf(8), Shelf()
    sender, _, first = made(shelf)
    sender.owe(ASKER, shelf.live, (), True, 100.0)
    again = all_of(sender, 10_000.0)
    assert {frame.generation for frame in [*first, *again]} == {first[0].generation}
    assert {frame.index for frame in first}.isdisjoint(frame.index for frame in again)
    hearer, _ = post(other)
    for frame in [*first[::2], *again[: len(first) - len(first[::2])]]:
        hearer.hear(frame, SENDER, 0.0)
    assert sorted(other.taken) == sorted(shelf.wires.values())


def test_what_a_beacon_shows_to_be_there_is_owed_no_more():
    """A camp that had got everything meanwhile was sent the same parcel a third time."""
    shelf = Shelf(8)
    live = [shelf.with_prefix(prefix) for prefix in shelf.live]
    ids = [each.id for each in live if each is not None]
    sender, _ = post(shelf)
    sender.owe(ASKER, shelf.live, (), True, 0.0)
    sender.lacks_only(b"else", ())
    sender.lacks_only(ASKER, ids[:3])
    other = Shelf()
    hearer, _ = post(other)
    for frame in all_of(sender):
        hearer.hear(frame, SENDER, 0.0)
    assert len(other.taken) == 3
    sender.owe(ASKER, shelf.live, (), True, 1.0)
    sender.lacks_only(ASKER, ())
    assert not sender.is_owed


def test_a_parcel_nobody_mends_is_not_asked_for_for_ever():
    _, _, frames = made(Shelf(20))
    hearer, _ = post(Shelf())
    hearer.hear(frames[0], SENDER, 0.0)
    asked = []
    while hearer.next_need_due() < float("inf"):
        asked.append(hearer.next_need(hearer.next_need_due(), lambda sender, _: SENDER.startswith(sender)))
    assert len([need for need in asked if need is not None]) == NEEDS_MAX


@pytest.mark.parametrize(("heard", "asks_for"), [(7, None), (8, 7), (14, 1)])
def test_a_parcel_for_another_is_asked_for_by_who_has_half_of_it(heard, asks_for):
    _, _, frames = made(Shelf(20))
    assert len(frames) == 15
    hearer, _ = post(Shelf())
    for frame in frames[:heard]:
        hearer.hear(frame, SENDER, 0.0)
    need = hearer.next_need(hearer.next_need_due(), one_who_holds_more)
    assert (need.missing if need is not None else None) == asks_for
    assert (hearer.next_need_due() < float("inf")) == (need is not None)


# -- the purse ------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 400)), max_size=30))
def test_no_more_is_spent_than_there_was_and_came(spending):
    purse, now, spent = Purse(2.0, 100.0, 0.0), 0.0, 0.0
    for wait_s, amount in spending:
        now += wait_s
        if purse.take(amount, now, overdraft=50.0):
            spent += amount
        assert spent <= 150.0 + 2.0 * now + 1e-6


def test_what_is_owed_to_a_purse_is_paid_first():
    purse = Purse(1.0, 10.0, 0.0)
    assert purse.take(15.0, 0.0, overdraft=5.0)
    assert not purse.take(1.0, 5.0)
    assert purse.ready_at(1.0) == pytest.approx(6.0)
    assert purse.take(1.0, 6.0)
