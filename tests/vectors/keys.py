"""What hangs on keys and words: network words, signatures that count or do not, and a dead-key letter.

Most of the signatures satisfy some form of the equation of Ed25519 and are refused all the same (PROTOCOL.md
§3). Nobody can sign so for a key that is not canonical and not of small order: its secret is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha512

from nacl import bindings

from sync.codewords import group, write_bits
from sync.signing import Network, digest
from tests.vectors.camps import NORTH, SOUTH

WORDS = ("miccheck", "agua clara", "w" * 64, "plaza ocupada ✊🏽", "площа")

# The order of the base point, and the prime of the field (RFC 8032, section 5.1).
ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19
# A point of order 8, and three times it.
TORSION = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
TORSION_3 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
NONCE = 4_711
SMALL_POINTS = {
    "the identity": (1).to_bytes(32, "little"),
    "of order 2": (PRIME - 1).to_bytes(32, "little"),
    "of order 4": bytes(32),
    "of order 4, with the sign": bytes(31) + b"\x80",
    "of order 8": TORSION,
    "of order 8, the other y": TORSION_3,
    "the identity, not canonical": (PRIME + 1).to_bytes(32, "little"),
    "the identity with a sign, not canonical": bytes([1]) + bytes(30) + b"\x80",
    "of order 4, not canonical": PRIME.to_bytes(32, "little"),
}

LINE_DOMAIN = b"miccheck farewell line 1"


def network_cases() -> list[dict[str, object]]:
    """Words, the bytes that stand for them in everything signed, and the tag of their frames."""
    return [
        {
            "word": word,
            "word_bytes": (bytes([len(word.encode())]) + word.encode()).hex(),
            "tag": bytes([Network(word).tag(1)]).hex(),
        }
        for word in WORDS
    ]


def signature_cases() -> list[dict[str, object]]:
    """Keys, inputs, signatures, and whether they count."""
    key, secret, point = NORTH.key, _scalar_of(bytes(range(32))), _times_base(NONCE)
    mixed = bindings.crypto_core_ed25519_add(key, TORSION)
    moved = bindings.crypto_core_ed25519_add(point, TORSION)
    odd = SMALL_POINTS["the identity, not canonical"]
    made = [
        _Signer("a good one", key, point, NONCE, secret, counts=True),
        _Signer("S + L", key, point, NONCE, secret, s_more=ORDER),
        _Signer("R moved by a point of order 8", key, moved, NONCE, secret),
        _Signer("R is the identity", key, SMALL_POINTS["the identity"], 0, secret),
        _Signer("R is the identity, not canonical", key, odd, 0, secret),
        _Signer("R of order 8, and a key that makes it good", mixed, TORSION, 0, secret, (7, 7)),
        _Signer("a key moved by order 8", mixed, point, NONCE, secret, (0, 0), counts=True),
        _Signer("key and R moved by order 8", mixed, moved, NONCE, secret, (7, 7), counts=True),
        _Signer("moved key, good with the cofactor only", mixed, point, NONCE, secret, (1, 1)),
        _Signer("moved key, good with the hash modulo L", mixed, point, NONCE, secret, (1, 0), counts=True),
        _Signer("moved key, good with the whole hash", mixed, point, NONCE, secret, (0, 1)),
    ]
    for name, small in SMALL_POINTS.items():
        made.append(_Signer(f"the key is {name}", small, point, NONCE, 0, (0, 0)))
    return [signer.case() for signer in made]


@dataclass(frozen=True, slots=True)
class _Signer:
    """Makes a signature of R and S = nonce + hash * secret, over an input whose hash leaves two rests."""

    name: str
    key: bytes
    point: bytes  # R
    nonce: int
    secret: int
    rests: tuple[int, int] | None = None  # modulo 8, of the whole hash and of the hash modulo L
    s_more: int = 0
    counts: bool = False

    def case(self) -> dict[str, object]:
        text, hashed = self._input()
        scalar = (self.nonce + hashed * self.secret) % ORDER + self.s_more
        return {
            "name": self.name,
            "key": self.key.hex(),
            "input": text.hex(),
            "signature": (self.point + scalar.to_bytes(32, "little")).hex(),
            "counts": self.counts,
        }

    def _input(self) -> tuple[bytes, int]:
        for n in range(10_000):
            text = f"water at gate {n}".encode()
            hashed = int.from_bytes(sha512(self.point + self.key + text).digest(), "little")
            if self.rests in (None, (hashed % 8, hashed % ORDER % 8)):
                return text, hashed
        raise ValueError("no input with such a hash")


def farewell_case() -> dict[str, object]:
    """South's dead-key letter: its lines, ways to type them in that are read, and faults."""
    signature = SOUTH.sign_farewell()
    lines = _letter_lines(SOUTH.key + signature)
    shuffled = [lines[n] for n in (5, 2, 7, 0, 4, 1, 6, 3)]
    sloppy = [line.replace("0", "O").replace("V", "U").lower() for line in shuffled]
    ones = [line.replace("1", "il"[n % 2]) for n, line in enumerate(sloppy)]
    wrong = [*lines[:2], lines[2][:-1] + ("7" if lines[2][-1] != "7" else "8"), *lines[3:]]
    return {
        "seed": bytes(SOUTH._signing_key).hex(),
        "key": SOUTH.key.hex(),
        "signature": signature.hex(),
        "lines": lines,
        "readable": [
            {"name": "as written", "text": "\n".join(lines)},
            {"name": "quoted, shuffled, lower case, o for 0, i and l for 1, u for V", "text": _quoted(ones)},
            {"name": "wrapped", "text": "\n".join(lines).replace(" ", "\n")},
            {"name": "with words round them", "text": f"Dear all,\n{' and '.join(lines)}\nyours, South"},
        ],
        "refused": [
            {"name": "one symbol wrong", "text": "\n".join(wrong), "lines": [3]},
            {"name": "two lines missing", "text": "\n".join(lines[1:7]), "lines": [1, 8]},
            {"name": "nothing", "text": "", "lines": [1, 2, 3, 4, 5, 6, 7, 8]},
            {
                "name": "lines that are good, a signature by another key",
                "text": "\n".join(_letter_lines(NORTH.key + signature)),
                "lines": [],
            },
        ],
    }


def _letter_lines(secret: bytes) -> list[str]:
    lines = []
    for n in range(8):
        chunk = secret[12 * n : 12 * n + 12]
        lines.append(group(write_bits(chunk + digest(LINE_DOMAIN + bytes([n]) + chunk, 3)), 4, " "))
    return lines


def _quoted(lines: list[str]) -> str:
    return "".join(f"> {line}\n" for line in lines)


def _scalar_of(seed: bytes) -> int:
    """The secret scalar of a seed (RFC 8032, section 5.1.5)."""
    low = int.from_bytes(sha512(seed).digest()[:32], "little")
    return low & ~7 & (1 << 254) - 1 | 1 << 254


def _times_base(scalar: int) -> bytes:
    return bindings.crypto_scalarmult_ed25519_base_noclamp(scalar.to_bytes(32, "little"))
