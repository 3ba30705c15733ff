"""The environment: .venv, made from a hash-locked list, and never trusted half-made.

A stamp in .venv says which lock it was made from. It is written last and taken away before anything
changes, so an install that was interrupted leaves no stamp and is made again from nothing. While the
stamp is right, nothing is installed and no network is asked.

    python3 requirements/environment.py run|test|test-all

With WHEELHOUSE=DIR in the environment, packages come from that folder and from nowhere else.
Standard library only, and it must also parse on Pythons too old for the rest, to say so.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

LEVELS = ("run", "test", "test-all")  # each holds all of the one before
PYTHON_MIN = (3, 11)


def main() -> int:
    """Make or mend .venv for the level that was asked for; return the exit code."""
    if len(sys.argv) != 2 or sys.argv[1] not in LEVELS:
        print("usage: environment.py " + "|".join(LEVELS), file=sys.stderr)
        return 2
    fault = _unfit()
    if fault:
        print("miccheck: " + fault, file=sys.stderr)
        return 2
    root = Path(__file__).resolve().parent.parent
    with open(str(root / ".venv.lock"), "w") as lock:  # noqa: PTH123
        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once take turns
        return _prepare(root, sys.argv[1], os.environ.get("WHEELHOUSE", ""))


def _unfit() -> str:
    """Say in one line why this Python cannot do, or nothing."""
    here = "%s is Python %d.%d" % (sys.executable, sys.version_info[0], sys.version_info[1])
    if sys.version_info < PYTHON_MIN:
        return here + ", and 3.11 or newer is needed; name another one: make PYTHON=python3.11 ..."
    if not importlib.util.find_spec("venv") or not importlib.util.find_spec("ensurepip"):
        return here + " without venv; on Debian: apt install python3-venv"
    return ""


def _prepare(root: Path, level: str, wheelhouse: str) -> int:
    venv = root / ".venv"
    stamp = venv / "miccheck-stamp.json"
    have = _read(stamp)
    if _is_current(root, level, have):
        return 0
    print("making .venv for '%s'; the first time takes a minute" % level, file=sys.stderr)
    stamp.unlink(missing_ok=True)
    python = str(venv / "bin" / "python")
    try:
        if have.get("place") != _place(root):
            shutil.rmtree(str(venv), ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        source = ["--no-index", "--find-links", str(Path(wheelhouse).resolve())] if wheelhouse else []
        whole = ["--require-hashes", "--no-deps", "-r", str(_lock_file(root, level))]
        subprocess.run([*pip, *source, *whole], check=True)
        editable = ["--no-deps", "--no-index", "--no-build-isolation", "-e", str(root)]
        quiet = dict(os.environ, PYTHONWARNINGS="ignore")  # setuptools explains itself at length
        subprocess.run([*pip, *editable], check=True, env=quiet)
    except subprocess.CalledProcessError as fault:
        print("miccheck: could not make .venv: " + " ".join(map(str, fault.cmd)), file=sys.stderr)
        return 1
    half = stamp.with_suffix(".half")
    half.write_text(json.dumps({"level": level, "lock": _digest(root, level), "place": _place(root)}))
    half.replace(stamp)
    return 0


def _is_current(root: Path, level: str, have: dict) -> bool:  # type: ignore[type-arg]
    """A stamp holds for its own level and those below, as long as its lock and its place are the same."""
    level_had = have.get("level")
    if level_had not in LEVELS[LEVELS.index(level) :]:
        return False
    return bool(have["lock"] == _digest(root, level_had) and have["place"] == _place(root))


def _place(root: Path) -> list:  # type: ignore[type-arg]
    """A virtual environment cannot be moved, nor change its Python."""
    return [str(root), "%d.%d" % sys.version_info[:2]]


def _lock_file(root: Path, level: str) -> Path:
    return root / "requirements" / (level + ".txt")


def _digest(root: Path, level: str) -> str:
    files = (_lock_file(root, level), root / "pyproject.toml")
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _read(stamp: Path) -> dict:  # type: ignore[type-arg]
    try:
        have = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}
    return have if isinstance(have, dict) else {}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
