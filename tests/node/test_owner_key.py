"""`miccheck owner-key`: for the owner of a list, who has letters and a key and no camp."""

from __future__ import annotations

import csv
import io
import stat
import sys
from random import Random
from types import SimpleNamespace

import pytest

from node.cli import main
from sync.letters.join_letters import Line, OwnerLetter, owner_letter
from sync.letters.joining import Entry, read_owner_key, seal
from sync.registrations import registration_id

CAMP = b"campcamp"


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["miccheck", "owner-key", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return SimpleNamespace(code=end.value.code, out=said.out, err=said.err)

    return run


@pytest.fixture
def key(run, tmp_path):
    file = tmp_path / "owner.key"
    made = run("make", file)
    assert made.code == 0
    return SimpleNamespace(file=file, public=read_owner_key(made.out))


def letter(key, *entries, name="Sol", seed=1):
    chance = Random(seed).randbytes
    lines = []
    for number, entry in enumerate(entries, start=1):
        sealed = seal(entry, CAMP, key, chance)
        lines.append(Line(number, registration_id(CAMP, sealed), CAMP, name, 1_795_086_000, sealed))
    made = OwnerLetter(b"t" * 10, "camps@lists.example.org", name, 1_795_086_000, False, tuple(lines))
    return owner_letter(made, "camps-owner@lists.example.org", "sol@example.org")


ANA = Entry("ana@example.org", "Sol", "kitchen")
BEA = Entry("bea@example.org", "Plaça de Catalunya, «a la font»", "")


def table(done):
    return [row[2:] for row in csv.reader(io.StringIO(done.out))]


def test_a_key_is_made_once_and_is_its_owners_alone(run, key):
    assert stat.S_IMODE(key.file.stat().st_mode) == 0o600
    again = run("make", key.file)
    assert (again.code, again.out) == (1, "")
    assert "exists already" in again.err


def test_letters_become_one_table(run, key, tmp_path):
    one, box = tmp_path / "one.eml", tmp_path / "mbox"
    one.write_bytes(letter(key.public, ANA))
    parts = [letter(key.public, BEA, name="Sol ñ", seed=2), letter(key.public, ANA)]
    separator = b"From sol@example.org Mon Nov 23 01:02:03 2026\n"
    box.write_bytes(b"".join(separator + part.replace(b"\r\n", b"\n") + b"\n" for part in parts))
    done = run("open", key.file, one, box)
    assert done.code == 0, done.err
    assert table(done) == [
        ["address", "location", "group"],
        ["ana@example.org", "Sol", "kitchen"],
        ["bea@example.org", "Plaça de Catalunya, «a la font»", ""],
    ]
    assert "2 of 2 registrations opened" in done.err


def test_standard_input_is_a_letter_too(run, key):
    assert table(run("open", key.file, "-", stdin=letter(key.public, ANA)))[1][0] == "ana@example.org"


def test_what_another_key_sealed_is_named_and_left_out(run, key):
    other = bytes(range(9, 41))
    both = letter(key.public, ANA) + letter(other, BEA)
    done = run("open", key.file, "-", stdin=both)
    assert (done.code, len(table(done))) == (0, 2)
    assert "cannot be opened: it is sealed to another key" in done.err
    nothing = run("open", key.file, "-", stdin=letter(other, BEA))
    assert (nothing.code, nothing.out) == (1, "")


def test_no_cell_is_a_formula(run, key):
    done = run("open", key.file, "-", stdin=letter(key.public, Entry("=1+1@example.org", "=cmd()", "@sum")))
    assert table(done)[1] == ["'=1+1@example.org", "'=cmd()", "'@sum"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"", "not the file of an owner's key"),
        (b"hello\n", "not the file of an owner's key"),
        (b"\xff\xfe", "not the file of an owner's key"),
        (b"QUJD\nQUJD\n", "not the file of an owner's key"),
    ],
)
def test_a_file_that_is_no_key_is_said_in_one_line(run, tmp_path, content, says):
    file = tmp_path / "other.key"
    if content is not None:
        file.write_bytes(content)
    done = run("open", file, "-")
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("open", "{key}", "/no/such/letter"), 1, "cannot read /no/such/letter"),
        (("open", "{key}", "-"), 1, "no registration in it"),
        (("open", "{key}"), 2, "LETTER"),
        (("make", "/no/such/folder/key"), 1, "cannot write"),
        (("give",), 2, "give"),
    ],
)
def test_a_mistake_is_said(run, key, arguments, code, says):
    done = run(*(argument.format(key=key.file) for argument in arguments))
    assert (done.code, done.out) == (code, "")
    assert says in done.err
