"""Letters by SMTP: real conversations with a mail server that refuses, stalls and hangs up."""

import ssl
import time
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.smtp import AuthResult
from aiosmtplib import SMTPException

from node import smtp, walker
from node.certificates import make_authority, renew_server
from node.files import CertificateFiles
from node.mail_faults import said
from node.mail_server import MailServer, parse_smtp
from node.smtp import sentence_of
from sync.signing import Identity
from sync.store import Store
from sync.views import ListState
from tests.letters.authority import Authority
from tests.letters.gateway import ADDRESS, HANG_UP, TAKE_AND_HANG_UP, shown, until
from web_ui import mail_words as words

NOW_S = 1_795_400_000.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(walker, "RETRY_FIRST_S", 0.2)
    monkeypatch.setattr("node.smtp_outbox.PUT_OFF_FIRST_S", 0.2)
    monkeypatch.setattr("node.smtp.GREYLIST_S", 0.2)
    monkeypatch.setattr("node.inbox.LOOK_EVERY_S", 0.1)


def mails(host):
    return [message_from_bytes(raw, policy=default) for raw in host.letters]


def texts_of(host):
    return [mail["Subject"].rpartition("] ")[2] for mail in mails(host)]


def test_many_letters_go_over_one_connection(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=host.url)
    first = gateway.post("Agua en la puerta 4")
    ids = [first, gateway.post("Second", reply_to=first), *(gateway.post(f"Letter {n}") for n in range(8))]
    until(lambda: gateway.list_states() == [ListState.SENT] * 10)
    assert len(host.letters) == 10
    assert len(host.connections) < 10
    found = {mail["Message-ID"]: mail for mail in mails(host)}
    assert set(found) == {f"<{message.hex()}@miccheck.invalid>" for message in ids}
    reply = found[f"<{ids[1].hex()}@miccheck.invalid>"]
    assert reply["In-Reply-To"] == f"<{first.hex()}@miccheck.invalid>"
    assert reply["X-Miccheck-Id"].endswith(ids[1].hex())
    assert f"{ids[1].hex()}]" in reply.get_content().splitlines()[1]
    author = Identity(bytes([7]) * 32).author.hex()
    assert set(host.envelopes) == {(f"camp-{author}@miccheck.invalid", ADDRESS)}
    assert set(host.greetings) == {"miccheck.invalid"}  # never the name of the machine
    until(lambda: gateway.view().sent == 10)
    assert gateway.view().trouble == ""


@pytest.mark.parametrize(
    ("settings", "sender"),
    [
        ({"sender": "north@camps.example.org"}, "north@camps.example.org"),
        ({"user": "north%40camps.example.org@"}, "north@camps.example.org"),
        ({"user": "north@"}, "north@127.0.0.1"),
    ],
)
def test_the_envelope_and_the_letter_are_from_the_camps_own_address(
    open_gateway, open_host, settings, sender
):
    host = open_host()
    url = host.url.replace("smtp://", f"smtp://{settings.pop('user', '')}")
    open_gateway(outbox=url, **settings).post("One")
    until(lambda: host.letters)
    assert host.envelopes == [(sender, ADDRESS)]
    assert mails(host)[0]["From"] == f'"Ana (North)" <{sender}>'
    assert host.greetings == [sender.partition("@")[2]]


@pytest.mark.parametrize("where", ["to_rcpt", "to_data"])
def test_a_letter_that_is_refused_for_ever_is_not_sent_again_and_stops_no_other(
    open_gateway, open_host, where
):
    host = open_host()
    getattr(host, where).append("550 5.7.1 words of ana@example.org are not wanted")
    gateway = open_gateway(outbox=host.url)
    gateway.post("Bad")
    until(lambda: gateway.list_states() == [ListState.REFUSED])
    gateway.post("Good")
    until(lambda: gateway.list_states() == [ListState.REFUSED, ListState.SENT])
    until(lambda: gateway.view().sent == 1)
    time.sleep(0.5)  # longer than any retry of this test
    assert texts_of(host) == ["Good"]
    assert gateway.view().trouble == (
        f"1 letter was refused: 127.0.0.1:{host.server.port} takes it for spam, or distrusts this network "
        "(550 5.7.1 words of […@…] are not wanted): ask the owner of the list"
    )
    assert gateway.view().waiting == 0


