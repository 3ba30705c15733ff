"""HOME: made whole or not at all, one writer, a key that can be read back."""

import fcntl
import os
import socket
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import service
from node.control import reachable
from node.home import Home, HomeError, HomeLock, Locked, new_home


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_home_appears_whole_and_private(tmp_path):
    folder = tmp_path / "deep" / "camp"
    with new_home(folder) as home:
        home.write_seed(bytes(range(32)))
        assert not folder.exists()
    home = Home(folder)
    assert home.read_seed() == bytes(range(32))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.key.stat().st_mode) == 0o600
    assert names(folder.parent) == ["camp"]


def test_an_interrupted_init_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_home(tmp_path / "camp"):
        raise KeyboardInterrupt
    assert names(tmp_path) == []


@pytest.mark.parametrize("make", ["mkdir", "touch", "link"])
def test_whatever_exists_is_refused_and_untouched(tmp_path, make):
    folder = tmp_path / "camp"
    {"mkdir": folder.mkdir, "touch": folder.touch, "link": lambda: folder.symlink_to("nowhere")}[make]()
    with pytest.raises(HomeError, match="exists already"), new_home(folder):
        pytest.fail("must not be reached")
    assert names(tmp_path) == ["camp"]


def test_what_a_killed_init_left_is_removed_by_the_next(tmp_path):
    left = tmp_path / ".camp.half-dead"
    living = tmp_path / ".camp.half-living"
    left.mkdir()
    (left / "camp.key").write_text("secret")
    living.mkdir()
    descriptor = os.open(living, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with new_home(tmp_path / "camp"):
        pass
    os.close(descriptor)
    assert names(tmp_path) == [".camp.half-living", "camp"]


@given(st.binary(min_size=32, max_size=32))
def test_the_key_is_read_as_it_was_written(tmp_path_factory, seed):
    home = Home(tmp_path_factory.mktemp("home"))
    home.write_seed(seed)
    assert home.read_seed() == seed


@pytest.mark.parametrize("text", ["", "# only words\n", "zz", "00" * 31, "00" * 33, "\x00"])
def test_a_damaged_key_is_one_line(tmp_path, text):
    home = Home(tmp_path)
    home.key.write_text(text)
    with pytest.raises(HomeError, match=r"camp\.key"):
        home.read_seed()


def test_two_processes_never_hold_one_home(tmp_path):
    home = Home(tmp_path)
    source = f"""
import pathlib, sys
from node.home import Home, HomeLock, Locked
try:
    HomeLock(Home(pathlib.Path({str(tmp_path)!r})))
except Locked as error:
    sys.exit(str(error))
"""
    command = [sys.executable, "-c", source]
    with HomeLock(home):
        with pytest.raises(Locked):
            HomeLock(home)
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "another miccheck is at work" in refused.stderr
    assert subprocess.run(command, check=False).returncode == 0


def test_a_folder_that_is_no_camp_is_named(tmp_path):
    with pytest.raises(HomeError, match=r"there is no camp at .*miccheck init"):
        Home(tmp_path / "none").check()
    with pytest.raises(HomeError, match=r"no miccheck\.toml and no camp\.key"):
        Home(tmp_path).check()


def test_the_form_key_stays_the_same(tmp_path):
    home = Home(tmp_path)
    home.secrets.mkdir()
    key = home.read_form_key()
    assert home.read_form_key() == key
    assert stat.S_IMODE(home.form_key.stat().st_mode) == 0o600
    home.form_key.write_bytes(key[:5])
    assert len(home.read_form_key()) == 32


@pytest.mark.parametrize(
    ("text", "ports"), [("[1, 2]", (1, 2)), ("[1]", None), ("", None), ('["a", 2]', None)]
)
def test_ports_are_read_or_nothing(tmp_path, text, ports):
    home = Home(tmp_path)
    home.run.mkdir()
    assert home.read_ports() is None
    home.ports.write_text(text)
    assert home.read_ports() == ports
    home.write_ports(80, 443)
    assert home.read_ports() == (80, 443)


def test_a_second_node_is_refused_at_once_and_a_command_is_waited_for(tmp_path, monkeypatch):
    home, waited = Home(tmp_path / "camp"), []
    home.run.mkdir(parents=True)
    lock = HomeLock(home)

    def pause(seconds):
        waited.append(seconds)
        lock.close()

    monkeypatch.setattr(service, "pause", pause)
    with reachable(home.control) as address, socket.socket(socket.AF_UNIX) as node:
        node.bind(address)
        node.listen()
        with pytest.raises(Locked, match="a node runs in"):
            service._lock(home)
        assert waited == []
    service._lock(home).close()  # nobody listens any more: the lock is some command's
    assert waited == [service.LOCK_AGAIN_S]
