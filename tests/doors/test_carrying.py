"""Bundles between two camps that never hear each other: by file and page, and what a bad file does."""

import http.client
import json
import os
import re
import shutil
import ssl
import sys
import threading
from http import HTTPStatus
from random import Random
from urllib.parse import urlencode

import pytest

from node.bench.samples import camp_texts, camps, posts
from node.cli import main
from node.clock import Clock
from node.exporting import write_bundles
from sync.bundle import BundleClass, hour_of, seal
from tests.doors.process import RunningNode, make_camp, miccheck, output, wait_until


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("camps")
    return {name: (folder / name, make_camp(folder / name)) for name in ("north", "south")}


@pytest.fixture
def north(made, tmp_path):
    return shutil.copytree(made["north"][0], tmp_path / "north")


@pytest.fixture
def south(made, tmp_path):
    return shutil.copytree(made["south"][0], tmp_path / "south")


class Coordinator:
    """Somebody with a coordinator's card at a node's pages."""

    def __init__(self, node: RunningNode, code: str) -> None:
        self._context = ssl.create_default_context(cafile=str(node.home / "secrets" / "authority.pem"))
        self._port = node.tls_port
        self._cookie = ""
        fields = urlencode({"token": self.token("/card"), "secret": code})
        form = {"content-type": "application/x-www-form-urlencoded"}
        status, headers, _ = self.ask("POST", "/card", fields.encode(), form)
        assert status == HTTPStatus.SEE_OTHER
        self._cookie = headers["set-cookie"].split(";")[0]

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPSConnection("localhost", self._port, timeout=30, context=self._context)
        try:
            connection.request(method, path, body, {"cookie": self._cookie} | (headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def token(self, path: str) -> str:
        status, _, page = self.ask("GET", path)
        assert status == HTTPStatus.OK
        return re.findall(r'name="token" value="([^"]+)"', page.decode())[0]

    def send_file(self, data: bytes) -> int:
        token = self.token("/coordinator/carry")
        head = f'--edge\r\nContent-Disposition: form-data; name="token"\r\n\r\n{token}\r\n--edge\r\n'
        head += 'Content-Disposition: form-data; name="file"; filename="camp.bundles"\r\n\r\n'
        body = head.encode() + data + b"\r\n--edge--\r\n"
        kind = {"content-type": "multipart/form-data; boundary=edge"}
        return self.ask("POST", "/coordinator/carry/upload", body, kind)[0]

    def page(self) -> str:
        return self.ask("GET", "/coordinator/carry")[2].decode()


def test_from_one_camps_page_to_anothers(made, north, south):
    output("post", north, "general", "crosses")
    output("post", north, "here", "stays")
    with RunningNode(north) as node:
        status, headers, file = Coordinator(node, made["north"][1]).ask("GET", "/coordinator/carry/file")
        assert status == HTTPStatus.OK
        assert "bundles" in headers["content-disposition"]
        node.stop()
    with RunningNode(south) as node:
        person = Coordinator(node, made["south"][1])
        assert person.send_file(file) == HTTPStatus.SEE_OTHER
        wait_until(lambda: "All of it is in." in person.page())
        assert node.texts() == ["crosses"]
        assert person.send_file(file[:-3] + b"junk") == HTTPStatus.SEE_OTHER
        wait_until(lambda: "This is what was good in it." in person.page())
        assert node.stop() < 5
        assert "Traceback" not in node.said()


def many(file, count: int):
    """A file of `count` bundles of one post each, of camps nobody knows."""
    wall_s = Clock().wall_s()
    authors, stock = camps(count // 60 + 1, Random(4711)), posts(camp_texts(), wall_s)
    sealed = (
        (each, seal(each, hour_of(wall_s), BundleClass.POST, [next(stock)]))
        for each in (authors[n % len(authors)] for n in range(count))
    )
    write_bundles(file, ((each.key, bundle.wire) for each, bundle in sealed))
    return file


def test_people_post_while_a_long_file_comes_in(south, tmp_path):
    file = many(tmp_path / "many.bundles", 3_000)
    with RunningNode(south, env={"MICCHECK__QUOTA__DEVICE_PER_MINUTE": "0"}) as node:
        done = []
        taking = threading.Thread(
            target=lambda: done.append(miccheck("import", south, file, "--json")), daemon=True
        )
        taking.start()
        posted = 0
        while taking.is_alive():
            message = {"channel": "here", "text": f"{posted}"}
            assert node.ask("POST", "/api/v1/messages", message)[0] == HTTPStatus.CREATED
            posted += 1
        taking.join()
        assert json.loads(done[0].stdout) == {"new": 3_000, "known": 0, "refused": 0, "torn": False}
        assert posted > 5
        assert node.ask("GET", "/api/v1/status")[1]["messages"] == 3_000 + posted


def test_what_was_taken_in_can_be_read_when_the_command_ends(south, tmp_path):
    file = many(tmp_path / "many.bundles", 600)
    done = miccheck("import", south, file)
    assert done.stdout == "600 new, 0 known already, 0 refused\n"
    assert "bytes read: " in done.stderr
    assert json.loads(output("status", south, "--json"))["messages"] == 600


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("nothing", "No such file"),
        ("folder", "Is a directory"),
        ("pipe", "is a device or a pipe"),
        ("link to a pipe", "is a device or a pipe"),
        ("device", "is a device or a pipe"),
        ("empty", "is no file of bundles"),
        ("hole of 10 GB", "is no file of bundles"),
        ("noise", "is no file of bundles"),
    ],
)
def test_what_is_no_file_of_bundles_is_said_in_one_line(made, tmp_path, monkeypatch, capsys, kind, says):
    file = tmp_path / "x.bundles"
    match kind:
        case "folder":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
        case "link to a pipe":
            os.mkfifo(tmp_path / "pipe")
            file.symlink_to(tmp_path / "pipe")
        case "device":
            file.symlink_to("/dev/zero")
        case "empty":
            file.touch()
        case "hole of 10 GB":
            with file.open("wb") as hole:
                hole.truncate(10_000_000_000)
        case "noise":
            file.write_bytes(os.urandom(100_000))
    monkeypatch.setattr(sys, "argv", ["miccheck", "import", str(made["south"][0]), str(file)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (1, "")
    assert says in said.err
    assert said.err.count("\n") == 1
