"""Reading and writing the settings of a Meshtastic board, as its package holds them in memory.

The package's objects are protobufs that come with their own description, so the names of regions, roles and
modes are looked up in them and nothing of the package is imported here. A setting that is newer than the
package stays in what is written back: the firmware replaces a whole section by what it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.unknown_fields import UnknownFieldSet

from radio.board_setup import BoardChannel, BoardFacts, BoardWish, Change, Setting

# `SecurityConfig.packet_signature_policy` of firmware 2.8, which the package of 2.7 does not know.
SIGNATURE_POLICY_FIELD = 9
SIGNATURE_POLICIES = ("COMPATIBLE", "BALANCED", "STRICT")
_POLICY_TAG = SIGNATURE_POLICY_FIELD << 3  # a varint

# Which section a setting is in.
_SECTIONS = {
    Setting.REGION: "lora",
    Setting.PRESET: "lora",
    Setting.TRANSMIT: "lora",
    Setting.DUTY: "lora",
    Setting.ROLE: "device",
    Setting.REBROADCAST: "device",
    Setting.SIGNATURES: "security",
    Setting.WIFI: "network",
    Setting.BLUETOOTH: "bluetooth",
    Setting.MQTT: "mqtt",
}


def facts_of(interface: Any, *, by_network: bool) -> BoardFacts:
    """What the board said when it was opened."""
    node = interface.localNode
    config, modules = node.localConfig, node.moduleConfig
    lora, metadata = config.lora, interface.metadata
    return BoardFacts(
        firmware=metadata.firmware_version if metadata is not None else "",
        edition=_word(interface.myInfo, "firmware_edition"),
        region=_word(lora, "region"),
        preset=_word(lora, "modem_preset") if lora.use_preset else "",
        role=_word(config.device, "role"),
        rebroadcast=_word(config.device, "rebroadcast_mode"),
        signatures=_signatures(config.security),
        transmits=lora.tx_enabled,
        ignores_duty=lora.override_duty_cycle,
        frequency_slot=lora.channel_num,
        wifi=config.network.wifi_enabled,
        bluetooth=config.bluetooth.enabled,
        mqtt=modules.mqtt.enabled,
        is_managed=config.security.is_managed,
        by_network=by_network,
        channels=tuple(_channels(node.channels)),
    )


def write(node: Any, wish: BoardWish, changes: Iterable[Change]) -> None:
    """Make these changes on the board in one transaction, after which it starts again."""
    sections: dict[str, None] = {}
    channels: dict[int, None] = {}
    for change in changes:
        match change.setting:
            case Setting.CHANNEL | Setting.CHANNEL_INTERNET:
                channels[int(change.value)] = None
                _set_channel(node.channels[int(change.value)], wish, change.setting)
            case _:
                sections[_SECTIONS[change.setting]] = None
                _set(node, change)
    node.beginSettingsTransaction()
    for index in channels:
        node.writeChannel(index)
    for section in sections:
        node.writeConfig(section)
    node.commitSettingsTransaction()


def _set_channel(channel: Any, wish: BoardWish, setting: Setting) -> None:
    if setting is Setting.CHANNEL:
        channel.settings.Clear()
        channel.settings.name = wish.channel.name
        channel.settings.psk = wish.channel.key
        channel.role = _number(channel, "role", "SECONDARY")
    channel.settings.uplink_enabled = False
    channel.settings.downlink_enabled = False


def _set(node: Any, change: Change) -> None:
    config, value = node.localConfig, change.value
    match change.setting:
        case Setting.REGION:
            config.lora.region = _number(config.lora, "region", value)
        case Setting.PRESET:
            config.lora.use_preset = True
            config.lora.modem_preset = _number(config.lora, "modem_preset", value)
        case Setting.TRANSMIT:
            config.lora.tx_enabled = True
        case Setting.DUTY:
            config.lora.override_duty_cycle = False
        case Setting.ROLE:
            config.device.role = _number(config.device, "role", value)
        case Setting.REBROADCAST:
            config.device.rebroadcast_mode = _number(config.device, "rebroadcast_mode", value)
        case Setting.SIGNATURES:
            # Of a field that stands twice the last counts.
            config.security.MergeFromString(bytes([_POLICY_TAG, SIGNATURE_POLICIES.index(value)]))
        case Setting.WIFI:
            config.network.wifi_enabled = False
        case Setting.BLUETOOTH:
            config.bluetooth.enabled = False
        case Setting.MQTT:
            node.moduleConfig.mqtt.enabled = False
        case _:
            raise ValueError(f"{change.setting} is no section's")


def _channels(channels: Iterable[Any]) -> Iterator[BoardChannel]:
    for channel in channels:
        role, settings = _word(channel, "role"), channel.settings
        if role != "DISABLED":
            to_internet = settings.uplink_enabled or settings.downlink_enabled
            is_primary = role == "PRIMARY"
            yield BoardChannel(channel.index, settings.name, settings.psk, is_primary, to_internet)


def _signatures(security: Any) -> str:
    number = getattr(security, "packet_signature_policy", 0)
    for each in UnknownFieldSet(security):
        if each.field_number == SIGNATURE_POLICY_FIELD and isinstance(each.data, int):
            number = each.data
    return SIGNATURE_POLICIES[number] if number < len(SIGNATURE_POLICIES) else str(number)


def _word(message: Any, field: str) -> str:
    """The firmware's word for what an enumerated field says; its number where the package knows no word."""
    number = getattr(message, field)
    found = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number.get(number)
    return found.name if found is not None else str(number)


def _number(message: Any, field: str, word: str) -> int:
    number: int = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_name[word].number
    return number
