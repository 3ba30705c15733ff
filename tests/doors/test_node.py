"""A node and its commands as a person uses them: made, run, posted to by three doors, stopped, killed."""

import http.client
import json
import os
import re
import shutil
import socket
import sqlite3
import ssl
import stat
import subprocess
import sys
from urllib.parse import urlencode

import pytest

from tests.doors.process import FREE_PORTS, RunningNode, make_camp, miccheck, output, wait_until


@pytest.fixture(scope="module")
def camps(tmp_path_factory):
    """Three camps nobody has written in."""
    folder = tmp_path_factory.mktemp("camps")
    return {name: (folder / name, make_camp(folder / name)) for name in ("plaza", "north", "south")}


@pytest.fixture(scope="module")
def made(camps):
    """A camp and the code of its coordinator; copy it, post nothing."""
    return camps["plaza"]


@pytest.fixture
def home(made, tmp_path):
    return shutil.copytree(made[0], tmp_path / "plaza")


@pytest.fixture(scope="module")
def node(made, tmp_path_factory):
    """A node that many tests talk to and none stops."""
    home = shutil.copytree(made[0], tmp_path_factory.mktemp("running") / "plaza")
    with RunningNode(home) as node:
        yield node


@pytest.fixture
def north(camps, tmp_path):
    return shutil.copytree(camps["north"][0], tmp_path / "north")


@pytest.fixture
def south(camps, tmp_path):
    return shutil.copytree(camps["south"][0], tmp_path / "south")


def test_init_makes_a_private_folder_named_like_the_camp(made):
    home, code = made
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {path.name for path in home.iterdir()} >= {
        "miccheck.toml",
        "camp.key",
        "board.sqlite3",
        "secrets",
        "run",
    }
    for path in home.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert json.loads(output("status", home, "--json"))["camp"]["name"] == "plaza"
    assert code.startswith("MC-")


def test_init_refuses_what_exists_and_changes_nothing(made):
    home, _ = made
    before = (home / "camp.key").read_bytes()
    done = miccheck("init", home)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "exists already" in done.stderr
    assert (home / "camp.key").read_bytes() == before


def test_init_checks_its_options(tmp_path):
    done = miccheck("init", tmp_path / "x", "--language", "tlh")
    assert done.returncode == 2
    assert '"en", "es"' in done.stderr
    assert not (tmp_path / "x").exists()


def test_the_secret_of_the_card_is_nowhere_in_the_folder(made):
    home, code = made
    letters = code.removeprefix("MC-").replace("-", "").encode()
    for path in home.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert code.encode() not in data
            assert letters not in data


def test_tables_may_be_appended_to_the_settings(home):
    with (home / "miccheck.toml").open("a") as file:
        file.write(
            '\n[[link]]\nkind = "ip"\nurl = "http://127.0.0.1:9"\n[clock]\nspeed = 2.0\n[web]\nport = 0\n'
        )
    assert json.loads(output("status", home, "--json"))["messages"] == 0


def test_a_wrong_word_in_the_settings_ends_with_code_2(home):
    with (home / "miccheck.toml").open("a") as file:
        file.write("\n[web]\nprot = 8080\n")
    lines = (home / "miccheck.toml").read_text().splitlines()
    for command in (("run", home), ("status", home), ("post", home, "general", "x")):
        done = miccheck(*command)
        assert done.returncode == 2
        assert f"line {len(lines)}" in done.stderr
        assert '"prot"' in done.stderr
        assert "host, port, tls_port" in done.stderr


def test_posts_by_command_by_program_and_by_form_are_on_the_page_after_a_restart(home):
    before = output("post", home, "general", "written before the node ran").strip()
    with RunningNode(home) as node:
        by_command = output("post", home, "general", "agua en la puerta 4", "--author", "Ada").strip()
        status, message = node.ask("POST", "/api/v1/messages", {"channel": "general", "text": "soup at 7"})
        assert status == 201
        status, page = node.ask("GET", "/c/general")
        assert status == 200
        form = re.search(r'name="token"[^>]*value="([^"]+)"', page)
        assert form is not None
        fields = {"token": form[1], "channel": "general", "text": "by hand", "nickname": "Bo", "name": "Bo"}
        _post_form(node.port, "/post", urlencode(fields))
        assert node.texts() == ["written before the node ran", "agua en la puerta 4", "soup at 7", "by hand"]
        assert node.stop() < 5
    assert re.fullmatch("[0-9a-f]{32}", before)

    with RunningNode(home) as node:
        page = node.ask("GET", "/c/general")[1]
        assert "agua en la puerta 4" in page
        read = json.loads(output("read", home, "general", "--json"))
        assert [m["id"] for m in read["messages"]][:3] == [before, by_command, message["id"]]
        assert read["next"] is None
        assert node.ask("GET", "/api/v1/messages?channel=general")[1] == read
        assert node.stop() < 5


