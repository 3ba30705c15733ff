"""Train the static text model: which letter follows which, from the corpus and the word lists.

Interpolated Kneser-Ney counts, contexts pruned by what they gain (Stolcke), weights of one byte. Only
+ - * / and exactly rounded sums, so that every machine and Python makes the same file. See CODECS.md.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable

# Five letters of context, discount 3/4, and 2.5 bits to gain per context kept: the best of
# cross-validation on the corpus that still reads a 140-character message in 150 us.
CONTEXT_LETTERS = 5
DISCOUNT = 0.75
PRIOR = 0.5
GAIN_BITS_MIN = 2.5
WEIGHT_MAX = 255

NEW_LINE = "\n"
FOREIGN = "\0"  # stands in a context for any letter outside the alphabet
# Guesses for scripts we have no corpus of, and the same after a space or comma: how often another letter
# outside the alphabet follows, and how often a word ends.
FOREIGN_STAYS = 0.8
FOREIGN_WORD_ENDS = 0.13
FOREIGN_TAILS = ("", " ", ",", ", ", ".", ". ", NEW_LINE)

ALPHABET = (
    "\n !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"
    "áéíóúüñÁÉÍÓÚÜÑ¿¡ªº°çÇàèòâêôîãõäöß€£’‘“”«»–—…·•→✓☀❤✊🙏👍😂🎉🔥⚠️"
)

Chances = dict[str, dict[str, float]]


def model_from(lines: Iterable[str], words: Iterable[tuple[str, int]]) -> bytes:
    """The bytes of model_2.bin. `words` are pairs of a word and how many lines it is worth."""
    return _file(_prune(*_chances(_count(_samples(lines, words)))))


def fold(letter: str) -> str:
    """What a context remembers of a letter: not its case, accent or which digit."""
    if letter not in ALPHABET:
        return FOREIGN
    if letter in "ñÑ":
        return "ñ"
    base = unicodedata.normalize("NFD", letter.lower())[0]
    return "0" if base.isdigit() else base


def _samples(lines: Iterable[str], words: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Texts to learn from; the first letter is context only. Every eighth line goes on in a new line."""
    texts = [line + NEW_LINE * (number % 8 == 0) for number, line in enumerate(lines)]
    return [(NEW_LINE + text, 1) for text in texts] + [(f" {word} ", weight) for word, weight in words]


