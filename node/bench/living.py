"""A real node as a camp has it: how soon it is there, what it takes at rest, how long a post lasts.

It is started as a process of its own on free ports. Posts come twenty a second over its HTTP interface, each
answered after its commit; between two of them a bare row is committed to a file on the same disk, so that a
slow disk slows both.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median

from node.bench.figures import Figure, quantile
from node.bench.processes import resident_bytes, worked_s
from node.clock import monotonic_s, pause
from node.home import Home
from node.settings import ENVIRONMENT
from node.sorry import Sorry

READY_S_MAX = 3.0
RESIDENT_MB_MAX = 100.0
IDLE_PERCENT_MAX = 1.0
POST_SHARE_MAX = 5.0

IDLE_S = 20.0
POSTS = 600
POST_EVERY_S = 0.05
# Both files have grown to their log's size and the code is warm.
POSTS_TO_WARM = 20
GIVE_UP_S = 60.0
LOOK_AGAIN_S = 0.01
END_S = 10.0

Progress = Callable[[int, int], None]

# As the board's own file is written (sync.store), and nothing else.
_BARE = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, author TEXT, text TEXT)",
)


@dataclass(frozen=True, slots=True)
class Node:
    """A node that runs and answered a first request."""

    pid: int
    port: int
    ready_s: float


def measure(
    texts: Sequence[str],
    folder: Path,
    progress: Progress,
    idle_s: float = IDLE_S,
    posts: int = POSTS,
    every_s: float = POST_EVERY_S,
) -> list[Figure]:
    """Start a node in `folder`, leave it alone for `idle_s`, then make `posts` posts. Raises Sorry."""
    with running(folder / "camp") as node:
        percent, resident = idle(node.pid, idle_s)
        acknowledged, bare = post_all(node.port, texts, folder / "bare.sqlite3", posts, every_s, progress)
    post_ms, bare_ms = (1_000 * quantile(times, 0.99) for times in (acknowledged, bare))
    return [
        Figure("node_ready_s", "a node from start to its first page", node.ready_s, "s", limit=READY_S_MAX),
        Figure(
            "node_resident_mb",
            "an idle node's resident memory, its page opened",
            resident / 1e6,
            "MB",
            limit=RESIDENT_MB_MAX,
        ),
        Figure("node_idle_percent", "an idle node, of one core", percent, "%", limit=IDLE_PERCENT_MAX),
        Figure(
            "post_p99_share",
            f"p99 of a post acknowledged at {1 / every_s:.0f}/s, to p99 of a bare insert and commit",
            post_ms / bare_ms,
            "",
            limit=POST_SHARE_MAX,
        ),
        Figure("post_p99_ms", f"a post acknowledged, p99 of {len(acknowledged)}", post_ms, "ms"),
        Figure("bare_commit_p99_ms", "a bare insert and commit, p99", bare_ms, "ms"),
        Figure("post_median_ms", "a post acknowledged, median", 1_000 * median(acknowledged), "ms"),
        Figure("bare_commit_median_ms", "a bare insert and commit, median", 1_000 * median(bare), "ms"),
    ]


@contextmanager
def running(folder: Path, settings: str = "") -> Iterator[Node]:
    """A new camp in `folder`, with more settings, and its node until the end of the block.

    Raises Sorry when it does not start.
    """
    subprocess.run([*miccheck("init"), folder], check=True, stdout=subprocess.DEVNULL, env=_environment())
    with Home(folder).settings.open("a") as file:
        file.write(settings)
    with (folder.parent / f"{folder.name}.log").open("w+") as log:
        started = monotonic_s()
        process = subprocess.Popen(
            [*miccheck("run"), folder], stdout=subprocess.DEVNULL, stderr=log, env=_environment()
        )
        try:
            port = _first_page(Home(folder), process, started + GIVE_UP_S)
            if port is None:
                log.seek(0)
                raise Sorry(f"the node did not start: {log.read().strip() or 'it said nothing'}")
            yield Node(process.pid, port, monotonic_s() - started)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def idle(pid: int, seconds: float) -> tuple[float, int]:
    """Percent of a core a process took while it was left alone, and its resident bytes then."""
    before, started = worked_s(pid), monotonic_s()
    pause(seconds)
    return 100 * (worked_s(pid) - before) / (monotonic_s() - started), resident_bytes(pid)


def post_all(
    port: int, texts: Sequence[str], file: Path, posts: int, every_s: float, progress: Progress
) -> tuple[list[float], list[float]]:
    """Seconds of each post until its 201, and of each bare commit to `file`, in turns, one of both a period.

    Raises Sorry when a post was not taken.
    """
    web = HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_S)
    bare = sqlite3.connect(file, isolation_level=None)
    for statement in _BARE:
        bare.execute(statement)
    acknowledged: list[float] = []
    committed: list[float] = []
    begun = monotonic_s()
    for number in range(posts + POSTS_TO_WARM):
        text = f"{texts[number % len(texts)]} {number}"
        _wait_until(begun + number * every_s)
        acknowledged.append(_post(web, text))
        # Half a period later, so that neither waits for the disk's work for the other.
        _wait_until(begun + (number + 0.5) * every_s)
        committed.append(_insert(bare, text))
        progress(number + 1, posts + POSTS_TO_WARM)
    bare.close()
    web.close()
    return acknowledged[POSTS_TO_WARM:], committed[POSTS_TO_WARM:]


def _post(web: HTTPConnection, text: str) -> float:
    body = json.dumps({"channel": "general", "text": text, "author": "ana"}).encode()
    started = monotonic_s()
    web.request("POST", "/api/v1/messages", body, {"Content-Type": "application/json"})
    answer = web.getresponse()
    told = answer.read()
    seconds = monotonic_s() - started
    if answer.status != 201:
        raise Sorry(f"a post was answered with {answer.status}: {told.decode(errors='replace')}")
    return seconds


def _insert(bare: sqlite3.Connection, text: str) -> float:
    started = monotonic_s()
    bare.execute("BEGIN IMMEDIATE")
    bare.execute("INSERT INTO posts (author, text) VALUES (?, ?)", ("ana", text))
    bare.execute("COMMIT")
    return monotonic_s() - started


def _first_page(home: Home, process: subprocess.Popen[bytes], until_s: float) -> int | None:
    """The node's port once its front page came; None when it ended or took too long."""
    while process.poll() is None and monotonic_s() < until_s:
        ports = home.read_ports()
        if ports is not None and _has_page(ports[0]):
            return ports[0]
        pause(LOOK_AGAIN_S)
    return None


def _has_page(port: int) -> bool:
    web = HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_S)
    try:
        web.request("GET", "/")
        answer = web.getresponse()
        answer.read()
    except (OSError, HTTPException):
        return False
    finally:
        web.close()
    return answer.status == 200


def miccheck(name: str) -> list[str]:
    """The words that begin a command of this build."""
    return [sys.executable, "-m", "node", name]


def _environment() -> dict[str, str]:
    """This process's, with settings for a camp that only this machine sees and that takes every post."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ENVIRONMENT)}
    return kept | {
        f"{ENVIRONMENT}WEB__HOST": "127.0.0.1",
        f"{ENVIRONMENT}WEB__PORT": "0",
        f"{ENVIRONMENT}WEB__TLS_PORT": "0",
        f"{ENVIRONMENT}QUOTA__DEVICE_PER_MINUTE": "0",
    }


def _wait_until(at_s: float) -> None:
    pause(max(0.0, at_s - monotonic_s()))
