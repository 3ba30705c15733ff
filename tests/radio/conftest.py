"""What tests at boards have in common."""

import pytest

from radio import kept_road, meshtastic_link
from tests.radio.board import Bench


@pytest.fixture
def bench(tmp_path):
    with Bench(tmp_path) as bench:
        yield bench


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits for a second where a tenth will do. The library's own waits stay."""
    monkeypatch.setattr(kept_road, "LOOK_S", 0.05)
    monkeypatch.setattr(kept_road, "RETRY_FIRST_S", 0.1)
    monkeypatch.setattr(meshtastic_link, "ASK_AGAIN_S", 0.3)
