"""The vectors of the air, checked the slow way: what a stranger would write from PROTOCOL.md §12 to §14."""

import json
from hashlib import blake2b
from pathlib import Path

import pytest

from sync import air_frames
from sync.coding import Shape, rebuild
from tests.sync import slow_field
from tests.vectors import camps, write

VECTORS = Path(write.__file__).parent


def load(name):
    return json.loads((VECTORS / name).read_text())


def short_ids(case, names):
    key = bytes.fromhex(case["nonce"]) + case["hour"].to_bytes(4, "big") + bytes.fromhex(case["sender"])
    return [blake2b(bytes.fromhex(name), key=key, digest_size=64).digest()[:4] for name in names]


def numbers(case, names):
    return [int.from_bytes(short, "little") for short in short_ids(case, names)]


@pytest.mark.parametrize("case", load("short_ids.json"), ids=lambda case: case["nonce"])
def test_short_ids_are_keyed_hashes(case):
    assert [short.hex() for short in short_ids(case, case["bundle_ids"])] == case["short_ids"]


@pytest.mark.parametrize("case", load("strata.json"), ids=lambda case: case["name"])
def test_strata_are_sketches_of_ever_sparser_shares(case):
    key = bytes.fromhex(case["nonce"]) + case["hour"].to_bytes(4, "big") + bytes.fromhex(case["sender"])
    strata: dict[str, list[list[int]]] = {side: [[] for _ in range(14)] for side in ("here", "there")}
    for side, members in strata.items():
        for name in case[side]:
            draw = blake2b(bytes.fromhex(name), key=key, digest_size=64).digest()
            low = f"{int.from_bytes(draw[4:8], 'little'):032b}"
            stratum = min(13, len(low) - len(low.rstrip("0")))
            members[stratum].append(int.from_bytes(draw[:4], "little"))
        sketches = [slow_field.odd_power_sums(stratum, 24) for stratum in members]
        assert b"".join(sketches).hex() == case[f"strata_{side}"]
    apart = [len(set(one) ^ set(other)) for one, other in zip(*strata.values(), strict=True)]
    too_many = max((number for number, count in enumerate(apart) if count > 23), default=-1)
    found = sum(apart[too_many + 1 :])
    assert case["exact"] == (too_many < 0)
    assert case["differences"] == (found if too_many < 0 else max(found, 24) << too_many + 1)


@pytest.mark.parametrize("case", load("sketches.json"), ids=lambda case: case["name"])
def test_sketches_are_power_sums_and_a_want_is_the_product_of_what_lacks(case):
    syndromes = len(case["sketch_here"]) // 8
    for side in ("here", "there"):
        sums = slow_field.odd_power_sums(numbers(case, case[side]), syndromes)
        assert sums.hex() == case[f"sketch_{side}"]
    only_here = sorted(set(case["here"]) - set(case["there"]))
    only_there = sorted(set(case["there"]) - set(case["here"]))
    if len(only_here) + len(only_there) < syndromes:
        assert case["only_here"] == only_here
        assert case["want"] == slow_field.polynomial_of(numbers(case, only_there)).hex()
    else:
        assert case["only_here"] is case["want"] is None


@pytest.mark.parametrize("case", load("splits.json"), ids=lambda case: f"part {case['part']}")
def test_a_part_is_the_short_ids_that_begin_with_its_bits(case):
    bits = f"{case['part']:b}"[1:]
    inside = [x for x in numbers(case, case["bundle_ids"]) if f"{x:032b}".startswith(bits)]
    assert len(inside) == case["count"]
    assert slow_field.odd_power_sums(inside, len(case["sketch"]) // 8).hex() == case["sketch"]
    assert f"{case['first']:032b}" == bits.ljust(32, "0")
    assert f"{case['last']:032b}" == bits.ljust(32, "1")


def times_256(a, b):
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a, b = (a << 1) ^ (0x11D if a >> 7 else 0), b >> 1
    return product


def inverse_256(a):
    return next(b for b in range(256) if times_256(a, b) == 1)


@pytest.mark.parametrize("case", load("parity.json"), ids=lambda case: f"K = {case['symbols']}")
def test_parity_is_a_cauchy_sum_and_any_symbols_give_the_bundle(case):
    count, width, wire = case["symbols"], case["symbol_bytes"], bytes.fromhex(case["wire"])
    padded = wire.ljust(count * width, b"\0")
    pieces = [padded[start : start + width] for start in range(0, len(padded), width)]
    given = {int(index): bytes.fromhex(data) for index, data in case["of_index"].items()}
    for index, data in given.items():
        if index < count:
            assert data == pieces[index]
            continue
        factors = [inverse_256(index ^ place) for place in range(count)]
        for column in range(width):
            total = 0
            for factor, piece in zip(factors, pieces, strict=True):
                total ^= times_256(factor, piece[column])
            assert total == data[column]
    enough = dict(enumerate(pieces[2:], 2)) | {i: given[i] for i in list(given)[-2:]}
    assert rebuild(enough, Shape(count, len(wire)), wire.__eq__) == wire


@pytest.mark.parametrize("case", load("air_frames.json"), ids=lambda case: case["name"])
def test_a_frame_is_read_and_written_back(case):
    data = bytes.fromhex(case["bytes"])
    sender, frame = air_frames.decode(data, camps.NORTH.network)
    assert sender == camps.NORTH.author[:2]
    assert air_frames.encode(frame, camps.NORTH.network, camps.NORTH.author) == data
