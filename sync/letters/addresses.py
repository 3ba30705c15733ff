"""What a person types as an e-mail address, told from what is none.

Of what RFC 5321 §4.1.2 calls a mailbox, the part that people have: a dot-atom and a host name. Quoted local
parts, address literals and local parts beyond ASCII (RFC 6531) are left out: list software refuses them, and
a slip of the finger in a tent is more likely than any of them.
"""

from __future__ import annotations

import re

# RFC 5321 §4.5.3.1 allows 256 with the brackets; RFC 3696, erratum 1690, says it in so many words.
ADDRESS_BYTES_MAX = 254
LOCAL_BYTES_MAX = 64

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
# RFC 1123 §2.1: letters, digits and hyphens inside, 63 at most; the last label is no number.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+(?!\d+\Z){_LABEL}")
# IDNA 2003, which Python knows, and 2008 make different hosts of these (RFC 5894 §7.2).
_AMBIGUOUS = frozenset("ßς\u200c\u200d")


def read_address(typed: str) -> str | None:
    """The address in `typed`, its host in lower case and ASCII; None when it is none.

    Space round it is left out. A host in another script is written as mail servers do (xn--, RFC 5891).
    """
    local, at, host = typed.strip().rpartition("@")
    if not at or len(local) > LOCAL_BYTES_MAX or _LOCAL.fullmatch(local) is None:
        return None
    plain = _plain_host(host)
    if plain is None or _HOST.fullmatch(plain) is None:
        return None
    address = f"{local}@{plain.lower()}"
    return address if len(address) <= ADDRESS_BYTES_MAX else None


def _plain_host(host: str) -> str | None:
    if host.isascii():
        return host
    # The encoder takes quadratic time (CVE-2022-45061), so it gets no more than a host can be.
    if len(host) > ADDRESS_BYTES_MAX or not _AMBIGUOUS.isdisjoint(host):
        return None
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
