"""The locks: every package pinned and hashed, one version everywhere, and no word of where it came from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LEVELS = ("run", "test", "test-all")
LOCKS = (*LEVELS, "mailman")


def lock(level: str) -> str:
    return (ROOT / "requirements" / f"{level}.txt").read_text()


def pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))


@pytest.mark.parametrize("level", LOCKS)
def test_everything_is_pinned_and_hashed(level):
    blocks = re.split(r"\n(?=\S)", re.sub(r"^ *#.*\n", "", lock(level), flags=re.MULTILINE).strip())
    assert len(blocks) > 20
    assert [
        block.splitlines()[0]
        for block in blocks
        if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:", block, re.DOTALL)
    ] == []


@pytest.mark.parametrize("level", LOCKS)
def test_a_lock_names_no_place(level):
    assert (
        re.findall(
            r"https?:.*|file:.*|--(?:extra-)?index-url.*|--find-links.*|^-.*", lock(level), re.MULTILINE
        )
        == []
    )


def test_each_level_holds_the_one_before():
    run, test, test_all = (pins(lock(level)).items() for level in LEVELS)
    assert run <= test <= test_all


@pytest.mark.parametrize(
    ("level", "wanted"),
    [
        ("run", PROJECT["project"]["dependencies"]),
        ("run", PROJECT["build-system"]["requires"]),
        ("test", PROJECT["dependency-groups"]["test"]),
        ("test-all", PROJECT["dependency-groups"]["full"]),
        ("mailman", PROJECT["dependency-groups"]["mailman"]),
    ],
)
def test_a_lock_answers_what_the_project_asks(level, wanted):
    have = pins(lock(level))
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(have[canonicalize_name(requirement.name)]), str(requirement)
