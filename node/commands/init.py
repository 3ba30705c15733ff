"""`miccheck init`."""

from __future__ import annotations

import json
import os
import secrets
import signal
from dataclasses import fields
from pathlib import Path

import click

from hardware.addresses import own_addresses
from hardware.clock_trust import RELEASE_S
from node.certificates import fingerprint, for_a_poster, make_authority, renew_server
from node.clock import Clock
from node.commands.arguments import home_argument
from node.commands.card import card_text
from node.counter import OwnCounter
from node.home import Home, HomeLock, new_home
from node.requests import NewCard, NewCode, no_progress
from node.settings import Camp as CampTable
from node.settings import Settings, read_settings
from node.works import identity_of
from sync.farewell import write_letter
from sync.message import Role
from sync.signing import DEFAULT_NETWORK_WORD, SEED_BYTES
from sync.text import NICKNAME_BYTES_MAX, tidy_name

_SETTINGS = """\
# Settings of this camp. Start the node again after a change. A line that begins with # is not read.
# Every setting can also be given as an environment variable: MICCHECK__WEB__PORT=8080

[camp]
name = {name}
# Said to other camps. Leave it empty unless everybody may know where you are.
place = {place}
# Language of the pages for phones that ask for none we have: "en", "es".
language = {language}
# The word that camps of one network share. Whoever knows it can speak in the network.
network = {network}
# Whose bundles are taken: "network" (every camp that knows the word) or "introduced" (pinned by a person
# here, or introduced by such a camp). A coordinator can change it on the page; the page wins.
# admit = "network"
# Published on the camp's card: a phone number or a place to ask.
# contact = ""
# If this file exists when the node starts, a new coordinator card is written into it.
# recovery = "/boot/firmware/miccheck-recover.txt"

# [web]
# host = "0.0.0.0"
# port = 8080
# tls_port = 8443
# liaisons_on_http = false

# A neighbouring camp that can be reached by cable, Wi-Fi or internet. There may be several.
# [[link]]
# kind = "ip"
# url = "http://192.168.4.2:8080"

# A mailing list and how letters get there and back. Paths are relative to this folder.
# [[list]]
# name = "assembly"
# address = "assembly@lists.example.org"
# outbox = "smtp://camp@mail.example.org:587"  # or "maildir:outbox"
# sender = "camp@example.org"
# password_file = "secrets/list.password"
# inbox = "imaps://camp@mail.example.org"      # or "maildir:inbox", "mbox:/var/mail/assembly"
# channels = ["announcements"]
# direction = "both"
# agreed_by = "who of the list agreed that its letters are passed on by radio"
# agreed_on = 2026-11-23

# [internet]
# metered = true  # internet that costs or is slow

# [quota]
# device_per_minute = 6
"""

_REPORT = """\
The camp "{name}" is ready in {folder}. Start it with
  miccheck run {folder}

=== COORDINATOR CARD ===============================================================================
Whoever holds this code can do everything on this box. Write it down, open the link on your phone once
the node runs, and then remove it from this screen. It is not shown again; if it is lost:
  miccheck card {folder} coordinator

{card}

=== CERTIFICATE =====================================================================================
Pages for people with a card are served by HTTPS under this camp's own certificate authority. Put its
fingerprint (SHA-256) on the poster. Phones show the same one for the issuer of the page's certificate,
which is called "Mic Check camp" and the camp's number.

{fingerprint}

=== DEAD-KEY LETTER =================================================================================
{letter}"""


def _checked(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """An option by the rule of the setting it becomes."""
    if value is not None:
        (key,) = (each for each in fields(CampTable) if each.name == param.name)
        complaint = key.metadata["check"](value)
        if complaint is not None:
            raise click.BadParameter(complaint, ctx, param)
    return value


@click.command(short_help="Make a camp in the new folder HOME.")
@home_argument
@click.option("--name", callback=_checked, help="What the camp is called; the folder's name unless given.")
@click.option("--place", callback=_checked, default="", help="Where it is, if everybody may know.")
@click.option("--language", callback=_checked, default="en", show_default=True, help="Language of the pages.")
@click.option(
    "--network",
    callback=_checked,
    default=DEFAULT_NETWORK_WORD,
    show_default=True,
    help="The word that the camps of your network share.",
)
def command(folder: Path, name: str | None, place: str, language: str, network: str) -> None:
    """Make a camp in the new folder HOME: keys, settings, board, one coordinator card.

    Asks nothing. Prints the card and the dead-key letter: keep both, in two places.

    \b
    Example:
      miccheck init ~/camp --name "Plaza" --language es
    """
    folder = folder.absolute()
    named = name if name is not None else _name_of(folder)
    # A supervisor that stops us must not leave half a camp: end by the way that cleans up.
    os.umask(0o077)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with new_home(folder) as home:
        home.settings.write_text(
            _SETTINGS.format(**{
                key: json.dumps(value, ensure_ascii=False)
                for key, value in (
                    ("name", named), ("place", place), ("language", language), ("network", network)
                )
            })
        )  # fmt: skip
        home.write_seed(secrets.token_bytes(SEED_BYTES))
        settings = read_settings(home.settings, os.environ)
        report = _fill(home, settings, folder)
    click.echo(report)


def _fill(home: Home, settings: Settings, folder: Path) -> str:
    """Make everything but key and settings; what is to be said about it."""
    identity = identity_of(home, settings)
    wall_s = max(Clock(offset_s=settings.clock.offset_s).wall_s(), RELEASE_S)
    make_authority(home.certificates, identity.author.hex(), wall_s)
    renew_server(home.certificates, own_addresses(), wall_s)
    home.read_form_key()
    counter = OwnCounter(home, settings, HomeLock(home))
    try:
        card = counter.ask(NewCard(Role.COORDINATOR, "", ""), no_progress)
    finally:
        counter.close()
    assert isinstance(card, NewCode)
    return _REPORT.format(
        name=settings.camp.name,
        folder=folder,
        card=card_text(settings.web, settings.web.tls_port, card.code),
        fingerprint="\n".join(f"  {line}" for line in for_a_poster(fingerprint(home.certificates.authority))),
        letter=write_letter(identity, settings.camp.name),
    )


def _name_of(folder: Path) -> str:
    """The folder's name as a camp's name, cut to what fits."""
    name = tidy_name(folder.name)
    while len(name.encode()) > NICKNAME_BYTES_MAX:
        name = name[:-1]
    return name.strip() or "camp"
