"""`miccheck wipe`."""

from __future__ import annotations

from pathlib import Path

import click

from node.clock import Clock
from node.commands.arguments import home_argument
from node.counter import reason_of
from node.entry import Camp
from node.home import HomeLock, Locked
from node.sorry import Sorry
from node.works import identity_of, open_store
from sync.store import Wipe
from sync.store.ballast import Ballast
from sync.store.salvage import ASIDE

# What the person types for each; the order is that of how much is lost.
WORDS = {"people": Wipe.PEOPLE, "gossip": Wipe.GOSSIP, "messages": Wipe.MESSAGES, "all": Wipe.CAMP}


@click.command()
@home_argument
@click.argument("what", metavar="WHAT", type=click.Choice(list(WORDS)))
def command(folder: Path, what: str) -> None:
    """Forget WHAT for good: the words are gone from the file, not only from the pages.

    \b
    people    cards, sessions, the public log, the hotline card
    gossip    what other camps said, and who they are; neighbours bring it again
    messages  everything that was written, here and there; it does not come back
    all       the whole board; key, settings and certificates stay

    Asks nothing. The node must not run. Damaged boards that were set aside go too; letters in the
    folders of a mailing list do not.

    \b
    Example:
      miccheck wipe ~/camp messages
    """
    with Camp(folder) as camp:
        try:
            lock = HomeLock(camp.home)
        except Locked as locked:
            raise Sorry("stop the node first, then wipe") from locked
        with lock:
            _wipe(camp, WORDS[what])
    click.echo(f"wiped: {what}")
    if WORDS[what] in (Wipe.PEOPLE, Wipe.CAMP):
        click.echo(f"There is no card any more. A new one: miccheck card {folder} coordinator")


def _wipe(camp: Camp, what: Wipe) -> None:
    home, settings = camp.home, camp.settings
    clock = Clock(settings.clock.speed, settings.clock.offset_s, home.clock)
    Ballast(home.board).drop()  # what is deleted goes through the log first, also on a full disk
    store = open_store(home, identity_of(home, settings), clock)
    try:
        with reason_of():
            store.wipe(what)
    finally:
        store.close()
    for aside in home.folder.glob(f"{home.board.name}{ASIDE}*"):
        aside.unlink(missing_ok=True)
