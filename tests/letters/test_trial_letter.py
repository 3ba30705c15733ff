"""A letter to try goes by the list's own server, and what the server has against it is said."""

from __future__ import annotations

import asyncio

import pytest

from node.list_settings import MailingList
from node.trial_letter import TrialPost
from node.walker import Trouble

RAW = b"Subject: [dry run] x\r\n\r\nwords\r\n"
ANA, SOL = "ana@correo.example", "sol@mail.example.org"


def send(home, url, **words):
    mailing_list = MailingList(name="camps", address="camps@lists.example.org", outbox=url, **words)
    asyncio.run(TrialPost(home, lambda: True).send(mailing_list, RAW, SOL, ANA))


def test_it_goes_to_one_person_and_greets_with_the_camps_own_domain(tmp_path, open_host):
    host = open_host()
    send(tmp_path, host.url)
    assert host.envelopes == [(SOL, ANA)]
    assert host.letters[0].rstrip() == RAW.rstrip()
    assert host.greetings == ["mail.example.org"]


def test_what_the_server_says_comes_back_without_the_address(tmp_path, open_host):
    host = open_host()
    host.to_rcpt.append("550 5.1.1 no such user ana@correo.example")
    with pytest.raises(Trouble) as refused:
        send(tmp_path, host.url)
    assert "550 5.1.1 no such user" in str(refused.value)
    assert "ana@" not in str(refused.value)


def test_a_server_that_is_not_there_and_a_password_that_is_not_there_are_told(tmp_path, open_host):
    host = open_host()
    url = host.url
    with pytest.raises(Trouble, match="secrets/mail is not there"):
        send(tmp_path, url.replace("smtp://", "smtp://sol@"), password_file="secrets/mail")
    host.stop()
    with pytest.raises(Trouble, match=r"nobody takes mail at 127\.0\.0\.1"):
        send(tmp_path, url)
