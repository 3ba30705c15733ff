"""The [[link]] tables of a settings file, changed while every other byte stays."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.link_file import CannotEdit, count_links, with_link, with_stopped, without_link

CAMP = """\
# The camp at gate 4. Ask Ada before you change this.
[camp]
name = "Plaza"   # as on the banner

"""
NORTH = """\
[[link]]
# over the roof
kind = "ip"
url = "http://north:8080"   # Ada's box

"""
SOUTH = """\
[[ link ]] # by cable
kind = 'ip'
# 10 m, grey
url = 'http://south:8080'
"""
LIST = """
# Letters.
[[list]]
name = "assembly"
"""
IP = {"kind": "ip", "url": "http://west:8080"}


def test_a_link_is_appended():
    text = CAMP + NORTH + LIST
    after = with_link(text, IP | {"airtime_share": 0.5})
    assert after == text + '\n[[link]]\nkind = "ip"\nurl = "http://west:8080"\nairtime_share = 0.5\n'
    assert count_links(after) == 2


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", '[[link]]\nkind = "ip"\nurl = "http://west:8080"\n'),
        ("[camp]", '[camp]\n\n[[link]]\nkind = "ip"\nurl = "http://west:8080"\n'),
        ("[camp]\r\n", '[camp]\r\n\r\n[[link]]\r\nkind = "ip"\r\nurl = "http://west:8080"\r\n'),
    ],
)
def test_whatever_the_file_ends_with(text, after):
    assert with_link(text, IP) == after


def test_a_link_goes_and_comments_stay():
    assert without_link(CAMP + NORTH + SOUTH + LIST, 0) == CAMP + "# over the roof\n\n" + SOUTH + LIST
    assert without_link(CAMP + NORTH + SOUTH + LIST, 1) == CAMP + NORTH + "# 10 m, grey\n" + LIST
    assert without_link("[[link]]\r\nkind='ip'\r\n# hi\r\n[camp]\r\n", 0) == "# hi\r\n[camp]\r\n"


def test_a_link_is_stopped_and_started_and_nothing_else_changes():
    text = CAMP + NORTH + SOUTH + LIST
    stopped = with_stopped(text, 1, True)
    assert stopped == CAMP + NORTH + SOUTH.replace("cable\n", "cable\nstopped = true\n") + LIST
    assert with_stopped(stopped, 1, True) == stopped
    assert with_stopped(stopped, 1, False) == text
    assert with_stopped("[[link]]\r\nkind='ip'\r\n", 0, True) == "[[link]]\r\nstopped = true\r\nkind='ip'\r\n"


@pytest.mark.parametrize(
    "text",
    [
        'link = [{kind = "ip", url = "http://north"}]\n',
        'name = """\n[[link]]\n"""\n' + NORTH,
        '[[link]]\nkind = "ip"\nurl = """http://north\n# not a comment"""\n',
        "[[link]]\nkind = 'ip'\nurl = 'http://a'\nstopped\n",
    ],
)
def test_what_is_not_understood_is_left_alone(text):
    for edit in (lambda: without_link(text, 0), lambda: with_stopped(text, 0, True)):
        try:
            after = edit()
        except CannotEdit:
            continue
        links = tomllib.loads(text)["link"]  # or it was right all the same
        assert tomllib.loads(after).get("link", []) in (links[1:], [links[0] | {"stopped": True}, *links[1:]])


def test_nothing_is_appended_to_a_file_that_gives_its_links_on_one_line():
    with pytest.raises(CannotEdit):
        with_link('link = [{kind = "ip", url = "http://north"}]\n', IP)


_PIECES = st.lists(
    st.sampled_from([CAMP.partition("[")[0], NORTH, SOUTH, LIST, "\n", "# a\r\n"]), max_size=6
).map("".join)


@given(_PIECES, st.integers(0, 5), st.text(max_size=20).filter(str.isprintable))
def test_every_edit_says_what_was_meant_or_nothing(text, index, value):
    links = tomllib.loads(text).get("link", [])
    added = with_link(text, IP | {"url": value})
    assert tomllib.loads(added)["link"] == [*links, IP | {"url": value}]
    assert without_link(added, len(links)).rstrip() == text.rstrip()
    if index < len(links):
        rest = tomllib.loads(without_link(text, index))
        assert rest.get("link", []) == links[:index] + links[index + 1 :]
        assert with_stopped(with_stopped(text, index, True), index, False) == text
    else:
        with pytest.raises(CannotEdit):
            without_link(text, index)
