"""Digests in every form we know of: each letter on its own, ours recognised, and nobody's letter torn."""

from pathlib import Path

import pytest

from sync.letters import DigestBack, IncomingLetter, NotForUs, OutgoingLetter, Why, read_letters
from sync.letters.digest_out import digest_id, digest_of, digest_token

MAIL = Path(__file__).parent.parent / "data" / "mail"
ADDRESS = "camps@lists.example.org"
NAMES = ("camps", ADDRESS)


def letters(raw: bytes, names: tuple[str, ...] = NAMES) -> list[IncomingLetter]:
    pieces = list(read_letters(raw, names))
    found = [piece for piece in pieces if isinstance(piece, IncomingLetter)]
    assert found == pieces
    return found


def marks_in(raw: bytes) -> list[bytes]:
    """The messages of the letters in a digest of ours; the digest itself comes first."""
    pieces = list(read_letters(raw, NAMES))
    assert isinstance(pieces[0], DigestBack)
    return [each.mark.message for each in pieces[1:] if isinstance(each, IncomingLetter) and each.mark]


def told(raw: bytes) -> list[tuple[str, str, str]]:
    return [(letter.name, letter.subject, letter.text) for letter in letters(raw)]


def digest(subject: str, text: str, sender: str = "camps-request@lists.example.org") -> bytes:
    return f"From: {sender}\nTo: {ADDRESS}\nSubject: {subject}\nMessage-ID: <d@x>\n\n{text}".encode()


RULER_70, RULER_30 = "-" * 70, "-" * 30

SYMPA = f"""camps digest Mon Nov 23 2026

Table of contents:

* 1 - Tarps - Ana <ana@a.example>
* 2 - Bread - Bo <bo@b.example>

{RULER_70}

Message-ID: <1@a.example>
Date: Mon, 23 Nov 2026 08:00:00 +0100
From: Ana <ana@a.example>
Subject: Tarps

Nine tarps too many.

{RULER_30}
Message-ID: <2@b.example>
Date: Mon, 23 Nov 2026 09:00:00 +0100
From: Bo <bo@b.example>
Subject: Bread

{RULER_30}
Mine is a ruler, too.

{RULER_30}

*********************************************

End of camps Digest Mon Nov 23 2026
"""

GOOGLE = f"""=============================================================================
Today's topic summary
=============================================================================

Group: {ADDRESS}
Url: https://groups.example/g/camps/topics

  - Tarps [2 Updates]
    https://groups.example/g/camps/t/1
  - Bread [1 Update]
    https://groups.example/g/camps/t/2


=============================================================================
Topic: Tarps
Url: https://groups.example/g/camps/t/1
=============================================================================

---------- 1 of 2 ----------
From: Ana <ana@a.example>
Date: Nov 23 12:32PM -0400
Url: https://groups.example/g/camps/msg/1

Nine tarps too many.

---------- 2 of 2 ----------
From: Bo <bo@b.example>
Date: Nov 23 01:32PM -0400
Url: https://groups.example/g/camps/msg/2

On our way.

=============================================================================
Topic: Bread
Url: https://groups.example/g/camps/t/2
=============================================================================

---------- 1 of 1 ----------
From: Caz <caz@c.example>
Date: Nov 23 02:32PM -0400
Url: https://groups.example/g/camps/msg/3

Forty loaves.

--
You received this message because you are subscribed to the Google Groups "camps" group.
"""

YAHOO = f"""There are 2 messages in this issue.

Topics in this digest:

      1. Tarps
           From: Ana <ana@a.example>
      2. Bread
           From: Bo <bo@b.example>

{"_" * 72}
{"_" * 72}

Message: 1
   Date: Tue, 15 Nov 2011 08:00:00 -0000
   From: Ana <ana@a.example>
Subject: Tarps

Nine tarps too many.

{"_" * 72}
{"_" * 72}

Message: 2
   Date: Tue, 15 Nov 2011 09:00:00 -0000
   From: Bo <bo@b.example>
Subject: Bread

Forty loaves.

{"_" * 72}
"""

LISTSERV = f"""There are 2 messages totaling 20 lines in this issue.

Topics of the day:

  1. Tarps
  2. Bread

{RULER_70}

Date:    Mon, 23 Nov 2026 08:00:00 +0100
From:    Ana <ana@a.example>
Subject: Tarps

Nine tarps too many.

{RULER_30}

Date:    Mon, 23 Nov 2026 09:00:00 +0100
From:    Bo <bo@b.example>
Subject: Re: Bread

Forty loaves.

{RULER_30}

End of CAMPS Digest - 22 Nov 2026 to 23 Nov 2026 (#2026-12)
***********************************************************
"""

