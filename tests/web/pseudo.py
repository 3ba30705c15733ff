"""Languages nobody speaks: every sentence longer and accented, or written from right to left."""

from __future__ import annotations

import re
from gettext import NullTranslations

from web_ui.languages import Language, Languages

_ACCENTS = str.maketrans("AEIOUaeiouncsz", "ÀÉÎÕÜàéîõüñçšž")
_KEPT = re.compile(r"(%\(\w+\)[sd]|%)")


def accented(sentence: str) -> str:
    """The sentence with accents and a third longer, as German is; placeholders kept."""
    parts = [part if _KEPT.fullmatch(part) else part.translate(_ACCENTS) for part in _KEPT.split(sentence)]
    return f"[{''.join(parts)}{'·' * (len(sentence) // 3)}]"


def mirrored(sentence: str) -> str:
    """The sentence between Arabic letters, so that it stands from right to left; placeholders kept."""
    return f"ضض {sentence} ضض"


class _Pseudo(NullTranslations):
    def __init__(self, change) -> None:
        super().__init__()
        self._change = change

    def gettext(self, message: str) -> str:
        return self._change(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self._change(msgid1 if n == 1 else msgid2)


LONG = Language("en-XA", "Éñglîšh", "ltr", _Pseudo(accented))
RTL = Language("ar-XB", "ضضض", "rtl", _Pseudo(mirrored))


def with_pseudo() -> Languages:
    """The real languages and the two nobody speaks."""
    return Languages((*Languages.load(("en", "es"), "en"), LONG, RTL))
