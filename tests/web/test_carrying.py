"""The coordinators' page for carrying: files out and in, sticks by a tap, one sentence for each trouble."""

from __future__ import annotations

import io
import re
from html import unescape

import pytest

from sync.carried import CarriedFile
from sync.message import Role
from tests.web.desk import Camp, TestDesk
from tests.web.square import say
from web_ui import words
from web_ui.carry_desk import (
    UPLOAD_BYTES_MAX,
    IntakeView,
    OpenStick,
    StickFileView,
    StickView,
    WrittenView,
)
from web_ui.pages.carrying import megabytes

STICK = StickView("sda1", "NORTE", 8_000_000_000, "vfat", "closed")
FILE = StickFileView("61", "camp-20261122.bundles", 1_431_977, 1_795_000_000.0)
RUNNING = IntakeView("camp.bundles", "running", 500_000, 1_431_977, 3_200, 40, 2, False)


@pytest.fixture
def camp(tmp_path):
    return Camp(TestDesk(tmp_path))


@pytest.fixture
def carry(camp):
    return camp.desk.carry


@pytest.fixture
def phone(camp):
    with camp.with_card(Role.COORDINATOR) as phone:
        yield phone


def page_of(phone) -> str:
    answer = phone.get("/coordinator/carry")
    assert answer.status_code == 200
    return text_of(answer)


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", answer.text)))


def token_in(html: str) -> str:
    return re.findall(r'name="token" value="([^"]+)"', html)[0]


def order(phone, what: str, **fields: str):
    token = token_in(phone.get("/coordinator/carry").text)
    return phone.post(f"/coordinator/carry/{what}", data={"token": token, **fields})


def test_nothing_is_plugged_in(phone):
    assert "No stick is plugged in. Plug one in, then look again." in page_of(phone)


def test_a_stick_is_seen_and_opened_only_by_a_tap(phone, carry):
    carry.stick_views = (STICK,)
    page = page_of(phone)
    assert "NORTE" in page
    assert "8.0 GB" in page
    assert "Look what is on it" in page
    assert carry.orders == []
    assert order(phone, "open", stick="sda1").headers["location"] == "/coordinator/carry"
    assert carry.orders == [("open", "sda1")]


def test_what_is_on_it_is_taken_in_by_another_tap(phone, carry):
    carry.stick_views = (StickView("sda1", "", 8_000_000_000, "vfat", "open"),)
    carry.open_stick = OpenStick("sda1", (FILE,), 3, 2, True)
    page = page_of(phone)
    for said in (
        "a stick",
        "camp-20261122.bundles",
        "1.4 MB · 2026-11-18",
        "3 more are not shown",
        "2 things have such a name and are no files. They are left alone.",
        "There are more names on it than this box looks at.",
    ):
        assert said in page
    assert order(phone, "take", file="61").status_code == 303
    assert order(phone, "close").status_code == 303
    assert carry.orders == [("take", "61"), ("close",)]


def test_a_stick_without_bundles_and_one_that_fell_out(phone, carry):
    carry.stick_views = (StickView("sda1", "", 8_000_000_000, "vfat", "open"),)
    carry.open_stick = OpenStick("sda1", (), 0, 0, False)
    assert "There is no file of bundles on it" in page_of(phone)
    carry.open_stick = OpenStick("sda1", (), 0, 0, False, "damaged")
    assert "The stick cannot be read" in page_of(phone)


def test_one_that_is_mounted_by_somebody_else_is_left_alone(phone, carry):
    carry.stick_views = (StickView("sda1", "", 8_000_000_000, "vfat", "elsewhere"),)
    page = page_of(phone)
    assert "It is in use by this computer" in page
    assert "Look what is on it" not in page


def test_a_box_that_may_not_open_sticks_says_what_to_do(phone, carry):
    carry.stick_views, carry.may_open = (STICK,), False
    page = page_of(phone)
    assert "This box may not open sticks. Somebody at the box can: miccheck import" in page
    assert "Look what is on it" not in page