def test_what_was_refused_is_tried_again_when_the_way_was_changed(open_gateway, open_host):
    host = open_host()
    host.to_rcpt.append("550 5.1.1 no such list")
    gateway = open_gateway(outbox=host.url)
    gateway.post("One")
    until(lambda: gateway.list_states() == [ListState.REFUSED])
    gateway.stop()
    gateway = open_gateway(outbox=host.url)
    time.sleep(0.5)
    assert gateway.list_states() == [ListState.REFUSED]
    gateway.stop()
    gateway = open_gateway(outbox=host.url, sender="north@example.org")
    until(lambda: gateway.list_states() == [ListState.SENT])


@pytest.mark.parametrize("where", ["to_rcpt", "to_data"])
def test_a_letter_that_is_put_off_is_tried_again_and_holds_up_no_other(open_gateway, open_host, where):
    host = open_host()
    getattr(host, where).extend(["451 4.7.1 greylisted", "250 OK", "451 4.7.1 greylisted"])
    gateway = open_gateway(outbox=host.url)
    gateway.post("First")
    trouble = until(lambda: gateway.view().trouble)
    assert trouble == (
        f"1 letter was put off: 127.0.0.1:{host.server.port} asks strangers to come again in 5 min "
        "(greylisting: 451 4.7.1 greylisted); trying again"
    )
    assert gateway.list_states() == [ListState.WAITING]
    gateway.post("Second")
    until(lambda: gateway.list_states() == [ListState.SENT] * 2)
    assert sorted(texts_of(host)) == ["First", "Second"]
    until(lambda: gateway.view().trouble == "")


def test_a_server_that_puts_everything_off_is_left_alone_for_a_while(open_gateway, open_host, monkeypatch):
    monkeypatch.setattr("node.smtp_outbox.PUT_OFF_FIRST_S", 30.0)
    monkeypatch.setattr(walker, "RETRY_FIRST_S", 30.0)
    host = open_host()
    host.to_rcpt.extend(["452 4.2.2 the disk is full"] * 50)
    gateway = open_gateway(outbox=host.url)
    for n in range(10):
        gateway.post(f"Letter {n}")
    until(lambda: "takes no letters now" in gateway.view().trouble)
    assert gateway.view().trouble.startswith(
        f"127.0.0.1:{host.server.port} takes no letters now: the mailbox of the list is full "
        "(452 4.2.2 the disk is full): its owner must make room; trying again in "
    )
    until(lambda: gateway.view().waiting == 10)
    assert 3 <= 50 - len(host.to_rcpt) <= 5


def test_a_server_that_is_away_is_one_sentence_and_then_gets_everything(open_gateway, open_host, caplog):
    host = open_host()
    host.stop()
    gateway = open_gateway(outbox=host.url)
    gateway.post("One")
    trouble = until(lambda: gateway.view().trouble)
    assert trouble.startswith(f"nobody takes mail at 127.0.0.1:{host.server.port}; trying again ")
    gateway.post("Two")
    time.sleep(0.5)
    assert gateway.list_states() == [ListState.WAITING] * 2
    host.server.start()
    until(lambda: gateway.list_states() == [ListState.SENT] * 2)
    until(lambda: gateway.view().trouble == "")
    told = [record.message for record in caplog.records if "nobody takes mail" in record.message]
    assert len(told) == 1


def test_a_closing_server_refuses_nothing(open_gateway, open_host):
    host = open_host()
    host.to_rcpt.append("421 4.3.2 shutting down")
    gateway = open_gateway(outbox=host.url)
    gateway.post("One")
    until(lambda: gateway.list_states() == [ListState.SENT])
    assert texts_of(host) == ["One"]


