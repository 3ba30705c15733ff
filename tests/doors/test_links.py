"""Links are changed on the coordinators' page while the node runs, and stand so in the settings."""

from __future__ import annotations

import re
import ssl
import stat

import httpx
import pytest

from tests.doors.process import RunningNode, make_camp, output, wait_until

PAGE = "/coordinator/links"
# A post is sealed within minutes of engine time.
FAST = {"MICCHECK__CLOCK__SPEED": "60"}


class Coordinator:
    """A phone with a coordinator's card."""

    def __init__(self, node: RunningNode, code: str) -> None:
        context = ssl.create_default_context(cafile=str(node.home / "secrets" / "authority.pem"))
        address = f"https://localhost:{node.tls_port}"
        self.client = httpx.Client(base_url=address, verify=context, timeout=20)
        self.send("/card", form="/card", secret=code)

    def __enter__(self) -> Coordinator:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def page(self, path: str = PAGE) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200
        return answer.text

    def send(self, path: str, form: str = PAGE, **fields: str) -> str:
        """Send a form with the token of the page on which it stands; where it leads."""
        token = re.findall(r'name="token" value="([^"]+)"', self.page(form))[0]
        answer = self.client.post(
            path, data={"token": token, **fields}, headers={"origin": str(self.client.base_url)}
        )
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


@pytest.fixture
def camps(tmp_path):
    """Two camps without links, one with comments in its settings; and the coordinator's code of the first."""
    north, south = tmp_path / "north", tmp_path / "south"
    code = make_camp(north)
    make_camp(south)
    with (north / "miccheck.toml").open("a") as file:
        file.write("\n# Ada: the cable to the south goes over the roof.\n")
    return north, south, code


def links(node: RunningNode) -> dict[str, str]:
    """Name and state of each link."""
    return {link["name"]: link["state"] for link in node.ask("GET", "/api/v1/status")[1]["links"]}


def test_a_link_is_added_stopped_started_and_removed_while_the_node_runs(camps):
    north, south, code = camps
    before = (north / "miccheck.toml").read_text()
    with RunningNode(south, env=FAST) as there:
        add, url = f"{PAGE}/add/ip", f"http://127.0.0.1:{there.port}"
        with RunningNode(north, env=FAST) as node, Coordinator(node, code) as phone:
            assert links(node) == {}
            assert phone.send(add, add, url=url) == PAGE
            wait_until(lambda: links(node) == {"ip-1": "talking"})
            output("post", north, "general", "water at gate 4")
            wait_until(lambda: "water at gate 4" in there.texts())

            phone.send(f"{PAGE}/ip-1/stop")
            wait_until(lambda: links(node) == {"ip-1": "stopped"})
            told = output("status", north).splitlines()
            assert {"links 1 name: ip-1", "links 1 state: stopped"} <= set(told)
            wait_until(lambda: links(there) == {})
            phone.send(f"{PAGE}/ip-1/start")
            wait_until(lambda: links(node) == {"ip-1": "talking"})
            assert stat.S_IMODE((north / "miccheck.toml").stat().st_mode) == 0o600
            node.stop()
        with RunningNode(north, env=FAST) as node, Coordinator(node, code) as phone:
            wait_until(lambda: links(node) == {"ip-1": "talking"})
            form = phone.send(f"{PAGE}/ip-1/remove")
            wait_until(lambda: links(node) == {})
            assert f'value="{url}"' in phone.page(form)
            assert (north / "miccheck.toml").read_text() == before + "\n"
            node.stop()


def test_a_link_of_the_environment_is_shown_and_stays(camps):
    north, _, code = camps
    env = {"MICCHECK__LINK__0__KIND": "ip", "MICCHECK__LINK__0__URL": "http://127.0.0.1:9"}
    with RunningNode(north, env=env) as node, Coordinator(node, code) as phone:
        page = phone.page()
        assert "http://127.0.0.1:9" in page
        assert "This is set where the node is started" in page
        assert f"{PAGE}/ip-1/stop" not in page
        node.stop()


def test_a_road_that_cannot_be_built_keeps_the_node_from_nothing(camps):
    north, _, _ = camps
    with (north / "miccheck.toml").open("a") as file:
        file.write('\n[[link]]\nkind = "modem"\ndevice = "/nowhere/ttyUSB0"\n')
        file.write('\n[[link]]\nkind = "udp"\ninterface = "nowhere0"\n')
    with RunningNode(north) as node:
        assert node.ask("GET", "/")[0] == 200
        wait_until(lambda: links(node) == {"modem-1": "searching", "udp-1": "searching"})
        assert "The device is not there." in node.ask("GET", "/status")[1]
        output("post", north, "general", "hello")
        node.stop()