UNKNOWN = """Messages of today

~~~~~~~~~~~~~~~~~~~~
From: Ana <ana@a.example>
Date: Mon, 23 Nov 2026 08:00:00 +0100
Subject: Tarps

Nine tarps too many.

~~~~~~~~~~~~~~~~~~~~
From: Bo <bo@b.example>
Date: Mon, 23 Nov 2026 09:00:00 +0100
Subject: Bread

Forty loaves.
"""

TARPS, BREAD = ("Ana", "Tarps", "Nine tarps too many."), ("Bo", "Bread", "Forty loaves.")


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        pytest.param(
            digest("camps Digest Mon Nov 23 2026", SYMPA, ADDRESS),
            [TARPS, ("Bo", "Bread", f"{RULER_30}\nMine is a ruler, too.")],
            id="Sympa",
        ),
        pytest.param(
            digest(f"Digest for {ADDRESS} - 3 updates in 2 topics", GOOGLE, ADDRESS),
            [TARPS, ("Bo", "Tarps", "On our way."), ("Caz", "Bread", "Forty loaves.")],
            id="Google Groups",
        ),
        pytest.param(digest("[camps] Digest Number 12", YAHOO, ADDRESS), [TARPS, BREAD], id="Yahoo Groups"),
        pytest.param(
            digest("CAMPS Digest - 22 Nov 2026 to 23 Nov 2026 (#2026-12)", LISTSERV, "LISTSERV@x.example"),
            [TARPS, ("Bo", "Re: Bread", "Forty loaves.")],
            id="LISTSERV",
        ),
        pytest.param(
            digest("camps Digest #12", UNKNOWN, "noreply@groups.io"), [TARPS, BREAD], id="unknown ruler"
        ),
        pytest.param(
            digest("Camps Resumen, Vol 1, Número 1", LISTSERV), [TARPS, ("Bo", "Re: Bread", "Forty loaves.")],
            id="Mailman 3, in Spanish",
        ),
    ],
)  # fmt: skip
def test_a_digest_is_its_letters(raw, found):
    assert told(raw) == found


@pytest.mark.parametrize("name", ["digest_mime", "digest_plain"])
def test_what_mailman_3_really_sent(name):
    raw = (MAIL / "mailman3" / f"{name}.eml").read_bytes()
    one, ours, two = letters(raw, ("dig", "dig@lists.test"))
    assert [(each.name, each.subject, each.text) for each in (one, two)] == [
        ("Alice Person", "Digest one [no relay]", "First of Alice"),
        ("Alice Person", "Digest two", "Second — of Alice ñ"),
    ]
    assert [one.no_relay, two.no_relay] == [True, False]
    assert [one.message_id, two.message_id] == ["d1@people.test", "d2@people.test"]
    assert ours.mark is not None
    assert ours.mark.message == bytes([9]) * 16


@pytest.mark.parametrize(
    ("name", "author", "text"),
    [("munged", "Alice Person", "Words of Alice"), ("wrapped", "Alice Person", "Words of Alice"),
     ("anonymous", "", "Words of Alice")],
)  # fmt: skip
def test_letters_that_mailman_3_really_sent(name, author, text):
    raw = (MAIL / "mailman3" / f"{name}.eml").read_bytes()
    (letter,) = letters(raw, (f"{name}@lists.test", "plain@lists.test", "anon@lists.test"))
    assert (letter.name, letter.text, letter.attached) == (author, text, "")
    assert letter.continues.startswith("http://lists.test/archives/")


@pytest.mark.parametrize(("name", "message"), [("own_wrapped", b"~" * 16), ("own_anonymous", b"e" * 16)])
def test_our_own_letters_are_known_however_they_are_wrapped(name, message):
    raw = (MAIL / "mailman3" / f"{name}.eml").read_bytes()
    (letter,) = letters(raw, ("wrapped@lists.test", "anon@lists.test"))
    assert letter.mark is not None
    assert letter.mark.message == message


def test_an_answer_to_a_digest_that_quotes_it_is_one_letter():
    raw = digest("Re: Camps Digest, Vol 4, Issue 17", f"I bring bread.\n\n{LISTSERV}", "Ana <ana@a.example>")
    (letter,) = letters(raw)
    assert letter.text.startswith("I bring bread.")


