"""The environment: made once, made again when it was cut off, and never trusted half-made."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent.parent


class Site:
    """A tree with locks, and a record of the commands that would have changed it."""

    def __init__(self, environment: ModuleType, root: Path) -> None:
        self.environment = environment
        self.root = root
        self.commands: list[list[str]] = []
        self.breaks_at = ""
        (root / "requirements").mkdir(parents=True)
        for level in environment.LEVELS + environment.APART:
            (root / "requirements" / f"{level}.txt").write_text(f"# {level}\n")
        (root / "pyproject.toml").touch()

    def run(self, command: list[str], **_: object) -> None:
        if self.breaks_at and self.breaks_at in command:
            raise KeyboardInterrupt
        self.commands.append(command)
        if "venv" in command:
            Path(command[-1]).mkdir()

    def make(self, level: str, wheelhouse: str = "") -> list[list[str]]:
        self.commands = []
        assert self.environment._prepare(self.root, level, wheelhouse) == 0
        return self.commands

    def steps(self, level: str) -> list[str]:
        """venv, lock, project: those that were done."""
        flags = {"venv": "venv", "--require-hashes": "lock", "-e": "project"}
        return [name for command in self.make(level) for flag, name in flags.items() if flag in command]


@pytest.fixture
def environment() -> ModuleType:
    spec = importlib.util.spec_from_file_location("environment", ROOT / "requirements" / "environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def site(environment, tmp_path, monkeypatch) -> Site:
    site = Site(environment, tmp_path / "a camp's tree")
    monkeypatch.setattr(environment.subprocess, "run", site.run)
    return site


def test_the_second_time_does_nothing(site):
    assert site.steps("test") == ["venv", "lock", "project"]
    assert site.steps("test") == []


def test_a_higher_level_serves_the_lower_ones(site):
    site.steps("test")
    assert site.steps("run") == []
    assert site.steps("test-all") == ["lock", "project"]
    assert site.steps("test") == []


def test_what_stands_apart_has_a_place_of_its_own_and_not_the_project(site):
    site.steps("test")
    assert site.steps("mailman") == ["venv", "lock"]
    assert site.steps("mailman") == site.steps("test") == []
    (site.root / "pyproject.toml").write_text("# changed\n")
    assert site.steps("mailman") == []
    assert site.steps("test") == ["lock", "project"]


@pytest.mark.parametrize("step", ["venv", "--require-hashes", "-e"])
def test_an_install_that_was_cut_off_starts_from_nothing(site, step):
    site.breaks_at = step
    with pytest.raises(KeyboardInterrupt):
        site.make("run")
    site.breaks_at = ""
    assert site.steps("run") == ["venv", "lock", "project"]


def test_an_update_that_was_cut_off_starts_from_nothing(site):
    site.steps("run")
    site.breaks_at = "--require-hashes"
    with pytest.raises(KeyboardInterrupt):
        site.make("test")
    site.breaks_at = ""
    assert site.steps("run") == ["venv", "lock", "project"]


def test_a_new_lock_is_installed(site):
    site.steps("run")
    (site.root / "requirements" / "run.txt").write_text("# new\n")
    assert site.steps("run") == ["lock", "project"]


def test_a_moved_tree_or_another_python_starts_from_nothing(site, monkeypatch):
    site.steps("run")
    site.root = site.root.rename(site.root.parent / "moved")
    assert site.steps("run") == ["venv", "lock", "project"]
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    assert site.steps("run") == ["venv", "lock", "project"]


def test_a_torn_stamp_is_no_stamp(site):
    site.steps("run")
    (site.root / ".venv" / "miccheck-stamp.json").write_text('{"level": "ru')
    assert site.steps("run") == ["venv", "lock", "project"]


def test_a_wheelhouse_is_the_only_source(site, tmp_path):
    _, lock, project = site.make("test", wheelhouse=str(tmp_path))
    assert ["--no-index", "--find-links", str(tmp_path)] == lock[lock.index("--no-index") :][:3]
    assert "--no-index" in project


def test_a_failed_install_is_said_in_one_line(site, environment, monkeypatch, capsys):
    def fail(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(environment.subprocess, "run", fail)
    assert environment._prepare(site.root, "run", "") == 1
    assert "miccheck: could not make .venv" in capsys.readouterr().err


def test_an_old_python_is_refused_in_one_line(environment, monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(sys, "argv", ["environment.py", "run"])
    assert environment.main() == 2
    error = capsys.readouterr().err
    assert "is Python 3.9, and 3.11 or newer is needed" in error
    assert error.count("\n") == 1


def test_a_missing_venv_is_refused_in_one_line(environment, monkeypatch, capsys):
    monkeypatch.setattr(
        environment.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else name
    )
    monkeypatch.setattr(sys, "argv", ["environment.py", "run"])
    assert environment.main() == 2
    assert "apt install python3-venv" in capsys.readouterr().err
