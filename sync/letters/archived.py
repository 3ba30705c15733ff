"""Where the rest of a letter can be read: the address of its page in the list's archive, as text.

A letter is cut to what the air allows. Who has internet can then go on reading where the list says. The
address is a stranger's, so it is checked here: a web page, without anything that tells who came.
"""

from __future__ import annotations

import re
from email.message import Message as Mail
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sync.letters.headers import headers
from sync.letters.names import posts_of_list

# A third of what a letter may have on the air; HyperKitty's addresses have 110 characters.
URL_CHARACTERS_MAX = 200

_URL = re.compile(r"https?://[!#$%&()*+,./0-9:;=?@A-Z\[\]_a-z~-]{4,400}", re.IGNORECASE)
# What is hung on a link to follow who opens it.
_TRACKING = re.compile(
    r"(?:utm|mc|pk|piwik|mtm|matomo|ga|_hs|hsa|oly|vero|trk|sc)_?.*|(?:fb|g|dc|gb|y|msc|tw|wbra)cl(?:id|kid|ksrc)"
    r"|igshid|mkt_tok|ml_subscriber.*|wickedid|spm|cmpid|ref|ref_src|source|src|email|e|mail|user|uid|subscriber"
    r"|recipient|token|sig|key|auth|session|sid",
    re.IGNORECASE,
)


def continues_at(mail: Mail, list_addresses: set[str]) -> str:
    """The address of the letter in the list's archive, or of the archive; empty when none is fit.

    Archived-At is the letter's own page (RFC 5064), List-Archive the whole archive (RFC 2369 §3.6).
    """
    known = list_addresses | set(posts_of_list(mail))
    for name in ("Archived-At", "X-Archived-At", "List-Archive"):
        for value in headers(mail, name):
            # RFC 5064 §2.1: white space may be folded into the address, and is none of it.
            for found in _URL.findall("".join(value.split())):
                if url := _fit(found, known):
                    return url
    return ""


def _fit(url: str, known: set[str]) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or "." not in host or "@" in parts.netloc:
        return ""
    # HyperKitty names the list by its address; anybody else's stays out.
    if any(
        piece.lower() not in known
        for piece in re.split(r"[/;,=]|%2f", parts.path, flags=re.IGNORECASE)
        if "@" in piece
    ):
        return ""
    kept = [
        (name, value)
        for name, value in _query(parts.query)
        if not _TRACKING.fullmatch(name) and "@" not in value
    ]
    netloc = host if port is None else f"{host}:{port}"
    # LISTSERV's addresses are all query: `wa?A2=CAMPS-L;1a2b3c`.
    query = urlencode(kept, safe=";:/,") if kept else ""
    url = urlunsplit((parts.scheme, netloc, parts.path, query, ""))
    return url if len(url) <= URL_CHARACTERS_MAX and "%40" not in url else ""


def _query(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return []
