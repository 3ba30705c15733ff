"""Plain digests (RFC 1153): many letters in one text, with rulers of hyphens between them.

Mailman sends them to everybody who chose digests and did not ask for MIME.
"""

from __future__ import annotations

import re
from email.message import Message as Mail

from sync.letters.mime import PARTS_MAX, parse

_SUBJECT = re.compile(r"\bDigest,? +(?:Vol|Band|Volumen)\b", re.IGNORECASE)
# RFC 1153 §3.1: 70 hyphens after the preamble, 30 between letters, each with an empty line on both sides.
_PREAMBLE_END = "\n" + "-" * 70 + "\n"
_BETWEEN = re.compile(r"\n\n-{30}\n\n")


def letters_in_plain_digest(subject: str, text: str) -> list[Mail]:
    """The letters of a plain digest, in order; none when it is no digest."""
    if not _SUBJECT.search(subject):
        return []
    _, ruler, rest = text.partition(_PREAMBLE_END)
    if not ruler:
        return []
    letters = []
    for piece in _BETWEEN.split("\n" + rest, PARTS_MAX)[:PARTS_MAX]:
        # `Message: 3` opens each letter and is no header of it.
        head = piece.lstrip("\n")
        mail = parse(('Content-Type: text/plain; charset="utf-8"\n' + head).encode("utf-8", "replace"))
        if mail is not None and mail["From"] and mail["Date"]:
            letters.append(mail)
    return letters
