"""The environments: made from hash-locked lists, and never trusted half-made.

The project lives in .venv. Parts that only tests talk to, and that want other versions of what we use,
have an environment of their own: the mailing list of `make test-all` is in .venv-mailman.

A stamp in each says which lock it was made from. It is written last and taken away before anything
changes, so an install that was interrupted leaves no stamp and is made again from nothing. While the
stamp is right, nothing is installed and no network is asked.

    python3 requirements/environment.py run|test|test-all|mailman

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
APART = ("mailman",)  # without the project, beside it
PYTHON_MIN = (3, 11)


def main() -> int:
    """Make or mend the environment that was asked for; return the exit code."""
    if len(sys.argv) != 2 or sys.argv[1] not in LEVELS + APART:
        print("usage: environment.py " + "|".join(LEVELS + APART), file=sys.stderr)
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
    venv = root / (".venv" if level in LEVELS else ".venv-" + level)
    stamp = venv / "miccheck-stamp.json"
    have = _read(stamp)
    if _is_current(root, level, have):
        return 0
    print("making %s for '%s'; the first time takes a minute" % (venv.name, level), file=sys.stderr)
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
        if level in LEVELS:
            editable = ["--no-deps", "--no-index", "--no-build-isolation", "-e", str(root)]
            quiet = dict(os.environ, PYTHONWARNINGS="ignore")  # setuptools explains itself at length
            subprocess.run([*pip, *editable], check=True, env=quiet)
    except subprocess.CalledProcessError as fault:
        print("miccheck: could not make %s: " % venv.name + " ".join(map(str, fault.cmd)), file=sys.stderr)
        return 1
    half = stamp.with_suffix(".half")
    half.write_text(json.dumps({"level": level, "lock": _digest(root, level), "place": _place(root)}))
    half.replace(stamp)
    return 0


def _is_current(root: Path, level: str, have: dict) -> bool:  # type: ignore[type-arg]
    """A stamp holds for its own level and those below, as long as its lock and its place are the same."""
    level_had = have.get("level")
    serve = LEVELS[LEVELS.index(level) :] if level in LEVELS else (level,)
    if level_had not in serve:
        return False
    return bool(have["lock"] == _digest(root, level_had) and have["place"] == _place(root))


def _place(root: Path) -> list:  # type: ignore[type-arg]
    """A virtual environment cannot be moved, nor change its Python."""
    return [str(root), "%d.%d" % sys.version_info[:2]]


def _lock_file(root: Path, level: str) -> Path:
    return root / "requirements" / (level + ".txt")


def _digest(root: Path, level: str) -> str:
    files = [_lock_file(root, level)]
    if level in LEVELS:
        files.append(root / "pyproject.toml")
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
