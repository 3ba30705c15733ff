"""A fault of ours in a walker: told on the page and in the log, without what people wrote."""

import pytest

from node.inbox import Taker
from node.internet import Internet, Reach
from node.walker import FAILED, Walker
from sync.views import ListState
from tests.letters.gateway import until

OF_A_PERSON = "ana@example.org, gate 4"


def fails(*_, **__):
    raise ValueError(OF_A_PERSON)


@pytest.fixture
def inbox(tmp_path):
    for name in ("new", "cur", "tmp"):
        (tmp_path / "in" / name).mkdir(parents=True)
    (tmp_path / "in" / "new" / "1").write_bytes(b"Subject: one\r\n\r\nwords\r\n")
    return "maildir:in"


def test_a_letter_we_cannot_bear_stops_one_way_and_is_told(
    open_gateway, open_host, inbox, monkeypatch, caplog
):
    monkeypatch.setattr(Taker, "read", fails)
    gateway = open_gateway(outbox=open_host().url, inbox=inbox)
    until(lambda: FAILED in gateway.view().trouble)
    gateway.post("One")
    until(lambda: gateway.list_states() == [ListState.SENT])
    assert gateway.view().trouble == FAILED
    assert "list camps, in: stopped by a fault of ours, ValueError at test_walker.py:" in caplog.text
    assert " < inbox.py:" in caplog.text
    assert OF_A_PERSON not in caplog.text


def test_who_tells_the_other_camps_is_on_the_page_too(open_gateway, open_host, monkeypatch, caplog):
    monkeypatch.setattr("node.courier.publish_receipts", fails)
    gateway = open_gateway(outbox=open_host().url)
    gateway.post("One")
    until(lambda: gateway.view().trouble == FAILED)
    until(lambda: gateway.list_states() == [ListState.SENT])
    assert "receipts: stopped by a fault of ours, ValueError" in caplog.text


def test_the_end_is_no_fault(caplog):
    walker = Walker("errand", lambda _: 60.0, lambda: 0.0, lambda: 1.0)
    walker.start()
    walker.stop()
    walker.join(5)
    assert walker.trouble() == ""
    assert caplog.text == ""


def test_internet_that_nobody_watches_is_not_known(caplog):
    class Broken:
        changed = look = fails

        def wake(self):
            pass

        def close(self):
            pass

    internet = Internet((), "", Broken(), lambda: 0.0, fails)
    internet.start()
    until(lambda: "internet: no longer watched, by a fault of ours, ValueError" in caplog.text)
    assert internet.state().reach is Reach.UNKNOWN
    internet.stop()
    assert OF_A_PERSON not in caplog.text
