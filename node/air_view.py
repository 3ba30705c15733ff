"""What is on the air, for a person at a terminal and for programs: one line an event."""

from __future__ import annotations

import json
from collections.abc import Callable

from radio.air_server import Came, Missed, News, Went
from radio.ledger import Ledger, kind_of
from radio.simulated import Began, Fate, Hearing, Sent

_CLEAR_LINE = "\r\x1b[K"
# For a person; programs get the bare word.
_FATES = {
    Fate.COLLIDED: "two at once",
    Fate.DEAF: "it was sending itself",
    Fate.LOST: "by chance",
    Fate.PART: "it heard only a part",
}


def as_line(news: News) -> str:
    """A line for a person."""
    when = f"{news.at_s:9.1f} s  "
    match news:
        case Came(camp, _, is_heard):
            return f"{when}{camp} is on the air" + ("" if is_heard else ", but --hears does not name it")
        case Went(camp, _):
            return f"{when}{camp} is off"
        case Missed(camp, _):
            return f"{when}{camp} does not read what it hears, and missed a frame"
        case Began(sender, frame, _, airtime_ms):
            return f"{when}{sender} begins: {_what(frame, airtime_ms)}"
        case Sent(sender, frame, _, airtime_ms, hearings):
            return f"{when}{sender}: {_what(frame, airtime_ms)} → {_fates(hearings)}"


def as_json(news: News) -> str:
    """A line for a program."""
    match news:
        case Came(camp, at_s, is_heard):
            return _object("on", at_s, camp, is_heard=is_heard)
        case Went(camp, at_s):
            return _object("off", at_s, camp)
        case Missed(camp, at_s):
            return _object("missed", at_s, camp)
        case Began(sender, frame, at_s, airtime_ms):
            return _object("begin", at_s, sender, **_frame(frame, airtime_ms))
        case Sent(sender, frame, at_s, airtime_ms, hearings):
            lost = {each.hearer: each.fate.value for each in hearings if each.fate is not Fate.HEARD}
            heard = list(news.heard_by())
            return _object("end", at_s, sender, **_frame(frame, airtime_ms), heard=heard, lost=lost)


def total_as_json(ledger: Ledger) -> str:
    """The last line for a program: all that was sent."""
    return json.dumps(
        {
            "event": "total",
            "frames": ledger.frames,
            "airtime_ms": round(ledger.airtime_ms),
            "airtime_ms_of_camp": {camp: round(ms) for camp, ms in ledger.ms_of_camp.items()},
            "airtime_ms_of_kind": {kind: round(ms) for kind, ms in ledger.ms_of_kind.items()},
            "fates": {fate.value: count for fate, count in ledger.fates.items()},
        },
        ensure_ascii=False,
    )


def total_as_line(ledger: Ledger) -> str:
    """The last line for a person."""
    camps = ", ".join(f"{camp} {ms / 1_000:,.1f} s" for camp, ms in sorted(ledger.ms_of_camp.items()))
    return f"{ledger.frames:,} frames, {ledger.airtime_ms / 1_000:,.1f} s on the air" + (
        f": {camps}" if camps else ""
    )


class AirView:
    """Writes news as it comes. On a terminal a last line shows who is sending at this moment."""

    def __init__(self, echo: Callable[[str], None], as_objects: bool, is_terminal: bool) -> None:
        """`echo` writes a text as it is and flushes it."""
        self.ledger = Ledger()
        self._echo = echo
        self._as_objects = as_objects
        self._is_live = is_terminal and not as_objects
        self._sending: dict[str, str] = {}

    def show(self, news: News) -> None:
        """Write one piece of news."""
        match news:
            case Began(sender, frame, _, airtime_ms):
                self._sending[sender] = f"{sender} {kind_of(frame)} {airtime_ms / 1_000:.1f} s"
            case Sent(sender):
                self.ledger.note(news)
                self._sending.pop(sender, None)
            case Came() | Went() | Missed():
                pass
        if self._as_objects:
            self._echo(as_json(news) + "\n")
        elif isinstance(news, Began):
            self._draw("")  # its line comes when it is over and it is known who heard it
        else:
            self._draw(as_line(news) + "\n")

    def end(self) -> None:
        """Write what it came to."""
        self._sending.clear()
        text = total_as_json(self.ledger) if self._as_objects else total_as_line(self.ledger)
        self._echo((_CLEAR_LINE if self._is_live else "") + text + "\n")

    def _draw(self, text: str) -> None:
        if not self._is_live:
            if text:
                self._echo(text)
            return
        now = " + ".join(self._sending.values())
        self._echo(f"{_CLEAR_LINE}{text}{'on the air: ' + now if now else 'silence'}")


def _what(frame: bytes, airtime_ms: float) -> str:
    return f"{kind_of(frame)}, {len(frame)} bytes, {airtime_ms:,.0f} ms"


def _fates(hearings: tuple[Hearing, ...]) -> str:
    if not hearings:
        return "nobody in earshot"
    heard = [each.hearer for each in hearings if each.fate is Fate.HEARD]
    lost = [f"{each.hearer} ({_FATES[each.fate]})" for each in hearings if each.fate is not Fate.HEARD]
    parts = [f"heard by {', '.join(heard)}"] if heard else []
    return "; ".join([*parts, *([f"lost at {', '.join(lost)}"] if lost else [])])


def _frame(frame: bytes, airtime_ms: float) -> dict[str, object]:
    return {"kind": kind_of(frame), "bytes": len(frame), "airtime_ms": round(airtime_ms)}


def _object(event: str, at_s: float, camp: str, **more: object) -> str:
    return json.dumps({"event": event, "at_s": round(at_s, 3), "camp": camp, **more}, ensure_ascii=False)
