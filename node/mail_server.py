"""Mail servers as the settings name them: where letters go (SMTP), and where they are fetched (IMAP).

`smtps:` and `imaps:` begin with TLS. `smtp:` and `imap:` begin in the clear and turn TLS on (STARTTLS) before
a password is shown; without a password, or on this machine, a server that has no TLS is spoken to as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

# RFC 6409 §3.1: who logs in submits at 587; who does not speaks to the list's own server at 25.
# RFC 8314 §3.3 and §3.2: submission and IMAP that begin with TLS.
SUBMISSION_PORT, RELAY_PORT, SUBMISSIONS_PORT = 587, 25, 465
IMAP_PORT, IMAPS_PORT = 143, 993
VALID_SMTP = '"smtp://user@host:587", "smtps://user@host" or "smtp://host:25"'
VALID_IMAP = '"imaps://user@host/Folder" or "imap://user@host"'
INBOX = "INBOX"  # RFC 3501 §5.1: every user has it


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server and the user we are there; empty where nobody logs in."""

    host: str
    port: int
    user: str
    tls: bool = False  # from the first byte

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


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A folder of a user's mail at an IMAP server."""

    server: MailServer
    folder: str


def parse_smtp(url: str) -> MailServer:
    """The server in `smtp[s]://user@host:port`. Raises ValueError with what would be valid."""
    parts, user, port = _read(url, ("smtp", "smtps"), VALID_SMTP)
    if parts.path not in ("", "/"):
        raise ValueError(f"valid is {VALID_SMTP}")
    tls = parts.scheme == "smtps"
    usual = SUBMISSIONS_PORT if tls else SUBMISSION_PORT if user else RELAY_PORT
    return MailServer(parts.hostname or "", port or usual, user, tls)


def parse_imap(url: str) -> Mailbox:
    """The folder in `imap[s]://user@host:port/Folder`. Raises ValueError with what would be valid.

    The folder is percent-encoded UTF-8, as in RFC 5092; `/` in it is the server's own separator.
    """
    parts, user, port = _read(url, ("imap", "imaps"), VALID_IMAP)
    folder = unquote(parts.path.removeprefix("/")) or INBOX
    if not user or not folder.isprintable():
        raise ValueError(f"valid is {VALID_IMAP}")
    tls = parts.scheme == "imaps"
    server = MailServer(parts.hostname or "", port or (IMAPS_PORT if tls else IMAP_PORT), user, tls)
    return Mailbox(server, folder)


def _read(url: str, schemes: tuple[str, ...], valid: str) -> tuple[SplitResult, str, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"valid is {valid}") from error
    if parts.password is not None:
        raise ValueError(f"the password belongs into a file: password_file; valid is {valid}")
    plain = not parts.query and not parts.fragment and url.isascii()
    if parts.scheme not in schemes or not parts.hostname or port == 0 or not plain:
        raise ValueError(f"valid is {valid}")
    user = unquote(parts.username or "")
    if not user.isprintable() or not parts.hostname.isprintable() or " " in parts.hostname + user:
        raise ValueError(f"valid is {valid}")
    return parts, user, port
