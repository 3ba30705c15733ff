"""Links of a running node: opened, stopped, added and taken away, in the settings and on the air alike."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from random import Random

import pytest

from node.link_orders import LinkOrders
from node.roadworks import Roadworks
from node.settings import LINKS_MAX, parse_settings
from radio.duty import Forgetful
from radio.link_sight import LinkSight, LinkState
from radio.road import Surroundings
from radio.roads import KINDS
from sync.signing import Identity
from web_ui.road_desk import LinkFault, LinkRefused

FILE = """\
# ours
[[link]]
kind = "ip"  # north
url = "http://north:8080"

[[link]]
kind = "air"
address = "127.0.0.1:7001"
stopped = true
"""


class Road:
    """Writes down what was done with it."""

    def __init__(self, name: str, url: str, diary: list[str]) -> None:
        self.name, self.url, self.diary = name, url, diary

    def start(self) -> None:
        self.diary.append(f"{self.name} starts: {self.url}")

    async def stop(self) -> None:
        await asyncio.sleep(0)
        self.diary.append(f"{self.name} stops")

    def sights(self) -> tuple[LinkSight, ...]:
        return (LinkSight(self.name, LinkState.SEARCHING, None, 0.0, 0, 0),)


class Cable:
    """Dials nobody. What it is told to fail with, it raises."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.fails: Exception | None = None

    def dial(self, name: str, url: str, certificate: Path | None = None) -> Road:
        if self.fails is not None:
            raise self.fails
        return Road(name, url, self.diary)

    def start(self) -> None:
        self.diary.append("door opens")

    async def stop(self) -> None:
        self.diary.append("door closes")

    def sights(self) -> tuple[LinkSight, ...]:
        return (LinkSight("ip-in-1", LinkState.TALKING, b"k" * 32, 0.0, 1, 1),)


class Box:
    """The links of a node without the node."""

    def __init__(self, folder: Path, text: str = FILE, environment: dict[str, str] | None = None) -> None:
        self.file = folder / "miccheck.toml"
        self.file.write_text(text)
        self.file.chmod(0o600)
        self.cable = Cable()
        self.diary = self.cable.diary
        around = Surroundings(
            camp="Plaza",
            folder=folder,
            identity=Identity(b"n" * 32),
            hub=None,  # type: ignore[arg-type]  # nothing here carries a frame
            now=lambda: 0.0,
            random=lambda: Random(1),
            jitter=lambda: 1.0,
            nonce=lambda: bytes(16),
            airtime=lambda _name, _region: Forgetful(),
            cable=self.cable,
        )
        settings = parse_settings(text, environment or {})
        self.roads = Roadworks(settings.link, around, self.cable)  # type: ignore[arg-type]
        self.orders = LinkOrders(self.file, environment or {}, self.roads)

    def states(self) -> dict[str, str]:
        return {sight.name: sight.state.value for sight in self.roads.sights()}


def in_a_loop(story):
    async def whole():
        async with asyncio.timeout(20):
            await story()

    asyncio.run(whole())


async def fault_of(order) -> LinkFault:
    with pytest.raises(LinkRefused) as refused:
        await order
    return refused.value.fault


def test_roads_open_and_close_and_a_stopped_one_waits(tmp_path):
    async def story():
        box = Box(tmp_path)
        box.roads.start()
        assert box.states() == {"ip-1": "searching", "air-1": "stopped", "ip-in-1": "talking"}
        await box.roads.stop()
        assert box.diary == ["door opens", "ip-1 starts: http://north:8080", "ip-1 stops", "door closes"]

    in_a_loop(story)


@pytest.mark.parametrize("fault", [ImportError("no module"), OSError("no such file"), ValueError("no key")])
def test_a_road_that_cannot_be_built_keeps_nobody_from_starting(tmp_path, fault):
    async def story():
        box = Box(tmp_path, FILE.replace("stopped = true\n", "") + "[[link]]\nkind='ip'\nurl='http://b'\n")
        box.cable.fails = fault
        box.roads.start()
        states = box.states()
        assert (states["ip-1"], states["ip-2"], states["air-1"]) == ("broken", "broken", "searching")
        assert box.roads.sights()[0].why == str(fault)
        box.cable.fails = None
        await box.orders.set_stopped("ip-1", True)
        await box.orders.set_stopped("ip-1", False)
        assert box.states()["ip-1"] == "searching"
        await box.roads.stop()

    in_a_loop(story)


def test_a_link_is_added_in_the_file_and_at_once(tmp_path):
    async def story():
        box = Box(tmp_path)
        box.roads.start()
        assert await box.orders.add("ip", {"url": " http://south:8080 ", "preset": "left over"}) == "ip-2"
        assert box.diary[-1] == "ip-2 starts: http://south:8080"
        assert box.file.read_text() == FILE + '\n[[link]]\nkind = "ip"\nurl = "http://south:8080"\n'
        assert box.file.stat().st_mode & 0o777 == 0o600
        assert [work.link for work in box.roads.works()] == list(
            parse_settings(box.file.read_text(), {}).link
        )
        await box.roads.stop()

    in_a_loop(story)


