"""Sentences: what happened to a message, how long ago, what would lead to a person, in which language."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.actions import Refusal
from sync.message import HERE, Kind, Role
from sync.store.people import Act
from sync.views import CampName, HeldWhy, ListState, MessageView, State, Via
from tests.web.catalogue import catalogue_of, sentences
from tests.web.pseudo import accented, mirrored
from web_ui import words
from web_ui.excerpts import EXCERPT_BYTES, PAGE_TEXT_BYTES, beginning, excerpt, fit
from web_ui.forms import TOKEN_AGE_MAX_S, USED_MAX, FormStale, FormTokens
from web_ui.languages import Languages, available
from web_ui.private_things import private_things

ENGLISH = Languages.load(("en",), "en").default
POST = MessageView(
    id=b"i" * 16, seq=1, camp=CampName("0" * 16, "Sol"), own=True, channel="general", author="", text="hello",
    role=Role.CAMPER, kind=Kind.POST, created=0, received=0.0, via=Via.HERE, parent=None, urgent=False,
    state=State.WAITING, heard_by=(), echoes=0, list=None, replies=0, hidden=False, hidden_why="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ("waiting for the radio",)),
        ({"state": State.SENT}, ("sent by radio",)),
        ({"state": State.NEIGHBOUR}, ("a neighbour has it",)),
        ({"state": State.SENT, "channel": HERE}, ("stays in this camp",)),
        ({"state": State.WAITING, "channel": HERE}, ("stays in this camp",)),
        ({"state": State.HELD}, ("waits for a moderator",)),
        ({"state": State.HELD, "urgent": True}, ("waits for a person of this camp to repeat it",)),
        ({"state": State.REFUSED}, ("was not let through",)),
        ({"state": State.RETRACTED}, ("taken back",)),
        ({"state": State.EXPIRED}, ("no other camp heard it in time",)),
        ({"state": State.NEIGHBOUR, "urgent": True, "echoes": 1}, ("heard by 1 camp",)),
        ({"state": State.NEIGHBOUR, "urgent": True, "echoes": 3}, ("heard by 3 camps",)),
        ({"state": State.NEIGHBOUR, "own": False, "via": Via.RADIO}, ("came by radio",)),
        ({"state": State.NEIGHBOUR, "own": False, "via": Via.CARRIED}, ("was carried here",)),
        ({"state": State.SENT, "list": ListState.WAITING}, ("sent by radio", "waits for the mailing list")),
        ({"state": State.SENT, "list": ListState.ON_LIST}, ("sent by radio", "is on the mailing list")),
    ],
)
def test_what_happened_to_my_message(change, said):
    assert words.state(ENGLISH, replace(POST, **change)) == said


@pytest.mark.parametrize(
    ("change", "loud"),
    [
        ({}, True),
        ({"urgent": False}, False),
        ({"hidden": True}, False),
        ({"received": -90_000.0}, False),
        ({"created": -90_000, "received": 99.0}, False),  # carried here on a stick, or replayed
        ({"created": 90_000, "received": -90_000.0}, False),  # its camp claims a time that has not come
        *(({"state": state}, False) for state in (State.HELD, State.REFUSED, State.RETRACTED, State.EXPIRED)),
        *(({"state": state}, True) for state in (State.SENT, State.NEIGHBOUR)),
    ],
)
def test_which_messages_are_alerts(change, loud):
    assert words.is_loud(replace(POST, **({"urgent": True} | change)), 100) is loud


def test_every_word_of_the_machine_has_a_sentence():
    assert set(words.REFUSED) == set(Refusal)
    assert set(words.HELD_BECAUSE) == set(HeldWhy)
    assert set(words.CAME_BY) == set(Via)
    assert set(words.ON_ITS_WAY_TO_THE_LIST) == set(ListState)
    assert set(words.ROLES) == set(Role)
    assert set(words.ACTS) == {act.value for act in Act}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-50, "just now"),
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (3_599, "59 minutes ago"),
        (3_600, "1 hour ago"),
        (86_400, "24 hours ago"),
        (3 * 86_400, "3 days ago"),
    ],
)
def test_how_long_ago(seconds, said):
    assert words.ago(ENGLISH, 1_000_000, 1_000_000 - seconds) == said


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_stamp_can_be_written(unix_s):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", words.rfc3339(unix_s))


@pytest.mark.parametrize(
    ("said", "english", "spanish"),
    [
        ("moderator", "moderator", "moderación"),
        ("liaison of kitchen", "liaison of kitchen", "enlace de kitchen"),
        ("liaison of of of", "liaison of of of", "enlace de of of"),
        ("somebody new", "somebody new", "somebody new"),
    ],
)
def test_who_did_it(said, english, spanish):
    assert words.actor(ENGLISH, said) == english
    assert words.actor(Languages.load(("es",), "es").default, said) == spanish


@pytest.mark.parametrize("code", [code for code in available() if code != "en"])
def test_every_sentence_is_in_every_catalogue(code):
    catalogue, wanted = catalogue_of(code), sentences()
    assert {message.id for message in wanted} == {message.id for message in catalogue}, (
        "run `python -m tests.web.catalogue`"
    )
    for message in catalogue:
        said = message.string if isinstance(message.string, (list, tuple)) else [message.string]
        assert all(said) or not message.id, message.id
        assert not message.fuzzy
        assert list(message.check(catalogue)) == [], message.id


def test_a_language_without_a_catalogue_is_refused():
    with pytest.raises(ValueError, match=r"tlh.*en, es"):
        Languages.load(("en", "tlh"), "en")


@pytest.mark.parametrize(
    ("cookie", "accept", "code"),
    [
        (None, "", "en"),
        (None, "es-ES,es;q=0.9", "es"),
        (None, "fr, es;q=0.5, en;q=0.7", "en"),
        (None, "fr", "en"),
        (None, "es;q=0", "en"),
        (None, "es;q=x, ;;;,,=", "en"),
        (None, "ES", "es"),
        ("es", "en", "es"),
        ("xx", "es", "es"),
        (None, "x," * 5_000 + "es", "en"),
    ],
)
def test_which_language(cookie, accept, code):
    assert Languages.load(("en", "es"), "en").choose(cookie, accept).code == code


def test_pseudo_sentences_keep_their_placeholders():
    assert accented("%(n)s camps, 5 %") == "[%(n)s çàmpš, 5 %·····]"
    assert "%(n)s" in mirrored("%(n)s")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("call +34 600 123 456 now", ("+34 600 123 456",)),
        ("600123456", ("600123456",)),
        ("(0212) 555 12 34", ("(0212) 555 12 34",)),
        ("write to lola.m@example.org.", ("lola.m@example.org",)),
        ("meet at 19:30 on 22.11.2026", ()),
        ("2026-11-22 19:30", ()),
        ("gate 4, 200 people, 15:00-16:00", ()),
        ("we need 1000 litres", ()),
        ("room 12-14", ()),
        ("@lola see you", ()),
        ("AB1234567", ()),
    ],
)
def test_what_would_lead_to_a_person(text, found):
    assert private_things(text) == found


@given(st.text(max_size=300))
def test_any_text_is_looked_through(text):
    assert all(thing in text for thing in private_things(text))


@given(st.text(max_size=400), st.integers(1, 500))
def test_a_beginning_begins_the_text_and_fits(text, bytes_max):
    begun = beginning(text, bytes_max)
    assert text.startswith(begun)
    assert len(begun.encode()) <= bytes_max or begun == text


@given(st.lists(st.text(alphabet="aé漢 ", max_size=2_000), max_size=40), st.integers(0, PAGE_TEXT_BYTES))
def test_a_page_holds_one_message_at_least_and_not_too_much(texts, used):
    views = [replace(POST, text=text) for text in texts]
    shown = fit(views, used)
    assert [entry.view for entry in shown] == views[: len(shown)]
    assert len(shown) >= min(1, len(views))
    assert len(shown) == 1 or sum(len(entry.text.encode()) for entry in shown) <= PAGE_TEXT_BYTES - used
    assert all(len(excerpt(view).text.encode()) <= EXCERPT_BYTES for view in views)


def test_form_tokens_are_read_once_signed_and_for_a_day():
    forms = FormTokens(b"k" * 32)
    token = forms.issue(1_000, 7)
    assert forms.read(token, 1_000 + TOKEN_AGE_MAX_S, 7) == forms.read(token, 1_000, 7)
    for now, session, text in (
        (1_001 + TOKEN_AGE_MAX_S, 7, token),
        (900, 7, token),
        (1_000, 8, token),
        (1_000, None, token),
        (1_000, 7, token[:-1]),
        (1_000, 7, "x" + token),
        (1_000, 7, ""),
    ):
        with pytest.raises(FormStale):
            forms.read(text, now, session)
    with pytest.raises(FormStale):
        FormTokens(b"j" * 32).read(token, 1_000, 7)


def test_an_order_is_carried_out_once_and_memory_stays_small():
    forms = FormTokens(b"k" * 32)
    first = forms.issue(0, None)
    forms.use(first, 0, None)
    with pytest.raises(FormStale):
        forms.use(first, 0, None)
    for _ in range(2 * USED_MAX):
        forms.use(forms.issue(0, None), 0, None)
    assert len(forms._used) == USED_MAX


@given(st.text(max_size=250))
def test_any_token_is_read_or_stale(text):
    with pytest.raises(FormStale):
        FormTokens(b"k" * 32).read(text, 0, None)
