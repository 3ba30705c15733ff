"""The ways to mail servers: encrypted, broken off at any byte, one after the other, and told of in words."""

import random
import socket
import threading
import time
from contextlib import suppress
from datetime import date, timedelta

import pytest
from aiosmtpd.smtp import AuthResult

from node import walker
from node.list_settings import MailingList
from sync.views import ListState
from tests.letters.authority import Authority
from tests.letters.gateway import until
from tests.letters.imap_host import ImapHost
from web_ui import mail_words as words


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(walker, "RETRY_FIRST_S", 0.2)
    monkeypatch.setattr(walker, "RETRY_MAX_S", 0.4)
    monkeypatch.setattr("node.smtp_outbox.PUT_OFF_FIRST_S", 0.2)
    monkeypatch.setattr("node.smtp.GREYLIST_S", 0.2)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def log_in(server, session, envelope, mechanism, data):
    return AuthResult(success=data.password == b"right", handled=False)


# -- encrypted ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_by_tls_and_with_a_password(open_gateway, open_host, authority, tmp_path, scheme):
    context = authority.server()
    if scheme == "smtps":  # the server's library sees the encryption of the line only as its own
        host = open_host(tls=context, authenticator=log_in, auth_require_tls=False)
    else:
        host = open_host(tls_context=context, authenticator=log_in)
    (tmp_path / "password").write_text("right")
    gateway = open_gateway(
        outbox=f"{scheme}://north@localhost:{host.server.port}",
        password_file="password",
        ca_file=str(authority.file),
    )
    gateway.post("One")
    until(lambda: gateway.list_states() == [ListState.SENT])


@pytest.mark.parametrize(
    ("certificate", "template"),
    [
        ({"name": "mail.elsewhere.example"}, words.TLS_NAME),
        ({"ends": timedelta(minutes=-1)}, words.TLS_EXPIRED),
        ({"begins": timedelta(hours=1)}, words.TLS_EARLY),
    ],
)
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_that_is_not_itself_gets_nothing(
    open_gateway, open_host, authority, tmp_path, scheme, certificate, template
):
    context = authority.server(**certificate)
    host = open_host(**{"tls" if scheme == "smtps" else "tls_context": context})
    (tmp_path / "password").write_text("right")
    gateway = open_gateway(
        outbox=f"{scheme}://north@localhost:{host.server.port}",
        password_file="password",
        ca_file=str(authority.file),
    )
    gateway.post("One")
    trouble = until(lambda: gateway.view().trouble)
    assert trouble.startswith(template % {"server": f"localhost:{host.server.port}"})
    assert host.letters == []


def test_a_clock_that_is_not_set_is_told_from_a_certificate_that_is_no_good(
    open_gateway, open_host, authority, monkeypatch
):
    monkeypatch.setattr("tests.letters.gateway.Ticking.is_set", lambda self: False)
    host = open_host(tls=authority.server(begins=timedelta(hours=1)))
    gateway = open_gateway(outbox=f"smtps://localhost:{host.server.port}", ca_file=str(authority.file))
    gateway.post("One")
    trouble = until(lambda: gateway.view().trouble)
    assert trouble.startswith(words.CLOCK % {"server": f"localhost:{host.server.port}"})


