"""What a Meshtastic board must be for a camp, and what would be changed: said before it is done."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sync
from radio.airtime import PRESETS, Firmware
from radio.board_setup import (
    BoardChannel,
    BoardFacts,
    BoardWish,
    Setting,
    changes,
    rules_of,
    unusable,
    worry,
)
from radio.mesh_channel import CHANNEL_NAME, MeshChannel, channel_of
from radio.regions import REGIONS
from sync.signing import Network

OURS = channel_of(Network())
WISH = BoardWish(OURS)
PRIMARY = BoardChannel(0, "", b"\x01", is_primary=True)
GOOD = BoardFacts("2.8.0.abcdef1", region="EU_868", channels=(PRIMARY, BoardChannel(1, OURS.name, OURS.key)))


def test_the_channel_follows_from_the_network_word_alone():
    assert channel_of(Network("miccheck")) == OURS
    assert channel_of(Network("another")).key != OURS.key
    assert len(OURS.key) == 32
    assert OURS.key.hex() == "64b146cc778789ca4d1fffcba3f0d82acf563afbd46b49449a3f8684175ad834"
    assert OURS.key.hex() not in repr(OURS)
    assert OURS.key.hex() in (Path(sync.__file__).parent / "PROTOCOL.md").read_text()


def test_a_board_that_is_right_stays_as_it_is():
    assert changes(GOOD, WISH) == ()
    assert unusable(GOOD, WISH) == ""


@pytest.mark.parametrize(
    ("facts", "wish", "setting", "value"),
    [
        ({"channels": (PRIMARY,)}, {}, Setting.CHANNEL, "1"),
        ({"channels": (PRIMARY, BoardChannel(1, "x", b""))}, {}, Setting.CHANNEL, "2"),
        ({"channels": (PRIMARY, BoardChannel(3, CHANNEL_NAME, b"old"))}, {}, Setting.CHANNEL, "3"),
        (
            {"channels": tuple(BoardChannel(at, f"c{at}", b"") for at in range(8))},
            {},
            Setting.CHANNEL,
            "7",
        ),
        (
            {"channels": (PRIMARY, BoardChannel(1, OURS.name, OURS.key, to_internet=True))},
            {},
            Setting.CHANNEL_INTERNET,
            "1",
        ),
        ({"region": "UNSET"}, {"region": "EU_868"}, Setting.REGION, "EU_868"),
        ({"region": "US"}, {"region": "EU_868"}, Setting.REGION, "EU_868"),
        ({"preset": ""}, {"preset": "SHORT_TURBO"}, Setting.PRESET, "SHORT_TURBO"),
        ({"transmits": False}, {}, Setting.TRANSMIT, "on"),
        ({"ignores_duty": True}, {}, Setting.DUTY, "on"),
        ({"role": "ROUTER"}, {}, Setting.ROLE, "CLIENT"),
        ({"rebroadcast": "CORE_PORTNUMS_ONLY"}, {}, Setting.REBROADCAST, "ALL"),
        ({"signatures": "STRICT"}, {}, Setting.SIGNATURES, "BALANCED"),
        ({"wifi": True}, {}, Setting.WIFI, "off"),
        ({"bluetooth": True}, {}, Setting.BLUETOOTH, "off"),
        ({"mqtt": True}, {}, Setting.MQTT, "off"),
    ],
)
def test_one_thing_wrong_is_one_change(facts, wish, setting, value):
    (change,) = changes(replace(GOOD, **facts), replace(WISH, **wish))
    assert (change.setting, change.value) == (setting, value)
    assert OURS.key.hex() not in change.sentence


def test_wifi_stays_on_where_it_is_the_way_to_the_board():
    assert changes(replace(GOOD, wifi=True, by_network=True), WISH) == ()


@pytest.mark.parametrize(
    ("facts", "wish", "why"),
    [
        ({"region": "UNSET"}, {}, "The board's region is not set."),
        ({"region": "LORA_24"}, {}, "The board's region is none that Mic Check knows."),
        ({"region": "US"}, {"region": "EU_868"}, "The board's region is not the one in the settings."),
        ({"preset": ""}, {}, "The board's preset is none that Mic Check knows."),
        ({}, {"preset": "SHORT_FAST"}, "The board's preset is not the one in the settings."),
        ({"preset": "SHORT_TURBO"}, {}, "The board's preset is not allowed in its region."),
        ({"transmits": False}, {}, "The board is set not to transmit."),
        (
            {"channels": (PRIMARY, BoardChannel(1, OURS.name, b"\x00" * 32))},
            {},
            "The board does not have this network's channel: miccheck doctor puts it there.",
        ),
        (
            {"rebroadcast": "KNOWN_ONLY"},
            {},
            "The board's rebroadcast mode drops our frames: miccheck doctor changes it.",
        ),
        (
            {"signatures": "STRICT"},
            {},
            "The board's signature policy drops our frames: miccheck doctor changes it.",
        ),
        (
            {"edition": "DEFCON"},
            {},
            "The board runs firmware made for an event, which drops our frames.",
        ),
    ],
)
def test_a_board_that_would_not_do_is_refused_with_the_reason(facts, wish, why):
    assert unusable(replace(GOOD, **facts), replace(WISH, **wish)) == why


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({}, ""),
        ({"firmware": "2.7.15.1"}, ""),
        ({"firmware": "2.7.14"}, "The board's firmware is older than 2.7.15: bring it up to date."),
        ({"firmware": ""}, "The board's firmware is older than 2.7.15: bring it up to date."),
        (
            {"role": "ROUTER"},
            "The board's role is to sleep, or to repeat for others: miccheck doctor changes it.",
        ),
    ],
)
def test_a_board_that_serves_may_be_a_worry(facts, why):
    assert worry(replace(GOOD, **facts)) == why


@given(st.sampled_from(PRESETS), st.sampled_from(REGIONS), st.floats(0.05, 1.0))
def test_what_is_usable_has_rules_within_the_law(preset, region, share):
    facts = replace(GOOD, preset=preset.name, region=region.name)
    if unusable(facts, WISH) == "":
        rules = rules_of(facts, share)
        assert rules.duty <= region.duty_cycle
        assert rules.longest_ms <= region.frame_ms_max


@pytest.mark.parametrize(
    ("firmware", "version", "wrapped"),
    [
        ("2.7.15.567b8ea", (2, 7, 15), Firmware.RAW),
        ("2.8.0.abcdef1", (2, 8, 0), Firmware.V2_8),
        ("2.10.3", (2, 10, 3), Firmware.V2_8),
        ("", (0, 0, 0), Firmware.RAW),
        ("unset", (0, 0, 0), Firmware.RAW),
    ],
)
def test_the_version_says_what_a_frame_costs(firmware, version, wrapped):
    facts = replace(GOOD, firmware=firmware)
    assert facts.version == version
    rules = rules_of(facts)
    assert rules.firmware is wrapped
    assert rules.airtime_ms(110) == rules.preset.airtime_ms(110, wrapped)


def test_the_change_of_the_channel_says_what_it_replaces():
    full = replace(GOOD, channels=tuple(BoardChannel(at, f"c{at}", b"") for at in range(8)))
    (change,) = changes(full, BoardWish(MeshChannel("miccheck", b"k" * 32)))
    assert change.sentence == "add the private channel miccheck, in place of the last one of its eight"