def _count(samples: list[tuple[str, int]]) -> dict[str, Counter[str]]:
    """How often each letter follows each context."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for text, weight in samples:
        folded = "".join(map(fold, text))
        for i in range(1, len(text)):
            for size in range(min(CONTEXT_LETTERS, i) + 1):
                context = folded[i - size : i]
                if text[i] in ALPHABET and FOREIGN not in context:
                    counts[context][text[i]] += weight
    counts[""].update(dict.fromkeys(ALPHABET, 0))
    return counts


def _kneser_ney(counts: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
    """In how many different longer contexts each letter follows: what counts where a longer one is unseen.

    Nothing is longer than CONTEXT_LETTERS or than the begin of a line, so there it is how often. A word of
    the lists has no letter before its space, which counts as one more context.
    """
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for context, following in counts.items():
        if context:
            kinds[context[1:]].update(following.keys())
    for context, following in counts.items():
        if len(context) == CONTEXT_LETTERS or context.startswith(NEW_LINE):
            kinds[context] = following
        elif context.startswith(" "):
            kinds[context].update(following.keys())
    return kinds


def _chances(counts: dict[str, Counter[str]]) -> tuple[Chances, dict[str, int]]:
    """Chance of each letter seen in each context, and how often the context was seen."""
    kinds = _kneser_ney(counts)
    chances: Chances = {}
    for context in sorted(counts, key=len):
        seen = kinds[context]
        total = sum(seen.values())
        rest = (PRIOR + DISCOUNT * sum(1 for n in seen.values() if n)) / (total + PRIOR)
        shorter = chances[context[1:]] if context else {}
        chances[context] = {
            letter: max(seen[letter] - DISCOUNT, 0.0) / (total + PRIOR)
            + rest * (shorter[letter] if context else 1 / 256)
            for letter in counts[context]
        }
    return chances, {context: sum(following.values()) for context, following in counts.items()}


def _prune(chances: Chances, seen: dict[str, int]) -> Chances:
    """Leave out contexts that gain less than GAIN_BITS_MIN over their shorter one, longest first."""
    longer = Counter(context[1:] for context in chances if context)
    for context in sorted(chances, key=len, reverse=True):
        if len(context) < 2 or longer[context]:
            continue
        if seen[context] * _gain_bits(chances[context], chances[context[1:]]) < GAIN_BITS_MIN:
            del chances[context]
            longer[context[1:]] -= 1
    return chances


def _gain_bits(longer: dict[str, float], shorter: dict[str, float]) -> float:
    """Bits a letter is expected to cost less in the longer context (Kullback-Leibler divergence)."""
    gains = [chance * _log2(chance / shorter[letter]) for letter, chance in longer.items()]
    escape = 1 - math.fsum(longer.values())
    escape_shorter = 1 - math.fsum(shorter[letter] for letter in longer)
    if escape > 1e-9 and escape_shorter > 1e-9:
        gains.append(escape * _log2(escape / escape_shorter))
    return math.fsum(gains)


def _log2(x: float) -> float:
    """Of +, -, * and / alone, since libraries differ in the last bit of log2 and a context hangs on it."""
    mantissa, exponent = math.frexp(x)
    t = (mantissa - 1) / (mantissa + 1)
    square, power, series = t * t, t, 0.0
    for odd in range(1, 41, 2):
        series += power / odd
        power *= square
    return exponent + 2 * series / 0.6931471805599453


def _file(chances: Chances) -> bytes:
    """See CODECS.md, "model_2.bin"."""
    foreign = _foreign(chances[""])
    chances |= {FOREIGN + tail: foreign for tail in FOREIGN_TAILS}
    contexts = ["", NEW_LINE, FOREIGN]
    contexts += sorted(chances.keys() - set(contexts))
    node_of = {context: node for node, context in enumerate(contexts)}
    counts, symbols, weights, follow = bytearray(), bytearray(), bytearray(), bytearray()
    for context in contexts:
        letters, node_weights = _weigh(chances[context])
        counts.append(len(letters))
        symbols += bytes([0, *(ALPHABET.index(letter) + 1 for letter in letters)])
        weights += bytes(node_weights)
        # A foreign context lists the whole alphabet, so only the root lists as much.
        shorter = "" if context.startswith(FOREIGN) else context[1:]
        for tail in (shorter, *(context + fold(letter) for letter in letters)):
            while tail not in node_of:
                tail = tail[1:]
            follow += node_of[tail].to_bytes(2, "big")
    alphabet = ALPHABET.encode()
    head = len(alphabet).to_bytes(2, "big") + len(contexts).to_bytes(2, "big")
    return head + alphabet + counts + symbols + weights + follow


def _foreign(root: dict[str, float]) -> dict[str, float]:
    scale = (1 - FOREIGN_STAYS - FOREIGN_WORD_ENDS) / math.fsum(root.values())
    chances = {letter: chance * scale for letter, chance in root.items()}
    chances[" "] += FOREIGN_WORD_ENDS
    return chances


def _weigh(chances: dict[str, float]) -> tuple[list[str], list[int]]:
    """Letters, the likeliest first, and their weights after that of the escape."""
    letters = sorted(chances, key=lambda letter: (-chances[letter], letter))
    escape = max(1 - math.fsum(chances.values()), 1e-4)
    scale = WEIGHT_MAX / max(escape, chances[letters[0]])
    return letters, [max(1, round(chance * scale)) for chance in (escape, *map(chances.__getitem__, letters))]