# -- in words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "answer", "template", "waits"),
    [
        ("to_rcpt", "550 5.1.1 no such list", words.RECIPIENT, False),
        ("to_rcpt", "550 5.7.1 you are not a member", words.RECIPIENT, False),
        ("to_rcpt", "552 5.2.2 mailbox full", words.FULL, False),
        ("to_rcpt", "554 5.7.1 blocked by a list of spam", words.SPAM, False),
        ("to_data", "552 5.3.4 message too big", words.TOO_BIG, False),
        ("to_data", "550 5.7.1 content rejected", words.SPAM, False),
        ("to_rcpt", "553 5.7.1 sender address rejected: not owned by user", words.SENDER, True),
        ("to_rcpt", "554 5.7.1 relay access denied", words.RELAY, True),
        ("to_rcpt", "530 5.7.0 authentication required", words.NEEDS_LOGIN, True),
        ("to_rcpt", "530 5.7.0 must issue a STARTTLS command first", words.NEEDS_TLS, True),
        ("to_rcpt", "421 4.7.0 too many connections", words.TOO_MANY, True),
        ("to_rcpt", "421 4.3.2 closing for the night", words.SAYS, True),
        ("to_rcpt", "451 4.7.1 greylisted", words.GREYLISTED, True),
        ("to_data", "452 4.2.2 over quota", words.FULL, True),
        ("to_rcpt", "450 4.7.1 rate limited", words.TOO_MANY, True),
    ],
)
def test_what_a_server_refuses_is_a_sentence_on_the_page(
    open_gateway, open_host, where, answer, template, waits, monkeypatch
):
    monkeypatch.setattr(walker, "RETRY_FIRST_S", 30.0)
    monkeypatch.setattr("node.smtp_outbox.PUT_OFF_FIRST_S", 30.0)
    host = open_host()
    getattr(host, where).extend([answer] * 3)
    gateway = open_gateway(outbox=host.url)
    gateway.post("One")
    trouble = until(lambda: gateway.view().trouble)
    head = template.partition("%(said)s")[0] % {"server": f"127.0.0.1:{host.server.port}"}
    assert head in trouble
    assert gateway.list_states() == [ListState.WAITING if waits else ListState.REFUSED]


def test_greylisting_is_waited_for_as_the_sentence_says(open_gateway, open_host, monkeypatch):
    monkeypatch.setattr("node.smtp.GREYLIST_S", 300.0)
    host = open_host()
    host.to_rcpt.append("451 4.7.1 greylisted")
    gateway = open_gateway(outbox=host.url)
    gateway.post("One")
    until(lambda: gateway.view().trouble)
    ((wait_s,),) = gateway.execute("SELECT next_try_s - changed_s FROM letters_out WHERE tries = 1")
    assert wait_s == pytest.approx(300.0, abs=5)


def test_encryption_where_there_is_none(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=f"smtps://localhost:{host.server.port}")
    gateway.post("One")
    trouble = until(lambda: gateway.view().trouble)
    assert trouble.startswith(f"localhost:{host.server.port} does not begin with encryption: write smtp://")


def test_a_page_to_log_in_to_is_told(open_gateway, monkeypatch):
    async def shown_by_all(host):
        return True

    monkeypatch.setattr("node.portal.is_of_this_box", lambda host: False)
    monkeypatch.setattr("node.portal.shows_itself", shown_by_all)
    gateway = open_gateway(outbox="smtp://127.0.0.1:1")
    gateway.post("One")
    trouble = until(lambda: gateway.view().trouble)
    assert trouble.startswith(words.PORTAL)
    assert gateway.list_states() == [ListState.WAITING]


# -- broken off -----------------------------------------------------------------------------------------


class Thread:
    """A wire to a server that is cut after so many bytes, both ways together; the last one holds."""

    def __init__(self, port, cuts):
        self.cuts = cuts
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            left = [self.cuts.pop(0)] if self.cuts else [10**9]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other, left), daemon=True).start()

    def _carry(self, one, other, left):
        with suppress(OSError):
            while data := one.recv(4_096):
                part = data[: max(0, left[0])]
                left[0] -= len(part)
                other.sendall(part)
                if left[0] <= 0:
                    break
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


