"""What keeps letters: sentences made in English, and found again in the reader's language."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web_ui import mail_words
from web_ui.languages import Languages
from web_ui.mail_words import BETWEEN, SENTENCES, in_english, in_language

ES = Languages.load(("es",), "es").default
EN = Languages.load(("en",), "en").default
HOLE = re.compile(r"%\((\w+)\)s")


def values_of(template, value="mail.example.org:587"):
    return dict.fromkeys(HOLE.findall(template), value)


@pytest.mark.parametrize("template", SENTENCES)
def test_every_sentence_is_found_again_in_each_language(template):
    values = values_of(template)
    made = in_english(template, **values)
    assert in_language(EN, made) == made
    assert in_language(ES, made) == ES.say(template, **values)
    assert in_language(ES, made) != made


def test_every_sentence_of_the_module_is_in_the_table():
    found = {
        value
        for name, value in vars(mail_words).items()
        if name.isupper() and isinstance(value, str) and not name.startswith("_") and name != "BETWEEN"
    }
    assert found == set(SENTENCES)


def test_a_sentence_in_another_is_said_too():
    why = in_english(mail_words.SPAM, server="h:25", said="550 5.7.1 no")
    once = in_english(mail_words.REFUSED_ONE, why=why)
    again = in_english(mail_words.AGAIN_IN, why=in_english(mail_words.NO_ANSWER, server="h:25"), n=40)
    assert in_language(ES, again + BETWEEN + once) == (
        "h:25 no responde; se intenta otra vez en 40 s · 1 carta fue rechazada: h:25 la toma por basura, "
        "o desconfía de esta red (550 5.7.1 no): pregunta a quien lleva la lista"
    )


@given(st.text("0123456789 .:-·äß\n", max_size=200))
def test_what_was_not_made_here_stays_as_it_is(text):
    assert in_language(ES, text) == text


@given(st.sampled_from(SENTENCES), st.text(st.characters(codec="utf-8", exclude_characters="·"), min_size=1))
def test_any_value_comes_through(template, value):
    made = in_english(template, **values_of(template, value))
    assert value in in_language(ES, made) or not HOLE.search(template) or BETWEEN in made
