"""A static model of how camps write, and the integer that a text becomes under it.

The model is a table of contexts (the last few letters, without case, accents and digits). Each lists
the letters likely to follow, with weights, and an escape to a shorter context. A text is folded into one
large integer, last letter first (range asymmetric numeral systems without renormalising); the reader takes
letters off until nothing is left, so the end costs nothing. Rules and file format: data/CODECS.md.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from itertools import accumulate

ROOT = 0  # the empty context: lists every letter of the alphabet
START = 1  # before the first letter, and after a new line
FOREIGN = 2  # after a letter the alphabet lacks

# A letter outside the alphabet is a code point: its place in a page of 256, and the page when that changes.
PAGE_POINTS = 256
PAGE_FIRST = 0x1F6  # emoji
PAGES = 0x110000 // PAGE_POINTS
# Of sixteen, none is no move at all (an integer of zero is the end), fourteen stay on the page, one turns it.
MOVES = 16
STAY = 14

Step = tuple[int, int, int]  # weight, weights below it, total


class TextModel:
    """Letters and weights by context. Built from the bytes of model_2.bin."""

    def __init__(self, data: bytes) -> None:
        alphabet_bytes = int.from_bytes(data[0:2], "big")
        nodes = int.from_bytes(data[2:4], "big")
        at = 4 + alphabet_bytes
        # Symbol 0 is the escape.
        self._letters = ["", *data[4:at].decode()]
        self._symbol_of = {letter: symbol for symbol, letter in enumerate(self._letters) if symbol}
        counts = data[at : at + nodes]
        at += nodes
        self._begin = array("L", accumulate((count + 1 for count in counts), initial=0))
        entries = self._begin[-1]
        self._symbols = data[at : at + entries]
        self._weights = data[at + entries : at + 2 * entries]
        self._follow = array("H", data[at + 2 * entries :])
        if sys.byteorder == "little":
            self._follow.byteswap()
        self._below = array("L", accumulate(self._weights, initial=0))
        # Filled as contexts are escaped from, which is where half of the reading time went: at most 6 MB.
        self._gaps: dict[int, tuple[int, list[int]]] = {}

    def encode(self, text: str) -> int:
        """The integer of a text. Lone surrogates U+DC80..DCFF stand for bytes that are not UTF-8."""
        steps: list[Step] = []
        node, page = START, PAGE_FIRST
        for letter in text:
            symbol = self._symbol_of.get(letter)
            if symbol is None:
                self._steps_out(node, steps)
                page = _steps_of_foreign(ord(letter), page, steps)
                node = FOREIGN
            else:
                node = self._steps_of_letter(node, symbol, steps)
        number = 0
        for weight, below, total in reversed(steps):
            number = number // weight * total + below + number % weight
        return number

    def decode(self, number: int, letters_max: int) -> str:
        """The text of an integer: at most `letters_max` + 1 letters, so that one too many can be seen.

        Raises ValueError for an integer no text has.
        """
        begin, below, symbols, weights = self._begin, self._below, self._symbols, self._weights
        follow, letters = self._follow, self._letters
        out: list[str] = []
        node, page = START, PAGE_FIRST
        while number and len(out) <= letters_max:
            first, end = begin[node], begin[node + 1]
            base = below[first]
            number, slot = divmod(number, below[end] - base)
            slot += base
            entry = bisect_right(below, slot, first, end) - 1
            number = number * weights[entry] + slot - below[entry]
            if entry == first:
                number, entry = self._decode_escaped(number, node)
                if entry < 0:
                    number, page, point = _decode_foreign(number, page)
                    out.append(chr(point))
                    node = FOREIGN
                    continue
            out.append(letters[symbols[entry]])
            node = follow[entry]
        return "".join(out)

    def _steps_of_letter(self, node: int, symbol: int, steps: list[Step]) -> int:
        """Append the steps for one letter of the alphabet; the context after it."""
        gaps: list[int] = []
        total = self._total(node)
        while True:
            first, end = self._begin[node], self._begin[node + 1]
            entry = self._symbols.find(symbol, first, end)
            if entry >= 0:
                hidden = sum(self._weights[place] for place in gaps if place < entry)
                steps.append((self._weights[entry], self._below[entry] - self._below[first] - hidden, total))
                return self._follow[entry]
            steps.append((self._weights[first], 0, total))
            total, gaps = self._gap(node)
            node = self._follow[first]

    def _steps_out(self, node: int, steps: list[Step]) -> None:
        """Append the escapes that lead out of the table."""
        total = self._total(node)
        while True:
            first = self._begin[node]
            steps.append((self._weights[first], 0, total))
            if node == ROOT:
                return
            total, _ = self._gap(node)
            node = self._follow[first]

    def _decode_escaped(self, number: int, node: int) -> tuple[int, int]:
        """Go down the shorter contexts; the entry found, or -1 for a letter outside the alphabet."""
        begin, below, weights = self._begin, self._below, self._weights
        while node != ROOT:
            total, gaps = self._gap(node)
            node = self._follow[begin[node]]
            first = begin[node]
            number, slot = divmod(number, total)
            slot += below[first]
            for place in gaps:
                if slot < below[place]:
                    break
                slot += weights[place]
            entry = bisect_right(below, slot, first, begin[node + 1]) - 1
            number = number * weights[entry] + slot - below[entry]
            if entry != first:
                return number, entry
        return number, -1

    def _total(self, node: int) -> int:
        return self._below[self._begin[node + 1]] - self._below[self._begin[node]]

    def _gap(self, node: int) -> tuple[int, list[int]]:
        """What is left in the next shorter context once this one was escaped from.

        That is the weight of all letters that can still come, and the entries of those that can not.
        """
        gap = self._gaps.get(node)
        if gap is None:
            first, end = self._begin[node], self._begin[node + 1]
            shorter = self._follow[first]
            span = self._begin[shorter], self._begin[shorter + 1]
            places = sorted(self._symbols.index(symbol, *span) for symbol in self._symbols[first + 1 : end])
            total = self._total(shorter) - sum(self._weights[place] for place in places)
            gap = self._gaps[node] = total, places
        return gap


def _steps_of_foreign(point: int, page: int, steps: list[Step]) -> int:
    here, place = divmod(point, PAGE_POINTS)
    if here == page:
        steps.append((STAY, 1, MOVES))
    else:
        steps.append((1, MOVES - 1, MOVES))
        steps.append((1, here, PAGES))
    steps.append((1, place, PAGE_POINTS))
    return here


def _decode_foreign(number: int, page: int) -> tuple[int, int, int]:
    number, move = divmod(number, MOVES)
    if move == 0:
        raise ValueError("a letter without a place")
    if move <= STAY:
        number = number * STAY + move - 1
    else:
        number, page = divmod(number, PAGES)
    number, place = divmod(number, PAGE_POINTS)
    return number, page, page * PAGE_POINTS + place
