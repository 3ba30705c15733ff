"""A cable that breaks again and again: what was sent is not sent again, over real WebSockets."""

import asyncio
import contextlib
from random import Random

import pytest
from websockets.asyncio.server import serve

from radio.ip_link import IpLinks
from sync import bundle, frames
from sync.frames import BundleFrame
from sync.signing import Identity
from tests.radio.test_ip_link import Answering
from tests.sync.cables import give, made_bundles, stored
from tests.sync.camps import NOW_S, Camp

HOUR = bundle.hour_of(NOW_S)
WRITERS = [Identity(bytes([65 + n]) * 32) for n in range(5)]


class Node:
    """A camp behind its links: what comes is taken at once, and what is due leaves while a link has room."""

    def __init__(self, name):
        self.camp = Camp(name)
        self.ports = {}
        self.arrived = []
        self.again = 0
        nonces = iter(range(1, 1_000_000))
        self.links = IpLinks(self.camp.identity, self, lambda: next(nonces).to_bytes(16, "big"), lambda: 0.02)

    def now(self):
        return NOW_S + asyncio.get_running_loop().time()

    def link_up(self, profile, port):
        self.ports[profile.name] = port
        self.camp.engine.add_link(profile, self.now())
        self.pump()

    def link_down(self, port):
        self.ports.pop(port.profile.name, None)
        self.camp.engine.drop_link(port.profile.name)

    def frame(self, link, data, snr_db=None):
        _, frame = frames.decode(data, self.camp.identity.network)
        if isinstance(frame, BundleFrame):
            made = bundle.decode(frame.wire)
            self.again += made.signature in self.arrived
            self.arrived.append(made.signature)
        with self.camp.store.transaction():
            self.camp.engine.receive_frame(data, link, self.now())
        self.pump()

    def has_room(self, link):
        return True

    def wake(self):
        self.pump()

    def pump(self):
        for name, port in list(self.ports.items()):
            while port.room():
                with self.camp.store.transaction():
                    leaving = self.camp.engine.frames_to_send(name, self.now(), float("inf"))
                if not leaving:
                    break
                port.push(leaving)


class Cable:
    """Carries bytes between a dialler and a server, and breaks after as many as the test says."""

    def __init__(self, port):
        self.port = port
        self.left = 0
        self.breaks = 0

    async def carry(self, reader, writer):
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.port)
        ways = [
            asyncio.create_task(self._copy(reader, there_writer)),
            asyncio.create_task(self._copy(there_reader, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for end in (writer, there_writer):
            end.transport.abort()

    async def _copy(self, reader, writer):
        while data := await reader.read(1_500):
            self.left -= len(data)
            if self.left < 0:
                self.breaks += 1
                return
            writer.write(data)
            await writer.drain()


@pytest.mark.parametrize("seed", range(3))
def test_what_arrived_before_a_cut_is_not_sent_again(seed, monkeypatch):
    monkeypatch.setattr("radio.ip_link.REDIAL_FIRST_S", 0.5)
    random = Random(seed)

    async def story():
        north, south = Node("north"), Node("south")
        for who in WRITERS:
            made = made_bundles(who, 60, HOUR)
            give(north.camp, who, random.sample(made, 40))
            give(south.camp, who, random.sample(made, 30))
        both = len(stored(north.camp) | stored(south.camp))
        async with contextlib.AsyncExitStack() as stack:
            server = await stack.enter_async_context(
                serve(lambda each: south.links.answer(Answering(each)), "127.0.0.1", 0, compression=None)
            )
            cable = Cable(server.sockets[0].getsockname()[1])
            between = await asyncio.start_server(cable.carry, "127.0.0.1", 0)
            port = between.sockets[0].getsockname()[1]
            north.links.dial("ip-1", f"http://127.0.0.1:{port}").start()
            cable.left = random.randint(2_500, 9_000)
            async with asyncio.timeout(20):
                while len(stored(north.camp)) < both or len(stored(south.camp)) < both:
                    if cable.left < 0:
                        cable.left = random.randint(2_500, 9_000)
                    await asyncio.sleep(0.01)
            await north.links.stop()
            await south.links.stop()
            between.close()
        assert cable.breaks >= 2
        assert north.again == south.again == 0

    asyncio.run(story())
