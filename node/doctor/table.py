"""The doctor's table: every check, in the order in which a person would look."""

from __future__ import annotations

from collections.abc import Iterator

from node.doctor import boards, box, links, lists
from node.doctor.boards import Looked
from node.doctor.finding import Check, Finding, Patient

CHECKS: tuple[Check, ...] = (
    Check("settings", "miccheck.toml and the environment", box.settings),
    Check("folder", "rights of HOME and of what is secret in it", box.folder),
    Check("key", "camp.key", box.key),
    Check("disk", "room on the disk of HOME", box.disk),
    Check("board", "the database, page by page", box.board),
    Check("clock", "whether the time can be believed", box.clock),
    Check("ports", "whether the pages answer, or their ports are free", box.ports),
    Check("certificate", "the pages' certificate and the camp's authority", box.certificate),
    Check("list", "each mailing list: agreement, passwords, servers, TLS, login, folder", lists.lists),
    Check("link", "whether somebody is at the other end of each link", links.links),
)


def examine(patient: Patient) -> Iterator[Finding | Looked]:
    """Every check once, then the boards."""
    for check in CHECKS:
        yield from check.look(patient)
    yield from boards.examine(patient)
