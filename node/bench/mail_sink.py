"""A mail server that takes everything and keeps nothing, in a process of its own, for the bench.

`python -m node.bench.mail_sink` prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys

from aiosmtpd.smtp import SMTP, Envelope, Session

from node.demo_smtp import SmtpServer


class _Sink:
    """aiosmtpd's hooks: each letter is answered, and forgotten."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(0)
        return "250 OK"


def main() -> None:
    """Serve until nobody holds our standard input any more."""
    server = SmtpServer(_Sink(), "sink.invalid")
    server.start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
