"""Who speaks where, what waits, and how people take their words back."""

import pytest

from sync.actions import (
    CONSOLE,
    Actor,
    HoldStrangers,
    MakeGroup,
    MuteAuthor,
    Refusal,
    Refused,
    RefuseHeld,
    ReleaseHeld,
    RetractPost,
    SetChannel,
    WritePost,
    Written,
)
from sync.board import BoardLimits
from sync.board.quotas import CALL_EVERY_S, CALLS
from sync.message import Kind, Role
from sync.text import TEXT_BYTES_MAX
from tests.board.conftest import camper, make_camp

KITCHEN = Actor(role=Role.LIAISON, group="kitchen")
MEDICS = Actor(role=Role.LIAISON, group="medics")
MODERATOR = Actor(role=Role.MODERATOR)
COORDINATOR = Actor(role=Role.COORDINATOR)
LIAISON = Actor(role=Role.LIAISON)

# channel, then who appears at once (+) and who waits (-): camper, liaison of no group, of kitchen, of medics,
# moderator, coordinator, console
SPEAKERS = [
    ("general", "+++++++"),
    ("here", "+++++++"),
    ("announcements", "-+++-++"),
    ("kitchen", "--+--++"),
    ("medics", "---+-++"),
    ("quieted", "-+++-++"),
]


@pytest.fixture
def town(camp):
    camp.do(MakeGroup("kitchen"))
    camp.do(MakeGroup("Medics"))
    return camp


@pytest.mark.parametrize(("channel", "at_once"), SPEAKERS)
def test_who_speaks_where(town, channel, at_once):
    if channel == "quieted":
        town.do(SetChannel("general", True, 7, False))
        channel = "general"
    people = [camper(), LIAISON, KITCHEN, MEDICS, MODERATOR, COORDINATOR, CONSOLE]
    for number, (person, sign) in enumerate(zip(people, at_once, strict=True)):
        written = town.post(f"word {number}", person, channel)
        assert written.held == (sign == "-"), (channel, person)
        assert (f"word {number}" in town.texts(channel)) == (sign == "+")


@pytest.mark.parametrize(
    ("person", "held"),
    [(camper(), True), (KITCHEN, False), (MODERATOR, False), (COORDINATOR, False), (CONSOLE, False)],
)
@pytest.mark.parametrize("channel", ["general", "announcements", "medics"])
def test_a_mic_check_is_urgent_by_whoever_may_repeat_one(town, person, held, channel):
    assert town.post("medic to gate 4", person, channel, urgent=True).held is held
    assert len(town.said(Kind.MIC_CHECK)) == (0 if held else 1)


def test_a_campers_mic_check_is_urgent_when_a_liaison_repeats_it(town):
    held = town.post("medic to gate 4", camper(), urgent=True, nickname="Anna")
    assert town.texts() == []
    town.pass_time(90)

    out = town.do(ReleaseHeld(held.message), KITCHEN)

    assert out == Written(held.message, held=False, repeated=False)
    assert town.row(
        "SELECT kind, nickname, role, created_s, text FROM messages WHERE id = ?", held.message
    ) == (
        Kind.MIC_CHECK,
        "Anna",
        Role.CAMPER,
        int(town.wall_s) - 90,
        "medic to gate 4",
    )
    assert town.row("SELECT class, bundle IS NOT NULL FROM own_messages WHERE id = ?", held.message) == (0, 1)


