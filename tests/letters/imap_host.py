"""An IMAP server with one mailbox, which breaks the line at any byte it is told to.

As much of RFC 3501 and RFC 2177 as a reader of one folder asks for.
"""

from __future__ import annotations

import base64
import re
import socket
import threading
from contextlib import suppress
from typing import Any

WORDS = re.compile(rb'"((?:[^"\\]|\\.)*)"|(\S+)')
PART = re.compile(rb"BODY\.PEEK\[(HEADER)?\](?:<0\.(\d+)>)?")


class Cut(Exception):
    """The line breaks here."""


class ImapHost:
    """Serves on a free port of this machine until `stop`."""

    def __init__(self, tls=None, starttls=None, capabilities=b"IDLE", password="right", folder="INBOX"):
        """`tls` from the first byte, `starttls` on demand: contexts of a server."""
        self.tls, self.starttls = tls, starttls
        self.capabilities = capabilities
        self.password = password
        self.folder = folder
        self.validity = 1
        self.letters = {}  # UID: bytes
        self.cuts = []  # after so many bytes of the next connections the line breaks
        self.answers = {}  # command: what is said instead of doing it
        self.before = {}  # command: untagged lines before it is done
        self.commands = []
        self.sent = 0  # bytes of the last connection
        self.logins = 0
        self.idling = 0
        self._changed = threading.Condition()
        self._ending = False
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self):
        scheme = "imaps" if self.tls else "imap"
        return f"{scheme}://north@localhost:{self.port}"

    def put(self, *letters):
        """Deliver."""
        with self._changed:
            for letter in letters:
                self.letters[max(self.letters, default=0) + 1] = letter
            self._changed.notify_all()

    def begin_again(self, validity):
        """The folder was made anew: its letters have other UIDs."""
        with self._changed:
            self.validity = validity
            self.letters = {uid + 1_000: letter for uid, letter in self.letters.items()}
            self._changed.notify_all()
        self.hang_up()

    def hang_up(self):
        for each in list(self._open):
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def stop(self):
        self._ending = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(5)

    def _accept(self):
        while not self._ending:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        talk = _Talk(self, connection)
        self._open.add(connection)
        try:
            talk.run()
        except (OSError, Cut, ValueError, IndexError):  # a line that was cut is half a command
            pass
        finally:
            self._open.discard(connection)
            self.sent = talk.sent
            talk.close()


