"""The demo's list: what it does to letters, and that camps read through it."""

import smtplib
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from node.demo_letter import ListFacts, distributed
from node.demo_list import CAMPS, LETTER_BYTES_MAX, DemoList
from sync.letters import IncomingLetter, OutgoingLetter, letter_of, read_letters, read_mbox
from sync.letters.writing import encode_header

MAIL = Path(__file__).parent.parent / "data" / "mail"
NOW_S = 1_795_400_000.0
NAMES = (CAMPS.name, CAMPS.address)
PLAIN = ListFacts("Camps", "camps@lists.example.org", munges_from=False)

OURS = OutgoingLetter(
    message=bytes(range(16)),
    camp=bytes(8),
    camp_name="Plaza",
    place="",
    channel="general",
    author="Inés",
    text="¿Quién trae pan?\nFrom the kitchen.",
    urgent=False,
    created_s=int(NOW_S),
)
ROSA = (
    b"From: Rosa <rosa@example.org>\r\nTo: camps@lists.example.org\r\nSubject: Soup\r\n"
    b"Message-ID: <1@example.org>\r\n\r\nSoup at six.\r\n"
)


def through(raw: bytes, facts: ListFacts = CAMPS) -> bytes:
    letter = distributed(raw, facts, "rosa@example.org", NOW_S, "abc")
    assert letter is not None
    return letter


def read(raw: bytes) -> IncomingLetter:
    (letter,) = read_letters(raw, NAMES)
    assert isinstance(letter, IncomingLetter)
    return letter


def test_a_long_subject_begins_on_its_own_line():
    subject = "Café y pan en la cocina hasta las diez, traed vuestras tazas y los vasos"
    letter = through(ROSA.replace(b"Subject: Soup", b"Subject: " + encode_header(subject).encode()))
    assert b"Subject: \n" not in letter  # mail programs show that as a space
    assert message_from_bytes(letter, policy=default)["Subject"] == f"[Camps] {subject}"


def test_it_changes_what_lists_change_and_keeps_what_they_keep():
    letter = message_from_bytes(through(ROSA), policy=default)
    assert letter["From"] == "Rosa via Camps <camps@lists.example.org>"
    assert letter["Reply-To"] == "Rosa <rosa@example.org>"
    assert letter["Subject"] == "[Camps] Soup"
    assert letter["Message-ID"] == "<1@example.org>"
    assert letter["List-Id"] == "Camps <camps.lists.example.org>"
    assert letter["X-MailFrom"] == "rosa@example.org"
    assert letter.get_content() == (
        f"Soup at six.\n{'_' * 47}\nCamps mailing list -- camps@lists.example.org\n"
    )
    assert message_from_bytes(through(ROSA, PLAIN), policy=default)["From"] == "Rosa <rosa@example.org>"


@pytest.mark.parametrize("facts", [CAMPS, PLAIN])
def test_camps_read_through_it(facts):
    letter = read(through(ROSA, facts))
    assert (letter.name, letter.subject, letter.text) == ("Rosa", "Soup", "Soup at six.")
    ours = read(through(letter_of(OURS, CAMPS.address), facts))
    assert ours.mark is not None
    assert ours.mark.message == OURS.message
    # A provider that writes a new Message-ID and drops foreign headers leaves the token in the text.
    lines = through(letter_of(OURS, CAMPS.address), facts).split(b"\n")
    bare = b"\n".join(line for line in lines if not line.startswith((b"Message-ID:", b"X-Miccheck-Id:")))
    assert read(bare).mark == ours.mark


def test_a_letter_without_anything_gets_what_it_needs():
    letter = message_from_bytes(through(b"From: rosa@example.org\n\nhello\n"), policy=default)
    assert letter["Message-ID"] == "<abc@lists.example.org>"
    assert letter["Date"].datetime.timestamp() == NOW_S
    assert letter["Subject"] == "[Camps] (no subject)"
    assert letter["From"] == "rosa via Camps <camps@lists.example.org>"
    assert distributed(b"", CAMPS, "", NOW_S, "abc") is None


def test_real_mail_of_lists_passes_it_again():
    for sample in sorted(MAIL.glob("*.mbox")):
        with sample.open("rb") as file:
            for letter in read_mbox(file, 0):
                raws = (letter.raw, through(letter.raw))
                before, after = (list(read_letters(raw, NAMES, archive=True)) for raw in raws)
                assert [type(piece) for piece in before] == [type(piece) for piece in after], sample


@example(b"; name=\xff\n\nhello", b"Content-Type: text/plain")
@example(b"us-ascii; a*=b'c'd\n\nhi", b"Content-Type: text/plain; charset=")
@given(st.binary(max_size=400), st.sampled_from([b"", b"From: ", b"Content-Type: text/plain; charset="]))
def test_no_letter_breaks_it(raw, head):
    letter = distributed(head + raw, CAMPS, "", NOW_S, "abc")
    assert letter is None or message_from_bytes(letter).keys()


@pytest.fixture
def demo_list(tmp_path):
    folders = [tmp_path / "C", tmp_path / "Rosa"]
    opened = DemoList(CAMPS, tmp_path / "archive", folders, lambda: NOW_S)
    opened.start()
    yield opened
    opened.stop()


def delivered(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "new").iterdir())]


def test_everybody_gets_a_letter_and_so_does_the_archive(demo_list, tmp_path):
    with smtplib.SMTP("127.0.0.1", demo_list.port) as client:
        for _ in range(2):  # a list protects nobody: the same letter twice is distributed twice
            client.sendmail("rosa@example.org", "Camps@lists.example.org", ROSA)
    for folder in ("C", "Rosa", "archive"):
        assert delivered(tmp_path / folder) == [through(ROSA)] * 2


def test_it_takes_letters_for_itself_only_and_of_a_size(demo_list, tmp_path):
    with smtplib.SMTP("127.0.0.1", demo_list.port) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as wrong:
            client.sendmail("rosa@example.org", "others@lists.example.org", ROSA)
        assert wrong.value.recipients["others@lists.example.org"][0] == 550
        with pytest.raises(smtplib.SMTPException) as long:
            client.sendmail("rosa@example.org", CAMPS.address, ROSA + b"x\r\n" * LETTER_BYTES_MAX)
        assert "552" in str(long.value)
    assert delivered(tmp_path / "archive") == []


def test_a_list_whose_disk_fails_asks_to_come_again(demo_list, tmp_path):
    (tmp_path / "Rosa" / "new").rmdir()
    with smtplib.SMTP("127.0.0.1", demo_list.port) as client:
        with pytest.raises(smtplib.SMTPDataError) as fault:
            client.sendmail("rosa@example.org", CAMPS.address, ROSA)
        assert fault.value.smtp_code == 451
