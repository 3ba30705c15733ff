"""Where the board is: by name, by USB id, in the network; and never a guess between several."""

import pytest

from radio.board_search import Nowhere, SerialPlace, TcpPlace, Where, boards, find, marks_of, tcp_place
from tests.radio.board import Bench


def tree(folder, *ttys):
    """A /dev and a /sys with these: name, USB id or None, lasting name or None."""
    dev, sys = folder / "dev", folder / "sys"
    (dev / "serial" / "by-id").mkdir(parents=True)
    for name, usb_id, lasting in ttys:
        (dev / name).touch()
        interface = sys / "devices" / name / "1-1" / "1-1:1.0"
        (interface / name).mkdir(parents=True)
        (sys / "class" / "tty" / name).mkdir(parents=True)
        (sys / "class" / "tty" / name / "device").symlink_to(interface / name)
        if usb_id:
            vendor, product = usb_id.split(":")
            (interface.parent / "idVendor").write_text(vendor + "\n")
            (interface.parent / "idProduct").write_text(product + "\n")
        if lasting:
            (dev / "serial" / "by-id" / lasting).symlink_to(f"../../{name}")
    return dev, sys


def test_a_board_is_known_by_its_usb_id_and_opened_by_its_lasting_name(tmp_path):
    dev, sys = tree(
        tmp_path,
        ("ttyS0", None, None),
        ("ttyACM0", "303A:1001", "usb-Espressif_x-if00"),
        ("ttyUSB0", "0403:6001", "usb-FTDI_printer-if00"),
    )
    assert find(Where(), dev, sys) == SerialPlace(dev / "serial/by-id/usb-Espressif_x-if00")


@pytest.mark.parametrize(
    "usb_id", ["1a86:55d4", "1a86:7523", "10c4:ea60", "239a:0029", "239a:8029", "303a:9"]
)
def test_a_board_without_a_lasting_name_is_opened_by_its_number(tmp_path, usb_id):
    dev, sys = tree(tmp_path, ("ttyUSB0", usb_id, None))
    assert find(Where(), dev, sys) == SerialPlace(dev / "ttyUSB0")


def test_without_a_board_there_is_none(tmp_path):
    assert find(Where(), tmp_path, tmp_path) == Nowhere("No board is plugged in.")
    dev, sys = tree(tmp_path, ("ttyUSB0", "0403:6001", None))
    assert find(Where(), dev, sys) == Nowhere("No board is plugged in.")


def test_between_two_boards_nobody_guesses(tmp_path):
    dev, sys = tree(tmp_path, ("ttyUSB0", "10c4:ea60", None), ("ttyACM0", "303a:1001", "usb-b"))
    assert find(Where(), dev, sys) == Nowhere("Several boards are plugged in: say in the settings which one.")
    assert boards(dev, sys) == (dev / "serial/by-id/usb-b", dev / "ttyUSB0")
    named = find(Where(device=str(dev / "ttyUSB0")), dev, sys)
    assert named == SerialPlace(dev / "ttyUSB0")


def test_a_device_that_is_named_is_not_looked_for_elsewhere(tmp_path):
    dev, sys = tree(tmp_path, ("ttyUSB0", "10c4:ea60", None))
    assert find(Where(device=str(dev / "ttyUSB7")), dev, sys) == Nowhere("The device is not there.")


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("board.local", TcpPlace("board.local", 4403)),
        ("10.0.0.7:4404", TcpPlace("10.0.0.7", 4404)),
        ("[fd00::7]:4404", TcpPlace("fd00::7", 4404)),
        ("fd00::7", TcpPlace("fd00::7", 4403)),
        ("[fd00::7]", TcpPlace("fd00::7", 4403)),
    ],
)
def test_a_host_is_taken_with_and_without_a_port(host, place):
    assert tcp_place(host) == place
    assert find(Where(host=host)) == place
    assert marks_of(place) is None


def test_a_device_that_was_pulled_out_and_came_back_is_noticed(tmp_path):
    device = tmp_path / "ttyACM0"
    place = SerialPlace(device)
    assert marks_of(place) is None
    device.touch()
    before = marks_of(place)
    other = tmp_path / "other"
    other.touch()
    other.replace(device)
    assert before is not None
    assert marks_of(place) not in (None, before)
    device.unlink()
    assert marks_of(place) is None


def test_a_board_of_the_bench_is_found_as_a_real_one(tmp_path):
    with Bench(tmp_path) as bench:
        board = bench.board()
        assert find(Where(), bench.dev, bench.sys) == SerialPlace(board.by_id)
        board.unplug()
        assert find(Where(), bench.dev, bench.sys) == Nowhere("No board is plugged in.")
        board.plug()
        assert find(Where(), bench.dev, bench.sys) == SerialPlace(board.by_id)
