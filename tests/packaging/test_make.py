"""make as the door: it hands signals and faults on, also from a folder with a space in its name."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DEMO = """#!/bin/sh
trap 'echo ended; exit 0' TERM INT
echo "up: $*"
while :; do sleep 0.05; done
"""


@pytest.fixture
def tree(tmp_path) -> Path:
    """The Makefile beside an environment that is ready and a demo that waits."""
    tree = tmp_path / "a camp"
    (tree / "requirements").mkdir(parents=True)
    (tree / "requirements" / "environment.py").touch()
    shutil.copy(ROOT / "Makefile", tree)
    command = tree / ".venv" / "bin" / "miccheck"
    command.parent.mkdir(parents=True)
    command.write_text(DEMO)
    command.chmod(0o755)
    return tree


@contextmanager
def start(tree: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`make demo` in a process group of its own: a Ctrl-C goes to all of it, as from a terminal."""
    with subprocess.Popen(
        ["make", "demo", *arguments],
        cwd=tree,
        env={"PATH": os.environ["PATH"]},
        process_group=0,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as make:
        try:
            yield make
        finally:
            with suppress(ProcessLookupError):  # a demo that would not end must not hold up the tests
                os.killpg(make.pid, signal.SIGKILL)


@pytest.mark.parametrize("how", ["TERM to make", "Ctrl-C"])
def test_the_end_of_make_is_the_end_of_the_demo(tree, how):
    with start(tree) as make:
        assert make.stdout is not None
        assert make.stdout.readline() == "up: demo\n"
        if how == "Ctrl-C":
            os.killpg(make.pid, signal.SIGINT)
        else:
            make.terminate()
        out, _ = make.communicate(timeout=5)
        assert out == "ended\n"
        with pytest.raises(ProcessLookupError):
            os.killpg(make.pid, 0)  # nothing of it is left


def test_a_demo_that_fails_fails_make(tree):
    command = tree / ".venv" / "bin" / "miccheck"
    command.write_text("#!/bin/sh\nexit 7\n")
    with start(tree) as make:
        _, err = make.communicate(timeout=5)
    assert make.returncode == 2
    assert "Error 7" in err


def test_arguments_are_passed_on(tree):
    command = tree / ".venv" / "bin" / "miccheck"
    command.write_text('#!/bin/sh\necho "$*"\n')
    with start(tree, "ARGS=--port 8100") as make:
        out, _ = make.communicate(timeout=5)
    assert out == "demo --port 8100\n"
