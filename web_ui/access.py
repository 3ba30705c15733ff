"""Who may open which page by which door: the one table, and the one function that reads it.

A camp's Wi-Fi password hangs on a poster, so plain HTTP can be read by everyone. What needs a card is
therefore served by HTTPS only and does not exist (404) on HTTP. A camp may allow its liaisons, and
nobody above them, on HTTP.

By HTTPS, somebody without a session who asks for such a page is sent to the page where a card is entered;
somebody whose card does not reach that far, or who sends a form without a session, is told so (403).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from sync.message import Role

# A visitor reads; sending a form makes one a camper. So what is open to one is open to the other.
EVERYBODY = frozenset({Role.VISITOR, Role.CAMPER, Role.LIAISON, Role.MODERATOR, Role.COORDINATOR})
CARD_HOLDERS = frozenset({Role.LIAISON, Role.MODERATOR, Role.COORDINATOR})
MODERATORS = frozenset({Role.MODERATOR, Role.COORDINATOR})
COORDINATORS = frozenset({Role.COORDINATOR})


class Door(Enum):
    """By which door a route is reached."""

    ANY = auto()
    TLS = auto()  # HTTPS only
    TLS_OR_LIAISON = auto()  # HTTPS; and HTTP where the camp allows liaisons there
    LOOPBACK = auto()  # from the box itself only


class Verdict(Enum):
    """What happens to a request."""

    ENTER = auto()
    HIDDEN = auto()  # 404, as for a page that does not exist
    TO_CARD = auto()  # 303 to the page where a card is entered
    FORBIDDEN = auto()  # 403


@dataclass(frozen=True, slots=True)
class Rule:
    """Whose a route is, and where it stands."""

    roles: frozenset[Role]
    door: Door


OPEN = Rule(EVERYBODY, Door.ANY)
CARD_ENTRY = Rule(EVERYBODY, Door.TLS_OR_LIAISON)
LIAISON = Rule(CARD_HOLDERS, Door.TLS_OR_LIAISON)
LETTER = Rule(CARD_HOLDERS, Door.TLS)
MODERATOR = Rule(MODERATORS, Door.TLS)
COORDINATOR = Rule(COORDINATORS, Door.TLS)
LOOPBACK = Rule(EVERYBODY, Door.LOOPBACK)

# A route that is not named here cannot be opened: the request fails loudly, and so does the test that walks.
TABLE: dict[tuple[str, str], Rule] = {
    ("GET", "/"): OPEN,
    ("GET", "/c/{channel}"): OPEN,
    ("GET", "/m/{message}"): OPEN,
    ("GET", "/post"): OPEN,
    ("POST", "/post"): OPEN,
    ("GET", "/mic-check"): OPEN,
    ("POST", "/m/{message}/retract"): OPEN,
    ("GET", "/search"): OPEN,
    ("GET", "/seen"): OPEN,
    ("GET", "/status"): OPEN,
    ("GET", "/log"): OPEN,
    ("GET", "/hotline"): OPEN,
    ("GET", "/camps"): OPEN,
    ("GET", "/language/{code}"): OPEN,
    ("GET", "/card"): CARD_ENTRY,
    ("GET", "/card/{secret}"): CARD_ENTRY,
    ("POST", "/card"): CARD_ENTRY,
    ("POST", "/leave"): LIAISON,
    ("GET", "/held"): LIAISON,
    ("POST", "/held/{message}/release"): LIAISON,
    ("POST", "/held/{message}/refuse"): LIAISON,
    ("GET", "/clock"): LIAISON,
    ("POST", "/clock"): LIAISON,
    ("POST", "/m/{message}/hide"): MODERATOR,
    ("POST", "/m/{message}/unhide"): MODERATOR,
    ("POST", "/m/{message}/mute"): MODERATOR,
    ("GET", "/moderate"): MODERATOR,
    ("POST", "/moderate/strangers"): MODERATOR,
    ("POST", "/moderate/channel"): MODERATOR,
    ("GET", "/mail"): MODERATOR,
    ("POST", "/mail/look"): MODERATOR,
    ("POST", "/mail/pause"): COORDINATOR,
    ("POST", "/mail/hold"): MODERATOR,
    ("GET", "/mail/held"): MODERATOR,
    ("POST", "/mail/held/approve"): MODERATOR,
    ("POST", "/mail/held/refuse"): MODERATOR,
    ("POST", "/mail/held/several"): MODERATOR,
    # A liaison sees how the own group's letters leave, and types an address: never by plain HTTP.
    ("GET", "/mail/{number}/preview/{message}"): LETTER,
    ("GET", "/mail/{number}/preview/{message}/letter.eml"): LETTER,
    ("POST", "/mail/{number}/preview/{message}/try"): LETTER,
    ("GET", "/mail/notices"): MODERATOR,
    ("POST", "/mail/notices/seen"): MODERATOR,
    ("GET", "/join"): LETTER,
    ("POST", "/join"): LETTER,
    ("POST", "/join/{number}/withdraw"): LETTER,
    ("GET", "/coordinator"): COORDINATOR,
    ("GET", "/coordinator/cards"): COORDINATOR,
    ("POST", "/coordinator/cards"): COORDINATOR,
    ("POST", "/coordinator/cards/{card}/revoke"): COORDINATOR,
    ("POST", "/coordinator/sessions/{session}/close"): COORDINATOR,
    ("GET", "/coordinator/camps"): COORDINATOR,
    ("POST", "/coordinator/pin"): COORDINATOR,
    ("POST", "/coordinator/unpin"): COORDINATOR,
    ("POST", "/coordinator/admission"): COORDINATOR,
    ("POST", "/coordinator/farewell"): COORDINATOR,
    ("GET", "/coordinator/links"): COORDINATOR,
    ("GET", "/coordinator/links/add/{kind}"): COORDINATOR,
    ("POST", "/coordinator/links/add/{kind}"): COORDINATOR,
    ("POST", "/coordinator/links/{link}/stop"): COORDINATOR,
    ("POST", "/coordinator/links/{link}/start"): COORDINATOR,
    ("POST", "/coordinator/links/{link}/remove"): COORDINATOR,
    ("GET", "/coordinator/carry"): COORDINATOR,
    ("GET", "/coordinator/carry/file"): COORDINATOR,
    ("POST", "/coordinator/carry/upload"): COORDINATOR,
    ("POST", "/coordinator/carry/stop"): COORDINATOR,
    ("POST", "/coordinator/carry/open"): COORDINATOR,
    ("POST", "/coordinator/carry/close"): COORDINATOR,
    ("POST", "/coordinator/carry/take"): COORDINATOR,
    ("POST", "/coordinator/carry/write"): COORDINATOR,
    ("GET", "/coordinator/channels"): COORDINATOR,
    ("POST", "/coordinator/groups"): COORDINATOR,
    ("POST", "/coordinator/channels"): COORDINATOR,
    ("GET", "/coordinator/hotline"): COORDINATOR,
    ("POST", "/coordinator/hotline"): COORDINATOR,
    ("GET", "/healthz"): OPEN,
    ("GET", "/metrics"): LOOPBACK,
    ("GET", "/api/openapi.json"): OPEN,
    ("GET", "/api/v1/status"): OPEN,
    ("GET", "/api/v1/channels"): OPEN,
    ("GET", "/api/v1/messages"): OPEN,
    ("POST", "/api/v1/messages"): OPEN,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the table has to know of a request."""

    method: str
    role: Role  # of its session; VISITOR or CAMPER without one
    secure: bool  # came by HTTPS
    loopback: bool  # came from the box itself


def decide(rule: Rule, asked: Asked, liaisons_on_http: bool) -> Verdict:
    """What happens to a request for a route with this rule."""
    if rule.door is Door.LOOPBACK and not asked.loopback:
        return Verdict.HIDDEN
    if not asked.secure and not _stands_on_http(rule.door, liaisons_on_http):
        return Verdict.HIDDEN
    if asked.role in rule.roles:
        return Verdict.ENTER
    if asked.method == "GET" and asked.role not in CARD_HOLDERS:
        return Verdict.TO_CARD
    return Verdict.FORBIDDEN


def session_counts(role: Role, secure: bool, liaisons_on_http: bool) -> bool:
    """Whether a session of this role is a session at this door: by HTTP only a liaison's, where allowed."""
    return secure or (liaisons_on_http and role is Role.LIAISON)


def _stands_on_http(door: Door, liaisons_on_http: bool) -> bool:
    return door in (Door.ANY, Door.LOOPBACK) or (door is Door.TLS_OR_LIAISON and liaisons_on_http)
