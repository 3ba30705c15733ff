"""The power goes: what reached the disk is a guess, and everything that was answered 201 is in it."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.clock import Clock
from node.home import Home
from node.settings import read_settings
from node.works import Works
from tests.crash.crowd import Crowd, Post
from tests.crash.image import Image, files_below, power_cuts, write_image
from tests.crash.nodes import CARELESS, MICCHECK, NodeProcess, make_camp
from tests.crash.trace import Trace, Wrote, read_trace

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]

BATCHES, IMAGES = 10, 100  # 1,000
# At eleven pages a post the log goes over into the file after every ninety: six times a recording.
POSTS = 600


@dataclass(frozen=True, slots=True)
class Recording:
    """What lay in HOME, what the node did to it, and what it was told to keep."""

    before: Image
    trace: Trace
    posts: dict[str, Post]


def record(folder: Path, command: list[str], *, killed_before: bool = False) -> Recording:
    """Let a crowd post to a node under strace, in a camp that is new or whose node was killed."""
    home = make_camp(folder / "home")
    if killed_before:
        with NodeProcess(home) as node:
            _post(node, 50)
    before = files_below(home)
    with NodeProcess(home, command, trace=folder / "trace") as node:
        crowd = _post(node, POSTS)
        node.stop()
    with (folder / "trace").open() as lines:
        trace = read_trace(lines, home)
    (folder / "trace").unlink()
    return Recording(before, trace, crowd.answered)


def _post(node: NodeProcess, posts: int) -> Crowd:
    crowd = Crowd(f"{posts} posts")
    crowd.post_to(node.wait_until_ready(), enough=posts)
    crowd.wait()
    return crowd


def find_fault(home: Path, recording: Recording, answered: frozenset[str]) -> str | None:
    """Start a camp from an image as a node would, short of serving; say what is wrong with it."""
    camp = Home(home)
    works = Works(camp, read_settings(camp.settings, {}), Clock(told_file=camp.clock))
    try:
        if list(home.glob("*damaged*")):
            return "the board had to be salvaged"
        if works.store.connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            return "the board is not whole"
        texts = {
            id_.hex(): text for id_, text in works.store.connection.execute("SELECT id, text FROM messages")
        }
        held = {id_.hex() for (id_,) in works.store.connection.execute("SELECT id FROM held")}
    finally:
        works.store.close()
    lost = answered - texts.keys() - held
    wrong = {id_ for id_ in answered & texts.keys() if texts[id_] != recording.posts[id_].text}
    return f"lost: {len(lost)}, wrong: {len(wrong)}" if lost or wrong else None


def find_faults(folder: Path, recording: Recording, seed: str, number: int) -> dict[str, str]:
    """What is wrong with each of some images, by name."""
    faults: dict[str, str] = {}
    for cut in power_cuts(recording.before, recording.trace, seed, number):
        home = folder / "home"
        write_image(cut.image, home)
        fault = find_fault(home, recording, cut.answered)
        if fault is not None:
            faults[cut.name] = fault
        shutil.rmtree(home)
    return faults


@pytest.fixture(scope="module", params=["a new camp", "a camp whose node was killed"])
def recording(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recording")
    return record(folder, MICCHECK, killed_before=request.param != "a new camp")


def test_the_recording_holds_what_it_must(recording):
    written = Counter(change.path for change in recording.trace.changes if isinstance(change, Wrote))

    assert recording.posts.keys() == recording.trace.answered.keys()
    assert len(recording.posts) >= POSTS
    assert any(post.urgent for post in recording.posts.values())
    assert written["board.sqlite3-wal"] > POSTS
    assert written["board.sqlite3"] > 100, "the log never went over into the file"


@pytest.mark.parametrize("batch", range(BATCHES // 2))
def test_a_power_cut_takes_nothing_that_was_answered(recording, batch, tmp_path):
    assert find_faults(tmp_path, recording, f"power-{batch}", IMAGES) == {}


def test_the_harness_finds_what_a_careless_node_loses(tmp_path):
    recording = record(tmp_path, CARELESS)
    faults = find_faults(tmp_path, recording, "careless", IMAGES)

    assert len(faults) > IMAGES // 10
    assert all(fault.startswith("lost") for fault in faults.values()), "NORMAL loses posts, not the file"
