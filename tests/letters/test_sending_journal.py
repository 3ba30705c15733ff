"""What a killed node had handed over: every end that a journal can have."""

import pytest

from node.sending_journal import Left, SendingJournal

ONE, TWO, THREE = (bytes([n]) * 16 for n in (1, 2, 3))


def written(path, boot="boot 1"):
    journal = SendingJournal(path, boot)
    journal.clear()
    journal.begin(ONE)
    journal.taken(ONE)
    journal.begin(TWO)
    journal.close()
    return path.read_bytes()


def test_what_was_begun_and_taken_is_known(tmp_path):
    written(tmp_path / "journal")
    left = SendingJournal(tmp_path / "journal", "boot 1").read()
    assert left == Left(frozenset((ONE, TWO)), frozenset((ONE,)), is_whole=True)


@pytest.mark.parametrize("boot", ["boot 2", ""])
def test_after_the_power_went_what_is_missing_may_have_been(tmp_path, boot):
    written(tmp_path / "journal")
    left = SendingJournal(tmp_path / "journal", boot).read()
    assert left.taken == {ONE}
    assert not left.is_whole


def test_every_torn_end_is_read_and_nothing_is_made_up(tmp_path):
    path = tmp_path / "journal"
    whole = written(path)
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        left = SendingJournal(path, "boot 1").read()
        assert left.begun <= {ONE, TWO}
        assert left.taken <= {ONE}
        assert left.is_whole == (size >= len("boot boot 1") and whole[:size].startswith(b"boot boot 1"))
    path.write_bytes(bytes(range(256)) * 20)
    assert not SendingJournal(path, "boot 1").read().begun


def test_without_a_file_nothing_is_known(tmp_path):
    assert SendingJournal(tmp_path / "journal", "boot 1").read() == Left()


def test_what_the_store_does_not_know_yet_stays(tmp_path):
    journal = SendingJournal(tmp_path / "run" / "journal", "boot 1")
    journal.clear()
    journal.begin(ONE)
    journal.clear([TWO], [THREE])
    journal.close()
    left = SendingJournal(tmp_path / "run" / "journal", "boot 1").read()
    assert left == Left(frozenset((TWO,)), frozenset((THREE,)), is_whole=True)
    assert (tmp_path / "run" / "journal").stat().st_mode & 0o077 == 0
