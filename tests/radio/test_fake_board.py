"""The fake board before the package's own client: what was measured on real firmware holds here too."""

import queue
import time
from contextlib import contextmanager

import pytest
from meshtastic import BROADCAST_NUM
from meshtastic.mesh_interface import MeshInterface
from meshtastic.protobuf import mesh_pb2, portnums_pb2
from meshtastic.serial_interface import SerialInterface
from meshtastic.tcp_interface import TCPInterface
from pubsub import pub

from tests.radio.board.bench import OURS

WAIT_S = 20
PORT = 300
Error = mesh_pb2.Routing.Error


class Client:
    """The package's interface, and all that it published."""

    def __init__(self, interface):
        self.interface = interface
        self.came: queue.Queue = queue.Queue()
        self.statuses: queue.Queue = queue.Queue()
        # pypubsub holds listeners by weak references: bound methods live as long as this object.
        pub.subscribe(self._receive, "meshtastic.receive")
        pub.subscribe(self._notice, "meshtastic.clientNotification")
        handle = interface._handleQueueStatusFromRadio

        def handle_and_tell(status):
            handle(status)
            self.statuses.put(status)

        interface._handleQueueStatusFromRadio = handle_and_tell

    def _receive(self, packet, interface):
        if interface is self.interface:
            self.came.put(packet["raw"])

    def _notice(self, notification, interface):
        if interface is self.interface:
            self.came.put(notification)

    def send(self, payload, **options):
        return self.interface.sendData(payload, portNum=PORT, channelIndex=1, hopLimit=0, **options)

    def status_of(self, sent):
        """What the board answered to this packet; heartbeats are answered too."""
        while (status := self.statuses.get(timeout=WAIT_S)).mesh_packet_id != sent.id:
            pass
        return status

    def next(self):
        return self.came.get(timeout=WAIT_S)


@contextmanager
def client_of(board):
    interface = TCPInterface("127.0.0.1", portNumber=board.port)
    try:
        yield Client(interface)
    finally:
        interface.close()


def test_it_tells_its_settings_and_its_nodes(bench):
    with client_of(bench.board(tcp=True, preset="LONG_FAST", region="EU_868")) as client:
        node = client.interface.localNode
        assert node.localConfig.lora.region == 3
        assert [channel.settings.name for channel in node.channels[:2]] == ["", OURS.name]
        assert node.channels[1].settings.psk == OURS.key
        assert client.interface.metadata.firmware_version == "2.8.0.fake"
        assert len(client.interface.nodes) == 41


def test_a_packet_is_acknowledged_by_the_queue_and_heard_by_the_other_board(bench):
    with client_of(bench.board("a", tcp=True)) as a, client_of(bench.board("b", tcp=True)) as b:
        sent = a.send(b"hello")
        status = a.status_of(sent)
        assert (status.res, status.free, status.maxlen) == (0, 15, 16)
        heard = b.next()
        assert (heard.decoded.portnum, heard.decoded.payload, heard.channel) == (PORT, b"hello", 1)
        assert (heard.to, heard.hop_limit) == (BROADCAST_NUM, 0)
        assert heard.rx_snr


@pytest.mark.parametrize(("size", "error"), [(231, None), (232, Error.TOO_LARGE)])
def test_what_is_too_large_is_taken_and_refused_later(bench, size, error):
    with client_of(bench.board(tcp=True)) as client:
        sent = client.send(bytes(size))
        assert client.status_of(sent).res == 0
        if error is None:
            assert [each.packet.id for each in wait(bench.aired)] == [sent.id]
        else:
            refusal = client.next()
            assert refusal.decoded.portnum == portnums_pb2.PortNum.ROUTING_APP
            assert refusal.decoded.request_id == sent.id
            assert mesh_pb2.Routing.FromString(refusal.decoded.payload).error_reason == error
            assert bench.aired() == []


