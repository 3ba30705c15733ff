"""The file with the secret key of a mailing list's owner: who has it reads who asked to join the list."""

from __future__ import annotations

from pathlib import Path

from node.files import write_secret
from sync.letters.joining import public_key_of, read_key, write_key

# A key and two lines about it; a file of megabytes is another one.
FILE_BYTES_MAX = 4_096


class KeyFileError(Exception):
    """The file cannot be used; one line says why, and quotes nothing of it."""


def write_secret_key(file: Path, secret_key: bytes) -> str:
    """Write a new secret key, readable by its owner only; the public one as text. Raises OSError."""
    public = write_key(public_key_of(secret_key))
    lines = [
        "# The secret key of a mailing list's owner. Whoever has it can read who asked to join.",
        f"# Its public key, for the settings of camps: {public}",
        write_key(secret_key),
    ]
    write_secret(file, "\n".join([*lines, ""]).encode())
    return public


def read_secret_key(file: Path) -> bytes:
    """The 32 bytes of the secret key in `file`. Raises KeyFileError."""
    try:
        with file.open("rb") as opened:
            text = opened.read(FILE_BYTES_MAX).decode("ascii")
    except OSError as error:
        raise KeyFileError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise KeyFileError(f"{file} is not the file of an owner's key") from error
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        return read_key(lines[0] if len(lines) == 1 else "")
    except ValueError as error:
        raise KeyFileError(f"{file} is not the file of an owner's key: {error}") from error
