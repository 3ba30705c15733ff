"""Cards, the sessions they open, and how both end."""

import pytest

from sync.actions import (
    CONSOLE,
    Actor,
    CardMade,
    CloseSession,
    Done,
    MakeCard,
    OpenSession,
    Refusal,
    Refused,
    RevokeCard,
)
from sync.board import BoardLimits
from sync.codewords import session_hash
from sync.message import Role
from tests.board.conftest import camper


def make(camp, role=Role.MODERATOR, **more) -> CardMade:
    made = camp.do(MakeCard(role, **more))
    assert isinstance(made, CardMade)
    return made


def test_a_card_is_shown_once_and_kept_as_a_hash(camp):
    made = make(camp, name=" Ana \n")
    opened = camp.open(made.secret)
    assert (opened.role, len(opened.token)) == (Role.MODERATOR, 43)
    dump = "\n".join(camp.dump()).upper()
    for secret in (made.secret, made.secret.removeprefix("MC-").replace("-", ""), opened.token):
        assert secret.upper() not in dump
        assert secret.encode().hex().upper() not in dump
    assert camp.row("SELECT name, role, made_by FROM role_cards") == ("Ana", Role.MODERATOR, None)
    assert camp.row("SELECT id FROM sessions WHERE token_hash = ?", session_hash(opened.token)) == (
        opened.session,
    )


@pytest.mark.parametrize(
    "typed",
    [
        "{code}",
        "  {code}\n",
        "{lower}",
        "{spaced}",
        "{bare}",
        "https://10.0.0.1:8443/card/{code}",
        "https://mc-camp.local:8443/card/{lower}?from=poster",
        "your card: {code}, keep it",
        "{looks}",
    ],
)
def test_a_card_opens_however_it_is_typed(camp, typed):
    code = make(camp).secret
    looks = code.replace("0", "O").replace("1", "l").replace("V", "u").replace("-", "–")
    forms = {
        "code": code,
        "lower": code.lower(),
        "spaced": code.replace("-", " "),
        "bare": code[3:],
        "looks": looks,
    }
    assert camp.open(typed.format(**forms)).role == Role.MODERATOR


@pytest.mark.parametrize(
    "typed", ["", "MC-", "hello", "MC-AAAAA-AAAAA-AAAAA-AAAAA", "a" * 100_000, "é" * 400]
)
def test_what_is_no_card_opens_nothing(camp, typed):
    make(camp)
    assert camp.refusal(OpenSession(typed), camper()) == Refusal.NO_CARD


def test_guessing_is_slow_for_one_and_for_all(camp):
    made = make(camp)
    for _ in range(10):
        assert camp.refusal(OpenSession("MC-AAAAA-AAAAA-AAAAA-AAAAA"), camper()) == Refusal.NO_CARD
    with pytest.raises(Refused) as refused:
        camp.do(OpenSession(made.secret), camper())
    assert refused.value.refusal == Refusal.TOO_FAST
    assert refused.value.retry_after_s == pytest.approx(30)
    camp.do(OpenSession(made.secret), camper(address="other house"))
    camp.do(OpenSession(made.secret), CONSOLE)
    for number in range(110):
        camp.refusal(OpenSession("no"), camper(address=f"house {number}"))
    assert camp.refusal(OpenSession(made.secret), camper(address="new house")) == Refusal.TOO_FAST
    camp.pass_time(30)
    camp.do(OpenSession(made.secret), camper())


def test_right_cards_are_never_too_many(camp):
    made = make(camp)
    for _ in range(30):
        camp.do(OpenSession(made.secret), camper())


@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        (MakeCard(Role.CAMPER), Refusal.NOT_ALLOWED),
        (MakeCard(Role.LIST), Refusal.NOT_ALLOWED),
        (MakeCard(Role.VISITOR), Refusal.NOT_ALLOWED),
        (MakeCard(Role.MODERATOR, "kitchen"), Refusal.NOT_ALLOWED),
        (MakeCard(Role.COORDINATOR, until_s=2_000_000_000), Refusal.NOT_ALLOWED),
        (MakeCard(Role.LIAISON, until_s=1_000), Refusal.NOT_ALLOWED),
        (MakeCard(Role.LIAISON, "¿?"), Refusal.BAD_NAME),
        (MakeCard(Role.LIAISON, "general"), Refusal.BAD_NAME),
        (MakeCard(Role.MODERATOR, name="n" * 49), Refusal.TOO_LONG),
        (RevokeCard(99), Refusal.NO_CARD),
    ],
)
def test_cards_that_cannot_be(camp, order, refusal):
    assert camp.refusal(order) == refusal


