"""What `pip install .` brings: all that lies in the five rooms, the command, and no tests."""

import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("node", "radio", "sync", "web_ui", "hardware")
JUNK = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel built without network from a copy of the tree."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for room in (*ROOMS, "tests"):
        shutil.copytree(ROOT / room, tree / room, ignore=JUNK)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tree / "dist", tree)
    (wheel,) = (tree / "dist").glob("miccheck-*-py3-none-any.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    site = tmp_path_factory.mktemp("site")
    pip("install", "--no-deps", "--target", site, wheel)
    return site


def pip(*arguments: str | Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "--quiet",
        "--no-input",
        arguments[0],
        "--no-index",
        *arguments[1:],
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_file_of_the_rooms_is_there(wheel):
    files = {path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file()}
    here = {
        path.as_posix() for path in files if not {"__pycache__"} & set(path.parts) and path.name[0] != "."
    }
    there = {name for name in zipfile.ZipFile(wheel).namelist() if not name.startswith("miccheck-")}
    assert here - there == set()
    assert there - here == set()


def test_the_wheel_says_its_licence_and_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (folder,) = {name.partition("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = message_from_bytes(archive.read(f"{folder}/METADATA"))
        commands = archive.read(f"{folder}/entry_points.txt").decode()
        licence = archive.read(f"{folder}/licenses/LICENSE").decode()
    assert metadata["License-Expression"] == "GPL-3.0-or-later"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "miccheck = node.cli:main" in commands
    assert "GNU GENERAL PUBLIC LICENSE" in licence


def test_the_installed_command_runs_outside_the_tree(installed, tmp_path):
    command = [sys.executable, installed / "bin" / "miccheck", "--help"]
    answer = subprocess.run(
        command, env={"PYTHONPATH": str(installed)}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "Usage" in answer.stdout


def test_the_installed_rooms_import_outside_the_tree(installed, tmp_path):
    source = f"import {', '.join(ROOMS)}\nprint(*(room.__file__ for room in ({', '.join(ROOMS)})), sep='\\n')"
    answer = subprocess.run(
        [sys.executable, "-c", source],
        env={"PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.split() == [str(installed / room / "__init__.py") for room in ROOMS]
