"""What a list and its machines say of our posts, and letters whose writers ask for silence, in the store."""

from dataclasses import replace

import pytest

from sync.letters import OutgoingLetter, letter_of, read_letters
from sync.letters.digest_out import digest_id, digest_of
from sync.letters.marks import message_id_of, token
from sync.letters.taking_in import SIGNS_LAST_S, Taken, take_in
from sync.signing import author_of
from sync.store.letter_lookups import LetterLookups
from sync.store.letters import not_relayed_counter
from tests.letters.test_taking_in import LIST, NOW_S, Camp, mail

ADDRESS = "camps@lists.example.org"
NAMES = (LIST, ADDRESS)


class Gateway(Camp):
    """A camp whose list answers."""

    def hear(self, raw: bytes | str, agreed: bool = True) -> Taken:
        raw = raw.encode() if isinstance(raw, str) else raw
        pieces = list(read_letters(raw, NAMES))
        with self.store.transaction():
            return take_in(self.store, self.publish if agreed else None, LIST, pieces, NOW_S)

    def sent(self, text: str, **fields):
        posted = self.post(text, **fields)
        assert [row.message for row in self.outgoing()] == [posted]
        return posted

    def of_list(self, message):
        state = self.tables.state_of(LIST, message)
        assert state is not None
        return state.state, state.said, state.refused_by

    def notices(self):
        return [(each.kind, each.message) for each in self.tables.notices(LIST, 9)]

    def counted(self, name):
        row = self.store.connection.execute("SELECT n FROM counters WHERE name = ?", (name,)).fetchone()
        return row[0] if row else 0

    def letter(self, message: bytes, text: str) -> OutgoingLetter:
        return OutgoingLetter(
            message, author_of(self.key), "", "", "announcements", "", text, False, int(NOW_S)
        )


@pytest.fixture
def camp():
    camp = Gateway()
    yield camp
    camp.store.close()


def held(subject: str, n: int = 1) -> str:
    return (
        f"From: camps-bounces@lists.example.org\nMessage-ID: <h{n}@lists.example.org>\n"
        "Subject: Your message to camps@lists.example.org awaits moderator approval\n"
        "List-Id: <camps.lists.example.org>\n\n"
        f"Your mail to 'camps@lists.example.org' with the subject\n\n    {subject}\n\n"
        "Is being held until the list moderator can review it for approval.\n"
    )


def subject_of(camp: Gateway, text: str) -> str:
    return f"[{author_of(camp.key).hex()}] [announcements] {text}"


def test_a_post_that_the_list_holds_says_so(camp):
    other, posted = camp.sent("Water at gate 4"), camp.sent("Bread at gate 5")
    camp.hear(held(subject_of(camp, "Bread at gate 5")))
    assert camp.of_list(posted) == ("sent", "held", "")
    assert camp.of_list(other) == ("sent", "", "")
    assert camp.notices() == [("held", posted)]


@pytest.mark.parametrize("quoted", ["¿Agua? Sí — 40 l", "?Agua? S? ? 40 l", "¿Agua? Sí —\n    40 l"])
def test_a_subject_is_known_however_the_list_spells_it(camp, quoted):
    posted = camp.sent("¿Agua? Sí — 40 l")
    camp.hear(held(subject_of(camp, quoted)))
    assert camp.notices() == [("held", posted)]


def test_the_longer_of_two_subjects_is_meant(camp):
    camp.sent("Water at gate 4")
    longer = camp.sent("Water at gate 4 and 5")
    camp.hear(held(subject_of(camp, "Water at gate 4 and 5")))
    assert camp.notices() == [("held", longer)]


def test_a_hold_of_what_we_never_sent_is_a_notice_and_no_more(camp):
    posted = camp.sent("Water at gate 4")
    camp.hear(held("Somebody else's"))
    assert camp.notices() == [("held", None)]
    assert camp.of_list(posted) == ("sent", "", "")


def test_a_notice_is_kept_once(camp):
    raw = held("x")
    assert [camp.hear(raw).notices, camp.hear(raw).notices] == [1, 0]


def test_a_held_post_that_was_distributed_is_on_the_list(camp):
    posted = camp.sent("Water at gate 4")
    camp.hear(held(subject_of(camp, "Water at gate 4")))
    camp.hear(letter_of(camp.letter(posted, "Water at gate 4"), ADDRESS))
    assert camp.of_list(posted)[0] == "on_list"
    camp.hear(held(subject_of(camp, "Water at gate 4"), 2))
    assert camp.of_list(posted)[0] == "on_list"


