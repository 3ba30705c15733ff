"""A letter is ours when it says what we said: what lists do to texts, and what forgers write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.letters import IncomingLetter, OutgoingLetter, letter_of, read_letters
from sync.letters.alike import says

HEAD = "North (Plaza), 2026-11-23 02:13 UTC\n\n"
GREEK = "Συνέλευση στις οκτώ στην πλατεία"
ARABIC = "اجتماع في الساحة عند الثامنة"
# The message, the text of a letter with its mark, and whether it is believed.
TABLE = [
    ("Assembly at eight on the square", "Assembly at eight\non the square", True),
    ("Assembly at eight on the square", "Assembly at nine in the park", False),
    ("¿Dónde está la asamblea? En la plaza", "?D?nde est? la asamblea? En la plaza", True),  # us-ascii
    (GREEK, f"{HEAD}{GREEK}", True),
    (GREEK, GREEK.upper(), True),
    (GREEK, f"{HEAD}{ARABIC}", False),
    (GREEK, HEAD, False),
    (GREEK, HEAD + "?" * 30, False),  # perhaps ours: a second copy merges
    (ARABIC, f"{HEAD}{ARABIC}", True),
    (ARABIC, f"{HEAD}{GREEK}", False),
    ("Water at gate 4", f"{HEAD}Water at gate 4", True),
    ("Water at gate 4", f"{HEAD}MIC CHECK!\n\n  water at gate 4.  ", True),
    ("Water at gate 4", f"{HEAD}No water at gate 4", False),
    ("Water at gate 4", f"{HEAD}Police at gate 4", False),
    ("ok", f"{HEAD}ok", True),
    ("ok", f"{HEAD}We took the books.", False),
    ("水", f"{HEAD}水", True),
    ("水", f"{HEAD}水曜日", False),
    ("one\ntwo", f"{HEAD}one\ntwo", True),
    ("one\ntwo", f"{HEAD}one", False),
    ("🔥🔥", f"{HEAD}🔥🔥", True),
    ("🔥🔥", f"{HEAD}🔥", False),
    ("!", HEAD, False),
    ("Call +34 612 345 678", f"{HEAD}Call [☎…]", True),  # a gateway left it out
    ("Call +34 612 345 678", f"{HEAD}Call +34 612 345 678", True),  # or a moderator let it pass
    ("Call +34 612 345 678", f"{HEAD}Call +34 699 999 999", False),
]


@pytest.mark.parametrize(("words", "said", "believed"), TABLE)
def test_a_letter_is_believed_when_it_says_what_the_message_says(words, said, believed):
    assert says(said, words) is believed


@given(st.text(st.characters(exclude_categories=["C", "Z", "M"]), min_size=1, max_size=60))
def test_our_own_letters_are_believed_unless_trimming_takes_the_text_away(words):
    letter = OutgoingLetter(b"m" * 16, b"c" * 8, "North", "", "general", "Ana", words, False, 1_795_400_000)
    [read] = read_letters(letter_of(letter, "camps@lists.example.org"), ("camps", "camps@lists.example.org"))
    assert isinstance(read, IncomingLetter)
    if words in read.text:
        assert says(read.text, words)


@given(st.text())
def test_who_knows_the_mark_alone_is_not_believed(words):
    assert not says(HEAD, words + "\nunheard of")
