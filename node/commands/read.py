"""`miccheck read`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from node.commands.arguments import MessageIdType, home_argument, json_option
from node.entry import Camp
from node.looking import demand_channel, looking
from node.sorry import Sorry
from sync.message import MessageId
from sync.views import MessagePage, MessageView

# The same numbers as in the interface for programs.
LIMIT_DEFAULT, LIMIT_MAX = 50, 500


@click.command()
@home_argument
@click.argument("channel", required=False)
@click.option(
    "--after", type=MessageIdType(), default=None, metavar="ID", help="Only what came after this message."
)
@click.option(
    "--limit",
    type=click.IntRange(1, LIMIT_MAX),
    default=LIMIT_DEFAULT,
    show_default=True,
    help="How many at most.",
)
@json_option
def command(folder: Path, channel: str | None, after: MessageId | None, limit: int, as_json: bool) -> None:
    """Print messages, of CHANNEL or of all, oldest first.

    For people: the newest ones, unless --after is given. With --json: from the oldest on, the object of the
    interface for programs, {"messages": [...], "next": ID or null}; pass "next" as --after to go on.

    \b
    Examples:
      miccheck read ~/camp general
      miccheck read ~/camp --json --limit 500
    """
    with Camp(folder) as camp, looking(camp.home) as reader:
        if channel is not None:
            demand_channel(reader, channel)
        try:
            if as_json or after is not None:
                page = reader.messages(channel, after, limit)
            else:
                page = MessagePage(reader.newest(channel, None, limit)[::-1], None)
        except LookupError as error:
            raise Sorry("no message with the id of --after is known here") from error
    if as_json:
        from web_ui.api_form import page_json

        click.echo(json.dumps(page_json(page), ensure_ascii=False))
        return
    for view in page.messages:
        click.echo(_as_text(view))


def _as_text(view: MessageView) -> str:
    when = datetime.fromtimestamp(view.created, UTC).strftime("%Y-%m-%d %H:%MZ")
    who = f"{view.author or 'somebody'} ({view.role.word}, {view.camp.name})"
    urgent = "  MIC CHECK" if view.urgent else ""
    answers = f"  answers {view.parent.hex()}" if view.parent is not None else ""
    text = f"(hidden: {view.hidden_why})" if view.hidden else view.text
    body = "\n".join(f"  {line}" for line in text.splitlines())
    return f"{view.id.hex()}  {when}  {view.channel}  {view.state}{urgent}\n  {who}{answers}\n{body}\n"
