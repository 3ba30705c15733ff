"""The firmware of a fake board: settings, queue, duty, telemetry, as measured on 2.7 and 2.8."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from meshtastic.protobuf import (
    admin_pb2,
    channel_pb2,
    config_pb2,
    mesh_pb2,
    module_config_pb2,
    portnums_pb2,
    telemetry_pb2,
)

from radio.airtime import HOUR_S, RollingAirtime
from tests.radio.board.ether import Aired, Ether

NODELESS = 69420
QUEUE_MAX = 16
PAYLOAD_MAX = 231
CHANNELS = 8
BROADCAST = 0xFFFFFFFF
DEFAULT_HOPS = 3
# `ERRNO_UNKNOWN` of the firmware: the queue is full, and of packets that are not less important.
QUEUE_FULL = 32
PASSKEY = b"passkey!"
CORE_PORTS = {1, 3, 4, 5, 6, 67, 70}
LAW = {"EU_868": 0.10}

Priority = mesh_pb2.MeshPacket.Priority
Error = mesh_pb2.Routing.Error
Role = channel_pb2.Channel.Role


class Firmware:
    """Everything of a board but its plug. All methods run in the bench's loop."""

    def __init__(
        self,
        name: str,
        number: int,
        ether: Ether,
        *,
        preset: str = "SHORT_TURBO",
        region: str = "US",
        version: str = "2.8.0.fake",
        channel: tuple[str, bytes] | None = None,
        boot_s: float = 0.0,
        telemetry_s: float = 60.0,
    ) -> None:
        self.name = name
        self.number = number
        self.ether = ether
        self.boot_s = boot_s
        self.telemetry_s = telemetry_s
        self.config = config_sections(preset, region)
        self.modules = {"mqtt": module_config_pb2.ModuleConfig.MQTTConfig()}
        self.channels = [channel_pb2.Channel(index=index) for index in range(CHANNELS)]
        self.channels[0].role = Role.PRIMARY
        self.channels[0].settings.psk = b"\x01"
        if channel is not None:
            self.put_channel(1, *channel)
        self.metadata = mesh_pb2.DeviceMetadata(firmware_version=version)
        self.my_info = mesh_pb2.MyNodeInfo(my_node_num=number)
        self.queue: list[mesh_pb2.MeshPacket] = []
        self.received: list[mesh_pb2.MeshPacket] = []  # from the computer, in order
        self.asked = 0  # want_config
        self.starts = 0
        self.hangs = False
        self.sent_of_hour_ms = 0.0  # besides what was counted: a history for tests
        self.reboot: Callable[[], None] = lambda: None
        self._out: Callable[[bytes], None] | None = None
        self._buffer = bytearray()
        self._seen: list[int] = []
        self._hour = RollingAirtime(HOUR_S * 1_000)
        self._minute = RollingAirtime(60_000.0)
        self._on = False
        self._up_at = 0.0
        self._edit: list[Callable[[], None]] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._queued = asyncio.Event()
        self._next_id = number << 8 & 0xFFFFFFFF
        ether.join(self)

    # -- power and plug ---------------------------------------------------------------------------

    def power_on(self) -> None:
        self._on = True
        self.starts += 1
        self._up_at = asyncio.get_running_loop().time() + self.boot_s
        self._tasks = [asyncio.create_task(each()) for each in (self._transmit, self._tell_telemetry)]

    def power_off(self) -> None:
        self._on = False
        self.unplug()
        for task in self._tasks:
            task.cancel()
        self.queue.clear()
        self._seen.clear()

    def plug(self, out: Callable[[bytes], None]) -> None:
        """A computer reads us. There is one at a time."""
        self._out = out
        self._buffer.clear()

    def unplug(self) -> None:
        self._out = None

    @property
    def is_up(self) -> bool:
        return self._on and not self.hangs and asyncio.get_running_loop().time() >= self._up_at

    @property
    def preset(self) -> str:
        lora = self.config["lora"]
        return lora.ModemPreset.Name(lora.modem_preset)

    @property
    def region(self) -> str:
        lora = self.config["lora"]
        return lora.RegionCode.Name(lora.region)

    def put_channel(self, index: int, name: str, key: bytes) -> None:
        channel = channel_pb2.Channel(index=index, role=Role.SECONDARY)
        channel.settings.name = name
        channel.settings.psk = key
        self.channels[index].CopyFrom(channel)

    # -- the stream -------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Bytes of the computer: 0x94 0xC3, 16 bits of length, a ToRadio; the rest is noise."""
        if not self.is_up:
            return
        self._buffer += data
        while (start := self._buffer.find(b"\x94\xc3")) >= 0:
            del self._buffer[:start]
            if len(self._buffer) < 4:
                return
            length = int.from_bytes(self._buffer[2:4], "big")
            if length > 512:
                del self._buffer[:2]
                continue
            if len(self._buffer) < 4 + length:
                return
            body = bytes(self._buffer[4 : 4 + length])
            del self._buffer[: 4 + length]
            self._obey(mesh_pb2.ToRadio.FromString(body))
        del self._buffer[:-1]

    def say(self, **what) -> None:
        if self._out is None or not self.is_up:
            return
        body = mesh_pb2.FromRadio(**what).SerializeToString()
        self._out(b"\x94\xc3" + len(body).to_bytes(2, "big") + body)

    def _obey(self, order: mesh_pb2.ToRadio) -> None:
        match order.WhichOneof("payload_variant"):
            case "want_config_id":
                self.asked += 1
                self._tell_config(order.want_config_id)
            case "heartbeat":
                self._tell_queue()
            case "packet":
                self._take_packet(order.packet)
            case "disconnect":
                pass

    def _tell_config(self, nonce: int) -> None:
        self.say(my_info=self.my_info)
        own = mesh_pb2.NodeInfo(num=self.number)
        own.user.id = f"!{self.number:08x}"
        own.user.long_name = self.name
        self.say(node_info=own)
        self.say(metadata=self.metadata)
        for channel in self.channels:
            self.say(channel=channel)
        for name, section in self.config.items():
            self.say(config=config_pb2.Config(**{name: section}))
        for name, section in self.modules.items():
            self.say(moduleConfig=module_config_pb2.ModuleConfig(**{name: section}))
        if nonce != NODELESS:
            for number in range(40):
                other = mesh_pb2.NodeInfo(num=0x1000 + number)
                other.user.id = f"!{0x1000 + number:08x}"
                self.say(node_info=other)
        self.say(config_complete_id=nonce)

    def _tell_queue(self, packet_id: int = 0, res: int = 0) -> None:
        free = QUEUE_MAX - len(self.queue)
        status = mesh_pb2.QueueStatus(res=res, free=free, maxlen=QUEUE_MAX, mesh_packet_id=packet_id)
        self.say(queueStatus=status)

    # -- packets ----------------------------------------------------------------------------------

    def _take_packet(self, packet: mesh_pb2.MeshPacket) -> None:
        if packet.id in self._seen:
            return
        self._seen = [*self._seen[-15:], packet.id]
        if packet.decoded.portnum == portnums_pb2.PortNum.ADMIN_APP:
            self._tell_queue(packet.id)
            self._administer(packet)
            return
        self.received.append(packet)
        if packet.want_ack and packet.hop_limit == 0:
            packet.hop_limit = DEFAULT_HOPS
        if self._is_hour_full():
            self._refuse_for_duty(packet)
        elif len(packet.decoded.payload) > PAYLOAD_MAX:
            self._tell_queue(packet.id)
            asyncio.get_running_loop().call_later(0.05, self._tell_error, packet.id, Error.TOO_LARGE)
        elif len(self.queue) >= QUEUE_MAX and not self._make_room(packet.priority):
            self._tell_queue(packet.id, QUEUE_FULL)
        else:
            self.queue.append(packet)
            self.queue.sort(key=lambda each: -each.priority)  # stable: equals stay in their order
            self._tell_queue(packet.id)
            self._queued.set()

    def _make_room(self, priority: int) -> bool:
        if self.queue[-1].priority >= priority:
            return False
        self.queue.pop()
        return True

    def _is_hour_full(self) -> bool:
        law = LAW.get(self.region, 1.0)
        return law < 1 and self.air_util_tx() > 100 * law

    def _refuse_for_duty(self, packet: mesh_pb2.MeshPacket) -> None:
        text = "Duty cycle limit exceeded. You can send again in 52 mins"
        notice = mesh_pb2.ClientNotification(reply_id=packet.id, message=text)
        self.say(clientNotification=notice)
        self._tell_queue(packet.id, Error.DUTY_CYCLE_LIMIT)
        self._tell_error(packet.id, Error.DUTY_CYCLE_LIMIT)

    def _tell_error(self, packet_id: int, error: int) -> None:
        routing = mesh_pb2.Routing(error_reason=error)
        self._say_packet(portnums_pb2.PortNum.ROUTING_APP, routing.SerializeToString(), packet_id)

    def _say_packet(self, port: int, payload: bytes, request_id: int = 0) -> None:
        self._next_id += 1
        packet = mesh_pb2.MeshPacket(to=self.number, id=self._next_id)
        setattr(packet, "from", self.number)
        packet.decoded.portnum = port
        packet.decoded.payload = payload
        packet.decoded.request_id = request_id
        self.say(packet=packet)

    async def _transmit(self) -> None:
        while True:
            while not self.queue:
                self._queued.clear()
                await self._queued.wait()
            aired = await self.ether.send(self, self._pick)
            self._hour.add(aired.airtime_ms, self.ether.now_ms())
            self._minute.add(aired.airtime_ms, self.ether.now_ms())

    def _pick(self) -> tuple[mesh_pb2.MeshPacket, tuple[str, bytes]]:
        packet = self.queue.pop(0)
        setattr(packet, "from", self.number)
        settings = self.channels[packet.channel].settings
        return packet, (settings.name, settings.psk)

    def hear(self, aired: Aired, snr_db: float) -> None:
        """A packet of the air, in clear for those who have its channel."""
        self._minute.add(aired.airtime_ms, self.ether.now_ms())
        for channel in self.channels:
            settings = channel.settings
            if channel.role != Role.DISABLED and (settings.name, settings.psk) == aired.channel:
                self._deliver(aired.packet, channel.index, snr_db)

    def _deliver(self, packet: mesh_pb2.MeshPacket, index: int, snr_db: float) -> None:
        device = self.config["device"]
        mode = device.RebroadcastMode.Name(device.rebroadcast_mode)
        if mode == "CORE_PORTNUMS_ONLY" and packet.decoded.portnum not in CORE_PORTS:
            return
        heard = mesh_pb2.MeshPacket()
        heard.CopyFrom(packet)
        heard.channel = index
        heard.rx_snr = snr_db
        heard.rx_time = 1_800_000_000
        self.say(packet=heard)

    # -- telemetry --------------------------------------------------------------------------------

    def channel_utilization(self) -> float:
        return min(100.0, 100 * self._minute.total_ms(self.ether.now_ms()) / 60_000)

    def air_util_tx(self) -> float:
        spent_ms = self._hour.total_ms(self.ether.now_ms()) + self.sent_of_hour_ms
        return 100 * spent_ms / (HOUR_S * 1_000)

    def tell_telemetry(self) -> None:
        telemetry = telemetry_pb2.Telemetry()
        telemetry.device_metrics.channel_utilization = self.channel_utilization()
        telemetry.device_metrics.air_util_tx = self.air_util_tx()
        self._say_packet(portnums_pb2.PortNum.TELEMETRY_APP, telemetry.SerializeToString())

    async def _tell_telemetry(self) -> None:
        while True:
            await asyncio.sleep(self.telemetry_s)
            self.tell_telemetry()

    # -- settings ---------------------------------------------------------------------------------

    def _administer(self, packet: mesh_pb2.MeshPacket) -> None:
        order = admin_pb2.AdminMessage.FromString(packet.decoded.payload)
        if self.config["security"].is_managed:
            return  # by somebody far away, and by nobody here
        kind = order.WhichOneof("payload_variant")
        match kind:
            case "get_config_request":
                answer = admin_pb2.AdminMessage(session_passkey=PASSKEY)
                answer.get_config_response.sessionkey.SetInParent()
                self._say_packet(portnums_pb2.PortNum.ADMIN_APP, answer.SerializeToString(), packet.id)
            case "begin_edit_settings":
                self._edit = []
            case "commit_edit_settings":
                for edit in self._edit or []:
                    edit()
                self._edit = None
                asyncio.get_running_loop().call_later(0.1, lambda: self.reboot())
            case "set_channel" | "set_config" | "set_module_config":
                self._change(lambda: self._set(order))

    def _change(self, edit: Callable[[], None]) -> None:
        if self._edit is None:
            edit()
        else:
            self._edit.append(edit)

    def _set(self, order: admin_pb2.AdminMessage) -> None:
        match order.WhichOneof("payload_variant"):
            case "set_channel":
                self.channels[order.set_channel.index].CopyFrom(order.set_channel)
            case "set_config":
                name = order.set_config.WhichOneof("payload_variant")
                self.config[name].CopyFrom(getattr(order.set_config, name))  # a whole section
            case "set_module_config":
                name = order.set_module_config.WhichOneof("payload_variant")
                self.modules[name].CopyFrom(getattr(order.set_module_config, name))


def config_sections(preset: str, region: str):
    """What a board has that a person set to its region and preset, and else left as it came."""
    config = config_pb2.Config
    lora = config.LoRaConfig(use_preset=True, hop_limit=3, tx_enabled=True)
    lora.modem_preset = config.LoRaConfig.ModemPreset.Value(preset)
    lora.region = config.LoRaConfig.RegionCode.Value(region)
    return {
        "device": config.DeviceConfig(),
        "network": config.NetworkConfig(),
        "lora": lora,
        "bluetooth": config.BluetoothConfig(),
        "security": config.SecurityConfig(private_key=b"secret" * 5),
    }
