"""What strace says becomes a list of changes; what it says that we do not understand stops the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import teller
from tests.crash.trace import Made, Moved, Removed, Resized, Synced, Unmodelled, Wrote, read_trace

BOARD = "board.sqlite3"


def escaped(text: str | bytes) -> str:
    """A text as `strace -xx` writes it."""
    return "".join(f"\\x{byte:02x}" for byte in (text.encode() if isinstance(text, str) else text))


def fd(number: int, path: str) -> str:
    return f"{number}<{escaped(path)}>"


def quoted(text: str | bytes) -> str:
    return f'"{escaped(text)}"'


CAMP_BOARD = fd(4, "/camp/board.sqlite3")
HERE = f"AT_FDCWD<{escaped('/home')}>"
PHONE = fd(9, "socket:[4711]")
HEAD = quoted("HTTP/1.1 201 Created\r\n\r\n")
BODY = quoted('{"id":"' + "ab" * 16 + '"}')


def changes(*calls: str):
    return list(read_trace((f"7  {call}\n" for call in calls), Path("/camp")).changes)


@pytest.mark.parametrize(
    ("call", "change"),
    [
        (f"pwrite64({CAMP_BOARD}, {quoted(b'abc')}, 3, 4096) = 3", Wrote(BOARD, 4096, b"abc")),
        (f"pwrite64({CAMP_BOARD}, {quoted(b'abc')}, 3, 4096) = 2", Wrote(BOARD, 4096, b"ab")),
        (f"ftruncate({CAMP_BOARD}, 512) = 0", Resized(BOARD, 512)),
        (f"fallocate({CAMP_BOARD}, 0, 100, 412) = 0", Wrote(BOARD, 512, b"")),
        (f"fsync({CAMP_BOARD}) = 0", Synced(BOARD, 0)),
        (f"fdatasync({CAMP_BOARD}) = 0", Synced(BOARD, 0)),
        (f"fsync({fd(5, '/camp')}) = 0", Synced(".", 0)),
        (f"unlink({quoted('/camp/a')}) = 0", Removed("a")),
        (f"unlinkat({fd(5, '/camp')}, {quoted('run/a')}, 0) = 0", Removed("run/a")),
        (f"rename({quoted('/camp/a')}, {quoted('/camp/run/b')}) = 0", Moved("a", "run/b")),
        (
            f"renameat({fd(5, '/camp')}, {quoted('a')}, {fd(6, '/camp/run')}, {quoted('b')}) = 0",
            Moved("a", "run/b"),
        ),
        (
            f"openat({HERE}, {quoted('/camp/é')}, O_RDWR|O_CREAT, 0600) = {fd(3, '/camp/é')}",
            Made("é"),
        ),
        (f"openat({HERE}, {quoted('/camp/a')}, O_WRONLY|O_TRUNC) = {fd(3, '/camp/a')}", Resized("a", 0)),
    ],
)
def test_a_call_is_this_change(call, change):
    assert changes(call) == [change]


@pytest.mark.parametrize(
    "call",
    [
        f"pwrite64({fd(4, '/elsewhere/board.sqlite3')}, {quoted(b'abc')}, 3, 0) = 3",
        f"pwrite64({fd(4, '/camp2/board.sqlite3')}, {quoted(b'abc')}, 3, 0) = 3",
        f"pwrite64({fd(4, '/camp/board.sqlite3-shm')}, {quoted(b'abc')}, 3, 0) = 3",
        f"pwrite64({CAMP_BOARD}(deleted), {quoted(b'abc')}, 3, 0) = 3",
        f"pwrite64({CAMP_BOARD}, {quoted(b'abc')}, 3, 0) = -1 ENOSPC (No space left on device)",
        f"openat({HERE}, {quoted('/camp/a')}, O_RDONLY|O_CLOEXEC) = {fd(3, '/camp/a')}",
        f"unlinkat({fd(5, '/camp')}, {quoted('half')}, AT_REMOVEDIR) = 0",
        f"mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, {fd(4, '/camp/board.sqlite3-shm')}, 0) = 0x7f00",
        f"mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, {CAMP_BOARD}, 0) = 0x7f00",
        "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f00",
        f"writev({fd(1, 'pipe:[1]')}, [{{iov_base={quoted(b'a')}, iov_len=1}}], 1) = 1",
        f"fsync({CAMP_BOARD}) = ?",
        "+++ exited with 0 +++",
        "--- SIGTERM {si_signo=SIGTERM} ---",
    ],
)
def test_a_call_that_changes_nothing_here_is_passed_over(call):
    assert changes(call) == []


@pytest.mark.parametrize(
    "call",
    [
        f"writev({CAMP_BOARD}, [{{iov_base={quoted(b'a')}, iov_len=1}}], 1) = 1",
        f"copy_file_range({fd(3, '/a')}, NULL, {CAMP_BOARD}, NULL, 10, 0) = 10",
        f"link({quoted('/a')}, {quoted('/camp/a')}) = 0",
        f"truncate({quoted('/camp/a')}, 0) = 0",
        f"rename({quoted('/camp/a')}, {quoted('/a')}) = 0",
        f"rename({quoted('/a')}, {quoted('/camp/a')}) = 0",
        f"fallocate({CAMP_BOARD}, FALLOC_FL_PUNCH_HOLE|FALLOC_FL_KEEP_SIZE, 0, 10) = 0",
        f"mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, {CAMP_BOARD}, 0) = 0x7f00",
        f"pwrite64({CAMP_BOARD}, {quoted(b'abc')}..., 300, 0) = 300",
        "what is this",
    ],
)
def test_a_call_that_is_not_understood_stops_the_test(call):
    with pytest.raises(Unmodelled):
        changes(call)


def test_plain_writes_go_on_where_the_last_one_ended():
    file = fd(3, "/camp/a")

    assert changes(
        f"openat({HERE}, {quoted('/camp/a')}, O_WRONLY|O_CREAT|O_TRUNC, 0600) = {file}",
        f"write({file}, {quoted(b'one')}, 3) = 3",
        f"write({file}, {quoted(b'two')}, 3) = 3",
        f"lseek({file}, 0, SEEK_SET) = 0",
        f"write({file}, {quoted(b'O')}, 1) = 1",
        f"openat({HERE}, {quoted('/camp/a')}, O_WRONLY|O_APPEND) = {file}",
        f"write({file}, {quoted(b'end')}, 3) = 3",
    ) == [
        *(Made("a"), Resized("a", 0)),
        *(Wrote("a", 0, b"one"), Wrote("a", 3, b"two"), Wrote("a", 0, b"O"), Wrote("a", None, b"end")),
    ]


def test_a_call_that_another_thread_cut_in_two_counts_from_its_return():
    trace = read_trace(
        [
            f"7  pwrite64({CAMP_BOARD}, {quoted(b'one')}, 3, 0) = 3\n",
            f"7  fdatasync({CAMP_BOARD} <unfinished ...>\n",
            f"8  pwrite64({CAMP_BOARD}, {quoted(b'two')}, 3, 3 <unfinished ...>\n",
            "8  <... pwrite64 resumed>) = 3\n",
            "7  <... fdatasync resumed>) = 0\n",
        ],
        Path("/camp"),
    )

    # The second write came when the sync was under way: it may not be covered.
    assert trace.changes == (Wrote(BOARD, 0, b"one"), Wrote(BOARD, 3, b"two"), Synced(BOARD, 1))


WRITE = f"7  pwrite64({CAMP_BOARD}, {quoted(b'one')}, 3, 0) = 3\n"


@pytest.mark.parametrize(
    ("lines", "answered"),
    [
        ([WRITE, f"7  sendto({PHONE}, {HEAD}, 24, 0, NULL, 0) = 24\n", WRITE,
          f"7  sendto({PHONE}, {BODY}, 41, 0, NULL, 0) = 41\n"], 1),
        ([WRITE, f"7  sendto({PHONE}, {HEAD[:-1]}{BODY[1:]}, 65, 0, NULL, 0) = 65\n"], 1),
        ([f"7  sendto({PHONE}, {HEAD}, 24, 0, NULL, 0 <unfinished ...>\n", WRITE.replace("7", "8", 1),
          "7  <... sendto resumed>) = 24\n", f"7  sendto({PHONE}, {BODY}, 41, 0, NULL, 0) = 41\n"], 0),
        ([f"7  write({PHONE}, {HEAD}, 24) = 24\n", f"7  write({PHONE}, {BODY}, 41) = 41\n"], 0),
    ],
    ids=["head, then body", "in one", "it left before the call returned", "by write"],
)  # fmt: skip
def test_an_answer_counts_from_its_first_byte(lines, answered):
    assert read_trace(lines, Path("/camp")).answered == {"ab" * 16: answered}


@pytest.mark.parametrize("status", ["200 OK", "422 Unprocessable", "507 Insufficient Storage"])
def test_other_answers_promise_nothing(status):
    head = quoted(f"HTTP/1.1 {status}\r\n\r\n")
    lines = [f"7  sendto({PHONE}, {text}, 9, 0, NULL, 0) = 9\n" for text in (HEAD, head, BODY)]

    assert read_trace(lines, Path("/camp")).answered == {}


@pytest.mark.parametrize("synchronous", ["full", "normal"])
def test_the_tellers_trace(synchronous):
    trace = teller.trace(synchronous)
    before_answers = [trace.changes[at - 1] for at in trace.answered.values()]

    assert list(trace.answered) == [teller.row_id(number) for number in range(teller.ROWS)]
    assert all(isinstance(change, Synced) for change in before_answers) == (synchronous == "full")
    assert Removed("bank.sqlite3-wal") in trace.changes
