"""A certificate that the camp was given: for a box with a name in the internet, signed by somebody browsers
know.

Without one the HTTPS port has a certificate of the camp's own authority (`certificates`). A given one that
cannot be used ends the start with one line; one that has expired is served all the same, because a page
with a warning is more than no page, and the log says so.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from node.home import HomeError


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """What the HTTPS port shows: a PEM chain, the server's first, and the file of its key."""

    chain: Path
    key: Path


def given_certificate(folder: Path, chain: str, key: str) -> ServerCertificate | None:
    """The certificate in the settings, its paths relative to `folder`; None when there is none.

    Without `key`, the key is in the same file. Raises HomeError with one line when it cannot be used.
    """
    if not chain:
        if key:
            raise HomeError('[web] certificate_key needs "certificate": the file the key belongs to')
        return None
    files = ServerCertificate(folder / chain, folder / (key or chain))
    certificate = _certificate(files.chain)
    word = "certificate_key" if key else "certificate"
    try:
        private = serialization.load_pem_private_key(_read(files.key, word), password=None)
    except (ValueError, TypeError) as error:  # TypeError: it has a passphrase
        raise HomeError(f"[web] {word}: there is no key without a passphrase in {files.key}") from error
    if private.public_key() != certificate.public_key():
        raise HomeError(f"[web] {word}: the key in {files.key} is not that of the certificate")
    return files


def complaint(files: ServerCertificate, wall_s: float) -> str | None:
    """What browsers will object to at this Unix time, for the log. Raises HomeError."""
    certificate = _certificate(files.chain)
    now = datetime.datetime.fromtimestamp(int(wall_s), datetime.UTC)
    if now > certificate.not_valid_after_utc:
        return f"the certificate in {files.chain} expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    if now < certificate.not_valid_before_utc:
        return (
            f"the certificate in {files.chain} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} on"
        )
    return None


def _certificate(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_read(file, "certificate"))
    except ValueError as error:
        raise HomeError(f"[web] certificate: there is no certificate (PEM) in {file}") from error


def _read(file: Path, word: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise HomeError(f"[web] {word}: cannot read {file}: {error.strerror}") from error