# By TLS everything happens that happens in the clear, and a cut in the middle of its records besides.
@pytest.mark.parametrize(
    ("tls", "seed"),
    [(True, 0), *(pytest.param(tls, seed, marks=pytest.mark.full) for tls, seed in ((True, 1), (False, 0)))],
)
def test_a_wire_that_is_cut_at_any_byte_loses_no_letter_and_doubles_none(
    open_gateway, open_host, authority, tmp_path, tls, seed, monkeypatch
):
    """The list gives back what it has; so a letter whose receipt was cut off is not sent again."""
    monkeypatch.setattr("sync.letters.turns.DOUBT_S", 1.0)
    chance = random.Random(seed)
    context = authority.server() if tls else None
    host, mailbox = open_host(tls=context), ImapHost(tls=context)
    given: set[int] = set()
    wire = Thread(host.server.port, [chance.randrange(1, 9_000) for _ in range(4)])
    (tmp_path / "password").write_text("right")
    gateway = open_gateway(
        outbox=f"smtp{'s' if tls else ''}://localhost:{wire.port}",
        inbox=mailbox.url,
        password_file="password",
        ca_file=str(authority.file) if tls else "",
    )
    try:
        for n in range(12):
            gateway.post(f"Letter {n}")

        def all_there():
            for letter in host.letters[len(given) :]:
                given.add(len(given))
                mailbox.put(letter)
            return set(gateway.list_states()) == {ListState.ON_LIST} and len(gateway.list_states()) == 12

        until(all_there)
    finally:
        gateway.stop()
        wire.stop()
        mailbox.stop()
    sent = [letter.partition(b"Subject: ")[2].partition(b"\r\n")[0] for letter in host.letters]
    assert len(sent) == len(set(sent)) == 12


# -- one after the other --------------------------------------------------------------------------------


def test_mic_checks_of_all_lists_go_before_the_rest_of_any(open_gateway, open_host, monkeypatch):
    """Two lists, one of them behind a slow server, and internet that comes for both at once."""
    monkeypatch.setattr(walker, "RETRY_FIRST_S", 600.0)
    order: list[tuple[str, bool]] = []
    slow, quick = open_host(), open_host()
    for name, host in (("slow", slow), ("quick", quick)):
        host.letters = _Told(order, name)
    slow.slow_s = 0.3
    slow.stop()
    quick.stop()
    other = MailingList(
        name="second",
        address="second@lists.example.org",
        outbox=quick.url,
        channels=("general",),
        hold_hours=0,
    )
    gateway = open_gateway(outbox=slow.url, channels=("announcements",), others=(other,))
    gateway.execute("INSERT OR IGNORE INTO lists (name, since_s, introduced_s) VALUES ('second', 1, 1)")
    for n in range(3):
        gateway.post(f"Slow {n}")
        gateway.post(f"Quick {n}", channel="general")
    gateway.post("Slow urgent", urgent=True)
    until(lambda: all(view.trouble for view in gateway.courier.views()))
    slow.server.start()
    quick.server.start()
    gateway.courier.hurry()  # out of a back-off of ten minutes
    until(lambda: len(order) == 7)
    assert order[0] == ("slow", True)
    assert [urgent for _, urgent in order] == [True] + [False] * 6


class _Told(list):
    """Letters of a host, in the order in which several hosts got theirs."""

    def __init__(self, order, name):
        super().__init__()
        self._order, self._name = order, name

    def append(self, letter):
        super().append(letter)
        self._order.append((self._name, b"URGENT" in letter.partition(b"\r\n\r\n")[0]))


def test_internet_that_comes_is_used_at_once(open_gateway, open_host, monkeypatch):
    monkeypatch.setattr(walker, "RETRY_FIRST_S", 600.0)
    host = open_host()
    host.stop()
    gateway = open_gateway(outbox=host.url)
    gateway.post("One")
    until(lambda: gateway.view().trouble)
    host.server.start()
    time.sleep(0.3)
    assert host.letters == []
    gateway.courier.hurry()
    until(lambda: gateway.list_states() == [ListState.SENT])
    until(lambda: gateway.view().trouble == "")


def test_without_agreement_the_page_says_what_to_write(open_gateway):
    gateway = open_gateway(inbox="maildir:in", agreed_by="", agreed_on=None)
    assert until(lambda: gateway.view().trouble) == words.NOT_AGREED
    gateway.stop()
    gateway = open_gateway(inbox="maildir:in", agreed_by="Ana", agreed_on=date(2026, 11, 23))
    assert gateway.view().trouble == ""
