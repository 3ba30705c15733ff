"""`miccheck doctor`: a well camp, each thing that can be wrong with one, and boards that are set up."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import sqlite3
import sys
import threading
from contextlib import closing
from dataclasses import dataclass

import pytest
from aiosmtpd.smtp import AuthResult

from node.cli import main
from node.doctor import boards, box
from node.doctor.table import CHECKS
from node.owner_key_file import write_secret_key
from tests.letters.authority import Authority
from tests.letters.gateway import MailHost
from tests.letters.imap_host import ImapHost
from tests.radio.board import Bench
from tests.radio.test_board_admin import in_a_bad_way


@dataclass
class Done:
    code: int
    out: str
    err: str

    def findings(self):
        """Verdict and what is said, by check; the last of each check."""
        return {each["check"]: (each["verdict"], each["says"]) for each in json.loads(self.out)["checks"]}

    def verdicts(self, check):
        return [each["verdict"] for each in json.loads(self.out)["checks"] if each["check"] == check]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doctor") / "camp"
    argv, sys.argv = sys.argv, ["miccheck", "init", str(folder)]
    try:
        with pytest.raises(SystemExit):
            main()
    finally:
        sys.argv = argv
    return folder


@pytest.fixture
def home(made, tmp_path):
    return shutil.copytree(made, tmp_path / "camp")


@pytest.fixture
def doctor(home, monkeypatch, capsys):
    """Run it on the camp; words with a dash are options, the rest goes into the settings."""
    for variable in ("PORT", "TLS_PORT"):
        monkeypatch.setenv(f"MICCHECK__WEB__{variable}", "0")
    monkeypatch.setattr(boards, "LOOK_AGAIN_S", 0.05)
    clean = (home / "miccheck.toml").read_text()

    def run(*options, settings=""):
        (home / "miccheck.toml").write_text(clean + settings)
        monkeypatch.setattr(sys, "argv", ["miccheck", "doctor", str(home), *options])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Done(end.value.code, said.out, said.err)

    return run


def test_a_camp_that_is_well(doctor):
    done = doctor("--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["well"] is True
    assert {verdict for verdict, _ in done.findings().values()} == {"ok", "skip"}
    table = doctor()
    assert table.code == 0
    assert table.out.splitlines()[0].startswith("ok    settings")
    assert "→" not in table.out


def test_every_check_has_a_name_and_says_what_it_looks_at():
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(check.looks_at for check in CHECKS)


@pytest.mark.parametrize("name", ["", "camp.key", "secrets", "secrets/authority.key", "board.sqlite3"])
def test_what_others_can_read(doctor, home, name):
    (home / name).chmod(0o755)
    done = doctor("--json")
    assert done.code == 1
    assert done.findings()["folder"][0] == "bad"
    assert f"chmod go-rwx {home / name}".rstrip("/") in done.out.replace("\\/", "/")


def test_a_key_that_is_none(doctor, home):
    (home / "camp.key").write_text("nonsense")
    assert doctor("--json").findings()["key"][0] == "bad"


@pytest.mark.parametrize(("bad", "warn", "verdict"), [(1 << 60, 1 << 61, "bad"), (1, 1 << 60, "warn")])
def test_a_disk_that_is_full(doctor, monkeypatch, bad, warn, verdict):
    monkeypatch.setattr(box, "ROOM_BAD_BYTES", bad)
    monkeypatch.setattr(box, "ROOM_WARN_BYTES", warn)
    done = doctor("--json")
    assert (done.code, done.findings()["disk"][0]) == (1, verdict)


def test_a_board_file_with_holes(doctor, home):
    with closing(sqlite3.connect(home / "board.sqlite3")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for damage in (b"junk" * 3_000, b"no database at all"):
        with (home / "board.sqlite3").open("r+b") as file:
            file.seek(8_192 if len(damage) > 100 else 0)
            file.write(damage)
        done = doctor("--json")
        assert done.findings()["board"][0] == "bad"
        assert done.out.count("\n") == 1


def test_a_port_that_is_taken(doctor, monkeypatch):
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        monkeypatch.setenv("MICCHECK__WEB__PORT", str(other.getsockname()[1]))
        verdict, says = doctor("--json").findings()["ports"]
    assert verdict == "bad"
    assert "[web] port" in says


def test_a_clock_and_a_certificate_from_another_age(doctor, home, monkeypatch):
    monkeypatch.setenv("MICCHECK__CLOCK__OFFSET_S", str(20 * 365 * 86_400))
    assert doctor("--json").findings()["certificate"][0] == "bad"
    monkeypatch.setenv("MICCHECK__CLOCK__OFFSET_S", str(390 * 86_400))
    assert doctor("--json").findings()["certificate"][0] == "warn"
    monkeypatch.delenv("MICCHECK__CLOCK__OFFSET_S")
    (home / "secrets" / "server.pem").unlink()
    assert doctor("--json").findings()["certificate"][0] == "warn"
    (home / "secrets" / "authority.pem").write_text("torn")
    assert doctor("--json").findings()["certificate"][0] == "bad"


def test_a_certificate_that_was_given(doctor, monkeypatch):
    words = '\n[web]\ncertificate = "{}"\ncertificate_key = "secrets/server.key"\n'
    assert doctor("--json", settings=words.format("secrets/server.pem")).findings()["certificate"] == (
        "ok",
        "the given one fits its key and is valid",
    )
    for name in ("secrets/authority.pem", "nowhere.pem", "camp.key"):
        assert doctor("--json", settings=words.format(name)).findings()["certificate"][0] == "bad"
    monkeypatch.setenv("MICCHECK__CLOCK__OFFSET_S", str(900 * 86_400))
    verdict, says = doctor("--json", settings=words.format("secrets/server.pem")).findings()["certificate"]
    assert (verdict, "expired" in says) == ("bad", True)


LIST = '\n[[list]]\nname = "squares"\naddress = "a@example.org"\n'
AGREED = 'agreed_by = "Ana"\nagreed_on = 2026-11-23\n'


@pytest.mark.parametrize(
    ("words", "row", "verdict", "says"),
    [
        ('outbox = "maildir:out"', ", out", "ok", "can be written"),
        ('outbox = "maildir:/nowhere/out"', ", out", "bad", "nothing can be written"),
        ('inbox = "maildir:in"', ", in", "ok", "is there"),
        ('inbox = "maildir:nowhere"', ", in", "warn", "is not there"),
        ('inbox = "maildir:secrets"', ", in", "bad", "no maildir"),
        ('inbox = "mbox:camp.key"', ", in", "ok", "is there"),
        ('inbox = "maildir:in"', "", "warn", "nobody of the list has agreed"),
        (f'{AGREED}inbox = "maildir:in"', "", "ok", "agreed by Ana on 2026-11-23"),
        ('outbox = "maildir:out"', "", "ok", "nothing comes in"),
        ('outbox = "maildir:/nowhere/out"\nstopped = true', "", "ok", "stopped"),
        ('outbox = "smtp://c@127.0.0.1:1"\npassword_file = "pass"', ", out", "warn", "nobody takes mail at"),
        ('outbox = "maildir:out"\npassword_file = "missing"', "", "bad", "cannot be read"),
        ('outbox = "maildir:out"\npassword_file = "empty"', "", "bad", "no password in"),
        ('outbox = "maildir:out"\npassword_file = "open"', "", "bad", "others on this machine"),
        ('outbox = "smtps://127.0.0.1:1"\nca_file = "pass"', ", out", "bad", "the ca_file"),
    ],
)
def test_mailing_lists(doctor, home, words, row, verdict, says):
    (home / "in" / "new").mkdir(parents=True)
    for name, text in (("pass", "secret"), ("empty", "\n"), ("open", "secret")):
        (home / name).write_text(text)
        (home / name).chmod(0o644 if name == "open" else 0o600)
    found = doctor("--json", settings=LIST + words).findings()[f"list squares{row}"]
    assert found[0] == verdict
    assert says in found[1]


@pytest.mark.parametrize(
    ("words", "verdict", "says"),
    [
        ('owner_key = "{public}"', "ok", "people can be registered"),
        ('owner_key = "{public}"\nowner_secret_file = "own.key"', "ok", "people can be registered"),
        ('owner_key = "{other}"\nowner_secret_file = "own.key"', "bad", "does not open what is sealed"),
        ('owner_secret_file = "open.key"', "bad", "others on this machine"),
        ('owner_secret_file = "camp.key"', "bad", "not the file of an owner's key"),
        ('owner_secret_file = "missing.key"', "bad", "No such file"),
    ],
)
def test_the_key_of_a_lists_owner(doctor, home, words, verdict, says):
    public = write_secret_key(home / "own.key", bytes(range(32)))
    other = write_secret_key(home / "open.key", bytes(range(1, 33)))
    (home / "open.key").chmod(0o644)
    found = doctor("--json", settings=LIST + words.format(public=public, other=other)).findings()
    assert found["list squares, joining"][0] == verdict
    assert says in found["list squares, joining"][1]


def test_a_mail_server_is_asked_up_to_where_a_letter_would_begin(doctor, home, tmp_path):
    authority = Authority(tmp_path)
    logins = []

    def log_in(server, session, envelope, mechanism, data):
        logins.append(data.password)
        return AuthResult(success=data.password == b"right", handled=False)

    smtp = MailHost(authenticator=log_in, tls_context=authority.server())
    imap = ImapHost(tls=authority.server())
    imap.put(b"Subject: s\r\n\r\nwords\r\n")
    words = (
        f'{LIST}{AGREED}outbox = "smtp://north@localhost:{smtp.server.port}"\ninbox = "{imap.url}"\n'
        f'password_file = "pass"\nca_file = "{authority.file}"\n'
    )
    (home / "pass").write_text("right")
    (home / "pass").chmod(0o600)
    try:
        found = doctor("--json", settings=words).findings()
        assert found["list squares, out"] == (
            "ok",
            f"localhost:{smtp.server.port} answers, by TLS, and takes the password",
        )
        assert found["list squares, in"] == (
            "ok",
            f"localhost:{imap.port} answers, by TLS, and takes the password, "
            "INBOX has 1 letter, and it tells of news",
        )
        (home / "pass").write_text("wrong")
        found = doctor("--json", settings=words).findings()
        for way in ("in", "out"):
            verdict, says = found[f"list squares, {way}"]
            assert verdict == "bad"
            assert "does not take the user and the password" in says
        (home / "pass").write_text("right")
        found = doctor("--json", settings=words.replace(imap.url, f"{imap.url}/Elsewhere")).findings()
        assert "has no folder of that name" in found["list squares, in"][1]
    finally:
        smtp.stop()
        imap.stop()
    assert smtp.letters == []
    assert not any(command.startswith("FETCH") for command in imap.commands)


@pytest.mark.parametrize(
    ("words", "verdict", "says"),
    [
        ('kind = "ip"\nurl = "http://127.0.0.1:1"', "warn", "refused"),
        ('kind = "ip"\nurl = "http://no-such-host.invalid"', "warn", "no such host"),
        ('kind = "ip"\nurl = "https://127.0.0.1:1"', "warn", "refused"),
        (
            'kind = "ip"\nurl = "https://127.0.0.1:1"\ncertificate = "missing.pem"',
            "warn",
            "certificate",
        ),
        ('kind = "air"\naddress = "127.0.0.1:1"', "bad", "refused"),
        ('kind = "modem"\ndevice = "/dev/nowhere"', "bad", "is not there"),
        ('kind = "modem"\ndevice = "/etc/passwd"', "bad", "no serial line"),
        ('kind = "modem"\ndevice = "/dev/null"', "bad", "no serial line"),
        ('kind = "modem"\ndevice = "/dev"', "bad", "no serial line"),
        ('kind = "udp"\ninterface = "lo"', "bad", "no multicast"),
        ('kind = "udp"\ninterface = "wlan99"', "bad", "no interface"),
        ('kind = "ip"\nurl = "http://127.0.0.1:1"\nstopped = true', "skip", "stopped"),
    ],
)
def test_links(doctor, words, verdict, says):
    done = doctor("--json", settings=f"\n[[link]]\n{words}\n")
    kind = words.split('"')[1]
    name = f"link {kind}-1"
    assert done.findings()["settings"][1].endswith("is right: 1 link, 0 lists")
    assert done.findings()[name][0] == verdict
    assert says in done.findings()[name][1]


def test_a_modem_is_opened_as_its_road_would(doctor):
    master, slave = os.openpty()
    line = f'\n[[link]]\nkind = "modem"\ndevice = "{os.ttyname(slave)}"\n'
    verdict, says = doctor("--json", settings=line).findings()["link modem-1"]
    assert (verdict, "can be opened" in says) == ("ok", True)
    fcntl.flock(slave, fcntl.LOCK_EX | fcntl.LOCK_NB)
    verdict, says = doctor("--json", settings=line).findings()["link modem-1"]
    assert (verdict, "cannot be opened" in says) == ("bad", True)
    os.set_blocking(master, False)
    with pytest.raises(BlockingIOError):
        os.read(master, 1)  # nothing was sent
    os.close(master)
    os.close(slave)


def test_what_answers_at_a_neighbours_address_is_no_camp(doctor):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def answer():
            for said in (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b"\x16\x03\x01 noise"):
                peer, _ = server.accept()
                with peer:
                    peer.recv(1_000)
                    peer.sendall(said)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        words = f'\n[[link]]\nkind = "ip"\nurl = "http://127.0.0.1:{server.getsockname()[1]}"\n'
        assert "no Mic Check: status 404" in doctor("--json", settings=words).out
        assert "speaks something else" in doctor("--json", settings=words).out
        thread.join()


class TestBoards:
    """Against the fake board, through the real library."""

    @pytest.fixture
    def bench(self, tmp_path):
        with Bench(tmp_path / "bench") as bench:
            yield bench

    @staticmethod
    def link(board, *words):
        return "\n".join(["\n[[link]]", 'kind = "meshtastic"', f'host = "{board.host}"', *words, ""])

    def test_a_board_that_is_set_up_is_well(self, doctor, bench):
        board = bench.board(tcp=True, preset="LONG_FAST", region="EU_868")
        done = doctor("--json", settings=self.link(board))
        assert done.code == 0, done.out
        verdict, says = done.findings()["board meshtastic-1"]
        assert verdict == "ok"
        assert says.endswith("EU_868, LONG_FAST, CLIENT")

    def test_what_would_change_is_shown_and_changed_only_when_told(self, doctor, bench, home, monkeypatch):
        board = bench.board(tcp=True, channel=None)
        board.do(in_a_bad_way)
        words = self.link(board, 'region = "EU_868"', 'preset = "LONG_FAST"')
        shown = doctor(settings=words)
        assert shown.code == 1
        for sentence in (
            "would change: add the private channel miccheck",
            "would change: set the region to EU_868 (it is UNSET)",
            "would change: set the role to CLIENT (it is ROUTER",
            "would change: set the signature policy to BALANCED (STRICT",
            "would change: switch its Bluetooth off",
            "would change: switch its connection to the internet (MQTT) off",
        ):
            assert sentence in shown.out
        assert board.do(lambda firmware: firmware.starts) == 1

        monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
        nobody = doctor("--apply", settings=words)
        assert (nobody.code, board.do(lambda firmware: firmware.starts)) == (1, 1)
        assert "add --yes" in nobody.err

        done = doctor("--apply", "--yes", "--json", settings=words)
        assert done.code == 0, done.out
        assert board.do(lambda firmware: firmware.starts) == 2
        assert doctor("--json", settings=words).code == 0
        kept = (home / "boards.json").read_text()
        assert (home / "boards.json").stat().st_mode & 0o777 == 0o600
        assert json.loads(kept)[board.host]["region"] == "EU_868"
        channel = board.do(lambda firmware: bytes(firmware.channels[1].settings.psk))
        assert channel.hex() not in kept

    @pytest.mark.parametrize("answer", ["y", "n"])
    def test_a_person_is_asked(self, doctor, bench, monkeypatch, answer):
        board = bench.board(tcp=True, channel=None, preset="LONG_FAST", region="EU_868")
        monkeypatch.setattr("node.commands.doctor.sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("click.confirm", lambda *_, **__: answer == "y")
        done = doctor("--apply", settings=self.link(board))
        assert "add the private channel miccheck" in done.err
        assert done.code == (0 if answer == "y" else 1)
        assert board.do(lambda firmware: firmware.starts) == (2 if answer == "y" else 1)

    def test_what_changed_since(self, doctor, bench):
        board = bench.board(tcp=True, preset="LONG_FAST", region="EU_868")
        words = self.link(board)
        assert doctor("--apply", "--yes", settings=words).code == 0
        assert board.do(lambda firmware: firmware.starts) == 1  # nothing had to change
        board.do(lambda firmware: firmware.config["lora"].__setattr__("channel_num", 7))
        done = doctor("--json", settings=words)
        assert done.code == 1
        assert "frequency_slot was 0, is 7" in done.out
        assert "frequency slot 7" in done.out
        board.do(lambda firmware: setattr(firmware.channels[0].settings, "name", "Norte"))
        assert "channel 0 was" in doctor("--json", settings=words).out

    def test_where_the_radio_is_only_a_person_can_say(self, doctor, bench):
        board = bench.board(tcp=True, channel=None, preset="LONG_FAST", region="UNSET")
        words = self.link(board)
        for options in ((), ("--apply", "--yes"), ()):
            done = doctor(*options, settings=words)
            assert done.code == 1
            assert "The board's region is not set." in done.out
            assert 'region = "EU_868" or another' in done.out
        assert "would change" not in done.out
        assert doctor("--apply", "--yes", settings=self.link(board, 'region = "EU_868"')).code == 0

    @pytest.mark.parametrize(
        ("region", "preset", "words"),
        [
            ("EU_868", "SHORT_TURBO", []),
            ("US", "SHORT_TURBO", ['region = "EU_868"']),
            ("EU_868", "SHORT_FAST", ['preset = "SHORT_TURBO"']),
        ],
    )
    def test_no_board_is_set_to_what_its_region_forbids(self, doctor, bench, region, preset, words):
        board = bench.board(tcp=True, channel=None, region=region, preset=preset)
        shown = doctor(settings=self.link(board, *words))
        assert "not allowed in its region" in shown.out
        assert '→ say a preset that is allowed there in its [[link]], preset = "SHORT_FAST"' in shown.out
        done = doctor("--apply", "--yes", settings=self.link(board, *words))
        assert (done.code, "was set up" in done.out) == (1, False)
        assert "Nothing was changed" in done.err
        assert board.do(lambda firmware: firmware.starts) == 1

    def test_firmware_made_for_an_event(self, doctor, bench):
        board = bench.board(tcp=True, channel=None, preset="LONG_FAST", region="EU_868")
        board.do(lambda firmware: setattr(firmware.my_info, "firmware_edition", 1))
        done = doctor(settings=self.link(board))
        assert "firmware made for an event" in done.out
        assert "would change: add the private channel" in done.out

    def test_firmware_that_is_too_old(self, doctor, bench):
        board = bench.board(tcp=True, preset="LONG_FAST", region="EU_868", version="2.7.14.abcdef")
        done = doctor("--json", settings=self.link(board))
        assert done.code == 1
        assert "2.7.14" in done.out
        assert "flash 2.7.15 or later" in done.out

    def test_nobody_there(self, doctor, bench):
        board = bench.board(tcp=True, plugged=False)
        done = doctor("--json", settings=self.link(board))
        assert done.findings()["board meshtastic-1"][0] == "bad"
        assert ("its Wi-Fi is on" in done.out, "USB" in done.out) == (True, False)
        done = doctor("--json", settings='\n[[link]]\nkind = "meshtastic"\ndevice = "/dev/nowhere"\n')
        assert done.findings()["board meshtastic-1"] == ("bad", "The device is not there.")
        done = doctor("--json", settings='\n[[link]]\nkind = "meshtastic"\ndevice = "/dev/null"\n')
        assert done.findings()["board meshtastic-1"] == ("bad", "This is no serial line.")


def test_yes_without_apply_is_no_usage(doctor):
    assert doctor("--yes").code == 2


def test_wrong_settings_are_said_before_anything_else(doctor):
    done = doctor(settings="\n[camp2]\n")
    assert done.code == 2
    assert 'unknown table "camp2"' in done.err
