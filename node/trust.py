"""Whose certificate a mail server may show: of those this box trusts, or of one named in the settings."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from node.open_lines import OpenLines
from node.precedence import Precedence
from node.walker import Trouble
from web_ui import mail_words as words
from web_ui.mail_words import in_english

# RFC 5321 §4.5.3.2 would wait five minutes for each answer. A phone's tether that answers nothing for one is
# gone, and the page shall say so.
ANSWER_S = 60.0


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Trust:
    """What a server's certificate is checked against.

    `ca_file`: PEM of the only authorities that count; None: those of the system. `clock_is_set` tells an
    expired certificate from a clock that knows no better.
    """

    ca_file: Path | None = None
    clock_is_set: Callable[[], bool] = _always

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or newer, the name and the chain checked. Raises Trouble when `ca_file` is no good."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # ssl.SSLError too: it holds no certificate
            raise Trouble(in_english(words.CA_FILE, file=self.ca_file)) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a list's servers are spoken to. `metered`: little is fetched, and seldom.

    `names_people`: what is sent names people who ask to join, so it crosses no network in the clear.
    """

    trust: Trust = field(default_factory=Trust)
    metered: bool = False
    names_people: bool = False
    lines: OpenLines = field(default_factory=OpenLines)
    precedence: Precedence | None = None
    answer_s: float = ANSWER_S
