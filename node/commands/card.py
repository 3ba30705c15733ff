"""`miccheck card`."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import click

from node.commands.arguments import home_argument
from node.entry import Camp
from node.looking import looking
from node.places import card_link
from node.requests import EndCard, NewCard, NewCode, no_progress
from node.settings import Web
from sync.message import Role
from sync.views import CardView

# The last second that datetime can name; a card may end on the last day of the year 9999.
SECOND_MAX = 253_402_300_799

ROLES = {role.word: role for role in (Role.LIAISON, Role.MODERATOR, Role.COORDINATOR)}


@click.command()
@home_argument
@click.argument("role", required=False, type=click.Choice(list(ROLES)))
@click.option("--group", default="", help="The working group a liaison speaks for; made when it is new.")
@click.option("--name", default="", help="Whose card it is, for the list of cards.")
@click.option(
    "--revoke",
    type=click.IntRange(1, 2**31),
    default=None,
    metavar="ID",
    help="End a card and every session opened with it.",
)
def command(folder: Path, role: str | None, group: str, name: str, revoke: int | None) -> None:
    """Make a card for a ROLE, list the cards, or revoke one.

    A card is a code: whoever holds it has the role. It is shown once, as text, link and QR code.

    \b
    Examples:
      miccheck card ~/camp liaison --group kitchen --name Ada
      miccheck card ~/camp
      miccheck card ~/camp --revoke 2
    """
    if group and role != Role.LIAISON.word:
        raise click.UsageError("--group is for the role liaison")
    if revoke is not None and (role or group or name):
        raise click.UsageError("--revoke ID stands alone")
    with Camp(folder) as camp:
        if revoke is not None:
            camp.ask(EndCard(revoke), no_progress)
            click.echo(f"card {revoke} is revoked, and what was opened with it is closed")
        elif role is not None:
            made = camp.ask(NewCard(ROLES[role], group, name), no_progress)
            assert isinstance(made, NewCode)
            click.echo(f"card {made.card}, {role}{f' of {group}' if group else ''}")
            click.echo(card_text(camp.settings.web, camp.tls_port(), made.code))
        else:
            _list(camp)


def card_text(web: Web, tls_port: int, code: str) -> str:
    """A new card as it is shown once: code, link and QR code. Port 0: known only while a node runs."""
    lines = [f"code: {code}"]
    if tls_port:
        link = card_link(web, tls_port, code)
        lines += [f"link: {link}", "", qr_code(link)]
    return "\n".join(lines)


def qr_code(text: str) -> str:
    """A QR code for a terminal."""
    import segno

    out = io.StringIO()
    segno.make(text, error="m", micro=False).terminal(out, border=2, compact=True)
    return out.getvalue()


def _list(camp: Camp) -> None:
    with looking(camp.home) as reader:
        cards = reader.cards()
    for card in reversed(cards):
        click.echo(_as_line(card))
    if not cards:
        click.echo(f"no cards; make one: miccheck card {camp.home.folder} coordinator", err=True)


def _as_line(card: CardView) -> str:
    role = card.role.word + (f" of {card.group}" if card.group else "")
    until = f", until {_day(card.until)}" if card.until is not None else ""
    sessions = f"{card.sessions} session{'' if card.sessions == 1 else 's'}"
    end = f", revoked {_day(card.revoked)}" if card.revoked is not None else f", {sessions}"
    return f"{card.id}  {role}  {card.name or '-'}  made {_day(card.made)}{until}{end}"


def _day(unix_s: int) -> str:
    return datetime.fromtimestamp(min(unix_s, SECOND_MAX), UTC).strftime("%Y-%m-%d")