def test_writing_onto_a_stick(phone, camp, carry):
    carry.stick_views = (STICK,)
    assert order(phone, "write", stick="sda1", since="24", channel="general").status_code == 303
    assert order(phone, "write", stick="sda1", since="junk", channel="").status_code == 303
    assert carry.orders == [
        ("write", "sda1", camp.desk.time_s - 86_400, "general"),
        ("write", "sda1", None, None),
    ]
    carry.written_view = WrittenView("camp-20261122-2130.bundles", 812)
    assert "812 bundles are on the stick. camp-20261122-2130.bundles. You can pull it out." in page_of(phone)


def test_what_was_carried_stands_in_the_public_log_without_its_name(phone, carry):
    assert send_file(phone, b"x", "for Eva.bundles").status_code == 303
    order(phone, "take", file="61")
    order(phone, "write", stick="sda1")
    assert phone.get("/coordinator/carry/file").status_code == 200
    order(phone, "open", stick="sda1")  # to look is not to carry
    carry.trouble = "gone"
    order(phone, "write", stick="sda1")
    log = text_of(phone.get("/log"))
    said = (
        "A file was brought in",
        "Messages were written onto a stick",
        "Messages were taken along in a file",
    )
    assert [log.count(each) for each in said] == [2, 1, 1]
    assert "Eva" not in log
    assert "sda1" not in log


@pytest.mark.parametrize(
    ("what", "trouble"),
    [
        *(("open", trouble) for trouble in words.CARRY_TROUBLES),
        *((what, "gone") for what in ("close", "take", "write", "upload", "file")),
    ],
)
def test_every_trouble_is_one_sentence_on_the_page(phone, carry, what, trouble):
    carry.stick_views = (STICK,)
    carry.trouble = trouble
    if what == "upload":
        answer = send_file(phone, b"x")
    elif what == "file":
        answer = phone.get("/coordinator/carry/file")
    else:
        answer = order(phone, what, stick="sda1", file="61")
    assert answer.status_code in (403, 404, 409, 413, 422, 507)
    assert words.CARRY_TROUBLES[trouble] in text_of(answer)
    assert "NORTE" in answer.text  # and the page goes on from there


class TestProgress:
    def test_the_page_comes_again_without_script_while_it_runs(self, phone, carry):
        carry.intake_view = RUNNING
        answer = phone.get("/coordinator/carry")
        assert answer.headers["refresh"] == "3;url=/coordinator/carry"
        page = text_of(answer)
        assert "0.5 MB of 1.4 MB read" in page
        assert "3200 new, 40 known already, 2 refused" in page
        assert 'enctype="multipart/form-data"' not in answer.text
        assert order(phone, "stop").status_code == 303
        assert carry.orders == [("stop",)]

    @pytest.mark.parametrize(
        ("state", "torn", "trouble", "said"),
        [
            ("done", False, "", "All of it is in."),
            ("done", True, "", "The file is damaged. This is what was good in it."),
            ("stopped", False, "", "Stopped. What came in stays."),
            ("failed", False, "no_bundles", "This is no file of bundles."),
            ("failed", False, "disk_full", "The box is full. What came in until then stays"),
        ],
    )
    def test_and_stands_when_it_is_over(self, phone, carry, state, torn, trouble, said):
        carry.intake_view = IntakeView("x", state, 9, 9, 1, 2, 3, torn, trouble)
        answer = phone.get("/coordinator/carry")
        assert "refresh" not in answer.headers
        assert said in text_of(answer)
        assert "Refused is what nobody signed" in text_of(answer)

    def test_a_name_cannot_break_out(self, phone, carry):
        carry.intake_view = IntakeView("<script>alert(1)</script>", "done", 9, 9, 1, 2, 3, False)
        assert "<script>alert" not in phone.get("/coordinator/carry").text


def send_file(phone, data: bytes, name: str = "camp.bundles", token: str | None = None):
    if token is None:
        token = token_in(phone.get("/coordinator/carry").text)
    return phone.post("/coordinator/carry/upload", data={"token": token}, files={"file": (name, data)})