def _post_form(port: int, path: str, body: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", path, body, {"content-type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 303, text


def test_a_second_run_is_refused_in_one_line(node):
    done = miccheck("run", node.home)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "a node runs in" in done.stderr
    assert node.ask("GET", "/healthz")[0] == 200


def test_a_port_that_is_taken_is_one_line(home):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = miccheck("run", home, env={"MICCHECK__WEB__PORT": str(port)})
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"port {port} ([web] port): Address already in use" in done.stderr


def test_what_was_acknowledged_survives_kill_9(home):
    with RunningNode(home, env={"MICCHECK__QUOTA__DEVICE_PER_MINUTE": "0"}) as node:
        ids = []
        for number in range(10):
            status, message = node.ask("POST", "/api/v1/messages", {"channel": "here", "text": f"{number}"})
            assert status == 201
            ids.append(message["id"])
        node.kill()
    read = json.loads(output("read", home, "here", "--json"))  # the socket it left is stale
    assert [message["id"] for message in read["messages"]] == ids
    output("post", home, "here", "one more")
    assert sqlite3.connect(home / "board.sqlite3").execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with RunningNode(home) as node:
        assert node.texts() == [*(f"{n}" for n in range(10)), "one more"]


def test_it_ends_within_five_seconds_whatever_is_open(home):
    with RunningNode(home) as node:
        half_a_request = socket.create_connection(("127.0.0.1", node.port))
        half_a_request.sendall(b"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        nothing_said = socket.create_connection(("127.0.0.1", node.port))
        no_handshake = socket.create_connection(("127.0.0.1", node.tls_port))
        waiting = socket.create_connection(("127.0.0.1", node.port))
        waiting.sendall(
            b"GET /gossip HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert b"101" in waiting.recv(100)
        assert node.stop() < 5
        for connection in (half_a_request, nothing_said, no_handshake, waiting):
            connection.close()
    assert not (home / "run" / "control.sock").exists()
    assert not (home / "run" / "ports.json").exists()


def test_the_log_holds_no_address_and_no_text(home):
    with RunningNode(home) as node:
        node.ask("POST", "/api/v1/messages", {"channel": "general", "text": "secretword"})
        node.ask("GET", "/no-such-page?secretword")
        node.ask("GET", "/card/secretword", tls=True)
        node.stop()
        log = node.said()
    assert "secretword" not in log
    assert "127.0.0.1" not in log
    assert "Traceback" not in log


def test_cards_open_pages_by_https_only(node):
    home = node.home
    assert node.ask("GET", "/held")[0] == 404
    assert node.ask("GET", "/card")[0] == 404
    assert node.ask("GET", "/card", tls=True)[0] == 200
    made = output("card", home, "liaison", "--group", "kitchen", "--name", "Ada")
    assert re.search(r"^code: MC-", made, re.MULTILINE)
    assert re.search(rf"^link: https://127\.0\.0\.1:{node.tls_port}/card/MC-", made, re.MULTILINE)
    assert "▄" in made or "█" in made
    assert "kitchen" in [channel["name"] for channel in node.ask("GET", "/api/v1/channels")[1]["channels"]]
    assert [line.split("  ")[:3] for line in output("card", home).splitlines()] == [
        ["1", "coordinator", "-"],
        ["2", "liaison of kitchen", "Ada"],
    ]
    output("card", home, "--revoke", "2")
    assert "revoked" in output("card", home).splitlines()[1]
    assert miccheck("card", home, "--revoke", "9").returncode == 1
    assert miccheck("card", home, "king").returncode == 2
    assert miccheck("card", home, "moderator", "--group", "kitchen").returncode == 2


def test_a_card_opens_a_session_at_the_running_node(node, made):
    code = made[1]
    _, page = node.ask("GET", "/card", tls=True)
    token = re.search(r'name="token"[^>]*value="([^"]+)"', page)
    assert token is not None
    body = urlencode({"token": token[1], "code": code, "secret": code, "card": code})
    context = ssl.create_default_context(cafile=str(node.home / "secrets" / "authority.pem"))
    connection = http.client.HTTPSConnection("localhost", node.tls_port, timeout=20, context=context)
    connection.request("POST", "/card", body, {"content-type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 303
    cookie = answer.headers["set-cookie"].split(";")[0]
    assert node.ask("GET", "/coordinator/cards", headers={"cookie": cookie}, tls=True)[0] == 200


def test_the_status_is_the_same_object_with_and_without_a_node(node, made):
    at_rest = json.loads(output("status", made[0], "--json"))
    by_command = json.loads(output("status", node.home, "--json"))
    by_program = node.ask("GET", "/api/v1/status")[1]
    assert "node runs" in output("status", node.home)
    assert by_command.keys() == by_program.keys() == at_rest.keys()
    assert by_command | {"uptime_s": 0} == by_program | {"uptime_s": 0}


def test_a_wrong_clock_stops_no_post_and_is_said(home):
    with RunningNode(home, env={"MICCHECK__CLOCK__OFFSET_S": "-1500000000"}) as node:
        status, message = node.ask(
            "POST", "/api/v1/messages", {"channel": "general", "text": "what time is it"}
        )
        assert status == 201
        assert node.ask("GET", "/api/v1/status")[1]["clock"] == {"set": False, "source": "nobody"}
        assert "clock is not set" in node.said()
        assert message["text"] in node.ask("GET", "/c/general")[1]
        assert node.stop() < 5


def test_a_damaged_board_is_set_aside_and_saved(home):
    for number in range(30):
        output(
            "post", home, "general", f"post number {number} with some words to fill a page"
        ) if number < 3 else None
    board = home / "board.sqlite3"
    size = board.stat().st_size
    with board.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(4096))
        file.seek(0)
        file.write(b"not a database at all")
    with RunningNode(home) as node:
        assert "damaged" in node.said()
        assert node.ask("GET", "/healthz")[0] == 200
        assert len(node.texts()) >= 2
        assert node.stop() < 5
    assert (home / "board.sqlite3.damaged-1").exists()


def test_two_camps_talk_by_cable(north, south):
    fast = {"MICCHECK__CLOCK__SPEED": "60"}
    with RunningNode(north, env=fast) as one:
        link = {"MICCHECK__LINK__0__KIND": "ip", "MICCHECK__LINK__0__URL": f"http://127.0.0.1:{one.port}"}
        with RunningNode(south, env=fast | link) as other:
            output("post", north, "general", "hello south")
            other.ask("POST", "/api/v1/messages", {"channel": "general", "text": "hello north"})
            wait_until(lambda: "hello south" in other.texts() and "hello north" in one.texts())
            (seen,) = other.ask("GET", "/api/v1/status")[1]["links"]
            assert (seen["state"], seen["peer"]) == ("talking", "north")
            output("pin", south, "north")
            assert other.stop() < 5
        assert one.stop() < 5


def test_a_link_by_tls_works_too(north, south):
    with RunningNode(north) as one:
        link = {
            "MICCHECK__LINK__0__KIND": "ip",
            "MICCHECK__LINK__0__URL": f"https://127.0.0.1:{one.tls_port}",
        }
        with RunningNode(south, env=link) as other:
            wait_until(lambda: other.ask("GET", "/api/v1/status")[1]["links"][0]["state"] == "talking")


def test_a_new_coordinator_card_comes_to_whoever_holds_the_box(home, tmp_path):
    paper = tmp_path / "recover.txt"
    paper.touch()
    env = {"MICCHECK__CAMP__RECOVERY": str(paper)}
    with RunningNode(home, env=env) as node:
        written = paper.read_text()
        assert re.search(r"^code: MC-", written, re.MULTILINE)
        assert "recovery file" in node.said()
    with RunningNode(home, env=env):
        assert paper.read_text() == written  # it asks once
    assert len(output("card", home).splitlines()) == 2


def test_a_board_goes_by_stick_to_another_camp(north, south, tmp_path):
    stick = tmp_path / "stick"
    output("post", north, "general", "crosses")
    output("post", north, "here", "stays")
    output("post", north, "announcements", "crosses too")
    output("export", north, stick)
    whole = stick.read_bytes()
    assert b"stays" not in whole
    first = json.loads(output("import", south, stick, "--json"))
    assert first["new"] >= 1
    assert first == {"new": first["new"], "known": 0, "refused": 0, "torn": False}
    again = json.loads(output("import", south, stick, "--json"))
    assert again == {"new": 0, "known": first["new"], "refused": 0, "torn": False}
    texts = [m["text"] for m in json.loads(output("read", south, "--json"))["messages"]]
    assert texts == ["crosses", "crosses too"]

    stick.write_bytes(whole[:-3])
    torn = json.loads(output("import", south, stick, "--json"))
    assert torn == {"new": 0, "known": first["new"] - 1, "refused": 0, "torn": True}
    stick.write_bytes(b"nonsense")
    done = miccheck("import", south, stick, "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "no file of bundles" in done.stderr
    assert miccheck("export", north, stick).returncode == 1


def test_an_export_can_be_narrowed(home, tmp_path):
    output("post", home, "general", "one")
    output("export", home, tmp_path / "none", "--since", "2099-01-01")
    output("export", home, tmp_path / "all", "--since", "2026-01-01T00:00Z")
    output("export", home, tmp_path / "general", "--channel", "general")
    sizes = [(tmp_path / name).stat().st_size for name in ("none", "general", "all")]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[1]
    done = miccheck("export", home, tmp_path / "x", "--channel", "nope")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "general, announcements, here, letters" in done.stderr
    assert miccheck("export", home, tmp_path / "x", "--since", "yesterday").returncode == 2


def test_rebuild_changes_nothing_a_reader_sees(home):
    output("post", home, "general", "one")
    output("post", home, "here", "two")
    before = output("read", home, "--json")
    assert miccheck("rebuild", home).stderr.strip().startswith("rebuilding: ")
    assert output("read", home, "--json") == before
    with RunningNode(home) as node:
        output("rebuild", home)
        assert node.texts() == ["one", "two"]


def test_a_pipe_that_closes_is_no_error(made):
    command = f"{sys.executable} -m node price --help | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


def test_two_commands_at_once_take_turns(home):
    env = os.environ | FREE_PORTS
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "node", "post", home, "here", str(number)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )
        for number in range(4)
    ]
    for process in started:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    texts = {m["text"] for m in json.loads(output("read", home, "here", "--json"))["messages"]}
    assert texts == {"0", "1", "2", "3"}
