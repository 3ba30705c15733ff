"""What the command line says for each refusal of the board: why, and what would do."""

from __future__ import annotations

from sync.actions import Refusal, Refused

_SENTENCES: dict[Refusal, str] = {
    Refusal.EMPTY: "there is no text in it",
    Refusal.TOO_LONG: "this is too long: a text has 4,000 bytes at most, a reason 200, a name 48",
    Refusal.NO_CHANNEL: "there is no such channel",
    Refusal.NO_MESSAGE: "there is no such message on this board",
    Refusal.NO_CAMP: "no such camp is known here: give its id (16 hex digits), its key, or its name",
    Refusal.AMBIGUOUS: "several camps have this name: give the id (16 hex digits)",
    Refusal.NO_CARD: "there is no such card",
    Refusal.NO_LIST: "the settings name no such mailing list",
    Refusal.NO_REGISTRATION: "there is no such registration here",
    Refusal.REGISTRATIONS_FULL: "too many people wait to be put on lists already",
    Refusal.NOT_ALLOWED: (
        "this is not allowed: people do not write in letters, a mic check does not stay here,"
        " and a group does not take the name of such a channel"
    ),
    Refusal.TOO_FAST: "too many at a time; wait a little",
    Refusal.MIC_CHECKS_USED_UP: "this camp has used up its mic checks of this hour: the air is shared",
    Refusal.STRANGERS_FULL: "too many posts wait for a moderator already",
    Refusal.MUTED: "this device is muted",
    Refusal.BAD_NAME: (
        "this name cannot be used: small letters and digits, joined by hyphens, and not general"
    ),
    Refusal.WHY_MISSING: "a reason is missing",
    Refusal.TOKEN_USED: "this key was used for another post",
    Refusal.BAD_LETTER: "this is no dead-key letter, or a line of it is mistyped",
    Refusal.DECIDED: "this is decided already",
    Refusal.CHANGED: "its text was changed meanwhile",
    Refusal.LAST_COORDINATOR: "this is the last coordinator's card: make another one first",
    Refusal.OWN_CAMP: "that is this camp itself",
    Refusal.KEY_DEAD: "the key of that camp is dead: nobody can vouch for it any more",
    Refusal.OWN_KEY_DEAD: "the key of this camp is dead: no other camp believes it; only here goes on",
    Refusal.DISK_FULL: "the disk is full: nothing was stored; reading goes on",
}


def sentence(refused: Refused) -> str:
    """Why an order was refused, as one line."""
    return _SENTENCES[refused.refusal]
