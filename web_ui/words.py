"""The words for what happened, in the reader's language: states, refusals, times, rules of a channel.

Sentences marked with `mark` are tables; they are put into the catalogues where they stand and said where
they are used.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sync.actions import Refusal
from sync.message import ANNOUNCEMENTS, GENERAL, HERE, LETTERS, Role
from sync.store.letters import LetterState
from sync.views import ChannelView, HeldWhy, ListState, MessageView, Speaks, State, Via
from web_ui.languages import Language

# The last second that datetime can name: year 9999.
SECOND_MAX = 253_402_300_799
# The life of an alert (PROTOCOL.md): a day later it is history.
ALERT_S = 24 * 3_600


def mark(sentence: str) -> str:
    """Put a sentence of a table into the catalogues."""
    return sentence


TITLES = {
    GENERAL: mark("General"),
    ANNOUNCEMENTS: mark("Announcements"),
    HERE: mark("Only here"),
    LETTERS: mark("Letters"),
}

ROLES = {
    Role.VISITOR: mark("visitor"),
    Role.CAMPER: mark("camper"),
    Role.LIAISON: mark("liaison"),
    Role.MODERATOR: mark("moderator"),
    Role.COORDINATOR: mark("coordinator"),
    Role.LIST: mark("mailing list"),
}

CAME_BY = {
    Via.HERE: mark("written here"),
    Via.RADIO: mark("came by radio"),
    Via.IP: mark("came over a cable or the internet"),
    Via.LIST: mark("came from the mailing list"),
    Via.CARRIED: mark("was carried here"),
}

ON_ITS_WAY_TO_THE_LIST = {
    ListState.WAITING: mark("waits for the mailing list"),
    ListState.CLAIMED: mark("another camp says it was sent to the mailing list; it was not seen there yet"),
    ListState.HELD: mark("held on its way to the mailing list"),
    ListState.SENT: mark("sent to the mailing list"),
    ListState.ON_LIST: mark("is on the mailing list"),
    ListState.REFUSED: mark("does not go to the mailing list"),
}
# The same, told to those who ask about one letter: who holds or refused it.
HELD_BY_LIST = mark("held by the moderators of the mailing list")
HELD_HERE = mark("a moderator of this camp looks at it before it goes to the mailing list")
REFUSED_BY = {
    "moderator": mark("a moderator of this camp did not let it go to the mailing list"),
    "server": mark("refused by the mail server"),
    "list": mark("refused by the mailing list"),
}

HELD_BECAUSE = {
    HeldWhy.QUIET: mark("Only liaisons speak in this channel."),
    HeldWhy.MIC_CHECK: mark("A mic check that nobody has repeated yet."),
    HeldWhy.STRANGER: mark("Everybody's posts are held at the moment."),
    HeldWhy.MUTED: mark("This phone is muted."),
}

LINK_STATES = {
    "searching": mark("searching for a neighbour"),
    "talking": mark("talking"),
    "lost": mark("lost, trying again"),
    "unplugged": mark("unplugged"),
    "refused": mark("refused"),
    "stopped": mark("stopped"),
    "broken": mark("cannot be used"),
}

# A device of ours is looked for first; a word of its own for each kind of link that has one.
SEARCHING_FOR = {
    "meshtastic": mark("searching for the board"),
    "modem": mark("searching for the modem"),
}

# Why a file or a stick was not taken, opened or written (`hardware.stick_mount.Trouble`, `node.carry_desk`).
CARRY_TROUBLES = {
    "busy": mark("A file is being taken in. One thing at a time: wait for it, or stop it."),
    "no_bundles": mark("This is no file of bundles. Nothing in it was written by a camp."),
    "too_large": mark("This file is too long for a page. Bring it on a stick, or use miccheck import."),
    "disk_full": mark("The box is full. What came in until then stays; a coordinator has to free room."),
    "stopping": mark("This box is being stopped. Try again in a minute."),
    "gone": mark("It is not there any more. Was the stick pulled out? Plug it in and look again."),
    "in_use": mark("The stick is in use by this computer. Unmount it there, or wait."),
    "file_system": mark("The stick is formatted in a way this box does not read. FAT, exFAT and ext4 work."),
    "not_allowed": mark("This box may not open sticks. Somebody at the box can: miccheck import."),
    "damaged": mark("The stick cannot be read: it is damaged, or was pulled out too early."),
    "full": mark("There is no room on the stick. Nothing was written."),
    "read_only": mark(
        "The stick cannot be written to: its lock is on, or its files are not ours. Nothing was written."
    ),
    "not_a_file": mark("That is no plain file, and is left alone."),
}

# Also on every page, for those who would write.
OWN_KEY_DEAD = mark(
    "The key of this camp was made known as dead: other camps believe nothing that comes from here. "
    "What is only for this camp goes on."
)

REFUSED = {
    Refusal.EMPTY: mark("There is nothing in it yet. Write a few words."),
    Refusal.TOO_LONG: mark(
        "That is too long. At most: a message 4,000 letters, the hotline card 2,000, a reason 200, "
        "a name 40; fewer in some scripts."
    ),
    Refusal.NO_CHANNEL: mark("There is no such channel here."),
    Refusal.NO_MESSAGE: mark("That message is not here, or not any more."),
    Refusal.NO_CAMP: mark("No camp of that name or number has been heard here."),
    Refusal.AMBIGUOUS: mark("More than one camp has that name. Use its number."),
    Refusal.NO_LIST: mark("There is no such mailing list here."),
    Refusal.NO_CARD: mark("This card opens nothing. Look for a slip of the finger; or it was revoked."),
    Refusal.NOT_ALLOWED: mark("That cannot be done here, or is for others to do. Ask a person with a card."),
    Refusal.TOO_FAST: mark("That was quick. Wait a minute, then send it again."),
    Refusal.MIC_CHECKS_USED_UP: mark(
        "This camp has used its share of the air for mic checks. Wait, or post it without one."
    ),
    Refusal.STRANGERS_FULL: mark("Too many posts are waiting for a person. Try again in a while."),
    Refusal.MUTED: mark("Posts from this phone are not taken at the moment."),
    Refusal.BAD_NAME: mark("That name cannot be used: small letters and digits, joined by hyphens."),
    Refusal.WHY_MISSING: mark("Say why. Everybody can read it in the log."),
    Refusal.TOKEN_USED: mark("This form was sent before with other words. Send it again to post these too."),
    Refusal.BAD_LETTER: mark("This is no whole dead-key letter. Copy all of it, with its last line."),
    Refusal.DECIDED: mark("Somebody else was faster: this is decided."),
    Refusal.CHANGED: mark("Its camp changed the text meanwhile. Read it again, and decide."),
    Refusal.LAST_COORDINATOR: mark("This is the last coordinator card. Make another one first."),
    Refusal.OWN_CAMP: mark("That is this camp itself."),
    Refusal.KEY_DEAD: mark("The key of that camp is dead. Nobody can vouch for it any more."),
    Refusal.OWN_KEY_DEAD: OWN_KEY_DEAD,
    Refusal.DISK_FULL: mark(
        "The box is full. Reading goes on; posting stops until a coordinator frees room."
    ),
    Refusal.NO_REGISTRATION: mark("There is no such registration here."),
    Refusal.REGISTRATIONS_FULL: mark(
        "64 registrations of this camp wait for a camp that reaches the list's owner. "
        "Wait until some were asked."
    ),
}

# The words of the public log (`sync.store.people.Act`).
ACTS = {
    "add_link": mark("A link was added"),
    "stop_link": mark("A link was stopped"),
    "start_link": mark("A link was started"),
    "remove_link": mark("A link was removed"),
    "carry_in": mark("A file was brought in"),
    "carry_on_stick": mark("Messages were written onto a stick"),
    "carry_in_file": mark("Messages were taken along in a file"),
    "register": mark("Somebody was registered for a mailing list"),
    "unregister": mark("A registration for a mailing list was taken back"),
    "release": mark("A post was let through"),
    "repeat": mark("A mic check was repeated"),
    "refuse": mark("A post was not let through"),
    "retract": mark("A message was taken back"),
    "hide": mark("A message was hidden"),
    "unhide": mark("A message is shown again"),
    "mute": mark("A phone was muted"),
    "hold_strangers": mark("Everybody's posts are held"),
    "free_strangers": mark("Posts appear at once again"),
    "quiet": mark("A channel is quiet: only liaisons speak"),
    "open": mark("A channel is open: everybody speaks"),
    "set_channel": mark("A channel was changed"),
    "make_group": mark("A group was made"),
    "make_card": mark("A card was made"),
    "revoke_card": mark("A card was revoked"),
    "admit_introduced": mark("Only camps that were introduced are heard"),
    "admit_everybody": mark("Every camp of the network is heard"),
    "pin": mark("A camp was vouched for"),
    "unpin": mark("A camp is not vouched for any more"),
    "hotline": mark("The hotline card was changed"),
    "bury": mark("A dead-key letter was made known"),
    "approve_letter": mark("A letter was let go to a mailing list"),
    "approve_contacts": mark("A letter was let go to a mailing list, with the addresses or numbers in it"),
    "refuse_letter": mark("A letter was not let go to a mailing list"),
    "hold_letters": mark("The letters of a channel wait for a person"),
    "free_letters": mark("The letters of a channel leave by themselves"),
    "pause_list": mark("A mailing list was paused"),
    "resume_list": mark("A mailing list is served again"),
}

STATUS_OF = {
    Refusal.NO_MESSAGE: 404,
    Refusal.NO_REGISTRATION: 404,
    Refusal.NOT_ALLOWED: 403,
    Refusal.OWN_KEY_DEAD: 403,
    Refusal.MUTED: 403,
    Refusal.NO_CARD: 403,
    Refusal.TOO_FAST: 429,
    Refusal.MIC_CHECKS_USED_UP: 429,
    Refusal.STRANGERS_FULL: 429,
    Refusal.DECIDED: 409,
    Refusal.CHANGED: 409,
    Refusal.LAST_COORDINATOR: 409,
    Refusal.REGISTRATIONS_FULL: 409,
    Refusal.DISK_FULL: 507,
}


def status_of(refusal: Refusal) -> int:
    """The HTTP status of a refusal; 422 for what another form would cure."""
    return STATUS_OF.get(refusal, 422)


def title(language: Language, channel: str) -> str:
    """What a channel is called on the pages. Groups are called what they call themselves."""
    return language.say(TITLES[channel]) if channel in TITLES else channel


def rule(language: Language, channel: ChannelView) -> str:
    """Who speaks in a channel and how far it carries."""
    if channel.name == LETTERS:
        return language.say(mark("What people write on the mailing list. Read here, answered there."))
    speaks = mark("Everybody speaks.")
    if channel.speaks is Speaks.LIAISONS:
        speaks = mark("Liaisons speak. What others write waits for a moderator.")
    carries = mark("It goes to other camps by radio.")
    if not channel.crosses:
        carries = mark("It never leaves this camp.")
    elif channel.to_list:
        carries = mark("It goes to other camps by radio, and to the mailing list.")
    return f"{language.say(speaks)} {language.say(carries)}"


def state(language: Language, view: MessageView) -> tuple[str, ...]:
    """What happened to a message, most important first."""
    said = [_state(language, view)]
    if view.list is not None:
        said.append(language.say(ON_ITS_WAY_TO_THE_LIST[view.list]))
    return tuple(said)


def _state(language: Language, view: MessageView) -> str:
    match view.state:
        case State.HELD if view.urgent:
            return language.say(mark("waits for a person of this camp to repeat it"))
        case State.HELD:
            return language.say(mark("waits for a moderator"))
        case State.REFUSED:
            return language.say(mark("was not let through"))
        case State.RETRACTED:
            return language.say(mark("taken back"))
        case State.EXPIRED:
            return language.say(mark("no other camp heard it in time"))
        case State.WAITING | State.SENT | State.NEIGHBOUR:
            return _way(language, view)


def _way(language: Language, view: MessageView) -> str:
    if view.urgent and view.echoes:
        return language.count("heard by %(n)s camp", "heard by %(n)s camps", view.echoes)
    if not view.own:
        return language.say(CAME_BY[view.via])
    if view.channel == HERE:
        return language.say(mark("stays in this camp"))
    if view.state is State.WAITING:
        return language.say(mark("waiting for the radio"))
    if view.state is State.SENT:
        return language.say(mark("sent by radio"))
    return language.say(mark("a neighbour has it"))


def letter_state(language: Language, letter: LetterState) -> str:
    """Where a letter is on its way to one list."""
    match letter.state:
        case "held":
            return language.say(HELD_HERE)
        case "refused":
            return language.say(REFUSED_BY.get(letter.refused_by, REFUSED_BY["server"]))
        case "sent" if letter.said == "held":
            return language.say(HELD_BY_LIST)
        case "sent":
            return language.say(ON_ITS_WAY_TO_THE_LIST[ListState.SENT])
        case "on_list":
            return language.say(ON_ITS_WAY_TO_THE_LIST[ListState.ON_LIST])
        case "waiting" | "sending" if letter.said == "claimed":
            return language.say(ON_ITS_WAY_TO_THE_LIST[ListState.CLAIMED])
        case _:
            return language.say(ON_ITS_WAY_TO_THE_LIST[ListState.WAITING])


def link_state(language: Language, kind: str, word: str) -> str:
    """The state of a link of this kind; a word that is not known as it is."""
    if word == "searching" and kind in SEARCHING_FOR:
        return language.say(SEARCHING_FOR[kind])
    return language.say(LINK_STATES.get(word, word))


def actor(language: Language, said: str) -> str:
    """Who did something, as the public log says it: a role, or `liaison of` a group."""
    role, _, group = said.partition(" of ")
    known = next((word for each, word in ROLES.items() if each.word == role), None)
    if known is None:
        return said
    return (
        language.say(mark("%(role)s of %(group)s"), role=language.say(known), group=group)
        if group
        else (language.say(known))
    )


def is_loud(view: MessageView, now_s: float) -> bool:
    """Whether a message is shown as an alert: a mic check of the last day that went out and stands.

    One that was carried here on a stick, or was sent again by somebody, is as old as its words.
    """
    gone = view.hidden or view.state in (State.HELD, State.RETRACTED, State.EXPIRED, State.REFUSED)
    return view.urgent and not gone and now_s - min(view.created, view.received) < ALERT_S


def ago(language: Language, now_s: float, then_s: float) -> str:
    """How long ago something was, in the largest unit that fits. No time zone is needed to read it."""
    seconds = int(now_s - then_s)
    if seconds < 60:
        return language.say(mark("just now"))
    if seconds < 3600:
        return language.count("%(n)s minute ago", "%(n)s minutes ago", seconds // 60)
    if seconds < 2 * 86_400:
        return language.count("%(n)s hour ago", "%(n)s hours ago", seconds // 3600)
    return language.count("%(n)s day ago", "%(n)s days ago", seconds // 86_400)


def rfc3339(unix_s: float) -> str:
    """A stamp as programs read it: UTC, whole seconds, Z."""
    return _moment(unix_s).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp(unix_s: float) -> str:
    """A stamp as people read it: UTC, to the minute."""
    return _moment(unix_s).strftime("%Y-%m-%d %H:%M UTC")


def _moment(unix_s: float) -> datetime:
    return datetime.fromtimestamp(min(max(int(unix_s), 0), SECOND_MAX), UTC)
