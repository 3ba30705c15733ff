"""What keeps letters here, and what lets them go: moderators, caps, digests, other camps' words, restarts."""

from email import message_from_bytes
from email.policy import default

import pytest

from node import walker
from node.list_settings import MailingList
from sync import bundle, cbor
from sync.bundle import BundleClass, hour_of
from sync.codec import pack
from sync.message import Kind, Message, encode
from sync.receipts import Word, list_digest, receipt_body
from sync.signing import Identity
from sync.store.letters import LetterTables
from sync.views import ListState, Via
from tests.letters.gateway import ADDRESS, shown, until

LIST = "camps"
NOW_S = 1_795_400_000.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(walker, "RETRY_FIRST_S", 0.2)


def mails(host):
    return [message_from_bytes(raw, policy=default) for raw in host.letters]


def subjects(host):
    return [mail["Subject"].rpartition("] ")[2] for mail in mails(host)]


def tables(gateway, ask):
    """Ask the letters' tables, in the pump."""
    return gateway.pump.submit(lambda bench: ask(LetterTables(bench.store.connection))).result()


def decide(gateway, ask):
    """A moderator does something, and the page wakes the courier."""
    done = tables(gateway, ask)
    gateway.courier.wake()
    return done


# -- which list ------------------------------------------------------------------------------------------


def test_a_list_of_a_group_has_its_channel_and_the_others_list_has_not(open_gateway, open_host):
    """The first list names no channels: it gets what is for lists, but for what the second one names."""
    host, host_of_group = open_host(), open_host()
    group = MailingList(
        name="group",
        address="group@lists.example.org",
        outbox=host_of_group.url,
        channels=("general",),
        hold_hours=0.0,
    )
    gateway = open_gateway(outbox=host.url, others=(group,))
    gateway.execute("UPDATE channels SET to_list = 1 WHERE name = 'general'")
    gateway.post("For the group", channel="general")
    gateway.post("For all")
    gateway.post("For nobody", channel="here")
    until(lambda: len(host.letters) == 1 and len(host_of_group.letters) == 2)
    until(lambda: [view.waiting for view in gateway.courier.views()] == [0, 0])
    assert subjects(host) == ["For all"]
    introduction, letter = mails(host_of_group)
    assert letter["Subject"].endswith("For the group")
    assert {letter["To"], introduction["To"]} == {"group@lists.example.org"}
    states = {view.text: view.list for view in shown(gateway)}
    assert states == {"For the group": ListState.SENT, "For all": ListState.SENT, "For nobody": None}


# -- moderators ------------------------------------------------------------------------------------------


def test_what_a_camp_changes_after_it_was_approved_waits_for_a_moderator_again(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=host.url)
    tables(gateway, lambda each: each.set_holds(LIST, "announcements", True, NOW_S))
    other_says(
        gateway, Message(Kind.POST, now_of(gateway), body=pack(b"dinner at eight"), channel="announcements")
    )
    until(lambda: gateway.view().held == 1)
    [held] = tables(gateway, lambda each: each.held(LIST, 9))
    message = held.letter.message
    gateway.pump.submit(lambda bench: bench.store.set_meta("paused list camps", 1)).result()
    decide(gateway, lambda each: each.approve(LIST, message, "Dinner", True, NOW_S))
    other_says(
        gateway,
        Message(Kind.SUPERSEDE, now_of(gateway) + 1, body=pack(b"call +34 600 123 456"), parent=message[:8]),
    )
    gateway.pump.submit(lambda bench: bench.store.set_meta("paused list camps", None)).result()
    gateway.courier.wake()
    [again] = until(lambda: tables(gateway, lambda each: each.held(LIST, 9)))
    assert host.letters == []
    assert (again.letter.text, again.letter.is_changed) == ("call +34 600 123 456", True)
    assert (again.letter.subject, again.letter.let_contacts) == ("", False)
    decide(gateway, lambda each: each.approve(LIST, message, "", False, NOW_S))
    until(lambda: host.letters)
    assert b"600 123 456" not in host.letters[0]


def test_what_was_approved_and_did_not_leave_yet_is_looked_at_as_it_leaves(open_gateway, open_host):
    """Between two looks at the board: the last word is had where the bytes are made."""
    gateway = open_gateway(outbox=open_host().url, hold_hours=24.0, introduces=True)
    message = gateway.post("Assembly at eight")
    until(lambda: tables(gateway, lambda each: each.held(LIST, 9)))

    def changed_meanwhile(bench):
        each = LetterTables(bench.store.connection)
        assert each.approve(LIST, message, "", False, NOW_S)
        unchanged = each.letters_to_go(LIST, [message])
        bench.store.connection.execute("UPDATE messages SET text = 'Gold' WHERE id = ?", (message,))
        gone = each.letters_to_go(LIST, [message])
        state = each.state_of(LIST, message)
        return len(unchanged), gone, state and state.state

    assert gateway.pump.submit(changed_meanwhile).result() == (1, [], "held")


