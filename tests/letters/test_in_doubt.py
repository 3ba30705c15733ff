"""What may have arrived leaves again under the Message-ID it had, so that mail programs show one of them."""

from email import message_from_bytes
from email.policy import default

import pytest

from tests.letters.gateway import HANG_UP, TAKE_AND_HANG_UP, until
from tests.letters.test_leaving import LIST, NOW_S, decide, subjects, tables


def pause(gateway, on):
    gateway.pump.submit(lambda bench: bench.store.set_meta("paused list camps", 1 if on else None)).result()
    gateway.courier.wake()


def leave_a_digest_in_doubt(gateway, host):
    """Six messages leave in one digest, which the server takes without saying so; their ids."""
    pause(gateway, True)
    ids = [gateway.post(f"Letter {n}") for n in range(6)]
    host.to_data.append(TAKE_AND_HANG_UP)
    pause(gateway, False)
    until(lambda: len(host.letters) == 1)
    until(lambda: gateway.courier.views()[0].trouble)
    return ids


def test_a_digest_in_doubt_keeps_its_id_when_some_of_it_has_arrived_since(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=host.url, digest_above=4)
    ids = leave_a_digest_in_doubt(gateway, host)
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


@pytest.mark.parametrize("by", [HANG_UP, "421 4.7.0 not this, goodbye"])
def test_a_letter_over_which_the_server_hangs_up_each_time_stops_no_others_after_a_restart(
    open_gateway, open_host, by
):
    host = open_host()
    host.hates, host.hates_by = b"poison", by
    gateway = open_gateway(outbox=host.url)
    poison = gateway.post("poison")
    for times in (1, 2):
        until(lambda times=times: tries_of(gateway, poison) == times)
        gateway.post(f"Letter {times}")
        gateway.courier.hurry()
    until(lambda: subjects(host) == ["Letter 1", "Letter 2"])
    hated = host.hated
    gateway.stop()
    gateway = open_gateway(outbox=host.url)
    gateway.post("Letter 3")
    until(lambda: len(host.letters) == 3)
    assert (tries_of(gateway, poison), host.hated) == (2, hated)  # it was not even tried: it waits
    state = decide(gateway, lambda each: each.state_of(LIST, poison))
    assert state.why
    assert state.next_try_s > gateway.clock.wall_s()


def tries_of(gateway, message):
    state = tables(gateway, lambda each: each.state_of(LIST, message))
    return state.tries if state else 0


@pytest.mark.parametrize("answer", ["451 later", None])
def test_a_digest_in_doubt_stays_so_when_its_next_try_comes_to_nothing(open_gateway, open_host, answer):
    """Its messages would else leave in another digest, or alone, and come in two letters."""
    host = open_host()
    gateway = open_gateway(outbox=host.url, digest_above=4)
    ids = leave_a_digest_in_doubt(gateway, host)
    if answer:
        host.to_data.append(answer)
    else:
        host.to_rcpt.append("421 closing")
    gateway.courier.hurry()
    until(lambda: tries_of(gateway, ids[0]) == 2)
    more = [gateway.post(f"Letter {n}") for n in range(6, 8)]
    tables(gateway, lambda each: each.try_refused_again(LIST))
    gateway.courier.hurry()
    until(lambda: len(host.letters) >= 3)
    first, second = (message_from_bytes(raw, policy=default) for raw in host.letters[:2])
    assert first["Message-ID"] == second["Message-ID"]
    until(lambda: len(host.letters) == 2 + len(more))
