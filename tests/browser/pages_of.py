"""The pages there are, for tests that open all of them."""

from __future__ import annotations

from tests.web.square import Square


def everybody(square: Square) -> dict[str, str]:
    """Path and name of every page anybody may open."""
    return {
        "/": "front",
        "/c/general": "channel",
        "/c/letters": "empty",
        f"/m/{square.root}": "message",
        f"/m/{square.mic_check}": "mic-check-message",
        f"/m/{square.norte_post}": "other-camp",
        "/post": "write",
        "/mic-check": "mic-check",
        "/search?q=tent": "search",
        "/seen": "seen",
        "/status": "status",
        "/log": "log",
        "/hotline": "hotline",
        "/camps": "camps",
        "/nothing-here": "missing",
    }


def with_card(square: Square) -> dict[str, str]:
    """Path and name of every page for people with a card."""
    return {
        "/card": "card",
        "/card/MC-AAAAA-BBBBB-CCCCC-DDDDD": "card-link",
        "/held": "held",
        f"/m/{square.held}": "moderating",
        "/moderate": "moderate",
        "/clock": "clock",
        "/mail": "mail",
        "/mail/held": "mail-held",
        f"/mail/1/preview/{square.letter}": "mail-preview",
        "/mail/notices": "mail-notices",
        "/join": "join",
        "/coordinator": "coordinator",
        "/coordinator/cards": "cards",
        "/coordinator/camps": "coordinator-camps",
        "/coordinator/links": "coordinator-links",
        "/coordinator/links/add/ip": "coordinator-link-add",
        "/coordinator/carry": "coordinator-carry",
        "/coordinator/channels": "coordinator-channels",
        "/coordinator/hotline": "coordinator-hotline",
    }
