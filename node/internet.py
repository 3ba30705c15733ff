"""Whether there is internet: noticed within seconds, and those who wait for it told at once.

What the kernel says is believed only for the worse: without a route there is none. With one, the mail
servers are the internet we need. One that answers is proof; otherwise a page to log in to is looked for
(`node.portal`). What the courier meets on its way counts as well, so while letters go nothing is asked.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from node import portal
from node.list_settings import MailingList
from node.mail_server import MailServer, parse_imap, parse_smtp
from node.network_watch import Network
from node.walker import kind_and_place
from web_ui import mail_words as words

_LOG = logging.getLogger("miccheck")

# With a way out and nobody reached: what a person changes, they look for within half a minute.
AGAIN_S = 30.0
# With nobody in the way it is the courier's trouble that tells; this is for a camp with nothing to send.
ONLINE_S = 900.0
END_S = 1.0


class Reach(StrEnum):
    """How far this box gets. The words are a promise to programs."""

    UNKNOWN = "unknown"
    OFFLINE = "offline"  # in no network
    LOCAL = "local"  # in one without internet
    PORTAL = "portal"  # a page to log in to is in the way
    ONLINE = "online"


@dataclass(frozen=True, slots=True)
class InternetState:
    """How it is, since when (Unix time)."""

    reach: Reach
    since_s: float | None


class Watch(Protocol):
    """Word of the network: `node.network_watch`."""

    def changed(self, seconds: float) -> bool:
        """Wait for a change, at most so long."""

    def look(self) -> Network:
        """How it is now."""

    def wake(self) -> None:
        """Do not wait."""

    def close(self) -> None:
        """The end."""


# Whether a server can be reached, and whether a page is in the way: of `servers` and the settings' `check`.
Probe = Callable[[tuple[MailServer, ...], str], Reach]

_NO_INTERNET = frozenset((words.DNS_DEAD, words.OFFLINE))


class Internet:
    """Watches from `start` to `stop`; everything else may be called from any thread."""

    def __init__(
        self,
        servers: tuple[MailServer, ...],
        check: str,
        watch: Watch,
        wall_s: Callable[[], float],
        came: Callable[[], None],
        probe: Probe | None = None,
    ) -> None:
        """`servers` are those that letters need; `came` is called when they may be reached now."""
        self._servers = tuple(dict.fromkeys(each for each in servers if not portal.is_of_this_box(each.host)))
        self._check = check
        self._watch = watch
        self._wall_s = wall_s
        self._came = came
        self._probe = probe or probe_now
        self._lock = threading.Lock()
        self._state = InternetState(Reach.UNKNOWN, None)
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="internet", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ending = True
        self._watch.wake()
        if self._thread.is_alive():
            self._thread.join(END_S)

    def state(self) -> InternetState:
        """How it is."""
        return self._state

    def reached(self) -> None:
        """A server outside answered."""
        self._became(Reach.ONLINE)

    def missed(self, sentence: str) -> None:
        """A server outside was not reached, for this reason (a sentence of `web_ui.mail_words`)."""
        if sentence == words.PORTAL:
            self._became(Reach.PORTAL)
        elif sentence in _NO_INTERNET:
            self._became(Reach.LOCAL if self._watch.look().has_any else Reach.OFFLINE)
        else:
            self._watch.wake()  # is it the server, or the internet?

    def _run(self) -> None:
        try:
            self._watch_it()
        except Exception as fault:  # noqa: BLE001 - ours: said loudly; letters are tried without it, less soon
            _LOG.error("internet: no longer watched, by a fault of ours, %s", kind_and_place(fault))
            self._became(Reach.UNKNOWN)
        finally:
            self._watch.close()

    def _watch_it(self) -> None:
        changed = True
        while not self._ending:
            network = self._watch.look()
            if not network.way_out:
                self._became(Reach.LOCAL if network.has_any else Reach.OFFLINE)
            else:
                if changed:
                    self._came()  # whoever waits tries for itself, before anything is known
                self._look_out()
            pause_s = ONLINE_S if self._state.reach is Reach.ONLINE or not network.way_out else AGAIN_S
            changed = self._watch.changed(pause_s)

    def _look_out(self) -> None:
        """With a way out: does it lead anywhere?"""
        if not self._servers and not self._check:
            return
        was = self._state.reach
        reach = self._probe(self._servers, self._check)
        self._became(reach)
        if reach is Reach.ONLINE and was is not Reach.ONLINE:
            self._came()

    def _became(self, reach: Reach) -> None:
        with self._lock:
            if self._state.reach is reach:
                return
            was, self._state = self._state.reach, InternetState(reach, self._wall_s())
        if was is not Reach.UNKNOWN or reach is not Reach.ONLINE:
            _LOG.info("internet: %s", _SAID[reach])


_SAID = {
    Reach.UNKNOWN: "not known",
    Reach.OFFLINE: words.OFFLINE,
    Reach.LOCAL: "this box is in a network without internet: letters wait",
    Reach.PORTAL: words.PORTAL,
    Reach.ONLINE: "there is internet",
}


def servers_of(lists: Iterable[MailingList]) -> tuple[MailServer, ...]:
    """The mail servers that letters need."""
    found = []
    for each in lists:
        if not each.stopped and each.by_smtp and each.direction != "in":
            found.append(parse_smtp(each.outbox))
        if not each.stopped and each.by_imap and each.direction != "out":
            found.append(parse_imap(each.inbox).server)
    return tuple(found)


def probe_now(servers: tuple[MailServer, ...], check: str) -> Reach:
    """Ask the page that answers nothing, where one is named; else the servers; else for a page in the way."""
    return asyncio.run(_probe(servers, check))


async def _probe(servers: tuple[MailServer, ...], check: str) -> Reach:
    if check and (is_shown := await portal.probe(check)) is not None:
        return Reach.PORTAL if is_shown else Reach.ONLINE
    answers = await asyncio.gather(*(portal.answers(each.host, each.port) for each in servers))
    if any(answers):
        return Reach.ONLINE
    shown = await asyncio.gather(*(portal.shows_itself(each.host) for each in servers))
    return Reach.PORTAL if any(shown) else Reach.LOCAL
