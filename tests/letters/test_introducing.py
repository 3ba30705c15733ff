"""The first letter of a camp to a list."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest

from node.letter_writing import says
from sync.letters.introducing import Introduction, introduction_id, introduction_of
from sync.letters.marks import Mark
from sync.letters.mime import unflow
from tests.letters.reading import only

LIST = "camps@lists.example.org"
CAMP = bytes.fromhex("9f3a000000000001")
INTRODUCTION = Introduction(CAMP, "Sol", "Plaza", "Ana at the blue tent", 1_795_086_000, answers=True)


def written(introduction: Introduction = INTRODUCTION, language: str = "en") -> tuple[str, str]:
    """Its subject and its words as a mail program shows them."""
    mail = message_from_bytes(introduction_of(introduction, LIST, None, says(language)), policy=default)
    return mail["Subject"], unflow(mail.get_content().replace("\r\n", "\n"), delete_space=False)


def test_it_says_what_people_on_the_list_need_to_know():
    subject, words = written()
    assert subject == "[Sol] What these letters are"
    for needed in (
        "This is Sol.",
        "To answer the camps, answer on the list.",
        "To write to one person alone",
        "write [no relay] into its subject",
        "X-No-Archive: yes",
        "Responsible for this box: Ana at the blue tent",
        "everybody can hear it, and so can the police",
    ):
        assert needed in words


def test_it_speaks_the_camps_language_and_english():
    subject, words = written(language="es")
    assert subject == "[Sol] Qué son estas cartas / What these letters are"
    assert words.index("Esto es Sol.") < words.index("This is Sol.")
    assert "[no relay]" in words.split("This is Sol.")[0]


def test_who_only_reads_the_list_is_not_told_that_answers_come():
    _, words = written(replace(INTRODUCTION, answers=False, contact=""))
    assert "This camp only writes to the list" in words
    assert "answer on the list" not in words
    assert "no relay" not in words
    assert "the coordinators of Sol" in words


def test_it_is_one_letter_for_each_camp_and_list_and_is_known_again():
    assert introduction_id(CAMP, LIST) == introduction_id(CAMP, LIST.upper())
    assert introduction_id(CAMP, LIST) != introduction_id(CAMP, "other@lists.example.org")
    letter = only(introduction_of(INTRODUCTION, LIST, None, says("es")))
    assert letter.mark == Mark(introduction_id(CAMP, LIST), CAMP)


def test_a_moderator_may_name_it_and_nobody_makes_a_header_of_it():
    hostile = replace(
        INTRODUCTION,
        camp_name="Sol\r\nBcc: a@b.example",
        contact="x\r\n\r\ny",
        subject="Hello\r\nBcc: c@d.example",
    )
    raw = introduction_of(hostile, LIST, "sol@mail.example.org", says("en"))
    mail = message_from_bytes(raw, policy=default)
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[Sol Bcc: a@b.example] Hello Bcc: c@d.example"
    assert "Responsible for this box: x y" in unflow(mail.get_content(), delete_space=False).replace("\r", "")


def test_as_a_trial_it_has_no_marks():
    raw = introduction_of(INTRODUCTION, "ana@correo.example", None, says("en"), trial=True)
    mail = message_from_bytes(raw, policy=default)
    assert mail["X-Miccheck-Id"] is None
    assert mail["Subject"].startswith("[dry run] [Sol]")
    assert introduction_id(CAMP, LIST).hex() not in raw.decode()
    with pytest.raises(ValueError, match="name@host"):
        introduction_of(INTRODUCTION, "Ana", None, says("en"), trial=True)
