"""Which sticks are seen, what is opened on them, and what a hostile one gets out of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware import stick_files, stick_mount
from hardware.stick_files import FILES_MAX, NAME_LETTERS_MAX, contents, open_file, shown
from hardware.stick_mount import StickTrouble, Trouble, mount, serve, unmount
from hardware.sticks import THIS_BOX, Stick, find, probe, stick_named
from sync.text import is_tricky
from tests.hardware.machine import Machine, RealStick, places_with_real_mounts


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path / "machine")


def devices(machine: Machine) -> list[str]:
    return [stick.device for stick in find(machine.places)]


class TestFinding:
    def test_nothing_is_plugged_in(self, machine):
        assert find(machine.places) == ()

    def test_a_stick_with_a_partition(self, machine):
        machine.plug_in("sda", "sda1", size=1_000)
        machine.tell("8:1", ID_FS_TYPE="vfat", ID_FS_LABEL="CAMP  NORTE")
        assert find(machine.places) == (Stick("sda1", "CAMP NORTE", 512_000, "vfat", None),)

    def test_a_stick_without_partitions_and_one_with_two(self, machine):
        machine.plug_in("sdb", number="9")
        machine.plug_in("sda", "sda1", "sda2")
        assert devices(machine) == ["sda1", "sda2", "sdb"]

    def test_a_usb_disk_that_does_not_call_itself_removable(self, machine, tmp_path):
        machine.plug_in("sda", "sda1", removable=False)
        assert devices(machine) == []
        real = tmp_path / "devices" / "usb1" / "block" / "sda"
        real.parent.mkdir(parents=True)
        (machine.places.block / "sda").rename(real)
        (machine.places.block / "sda").symlink_to(real)
        assert devices(machine) == ["sda1"]

    @pytest.mark.parametrize("disk", ["sr0", "loop3", "ram1", "zram0", "dm-0", "fd0"])
    def test_what_is_removable_and_no_stick(self, machine, disk):
        machine.plug_in(disk)
        assert devices(machine) == []

    def test_an_empty_card_reader(self, machine):
        machine.plug_in("sdc", size=0)
        assert devices(machine) == []

    @pytest.mark.parametrize("where", ["/", "/boot/firmware", "/home", "/var/lib/miccheck"])
    def test_the_box_itself_is_no_stick(self, machine, where):
        machine.plug_in("sda", "sda1", "sda2")
        machine.mount("8:2", where)
        assert devices(machine) == []

    def test_one_that_a_desktop_mounted_is_shown_with_its_place(self, machine):
        machine.plug_in("sda", "sda1")
        machine.mount("8:1", "/media/ana/CAMP\\040SUR")
        assert find(machine.places)[0].mounted == Path("/media/ana/CAMP SUR")
        with pytest.raises(StickTrouble) as refused:
            stick_mount.mount_as_root("sda1", False, 0, 0, machine.places)
        assert refused.value.trouble is Trouble.IN_USE

    def test_a_label_cannot_deceive(self, machine):
        machine.plug_in("sda", "sda1")
        machine.tell("8:1", ID_FS_TYPE="vfat\u202e", ID_FS_LABEL="\u202eCAMP\x1b[31m" + "x" * 400)
        stick = find(machine.places)[0]
        assert not is_tricky(stick.label + stick.file_system)
        assert len(stick.label) == 40

    @pytest.mark.parametrize("device", ["", "..", "../sda1", "sda1/..", "SDA1", "sda1\n", "s" * 20, "sdz9"])
    def test_other_names_are_no_devices(self, machine, device):
        machine.plug_in("sda", "sda1")
        assert stick_named(device, machine.places) is None

    @pytest.mark.skipif(not THIS_BOX.block.exists(), reason="a container without /sys")
    def test_this_machine_can_be_looked_at(self):
        for stick in find(THIS_BOX):
            assert stick.size_bytes > 0


FAT32 = bytes(0x47) + b"NORTE      FAT32   ".ljust(439, b"\0") + b"\x55\xaa"
FAT16 = bytes(0x2B) + b"NO NAME    FAT16   ".ljust(467, b"\0") + b"\x55\xaa"
EXT = bytes(0x438) + b"\x53\xef" + bytes(0x3E) + b"SUR".ljust(16, b"\0")
NTFS = b"\xeb\x52\x90NTFS    ".ljust(510, b"\0") + b"\x55\xaa"


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (FAT32, ("vfat", "NORTE")),
        (FAT16, ("vfat", "")),
        (b"\xeb\x76\x90EXFAT   " + bytes(500), ("exfat", "")),
        (EXT, ("ext4", "SUR")),
        (NTFS, ("", "")),
        (b"", ("", "")),
        (bytes(4096), ("", "")),
    ],
)
def test_what_a_stick_is_formatted_as(tmp_path, head, what):
    (tmp_path / "sda1").write_bytes(head)
    assert probe(tmp_path / "sda1") == what


@given(st.binary(max_size=2100))
def test_any_first_sectors_are_something_or_nothing(tmp_path_factory, head):
    file = tmp_path_factory.getbasetemp() / "any"
    file.write_bytes(head)
    assert probe(file)[0] in ("", "vfat", "exfat", "ext4")


class TestFiles:
    def test_only_plain_files_of_bundles_count(self, tmp_path):
        (tmp_path / "a.bundles").write_bytes(b"12345")
        (tmp_path / "B.BUNDLES").write_bytes(b"")
        (tmp_path / "photo.jpg").write_bytes(b"")
        (tmp_path / ".a.bundles.half").write_bytes(b"")
        (tmp_path / "folder.bundles").mkdir()
        (tmp_path / "key.bundles").symlink_to("/etc/passwd")
        (tmp_path / "a-link.bundles").symlink_to(tmp_path / "a.bundles")
        os.mkfifo(tmp_path / "pipe.bundles")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "s.bundles"))
            found = contents(tmp_path)
        assert sorted(file.shown for file in found.files) == ["B.BUNDLES", "a.bundles"]
        assert (found.more, found.odd, found.cut) == (0, 5, False)
        assert {file.shown: file.size_bytes for file in found.files}["a.bundles"] == 5

    @pytest.mark.parametrize(
        ("name", "trouble"),
        [
            (b"pipe.bundles", Trouble.NOT_A_FILE),
            (b"key.bundles", Trouble.NOT_A_FILE),
            (b"folder.bundles", Trouble.NOT_A_FILE),
            (b"../outside", Trouble.NOT_A_FILE),
            (b"/etc/passwd", Trouble.NOT_A_FILE),
            (b"..", Trouble.NOT_A_FILE),
            (b"", Trouble.NOT_A_FILE),
            (b"a\0b", Trouble.NOT_A_FILE),
            (b"nothing.bundles", Trouble.GONE),
        ],
    )
    def test_nothing_else_is_opened_and_nobody_waits(self, tmp_path, name, trouble):
        stick = tmp_path / "stick"
        stick.mkdir()
        (tmp_path / "outside").write_bytes(b"secret")
        os.mkfifo(stick / "pipe.bundles")
        (stick / "key.bundles").symlink_to("/etc/passwd")
        (stick / "folder.bundles").mkdir()
        with pytest.raises(StickTrouble) as refused:
            open_file(stick, name)
        assert refused.value.trouble is trouble

    def test_a_hundred_thousand_files(self, tmp_path, monkeypatch):
        monkeypatch.setattr(stick_files, "NAMES_MAX", 500)
        for number in range(600):
            (tmp_path / f"{number}.bundles").touch()
        found = contents(tmp_path)
        assert len(found.files) == FILES_MAX
        assert found.cut
        assert found.more == 500 - FILES_MAX

    def test_names_are_shown_without_their_tricks(self, tmp_path):
        for name in (
            b"\xff\xfe.bundles",
            "\u202egnp.bundles".encode(),
            b"a\nb\x1b[2J.bundles",
            b"x" * 200 + b".bundles",
        ):
            (tmp_path / os.fsdecode(name)).write_bytes(b"12")
        found = contents(tmp_path)
        assert len(found.files) == 4
        for file in found.files:
            assert not is_tricky(file.shown)
            assert len(file.shown) <= NAME_LETTERS_MAX
            with open_file(tmp_path, file.name) as opened:
                assert opened.read() == b"12"

    def test_a_stick_that_was_pulled_out(self, tmp_path):
        with pytest.raises(StickTrouble) as refused:
            contents(tmp_path / "gone")
        assert refused.value.trouble is Trouble.DAMAGED

    @given(st.binary(min_size=1, max_size=80))
    def test_any_name_can_be_shown(self, raw):
        assert not is_tricky(shown(os.fsdecode(raw)))


@pytest.fixture
def stick(machine, tmp_path):
    made = RealStick(machine, tmp_path)
    yield made
    made.end()


class TestMounting:
    """With a real file system behind a loop device, where that is permitted."""

    def test_read_only_and_without_devices_programs_and_links(self, machine, stick):
        (stick.inside / "a.bundles").write_bytes(b"123")
        (stick.inside / "link.bundles").symlink_to("a.bundles")
        program = stick.inside / "program"
        program.write_text("#!/bin/sh\necho ran\n")
        program.chmod(0o4755)
        stick.plug_in("NORTE")
        places = places_with_real_mounts(machine.places)
        assert [(each.label, each.file_system) for each in find(places)] == [("NORTE", "ext4")]
        where = mount("sda1", False, places)
        assert where == places.mounted_at / "sda1"
        options = next(line for line in places.mounts.read_text().splitlines() if str(where) in line).split()[
            5
        ]
        assert {"ro", "nodev", "noexec", "nosuid", "nosymfollow"} <= set(options.split(","))
        with pytest.raises(OSError, match="Read-only"):
            (where / "mine").write_bytes(b"")
        with pytest.raises(PermissionError):
            subprocess.run([where / "program"], check=False)
        assert [file.shown for file in contents(where).files] == ["a.bundles"]
        assert find(places)[0].mounted == where
        unmount("sda1", places)
        assert find(places)[0].mounted is None
        assert not where.exists()
        unmount("sda1", places)  # nothing is there any more: fine

    def test_written_to_only_when_asked(self, machine, stick):
        stick.plug_in()
        places = places_with_real_mounts(machine.places)
        mount("sda1", False, places)
        where = mount("sda1", True, places)
        (where / "mine.bundles").write_bytes(b"12")
        unmount("sda1", places)
        assert [file.shown for file in contents(mount("sda1", False, places)).files] == ["mine.bundles"]
        unmount("sda1", places)

    def test_one_that_is_read_still_is_not_taken_away(self, machine, stick):
        (stick.inside / "a.bundles").write_bytes(b"123")
        stick.plug_in()
        places = places_with_real_mounts(machine.places)
        with open_file(mount("sda1", False, places), b"a.bundles"), pytest.raises(StickTrouble) as refused:
            unmount("sda1", places)
        assert refused.value.trouble is Trouble.IN_USE
        unmount("sda1", places)

    def test_one_that_is_pulled_out_is_let_go_of(self, machine, stick):
        (stick.inside / "a.bundles").write_bytes(b"123")
        stick.plug_in()
        places = places_with_real_mounts(machine.places)
        where = mount("sda1", False, places)
        with open_file(where, b"a.bundles"):
            stick.pull_out()
            unmount("sda1", places)
        assert not os.path.ismount(where)

    def test_nonsense_on_a_stick(self, machine, stick):
        stick.plug_in()
        places = places_with_real_mounts(machine.places)
        image = Path(stick.loop)
        with image.open("r+b") as file:
            file.seek(1024)
            file.write(bytes(56) + b"\x53\xef" + b"\xff" * 900)
        with pytest.raises(StickTrouble) as refused:
            mount("sda1", False, places)
        assert refused.value.trouble is Trouble.DAMAGED
        with image.open("r+b") as file:
            file.write(bytes(4096))
        with pytest.raises(StickTrouble) as refused:
            mount("sda1", False, places)
        assert refused.value.trouble is Trouble.FILE_SYSTEM


class TestHelper:
    """One line, believed in nothing."""

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"mount",
            b"mount sda1",
            b"mount sda1 rw,suid",
            b"mount ../../etc ro",
            b"mount /dev/mmcblk0 ro",
            b"mount sda1 ro now",
            b"unmount /",
            b"unmount ../..",
            b"\xff\xfe",
            b"reboot",
            b"mount sdz1 ro",
        ],
    )
    def test_what_is_no_stick_is_refused(self, machine, line):
        machine.plug_in("sda", "sda1")
        assert serve(line, 1000, 1000, machine.places) == "no gone\n"

    def test_a_disk_of_the_box_is_refused(self, machine):
        machine.plug_in("sda", "sda1", "sda2")
        machine.mount("8:2", "/")
        assert serve(b"mount sda1 ro", 1000, 1000, machine.places) == "no gone\n"

    def test_a_node_without_rights_asks_it_over_its_socket(self, machine, tmp_path, stick, monkeypatch):
        """Both ends, with the connection as systemd would hand it over."""
        (stick.inside / "a.bundles").write_bytes(b"123")
        stick.plug_in()
        places = places_with_real_mounts(machine.places)
        path = tmp_path / "helper.sock"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()

            def one_line() -> None:
                peer, _ = listener.accept()
                with peer:
                    peer.sendall(serve(peer.recv(64), os.getuid(), os.getgid(), places).encode())

            for request in ("mount", "unmount"):
                thread = threading.Thread(target=one_line)
                thread.start()
                monkeypatch.setattr(os, "geteuid", lambda: 1000)
                if request == "mount":
                    where = mount("sda1", False, places, path)
                    assert where == places.mounted_at / "sda1"
                else:
                    unmount("sda1", places, path)
                monkeypatch.undo()
                thread.join()
        assert not os.path.ismount(where)

    def test_without_helper_and_rights_it_is_not_allowed(self, machine, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        assert not stick_mount.can_mount(tmp_path / "no.sock")
        with pytest.raises(StickTrouble) as refused:
            mount("sda1", False, machine.places, tmp_path / "no.sock")
        assert refused.value.trouble is Trouble.NOT_ALLOWED

    @pytest.mark.parametrize("line", [b"mount nodisk1 ro", b"unmount nodisk1", b"x" * 64])
    def test_it_serves_the_connection_it_is_given(self, line):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            helper = subprocess.Popen([sys.executable, "-m", "hardware.stick_mount"], stdin=theirs.fileno())
            theirs.close()
            ours.sendall(line)
            assert ours.makefile().read() == ("ok\n" if line.startswith(b"unmount") else "no gone\n")
            assert helper.wait(20) == 0
