"""The one table of list programs: written out as it is, with a source for each, and used."""

import re
from pathlib import Path

import pytest

from sync.letters import list_forms
from sync.letters.list_forms import ANY_PROGRAM, LIST_FORMS, NoticeKind, folded
from tests.letters.list_table import as_markdown

PAGE = Path(__file__).parent.parent.parent / "sync" / "letters" / "LISTS.md"


def test_the_page_is_the_table():
    assert PAGE.read_text() == as_markdown(), "python -m tests.letters.list_table > sync/letters/LISTS.md"


@pytest.mark.parametrize("form", LIST_FORMS, ids=lambda form: form.name)
def test_each_entry_says_where_it_comes_from(form):
    assert form.sources
    assert form.known_by or form is ANY_PROGRAM
    for pattern in (
        form.from_tail,
        form.helpers,
        form.people,
        form.footer,
        form.digest_subject,
        form.digest_ruler,
    ):
        re.compile(pattern)
    for said in form.notices:
        assert said.subject or said.text
        # They are searched in folded text.
        for pattern in (said.subject, said.text):
            words = re.sub(r"\\.", "", pattern)
            assert words == words.lower()


def test_the_programs_of_the_issue_are_there():
    names = " ".join(form.name for form in LIST_FORMS)
    for program in ("Mailman 3", "Mailman 2", "Sympa", "Google Groups", "LISTSERV", "groups.io"):
        assert program in names


def test_every_kind_of_notice_but_two_has_words():
    # A bounce and an absence are known by their headers (RFC 3464, RFC 3834).
    kinds = {said.kind for form in LIST_FORMS for said in form.notices}
    assert kinds == set(NoticeKind) - {NoticeKind.BOUNCE, NoticeKind.VACATION}


def test_the_readers_are_made_of_the_table():
    for form in LIST_FORMS:
        for name in form.sender_in:
            assert name in list_forms.SENDER_HEADERS
        for name in form.marks:
            assert name in list_forms.LIST_MARKS
        for name in form.name_in:
            assert name in list_forms.NAME_HEADERS
    assert len(list_forms.NOTICES) == sum(len(form.notices) for form in LIST_FORMS)
    assert len(list_forms.DIGEST_SUBJECTS) == sum(bool(form.digest_subject) for form in LIST_FORMS)


def test_folded():
    assert folded("  A\n\tB  c ") == "a b c"
