"""Pictures of the page *Join the list*: every state of a registration, a refused form, a withdrawal."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import FloatRect, Page

from sync.actions import Register, Unregister
from sync.codec import pack
from sync.message import Kind, Message
from sync.receipts import list_digest
from sync.registrations import SEALED_BYTES, JoinState, states_reference
from tests.web.desk import TestDesk
from tests.web.phone import HTTPS

# Alias, what camps said of it, and whether it was taken back.
REGISTRATIONS: tuple[tuple[str, tuple[JoinState, ...], bool], ...] = (
    ("blue tent", (JoinState.ASKED, JoinState.CONFIRMED), False),
    ("", (JoinState.ASKED,), False),
    ("a friend of Marc", (JoinState.REFUSED,), False),
    ("legal, nights", (JoinState.ASKED,), True),
    ("library", (), True),
    ("press", (), False),
)


def with_registrations(desk: TestDesk) -> None:
    """One registration in each state, for the first list of the desk."""
    mailing_list = desk.mail_lists[0]
    digest = list_digest(mailing_list.address)
    for alias, states, taken_back in REGISTRATIONS:
        desk.order(Register(mailing_list.name, digest, desk.chance.randbytes(SEALED_BYTES), alias))
        desk.pass_time(3_000)
        own = desk.reader().registrations().all_own()[0]
        for state in states:
            body = pack(b"write to us first, please") if state is JoinState.REFUSED else b""
            reference = states_reference([(own.id, state)])
            said = Message(Kind.REGISTRATION_STATE, int(desk.time_s), body=body, reference=reference)
            with desk.store.transaction():
                desk.engine.publish(said, desk.now)
            desk.pass_time(600)
        if taken_back:
            desk.order(Unregister(own.number))


def take(page: Page, out: Path, ending: str) -> None:
    """The page, what it says to a slip of the finger, and what it asks before it takes something back."""
    page.goto(HTTPS + "/join")
    page.screenshot(path=out / f"join.{ending}.png", full_page=True)
    page.locator("summary").first.click()
    page.screenshot(path=out / f"join-withdraw.{ending}.png", full_page=True)
    page.fill("#address", "ana at example.org")
    page.check("input[name=consent]")
    page.locator("form[action='/join'] button").click()
    page.get_by_role("alert").wait_for()
    page.screenshot(path=out / f"join-refused.{ending}.png", full_page=True)


def take_for_the_guide(page: Page, folder: Path) -> None:
    """The pictures in the manual: the form, and what became of registrations."""
    page.goto(HTTPS + "/join")
    main, below = page.locator("main").bounding_box(), page.locator("#registrations").bounding_box()
    assert main is not None
    assert below is not None
    end = main["y"] + main["height"]
    for name, top, bottom in (("join", main["y"], below["y"]), ("join-registrations", below["y"], end)):
        part = FloatRect(x=0, y=top, width=main["width"], height=bottom - top)
        page.screenshot(path=folder / f"{name}.png", clip=part, full_page=True)
