"""A disk with no byte left, a real one: posts are refused with 507, pages go on, and room helps at once."""

import json
import os
import re
import shutil
import subprocess

import pytest

from tests.doors.process import RunningNode, make_camp, miccheck, output
from tests.doors.test_carrying import many

DISK = "size=24m"
NO_QUOTA = {"MICCHECK__QUOTA__DEVICE_PER_MINUTE": "0"}


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root to mount a small disk")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", disk], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.full
def test_a_full_disk_refuses_posts_and_shows_pages(small_disk):
    home = small_disk / "camp"
    make_camp(home)
    with RunningNode(home, env=NO_QUOTA) as node:

        def post(number: int) -> int:
            text = f"{number} " + os.urandom(900).hex()
            return node.ask("POST", "/api/v1/messages", {"channel": "here", "text": text})[0]

        assert post(0) == 201
        filler = small_disk / "filler"
        with filler.open("wb") as file:
            free = os.statvfs(small_disk)
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - 1_000_000)
        answers = fill(post)
        stored = answers.count(201)
        assert set(answers) == {201, 507}
        assert len(node.texts()) == min(500, 1 + stored)
        assert node.ask("GET", "/")[0] == 200
        assert node.ask("GET", "/c/here")[0] == 200
        assert "the disk is full" in node.said()
        assert "The disk is full since" in node.ask("GET", "/status")[1]

        filler.unlink()
        assert post(-1) == 201
        assert "The disk is full" not in node.ask("GET", "/status")[1]
        node.kill()
    with RunningNode(home, env=NO_QUOTA) as node:
        assert node.ask("GET", "/api/v1/status")[1]["messages"] >= stored + 2
        assert post(-2) == 201
        assert node.stop() < 5


def fill(post) -> list[int]:
    """Post until the disk takes no more."""
    answers: list[int] = []
    while not answers or answers[-1] == 201:
        assert len(answers) < 10_000
        answers.append(post(len(answers)))
    return answers


@pytest.mark.full
def test_a_file_that_does_not_fit_comes_in_as_far_as_there_is_room(small_disk, tmp_path):
    home = small_disk / "camp"
    make_camp(home)
    file = many(tmp_path / "many.bundles", 8_000)
    filler = small_disk / "filler"
    with filler.open("wb") as out:
        free = os.statvfs(small_disk)
        os.posix_fallocate(out.fileno(), 0, free.f_bavail * free.f_frsize - 3_000_000)
    done = miccheck("import", home, file)
    assert done.returncode == 1
    said = re.search(
        r"the disk is full: .*; before that (\d+) new bundles were taken in, and they stay", done.stderr
    )
    assert said is not None, done.stderr
    filler.unlink()
    again = json.loads(output("import", home, file, "--json"))
    assert again["known"] >= int(said[1]) > 0
    assert again["new"] + again["known"] == 8_000
