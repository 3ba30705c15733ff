"""A crowd of phones that post to one camp, remember what they were told, and do not give up.

Every post has an Idempotency-Key. When the node dies before it answers, the phone keeps the post and sends it
again to the next one: it must then be there once, whether or not the first try had been stored.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from random import Random

from sync.board import BoardLimits

TIMEOUT_S = 60.0
CHANNELS = ("general", "here")
# A camp lets so many mic checks of campers wait for a person; two crowds shall have room.
URGENT_MAX = BoardLimits().held_mic_checks_max // 2
_WORDS = (
    "water",
    "tea",
    "blankets",
    "gate 4",
    "the medic",
    "rain",
    "kitchen",
    "tonight",
    "agua",
    "la lluvia",
)


@dataclass(frozen=True, slots=True)
class Post:
    """What a phone sends. Mic checks of campers are held for a person: answered 201 like the rest."""

    key: str
    channel: str
    text: str
    urgent: bool

    def body(self) -> bytes:
        """The request."""
        return json.dumps(
            {"channel": self.channel, "text": self.text, "author": "ana", "urgent": self.urgent}
        ).encode()


class Crowd:
    """Phones of one camp, over all the lives of its node."""

    def __init__(self, seed: str, phones: int = 4) -> None:
        self._random = Random(seed)
        self._seed = seed
        self._phones = phones
        self._lock = threading.Lock()
        self._made = 0
        self._urgent = 0
        self._again: deque[Post] = deque()
        self.answered: dict[str, Post] = {}  # by message id
        self.tried_again = 0
        self._surprises: list[str] = []
        self._threads: list[threading.Thread] = []
        self._enough = 0

    def post_to(self, port: int, enough: int | None = None) -> None:
        """Begin to post, until the node is gone or `enough` posts are answered in all."""
        self._enough = enough if enough is not None else 1 << 62
        self._threads = [
            threading.Thread(target=self._phone, args=(port,), daemon=True) for _ in range(self._phones)
        ]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Return when all phones have stopped. Raises AssertionError for an answer nobody expected."""
        for thread in self._threads:
            thread.join(2 * TIMEOUT_S)
            assert not thread.is_alive()
        assert not self._surprises, self._surprises

    def _phone(self, port: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        while (post := self._next()) is not None:
            headers = {"Content-Type": "application/json", "Idempotency-Key": post.key}
            try:
                connection.request("POST", "/api/v1/messages", post.body(), headers)
                answer = connection.getresponse()
                status, body = answer.status, answer.read()
            except (OSError, HTTPException):
                with self._lock:
                    self._again.append(post)
                break
            self._note(post, status, body)
        connection.close()

    def _next(self) -> Post | None:
        with self._lock:
            if len(self.answered) >= self._enough or self._surprises:
                return None
            if self._again:
                self.tried_again += 1
                return self._again.popleft()
            self._made += 1
            words = " ".join(self._random.choices(_WORDS, k=self._random.randint(1, 40)))
            channel = self._random.choice(CHANNELS)
            urgent = channel == "general" and self._urgent < URGENT_MAX and self._random.random() < 0.1
            self._urgent += urgent
            return Post(f"{self._seed}-{self._made}", channel, f"{self._made}: {words}", urgent)

    def _note(self, post: Post, status: int, body: bytes) -> None:
        with self._lock:
            if status != 201:
                self._surprises.append(f"{status} {body.decode()}")
                return
            message = json.loads(body)["id"]
            if self.answered.setdefault(message, post) != post:
                self._surprises.append(f"two posts have the id {message}")