class TestUpload:
    def test_a_file_arrives_as_it_was_sent(self, phone, carry):
        data = bytes(range(256)) * 3_000  # ten times what any other form may have
        answer = send_file(phone, data, "von Süden.bundles")
        assert answer.headers["location"] == "/coordinator/carry"
        assert carry.orders == [("receive", "von Süden.bundles"), ("received", data)]

    def test_a_form_counts_once_and_only_here(self, phone, carry):
        token = token_in(phone.get("/coordinator/carry").text)
        assert send_file(phone, b"1", token=token).status_code == 303
        assert send_file(phone, b"1", token=token).status_code == 409
        assert send_file(phone, b"1", token="made up").status_code == 409
        assert len(carry.orders) == 2

    def test_more_than_the_page_takes(self, phone, carry, monkeypatch):
        monkeypatch.setattr("web_ui.pages.carrying.UPLOAD_BYTES_MAX", 100_000)
        answer = send_file(phone, bytes(100_001))
        assert answer.status_code == 413
        assert "Bring it on a stick" in answer.text
        assert carry.orders == [("receive", "camp.bundles")]
        assert send_file(phone, bytes(100_000)).status_code == 303
        assert UPLOAD_BYTES_MAX > 150 * 64 * 4_500

    @pytest.mark.parametrize(
        ("kind", "body", "status"),
        [
            ("text/plain", b"hello", 415),
            ("multipart/form-data", b"hello", 415),
            ("multipart/form-data; boundary=x", b"hello", 400),
            ("multipart/form-data; boundary=x", b"", 400),
            ("multipart/form-data; boundary=x", b"--x\r\n\r\n\r\n--x--\r\n", 400),
            ("multipart/form-data; boundary=x", b"--x\r\nA: " + b"b" * 9_000, 400),
            ("multipart/form-data; boundary=x", b"--x\r\n" + b"A: b\r\n" * 50 + b"\r\nx", 400),
            (
                "multipart/form-data; boundary=x",
                b'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n' + b"t" * 9_000,
                400,
            ),
        ],
    )
    def test_what_is_no_such_form(self, phone, carry, kind, body, status):
        answer = phone.post("/coordinator/carry/upload", content=body, headers={"content-type": kind})
        assert answer.status_code == status
        assert carry.orders == []

    def test_one_that_breaks_off_is_not_taken(self, phone, carry):
        token = token_in(phone.get("/coordinator/carry").text)
        head = f'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n{token}\r\n--x\r\n'
        head += 'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf of it'
        answer = phone.post(
            "/coordinator/carry/upload",
            content=head.encode(),
            headers={"content-type": "multipart/form-data; boundary=x"},
        )
        assert answer.status_code == 400
        assert carry.orders == [("receive", "a")]

    def test_nobody_else_sends_one(self, camp, carry):
        for role in (Role.LIAISON, Role.MODERATOR):
            with camp.with_card(role, "kitchen" if role is Role.LIAISON else None) as phone:
                assert send_file(phone, b"x", token="t").status_code == 403
        with camp.phone(secure=True) as phone:
            assert send_file(phone, b"x", token="t").status_code == 403
        with camp.phone() as phone:
            assert send_file(phone, b"x", token="t").status_code == 404
        assert carry.orders == []


class TestDownload:
    def test_a_file_of_bundles(self, phone, camp, carry):
        say(camp.desk, "general", "six tents to lend")
        say(camp.desk, "here", "stays")
        camp.desk.pass_time(120)
        answer = phone.get("/coordinator/carry/file")
        assert answer.status_code == 200
        assert re.fullmatch(
            r'attachment; filename="camp-\d{8}-\d{4}\.bundles"', answer.headers["content-disposition"]
        )
        assert answer.headers["content-type"] == "application/octet-stream"
        assert len(list(CarriedFile(io.BytesIO(answer.content)))) >= 1
        assert b"stays" not in answer.content
        assert carry.orders == [("seal",), ("bundles", None, None)]

    def test_less_of_it(self, phone, camp, carry):
        page = phone.get("/coordinator/carry").text
        assert '<option value="here">' not in page
        phone.get("/coordinator/carry/file?since=72&channel=kitchen")
        assert carry.orders[-1] == ("bundles", camp.desk.time_s - 72 * 3_600, "kitchen")


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 kB"), (1, "1 kB"), (99_999, "100 kB"), (1_431_977, "1.4 MB"), (8_000_000_000, "8.0 GB")],
)
def test_sizes_as_people_read_them(size, said):
    assert megabytes(size) == said
