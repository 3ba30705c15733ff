"""How a letter of ours is known again, whatever the list did to it.

A list distributes the same Message-ID twice and ignores loop headers, so we recognise our own: by the
Message-ID (made from the message id, so every gateway makes the same), by a header of ours, and by a
token near the top of the text, because some providers write a new Message-ID and drop foreign headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sync.message import MESSAGE_ID_BYTES, MessageId
from sync.signing import AUTHOR_BYTES, digest

# RFC 2606 reserves .invalid: no letter to such an address can ever reach a stranger.
DOMAIN = "miccheck.invalid"
HEADER = "X-Miccheck-Id"
REFERENCE_BYTES = 8

# RFC 5322 allows 998 characters a line. A Message-ID longer than this is no list's, and they are stored.
MESSAGE_ID_CHARACTERS_MAX = 250

_CAMP = rf"[0-9a-f]{{{2 * AUTHOR_BYTES}}}"
_MESSAGE = rf"[0-9a-f]{{{2 * MESSAGE_ID_BYTES}}}"
_MARK = re.compile(rf"({_CAMP})/({_MESSAGE})")
_TOKEN = re.compile(rf"\[miccheck ({_CAMP})/({_MESSAGE})\]")
_DIGEST = r"[0-9a-f]{16,64}"
_DIGEST_MESSAGE_ID = re.compile(rf"digest-({_DIGEST})@{re.escape(DOMAIN)}")
_DIGEST_TOKEN = re.compile(rf"\[miccheck digest ({_DIGEST})\]")
_TRIAL_MESSAGE_ID = re.compile(rf"trial-[^@\s]{{1,200}}@{re.escape(DOMAIN)}")
_IN_TEXT = re.compile(
    rf"\[miccheck {_CAMP}/({_MESSAGE})\]|<({_MESSAGE})@{re.escape(DOMAIN)}>"
    rf"|X-Miccheck-Id: {_CAMP}/({_MESSAGE})\b",
    re.IGNORECASE,
)
_OWN_MESSAGE_ID = re.compile(rf"({_MESSAGE})@{re.escape(DOMAIN)}")
_MESSAGE_IDS = re.compile(rf"<([^<>\s]{{1,{MESSAGE_ID_CHARACTERS_MAX}}})>")


@dataclass(frozen=True, slots=True)
class Mark:
    """Which message of which camp a letter carries. `camp` is its 8-byte author id, None when not told."""

    message: MessageId
    camp: bytes | None = None


def message_id_of(message: MessageId) -> str:
    """The Message-ID of a message's letter, without its angle brackets."""
    return f"{message.hex()}@{DOMAIN}"


def mark_text(camp: bytes, message: MessageId) -> str:
    """The value of our header."""
    return f"{camp.hex()}/{message.hex()}"


def token(camp: bytes, message: MessageId) -> str:
    """The token that stands in the text."""
    return f"[miccheck {mark_text(camp, message)}]"


def mark_of_header(value: str) -> Mark | None:
    """The mark in the value of our header."""
    found = _MARK.fullmatch(value.strip().lower())
    return _mark(found) if found else None


def mark_of_message_id(message_id: str) -> Mark | None:
    """The mark in a Message-ID that one of our gateways made."""
    found = _OWN_MESSAGE_ID.fullmatch(message_id)
    return Mark(bytes.fromhex(found[1])) if found else None


def mark_of_line(line: str) -> Mark | None:
    """The mark in a line that is our token and nothing else: words beside it are a person's."""
    found = _TOKEN.fullmatch(line.strip())
    return _mark(found) if found else None


def digest_of_message_id(message_id: str) -> bytes | None:
    """The id of a digest of ours, of the Message-ID that a gateway gave it (digest_out.py)."""
    found = _DIGEST_MESSAGE_ID.fullmatch(message_id)
    return bytes.fromhex(found[1]) if found and len(found[1]) % 2 == 0 else None


def digest_of_line(line: str) -> bytes | None:
    """The id of a digest of ours in a line that is its token and nothing else."""
    return next(digests_in_text(line), None) if _DIGEST_TOKEN.fullmatch(line.strip()) else None


def digests_in_text(text: str) -> Iterator[bytes]:
    """The ids of digests of ours that a text names."""
    return (bytes.fromhex(each) for each in _DIGEST_TOKEN.findall(text) if len(each) % 2 == 0)


def is_trial(message_id: str) -> bool:
    """Whether a letter was a moderator's dry run to themselves."""
    return _TRIAL_MESSAGE_ID.fullmatch(message_id) is not None


def messages_in_text(text: str) -> Iterator[MessageId]:
    """Every message of a camp that a text quotes, by token, Message-ID or our header."""
    return (bytes.fromhex(found[1] or found[2] or found[3]) for found in _IN_TEXT.finditer(text))


def without_tokens(text: str) -> str:
    """The text without the lines that are a token and nothing else."""
    if "[miccheck " not in text:
        return text
    return "\n".join(line for line in text.split("\n") if not _TOKEN.fullmatch(line.strip()))


def message_ids(header: str) -> tuple[str, ...]:
    """The Message-IDs in a Message-ID, In-Reply-To or References header, normalised, in order.

    Some mail programs leave the brackets out or write words beside them (RFC 5322 §3.6.4, RFC 822).
    """
    found = _MESSAGE_IDS.findall(header)
    if not found and "@" in header and len(header.split()) == 1:
        found = [header.strip()[:MESSAGE_ID_CHARACTERS_MAX]]
    return tuple(_normalised(message_id) for message_id in found)


def reference_of(message_id: str) -> bytes:
    """The first 8 bytes of the hash of a normalised Message-ID: how camps name a letter on the air."""
    return digest(message_id.encode("utf-8", "replace"), REFERENCE_BYTES)


def _normalised(message_id: str) -> str:
    """The same for every gateway: the domain has no case (RFC 5322 §3.6.4 compares the rest exactly)."""
    local, at, domain = message_id.rpartition("@")
    return local + at + domain.lower()


def _mark(found: re.Match[str]) -> Mark:
    return Mark(message=bytes.fromhex(found[2]), camp=bytes.fromhex(found[1]))
