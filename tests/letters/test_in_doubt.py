"""What may have arrived leaves again under the Message-ID it had, so that mail programs show one of them."""

from email import message_from_bytes
from email.policy import default

from tests.letters.gateway import TAKE_AND_HANG_UP, until
from tests.letters.test_leaving import LIST, NOW_S, decide, subjects, tables


def pause(gateway, on):
    gateway.pump.submit(lambda bench: bench.store.set_meta("paused list camps", 1 if on else None)).result()
    gateway.courier.wake()


def test_a_digest_in_doubt_keeps_its_id_when_some_of_it_has_arrived_since(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=host.url, digest_above=4)
    pause(gateway, True)
    ids = [gateway.post(f"Letter {n}") for n in range(6)]
    host.to_data.append(TAKE_AND_HANG_UP)
    pause(gateway, False)
    until(lambda: len(host.letters) == 1)
    until(lambda: gateway.courier.views()[0].trouble)
    tables(gateway, lambda each: each.mark_on_list(LIST, ids[2], NOW_S))
    gateway.courier.hurry()
    until(lambda: len(host.letters) == 2)
    first, second = (message_from_bytes(raw, policy=default) for raw in host.letters)
    assert first["Message-ID"] == second["Message-ID"]
    inside = [part["Message-ID"] for part in second.walk() if part["X-Miccheck-Id"]]
    assert inside == [f"<{message.hex()}@miccheck.invalid>" for message in ids if message != ids[2]]


def test_a_letter_in_doubt_goes_into_no_digest(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=host.url, digest_above=4)
    host.to_data.append(TAKE_AND_HANG_UP)
    gateway.post("First")
    until(lambda: gateway.courier.views()[0].trouble)
    for n in range(6):
        gateway.post(f"Letter {n}")
    decide(gateway, lambda each: each.counts(LIST))
    gateway.courier.hurry()
    until(lambda: len(host.letters) == 3)
    assert subjects(host)[:2] == ["First", "First"]
    assert len({message_from_bytes(raw)["Message-ID"] for raw in host.letters}) == 2