def test_a_slow_server_keeps_no_letter_from_coming_in(open_gateway, open_host, tmp_path):
    host = open_host()
    host.slow_s = 2.0
    gateway = open_gateway(outbox=host.url, inbox="mbox:inbox")
    gateway.post("Slow")
    until(lambda: host.greetings)
    (tmp_path / "inbox").write_bytes(b"From a\nFrom: Ana <ana@example.org>\nMessage-ID: <1@a>\n\nwords\n\n")
    until(lambda: [view.text for view in shown(gateway, "letters")] == ["words"])
    assert host.letters == []
    until(lambda: host.letters)
    until(lambda: ListState.SENT in gateway.list_states())


def test_a_server_that_says_nothing_is_given_up(open_gateway, open_host, monkeypatch):
    monkeypatch.setattr(smtp, "LAST_ANSWER_S", 0.5)
    host = open_host()
    host.slow_s = 3.0
    gateway = open_gateway(outbox=host.url)
    gateway.post("One")
    trouble = until(lambda: gateway.view().trouble)
    assert trouble.startswith(f"127.0.0.1:{host.server.port} does not answer; trying again ")


def test_the_end_does_not_wait_for_a_server(open_gateway, open_host):
    host = open_host()
    host.slow_s = 30.0
    gateway = open_gateway(outbox=host.url)
    gateway.post("One")
    until(lambda: host.connections)
    gateway.stop()
    # Whoever waits for the server is left behind, waiting.
    until(lambda: not any(walker._thread.is_alive() for walker in gateway.courier._walkers()))


def test_a_line_that_breaks_in_the_letter_sends_it_again_with_the_same_message_id(open_gateway, open_host):
    host = open_host()
    host.to_data.extend([HANG_UP, TAKE_AND_HANG_UP])
    gateway = open_gateway(outbox=host.url)
    message = gateway.post("One")
    until(lambda: gateway.list_states() == [ListState.SENT])
    # Taken twice: without an inbox nobody can know that the first one arrived.
    assert [mail["Message-ID"] for mail in mails(host)] == [f"<{message.hex()}@miccheck.invalid>"] * 2


@pytest.mark.parametrize(
    ("answers", "is_online"),
    [(["451 later"] * 3, True), (["421 too many"], True), ([HANG_UP], False)],
)
def test_a_server_that_puts_off_is_reached_all_the_same(
    open_gateway, open_host, monkeypatch, answers, is_online
):
    """Whose turn is over waits a minute after it came online; a window of internet may be no longer."""
    monkeypatch.setattr(walker, "RETRY_FIRST_S", 60.0)
    host = open_host()
    host.to_data.extend(answers)
    gateway = open_gateway(outbox=host.url)
    gateway.pump.submit(lambda bench: bench.store.set_meta("paused list camps", 1)).result()
    for n in range(3):
        gateway.post(f"Letter {n}")
    gateway.pump.submit(lambda bench: bench.store.set_meta("paused list camps", None)).result()
    gateway.courier.wake()
    until(lambda: gateway.courier._roads[0]._out.trouble())
    assert (gateway.courier._roads[0]._queue._online_s is not None) is is_online


def test_what_comes_back_from_the_list_is_not_sent_again(open_gateway, open_host, tmp_path, monkeypatch):
    """The line breaks after the server took the letter, the node dies; the inbox says that it arrived."""
    host = open_host()
    host.to_data.append(TAKE_AND_HANG_UP)
    gateway = open_gateway(outbox=host.url, inbox="mbox:inbox")
    gateway.post("Once")
    until(lambda: host.letters)
    until(lambda: "broke the connection off" in gateway.view().trouble)
    gateway.stop()
    (tmp_path / "inbox").write_bytes(b"From a\n" + host.letters[0].replace(b"\r\n", b"\n") + b"\n")
    monkeypatch.setattr("sync.letters.turns.DOUBT_S", 3.0)
    gateway = open_gateway(outbox=host.url, inbox="mbox:inbox")
    until(lambda: gateway.list_states() == [ListState.ON_LIST])
    time.sleep(3.5)
    assert len(host.letters) == 1
    # And the other camps are told, although it never was in the state `sent`.
    until(lambda: gateway.execute("SELECT 1 FROM messages WHERE kind = 9"))


