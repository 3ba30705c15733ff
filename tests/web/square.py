"""A square with life in it: three camps, two languages, a mic check, held posts, a hotline card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from node.list_settings import MailingList
from sync.actions import (
    Actor,
    HideMessage,
    MakeCard,
    MakeGroup,
    PinCamp,
    ReleaseHeld,
    SetHotline,
    WritePost,
    Written,
)
from sync.letters.introducing import introduction_id
from sync.message import Role
from sync.store.letters import LetterTables
from sync.views import Count
from tests.sync.camps import cable
from tests.web.desk import KINDS, Camp, TestDesk
from web_ui.carry_desk import IntakeView, OpenStick, StickFileView, StickView
from web_ui.desk import AirtimeView, LinkView, ListView
from web_ui.road_desk import RoadView

HOTLINE = """Medic tent: +34 600 000 001, at the fountain, day and night
Legal: +34 600 000 002 — say nothing, sign nothing, ask for them
Lost child: go to the library tent"""

COORDINATOR = Actor(role=Role.COORDINATOR)
RADIO = AirtimeView("EU_868", "LONG_FAST", 0.012345, 0.05, 0.01, 0.10, 0.31, "channel")


@dataclass
class Square:
    sol: TestDesk
    norte: TestDesk
    camp: Camp
    root: str  # ids in hex
    mic_check: str
    held: str
    norte_post: str
    letter: str  # that waits on its way to a list


def say(desk: TestDesk, channel: str, text: str, name: str = "", actor: Actor | None = None, **more) -> bytes:
    desk.pass_time(95)
    written = desk.order(WritePost(channel, text, name, **more), actor or Actor(device=b"d" * 16))
    assert isinstance(written, Written)
    return written.message


def exchange(a: TestDesk, b: TestDesk) -> None:
    """Let two camps tell each other everything they have."""
    for desk, other in ((a, b), (b, a)):
        desk.engine.add_link(cable(f"to-{other.name}", other.identity.key), desk.now)
    for _ in range(40):
        a.pass_time(5)
        b.pass_time(5)
        for desk, other in ((a, b), (b, a)):
            with desk.store.transaction():
                frames = desk.engine.frames_to_send(f"to-{other.name}", desk.now, float("inf"))
            for frame in frames:
                with other.store.transaction():
                    other.engine.receive_frame(frame, f"to-{desk.name}", other.now)


def filled(folder: Path) -> Square:
    sol, norte = TestDesk(folder, "Acampada Sol"), TestDesk(folder, "Plaza Norte")
    coordinator = Actor(role=Role.COORDINATOR)
    sol.order(MakeGroup("kitchen", "Three meals a day for four hundred; bring onions."), coordinator)
    sol.order(MakeCard(Role.MODERATOR, name="night shift"), coordinator)
    sol.order(MakeCard(Role.LIAISON, "kitchen", "blue tent"), coordinator)
    sol.order(SetHotline(HOTLINE), coordinator)
    sol.order(SetHotline(HOTLINE + "\nShelter when it rains: the metro entrance, north side"), coordinator)
    norte.order(MakeGroup("legal", "Lawyers in turns, ask at the blue tent."), coordinator)
    norte_post = say(norte, "general", "Asamblea a las ocho junto a la fuente. Traed sillas.", "Inés")
    say(norte, "legal", "Two observers at each gate from six o'clock.", "Tom", coordinator)
    root = say(
        sol,
        "general",
        "We have forty blankets and no tents. Does any camp have tents to lend until Sunday?",
        "Lola",
    )
    say(sol, "general", "Norte has six, come with a car after dark.", "Marc", reply_to=root)
    say(
        sol,
        "general",
        "Y nosotros dos más en la biblioteca, preguntad por Aitor.",
        "Aitor",
        reply_to=root,
    )
    say(sol, "general", "اجتماع المطبخ في الساعة السابعة مساءً عند الخيمة الزرقاء", "ليلى")
    say(sol, "here", "Phone charging: bicycle dynamo behind the stage, one hour each.")
    say(sol, "announcements", "The water truck comes at nine. Bring containers.", "coordination", coordinator)
    say(sol, "kitchen", "Tomorrow: lentils. We need four people from ten o'clock.", "blue tent", coordinator)
    bad = say(sol, "general", "BUY CHEAP BATTERIES", "seller")
    sol.order(HideMessage(bad, "an advertisement, for the fourth time"), coordinator)
    exchange(sol, norte)
    sol.order(PinCamp(norte.identity.key.hex()), coordinator)
    mic_check = say(
        sol, "general", "Storm from the west in an hour: take down the high tents now.", "Lola", urgent=True
    )
    sol.order(ReleaseHeld(mic_check), Actor(role=Role.LIAISON, group="kitchen"))
    exchange(sol, norte)
    norte.pass_time(400)
    sol.pass_time(400)
    exchange(sol, norte)
    held = say(sol, "general", "Police vans at the north exit, five of them.", urgent=True)
    say(sol, "announcements", "Can somebody announce the yoga hour?", "Kim")
    sol.link_views = (
        LinkView("plaza-norte", "ip", "talking", "Plaza Norte", sol.time_s - 900, 214, 187),
        LinkView("harbour", "ip", "searching", None, sol.time_s - 7200, 0, 0),
        LinkView("air-1", "air", "talking", None, sol.time_s - 900, 61, 17, RADIO),
    )
    url = (("url", "Page address of the other camp", "norte.camp.internal:8080"),)
    board = (("device", "Device", "/dev/ttyACM0"), ("region", "Region", "EU_868"))
    sol.road_views = (
        RoadView("ip-1", "ip", KINDS[0].title, url, sol.link_views[:1], stopped=False, fixed=False),
        RoadView("air-1", "board", KINDS[1].title, board, sol.link_views[2:], stopped=False, fixed=True),
    )
    sol.carry.stick_views = (
        StickView("sda1", "PLAZA NORTE", 7_756_087_296, "vfat", "open"),
        StickView("sdb1", "", 31_914_983_424, "exfat", "closed"),
    )
    carried = StickFileView("61", "camp-20261121-1810.bundles", 1_431_977, sol.time_s - 9_000)
    sol.carry.open_stick = OpenStick("sda1", (carried,), 0, 1, False)
    sol.carry.intake_view = IntakeView("camp-20261120-0900.bundles", "done", 9, 9, 812, 40, 1, True)
    letter = with_mail(sol)
    sol.refused = (Count("signature", 3), Count("length", 41))
    return Square(
        sol, norte, Camp(sol), root.hex(), mic_check.hex(), held.hex(), norte_post.hex(), letter.hex()
    )


def with_mail(sol: TestDesk) -> bytes:
    """A list that is a few hours old: letters wait for a moderator, some are there, one is held there.

    The id of one that waits.
    """
    squares = MailingList(
        name="squares",
        address="squares@lists.example.org",
        outbox="smtp://sol@mail.example.org",
        inbox="imaps://sol@mail.example.org",
        password_file="secrets/mail",
        agreed_by="Tom, moderator",
        agreed_on=date(2026, 11, 20),
        owner_key="ERERERERERERERERERERERERERERERERERERERERERE=",
    )
    sol.mail_lists = (squares,)
    tables = LetterTables(sol.store.connection)
    there = [say(sol, "announcements", f"News of day {n}", "coordination", COORDINATOR) for n in range(1, 5)]
    with sol.store.transaction():
        tables.see_list("squares", sol.time_s - 3 * 3600)
        tables.queue("squares", (), 0, sol.time_s)
        tables.mark_sent("squares", there[:3], sol.time_s)
        tables.mark_on_list("squares", there[0], sol.time_s)
        tables.list_said("squares", there[1], "held", "Post by non-member", sol.time_s)
        tables.note_notice(
            "squares", "held", sol.time_s, "Your message awaits moderator approval", b"n" * 8, there[1]
        )
        tables.note_notice("squares", "vacation", sol.time_s - 7_000, "Back on Monday", b"v" * 8)
    waits = say(
        sol, "announcements", "Medic: +34 600 000 001, or medic@sol.example.", "blue tent", COORDINATOR
    )
    say(sol, "kitchen", "Onions for four hundred, please.", "Aitor", COORDINATOR)
    say(sol, "announcements", "Police at gate 4. Do not run.", "Lola", COORDINATOR, urgent=True)
    with sol.store.transaction():
        tables.queue("squares", (), 0, sol.time_s, hold_all=True)
        tables.introduce(
            "squares", introduction_id(sol.identity.author, squares.address), sol.time_s, hold=True
        )
    sol.lists = (ListView("squares", 4, 3, "", seconds_left=240.0, done=12, total=340),)
    return waits
