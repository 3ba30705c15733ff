"""Settings of a board, read and written through the real library, at a pty and at a TCP port."""

import errno
import fcntl
import socket
from pathlib import Path

import pytest
from meshtastic.protobuf import config_pb2

from radio import meshtastic_link
from radio.board import BoardError
from radio.board_search import SerialPlace, tcp_place
from radio.board_setup import BoardWish, Setting, changes, unusable
from radio.meshtastic_link import apply, look
from tests.radio.board.bench import OURS

WISH = BoardWish(OURS, region="EU_868", preset="LONG_FAST")


def place_of(board):
    return tcp_place(board.host) if hasattr(board, "host") else SerialPlace(board.by_id)


def in_a_bad_way(firmware):
    """What a board may be after somebody played with it for a year."""
    config = firmware.config
    config["lora"].region = 0
    config["lora"].use_preset = False
    config["lora"].tx_enabled = False
    config["lora"].override_duty_cycle = True
    config["device"].role = config_pb2.Config.DeviceConfig.Role.ROUTER
    config["device"].rebroadcast_mode = config_pb2.Config.DeviceConfig.RebroadcastMode.CORE_PORTNUMS_ONLY
    config["network"].wifi_enabled = True
    config["network"].wifi_ssid = "camp"
    config["bluetooth"].enabled = True
    config["security"].MergeFromString(b"\x48\x02")  # STRICT, a field newer than the package
    firmware.modules["mqtt"].enabled = True
    firmware.channels[0].settings.uplink_enabled = True


@pytest.mark.parametrize("tcp", [False, True])
def test_a_board_in_a_bad_way_is_set_up_after_it_was_said_what_changes(bench, tcp):
    board = bench.board(tcp=tcp, channel=None)
    board.do(in_a_bad_way)
    facts = look(place_of(board))
    assert (facts.region, facts.preset, facts.role, facts.signatures) == ("UNSET", "", "ROUTER", "STRICT")
    assert unusable(facts, WISH) == "The board's region is not set."
    wanted = changes(facts, WISH)
    expected = set(Setting) - {Setting.CHANNEL_INTERNET} - ({Setting.WIFI} if tcp else set())
    assert {change.setting for change in wanted} == expected

    apply(place_of(board), WISH, wanted)
    board.wait(lambda firmware: firmware.starts == 2)

    after = look(place_of(board))
    assert changes(after, WISH) == ()
    assert unusable(after, WISH) == ""
    assert after.index_of(OURS) == 1
    assert board.do(lambda firmware: firmware.config["security"].private_key) == b"secret" * 5
    assert board.do(lambda firmware: firmware.config["network"].wifi_ssid) == "camp"


def test_the_channel_is_kept_off_the_internet(bench):
    board = bench.board(tcp=True, preset="LONG_FAST", region="EU_868")
    board.do(lambda firmware: setattr(firmware.channels[1].settings, "uplink_enabled", True))
    (change,) = changes(look(place_of(board)), WISH)
    assert change.setting is Setting.CHANNEL_INTERNET
    apply(place_of(board), WISH, (change,))
    board.wait(lambda firmware: firmware.starts == 2)
    assert changes(look(place_of(board)), WISH) == ()


def test_a_board_that_is_managed_from_afar_says_so_and_stays_as_it_is(bench):
    board = bench.board(tcp=True, channel=None)
    board.do(lambda firmware: setattr(firmware.config["security"], "is_managed", True))
    facts = look(place_of(board))
    assert facts.is_managed
    apply(place_of(board), WISH, changes(facts, WISH))
    assert look(place_of(board)) == facts


def test_a_board_that_starts_up_is_asked_again(bench, monkeypatch):
    monkeypatch.setattr(meshtastic_link, "ASK_AGAIN_S", 0.2)
    board = bench.board(tcp=True, boot_s=0.3)
    assert look(place_of(board)).index_of(OURS) == 1
    assert board.do(lambda firmware: firmware.asked) == 1


def test_a_device_that_is_not_there_or_not_ours_is_refused_in_one_sentence(bench, tmp_path):
    with pytest.raises(BoardError, match="The device is not there"):
        look(SerialPlace(tmp_path / "ttyUSB9"))
    (tmp_path / "file").touch()
    with pytest.raises(BoardError):
        look(SerialPlace(tmp_path / "file"))


def test_what_is_no_serial_line_is_called_so(tmp_path):
    (tmp_path / "plain").write_text("x")
    for path in (Path("/dev/null"), tmp_path / "plain", tmp_path):
        with pytest.raises(BoardError, match=r"This is no serial line\."):
            look(SerialPlace(path))


def test_nobody_at_the_address_is_said_without_the_address(bench):
    board = bench.board(tcp=True, plugged=False)
    with pytest.raises(BoardError, match="Nobody answers at the board's address"):
        look(place_of(board))


@pytest.mark.parametrize("host", ["nobody.invalid", "ü" * 60])  # the second is too long for DNS in ASCII
def test_an_address_that_cannot_be_looked_up_is_called_that(host):
    with pytest.raises(BoardError, match="cannot be found"):
        look(tcp_place(host))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (OSError(errno.EHOSTUNREACH, "192.0.2.7"), "Nobody answers at the board's address."),
        (TimeoutError("timed out"), "The board does not answer."),
        (ConnectionResetError(errno.ECONNRESET, "192.0.2.7"), "The connection to the board broke off."),
    ],
)
def test_why_a_board_in_the_network_is_not_reached(fault, says, monkeypatch):
    def broken(address, timeout):
        raise fault

    monkeypatch.setattr(socket, "create_connection", broken)
    with pytest.raises(BoardError, match=f"^{says}$"):
        look(tcp_place("192.0.2.7"))


def test_a_board_that_another_program_holds_is_not_shared(bench):
    board = bench.board()
    with board.by_id.open() as device:
        fcntl.flock(device, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(BoardError, match="Another program holds the board"):
            look(place_of(board))
