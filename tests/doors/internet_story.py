"""A camp with a mail server behind a cable that is pulled and plugged; run under `unshare --net`.

`unshare --net python -m tests.doors.internet_story HOME` plays it and prints what `miccheck status` said, as
JSON. In another namespace is the internet: first a page to log in to, then, when somebody did, a mail server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from tests.doors.process import RunningNode, output
from tests.radio.udp_lan import neighbouring_net, run

THERE, PORT, CABLE = "192.0.2.2", 2525, "lan0"
PATIENCE_S = 60
SETTINGS = f"""
[[list]]
name = "camps"
address = "camps@lists.example.org"
outbox = "smtp://{THERE}:{PORT}"
channels = ["*"]
hold_hours = 0
digest_above = 0
"""


class Mailbag:
    """Writes each letter into a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        name = str(len(list(self._folder.glob("letter-*"))))
        (self._folder / f"letter-{name}").write_bytes(envelope.content)
        return "250 OK"


async def internet(folder: Path) -> None:
    """Answer everybody with a page to log in to until the file `logged-in` is there; then take mail."""

    async def portal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://cafe.example/login\r\n\r\n")
        await writer.drain()
        writer.close()

    page = await asyncio.start_server(portal, THERE, 80)
    (folder / "there").touch()
    while not (folder / "logged-in").exists():
        await asyncio.sleep(0.05)
    page.close()
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: SMTP(Mailbag(folder), hostname="mail", loop=loop), THERE, PORT)
    await asyncio.sleep(PATIENCE_S * 3)


def until(condition: Any) -> float:
    """Wait for it; after how many seconds it was so."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < PATIENCE_S, "it did not happen"
        time.sleep(0.1)
    return round(time.monotonic() - began, 1)


def play(folder: Path) -> dict[str, object]:
    """The story; what was seen."""
    home = folder / "camp"
    with (home / "miccheck.toml").open("a") as file:
        file.write(SETTINGS)
    run("ip", "link", "set", "lo", "up")
    seen: dict[str, object] = {}
    with contextlib.ExitStack() as open_:
        there = open_.enter_context(neighbouring_net())
        _pull()
        open_.enter_context(RunningNode(home))

        def status() -> Any:
            return json.loads(output("status", home, "--json"))

        def state_is(state: str) -> Any:
            return lambda: status()["internet"]["state"] == state

        output("post", home, "general", "Water at gate 4")
        until(state_is("offline"))
        until(lambda: status()["lists"][0]["error"])
        seen["offline"] = status()["lists"][0]["error"]

        story = [sys.executable, "-m", "tests.doors.internet_story", "internet", str(folder)]
        world = subprocess.Popen([*there, *story])
        try:
            until(lambda: (folder / "there").exists())
            _plug_in()
            seen["portal_s"] = until(state_is("portal"))
            until(lambda: "captive portal" in (status()["lists"][0]["error"] or ""))
            seen["portal"] = status()["lists"][0]["error"]

            _pull()
            until(state_is("offline"))
            (folder / "logged-in").touch()
            _plug_in()
            seen["sent_s"] = until(lambda: list(folder.glob("letter-*")))
            until(state_is("online"))
            _pull()
            seen["gone_s"] = until(state_is("offline"))
        finally:
            world.kill()
            world.wait()
    seen["letters"] = len(list(folder.glob("letter-*")))
    return seen


def _plug_in() -> None:
    run("ip", "link", "set", CABLE, "up")
    run("ip", "route", "add", "default", "via", THERE)


def _pull() -> None:
    run("ip", "link", "set", CABLE, "down")


if __name__ == "__main__":
    if sys.argv[1] == "internet":
        asyncio.run(internet(Path(sys.argv[2])))
    else:
        print(json.dumps(play(Path(sys.argv[1]))))
