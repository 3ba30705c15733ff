"""Internet that comes and goes: what is known of it, who is told, and what is in the way."""

import asyncio
import queue
import socket
import threading

import pytest

from node import network_watch, open_lines, portal
from node.internet import Internet, Reach, probe_now, servers_of
from node.list_settings import MailingList
from node.mail_server import MailServer
from node.network_watch import Network, NetworkWatch, network_of
from node.open_lines import OpenLines
from tests.letters.gateway import until
from web_ui import mail_words as words
from web_ui.mail_words import in_english

SERVER = MailServer("mail.example.org", 587, "north")
AWAY, LOCAL, OUT = Network(False, False), Network(True, False), Network(True, True)


class Weather:
    """A network that does what a test says."""

    def __init__(self, now):
        self.now = now
        self.changes: queue.Queue[bool] = queue.Queue()

    def become(self, network):
        self.now = network
        self.changes.put(True)

    def changed(self, seconds):
        return self.changes.get()

    def look(self):
        return self.now

    def wake(self):
        self.changes.put(False)

    def close(self):
        pass


class Watched:
    """Internet in a weather, with a probe that answers what a test says."""

    def __init__(self, network, reach=Reach.ONLINE, servers=(SERVER,)):
        self.weather = Weather(network)
        self.reach = reach
        self.came = 0
        self.asked = 0
        self.internet = Internet(servers, "", self.weather, lambda: 1_000.0, self._came, self._probe)
        self.internet.start()

    def _came(self):
        self.came += 1

    def _probe(self, servers, check):
        self.asked += 1
        return self.reach

    def is_(self, reach):
        return until(lambda: self.internet.state().reach is reach)


@pytest.fixture
def watch():
    opened = []

    def open_(*args, **words):
        opened.append(Watched(*args, **words))
        return opened[-1]

    yield open_
    for each in opened:
        each.internet.stop()


def test_a_network_that_comes_wakes_who_waits_before_anything_is_asked(watch):
    watched = watch(AWAY, reach=Reach.LOCAL)
    watched.is_(Reach.OFFLINE)
    assert (watched.came, watched.asked) == (0, 0)
    watched.weather.become(OUT)
    watched.is_(Reach.LOCAL)
    assert (watched.came, watched.asked) == (1, 1)
    watched.reach = Reach.ONLINE
    watched.weather.wake()  # half a minute went by
    watched.is_(Reach.ONLINE)
    until(lambda: watched.came == 2)
    assert watched.internet.state().since_s == 1_000.0
    watched.weather.become(AWAY)
    watched.is_(Reach.OFFLINE)
    watched.weather.become(LOCAL)
    watched.is_(Reach.LOCAL)


def test_what_the_courier_meets_is_believed(watch):
    watched = watch(OUT, reach=Reach.LOCAL)
    watched.is_(Reach.LOCAL)
    watched.internet.reached()
    assert watched.internet.state().reach is Reach.ONLINE
    watched.internet.missed(words.PORTAL)
    assert watched.internet.state().reach is Reach.PORTAL
    watched.internet.reached()
    watched.internet.missed(words.DNS_DEAD)
    assert watched.internet.state().reach is Reach.LOCAL
    asked = watched.asked
    watched.internet.missed(in_english(words.NO_ANSWER, server="h:25"))
    until(lambda: watched.asked == asked + 1)  # is it the server, or the internet?


def test_a_camp_that_needs_no_server_asks_none(watch):
    watched = watch(OUT, servers=(MailServer("127.0.0.1", 25, ""), MailServer("localhost", 143, "x")))
    until(lambda: watched.came == 1)
    assert watched.asked == 0
    assert watched.internet.state().reach is Reach.UNKNOWN


def test_which_servers_letters_need():
    lists = (
        MailingList("a", "a@b.org", "smtps://n@out.example", "imaps://n@in.example", password_file="p"),
        MailingList("b", "a@b.org", "smtp://other.example", "maildir:in", direction="in"),
        MailingList("c", "a@b.org", "smtp://other.example", stopped=True),
    )
    assert [each.name for each in servers_of(lists)] == ["out.example:465", "in.example:993"]


ROUTE = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
ROUTE_6 = "{} {} " + "0" * 32 + " 00 " + "0" * 32 + " 00000400 00000001 00000000 {} {}\n"
NO_ONE, HERE_6, LINK_6 = "0" * 32, "20010db8" + "0" * 24, "fe80" + "0" * 28


@pytest.mark.parametrize(
    ("routes", "routes_6", "network"),
    [
        ("", "", AWAY),
        (ROUTE, "", AWAY),
        (ROUTE + "wlan0\t0009A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", "", LOCAL),
        (ROUTE + "wlan0\t00000000\t0109A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", "", OUT),
        (ROUTE + "wlan0\t00000000\t0109A8C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n", "", AWAY),
        ("", ROUTE_6.format(LINK_6, "40", "00000001", "eth0"), AWAY),
        ("", ROUTE_6.format(HERE_6, "40", "00000001", "eth0"), LOCAL),
        ("", ROUTE_6.format(NO_ONE, "00", "00000003", "eth0"), OUT),
        ("", ROUTE_6.format(NO_ONE, "00", "00200200", "lo"), AWAY),
        ("nonsense\nmore of it", "nonsense", AWAY),
    ],
)
def test_what_routes_say(routes, routes_6, network):
    assert network_of(routes, routes_6) == network


def test_the_watch_ends_and_looks():
    watch = NetworkWatch()
    waiting = threading.Thread(target=watch.changed, args=(60,))
    waiting.start()
    watch.wake()
    waiting.join(5)
    assert not waiting.is_alive()
    assert isinstance(watch.look(), Network)
    watch.close()


