"""make as the door: it hands signals and faults on, also from a folder with a space in its name."""

import os
import shutil
import signal
import subprocess
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


def start(tree: Path, *arguments: str) -> subprocess.Popen[str]:
    # Its own process group, so that a Ctrl-C can be sent to all of it as a terminal does.
    environ = {"PATH": os.environ["PATH"]}
    return subprocess.Popen(
        ["make", "demo", *arguments],
        cwd=tree,
        env=environ,
        process_group=0,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


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