def test_a_refused_post_says_why(camp):
    posted = camp.sent("Water at gate 4")
    camp.hear(
        "From: camps-owner@lists.example.org\nMessage-ID: <r@x>\nSubject: Post refused\n\n"
        "Your message was rejected: you are no member. Ask mod@x.example.\n\n"
        f"{token(author_of(camp.key), posted)}\n"
    )
    state = camp.tables.state_of(LIST, posted)
    assert (state.state, state.refused_by) == ("refused", "list")
    assert "you are no member. Ask […@…]" in state.why


def bounce(message_id: str, n: int = 1) -> str:
    return (
        f"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nMessage-ID: <b{n}@mx.example>\n"
        'Subject: Undelivered\nContent-Type: multipart/report; report-type=delivery-status; boundary="B"\n\n'
        "--B\nContent-Type: message/delivery-status\n\n"
        f"Final-Recipient: rfc822; {ADDRESS}\nAction: failed\n\n"
        f"--B\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{message_id}>\n\n--B--\n"
    )


def test_a_bounce_of_a_post(camp):
    posted = camp.sent("Water at gate 4")
    camp.hear(bounce(message_id_of(posted)))
    assert camp.of_list(posted) == ("refused", "refused", "list")
    assert camp.notices() == [("bounce", posted)]


def test_a_bounce_of_a_strangers_id_touches_nothing(camp):
    posted = camp.sent("Water at gate 4")
    camp.hear(bounce(message_id_of(bytes(16))))
    assert camp.of_list(posted) == ("sent", "", "")
    assert camp.notices() == [("bounce", None)]


def digest_of_two(camp: Gateway):
    posted = [camp.post("Water at gate 4"), camp.post("Bread at gate 5")]
    id_ = digest_id(posted)
    with camp.store.transaction():
        camp.tables.queue(LIST, (), 0, NOW_S)
        camp.tables.begin(LIST, posted, NOW_S, id_)
        camp.tables.mark_sent(LIST, posted, NOW_S)
    letters = [camp.letter(message, text) for message, text in zip(posted, ("Water", "Bread"), strict=True)]
    return posted, id_, digest_of(letters, ADDRESS)


@pytest.mark.parametrize(
    ("said", "after"),
    [
        (lambda camp, post: bounce(message_id_of(post)), ("refused", "refused", "list")),
        (lambda camp, _: held(subject_of(camp, "Water at gate 4")), ("sent", "held", "")),
    ],
)
def test_no_notice_keeps_what_is_being_sent_from_being_sent(camp, said, after):
    """Anybody can write one, and after a crash the letter may never have left."""
    posted = camp.post("Water at gate 4")
    with camp.store.transaction():
        camp.tables.queue(LIST, (), 0, NOW_S)
        camp.tables.begin(LIST, [posted], NOW_S)
    assert camp.hear(said(camp, posted)).notices == 1
    assert camp.of_list(posted)[0] == "sending"
    with camp.store.transaction():  # the server took it, and the list was faster to answer
        camp.tables.mark_sent(LIST, [posted], NOW_S)
    assert camp.of_list(posted) == after
    with camp.store.transaction():  # sent anew, it has no answer yet
        camp.tables.begin(LIST, [posted], NOW_S)
        camp.tables.mark_sent(LIST, [posted], NOW_S)
    assert camp.of_list(posted)[:2] == ("sent", "")


def test_a_bounced_digest_is_all_its_posts(camp):
    posted, id_, _ = digest_of_two(camp)
    camp.hear(bounce(f"digest-{id_.hex()}@miccheck.invalid"))
    assert {camp.of_list(each)[0] for each in posted} == {"refused"}


def test_a_digest_that_comes_back_is_all_its_posts(camp):
    posted, _, raw = digest_of_two(camp)
    camp.hear(raw)
    assert {camp.of_list(each)[0] for each in posted} == {"on_list"}


def test_a_digest_whose_parts_were_thrown_away_is_all_its_posts(camp):
    posted, id_, _ = digest_of_two(camp)
    camp.hear(
        f"From: a@b.example\nTo: {ADDRESS}\nMessage-ID: <1@x>\nSubject: x\n\n[miccheck digest {id_.hex()}]\n"
    )
    assert {camp.of_list(each)[0] for each in posted} == {"on_list"}


