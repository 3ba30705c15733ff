"""Gateways and mail servers that end with the test."""

import pytest

from tests.letters.gateway import Gateway, MailHost


@pytest.fixture
def open_gateway(tmp_path):
    opened = []

    def open_(**settings):
        opened.append(Gateway(tmp_path, **settings))
        return opened[-1]

    yield open_
    for gateway in opened:
        gateway.stop()


@pytest.fixture
def open_host():
    opened = []

    def open_(**options):
        opened.append(MailHost(**options))
        return opened[-1]

    yield open_
    for host in opened:
        host.stop()
