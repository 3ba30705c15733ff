"""Letters: messages as the mailing list reads them, and the list's mail as camps read it.

Outward a message becomes one RFC 5322 letter, the same bytes from every gateway (`letter_of`). Inward
whatever a list sends (`read_letters`) is told apart: letters of people, our own coming back, notices
of machines. Everything here is pure: bytes and time in, letters and messages out. The courier in
`node/` carries them.
"""

from sync.letters.inward import DigestBack, IncomingLetter, NotForUs, Piece, Why, message_of, read_letters
from sync.letters.marks import Mark, message_id_of, reference_of
from sync.letters.mbox import MboxLetter, read_mbox
from sync.letters.notices import Notice
from sync.letters.outward import OutgoingLetter, letter_of

__all__ = [
    "DigestBack",
    "IncomingLetter",
    "Mark",
    "MboxLetter",
    "NotForUs",
    "Notice",
    "OutgoingLetter",
    "Piece",
    "Why",
    "letter_of",
    "message_id_of",
    "message_of",
    "read_letters",
    "read_mbox",
    "reference_of",
]
