"""A password in a file of its own: one line, never in the settings, never in a log."""

from __future__ import annotations

from pathlib import Path

from node.walker import Trouble
from web_ui import mail_words as words
from web_ui.mail_words import in_english


def read_password(file: Path) -> str:
    """The password in `file`. Raises Trouble, and OSError where the disk fails."""
    try:
        password = file.read_text().strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise Trouble(in_english(words.PASSWORD_MISSING, file=file)) from error
    except UnicodeDecodeError as error:
        raise Trouble(in_english(words.PASSWORD_NO_TEXT, file=file)) from error
    if not password:
        raise Trouble(in_english(words.PASSWORD_EMPTY, file=file))
    return password
