"""A person on the list with a mail program: Python's own, nothing of ours."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
import time
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import formatdate

from tests.mail.configuration import PEOPLE
from tests.mail.stand import MailStand

# Mailman gave a letter back in 3 to 6 s on an idle machine; both cores are busy here.
PATIENCE_S = 60.0


class Subscriber:
    """Somebody with a mailbox and an account at the stand's server."""

    def __init__(self, stand: MailStand, kind: str = "ana") -> None:
        self.who = stand.person(kind)
        self.address = f"{self.who}@{PEOPLE}"
        self._stand = stand
        self._word = stand.password(self.who)
        self._tls = ssl.create_default_context(cafile=str(stand.authority))

    def write(self, to: str, subject: str, text: str, **headers: str) -> str:
        """Send a letter; its Message-ID. Words of `headers` have `_` for `-`."""
        mail = EmailMessage()
        mail["From"] = f"Ana López <{self.address}>"
        mail["To"], mail["Subject"] = to, subject
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{time.monotonic_ns()}.{self.address}>"
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        with smtplib.SMTP("localhost", self._stand.ports.submission, timeout=60) as server:
            server.starttls(context=self._tls)
            server.login(self.address, self._word)
            server.send_message(mail, from_addr=self.address, to_addrs=[to])
        return str(mail["Message-ID"])

    def letters(self) -> list[EmailMessage]:
        """All that lies in the mailbox, in the order in which it came."""
        with imaplib.IMAP4_SSL("localhost", self._stand.ports.imaps, ssl_context=self._tls) as box:
            box.login(self.address, self._word)
            box.select(readonly=True)
            numbers = box.search(None, "ALL")[1][0].split()
            raws = [box.fetch(number.decode(), "(BODY.PEEK[])")[1][0] for number in numbers]
        return [message_from_bytes(raw[1], policy=default) for raw in raws if isinstance(raw, tuple)]

    def wait_for(self, word: str, seconds: float = PATIENCE_S) -> EmailMessage:
        """The first letter whose subject or text holds a word."""
        until_s = time.monotonic() + seconds
        while True:
            for letter in self.letters():
                if word in str(letter["Subject"]) or word in text_of(letter):
                    return letter
            assert time.monotonic() < until_s, f"{word} never came\n{self._stand.logs()}"
            time.sleep(0.5)


def text_of(letter: EmailMessage) -> str:
    """The plain text of a letter."""
    body = letter.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""