def test_a_letter_that_asks_for_it_is_not_relayed(camp):
    raw = mail(1).replace(b"Subject: s1", b"Subject: Re: [No Relay] names of the arrested")
    assert camp.hear(raw) == Taken(0, 0, 0, 0, left=1)
    assert camp.hear(raw).known == 1
    assert camp.rows("id") == []
    assert camp.counted(not_relayed_counter(LIST)) == camp.tables.counts(LIST).not_relayed == 1
    kept = camp.store.connection.execute("SELECT outcome, message FROM letters_in").fetchall()
    assert kept == [("left", None)]


def test_our_own_post_is_on_the_list_though_it_asks_not_to_be_kept(camp):
    posted = camp.sent("Water at gate 4")
    raw = letter_of(camp.letter(posted, "Water at gate 4"), ADDRESS)
    camp.hear(raw.replace(b"MIME-Version", b"X-No-Archive: yes\r\nMIME-Version"))
    assert camp.of_list(posted)[0] == "on_list"


def test_without_agreement_only_our_own_posts_are_looked_for(camp):
    posted, other = camp.sent("Water at gate 4"), camp.sent("Bread at gate 5")
    assert camp.hear(mail(1), agreed=False) == Taken(0, 0, 0, 1)
    assert camp.hear(letter_of(camp.letter(posted, "Water at gate 4"), ADDRESS), agreed=False).own == 1
    assert camp.hear(held(subject_of(camp, "Bread at gate 5")), agreed=False).notices == 1
    assert camp.of_list(posted)[0] == "on_list"
    assert camp.of_list(other)[1] == "held"
    assert len(camp.rows("id")) == 2
    assert camp.counted("letters.not agreed") == 1
    # And nothing is remembered of it: agreed upon later, it is taken like any other.
    assert camp.hear(mail(1)).taken == 1


def test_a_letter_whose_id_the_list_wrote_anew_is_one(camp):
    first = mail(1)
    assert camp.hear(first).taken == 1
    assert camp.hear(first.replace(b"<1@a>", b"<new@lists.example.org>")).known == 1
    assert len(camp.rows("id")) == 1


def test_a_far_camps_post_has_one_name_whatever_id_it_came_under(camp):
    far = OutgoingLetter(
        bytes(range(16)), b"far camp", "Far", "", "general", "Bo", "Hello", False, int(NOW_S)
    )
    raw = letter_of(far, ADDRESS)
    assert camp.hear(raw.replace(b"Message-ID: <", b"Message-ID: <anew-")).taken == 1
    again = letter_of(replace(far, author="Somebody"), ADDRESS)
    assert camp.hear(again).taken == 0
    assert len(camp.rows("id")) == 1


def test_an_answer_finds_our_post_under_the_id_the_list_gave_it(camp):
    posted = camp.sent("Water at gate 4")
    copy = letter_of(camp.letter(posted, "Water at gate 4"), ADDRESS)
    own = f"<{message_id_of(posted)}>".encode()
    camp.hear(copy.replace(own, b"<anew@lists.example.org>"))
    camp.hear(mail(7, "anew@lists.example.org", "We have some"))
    assert camp.rows("parent")[-1] == (posted[:8],)


def test_a_false_mark_keeps_no_post_from_the_list(camp):
    posted = camp.post("Police at the north gate, medics please")
    false = letter_of(camp.letter(posted, "Buy my watches"), ADDRESS)
    assert camp.hear(false) == Taken(0, 0, 0, 1)
    assert camp.counted("letters.false mark") == 1
    assert [row.message for row in camp.outgoing()] == [posted]


@pytest.mark.parametrize(
    "said", ["police at the\nnorth gate, medics  please", "POLICE AT THE NORTH GATE - medics"]
)
def test_a_post_that_another_gateway_brought_is_not_sent_again(camp, said):
    posted = camp.post("Police at the north gate, medics please")
    assert camp.hear(letter_of(camp.letter(posted, said), ADDRESS)).own == 1
    assert camp.outgoing() == []


def test_a_private_answer_is_nobodys(camp):
    posted = camp.sent("Water at gate 4")
    raw = mail(7, message_id_of(posted), "Only for you").replace(ADDRESS.encode(), b"camp@plaza.example")
    assert camp.hear(raw).dropped == 1
    assert len(camp.rows("id")) == 1
    assert camp.counted("letters.private") == 1


