"""The system services: systemd understands them, and they give the node no more than it needs."""

import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

import hardware

FOLDER = Path(hardware.__file__).parent


def section(file: str, name: str) -> dict[str, str]:
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(FOLDER / file)
    return dict(unit[name])


def test_it_is_hardened():
    service = section("miccheck.service", "Service")
    assert service["Type"] == "notify"
    assert service["User"] == "miccheck"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert int(service["TimeoutStopSec"]) > 5


def test_only_the_node_may_ask_for_sticks():
    socket = section("miccheck-stick.socket", "Socket")
    assert (socket["SocketUser"], socket["SocketMode"]) == ("miccheck", "0600")
    service = section("miccheck-stick@.service", "Service")
    assert service["StandardInput"] == "socket"
    assert service["NoNewPrivileges"] == "yes"
    assert "CAP_SETUID" not in service["CapabilityBoundingSet"]
    # What it mounts has to be seen by the node, so it lives in no mount namespace of its own.
    assert not {
        name for name in service if name.startswith(("Protect", "Private", "ReadOnly", "Inaccessible"))
    }


@pytest.mark.full
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_them(tmp_path):
    names = ("miccheck.service", "miccheck-stick.socket", "miccheck-stick@.service")
    for name in names:
        text = (FOLDER / name).read_text()
        for program in ("/opt/miccheck/bin/miccheck", "/opt/miccheck/bin/python"):
            text = text.replace(program, "/bin/true")
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *(tmp_path / name for name in names)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "miccheck" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