def test_on_a_new_list_everything_waits_for_a_moderator(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=host.url, hold_hours=24.0, introduces=True)
    message = gateway.post("Asamblea")
    gateway.post("Medic!", urgent=True)
    until(lambda: gateway.view().held == 3)
    held = tables(gateway, lambda each: each.held(LIST, 9))
    assert [(one.letter.introduction, one.letter.text) for one in held] == [
        (True, ""),
        (False, "Medic!"),
        (False, "Asamblea"),
    ]
    assert gateway.list_states() == [ListState.HELD] * 2
    assert host.letters == []

    assert decide(gateway, lambda each: each.approve(LIST, message, "A better subject", False, NOW_S))
    until(lambda: subjects(host) == ["A better subject"])
    assert not tables(gateway, lambda each: each.approve(LIST, message, "", False, NOW_S))
    medic = held[1].letter.message
    assert decide(gateway, lambda each: each.refuse(LIST, medic, "not ours to say", NOW_S))
    until(lambda: gateway.view().held == 1)
    assert tables(gateway, lambda each: each.state_of(LIST, medic)).refused_by == "moderator"
    introduction = held[0].letter.message
    decide(gateway, lambda each: each.approve(LIST, introduction, "", False, NOW_S))
    until(lambda: len(host.letters) == 2)
    until(lambda: gateway.view().sent == 2)
    assert len(host.letters) == 2


def test_a_list_that_was_seen_long_ago_holds_nothing(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=host.url, hold_hours=24.0)  # seen in 1970, as the fixture says
    gateway.post("One")
    until(lambda: subjects(host) == ["One"])


def test_a_channel_can_be_held_and_let_go_again(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=host.url)
    decide(gateway, lambda each: each.set_holds(LIST, "announcements", True, NOW_S))
    first = gateway.post("First")
    until(lambda: gateway.view().held == 1)
    assert tables(gateway, lambda each: each.holds(LIST)) == {"announcements"}
    decide(gateway, lambda each: each.set_holds(LIST, "announcements", False, NOW_S))
    gateway.post("Second")
    until(lambda: subjects(host) == ["Second"])  # what is held waits for a decision
    decide(gateway, lambda each: each.approve(LIST, first, "", True, NOW_S))
    until(lambda: subjects(host) == ["Second", "First"])


def test_what_waits_is_held_too_but_not_what_was_approved(open_gateway, open_host):
    host = open_host()
    host.stop()
    gateway = open_gateway(outbox=host.url, hold_hours=24.0, introduces=True)
    approved, waiting = gateway.post("Approved"), gateway.post("Waiting")
    until(lambda: gateway.view().held == 3)
    tables(gateway, lambda each: each.approve(LIST, approved, "", False, NOW_S))
    gateway.execute(f"UPDATE letters_out SET state = 'waiting' WHERE message = x'{waiting.hex()}'")
    tables(gateway, lambda each: each.set_holds(LIST, "announcements", True, NOW_S))
    assert tables(gateway, lambda each: each.state_of(LIST, approved)).state in ("waiting", "sending")
    assert tables(gateway, lambda each: each.state_of(LIST, waiting)).state == "held"


def test_a_paused_list_sends_nothing_and_that_is_no_trouble(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=host.url)
    gateway.pump.submit(lambda bench: bench.store.set_meta("paused list camps", 1)).result()
    gateway.post("One")
    until(lambda: gateway.view().paused)
    assert gateway.view().trouble == ""
    gateway.pump.submit(lambda bench: bench.store.set_meta("paused list camps", None)).result()
    gateway.courier.wake()
    until(lambda: subjects(host) == ["One"])


# -- the first letter, caps and digests --------------------------------------------------------------------


def test_the_first_letter_explains_the_camp_and_goes_once(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=host.url, introduces=True)
    gateway.post("One")
    until(lambda: len(host.letters) == 2)
    assert subjects(host)[1] == "One"
    assert mails(host)[0]["X-Miccheck-Id"]
    gateway.stop()
    gateway = open_gateway(outbox=host.url, introduces=True)
    gateway.post("Two")
    until(lambda: subjects(host)[1:] == ["One", "Two"])
    until(lambda: gateway.list_states() == [ListState.SENT] * 2)
    # A receipt names messages, and this is none.
    assert tables(gateway, lambda each: len(each.untold(LIST, 9)[0])) == 2