def test_what_does_not_come_back_is_sent_again(open_gateway, open_host, tmp_path, monkeypatch):
    monkeypatch.setattr("sync.letters.turns.DOUBT_S", 0.5)
    host = open_host()
    host.to_data.append(HANG_UP)
    gateway = open_gateway(outbox=host.url, inbox="mbox:inbox")
    gateway.post("One")
    until(lambda: gateway.list_states() == [ListState.SENT])
    assert texts_of(host) == ["One"]


def test_a_crash_while_sending_sends_it_again(open_gateway, open_host, tmp_path):
    host = open_host()
    gateway = open_gateway(outbox=host.url)
    gateway.post("One")
    until(lambda: gateway.view().sent == 1)
    gateway.stop()
    store = Store.open(tmp_path / "board.sqlite3", Identity(bytes([7]) * 32).key)
    with store.transaction():
        store.connection.execute("UPDATE letters_out SET state = 'sending'")
    store.close()
    gateway = open_gateway(outbox=host.url)
    until(lambda: gateway.view().sent == 1)
    first, second = mails(host)
    assert first["Message-ID"] == second["Message-ID"]


def test_a_letter_too_long_for_the_server_is_refused(open_gateway, open_host):
    host = open_host(data_size_limit=1_000)
    gateway = open_gateway(outbox=host.url)
    gateway.post("words " * 300)
    gateway.post("Short")
    until(lambda: gateway.list_states() == [ListState.REFUSED, ListState.SENT])


# -- passwords ------------------------------------------------------------------------------------------


class Login:
    """Knows one password; remembers what it was shown."""

    def __init__(self):
        self.shown = []

    def __call__(self, server, session, envelope, mechanism, data):
        self.shown.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)


def with_user(host):
    return host.url.replace("smtp://", "smtp://north@")


def test_a_password_is_shown_on_this_machine(open_gateway, open_host, tmp_path):
    login = Login()
    host = open_host(authenticator=login, auth_require_tls=False)
    (tmp_path / "password").write_text("right\n")
    gateway = open_gateway(outbox=with_user(host), password_file="password")
    gateway.post("One")
    until(lambda: gateway.list_states() == [ListState.SENT])
    assert login.shown == [(b"north", b"right")]


def test_a_wrong_password_is_one_sentence_without_it(open_gateway, open_host, tmp_path, caplog):
    host = open_host(authenticator=Login(), auth_require_tls=False)
    (tmp_path / "password").write_text("wrong")
    gateway = open_gateway(outbox=with_user(host), password_file="password")
    gateway.post("One")
    trouble = until(lambda: gateway.view().trouble)
    assert "does not take the user and the password: 535" in trouble
    assert "wrong" not in trouble + caplog.text
    assert gateway.list_states() == [ListState.WAITING]


def test_a_password_crosses_no_network_in_the_clear(open_gateway, open_host, tmp_path, monkeypatch):
    monkeypatch.setattr(smtp, "_is_here", lambda _: False)
    login = Login()
    host = open_host(authenticator=login, auth_require_tls=False)
    (tmp_path / "password").write_text("right")
    gateway = open_gateway(outbox=with_user(host), password_file="password")
    gateway.post("One")
    trouble = until(lambda: gateway.view().trouble)
    name = f"127.0.0.1:{host.server.port}"
    assert trouble.startswith(
        f"{name} offers no encryption (STARTTLS): the password is not sent, letters wait; trying again "
    )
    assert login.shown == []
    assert host.letters == []


@pytest.mark.parametrize(
    ("is_encrypted", "says"),
    [
        (False, "offers no encryption (STARTTLS)"),
        (True, "knows no way to log in that this box knows (no AUTH)"),
    ],
)
def test_a_network_that_answers_for_the_server_swallows_no_letter(
    open_gateway, open_host, tmp_path, monkeypatch, is_encrypted, says
):
    """A hotspot takes port 587 for itself, offers nothing, and says 250 to all."""
    monkeypatch.setattr(smtp, "_is_here", lambda _: False)
    authority = Authority(tmp_path)
    host = open_host(tls=authority.server() if is_encrypted else None)
    (tmp_path / "password").write_text("right")
    scheme = "smtps" if is_encrypted else "smtp"
    gateway = open_gateway(
        outbox=f"{scheme}://north@localhost:{host.server.port}",
        password_file="password",
        ca_file=str(authority.file) if is_encrypted else "",
    )
    gateway.post("One")
    assert says in until(lambda: gateway.view().trouble)
    assert gateway.list_states() == [ListState.WAITING]
    assert host.letters == []


