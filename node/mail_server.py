"""Where letters go by SMTP: the server named in the settings, and under which address we write."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

# RFC 6409 §3.1: who logs in submits at 587; who does not speaks to the list's own server at 25.
SUBMISSION_PORT, RELAY_PORT = 587, 25
VALID = '"smtp://user@host:587" or "smtp://host:25"'


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server and the user we are there; empty where nobody logs in."""

    host: str
    port: int
    user: str

    @property
    def name(self) -> str:
        """How a sentence names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def sender(self) -> str:
        """The address that belongs to the user; empty where there is none."""
        if not self.user:
            return ""
        return self.user if "@" in self.user else f"{self.user}@{self.host}"


def parse_smtp(url: str) -> MailServer:
    """The server in `smtp://user@host:port`. Raises ValueError with what would be valid."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"valid is {VALID}") from error
    if parts.password is not None:
        raise ValueError(f"the password belongs into a file: password_file; valid is {VALID}")
    plain = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme != "smtp" or not parts.hostname or port == 0 or not plain or not url.isascii():
        raise ValueError(f"valid is {VALID}")
    user = unquote(parts.username or "")
    if not user.isprintable() or not parts.hostname.isprintable() or " " in parts.hostname + user:
        raise ValueError(f"valid is {VALID}")
    return MailServer(parts.hostname, port or (SUBMISSION_PORT if user else RELAY_PORT), user)
