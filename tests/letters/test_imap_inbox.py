"""A mailbox by IMAP: told of news, read once whatever happens to the line, and left as it was."""

from datetime import timedelta
from random import Random

import pytest

from node import imap, imap_inbox, walker
from sync.views import ListState
from tests.letters.authority import Authority
from tests.letters.gateway import shown, until
from tests.letters.imap_host import ImapHost
from web_ui import mail_words as words


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(walker, "RETRY_FIRST_S", 0.1)
    monkeypatch.setattr(walker, "RETRY_MAX_S", 0.2)
    monkeypatch.setattr(imap_inbox, "POLL_S", 0.1)


@pytest.fixture
def open_imap():
    opened = []

    def open_(**options):
        opened.append(ImapHost(**options))
        return opened[-1]

    yield open_
    for host in opened:
        host.stop()


@pytest.fixture
def open_reader(open_gateway, tmp_path):
    """A camp that reads the mailbox at a host."""

    def open_(host, password="right", **options):
        (tmp_path / "password").write_text(password)
        url = options.pop("inbox", host.url)
        return open_gateway(inbox=url, password_file="password", **options)

    return open_


def letter(n, size=0, subject="", head=""):
    body = "words\r\n" + ("x" * 70 + "\r\n") * (size // 72)
    return (
        f"From: Ana <ana@example.org>\r\nSubject: {subject or f's{n}'}\r\nMessage-ID: <{n}@example.org>\r\n"
        "List-Id: <camps.lists.example.org>\r\nList-Post: <mailto:camps@lists.example.org>\r\n"
        f"{head}\r\n{body}"
    ).encode()


def texts(gateway):
    return sorted(view.text.partition("\n")[0] for view in shown(gateway, "letters"))


def test_news_comes_by_idle(open_imap, open_reader):
    host = open_imap()
    host.put(letter(0), letter(1))
    gateway = open_reader(host)
    until(lambda: texts(gateway) == ["s0", "s1"])
    until(lambda: host.idling)
    host.put(letter(2))
    until(lambda: texts(gateway) == ["s0", "s1", "s2"])
    assert host.logins == 1
    assert {command.split()[0] for command in host.commands} <= {
        "CAPABILITY", "LOGIN", "EXAMINE", "NOOP", "SEARCH", "FETCH", "IDLE"
    }  # fmt: skip
    assert all("PEEK" in command or "SIZE" in command for command in host.commands if "FETCH" in command)
    until(lambda: gateway.view().taken_in == 3)
    assert gateway.view().trouble == ""


def test_a_server_without_idle_is_asked(open_imap, open_reader):
    host = open_imap(capabilities=b"")
    gateway = open_reader(host)
    until(lambda: host.logins)
    host.put(letter(0))
    until(lambda: texts(gateway) == ["s0"])
    assert "IDLE" not in host.commands


def test_a_server_that_offers_idle_and_refuses_it_is_asked(open_imap, open_reader):
    host = open_imap()
    host.answers["IDLE"] = b"BAD not today"
    host.answers["DONE"] = b"BAD what?"
    gateway = open_reader(host)
    until(lambda: host.logins)
    host.put(letter(0))
    until(lambda: texts(gateway) == ["s0"])
    assert gateway.view().trouble == ""


def test_news_before_the_server_says_that_it_idles(open_imap, open_reader):
    host = open_imap()
    host.before["IDLE"] = [b"* 1 RECENT"]
    gateway = open_reader(host)
    until(lambda: "IDLE" in host.commands)
    host.put(letter(0))
    until(lambda: texts(gateway) == ["s0"])
    assert host.logins == 1


def test_after_a_restart_only_what_is_new_is_fetched(open_imap, open_reader):
    host = open_imap()
    host.put(*(letter(n) for n in range(40)))
    gateway = open_reader(host)
    until(lambda: len(texts(gateway)) == 40)
    gateway.stop()
    host.commands.clear()
    host.put(letter(40))
    again = open_reader(host)
    until(lambda: len(texts(again)) == 41)
    assert [c for c in host.commands if c.startswith("FETCH") and "PEEK" in c] == [
        "FETCH 41 (UID BODY.PEEK[]<0.1048576>)"
    ]


def test_a_folder_that_was_made_anew_is_read_from_the_beginning_and_nothing_doubles(open_imap, open_reader):
    host = open_imap()
    host.put(letter(0), letter(1))
    gateway = open_reader(host)
    until(lambda: len(texts(gateway)) == 2)
    host.begin_again(validity=2)
    host.put(letter(2))
    until(lambda: len(texts(gateway)) == 3)
    until(lambda: host.idling)
    assert texts(gateway) == ["s0", "s1", "s2"]
    assert any(command == "SEARCH UID 1:*" for command in host.commands[-20:])


def test_of_a_long_backlog_the_newest_are_taken(open_imap, open_reader, monkeypatch):
    monkeypatch.setattr("node.inbox.LETTERS_MAX", 30)
    host = open_imap()
    host.put(*(letter(n) for n in range(50)))
    gateway = open_reader(host)
    until(lambda: len(texts(gateway)) == 30)
    assert "s19" not in texts(gateway)
    assert "s20" in texts(gateway)
    until(lambda: gateway.view().left_out == 20)


def test_of_a_letter_that_is_too_long_the_beginning_is_fetched(open_imap, open_reader):
    host = open_imap()
    host.put(letter(0, size=3_000_000), letter(1))
    gateway = open_reader(host)
    until(lambda: texts(gateway) == ["s0", "s1"])
    assert "FETCH 1 (UID BODY.PEEK[]<0.65536>)" in host.commands


def test_a_server_that_sends_what_was_not_asked_for_is_given_up(open_imap, open_reader, monkeypatch):
    host = open_imap()
    host.put(letter(0))
    host.before["FETCH"] = [b"* 1 FETCH (UID 1 BODY[] {9999999999}"]
    gateway = open_reader(host)
    until(lambda: "does not speak IMAP as it should" in gateway.view().trouble)


@pytest.mark.parametrize(
    "line", [b"* 1 FETCH (UID 1 BODY[] {500000}\r\n" + bytes(500_000) + b")", b"* OK " + b"words " * 100_000]
)
def test_a_server_that_does_not_end_is_given_up(open_imap, open_reader, line):
    """Each answer is allowed by itself, and there is no last one."""
    host = open_imap()
    host.put(letter(0))
    host.before["FETCH"] = [line] * 20
    gateway = open_reader(host)
    until(lambda: "does not speak IMAP as it should" in gateway.view().trouble)


def test_a_mailbox_is_as_large_as_it_likes(open_imap, open_reader, monkeypatch):
    """UIDs come on one line, and a line has a limit: 1,000,000 bytes, here 250."""
    monkeypatch.setattr("imaplib._MAXLINE", 250)
    monkeypatch.setattr(imap, "PART_LETTERS", 30)
    host = open_imap()
    host.put(*(letter(n) for n in range(100)))
    gateway = open_reader(host)
    until(lambda: len(texts(gateway)) == 100)
    searches = [each for each in host.commands if each.startswith("SEARCH")]
    assert searches[:4] == [f"SEARCH {part} UID 1:*" for part in ("71:*", "41:70", "11:40", "1:10")]
    host.commands.clear()
    host.put(letter(100))
    until(lambda: "s100" in texts(gateway))
    assert {"SEARCH 72:* UID 101:*", "SEARCH 71:* UID 101:*"} & set(host.commands)


def test_what_a_person_agreed_to_only_comes_in(open_imap, open_reader):
    host = open_imap()
    host.put(letter(0))
    gateway = open_reader(host, agreed_by="", agreed_on=None)
    until(lambda: host.idling)
    assert texts(gateway) == []


def test_a_copy_of_our_own_is_seen_without_agreement(open_imap, open_reader, open_host):
    smtp_host, host = open_host(), open_imap()
    gateway = open_reader(host, outbox=smtp_host.url, agreed_by="", agreed_on=None)
    gateway.post("Once")
    until(lambda: smtp_host.letters)
    host.put(smtp_host.letters[0])
    until(lambda: gateway.list_states() == [ListState.ON_LIST])


def test_the_end_does_not_wait_for_a_server(open_imap, open_reader):
    host = open_imap()
    gateway = open_reader(host)
    until(lambda: host.idling)
    gateway.stop()
    # Whoever waits for the server is left behind, waiting.
    until(lambda: not any(walker._thread.is_alive() for walker in gateway.courier._walkers()))


def test_a_folder_of_its_own_and_a_password_beyond_ascii(open_imap, open_reader):
    host = open_imap(folder="Listas/Caf&AOk-", password="contraseña")
    host.put(letter(0))
    gateway = open_reader(host, password="contraseña", inbox=f"{host.url}/Listas%2FCaf%C3%A9")
    until(lambda: texts(gateway) == ["s0"])
    assert not any("contrase" in command for command in host.commands)


def test_a_full_mailbox_is_told_before_it_matters(open_imap, open_reader):
    host = open_imap(capabilities=b"IDLE QUOTA")
    host.put(letter(0))
    gateway = open_reader(host)
    until(lambda: texts(gateway) == ["s0"])
    until(lambda: "the camp's mailbox at" in gateway.view().trouble)
    assert "99 %" in gateway.view().trouble


def test_where_bytes_cost_letters_are_cut_and_digests_whole(open_imap, open_reader, monkeypatch):
    monkeypatch.setattr(imap_inbox, "POLL_METERED_S", 0.1)
    host = open_imap()
    host.put(
        letter(0, size=100), letter(1, size=50_000), letter(2, size=60_000, subject="camps Digest, Vol 1")
    )
    gateway = open_reader(host, metered=True)
    until(lambda: "FETCH 2 (UID BODY.PEEK[]<0.8192>)" in host.commands)
    until(lambda: "s1" in texts(gateway))
    assert "FETCH 2,3 (UID BODY.PEEK[HEADER]<0.65536>)" in host.commands
    assert "FETCH 3 (UID BODY.PEEK[]<0.1048576>)" in host.commands
    host.put(letter(3))
    until(lambda: "s3" in texts(gateway))
    assert host.logins > 1  # no line is kept open for an hour
    assert "IDLE" not in host.commands


# -- encryption -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize("how", ["tls", "starttls"])
def test_by_tls_with_an_authority_of_its_own(open_imap, open_reader, authority, how):
    host = open_imap(**{how: authority.server()})
    gateway = open_reader(host, ca_file=str(authority.file))
    host.put(letter(0))
    until(lambda: texts(gateway) == ["s0"])
    until(lambda: host.idling)
    host.put(*(letter(n) for n in range(1, 60)))  # more than a buffer of TLS
    until(lambda: len(texts(gateway)) == 60)


@pytest.mark.parametrize("how", ["tls", "starttls"])
@pytest.mark.parametrize(
    ("certificate", "template"),
    [
        ({"name": "mail.elsewhere.example"}, words.TLS_NAME),
        ({"ends": timedelta(minutes=-1)}, words.TLS_EXPIRED),
        ({"begins": timedelta(hours=1)}, words.TLS_EARLY),
    ],
)
def test_a_server_that_is_not_itself_is_shown_no_password(
    open_imap, open_reader, authority, how, certificate, template
):
    host = open_imap(**{how: authority.server(**certificate)})
    gateway = open_reader(host, ca_file=str(authority.file))
    trouble = until(lambda: gateway.view().trouble)
    assert trouble.startswith(template % {"server": f"localhost:{host.port}"})
    assert host.logins == 0


def test_an_authority_that_nobody_knows(open_imap, open_reader, authority):
    host = open_imap(tls=authority.server())
    gateway = open_reader(host)
    trouble = until(lambda: gateway.view().trouble)
    assert "nobody whom this box trusts signed its certificate" in trouble


def test_encryption_where_there_is_none(open_imap, open_reader, monkeypatch):
    host = open_imap()
    gateway = open_reader(host, inbox=host.url.replace("imap:", "imaps:"))
    trouble = until(lambda: gateway.view().trouble)
    assert trouble.startswith(f"localhost:{host.port} does not begin with encryption: write imap://")
    gateway.stop()
    monkeypatch.setattr(imap, "_is_here", lambda _: False)
    gateway = open_reader(host)
    trouble = until(lambda: gateway.view().trouble)
    assert "offers no encryption (STARTTLS): the password is not sent" in trouble
    assert host.logins == 0


# -- words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "answer", "template"),
    [
        ("LOGIN", b"NO [AUTHENTICATIONFAILED] Invalid credentials", words.WRONG_PASSWORD),
        ("LOGIN", b"NO [ALERT] Your account is not enabled for IMAP use.", words.IMAP_OFF),
        ("LOGIN", b"NO [ALERT] Application-specific password required", words.APP_PASSWORD),
        ("LOGIN", b"NO [UNAVAILABLE] Temporary authentication failure.", words.LOGIN_LATER),
        ("LOGIN", b"NO [LIMIT] Too many simultaneous connections.", words.TOO_MANY),
        ("EXAMINE", b"NO [NONEXISTENT] Unknown Mailbox", words.NO_FOLDER),
        ("SEARCH", b"NO [SERVERBUG] of n.n@example.org", words.SAYS),
    ],
)
def test_what_the_server_refuses_is_a_sentence(open_imap, open_reader, caplog, command, answer, template):
    host = open_imap()
    host.answers[command] = answer
    gateway = open_reader(host)
    trouble = until(lambda: gateway.view().trouble)
    assert trouble.startswith(template.partition("%(said)s")[0] % {"server": f"localhost:{host.port}"})
    assert "example.org" not in trouble + caplog.text
    assert "right" not in trouble + caplog.text


