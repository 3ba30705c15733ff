"""The demo's air: `miccheck air` in a process of its own, on a port that was free."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from node.clock import monotonic_s, pause
from node.sorry import Sorry

READY_S = 30.0
END_S = 5.0
_SAYS_WHERE = re.compile(r"^air (\S+:\d+): ", re.MULTILINE)


class DemoAir:
    """One channel that camps share. `log` shows what is on it."""

    def __init__(self, log: Path, hears: str, loss: float, speed: float) -> None:
        """`hears`: pairs of camps' names, `Camp A:Camp B,Camp B:Camp C`. `loss`: share of frames lost."""
        self.log = log
        self._words = ["--hears", hears, "--loss", str(loss), "--speed", str(speed)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Switch it on; the address that a [[link]] names. Raises Sorry."""
        words = [sys.executable, "-m", "node", "air", "--listen", "127.0.0.1:0", *self._words]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until_s = monotonic_s() + READY_S
        while True:
            said = self.log.read_text(errors="replace")
            if found := _SAYS_WHERE.search(said):
                return found[1]
            if self._process.poll() is not None or monotonic_s() > until_s:
                raise Sorry(f"the air did not start: {said.strip() or 'it said nothing'}")
            pause(0.05)

    def end(self) -> None:
        """Switch it off, and wait until it is."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