def test_letters_that_a_person_passes_on_are_attachments():
    raw = (
        f"From: Ana <ana@a.example>\nTo: {ADDRESS}\nSubject: What they wrote to me\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="a"\n\n--a\nContent-Type: text/plain\n\nLook.\n'
        '--a\nContent-Type: multipart/digest; boundary="b"\n\n--b\n\nFrom: Priv <p@p.example>\n'
        "Subject: secret\n\nno\n--b--\n--a--\n"
    )
    (letter,) = letters(raw.encode())
    assert letter.text == "Look."


def test_a_digest_nobody_can_take_apart_is_left_out():
    raw = digest("camps Digest #12", "Today's topics:\n\n1. Tarps (3)\n2. Bread\n", "noreply@groups.io")
    assert list(read_letters(raw, NAMES)) == [NotForUs(Why.DIGEST)]


# Ours --------------------------------------------------------------------------------------------


def ours(count: int) -> tuple[list[OutgoingLetter], bytes]:
    made = [
        OutgoingLetter(
            bytes([n]) * 16, b"campcamp", "North", "", "general", "Ana", f"Post {n}", False, 1_795_400_000
        )
        for n in range(1, count + 1)
    ]
    return made, digest_of(made, ADDRESS)


def test_our_own_digest_is_known_with_all_in_it():
    made, raw = ours(3)
    assert next(read_letters(raw, NAMES)) == DigestBack(digest_id([each.message for each in made]))
    assert marks_in(raw) == [each.message for each in made]


def test_our_own_digest_inside_a_digest_of_the_list():
    _, raw = ours(2)
    outer = (
        b"From: camps-request@lists.example.org\nSubject: Camps Digest, Vol 4, Issue 17\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/digest; boundary="OUT"\n\n--OUT\nContent-Type: message/rfc822\n\n'
        + raw.replace(b"\r\n", b"\n") + b"\n--OUT--\n"
    )  # fmt: skip
    assert marks_in(outer) == [bytes([1]) * 16, bytes([2]) * 16]


def test_our_own_digest_is_known_when_the_list_threw_its_parts_away():
    made, raw = ours(2)
    head = b"From: a@b.example\nMessage-ID: <new@x>\nList-Id: <camps.lists.example.org>\nSubject: x\n\n"
    contents = raw.replace(b"\r\n", b"\n").partition(b"\n[miccheck digest ")
    raw = head + b"North\n[miccheck digest " + contents[2].partition(b"\n--")[0]
    assert list(read_letters(raw, NAMES)) == [DigestBack(digest_id([each.message for each in made]))]


@pytest.mark.parametrize(
    "prefix", ["Re: ", "[camps] Re: ", "Fwd: ", "Fw: ", "[camps] SV: ", "Antw: ", "RE[2]: "]
)
def test_who_answers_our_digest_has_written_a_letter(prefix):
    made, _ = ours(2)
    token = digest_token(digest_id([each.message for each in made]))
    raw = f"From: Ana <ana@a.example>\nTo: {ADDRESS}\nMessage-ID: <9@a.example>\nSubject: {prefix}x\n\n"
    (letter,) = letters(f"{raw}We come.\n\nNorth: 2 messages\n{token}\n".encode())
    assert letter.text.startswith("We come.")


def test_who_names_our_digest_has_written_a_letter():
    made, _ = ours(2)
    token = digest_token(digest_id([each.message for each in made]))
    raw = (
        f"From: Ana <ana@a.example>\nTo: {ADDRESS}\nMessage-ID: <9@a.example>\nSubject: x\n\nI mean {token}\n"
    )
    (letter,) = letters(raw.encode())
    assert letter.text.startswith("I mean")


def test_a_letter_wrapped_without_a_footer():
    inner = "From: Ana <ana@a.example>\nSubject: [camps] x\nMessage-ID: <1@a.example>\n\nwords\n"
    head = f"From: Ana via Camps <{ADDRESS}>\nSubject: [camps] x\nMessage-ID: <2@x>\n"
    (letter,) = letters(f"{head}Content-Type: message/rfc822\n\n{inner}".encode())
    assert (letter.name, letter.text, letter.message_id) == ("Ana", "words", "1@a.example")


def test_a_letter_passed_on_with_words_is_the_words():
    inner = "From: Priv <p@p.example>\nSubject: x\nMessage-ID: <1@p.example>\n\nprivate\n"
    raw = (
        f"From: Ana <ana@a.example>\nTo: {ADDRESS}\nSubject: x\n"
        'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nLook at this.\n'
        f"--b\nContent-Type: message/rfc822\n\n{inner}\n--b--\n"
    )
    (letter,) = letters(raw.encode())
    assert (letter.name, letter.text, letter.attached) == ("Ana", "Look at this.", "[+ message/rfc822]")
