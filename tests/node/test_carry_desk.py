"""Files and sticks behind the page: a real board takes them in, and a hostile stick harms nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from hardware.stick_mount import HELPER
from hardware.sticks import Places
from node import carry_desk
from node.carry_desk import Machine, NodeCarrying
from node.clock import Clock
from node.exporting import write_bundles
from node.home import Home
from node.settings import Settings
from node.works import Works
from sync.bundle import BundleClass, hour_of, seal
from sync.carried import HEAD, CarriedFile, encode_record
from sync.message import Kind, Message, compose, encode
from sync.signing import Identity
from tests.hardware.machine import Machine as Plugs
from tests.hardware.machine import RealStick, places_with_real_mounts
from web_ui.carry_desk import CarryTrouble

OTHER = Identity(b"o" * 32)


class Box:
    """A camp's works with its desk for carrying, over a machine with sticks as a test plugs them in."""

    def __init__(self, folder: Path, places: Places) -> None:
        self.home = Home(folder)
        self.home.run.mkdir(parents=True)
        self.home.write_seed(b"s" * 32)
        self.works = Works(self.home, Settings(), Clock())
        self.works.start()
        self.changed = 0
        network = self.works.identity.network
        self.desk = NodeCarrying(
            self.home, self.works.pump, network, lambda: "camp.bundles", self._note, Machine(places, HELPER)
        )

    def _note(self) -> None:
        self.changed += 1

    def texts(self) -> list[str]:
        rows = self.works.store.connection.execute("SELECT text FROM messages WHERE shown = 1 ORDER BY seq")
        return [text for (text,) in rows]

    async def settled(self) -> None:
        """Until the file is in."""
        while (intake := self.desk.intake()) is not None and intake.state == "running":
            await asyncio.sleep(0.005)


def records(count: int, by: Identity = OTHER) -> list[tuple[bytes, bytes]]:
    wall_s = Clock().wall_s()
    made = (
        seal(
            by,
            hour_of(wall_s),
            BundleClass.POST,
            [encode(compose(Message(Kind.POST, int(wall_s) - n % 3_000), f"{n}"))],
        )
        for n in range(count)
    )
    return [(by.key, each.wire) for each in made]


def file_of(count: int) -> bytes:
    return HEAD + b"".join(encode_record(key, wire) for key, wire in records(count))


@pytest.fixture
def plugs(tmp_path):
    return Plugs(tmp_path / "machine")


@pytest.fixture
def stick(plugs, tmp_path):
    made = RealStick(plugs, tmp_path)
    yield made
    made.end()


@pytest.fixture
def run(tmp_path, plugs) -> Callable[[Callable[[Box], Awaitable[None]]], None]:
    """Runs a story with a box in an event loop."""

    def run(story: Callable[[Box], Awaitable[None]]) -> None:
        async def whole() -> None:
            box = Box(tmp_path / "camp", places_with_real_mounts(plugs.places))
            try:
                await story(box)
            finally:
                await box.desk.end()
                box.works.stop()

        asyncio.run(whole())

    return run