@pytest.mark.parametrize("is_here", [True, False])
def test_who_asks_to_join_is_named_to_nobody_on_the_way(open_gateway, open_host, monkeypatch, is_here):
    """On the owner's node requests go with the letters, and name people."""
    monkeypatch.setattr(smtp, "_is_here", lambda _: is_here)
    host = open_host()
    gateway = open_gateway(
        outbox=f"smtp://localhost:{host.server.port}", joining="request", owner_secret_file="owner.key"
    )
    gateway.post("One")
    if is_here:
        assert len(until(lambda: host.letters)) == 1
        return
    assert "who asks to join is not named to it" in until(lambda: gateway.view().trouble)
    assert gateway.list_states() == [ListState.WAITING]
    assert host.letters == []


def test_a_server_that_cannot_show_that_it_is_itself_is_shown_no_password(open_gateway, open_host, tmp_path):
    files = CertificateFiles(tmp_path)
    make_authority(files, "somebody else", NOW_S)
    renew_server(files, (), NOW_S)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server, files.server_key)
    login = Login()
    host = open_host(authenticator=login, tls_context=context)
    (tmp_path / "password").write_text("right")
    gateway = open_gateway(outbox=with_user(host), password_file="password")
    gateway.post("One")
    trouble = until(lambda: gateway.view().trouble)
    assert "cannot show that it is itself" in trouble
    assert login.shown == []
    assert host.letters == []


@pytest.mark.parametrize(
    ("content", "template"),
    [
        (None, words.PASSWORD_MISSING),
        (b"\n", words.PASSWORD_EMPTY),  # no login with nothing
        (b"\xff\xfe", words.PASSWORD_NO_TEXT),
    ],
)
def test_a_password_file_that_is_no_good_is_named(open_gateway, open_host, tmp_path, content, template):
    file = tmp_path / "secrets" / "list.password"
    file.parent.mkdir()
    if content is not None:
        file.write_bytes(content)
    host = open_host(authenticator=Login(), auth_require_tls=False)
    gateway = open_gateway(outbox=with_user(host), password_file="secrets/list.password")
    gateway.post("One")
    trouble = until(lambda: gateway.view().trouble)
    assert trouble.startswith(f"{template % {'file': file}}; trying again")
    assert host.greetings == []


# -- words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "server", "sender"),
    [
        ("smtp://mail.example.org", MailServer("mail.example.org", 25, ""), ""),
        ("smtp://ana@mail.example.org", MailServer("mail.example.org", 587, "ana"), "ana@mail.example.org"),
        ("smtp://a%40b.org@[::1]:2525", MailServer("::1", 2525, "a@b.org"), "a@b.org"),
    ],
)
def test_servers(url, server, sender):
    assert parse_smtp(url) == server
    assert server.sender() == sender


@pytest.mark.parametrize(
    "url",
    ["smtp:", "smtp://", "smtp://:25", "smtp://h:99999", "smtp://h:x", "smtp://h?x", "smtp://h#x", "smtp://a%0d%0ab@h",
     "imap://h", "h:25", "smtp://h h", "smtp://hé", "smtp://u:p@h"],
)  # fmt: skip
def test_no_servers(url):
    with pytest.raises(ValueError, match="smtp://user@host:587"):
        parse_smtp(url)


def test_what_a_server_says_is_one_short_line_without_addresses():
    assert said(550, "5.1.1 <ana@example.org>: unknown\nin relay table\x00") == (
        "550 5.1.1 <[…@…]>: unknown in relay table"
    )
    assert len(said(550, "x" * 5_000)) < 200


def test_every_fault_of_a_line_is_a_sentence():
    server = MailServer("mail.example.org", 25, "")
    faults: list[SMTPException | OSError] = [
        OSError(),
        ConnectionResetError(),
        TimeoutError(),
        SMTPException("?"),
        ssl.SSLError(),
    ]
    for fault in faults:
        assert "mail.example.org:25" in sentence_of(fault, server)