def test_a_blind_copy_is_nobodys(camp):
    to = f"To: {ADDRESS}\n".encode()
    assert camp.hear(mail(7).replace(to, b"")).dropped == 1
    # Nor is it with the mark of a camp that nobody here knows.
    far = replace(camp.letter(bytes(range(16)), "Hello"), camp=b"far camp")
    assert (
        camp.hear(letter_of(far, ADDRESS).replace(b"To: <" + ADDRESS.encode() + b">\r\n", b"")).dropped == 1
    )
    assert camp.rows("id") == []
    assert camp.counted("letters.private") == 2


def test_our_own_post_is_on_the_list_though_the_list_dropped_its_address(camp):
    posted = camp.sent("Water at gate 4")
    raw = letter_of(camp.letter(posted, "Water at gate 4"), ADDRESS)
    assert camp.hear(raw.replace(b"To: <" + ADDRESS.encode() + b">\r\n", b"")).own == 1
    assert camp.of_list(posted)[0] == "on_list"


@pytest.mark.parametrize(
    ("to", "taken"),
    [
        ('"camps@lists.example.org via North" <camp@plaza.example>', 0),
        ("camps@lists.example.org via North, all <camp@plaza.example>", 0),
        ("xcamps@lists.example.org", 0),
        ('"The list, that is all" <CAMPS@lists.example.org>', 1),
        ("=?utf-8?q?Plaza=2C_all?= <camps@lists.example.org>, bo@b.example", 1),
        ("Everybody: camps@lists.example.org, bo@b.example;", 1),
        (", ".join([*(f"n{n}@x.example" for n in range(5_000)), "camps@lists.example.org"]), 1),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_letter_is_sent_to_addresses_and_not_to_names(camp, to, taken):
    assert camp.hear(mail(7).replace(ADDRESS.encode(), to.encode())).taken == taken


LIST_ID = b"List-Id: <camps.lists.example.org>\n"


def test_past_a_list_that_signs_its_letters_nothing_comes_in(camp):
    assert camp.hear(mail(1)).taken == 1  # some lists sign nothing
    assert camp.hear(LIST_ID + mail(2)).taken == 1
    assert camp.hear(mail(3)).dropped == 1
    assert camp.counted("letters.private") == 1
    assert camp.hear(LIST_ID + mail(3)).taken == 1


def test_an_answer_that_the_list_did_not_send_twice_comes_in(camp):
    """Who answers to all writes to the camp and to the list; then Mailman sends the camp no copy."""
    posted = camp.sent("Water at gate 4")
    camp.hear(LIST_ID + mail(2))
    assert camp.hear(mail(3, message_id_of(posted))).taken == 1
    assert camp.hear(mail(4, "2@a")).taken == 1
    assert camp.hear(mail(5, "unheard@of")).taken == 0


def test_a_copy_of_ours_past_the_list_says_nothing(camp):
    posted, other = camp.sent("Water at gate 4"), camp.sent("Bread at gate 5")
    camp.hear(LIST_ID + mail(2))
    copies = [letter_of(camp.letter(each, text), ADDRESS) for each, text in ((posted, "W"), (other, "B"))]
    camp.hear(copies[0])
    camp.hear(LIST_ID.replace(b"\n", b"\r\n") + copies[1])
    assert [camp.of_list(each)[0] for each in (posted, other)] == ["sent", "on_list"]


def test_a_list_that_stopped_signing_is_heard_again_after_a_month(camp):
    camp.hear(LIST_ID + mail(2))
    camp.store.set_meta(f"list header seen: {LIST}", NOW_S - SIGNS_LAST_S - 1)
    assert camp.hear(mail(3)).taken == 1


def test_what_another_list_signs_says_nothing_of_this_one(camp):
    camp.hear(b"List-Id: <others.lists.example.org>\n" + mail(2))
    assert camp.hear(mail(3)).taken == 1


def test_what_is_asked_of_the_store(camp):
    posted = camp.sent("Water at gate 4")
    lookups = LetterLookups(camp.store.connection)
    assert lookups.is_ours(LIST, posted)
    assert not lookups.is_ours("other", posted)
    assert [row.message for row in lookups.sent_lately(LIST)] == [posted]
    assert lookups.taken_as(b"12345678") is None
