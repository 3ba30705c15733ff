"""A node whose cable is plugged in, pulled, and plugged in again: noticed within seconds, and used."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.doors.process import make_camp
from tests.radio.test_udp_link import lan_is_possible
from web_ui import mail_words

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.full
def test_letters_wait_for_a_cable_and_a_login_and_then_go(tmp_path):
    why_not = lan_is_possible()
    if why_not:
        pytest.skip(why_not)
    make_camp(tmp_path / "camp")
    played = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "tests.doors.internet_story", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert played.returncode == 0, played.stderr
    seen = json.loads(played.stdout)
    print(seen)
    assert seen["offline"].startswith(mail_words.OFFLINE)
    assert seen["portal"].startswith(mail_words.PORTAL)
    assert seen["letters"] == 2  # what this is, and the post
