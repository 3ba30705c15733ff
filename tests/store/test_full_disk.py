"""A full disk: posts are refused as a whole, reads go on, and there is a way back."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sync.message import HERE
from sync.reading import Reader
from sync.store import Store, StoreFull
from sync.store.ballast import Ballast, relieve
from tests.store.neighbour import HOUR, NOW_S, OWN, post, say

DAY_S, DAY_H = 86_400, 24
LONG = "the kitchen needs " + "potatoes " * 60


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "board.sqlite3", OWN.key)
    yield opened
    opened.close()


def limit_pages(store, more):
    (count,) = store.connection.execute("PRAGMA page_count").fetchone()
    store.connection.execute(f"PRAGMA max_page_count = {count + more}")


def post_until_full(store):
    """How many posts were acknowledged before the disk was full."""
    for n in range(10_000):
        try:
            say(store, post(f"{n} {LONG}", channel=HERE), None)
        except StoreFull:
            return n
    raise AssertionError("the disk never was full")


def check(store, acknowledged):
    views = Reader.over(store).messages(HERE, None, 10_001).messages
    assert [view.text.split()[0] for view in views] == [str(n) for n in range(acknowledged)]
    assert len(Reader.over(store).search("potatoes", 10_001)) == acknowledged
    assert store.connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_full_disk_takes_no_half_posts_and_reads_go_on(store):
    limit_pages(store, 60)
    acknowledged = post_until_full(store)
    assert acknowledged > 10
    check(store, acknowledged)


def test_a_whole_group_is_given_up_when_the_disk_fills_in_its_middle(store):
    limit_pages(store, 60)

    def post_group():
        with store.transaction():
            for n in range(10_000):
                with store.savepoint():
                    say(store, post(f"{n} {LONG}", channel=HERE), None)

    with pytest.raises(StoreFull):
        post_group()
    check(store, 0)
    store.connection.execute("PRAGMA max_page_count = 1000000")
    say(store, post("0 potatoes again", channel=HERE), None)
    check(store, 1)


def test_the_ballast_takes_room_and_gives_it_back(tmp_path):
    board = tmp_path / "board.sqlite3"
    ballast = Ballast(board, size=100_000)
    assert ballast.lay()
    assert ballast.lay()
    (file,) = tmp_path.iterdir()
    assert file.stat().st_blocks * 512 >= 100_000
    ballast.drop()
    ballast.drop()
    assert list(tmp_path.iterdir()) == []


# The limit counts for every file of the process, so the child fills its own log or board.
LIMITED = """
import resource, sys
from pathlib import Path
from sync.store import Store
from sync.store.ballast import Ballast
from tests.store.neighbour import OWN
from tests.store.test_full_disk import check, post_until_full

board = Path(sys.argv[1])
store = Store.open(board, OWN.key)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, resource.RLIM_INFINITY))
acknowledged = post_until_full(store)
assert acknowledged > 10, acknowledged
check(store, acknowledged)
assert not Ballast(board).lay()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
check(store, acknowledged)
store.close()
sys.exit(0)
"""


def test_a_file_size_limit_is_a_full_disk(tmp_path):
    board = tmp_path / "board.sqlite3"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", LIMITED, board], check=True, cwd=root, timeout=60)
    assert [path.name for path in tmp_path.iterdir()] == ["board.sqlite3"]


@pytest.mark.full
@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mount") is None, reason="a small file system needs root"
)
def test_a_camp_on_a_full_file_system_comes_back(tmp_path):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12M", "tmpfs", tmp_path], check=True)
    board = tmp_path / "board.sqlite3"
    store, ballast = Store.open(board, OWN.key), Ballast(board, size=4_000_000)
    try:
        assert ballast.lay()
        acknowledged = post_until_full(store)
        check(store, acknowledged)
        while (tmp_path / "filler").exists() is False or _append(tmp_path / "filler"):
            (tmp_path / "filler").touch()
        assert relieve(store, ballast, NOW_S + DAY_S, HOUR + DAY_H) is not None  # nothing was over yet
        check(store, acknowledged)
        swept = relieve(store, ballast, NOW_S + 3 * DAY_S, HOUR + 3 * DAY_H)
        assert swept is not None
        assert swept.messages == acknowledged
        say(store, post("0 potatoes again", channel=HERE), None)
        check(store, 1)
    finally:
        store.close()
        subprocess.run(["umount", tmp_path], check=True)


def _append(path):
    """Whether there was room for another 4 KiB."""
    try:
        with path.open("ab") as file:
            file.write(bytes(4_096))
    except OSError:
        return False
    return True