def test_the_cap_of_an_hour_survives_a_restart_and_mic_checks_pass(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=host.url, per_hour=3)
    for n in range(5):
        gateway.post(f"Letter {n}")
    until(lambda: gateway.view().sent == 3)
    gateway.stop()
    gateway = open_gateway(outbox=host.url, per_hour=3)
    gateway.post("Medic!", urgent=True)
    until(lambda: gateway.view().sent == 4)
    assert sorted(subjects(host)) == ["Letter 0", "Letter 1", "Letter 2", "URGENT: Medic!"]
    assert gateway.view().waiting == 2
    gateway.execute("UPDATE letters_out SET sent_s = sent_s - 3600")
    gateway.courier.wake()
    until(lambda: len(host.letters) == 6)


def test_many_letters_are_one_digest_and_mic_checks_are_alone(open_gateway, open_host):
    host = open_host()
    host.stop()
    gateway = open_gateway(outbox=host.url, digest_above=4)
    ids = [gateway.post(f"Letter {n}") for n in range(6)]
    gateway.post("Medic!", urgent=True)
    until(lambda: gateway.view().waiting == 7)
    host.server.start()
    until(lambda: gateway.view().sent == 7)
    urgent, digest = mails(host)
    assert "URGENT" in urgent["Subject"]
    inside = [part["Message-ID"] for part in digest.walk() if part["X-Miccheck-Id"]]
    assert inside == [f"<{message.hex()}@miccheck.invalid>" for message in ids]
    rows = gateway.execute("SELECT DISTINCT digest FROM letters_out WHERE digest IS NOT NULL")
    assert digest["Message-ID"] == f"<digest-{rows[0][0].hex()}@miccheck.invalid>"
    # And it counts as one letter.
    assert tables(gateway, lambda each: each.caps(LIST, 60, 4, gateway.clock.wall_s())).ordinary == 59


def test_who_takes_no_digest_gets_letter_by_letter(open_gateway, open_host):
    host = open_host()
    host.stop()
    gateway = open_gateway(outbox=host.url, digest_above=4)
    for n in range(6):
        gateway.post(f"Letter {n}")
    until(lambda: gateway.view().waiting == 6)
    host.to_data.append("550 no digests here")
    host.server.start()
    until(lambda: gateway.view().sent == 6)
    assert subjects(host) == [f"Letter {n}" for n in range(6)]
    assert gateway.view().refused == 0


# -- several gateways --------------------------------------------------------------------------------------

OTHER = Identity(bytes([9]) * 32)


def card_of_other(second):
    body = pack(cbor.encode(["South", "", "es", "", 1, 0, list_digest(ADDRESS)]))
    return Message(Kind.CARD, second, body=body, reference=OTHER.key)


def other_says(gateway, *messages):
    """Another camp that posts to the list says something."""

    def say(bench):
        bench.store.add_key(OTHER.key, hour_of(bench.wall_s))
        for message in messages:
            sealed = bundle.seal(OTHER, hour_of(bench.wall_s), BundleClass.POST, [encode(message)])
            id_ = sealed.id(OTHER.key, OTHER.network)
            bench.store.add_bundle(sealed, OTHER.key, id_, bench.wall_s, Via.IP, True)

    gateway.pump.submit(say).result()
    gateway.courier.wake()


def now_of(gateway):
    return int(gateway.clock.wall_s())


def test_another_gateways_message_waits_for_its_camp_and_is_taken_over(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=host.url)
    other_says(gateway, card_of_other(now_of(gateway)))
    theirs = Message(Kind.POST, now_of(gateway), body=b"\x00theirs", channel="announcements")
    other_says(gateway, theirs)
    gateway.post("Ours")
    until(lambda: subjects(host) == ["Ours"])
    until(lambda: gateway.view().waiting == 1)
    gateway.execute("UPDATE letters_out SET since_s = since_s - 1801, written_s = written_s - 1801")
    gateway.execute("UPDATE letters_out SET since_s = since_s - 1801 WHERE state = 'waiting'")
    gateway.courier.wake()
    wait_s = gateway.courier._roads[0]._queue.due()[0]
    assert wait_s is not None
    assert wait_s <= 180  # both may have come online together; then it goes


