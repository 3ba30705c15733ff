"""The guide quotes the pages: every quoted word stands on one, and every command it shows works."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from tests.web.catalogue import sentences
from tests.web.desk import Camp, TestDesk
from tests.web.phone import HTTP

GUIDE = (Path(__file__).parent.parent.parent / "web_ui" / "GUIDE.md").read_text()


def test_every_quoted_word_stands_on_a_page():
    said = {message.id for message in sentences()}
    quoted = {" ".join(words.split()) for words in re.findall(r"\*\*(.+?)\*\*", GUIDE, re.S)} - {"bold"}
    assert len(quoted) > 20
    assert quoted - said == set()


@pytest.mark.parametrize(
    "command", re.findall(r"```sh\n(.*?)```", GUIDE, re.S)[0].replace("\\\n", " ").strip().splitlines()
)
def test_every_command_works(tmp_path, command):
    program, url, *options = shlex.split(command)
    assert program == "curl"
    assert url.startswith(HTTP)
    headers = dict(option.split(": ", 1) for flag, option in pairwise(options) if flag == "-H")
    with Camp(TestDesk(tmp_path)).phone() as phone:
        if "-d" in options:
            answer = phone.post(url, content=options[options.index("-d") + 1], headers=headers)
            assert answer.status_code == 201
            assert answer.json()["text"] == "water at gate 4"
        else:
            assert phone.get(url).json() == {"messages": [], "next": None}


def test_the_body_it_shows_is_json():
    assert json.loads(re.findall(r"-d '(.*?)'", GUIDE)[0])["channel"] == "general"
