"""The bytes of a list's letters, from rows of the store: for the courier, and for who looks before they go.

There is one place that makes them, so that a preview shows what leaves.
"""

from __future__ import annotations

from collections.abc import Sequence

from node.list_settings import MailingList
from node.mail_server import parse_smtp
from sync.letters.digest_out import digest_of
from sync.letters.introducing import (
    Introduction,
    Say,
    introduction_of,
    introduction_subject,
    introduction_text,
)
from sync.letters.marks import DOMAIN, message_id_of
from sync.letters.outward import OutgoingLetter, letter_of, subject_of, trial_of
from sync.signing import author_of
from sync.store.letters import LetterRow, LetterTables
from web_ui.languages import SOURCE_LANGUAGE, Languages

# A maildir is read by whoever owns it; letters to no list in particular still need a To (RFC 5322 §3.6).
NO_ADDRESS = f"list@{DOMAIN}"


def says(language: str) -> tuple[Say, ...]:
    """The camp's language and English, for letters that strangers read."""
    codes = (language, SOURCE_LANGUAGE) if language != SOURCE_LANGUAGE else (SOURCE_LANGUAGE,)
    return tuple(each.say for each in Languages.load(codes, language))


def sender_of(mailing_list: MailingList, author: bytes) -> str:
    """The camp's own address on a list: as set, else the mail account's, else one that reaches nobody."""
    if mailing_list.sender:
        return mailing_list.sender
    account = parse_smtp(mailing_list.outbox).sender() if mailing_list.by_smtp else ""
    return account or f"camp-{author.hex()}@{DOMAIN}"


class LetterWriter:
    """Makes the letters of one list. `tables` may be over any connection to the camp's file."""

    def __init__(self, mailing_list: MailingList, author: bytes, speak: Sequence[Say]) -> None:
        """`author` is this camp's 8-byte id; `speak` are the languages of an introduction."""
        self.address = mailing_list.address or NO_ADDRESS
        self.sender = sender_of(mailing_list, author)
        self._answers = (
            bool(mailing_list.inbox) and mailing_list.direction != "out" and mailing_list.is_agreed
        )
        self._speak = speak

    def letter(self, tables: LetterTables, row: LetterRow) -> OutgoingLetter:
        """What the letter of a message is made of."""
        return OutgoingLetter(
            message=row.message,
            camp=author_of(row.key),
            camp_name=row.camp_name,
            place=row.place,
            channel=row.channel,
            author=row.nickname,
            text=row.text,
            urgent=row.urgent,
            created_s=row.created_s,
            references=tuple(
                above.message_id or message_id_of(above.message) for above in tables.ancestors(row.parent)
            ),
            subject=row.subject,
            let_contacts=row.let_contacts,
            utc_offset=row.utc_offset,
        )

    def raw(self, tables: LetterTables, row: LetterRow) -> bytes:
        """The bytes of one letter, with CRLF: a message's, or this camp's introduction."""
        if row.introduction:
            return introduction_of(self._introduction(row), self.address, self.sender, self._speak)
        return letter_of(self.letter(tables, row), self.address, self.sender)

    def digest(self, tables: LetterTables, rows: Sequence[LetterRow], id_: bytes) -> bytes:
        """The bytes of one letter with many in it, under this id."""
        return digest_of([self.letter(tables, row) for row in rows], self.address, self.sender, id_)

    def trial(self, tables: LetterTables, row: LetterRow, address: str) -> bytes:
        """The same letter to one person, without a mark of ours. Raises ValueError for what is no address."""
        if row.introduction:
            return introduction_of(self._introduction(row), address, self.sender, self._speak, trial=True)
        return trial_of(self.letter(tables, row), address, self.sender)

    def subject(self, tables: LetterTables, row: LetterRow) -> str:
        """The subject as people read it."""
        if row.introduction:
            return introduction_subject(self._introduction(row), self._speak)
        return subject_of(self.letter(tables, row))

    def words(self, tables: LetterTables, row: LetterRow) -> str:
        """The text that leaves, below the lines that every letter begins with."""
        if row.introduction:
            return introduction_text(self._introduction(row), self._speak)
        return self.letter(tables, row).words

    def _introduction(self, row: LetterRow) -> Introduction:
        return Introduction(
            camp=author_of(row.key),
            camp_name=row.camp_name,
            place=row.place,
            contact=row.contact,
            created_s=row.created_s,
            answers=self._answers,
            subject=row.subject,
            utc_offset=row.utc_offset,
        )