def test_the_package_itself_refuses_more_than_it_thinks_the_firmware_takes(bench):
    with client_of(bench.board(tcp=True)) as client, pytest.raises(MeshInterface.MeshInterfaceError):
        client.send(bytes(234))


def test_its_queue_holds_sixteen_sorts_them_and_refuses_the_least(bench):
    board = bench.board(tcp=True)
    board.do(lambda firmware: setattr(firmware.ether, "jammed", True))
    priority = mesh_pb2.MeshPacket.Priority
    with client_of(board) as client:
        # The package waits for a free place in a loop, for ever, also when it has nothing left to send.
        client.interface._queueHasFreeSpace = lambda: True
        client.interface._queueClaim = lambda: None

        def send(payload, importance):
            client.interface.queue.clear()  # or it sends again what was refused
            return client.status_of(client.send(payload, priority=importance))

        for number in range(16):
            assert send(b"bulk %d" % number, priority.BACKGROUND).free == 15 - number
        assert send(b"one more", priority.BACKGROUND).res != 0
        assert send(b"urgent", priority.ALERT).res == 0
        queued = board.do(lambda firmware: [each.decoded.payload for each in firmware.queue])
        assert queued == [b"urgent", *(b"bulk %d" % number for number in range(15))]


def test_an_hour_that_is_used_up_is_refused_in_words_and_in_numbers(bench):
    board = bench.board(tcp=True, region="EU_868", preset="LONG_FAST")
    board.do(lambda firmware: setattr(firmware, "sent_of_hour_ms", 361_000.0))
    with client_of(board) as client:
        sent = client.send(b"too much")
        notice, refusal = client.next(), client.next()
        assert notice.message == "Duty cycle limit exceeded. You can send again in 52 mins"
        assert notice.reply_id == sent.id
        routing = mesh_pb2.Routing.FromString(refusal.decoded.payload)
        assert routing.error_reason == Error.DUTY_CYCLE_LIMIT


def test_an_acknowledged_packet_does_not_stay_at_one_hop(bench):
    with client_of(bench.board(tcp=True)) as client:
        client.send(b"please answer", wantAck=True)
        (aired,) = wait(bench.aired)
        assert aired.packet.hop_limit == 3


def test_it_tells_how_busy_the_channel_is_and_how_much_it_sent(bench):
    board = bench.board(tcp=True)
    board.do(lambda firmware: setattr(firmware, "sent_of_hour_ms", 36_000.0))
    with client_of(board) as client:
        board.do(lambda firmware: firmware.tell_telemetry())
        client.next()
        (own,) = [node for node in client.interface.nodesByNum.values() if "deviceMetrics" in node]
        assert own["deviceMetrics"]["airUtilTx"] == pytest.approx(1.0)


def test_the_newest_client_has_it(bench):
    board = bench.board(tcp=True)
    with client_of(board) as first:
        reader = first.interface._rxThread
        first.interface._reconnect = lambda: setattr(first.interface, "_wantExit", True)
        with client_of(board) as second:
            reader.join(WAIT_S)
            assert not reader.is_alive()
            assert second.status_of(second.send(b"mine")).res == 0


def test_pulled_out_the_client_says_lost_once_and_never_recovers(bench):
    board = bench.board()
    lost: queue.Queue = queue.Queue()

    def hear(interface):
        lost.put(interface)

    pub.subscribe(hear, "meshtastic.connection.lost")
    interface = SerialInterface(str(board.by_id))
    assert interface.isConnected.is_set()
    board.unplug()
    assert lost.get(timeout=WAIT_S) is interface
    board.plug()
    assert not interface.isConnected.is_set()
    interface._rxThread.join(WAIT_S)
    assert not interface._rxThread.is_alive()
    assert lost.empty()
    interface.close()


def wait(look):
    """What it sees, once it sees something."""
    for _ in range(WAIT_S * 50):
        if seen := look():
            return seen
        time.sleep(0.02)
    raise AssertionError("nothing was seen")