@pytest.mark.parametrize(
    ("kind", "words", "fault", "word"),
    [
        ("sea", {}, LinkFault.NO_SUCH, ""),
        ("ip", {}, LinkFault.MISSING, "url"),
        ("ip", {"url": "  "}, LinkFault.MISSING, "url"),
        ("ip", {"url": "south"}, LinkFault.WRONG, "url"),
        ("ip", {"url": "http://a\nstopped=1"}, LinkFault.WRONG, "url"),
        ("ip", {"url": "http://" + "a" * 300}, LinkFault.WRONG, "url"),
        ("ip", {"url": "http://north:8080"}, LinkFault.THERE_ALREADY, ""),
        ("air", {"address": "127.0.0.1:7001"}, LinkFault.THERE_ALREADY, ""),
        ("air", {"address": "a:1", "airtime_share": "nan"}, LinkFault.WRONG, "airtime_share"),
        ("air", {"address": "a:1", "airtime_share": "much"}, LinkFault.WRONG, "airtime_share"),
        ("air", {"address": "a:1", "airtime_share": "2"}, LinkFault.WRONG, "airtime_share"),
        ("air", {"address": "a:1", "preset": "SHORT_TURBO"}, LinkFault.WRONG, "region"),
    ],
)
def test_what_cannot_be_is_refused_by_its_word(tmp_path, kind, words, fault, word):
    async def story():
        box = Box(tmp_path)
        with pytest.raises(LinkRefused) as refused:
            await box.orders.add(kind, words)
        assert (refused.value.fault, refused.value.word) == (fault, word)
        assert box.file.read_text() == FILE
        assert len(box.roads.works()) == 2

    in_a_loop(story)


def test_a_comma_is_a_point_to_many(tmp_path):
    async def story():
        box = Box(tmp_path)
        await box.orders.add("air", {"address": "a:1", "airtime_share": "0,25"})
        assert "airtime_share = 0.25\n" in box.file.read_text()

    in_a_loop(story)


def test_a_link_is_stopped_kept_and_started(tmp_path):
    async def story():
        box = Box(tmp_path)
        box.roads.start()
        await box.orders.set_stopped("ip-1", True)
        assert (box.diary[-1], box.states()["ip-1"]) == ("ip-1 stops", "stopped")
        assert parse_settings(box.file.read_text(), {}).link[0].stopped
        await box.orders.set_stopped("ip-1", True)
        await box.orders.set_stopped("ip-1", False)
        assert (box.diary[-1], box.states()["ip-1"]) == ("ip-1 starts: http://north:8080", "searching")
        assert box.file.read_text() == FILE
        await box.roads.stop()

    in_a_loop(story)


def test_a_link_is_removed_and_its_name_is_not_given_out_again(tmp_path):
    async def story():
        box = Box(tmp_path)
        box.roads.start()
        was = await box.orders.remove("ip-1")
        assert was.name == "ip-1"
        assert box.diary[-1] == "ip-1 stops"
        assert list(box.states()) == ["air-1", "ip-in-1"]
        assert "north:8080" not in box.file.read_text()
        assert "# ours" in box.file.read_text()
        assert await box.orders.add("ip", {"url": "http://north:8080"}) == "ip-2"
        assert await fault_of(box.orders.remove("ip-1")) is LinkFault.NO_SUCH
        await box.roads.stop()

    in_a_loop(story)


def test_what_the_environment_says_is_not_the_files_to_change(tmp_path):
    variable = {"MICCHECK__LINK__1__REGION": "US"}

    async def story():
        box = Box(tmp_path, environment=variable)
        assert [box.orders.is_overruled(index) for index in (0, 1)] == [False, True]
        assert await fault_of(box.orders.set_stopped("air-1", False)) is LinkFault.ENVIRONMENT
        for name in ("ip-1", "air-1"):  # without the first, the variable would mean another
            assert await fault_of(box.orders.remove(name)) is LinkFault.ENVIRONMENT
        await box.orders.set_stopped("ip-1", True)
        await box.orders.add("ip", {"url": "http://b:1"})
        await box.orders.remove("ip-2")

    in_a_loop(story)


def test_a_link_of_the_environment_alone_keeps_others_from_being_added(tmp_path):
    variables = {"MICCHECK__LINK__2__KIND": "ip", "MICCHECK__LINK__2__URL": "http://c:1"}

    async def story():
        box = Box(tmp_path, environment=variables)
        assert await fault_of(box.orders.add("ip", {"url": "http://b:1"})) is LinkFault.ENVIRONMENT
        assert box.file.read_text() == FILE

    in_a_loop(story)


@pytest.mark.parametrize("text", [FILE.replace("north", "south"), FILE + "[[link]]\n", "\xff", "kind ="])
def test_a_file_that_was_changed_by_hand_is_left_alone(tmp_path, text):
    async def story():
        box = Box(tmp_path)
        box.file.write_text(text)
        for order in (
            box.orders.add("ip", {"url": "http://b:1"}),
            box.orders.set_stopped("ip-1", True),
            box.orders.remove("ip-1"),
        ):
            assert await fault_of(order) is LinkFault.FILE_CHANGED
        assert box.file.read_text() == text

    in_a_loop(story)


def test_what_cannot_be_written_is_not_done(tmp_path):
    async def story():
        box = Box(tmp_path)
        box.roads.start()
        (tmp_path / "miccheck.toml.half").mkdir()  # where the new file would be written first
        assert await fault_of(box.orders.remove("ip-1")) is LinkFault.CANNOT_WRITE
        assert await fault_of(box.orders.add("ip", {"url": "http://b:1"})) is LinkFault.CANNOT_WRITE
        assert box.states()["ip-1"] == "searching"
        assert len(box.roads.works()) == 2
        await box.roads.stop()

    in_a_loop(story)


def test_sixteen_links_are_enough(tmp_path):
    async def story():
        box = Box(tmp_path)
        for number in range(2, LINKS_MAX):
            await box.orders.add("ip", {"url": f"http://b:{number}"})
        assert await fault_of(box.orders.add("ip", {"url": "http://b:99"})) is LinkFault.TOO_MANY

    in_a_loop(story)


def test_every_kind_of_road_has_a_form_with_a_sentence_for_each_word():
    for kind in KINDS.values():
        assert dataclasses.is_dataclass(kind.settings)
        assert kind.title
        assert kind.about
        assert isinstance(kind.found(), tuple)