async def pieces(data: bytes, size: int = 1_000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def test_a_file_from_a_phone_is_in_and_shown(run):
    async def story(box: Box) -> None:
        await box.desk.receive("von\u202e Süden.bundles", pieces(file_of(1_200)))
        await box.settled()
        intake = box.desk.intake()
        assert intake is not None
        assert (intake.state, intake.new, intake.known, intake.refused) == ("done", 1_200, 0, 0)
        assert (intake.torn, intake.bytes_read == intake.bytes_total) == (False, True)
        assert intake.name == "von Süden.bundles"
        assert sorted(map(int, box.texts())) == list(range(1_200))
        assert box.changed == 1
        assert [each.name for each in box.home.run.iterdir()] == []
        await box.desk.receive("again", pieces(file_of(20)))
        await box.settled()
        again = box.desk.intake()
        assert again is not None
        assert again.new + again.known == 20

    run(story)


@pytest.mark.parametrize(
    ("data", "state", "trouble", "counts", "torn"),
    [
        (b"", "failed", "no_bundles", (0, 0, 0), False),
        (b"no bundles in it", "failed", "no_bundles", (0, 0, 0), False),
        (HEAD, "done", "", (0, 0, 0), False),
        (file_of(3)[:-5], "done", "", (2, 0, 0), True),
        (file_of(2) + bytes(5_000) + file_of(1)[len(HEAD) :], "done", "", (2, 1, 0), True),
        (
            HEAD + b"".join(encode_record(k, w[:-1] + bytes([w[-1] ^ 1])) for k, w in records(4)),
            "done",
            "",
            (0, 0, 4),
            False,
        ),
    ],
)
def test_each_file_has_one_outcome(run, data, state, trouble, counts, torn):
    async def story(box: Box) -> None:
        await box.desk.receive("x", pieces(data))
        await box.settled()
        intake = box.desk.intake()
        assert intake is not None
        assert (intake.state, intake.trouble, intake.torn) == (state, trouble, torn)
        assert (intake.new, intake.known, intake.refused) == counts

    run(story)


def test_one_thing_at_a_time_and_it_can_be_stopped(run):
    async def story(box: Box) -> None:
        gate = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield file_of(2_000)
            await gate.wait()

        receiving = asyncio.create_task(box.desk.receive("slow", slow()))
        await asyncio.sleep(0.01)
        for order in (box.desk.receive("b", pieces(b"x")), box.desk.open("sda1"), box.desk.close()):
            with pytest.raises(CarryTrouble, match="busy"):
                await order
        gate.set()
        await receiving
        box.desk.stop()
        await box.settled()
        intake = box.desk.intake()
        assert intake is not None
        assert intake.state == "stopped"
        assert intake.new == await _stored(box)

    run(story)


async def _stored(box: Box) -> int:
    """Two handfuls were under way at most; those that were counted are there."""
    job = box.works.pump.submit(
        lambda bench: bench.store.connection.execute("SELECT count(*) FROM bundles").fetchone()[0]
    )
    stored: int = await asyncio.wrap_future(job)
    intake = box.desk.intake()
    assert intake is not None
    assert intake.new <= stored <= intake.new + 501
    return intake.new


def test_a_phone_that_goes_away_leaves_nothing(run):
    async def story(box: Box) -> None:
        async def breaks_off() -> AsyncIterator[bytes]:
            yield file_of(5)
            raise ConnectionError

        with pytest.raises(ConnectionError):
            await box.desk.receive("x", breaks_off())
        assert box.desk.intake() is None
        assert list(box.home.run.iterdir()) == []
        await box.desk.receive("x", pieces(file_of(5)))

    run(story)


def test_a_full_box_takes_no_file(run, monkeypatch):
    monkeypatch.setattr(carry_desk, "ROOM_LEFT_BYTES", 1 << 60)

    async def story(box: Box) -> None:
        with pytest.raises(CarryTrouble, match="disk_full"):
            await box.desk.receive("x", pieces(file_of(5)))
        assert list(box.home.run.iterdir()) == []

    run(story)


def test_what_is_downloaded_is_a_file_of_bundles(run, tmp_path):
    async def story(box: Box) -> None:
        await box.desk.receive("x", pieces(file_of(1_000)))
        await box.settled()
        await box.desk.seal()
        parts = list(box.desk.bundles(None, None))
        assert len(parts) > 1
        (tmp_path / "out").write_bytes(b"".join(parts))
        with (tmp_path / "out").open("rb") as file:
            found = [(each.key, each.wire) for each in CarriedFile(file)]
        assert sorted(found)[:1_000] == sorted(records_like(found))
        assert len(list(box.desk.bundles(4e9, None))) == 1
        assert len(list(box.desk.bundles(None, "nowhere"))) == 1

    def records_like(found: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        return [each for each in found if each[0] == OTHER.key]

    run(story)


class TestSticks:
    """A real file system behind a loop device, where root may mount."""

    def test_from_one_camp_to_the_next(self, run, stick):
        write_bundles(stick.inside / "norte.bundles", records(30))
        stick.plug_in("NORTE")

        async def story(box: Box) -> None:
            assert [(each.label, each.state) for each in box.desk.sticks()] == [("NORTE", "closed")]
            assert box.desk.opened() is None
            await box.desk.open("sda1")
            opened = box.desk.opened()
            assert opened is not None
            assert [each.state for each in box.desk.sticks()] == ["open"]
            (file,) = opened.files
            assert file.shown == "norte.bundles"
            await box.desk.take(file.key)
            await box.settled()
            intake = box.desk.intake()
            assert intake is not None
            assert (intake.state, intake.new) == ("done", 30)
            await box.desk.close()
            assert [each.state for each in box.desk.sticks()] == ["closed"]
            await box.desk.write("sda1", None, None)
            await box.desk.write("sda1", None, None)
            written = box.desk.written()
            assert written is not None
            assert (written.file, written.bundles >= 30) == ("camp-2.bundles", True)
            assert [each.state for each in box.desk.sticks()] == ["closed"]
            await box.desk.open("sda1")
            opened = box.desk.opened()
            assert opened is not None
            assert {each.shown for each in opened.files} == {
                "camp.bundles",
                "camp-2.bundles",
                "norte.bundles",
            }

        run(story)

    def test_a_hostile_stick_harms_nothing(self, run, stick):
        (stick.inside / "key.bundles").symlink_to("/etc/passwd")
        os.mkfifo(stick.inside / "pipe.bundles")
        with (stick.inside / "hole.bundles").open("wb") as hole:
            hole.truncate(10_000_000_000)
        (stick.inside / "\u202edet\x1b[31m.bundles").write_bytes(b"junk")
        write_bundles(stick.inside / "good.bundles", records(3))
        stick.plug_in()

        async def story(box: Box) -> None:
            await box.desk.open("sda1")
            opened = box.desk.opened()
            assert opened is not None
            assert opened.odd == 2
            outcomes = {}
            for file in opened.files:
                await box.desk.take(file.key)
                await box.settled()
                intake = box.desk.intake()
                assert intake is not None
                outcomes[file.shown] = (intake.state, intake.trouble, intake.new)
            assert outcomes == {
                "hole.bundles": ("failed", "no_bundles", 0),
                "det[31m.bundles": ("failed", "no_bundles", 0),
                "good.bundles": ("done", "", 3),
            }
            for name in (b"pipe.bundles", b"key.bundles", b"../../etc/passwd"):
                with pytest.raises(CarryTrouble, match="not_a_file"):
                    await box.desk.take(name.hex())
            for key in ("", "zz", "6"):
                with pytest.raises(CarryTrouble):
                    await box.desk.take(key)

        run(story)

    def test_pulled_out_while_it_is_open(self, run, stick):
        write_bundles(stick.inside / "norte.bundles", records(3))
        stick.plug_in()

        async def story(box: Box) -> None:
            await box.desk.open("sda1")
            stick.pull_out()
            assert box.desk.sticks() == ()
            await box.desk.close()
            for order in (box.desk.open("sda1"), box.desk.write("sda1", None, None)):
                with pytest.raises(CarryTrouble, match="gone"):
                    await order
            with pytest.raises(CarryTrouble, match="gone"):
                await box.desk.take("61")

        run(story)

    def test_a_stick_without_room(self, run, stick):
        (stick.inside / "film").write_bytes(os.urandom(20_000_000))
        stick.plug_in()

        async def story(box: Box) -> None:
            chance = Random(7)
            many = (Identity(chance.randbytes(32)) for _ in range(40))
            data = HEAD + b"".join(encode_record(k, w) for by in many for k, w in records(50, by))
            await box.desk.receive("x", pieces(data, 60_000))
            await box.settled()
            places = box.desk._machine.places
            _fill(places.devices / "sda1", places)
            with pytest.raises(CarryTrouble, match="full"):
                await box.desk.write("sda1", None, None)
            await box.desk.open("sda1")
            opened = box.desk.opened()
            assert opened is not None
            assert opened.files == ()

        run(story)


def _fill(device: Path, places: Places) -> None:
    """Leave no room on a stick."""
    from hardware.stick_mount import mount, unmount

    folder = mount(device.name, True, places)
    try:
        with (folder / "rest").open("wb") as rest:
            while True:
                rest.write(bytes(65_536))
                rest.flush()
    except OSError:
        pass
    finally:
        unmount(device.name, places)