@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        (WritePost("general", ""), Refusal.EMPTY),
        (WritePost("general", " \n\t \u202e\u2003\n"), Refusal.EMPTY),
        (WritePost("general", "a" * (TEXT_BYTES_MAX + 1)), Refusal.TOO_LONG),
        (WritePost("general", "é" * (TEXT_BYTES_MAX // 2 + 1)), Refusal.TOO_LONG),
        (WritePost("general", "a" * 10_000_000), Refusal.TOO_LONG),
        (WritePost("general", "hola", nickname="n" * 49), Refusal.TOO_LONG),
        (WritePost("general", "hola", nickname="n" * 10_000_000), Refusal.TOO_LONG),
        (WritePost("nowhere", "hola"), Refusal.NO_CHANNEL),
        (WritePost("", "hola"), Refusal.NO_CHANNEL),
        (WritePost("letters", "hola"), Refusal.NOT_ALLOWED),
        (WritePost("letters", "hola", urgent=True), Refusal.NOT_ALLOWED),
        (WritePost("here", "fire", urgent=True), Refusal.NOT_ALLOWED),
        (WritePost("general", "yes", reply_to=b"x" * 16), Refusal.NO_MESSAGE),
        (WritePost("general", "yes", reply_to=b""), Refusal.NO_MESSAGE),
    ],
)
@pytest.mark.parametrize("person", [camper(), COORDINATOR, CONSOLE], ids=["camper", "coordinator", "console"])
def test_what_cannot_be_posted_says_why_and_changes_nothing(camp, order, refusal, person):
    assert camp.refusal(order, person) == refusal


def test_tricks_are_left_out_of_text_and_name(camp):
    camp.post("agua\u202e en\r\nla plaza  \n", nickname=" Ana\u2066\n  María ")
    assert camp.row("SELECT text, nickname FROM messages") == ("agua en\nla plaza", "Ana María")


def test_the_longest_text_fits(camp):
    written = camp.post("".join(chr(33 + i * 7919 % 90) for i in range(TEXT_BYTES_MAX)))
    assert not written.held
    camp.pass_time(120)
    with camp.store.transaction():
        camp.engine.tick(camp.now)
    assert camp.row("SELECT bundle IS NOT NULL FROM own_messages WHERE id = ?", written.message) == (1,)


def test_here_never_crosses(camp):
    written = camp.post("soup is ready", channel="here")
    assert camp.row("SELECT class FROM own_messages WHERE id = ?", written.message) == (None,)
    assert camp.store.waiting() == []


def test_a_reply_carries_its_parent(camp):
    first = camp.post("who has a ladder?")
    answer = camp.post("we have", reply_to=first.message)
    assert camp.row("SELECT parent FROM messages WHERE id = ?", answer.message) == (first.message[:8],)


def test_held_posts_and_words_of_here_cannot_be_answered_outside(camp):
    held = camp.post("listen", camper(), "announcements")
    assert camp.refusal(WritePost("general", "yes", reply_to=held.message)) == Refusal.NO_MESSAGE
    inside = camp.post("soup is ready", channel="here")
    assert camp.refusal(WritePost("general", "yes", reply_to=inside.message)) == Refusal.NO_MESSAGE
    assert not camp.post("yes", channel="here", reply_to=inside.message).held


def test_equal_posts_of_one_second_are_two_messages(camp):
    ids = {camp.post("hola", channel=channel).message for channel in ["general", "general", "here", "here"]}
    held = {camp.post("hola", channel="announcements").message for _ in range(3)}
    assert len(ids | held) == 7
    for message in sorted(held, reverse=True):  # any order: each keeps the id it had
        assert camp.do(ReleaseHeld(message)) == Written(message, held=False, repeated=False)


# Tokens -------------------------------------------------------------------------------------------


def test_a_double_tap_posts_once(camp):
    order = WritePost("general", "hola", "Ana", token=b"form 1")
    first = camp.do(order, camper())
    again = camp.do(order, camper("anna has a cookie now"))
    assert isinstance(first, Written)
    assert again == Written(first.message, held=False, repeated=True)
    assert camp.texts() == ["hola"]


def test_a_double_tap_is_answered_after_the_quota_is_used_up():
    camp = make_camp(device_per_minute=1)
    order = WritePost("general", "hola", token=b"form 1")
    first = camp.do(order, camper())
    assert isinstance(first, Written)
    assert camp.do(order, camper()) == Written(first.message, False, True)
    assert camp.refusal(WritePost("general", "hola", token=b"form 2"), camper()) == Refusal.TOO_FAST


@pytest.mark.parametrize(
    "other",
    [
        WritePost("general", "adiós", "Ana", token=b"t"),
        WritePost("here", "hola", "Ana", token=b"t"),
        WritePost("general", "hola", "Eva", token=b"t"),
        WritePost("general", "hola", "Ana", urgent=True, token=b"t"),
        WritePost("general", "hola", "Ana", reply_to=b"r" * 16, token=b"t"),
    ],
)
def test_the_same_token_with_another_request_is_refused(camp, other):
    camp.do(WritePost("general", "hola", "Ana", token=b"t"))
    assert camp.refusal(other) == Refusal.TOKEN_USED


def test_a_held_post_is_answered_as_it_stands_now(camp):
    order = WritePost("announcements", "hola", token=b"t")
    first = camp.do(order, camper())
    assert isinstance(first, Written)
    assert camp.do(order, camper()) == Written(first.message, held=True, repeated=True)
    camp.do(ReleaseHeld(first.message))
    assert camp.do(order, camper()) == Written(first.message, held=False, repeated=True)


def test_a_refused_order_does_not_use_its_token(camp):
    assert camp.refusal(WritePost("nowhere", "hola", token=b"t")) == Refusal.NO_CHANNEL
    assert not camp.post("hola", token=b"t").repeated


def test_a_token_is_forgotten_after_two_days(camp):
    camp.do(WritePost("general", "hola", token=b"t"))
    camp.pass_time(48 * 3_600 + 1)
    assert not camp.post("otra cosa", token=b"t").repeated


# Quotas -------------------------------------------------------------------------------------------


def test_a_device_posts_six_times_a_minute_then_waits_for_the_next():
    camp = make_camp(device_per_minute=6)
    for number in range(6):
        camp.post(f"word {number}", camper())
    with pytest.raises(Refused) as refused:
        camp.post("one more", camper())
    assert refused.value.refusal == Refusal.TOO_FAST
    assert refused.value.retry_after_s == pytest.approx(10.0)
    assert not camp.post("other phone", camper("ben")).held
    camp.pass_time(10.1)
    camp.post("one more", camper())


def test_fresh_cookies_do_not_help_behind_one_address():
    camp = make_camp(device_per_minute=6)
    for number in range(30):
        camp.post(f"word {number}", camper(f"cookie {number}"))
    assert camp.refusal(WritePost("general", "x"), camper("cookie 31")) == Refusal.TOO_FAST
    assert not camp.post("x", camper("cookie 32", "other house")).held


def test_without_a_cookie_the_address_is_the_device():
    camp = make_camp(device_per_minute=6)
    nobody = Actor(address=b"house")
    for number in range(6):
        camp.post(f"word {number}", nobody)
    assert camp.refusal(WritePost("general", "x"), nobody) == Refusal.TOO_FAST
    assert not camp.post("x", camper()).held


def test_one_address_does_not_fill_the_room_for_mic_checks():
    camp = make_camp(device_per_minute=6)
    for number in range(CALLS):
        camp.post(f"fake {number}", camper(f"cookie {number}"), urgent=True)
    with pytest.raises(Refused) as refused:
        camp.post("fake", camper("a fresh cookie"), urgent=True)
    assert refused.value.refusal == Refusal.TOO_FAST
    assert refused.value.retry_after_s == pytest.approx(CALL_EVERY_S)
    assert not camp.post("no mic check", camper("a fresh cookie")).held
    assert camp.post("medic to gate 4", camper("ben", "other house"), urgent=True).held
    camp.pass_time(CALL_EVERY_S + 0.1)
    assert camp.post("a true one", camper("a fresh cookie"), urgent=True).held


def test_refused_posts_cost_nothing_and_the_console_has_no_quota():
    camp = make_camp(device_per_minute=1)
    for _ in range(5):
        assert camp.refusal(WritePost("nowhere", "x"), camper()) == Refusal.NO_CHANNEL
    camp.post("x", camper())
    for number in range(20):
        camp.post(f"word {number}", CONSOLE)


def test_a_camp_has_its_mic_checks_of_an_hour_and_no_more(camp):
    held = camp.post("mine waits", camper(), urgent=True)
    camp.pass_time(60)
    for number in range(BoardLimits().mic_checks_per_hour):
        camp.post(f"check {number}", COORDINATOR, urgent=True)
        camp.pass_time(60)
    with pytest.raises(Refused) as refused:
        camp.post("one more", COORDINATOR, urgent=True)
    assert refused.value.refusal == Refusal.MIC_CHECKS_USED_UP
    assert refused.value.retry_after_s == pytest.approx(3_600 - BoardLimits().mic_checks_per_hour * 60)
    assert camp.refusal(ReleaseHeld(held.message), MODERATOR) == Refusal.MIC_CHECKS_USED_UP
    camp.pass_time(3_600 - BoardLimits().mic_checks_per_hour * 60)
    assert camp.do(ReleaseHeld(held.message), MODERATOR) == Written(held.message, False, False)


def test_a_clock_set_back_does_not_cost_the_camp_its_mic_checks(camp):
    camp.wall_s += 86_400
    for number in range(BoardLimits().mic_checks_per_hour):
        camp.post(f"check {number}", COORDINATOR, urgent=True)
    camp.wall_s -= 86_400
    camp.post("the clock is right now", COORDINATOR, urgent=True)


def test_a_flood_of_waiting_posts_ends_and_leaves_room_for_mic_checks(camp):
    limits = BoardLimits()
    for number in range(limits.held_posts_max):
        camp.post(f"word {number}", camper(f"cookie {number}"), "announcements")
    assert camp.refusal(WritePost("announcements", "x"), camper()) == Refusal.STRANGERS_FULL
    assert not camp.post("general goes on", camper()).held
    assert camp.post("medic to gate 4", camper(), urgent=True).held
    assert camp.post("a moderator is no stranger", MODERATOR, "announcements").held
    for number in range(limits.held_mic_checks_max - 1):
        camp.post(f"check {number}", camper(), urgent=True)
    assert camp.refusal(WritePost("general", "x", urgent=True), camper()) == Refusal.STRANGERS_FULL


# Strangers and mutes ------------------------------------------------------------------------------


def test_strangers_held_means_every_campers_post_waits(camp):
    camp.do(HoldStrangers(True, "spam"), MODERATOR)
    for channel in ("general", "here"):
        assert camp.post("x", camper(), channel).held
        assert not camp.post("y", LIAISON, channel).held
    assert camp.row("SELECT DISTINCT why FROM held") == ("stranger",)
    camp.do(HoldStrangers(False, ""), MODERATOR)
    assert not camp.post("z", camper()).held


def test_a_muted_device_waits_and_nobody_else(camp):
    bad = camp.post("insult", camper("ben"))
    camp.do(MuteAuthor(bad.message, 2, "insults"), MODERATOR)
    assert camp.post("again", camper("ben")).held
    assert camp.post("again", camper("ben"), urgent=True).held
    assert not camp.post("hola", camper("anna")).held
    camp.pass_time(2 * 3_600 + 1)
    assert not camp.post("sorry", camper("ben")).held


def test_the_author_of_a_held_post_can_be_muted_for_a_day_at_most(camp):
    held = camp.post("insult", camper("ben"), "announcements")
    camp.do(MuteAuthor(held.message, 10_000, "insults"), MODERATOR)
    assert camp.row("SELECT until_s FROM mutes") == (int(camp.wall_s) + 86_400,)


def test_who_has_no_device_cannot_be_muted(camp):
    written = camp.post("x", Actor(address=b"house"))
    assert camp.refusal(MuteAuthor(written.message, 2, "why"), MODERATOR) == Refusal.NO_MESSAGE
    assert camp.refusal(MuteAuthor(b"?" * 16, 2, "why"), MODERATOR) == Refusal.NO_MESSAGE


# Taking back --------------------------------------------------------------------------------------


def seal(camp):
    camp.pass_time(120)
    with camp.store.transaction():
        camp.engine.tick(camp.now)


def test_what_was_not_sealed_yet_never_leaves(camp):
    written = camp.post("my address is 12 Elm Street", camper())
    camp.do(RetractPost(written.message), camper())
    seal(camp)
    assert camp.texts() == []
    wires = [wire for (wire,) in camp.store.connection.execute("SELECT wire FROM bundles")]
    assert wires == []


def test_what_was_sealed_is_followed_by_a_retraction(camp):
    written = camp.post("gate 4 is open", camper())
    seal(camp)
    camp.do(RetractPost(written.message), camper())
    seal(camp)
    assert camp.texts() == []
    assert camp.row("SELECT retracted FROM messages WHERE id = ?", written.message) == (1,)
    assert camp.row("SELECT parent FROM messages WHERE kind = ?", int(Kind.RETRACT)) == (written.message[:8],)
    assert camp.row("SELECT count(*) FROM bundles") == (2,)


def test_what_was_taken_back_in_time_does_not_leave_after_a_restart_either(camp):
    written = camp.post("my address is 12 Elm Street", camper())
    camp.do(RetractPost(written.message), camper())
    camp.engine.reload()
    seal(camp)
    assert camp.row("SELECT count(*) FROM bundles") == (0,)


def test_who_has_no_device_has_nothing_to_prove_it_is_theirs(camp):
    nobody = Actor(address=b"house")
    for channel in ("general", "announcements"):
        written = camp.post("mine", nobody, channel)
        assert camp.refusal(RetractPost(written.message), nobody) == Refusal.NOT_ALLOWED


@pytest.mark.parametrize("channel", ["here", "general"])
def test_a_retraction_outlives_a_rebuild(camp, channel):
    written = camp.post("oops", camper(), channel)
    camp.do(RetractPost(written.message), camper())
    camp.store.rebuild(lambda done, of: None)
    assert camp.texts(channel) == []
    assert camp.row("SELECT retracted FROM messages WHERE id = ?", written.message) == (1,)
    assert camp.row("SELECT count(*) FROM bundles") == (0,)


@pytest.mark.parametrize("channel", ["here", "general"])
def test_the_words_of_what_was_taken_back_in_time_are_forgotten(camp, channel):
    written = camp.post("12 Elm Street", camper(), channel)
    words = camp.row("SELECT bytes FROM own_messages WHERE id = ?", written.message)[0]
    camp.do(RetractPost(written.message), camper())
    left = camp.row("SELECT bytes FROM own_messages WHERE id = ?", written.message)[0]
    assert len(left) < len(words) - len("12 Elm Street") // 2
    assert left[:6] == words[:6]  # kind and second stay


def test_a_held_post_is_simply_gone(camp):
    held = camp.post("oops", camper(), "announcements")
    camp.do(RetractPost(held.message), camper())
    assert camp.row("SELECT count(*) FROM held") == (0,)
    assert camp.refusal(ReleaseHeld(held.message)) == Refusal.NO_MESSAGE


def test_only_the_device_or_a_moderator_takes_back(camp):
    written = camp.post("mine", camper("anna"))
    held = camp.post("mine too", camper("anna"), "announcements")
    for message in (written.message, held.message):
        for other in (camper("ben"), Actor(), LIAISON):
            assert camp.refusal(RetractPost(message), other) == Refusal.NOT_ALLOWED
    camp.do(RetractPost(written.message), MODERATOR)
    camp.do(RetractPost(held.message), MODERATOR)
    assert camp.log() == [("moderator", "retract", "")] * 2
    assert camp.refusal(RetractPost(written.message), camper("anna")) == Refusal.DECIDED
    assert camp.refusal(RetractPost(b"?" * 16), MODERATOR) == Refusal.NO_MESSAGE


def test_what_a_person_takes_back_is_not_in_the_log(camp):
    for channel in ("general", "here", "announcements"):
        camp.do(RetractPost(camp.post("oops", camper(), channel).message), camper())
    assert camp.log() == []


def test_a_refused_post_can_be_taken_out_of_sight_by_its_author(camp):
    held = camp.post("oops", camper(), "announcements")
    camp.do(RefuseHeld(held.message, "off topic"))
    camp.do(RetractPost(held.message), camper())
    assert camp.row("SELECT count(*) FROM held") == (0,)
