"""One stand for all the tests of this folder: it takes half a minute to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mail.stand import MailStand, lacking


@pytest.fixture(scope="session")
def stand() -> Iterator[MailStand]:
    """The running servers."""
    if why := lacking():
        pytest.skip(why)
    stand = MailStand()
    try:
        stand.start()
        yield stand
    finally:
        stand.stop()
