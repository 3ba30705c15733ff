"""The Debian packages of the slow tests: brought in by root, named to everybody else."""

import pytest

from tests import apt_packages


@pytest.fixture
def lacking(monkeypatch, tmp_path) -> list[list[str]]:
    """A machine without any of them; returns the commands that were run."""
    commands: list[list[str]] = []
    monkeypatch.setattr(apt_packages, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(apt_packages, "_is_installed", lambda name: False)
    monkeypatch.setattr(apt_packages.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(apt_packages.subprocess, "run", lambda command, **_: commands.append(command))
    return commands


def test_list_has_comments():
    assert apt_packages.listed("# why\nchromium   # pages\n\nstrace\n") == ["chromium", "strace"]


def test_root_installs_them(lacking, monkeypatch):
    monkeypatch.setattr(apt_packages.os, "geteuid", lambda: 0)
    assert apt_packages.main() == 0
    assert lacking[0] == ["debconf-set-selections"]
    assert lacking[1][-1] == "update"
    assert "chromium" in lacking[2]


def test_no_service_is_started_meanwhile(lacking, monkeypatch):
    monkeypatch.setattr(apt_packages.os, "geteuid", lambda: 0)
    allowed = []
    record = apt_packages.subprocess.run

    def run(command: list[str], **_: object) -> None:
        record(command)
        allowed.append(not apt_packages.POLICY.exists())

    monkeypatch.setattr(apt_packages.subprocess, "run", run)
    apt_packages.main()
    assert allowed == [True, False, False]
    assert not apt_packages.POLICY.exists()


def test_a_policy_that_is_there_stays(lacking, monkeypatch):
    monkeypatch.setattr(apt_packages.os, "geteuid", lambda: 0)
    apt_packages.POLICY.write_text("mine")
    apt_packages.main()
    assert apt_packages.POLICY.read_text() == "mine"


def test_others_are_told_what_is_missing(lacking, monkeypatch, capsys):
    monkeypatch.setattr(apt_packages.os, "geteuid", lambda: 1000)
    assert apt_packages.main() == 2
    assert lacking == []
    assert "apt-get install chromium" in capsys.readouterr().err


def test_nothing_is_done_when_all_are_there(lacking, monkeypatch):
    monkeypatch.setattr(apt_packages, "_is_installed", lambda name: True)
    assert apt_packages.main() == 0
    assert lacking == []
