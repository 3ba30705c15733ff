"""`miccheck post`."""

from __future__ import annotations

from pathlib import Path

import click

from node.commands.arguments import MessageIdType, home_argument
from node.entry import Camp
from node.requests import Post, Posted, no_progress
from sync.message import MessageId


@click.command()
@home_argument
@click.argument("channel")
@click.argument("text")
@click.option("--author", default="", help="The name it is posted under; none unless given.")
@click.option("--urgent", is_flag=True, help="A mic check: urgent everywhere, at once.")
@click.option("--reply-to", type=MessageIdType(), default=None, metavar="ID", help="The message it answers.")
def command(
    folder: Path, channel: str, text: str, author: str, urgent: bool, reply_to: MessageId | None
) -> None:
    """Post TEXT to CHANNEL and print the id of the message.

    Whoever owns the files of a camp posts as a coordinator.

    \b
    Example:
      miccheck post ~/camp general "water at gate 4" --author Ada
    """
    with Camp(folder) as camp:
        posted = camp.ask(Post(channel, text, author, urgent, reply_to), no_progress)
    assert isinstance(posted, Posted)
    click.echo(posted.message.hex())
    if posted.held:
        click.echo("it waits for a moderator", err=True)
