"""The dead-key letter: a camp's last word, written on its first day and kept somewhere else.

When the box is seized or its key copied, whoever holds this paper ends the camp's key for good: they
type the letter in at any camp, and it goes round. It names no heir, so it is worth nothing to a thief.
The letter must survive being photographed, quoted in mail, wrapped and typed in again by lamplight:
so it has few symbols, none that look alike, and a check in every line.
"""

from __future__ import annotations

import re

from sync.codewords import fold, group, read_bits, write_bits
from sync.signing import KEY_BYTES, SIGNATURE_BYTES, Identity, author_of, digest, farewell_input, verify

# 96 bytes of key and signature make eight lines of 12 bytes and a check of 3: 15 bytes are exactly 24
# symbols of five bits. A mistyped line passes once in 16 million times, and then the signature fails.
LINES = 8
LINE_BYTES = 12
CHECK_BYTES = 3
LINE_SYMBOLS = (LINE_BYTES + CHECK_BYTES) * 8 // 5
# A letter with a mail's head and quotes round it; more is not a letter, and searching it costs time.
LETTER_CHARACTERS_MAX = 20_000

_CHECK_DOMAIN = b"miccheck farewell line 1"
_WORD = re.compile(r"[0-9A-Z]+")

# Two languages and no catalogue: the paper is read years later, far away, by whoever found it.
_LETTER = """\
DEAD-KEY LETTER OF THE CAMP {name} ({camp})
CARTA DE CLAVE MUERTA DEL CAMPAMENTO {name} ({camp})

Keep this far from the box: on paper, with people you trust. If the box is taken or its key is
copied, enter this letter at any camp (Coordinator, A camp's key is dead). From then on no camp
believes anything signed with this key. It cannot be undone. Who finds this can end the camp's
key, and can do nothing else with it.

Guarda esta carta lejos de la caja: en papel, con gente de confianza. Si se llevan la caja o copian
su clave, escribe esta carta en cualquier campamento. Desde entonces ningún campamento cree lo que
firme esta clave. No se puede deshacer.

{lines}

The lines hold no letters I, L, O or U. / En las líneas no hay letras I, L, O ni U.
"""


class LetterError(ValueError):
    """No dead-key letter can be read. `lines` are the numbers (1..8) of lines missing or mistyped."""

    def __init__(self, lines: tuple[int, ...]) -> None:
        super().__init__("no dead-key letter")
        self.lines = lines


def write_letter(identity: Identity, camp_name: str) -> str:
    """The dead-key letter of this camp, ready to print: plain text, lines of at most 100 characters."""
    secret = identity.key + identity.sign_farewell()
    chunks = [secret[i : i + LINE_BYTES] for i in range(0, len(secret), LINE_BYTES)]
    lines = (group(write_bits(chunk + _check(number, chunk)), 4, " ") for number, chunk in enumerate(chunks))
    return _LETTER.format(
        name=camp_name, camp=identity.author.hex(), lines="\n".join(f"    {line}" for line in lines)
    )


def read_letter(text: str) -> tuple[bytes, bytes]:
    """The key (32 bytes) and signature (64 bytes) in a letter, verified.

    Quoting, wrapping at any place, lower case, look-alikes and any text round it do no harm. Raises
    LetterError when a line is missing or mistyped, or the signature is not the key's.
    """
    words = _WORD.findall(fold(text[:LETTER_CHARACTERS_MAX]))
    found: dict[int, bytes] = {}
    for start in range(len(words)):
        symbols = _symbols_from(words, start)
        if symbols is None:
            continue
        raw = read_bits(symbols)
        chunk, check = raw[:LINE_BYTES], raw[LINE_BYTES:]
        for number in range(LINES):
            if check == _check(number, chunk):
                found.setdefault(number, chunk)
    missing = tuple(number + 1 for number in range(LINES) if number not in found)
    if missing:
        raise LetterError(missing)
    secret = b"".join(found[number] for number in range(LINES))
    key, signature = secret[:KEY_BYTES], secret[KEY_BYTES:]
    if len(signature) != SIGNATURE_BYTES or not verify(key, farewell_input(key), signature):
        raise LetterError(())
    return key, signature


def camp_of(key: bytes) -> str:
    """The camp id that a letter's key stands for, 16 hex digits."""
    return author_of(key).hex()


def _symbols_from(words: list[str], start: int) -> str | None:
    """One line's worth of symbols from this word on, or None when words end in the wrong place."""
    symbols = ""
    for word in words[start:]:
        symbols += word
        if len(symbols) >= LINE_SYMBOLS:
            break
    return symbols if len(symbols) == LINE_SYMBOLS else None


def _check(number: int, chunk: bytes) -> bytes:
    return digest(_CHECK_DOMAIN + bytes([number]) + chunk, CHECK_BYTES)
