"""The languages of the pages: catalogues read at start, one chosen for each request.

English is in the templates. Every other language is a `locale/CODE/messages.po`, read as it is: a camp can
correct a sentence with a text editor and start the node again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

LOCALE = Path(__file__).parent / "locale"
SOURCE_LANGUAGE = "en"

# What each language calls itself, for the switch, and those written from right to left.
OWN_NAMES = {"en": "English", "es": "Español"}
RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})

# A browser names five or six; a header of thousands is somebody playing.
ACCEPTED_MAX = 20


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the pages, with its sentences."""

    code: str
    name: str
    direction: str  # ltr, rtl
    translations: NullTranslations

    def say(self, sentence: str, **values: object) -> str:
        """The sentence in this language, with its values filled in."""
        said = self.translations.gettext(sentence)
        return said % values if values else said

    def count(self, one: str, many: str, n: int, **values: object) -> str:
        """The sentence for `n` things, with `n` and its values filled in."""
        return self.translations.ngettext(one, many, n) % {"n": n, **values}


class Languages:
    """The languages a camp offers, its own first choice first."""

    def __init__(self, languages: tuple[Language, ...]) -> None:
        self._by_code = {language.code: language for language in languages}
        self._by_tag = {language.code.lower(): language for language in languages}
        self.default = languages[0]

    @classmethod
    def load(cls, codes: tuple[str, ...], default: str) -> Languages:
        """Read the catalogues of these languages. Raises ValueError for one there is no catalogue of."""
        ordered = (default, *(code for code in codes if code != default))
        return cls(tuple(_load(code) for code in ordered))

    def __iter__(self) -> Iterator[Language]:
        return iter(self._by_code.values())

    def named(self, code: str) -> Language | None:
        """The language with this code."""
        return self._by_code.get(code)

    def choose(self, cookie: str | None, accept: str) -> Language:
        """The language picked by hand, else the first one the browser accepts, else the camp's."""
        if cookie is not None and cookie in self._by_code:
            return self._by_code[cookie]
        for tag in _accepted(accept):
            found = self._by_tag.get(tag) or self._by_tag.get(tag.partition("-")[0])
            if found is not None:
                return found
        return self.default


def available() -> tuple[str, ...]:
    """The codes of all languages there is a catalogue of."""
    return (SOURCE_LANGUAGE, *sorted(path.parent.name for path in LOCALE.glob("*/messages.po")))


def direction_of(code: str) -> str:
    """Which way a language is written."""
    return "rtl" if code.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


@cache
def _load(code: str) -> Language:
    """The language with this code; to read its catalogue takes 20 ms, so it is read once in a process."""
    translations = NullTranslations()
    if code != SOURCE_LANGUAGE:
        if code not in available():
            raise ValueError(f"no catalogue of language {code!r}, there are: {', '.join(available())}")
        with (LOCALE / code / "messages.po").open("rb") as file:
            catalogue = read_po(file, locale=code)
        compiled = BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        translations = Translations(compiled)
    return Language(code, OWN_NAMES.get(code, code), direction_of(code), translations)


def _accepted(header: str) -> list[str]:
    """The tags of an Accept-Language header (RFC 9110 §12.5.4) in lower case, best first."""
    weighted: list[tuple[float, str]] = []
    for part in header.split(",")[:ACCEPTED_MAX]:
        tag, _, parameters = part.strip().partition(";")
        name, _, value = parameters.strip().partition("=")
        try:
            weight = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        if tag and weight > 0:
            weighted.append((weight, tag.strip().lower()))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]
