"""The house rules that keep a bug where the folder names say it lives, and proof that each rule bites.

import-linter holds the direction of imports and ruff the bans (both in pyproject.toml); what neither can say
is checked here on the syntax trees.
"""

import ast
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("node", "radio", "sync", "web_ui", "hardware")
BIN = Path(sys.executable).parent

# One file each knows these; the rest of the house sees our own words.
IN_ONE_FILE = ("meshtastic", "serial", "sqlite_utils")

# If you reach for one of these, the thing has a better name.
NAMES_REFUSED = ("utils", "util", "helpers", "helper", "manager", "managers", "misc", "common")


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [
        BIN / "lint-imports",
        "--no-logo",
        "--no-cache",
        "--config",
        ROOT / "pyproject.toml",
    ]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_imports_go_one_way():
    answer = lint_imports(ROOT)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_import_contract_bites(tmp_path):
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    (tmp_path / "sync" / "store.py").write_text("import sqlite_utils\n")
    (tmp_path / "sync" / "signing.py").write_text("import sync.message\n")
    (tmp_path / "sync" / "message.py").write_text("import time\n")
    refused = "import web_ui\nimport sqlite_utils\nimport meshtastic\nimport serial\n"
    (tmp_path / "radio" / "air.py").write_text(refused)
    (tmp_path / "web_ui" / "app.py").write_text("import uvicorn\n")

    answer = lint_imports(tmp_path)

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    broken = [c["name"] for c in contracts if f"{c['name']} BROKEN" in answer.stdout]
    assert broken == [c["name"] for c in contracts], answer.stdout + answer.stderr


def test_the_store_may_use_sqlite_utils(tmp_path):
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    (tmp_path / "sync" / "store.py").write_text("import sqlite_utils\n")
    assert lint_imports(tmp_path).returncode == 0


def ruff_codes(source: str, path: str) -> set[str]:
    command: list[str | Path] = [
        BIN / "ruff",
        "check",
        "--no-cache",
        "--output-format=concise",
        "--stdin-filename",
        path,
        "-",
    ]
    answer = subprocess.run(command, cwd=ROOT, input=source, capture_output=True, text=True, check=False)
    return {line.split()[1] for line in answer.stdout.splitlines() if line.startswith(path)}


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ("TID251", "import time\nx = time.time()\n"),
        ("TID251", "from time import time\nx = time()\n"),
        ("TID251", "from datetime import UTC, datetime\nx = datetime.now(UTC)\n"),
        ("TID251", "import random\nx = random.random()\n"),
        ("TID251", "from random import choice\nx = choice([1])\n"),
        ("T201", "print(1)\n"),
        ("PLW0603", "x = 1\n\n\ndef f():\n    global x\n    x = 2\n"),
        ("BLE001", "try:\n    f = 1\nexcept Exception:\n    f = 2\n"),
        ("E722", "try:\n    f = 1\nexcept:\n    f = 2\n"),
    ],
)
def test_ban_bites(code, source):
    assert code in ruff_codes('"""A module."""\n\n' + source, "sync/sample.py")


def test_only_the_clock_asks_the_time():
    source = '"""A module."""\n\nimport time\n\nx = time.time()\n'
    assert ruff_codes(source, "node/clock.py") == set()
    assert ruff_codes(source, "node/pump.py") == {"TID251"}


def test_house_rules_hold():
    sources = {path: path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    assert list(faults({str(path.relative_to(ROOT)): source for path, source in sources.items()})) == []


@pytest.mark.parametrize(
    ("fault", "sources"),
    [
        (
            "2 files import serial",
            {"radio/modem.py": "import serial", "radio/usb.py": "from serial import Serial"},
        ),
        (
            "2 files import serial",
            {"radio/a.py": "import serial.tools", "radio/b.py": "def f():\n    import serial"},
        ),
        ("sync/utils.py has a better name", {"sync/utils.py": ""}),
        ("sync/link_manager.py has a better name", {"sync/link_manager.py": ""}),
    ],
)
def test_house_rule_bites(fault, sources):
    assert list(faults(sources)) == [fault]


def test_every_folder_of_code_is_a_package():
    folders = {path.parent for room in (*ROOMS, "tests") for path in (ROOT / room).rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def faults(sources: dict[str, str]) -> Iterator[str]:
    """What in these files (path → source) breaks a rule that ruff and import-linter cannot say."""
    files = Counter(module for source in sources.values() for module in imported(ast.parse(source)))
    for module in IN_ONE_FILE:
        if files[module] > 1:
            yield f"{files[module]} files import {module}"
    for path in sources:
        if set(Path(path).stem.split("_")) & set(NAMES_REFUSED):
            yield f"{path} has a better name"


def imported(tree: ast.Module) -> set[str]:
    """The top-level packages that a file imports, wherever in it."""
    names: set[str] = set()
    for statement in ast.walk(tree):
        match statement:
            case ast.Import():
                names |= {alias.name for alias in statement.names}
            case ast.ImportFrom(module=str(module), level=0):
                names.add(module)
    return {name.partition(".")[0] for name in names}