# -- what is in the way ---------------------------------------------------------------------------------


class Web:
    """A server at a free port of this machine that answers everybody alike; or takes the line and is mute."""

    def __init__(self, answer=None):
        self.answer = answer
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                if self.answer is not None:
                    self.asked.append(connection.recv(4_096))
                    connection.sendall(self.answer)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def web(monkeypatch):
    opened = []

    def open_(answer=None):
        opened.append(Web(answer))
        return opened[-1]

    monkeypatch.setattr(portal, "is_of_this_box", lambda host: False)
    monkeypatch.setattr(portal, "ANSWER_S", 1.0)
    monkeypatch.setattr(network_watch, "network_now", lambda: OUT)
    for port in ("HTTP_PORT", "HTTPS_PORT"):
        monkeypatch.setattr(portal, port, closed_port())
    yield open_
    for each in opened:
        each.stop()


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: %b\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (REDIRECT % b"http://login.cafe.example/hello", True),
        (REDIRECT % b"https://mail.localhost/", False),
        (REDIRECT % b"/webmail", False),
        (b"HTTP/1.1 511 Network Authentication Required\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\n\r\nwebmail", False),
        (b"220 no web server\r\n\r\n", False),
        (b"HTTP/1.1 \xff\r\n\r\n", False),
        (b"H" * 10_000, False),
        (b"", False),
    ],
)
def test_a_page_that_answers_for_a_server_is_a_portal(web, monkeypatch, answer, shown):
    monkeypatch.setattr(portal, "HTTP_PORT", web(answer).port)
    assert asyncio.run(portal.shows_itself("localhost")) is shown


@pytest.mark.parametrize(
    ("answer", "reach"), [(NO_CONTENT, Reach.ONLINE), (REDIRECT % b"/login", Reach.PORTAL)]
)
def test_the_page_of_the_settings_is_asked_first(web, answer, reach):
    server = web(answer)
    assert probe_now((), f"http://127.0.0.1:{server.port}/generate_204?x=1") is reach
    assert server.asked[0].startswith(b"GET /generate_204?x=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n")


def test_without_a_page_in_the_settings_the_servers_tell(web, monkeypatch):
    reached, shut = MailServer("127.0.0.1", web().port, ""), MailServer("127.0.0.1", closed_port(), "")
    check = f"http://127.0.0.1:{closed_port()}/"
    assert probe_now((shut, reached), "") is Reach.ONLINE
    assert probe_now((shut,), check) is Reach.LOCAL
    monkeypatch.setattr(portal, "HTTP_PORT", web(REDIRECT % b"http://cafe.example/").port)
    assert probe_now((shut,), check) is Reach.PORTAL


@pytest.mark.parametrize("template", [words.NOBODY, words.NO_ANSWER, words.TLS_NAME, words.TLS_UNKNOWN])
def test_behind_a_fault_there_may_be_a_portal(web, monkeypatch, template):
    server = MailServer("localhost", closed_port(), "")
    sentence = in_english(template, server=server.name)
    assert asyncio.run(portal.behind(sentence, server)) == ""
    monkeypatch.setattr(portal, "HTTP_PORT", web(REDIRECT % b"http://cafe.example/").port)
    assert asyncio.run(portal.behind(sentence, server)) == words.PORTAL


def test_a_port_that_is_shut_is_told_from_a_server_that_is_away(web, monkeypatch):
    server = MailServer("localhost", 587, "north")
    sentence = in_english(words.NO_ANSWER, server=server.name)
    monkeypatch.setattr(portal, "_ADVICE", {587: ((closed_port(), "smtps"),)})
    assert asyncio.run(portal.behind(sentence, server)) == ""
    monkeypatch.setattr(portal, "HTTPS_PORT", web().port)
    assert asyncio.run(portal.behind(sentence, server)) == in_english(
        words.BLOCKED, port=587, host="localhost"
    )
    open_port = web().port
    monkeypatch.setattr(portal, "_ADVICE", {587: ((open_port, "smtps"),)})
    assert asyncio.run(portal.behind(sentence, server)) == in_english(
        words.BLOCKED_TRY, port=587, host="localhost", other=open_port, scheme="smtps"
    )


def test_a_box_in_no_network_says_so(web, monkeypatch):
    monkeypatch.setattr(network_watch, "network_now", lambda: AWAY)
    for sentence in (words.DNS_DEAD, in_english(words.NO_WAY, server=SERVER.name)):
        assert asyncio.run(portal.behind(sentence, SERVER)) == words.OFFLINE


def test_a_login_that_fails_is_no_matter_of_the_network(web):
    said = in_english(words.WRONG_PASSWORD, server=SERVER.name, said="535 no")
    assert asyncio.run(portal.behind(said, SERVER)) == ""


# -- lines whose network went ---------------------------------------------------------------------------


def test_only_lines_from_addresses_that_went_are_broken_off(monkeypatch):
    broken, reached = [], []
    lines = OpenLines(lambda: reached.append(1))
    ours = {"10.0.0.2"}
    monkeypatch.setattr(open_lines, "_is_ours", lambda address: address in ours)
    with (
        lines.opened("10.0.0.2", lambda: broken.append("a")),
        lines.opened("10.9.9.9", lambda: broken.append("b")),
    ):
        assert lines.drop_gone() == 1
        assert broken == ["b"]
        ours.clear()
        lines.drop_gone()
    assert broken == ["b", "a", "b"]
    assert lines.drop_gone() == 0
    assert reached == [1, 1]


def test_an_address_of_this_box_is_known():
    assert open_lines._is_ours("127.0.0.1")
    assert not open_lines._is_ours("192.0.2.77")