@pytest.mark.parametrize(
    ("word", "state"),
    [(Word.POSTED, ListState.ON_LIST), (Word.HELD, ListState.WAITING), (Word.REFUSED, ListState.REFUSED)],
)
def test_what_its_camp_says_of_a_message_counts(open_gateway, open_host, word, state):
    host = open_host()
    gateway = open_gateway(outbox=host.url)
    other_says(gateway, card_of_other(now_of(gateway)))
    other_says(gateway, Message(Kind.POST, now_of(gateway), body=b"\x00theirs", channel="announcements"))
    message = until(lambda: [view.id for view in shown(gateway) if view.text == "theirs"])[0]
    until(lambda: gateway.view().waiting == 1)
    body = receipt_body(list_digest(ADDRESS), word)
    other_says(gateway, Message(Kind.RECEIPT, now_of(gateway), body=body, reference=message[:8]))
    until(lambda: [view.list for view in shown(gateway) if view.id == message] == [state])
    if word is Word.HELD:  # its turns are counted anew
        ((since_s,),) = gateway.execute("SELECT since_s FROM letters_out")
        gateway.courier.wake()
        until(lambda: gateway.execute("SELECT since_s FROM letters_out")[0][0] > since_s)
    assert host.letters == []


def receipts(gateway):
    rows = gateway.execute("SELECT word FROM receipts ORDER BY second, word")
    return [Word(word) for (word,) in rows]


def test_the_other_gateways_hear_what_is_held_here(open_gateway, open_host):
    host = open_host()
    gateway = open_gateway(outbox=host.url, hold_hours=24.0, introduces=True)
    other_says(gateway, card_of_other(now_of(gateway)))
    message, urgent = gateway.post("Held"), gateway.post("Medic!", urgent=True)
    until(lambda: receipts(gateway).count(Word.HELD) == 2)
    decide(gateway, lambda each: each.refuse(LIST, message, "why", gateway.clock.wall_s()))
    until(lambda: Word.REFUSED in receipts(gateway))
    decide(gateway, lambda each: each.approve(LIST, urgent, "", False, gateway.clock.wall_s()))
    until(lambda: receipts(gateway).count(Word.POSTED) == 1)


def test_alone_nobody_is_told_of_what_is_held(open_gateway, open_host):
    gateway = open_gateway(outbox=open_host().url, hold_hours=24.0)
    gateway.execute("UPDATE lists SET since_s = 1e12")
    gateway.post("Held")
    until(lambda: gateway.view().held == 1)
    assert tables(gateway, lambda each: len(each.untold_words(LIST))) == 1
    assert receipts(gateway) == []


# -- what the list says --------------------------------------------------------------------------------------


def test_what_the_list_says_of_a_letter_stands_until_it_distributes_it(open_gateway, open_host):
    gateway = open_gateway(outbox=open_host().url)
    message = gateway.post("One")
    until(lambda: gateway.list_states() == [ListState.SENT])
    tables(gateway, lambda each: each.list_said(LIST, message, "held", "waits for a moderator", NOW_S))
    state = tables(gateway, lambda each: each.state_of(LIST, message))
    assert (state.state, state.said, state.said_words) == ("sent", "held", "waits for a moderator")
    tables(gateway, lambda each: each.mark_on_list(LIST, message, NOW_S))
    tables(gateway, lambda each: each.list_said(LIST, message, "refused", "no", NOW_S))
    state = tables(gateway, lambda each: each.state_of(LIST, message))
    assert (state.state, state.said, state.refused_by) == ("on_list", "", "")


def test_a_list_refuses_what_was_in_a_digest(open_gateway, open_host):
    gateway = open_gateway(outbox=open_host().url)
    message = gateway.post("One")
    until(lambda: gateway.list_states() == [ListState.SENT])
    gateway.execute("UPDATE letters_out SET digest = x'aa'")
    tables(gateway, lambda each: each.list_said(LIST, b"\xaa", "refused", "too long", NOW_S))
    state = tables(gateway, lambda each: each.state_of(LIST, message))
    assert (state.state, state.refused_by, state.why) == ("refused", "list", "too long")


def test_a_notice_is_kept_once_and_put_away(open_gateway, open_host):
    gateway = open_gateway(outbox=open_host().url)
    note = lambda each: each.note_notice(LIST, "bounce", NOW_S, "words", b"12345678")  # noqa: E731
    assert tables(gateway, note)
    assert not tables(gateway, note)
    (notice,) = tables(gateway, lambda each: each.notices(None, 9))
    assert (notice.kind, notice.words, notice.seen_s) == ("bounce", "words", None)
    tables(gateway, lambda each: each.see_notices(notice.id, NOW_S))
    assert tables(gateway, lambda each: each.notices(LIST, 9))[0].seen_s == NOW_S
    assert tables(gateway, lambda each: each.notices("other", 9)) == []