class _Talk:
    def __init__(self, host, connection):
        self.host = host
        self.socket = connection
        self.file: Any = None
        self.left = host.cuts.pop(0) if host.cuts else None
        self.sent = 0
        self.known = 0  # letters it was told of

    def close(self):
        for each in (self.file, self.socket):
            if each is not None:
                with suppress(OSError, ValueError):
                    each.close()

    def encrypt(self, context):
        if self.file is not None:
            self.file.close()
        self.host._open.discard(self.socket)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.host._open.add(self.socket)
        self.file = self.socket.makefile("rb")

    def run(self):
        if self.host.tls:
            self.encrypt(self.host.tls)
        else:
            self.file = self.socket.makefile("rb")
        self.say(self.host.answers.get("GREETING", b"* OK [CAPABILITY " + self.offers() + b"] ready"))
        while line := self.file.readline():
            tag, _, rest = line.strip().partition(b" ")
            name, _, words = rest.partition(b" ")
            if name.upper() == b"UID":
                name, _, words = words.partition(b" ")
            name = name.upper().decode()
            self.host.commands.append(f"{name} {words.decode('ascii', 'replace')}".strip())
            for each in self.host.before.get(name, ()):
                self.say(each)
            if name in self.host.answers:
                self.say(tag + b" " + self.host.answers[name])
            elif getattr(self, f"do_{name.lower()}", self.do_what)(tag, words) is False:
                return

    def say(self, *lines):
        raw = b"".join(line + b"\r\n" for line in lines)
        if self.left is not None and len(raw) >= self.left:
            self.socket.sendall(raw[: self.left])
            self.sent += self.left
            raise Cut
        self.socket.sendall(raw)
        self.sent += len(raw)
        self.left = None if self.left is None else self.left - len(raw)

    def offers(self):
        starttls = b" STARTTLS" if self.host.starttls and not self.is_encrypted() else b""
        return b"IMAP4rev1 AUTH=PLAIN " + self.host.capabilities + starttls

    def is_encrypted(self):
        return hasattr(self.socket, "cipher")

    # -- commands -------------------------------------------------------------------------------------

    def do_what(self, tag, words):
        self.say(b"* BAD what?")

    def do_capability(self, tag, words):
        self.say(b"* CAPABILITY " + self.offers(), tag + b" OK done")

    def do_starttls(self, tag, words):
        self.say(tag + b" OK begin")
        self.encrypt(self.host.starttls)

    def do_login(self, tag, words):
        _user, password = (quoted or plain for quoted, plain in WORDS.findall(words))
        self.log_in(tag, password.decode())

    def do_authenticate(self, tag, words):
        self.say(b"+ ")
        answer = base64.b64decode(self.file.readline())
        self.log_in(tag, answer.split(b"\0")[2].decode())

    def log_in(self, tag, password):
        self.host.logins += 1
        if password != self.host.password:
            self.say(tag + b" NO [AUTHENTICATIONFAILED] Authentication failed.")
        else:
            self.say(tag + b" OK [CAPABILITY " + self.offers() + b"] logged in")

    def do_examine(self, tag, words):
        if words.strip(b'"').decode() != self.host.folder:
            self.say(tag + b" NO [NONEXISTENT] no such folder")
            return
        self.known = len(self.host.letters)
        self.say(
            b"* FLAGS (\\Seen)",
            b"* %d EXISTS" % self.known,
            b"* OK [UIDVALIDITY %d] valid" % self.host.validity,
            tag + b" OK [READ-ONLY] done",
        )

    def do_noop(self, tag, words):
        self.tell()
        self.say(tag + b" OK done")

    def tell(self):
        if len(self.host.letters) != self.known:
            self.known = len(self.host.letters)
            self.say(b"* %d EXISTS" % self.known)

    def do_search(self, tag, words):
        if b"HEADER" in words:
            low, high = map(int, words.split()[1].split(b":"))
            found = [
                uid for uid, each in self.host.letters.items() if low <= uid <= high and b"miccheck" in each
            ]
            self.say(b"* SEARCH " + b" ".join(b"%d" % uid for uid in found), tag + b" OK done")
            return
        numbers, _, uids = words.rpartition(b"UID ")
        first = int(uids.removesuffix(b":*"))
        known = sorted(self.host.letters)
        uids = [uid for uid in known if uid >= first] or known[-1:]
        if b":" in numbers:
            low, _, high = numbers.split()[-1].partition(b":")
            part = known[min(int(low), len(known)) - 1 : None if high == b"*" else int(high)]
            uids = [uid for uid in uids if uid in part]
        self.say(b"* SEARCH " + b" ".join(b"%d" % uid for uid in uids if uid), tag + b" OK done")

    def do_fetch(self, tag, words):
        uids, _, parts = words.partition(b" ")
        for uid in map(int, uids.split(b",")):
            letter = self.host.letters.get(uid)
            if letter is None:
                continue
            number = sorted(self.host.letters).index(uid) + 1
            if b"RFC822.SIZE" in parts:
                self.say(b"* %d FETCH (UID %d RFC822.SIZE %d)" % (number, uid, len(letter)))
                continue
            header, most = PART.findall(parts)[0]
            text = letter.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if header else letter
            text = text[: int(most)] if most else text
            name = b"BODY[HEADER]" if header else b"BODY[]<0>"
            self.say(b"* %d FETCH (FLAGS (\\Recent))" % number)  # somebody looks with a phone
            self.say(b"* %d FETCH (UID %d %s {%d}" % (number, uid, name, len(text)) + b"\r\n" + text + b")")
        self.say(tag + b" OK done")

    def do_idle(self, tag, words):
        self.say(b"+ idling")
        self.socket.settimeout(0.02)
        self.host.idling += 1
        try:
            while not self.host._ending:
                with self.host._changed:
                    self.host._changed.wait_for(lambda: len(self.host.letters) != self.known, 0.02)
                self.tell()
                try:
                    line = self.socket.recv(64)
                except TimeoutError:
                    continue
                if not line:
                    raise Cut
                break
        finally:
            self.host.idling -= 1
            self.socket.settimeout(None)
        self.say(tag + b" OK idled")

    def do_getquotaroot(self, tag, words):
        self.say(b'* QUOTAROOT INBOX ""', b'* QUOTA "" (STORAGE 999 1000)', tag + b" OK done")

    def do_logout(self, tag, words):
        self.say(b"* BYE", tag + b" OK done")
        return False