def test_a_liaisons_card_makes_the_group(camp):
    make(camp, Role.LIAISON, group="Folk Kitchen")
    rule = camp.store.channel("folk-kitchen")
    assert (rule.is_group, rule.crosses, rule.to_list, rule.speaks) == (True, True, True, "liaisons")
    assert camp.row("SELECT group_name FROM role_cards") == ("folk-kitchen",)
    make(camp, Role.LIAISON, group="folk-kitchen")
    assert camp.row("SELECT count(*) FROM channels WHERE is_group = 1") == (1,)
    assert make(camp, Role.LIAISON).secret.startswith("MC-")  # of no group: for announcements


def test_a_revoked_card_and_its_sessions_end_at_once(camp):
    lost, other = make(camp), make(camp)
    camp.open(lost.secret)
    stays = camp.open(other.secret)
    assert camp.do(RevokeCard(lost.card, "lost at the march")) == Done(str(lost.card))
    assert camp.row("SELECT group_concat(id) FROM sessions") == (str(stays.session),)
    assert camp.refusal(OpenSession(lost.secret), camper()) == Refusal.NO_CARD
    assert camp.refusal(RevokeCard(lost.card)) == Refusal.DECIDED
    assert camp.log()[-1] == ("coordinator", "revoke_card", "lost at the march")


def test_a_card_ends_when_its_time_is_over(camp):
    made = make(camp, Role.LIAISON, until_s=int(camp.wall_s) + 3_600)
    camp.open(made.secret)
    camp.pass_time(3_600)
    assert camp.refusal(OpenSession(made.secret), camper()) == Refusal.NO_CARD
    camp.tick()
    assert camp.row("SELECT count(*) FROM sessions") == (0,)


def test_the_last_coordinator_ends_only_at_the_console(camp):
    first, second = make(camp, Role.COORDINATOR), make(camp, Role.COORDINATOR)
    actor = Actor(role=Role.COORDINATOR, card=first.card)
    camp.do(RevokeCard(second.card), actor)
    assert camp.refusal(RevokeCard(first.card), actor) == Refusal.LAST_COORDINATOR
    camp.do(RevokeCard(first.card), CONSOLE)
    assert camp.row("SELECT count(*) FROM role_cards WHERE revoked_s IS NULL") == (0,)


def test_sessions_are_closed_one_by_one(camp):
    made, other = make(camp), make(camp)
    actor = Actor(role=Role.MODERATOR, card=made.card)
    mine, spare, foreign = (
        camp.open(made.secret, " my\nphone "),
        camp.open(made.secret),
        camp.open(other.secret),
    )
    assert camp.row("SELECT label FROM sessions WHERE id = ?", mine.session) == ("my phone",)
    assert camp.refusal(CloseSession(foreign.session), actor) == Refusal.NOT_ALLOWED
    camp.do(CloseSession(mine.session), actor)
    camp.do(CloseSession(foreign.session), CONSOLE)
    assert camp.refusal(CloseSession(foreign.session), CONSOLE) == Refusal.DECIDED
    assert camp.row("SELECT group_concat(id) FROM sessions") == (str(spare.session),)


def test_a_session_unused_for_seven_days_ends(camp):
    made = make(camp)
    used, idle = camp.open(made.secret), camp.open(made.secret)
    for _ in range(7):
        camp.pass_time(86_400)
        with camp.store.transaction():
            camp.board.session_used(used.token, camp.wall_s)
    camp.tick()
    assert camp.row("SELECT group_concat(id) FROM sessions") == (str(used.session),)
    assert idle.session != used.session


def test_a_page_every_second_writes_once_an_hour(camp):
    opened = camp.open(make(camp).secret)
    before = camp.row("SELECT used_s FROM sessions")
    for _ in range(3_599):
        camp.wall_s += 1
        camp.board.session_used(opened.token, camp.wall_s)
    assert camp.row("SELECT used_s FROM sessions") == before
    camp.board.session_used(opened.token, camp.wall_s + 1)
    assert camp.row("SELECT used_s FROM sessions") != before


def test_a_ninth_phone_closes_the_one_unused_longest(camp):
    made = make(camp)
    phones = []
    for _ in range(BoardLimits().sessions_per_card + 1):
        phones.append(camp.open(made.secret).session)
        camp.pass_time(60)
    left = {session for (session,) in camp.store.connection.execute("SELECT id FROM sessions")}
    assert left == set(phones[1:])
