"""The system service: systemd understands it, and it gives the node no more than it needs."""

import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

import hardware

UNIT = Path(hardware.__file__).parent / "miccheck.service"


def test_it_is_hardened():
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    service = dict(unit["Service"])
    assert service["Type"] == "notify"
    assert service["User"] == "miccheck"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert int(service["TimeoutStopSec"]) > 5


@pytest.mark.full
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_it(tmp_path):
    copy = tmp_path / "miccheck.service"
    copy.write_text(UNIT.read_text().replace("/opt/miccheck/bin/miccheck", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert "miccheck.service" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
