"""kill -9 at any moment: whoever was answered 201 finds the post there, and who was not may send it again."""

from __future__ import annotations

import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from random import Random

import pytest

from tests.crash.crowd import Crowd
from tests.crash.nodes import NodeProcess, make_camp

# 15 storms over 2 camps, side by side on two cores, with 10 kills each: 300.
STORMS, CAMPS, KILLS = 15, 2, 10
LIFE_S_MAX = 0.5  # of a node with its page up: some fifty posts
PAGE = 500


class Storm:
    """One camp whose node dies again and again."""

    def __init__(self, home: Path, seed: str) -> None:
        self._home = home
        self._random = Random(seed)
        self._crowd = Crowd(seed)
        self._seen: dict[str, str] = {}  # text by id, as the interface for programs showed them
        self._last: str | None = None

    def rage(self, kills: int) -> Crowd:
        """Kill the node while posts come in, `kills` times and some more while it starts."""
        for _ in range(kills):
            if self._random.random() < 0.1:
                self._kill_at_start()
            with NodeProcess(self._home) as node:
                port = node.wait_until_ready()
                self._check_pages(port)
                self._crowd.post_to(port)
                time.sleep(self._random.uniform(0.01, LIFE_S_MAX))
                node.kill()
            self._crowd.wait()
            self._check_file()
        return self._crowd

    def calm(self) -> None:
        """A last life: what was not answered is sent again, and everything is there once."""
        with NodeProcess(self._home) as node:
            port = node.wait_until_ready()
            self._crowd.post_to(port, enough=len(self._crowd.answered) + 20)
            self._crowd.wait()
            self._check_pages(port)
            node.stop()
        self._check_file()
        assert self._seen.keys() <= self._crowd.answered.keys(), "a post was stored, and its phone never knew"
        assert len(set(self._seen.values())) == len(self._seen), "a post is there twice"

    def _kill_at_start(self) -> None:
        with NodeProcess(self._home):
            time.sleep(self._random.uniform(0.0, 2.0))
        self._check_file()

    def _check_pages(self, port: int) -> None:
        """Read on where we left off; then nothing that was answered is missing."""
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            after = f"&after={self._last}" if self._last else ""
            connection.request("GET", f"/api/v1/messages?limit={PAGE}{after}")
            page = json.loads(connection.getresponse().read())["messages"]
            if not page:
                break
            self._seen |= {message["id"]: message["text"] for message in page}
            self._last = page[-1]["id"]
        connection.close()
        shown = {id_: post.text for id_, post in self._crowd.answered.items() if not post.urgent}
        assert shown.items() <= self._seen.items(), sorted(shown.keys() - self._seen.keys())

    def _check_file(self) -> None:
        """What lies on the disk, read without changing it: the node itself has to mend what is torn."""
        log = self._home / "board.sqlite3-wal"
        before = log.read_bytes() if log.exists() else b""
        connection = sqlite3.connect(f"{(self._home / 'board.sqlite3').as_uri()}?mode=ro", uri=True)
        try:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            stored = {
                id_.hex()
                for (id_,) in connection.execute("SELECT id FROM messages UNION SELECT id FROM held")
            }
        finally:
            connection.close()
        assert (log.read_bytes() if log.exists() else b"") == before
        assert self._crowd.answered.keys() <= stored, sorted(self._crowd.answered.keys() - stored)


def _weather(folder: Path, seed: str, kills: int) -> Crowd:
    storm = Storm(make_camp(folder / seed), seed)
    crowd = storm.rage(kills)
    storm.calm()
    return crowd


def test_three_kills_take_nothing_that_was_answered(tmp_path):
    crowd = _weather(tmp_path, "three", 3)

    assert len(crowd.answered) > 3
    assert crowd.tried_again > 0, "no kill came while a post was on its way"


@pytest.mark.full
@pytest.mark.parametrize("storm", range(STORMS))
def test_three_hundred_kills_take_nothing_that_was_answered(storm, tmp_path):
    with ThreadPoolExecutor(CAMPS) as pool:
        camps = [pool.submit(_weather, tmp_path, f"storm-{storm}-{camp}", KILLS) for camp in range(CAMPS)]
        crowds = [camp.result() for camp in camps]

    for crowd in crowds:
        assert len(crowd.answered) > KILLS
        assert crowd.tried_again > KILLS, "the kills missed the posts"