@pytest.mark.parametrize(
    ("greeting", "template"), [(b"* BYE closed for today", words.BAD_IMAP), (b"220 ESMTP", words.BAD_IMAP)]
)
def test_what_is_no_mailbox_is_a_sentence(open_imap, open_reader, greeting, template):
    host = open_imap()
    host.answers["GREETING"] = greeting
    gateway = open_reader(host)
    trouble = until(lambda: gateway.view().trouble)
    assert trouble.startswith(template % {"server": f"localhost:{host.port}"})


def test_a_password_that_is_missing_is_named(open_imap, open_gateway, tmp_path):
    host = open_imap()
    gateway = open_gateway(inbox=host.url, password_file="secrets/in")
    trouble = until(lambda: gateway.view().trouble)
    assert trouble.startswith(f"the password file {tmp_path}/secrets/in is not there")


# -- the line breaks ------------------------------------------------------------------------------------


OF_CUTS = [pytest.param(tls, seed, marks=pytest.mark.full) for tls in (False, True) for seed in range(1, 3)]


@pytest.mark.parametrize(("tls", "seed"), [(False, 0), (True, 0), *OF_CUTS])
def test_a_line_that_breaks_at_any_byte_loses_and_doubles_nothing(
    open_imap, open_reader, authority, tls, seed
):
    """The real node against a server that hangs up after so many bytes, again and again."""
    random = Random(seed)
    host = open_imap(tls=authority.server() if tls else None)
    host.put(*(letter(n, size=400 * (n % 4)) for n in range(30)))
    host.cuts = [random.randrange(1, 15_000) for _ in range(4)]
    gateway = open_reader(host, ca_file=str(authority.file) if tls else "")
    until(lambda: len(texts(gateway)) == 30)
    until(lambda: host.idling)
    assert texts(gateway) == sorted(f"s{n}" for n in range(30))
    assert gateway.execute("SELECT count(*) FROM letters_in") == [(30,)]


@pytest.mark.full
@pytest.mark.parametrize("cut", range(1, 4_000, 61))
def test_a_line_that_breaks_at_this_byte(open_imap, open_reader, cut):
    host = open_imap()
    host.put(*(letter(n, size=300) for n in range(4)))
    host.cuts = [cut]
    gateway = open_reader(host)
    until(lambda: len(texts(gateway)) == 4)
    assert gateway.execute("SELECT count(*) FROM letters_in") == [(4,)]
