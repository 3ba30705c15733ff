"""Form tokens without cookies: each form is sent once, by somebody who has seen it here.

A token is a random id, signed with the node's key and the time; on HTTPS also with the session. The id is the
idempotency token of the post, so a double tap posts once. An expired token (24 h) costs its owner one
more tap: the form comes again with its text kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner

TOKEN_AGE_MAX_S = 24 * 3600
TOKEN_ID_BYTES = 16
# Longer ones are none of ours; it bounds what is fed to the signature check.
TOKEN_TEXT_MAX = 200
# Forms of people with a card that were sent lately, 100 bytes each: 512 is a busy day of a camp. The oldest
# goes first; what it would let through again is refused by the board as decided.
USED_MAX = 512


class FormStale(Exception):
    """The token is expired, of another session, or not ours: show the form again."""


class FormTokens:
    """Makes and reads tokens; remembers those of orders that must not be carried out twice."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._used: OrderedDict[bytes, None] = OrderedDict()

    def issue(self, now_s: float, session: int | None) -> str:
        """A new token for a form shown at `now_s` (Unix time) in this session."""
        value = base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_ID_BYTES)).rstrip(b"=")
        return self._signer(now_s, session).sign(value).decode()

    def read(self, token: str, now_s: float, session: int | None) -> bytes:
        """The id in a token. Raises FormStale."""
        if len(token) > TOKEN_TEXT_MAX:
            raise FormStale
        try:
            return self._signer(now_s, session).unsign(token, max_age=TOKEN_AGE_MAX_S)
        except SignatureExpired as error:  # also one from the future: the clock was set back
            raise FormStale from error
        except BadSignature as error:
            raise FormStale from error

    def use(self, token: str, now_s: float, session: int | None) -> None:
        """Read a token that counts once. Raises FormStale the second time."""
        id_ = self.read(token, now_s, session)
        if id_ in self._used:
            raise FormStale
        self._used[id_] = None
        if len(self._used) > USED_MAX:
            self._used.popitem(last=False)

    def device_for(self, id_: bytes) -> str:
        """The device cookie given to a phone that sends this form without one; the same for a double tap."""
        digest = hmac.digest(self._key, b"device " + id_, hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:18]).decode()

    def _signer(self, now_s: float, session: int | None) -> _Signer:
        salt = b"form" if session is None else b"form %d" % session
        return _Signer(self._key, salt, int(now_s))


class _Signer(TimestampSigner):
    """itsdangerous' signer with the time it is told instead of the machine's."""

    def __init__(self, key: bytes, salt: bytes, now: int) -> None:
        super().__init__(key, salt=salt, digest_method=hashlib.sha256, key_derivation="hmac")
        self._now = now

    def get_timestamp(self) -> int:
        return self._now
