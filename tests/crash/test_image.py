"""A disk after a power cut: what was forced out is there, of the rest any part."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.crash import teller
from tests.crash.image import (
    SECTOR_BYTES,
    Disk,
    files_below,
    power_cuts,
    write_image,
)
from tests.crash.trace import Change, Made, Moved, Removed, Resized, Synced, Wrote

OLD, NEW = b"o" * 2_000, b"n" * 2_000


def played(files: dict[str, bytes], changes: Iterable[Change]) -> Disk:
    disk = Disk(files)
    for change in changes:
        disk.play(change)
    return disk


def images(files: dict[str, bytes], *changes: Change) -> list[dict[str, bytes]]:
    """What two hundred power cuts after these changes leave."""
    disk = played(files, changes)
    return [disk.after_power_cut(Random(seed)) for seed in range(200)]


def test_what_was_synced_is_there():
    assert all(
        image == {"a": NEW + b"end"}
        for image in images({"a": OLD}, Wrote("a", 0, NEW), Wrote("a", None, b"end"), Synced("a", 2))
    )


def test_what_was_not_synced_is_kept_dropped_or_torn():
    found = {image["a"] for image in images({"a": OLD}, Wrote("a", 0, NEW))}

    assert {OLD, NEW} < found
    assert len(found) > 10


def test_a_sync_does_not_cover_a_write_that_came_while_it_went_on():
    found = {
        image["a"] for image in images({"a": b""}, Wrote("a", 0, b"1"), Wrote("a", 1, b"2"), Synced("a", 1))
    }

    assert found == {b"1", b"12"}


def test_a_sync_of_one_file_saves_no_other():
    found = {image["b"] for image in images({"a": b"", "b": b""}, Wrote("b", 0, b"1"), Synced("a", 1))}

    assert found == {b"", b"1"}


@given(at=st.integers(0, 3_000), size=st.integers(1, 3_000), seed=st.integers())
def test_a_write_tears_at_sectors_only(at, size, seed):
    (image,) = [played({"a": b"o" * 6_000}, [Wrote("a", at, b"n" * size)]).after_power_cut(Random(seed))]

    for start in range(0, 6_000, SECTOR_BYTES):
        sector = image["a"][start : start + SECTOR_BYTES]
        meant = bytes(b"no"[not at <= place < at + size] for place in range(start, start + len(sector)))
        assert sector in (b"o" * len(sector), meant)


def test_a_new_name_is_safe_when_its_folder_was_synced():
    changes: list[Change] = [Made("run/a"), Wrote("run/a", 0, b"1"), Synced("run/a", 2)]

    assert {tuple(image) for image in images({}, *changes)} == {(), ("run/a",)}
    assert all(image == {"run/a": b"1"} for image in images({}, *changes, Synced("run", 3)))
    assert {} in images({}, *changes, Synced(".", 3))


def test_a_file_in_place_of_another_is_the_old_or_the_new_one():
    change: list[Change] = [Made("half"), Wrote("half", 0, NEW), Synced("half", 2), Moved("half", "a")]

    assert {image["a"] for image in images({"a": OLD}, *change)} == {OLD, NEW}
    assert all(image == {"a": NEW} for image in images({"a": OLD}, *change, Synced(".", 4)))


def test_a_file_that_was_removed_may_come_back_as_it_was():
    found = images({"a": OLD}, Wrote("a", 0, NEW), Synced("a", 1), Removed("a"))

    assert all(image in ({}, {"a": NEW}) for image in found)
    assert {} in found
    assert {"a": NEW} in found


_SIZES = st.integers(0, 40)
_CHANGES = st.one_of(
    st.builds(Wrote, st.just("a"), _SIZES | st.none(), st.binary(max_size=20)),
    st.builds(Resized, st.just("a"), _SIZES),
)


@given(st.lists(_CHANGES, max_size=12), st.integers())
def test_with_everything_synced_the_image_is_the_file(tmp_path_factory, changes, seed):
    path = tmp_path_factory.getbasetemp() / "the-file"
    path.write_bytes(b"before")
    with path.open("r+b") as file:
        for change in changes:
            if isinstance(change, Resized):
                file.truncate(change.size)
            elif change.data or change.offset is None:
                file.seek(*((change.offset,) if change.offset is not None else (0, 2)))
                file.write(change.data)
            else:
                file.truncate(max(change.offset, file.seek(0, 2)))

    disk = played({"a": b"before"}, [*changes, Synced("a", len(changes))])

    assert disk.after_power_cut(Random(seed)) == {"a": path.read_bytes()}


def test_an_image_is_laid_out_and_read_back(tmp_path):
    image = {"a": b"1", "run/b": b"", "run/ballast": bytes(10_000)}
    write_image(image, tmp_path)
    (tmp_path / "a-shm").write_bytes(b"not part of it")

    assert files_below(tmp_path) == image


def lost_rows(image: dict[str, bytes], answered: frozenset[str], folder: Path) -> set[str]:
    write_image(image, folder)
    connection = sqlite3.connect(folder / "bank.sqlite3")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        return set(answered) - (
            {id_ for (id_,) in connection.execute("SELECT id FROM rows")} if tables else set()
        )
    finally:
        connection.close()


@pytest.mark.parametrize("synchronous", ["full", "normal"])
def test_the_harness_tells_a_careful_teller_from_a_careless_one(synchronous, tmp_path):
    cuts = power_cuts({}, teller.trace(synchronous), "4711", 100)
    lossy = [cut.name for cut in cuts if lost_rows(cut.image, cut.answered, tmp_path / cut.name)]

    if synchronous == "full":
        assert lossy == []
    else:
        assert len(lossy) > 20
