"""Settings: what is right is taken, what is wrong is named with its line and the words that would do."""

import json
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.list_settings import MailingList
from node.settings import Camp, Internet, Link, Settings, parse_settings, read_settings
from node.settings_reader import SettingsError
from radio.road_words import words_of
from radio.roads import KINDS, Air, Ip

WHOLE = """
[camp]
name = "Plaza"
place = "gate 4"
language = "es"
network = "a long sentence we agreed on"
admit = "introduced"

[web]
host = "127.0.0.1"
port = 0
tls_port = 9443
liaisons_on_http = true

[[link]]
kind = "ip"
url = "https://192.168.4.2:8443"

[[link]]
kind = "ip"
url = "http://camp-two.local:8080/"

[[list]]
name = "assembly"
address = "assembly@lists.example.org"
outbox = "maildir:out"
inbox = "mbox:/var/mail/assembly"
channels = ["general", "announcements"]
direction = "out"

[[list]]
name = "network"
address = "network@lists.example.org"
outbox = "smtp://camp@mail.example.org:587"
sender = "camp@example.org"
password_file = "secrets/list.password"

[clock]
speed = 60

[quota]
device_per_minute = 0
"""


def test_nothing_written_is_all_defaults():
    assert parse_settings("", {}) == Settings()


def test_everything_can_be_set():
    settings = parse_settings(WHOLE, {})
    assert settings.camp == Camp(
        name="Plaza",
        place="gate 4",
        language="es",
        network="a long sentence we agreed on",
        admit="introduced",
    )
    assert settings.web.port == 0
    assert settings.web.liaisons_on_http
    assert settings.link == (
        Link("ip", Ip("https://192.168.4.2:8443")),
        Link("ip", Ip("http://camp-two.local:8080/")),
    )
    assert settings.list == (
        MailingList(
            "assembly",
            "assembly@lists.example.org",
            "maildir:out",
            "mbox:/var/mail/assembly",
            ("general", "announcements"),
            "out",
        ),
        MailingList(
            "network",
            "network@lists.example.org",
            "smtp://camp@mail.example.org:587",
            sender="camp@example.org",
            password_file="secrets/list.password",
        ),
    )
    assert settings.clock.speed == 60.0
    assert isinstance(settings.clock.speed, float)
    assert settings.quota.device_per_minute == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[camp]\nnaem = 'x'", 'line 2: unknown word "naem" in [camp]; valid are name, place, .*mean "name"'),
        ("\n\n[wbe]\nport = 1", 'line 3: unknown table "wbe"; valid are camp, web, .* mean "web"'),
        ("port = 1", 'line 1: unknown table "port"'),
        ("[web]\n# hi\nport = 'many'", 'line 3: port = "many" in [web] is wrong: valid is a whole number'),
        ("[web]\nport = true", "line 2: port = true in [web] is wrong: valid is a whole number"),
        ("[web]\nport = 70000", "line 2: port = 70000 in [web] is wrong: valid is 0 to 65535"),
        ("[camp]\nadmit = 'all'", 'line 2: admit = "all" .* valid are "network", "introduced"'),
        ('[camp]\nname = "a\\nb"', "line 2: .* one line of plain text"),
        ("[camp]\nname = '" + "x" * 49 + "'", "line 2: .* at most 48 bytes, this one has 49"),
        ("[camp]\nname = ''", "line 2: .* must not be empty"),
        ("[camp]\nnetwork = ''", "line 2: .* 1 to 64 bytes"),
        (
            "[[link]]\nkind = 'sea'\nurl = 'http://a:1'",
            'line 2: kind = "sea" in [link] .* valid are "ip", .*"air"',
        ),
        (
            "[[link]]\nkind='air'\nurl='http://a:1'\naddress='a:1'",
            'line 3: .*"air" has no "url"; .* address, preset',
        ),
        ("[[link]]\nkind='ip'\nurl='http://a:1'\npreset='LONG_FAST'", 'line 4: .*"ip" has no "preset"'),
        ("[[link]]\nkind='air'", r'line 1: \[\[link\]\] of kind "air" needs "address"'),
        ("[[link]]\nkind='air'\naddress='here'", 'line 3: address = "here" .*"HOST:PORT"'),
        ("[[link]]\nkind='air'\naddress='a:0'", 'line 3: address = "a:0" .*"HOST:PORT"'),
        ("[[link]]\nkind='air'\naddress='a:1'\npreset='FAST'", 'line 4: preset = "FAST" .*"SHORT_FAST"'),
        ("[[link]]\nkind='air'\naddress='a:1'\nregion='EU868'", 'line 4: region = "EU868" .*"EU_868"'),
        ("[[link]]\nkind='air'\naddress='a:1'\nairtime_share=2", "line 4: airtime_share = 2 .* 0.05 to 1"),
        (
            "[[link]]\nkind='air'\naddress='a:1'\npreset='SHORT_TURBO'\nregion='EU_868'",
            "line 5: SHORT_TURBO is 500 kHz wide, and EU_868 250 kHz",
        ),
        (
            "[[link]]\nkind='air'\naddress='a:1'\nregion='JP'\npreset='LONG_SLOW'",
            "line 4: a frame of LONG_SLOW takes 14.3 s, and JP allows 4 s",
        ),
        ("[[link]]\nkind='ip'\nurll='http://a:1'", 'line 3: .*"ip" has no "urll"; .* did you mean "url"'),
        ("[[link]]\nkind='ip'\nurl='http://a:1'\nstopped='no'", "line 4: stopped = .* true or false"),
        ("[[link]]\nkind='ip'\nurl='http://a:1'\nregion='US'", 'line 4: .*"ip" has no "region"'),
        ("[[link]]\nkind='ip'\nurl='http://a'\n[[link]]\nkind='ip'\nurl='a:1'", "line 6: url = .*http"),
        ("[[link]]\nkind='ip'\nurl='http://a:99999'", "line 3: url"),
        ("[[link]]\nurl='http://a:1'", r'line 1: \[\[link\]\] needs "kind"'),
        ("[[link]]\nkind='ip'", r'line 1: \[\[link\]\] of kind "ip" needs "url"'),
        ("[link]\nkind='ip'", "line 1: write [[link]] in double brackets"),
        ("camp = 3", "line 1: camp is a table"),
        ("[[list]]\nname='l'\noutbox='imap://u@h'", 'line 3: .* "smtp://host:25", or "maildir:PATH"'),
        ("[[list]]\nname='l'\noutbox='smtps://u@h/x'", 'line 3: .* "smtps://user@host"'),
        ("[[list]]\nname='l'\ninbox='imaps://h'", 'line 3: .* "imaps://user@host/Folder"'),
        (
            "[[list]]\nname='l'\ninbox='imaps://u:secret@h'",
            'line 3: .* "imaps://u:…@h" .* password_file',
        ),
        (
            "[[list]]\nname='l'\naddress='l@h.example'\ninbox='imap://u@h'",
            'line 4: an inbox by IMAP needs "inbox_password_file"',
        ),
        (
            "[[list]]\nname='l'\ninbox='imap://u@h'\npassword_file='p'",
            'line 1: a [[list]] with an inbox by IMAP or maildir needs "address"',
        ),
        ("[[list]]\nname='l'\ninbox='maildir:in'", 'line 1: .* by IMAP or maildir needs "address"'),
        ("[[list]]\nname='l'\nchannels=['here']", 'line 3: .*"here" never leaves the camp'),
        ("[[list]]\nname='l'\nchannels=['a','letters']", 'line 3: .*"letters" is what came from a list'),
        ("[[list]]\nname='l'\nagreed_on=2026-11-23", 'line 3: "agreed_on" needs "agreed_by"'),
        ("[[list]]\nname='l'\nagreed_by='Ana'", 'line 3: "agreed_by" needs "agreed_on"'),
        ("[[list]]\nname='l'\nagreed_on='today'", 'line 3: agreed_on = "today" .* a day: 2026-11-23'),
        ("[[list]]\nname='l'\nagreed_on=2026-11-23T10:00:00", "line 3: .* a day: 2026-11-23"),
        ("[[list]]\nname='l'\nhold_hours=-1", "line 3: hold_hours = -1 .* 0 to 720"),
        ("[[list]]\nname='l'\nper_hour=0", "line 3: per_hour = 0 .* 1 to 3600"),
        ("[[list]]\nname='l'\ndigest_above=-1", "line 3: .* 0 to 1000"),
        ("[[list]]\nname='l'\nowner_key='AAAA'", "line 3: .*miccheck owner-key make"),
        ("[[list]]\nname='l'\njoining='phone'", 'line 3: .* "letter", "request"'),
        ("[[list]]\nname='l'\njoining='request'", 'line 3: .*needs "owner_secret_file"'),
        ("[[list]]\nname='l'\n[[list]]\nname='l'", 'line 4: there is another [[list]] with name = "l"'),
        ("[camp]\ntimezone='Europe/Madird'", 'line 2: timezone = "Europe/Madird" .*a time zone like'),
        ("[camp]\ntimezone='../UTC'", "line 2: .*a time zone like"),
        ("[internet]\ncheck='https://example.org'", "line 2: .* plain HTTP"),
        ("[internet]\nmeterd=true", 'line 2: unknown word "meterd" in [internet]; .* mean "metered"'),
        (
            "[[list]]\nname='l'\noutbox='smtp://u:secret@h'",
            'line 3: outbox = "smtp://u:…@h" .* password_file',
        ),
        ("[[list]]\nname='l'\noutbox='smtp://h:0'", 'line 3: .* "smtp://host:25"'),
        ("[[list]]\nname='l'\noutbox='smtp://h/x'", 'line 3: .* "smtp://host:25"'),
        ("[[list]]\nname='l'\noutbox='smtp://h'", 'line 1: a [[list]] with an SMTP outbox needs "address"'),
        ("[[list]]\nname='l'\nsender='me'", "line 3: .* camps@lists.example.org"),
        ("[[list]]\nname='l'\ninbox='mbox:'", 'line 3: .* "maildir:PATH" or "mbox:PATH"'),
        ("[[list]]\nname='l'\nchannels=['A b']", 'line 3: .*"A b" cannot be the name of a channel'),
        ("[[list]]\nname='l'\nchannels=[1]", "line 3: .* a list of texts"),
        ("[[list]]\nname='l'\ndirection='up'", 'line 3: .* "both", "out", "in"'),
        ("[clock]\nspeed = 0", "line 2: speed = 0 .* 0.001 to 10000"),
        ("[camp\n", "is not TOML: .*line 1"),
    ],
)
def test_a_wrong_word_is_named_with_its_line(text, says):
    with pytest.raises(SettingsError) as error:
        parse_settings(text, {})
    message = str(error.value)
    pattern = says if r"\[" in says else says.replace("[", r"\[").replace("]", r"\]")
    assert re.search(pattern, message), message
    assert message.startswith("miccheck.toml")
    assert "\n" not in message


def test_a_list_by_imap_says_everything():
    text = """
[[list]]
name = "camps"
address = "camps@lists.example.org"
outbox = "smtps://north%40example.org@mail.example.org"
inbox = "imaps://north@mail.example.org:9993/Lists%2Fcamps"
password_file = "secrets/out"
inbox_password_file = "secrets/in"
ca_file = "secrets/ca.pem"
agreed_by = "Ana, who owns the list"
agreed_on = 2026-11-23
per_hour = 30
digest_above = 0
owner_key = "ERERERERERERERERERERERERERERERERERERERERERE="
[internet]
metered = true
check = "http://check.example.org/generate_204"
[camp]
timezone = "UTC"
"""
    settings = parse_settings(text, {})
    (camps,) = settings.list
    assert camps.is_agreed
    assert camps.agreed_on == date(2026, 11, 23)
    assert camps.inbox_password == "secrets/in"
    assert camps.hold_s == 24 * 3600
    assert camps.owner == "camps-owner@lists.example.org"
    assert settings.internet == Internet(True, "http://check.example.org/generate_204")


@pytest.mark.parametrize(
    ("words", "hold_h"),
    [
        ("outbox='maildir:out'", 0),
        ("outbox='smtp://h'\naddress='a@b.org'", 24),
        ("outbox='smtps://u@h'\naddress='a@b.org'\nhold_hours=0", 0),
        ("outbox='maildir:out'\nhold_hours=1.5", 1.5),
    ],
)
def test_a_new_list_by_mail_is_held_for_a_day(words, hold_h):
    (found,) = parse_settings(f"[[list]]\nname='l'\n{words}", {}).list
    assert found.hold_s == hold_h * 3600
    assert not found.is_agreed


def test_an_air_link_has_an_address_and_a_preset():
    text = "[[link]]\nkind = 'air'\naddress = '[::1]:7001'\npreset = 'SHORT_FAST'"
    (link,) = parse_settings(text, {}).link
    assert link == Link("air", Air("[::1]:7001", "SHORT_FAST"))
    (link,) = parse_settings("[[link]]\nkind = 'air'\naddress = '127.0.0.1:7001'", {}).link
    assert link == Link("air", Air("127.0.0.1:7001", "LONG_FAST", "EU_868", 0.5))
    (link,) = parse_settings("[[link]]\nkind='air'\naddress='a:1'\nregion='US'\nairtime_share=1", {}).link
    assert link == Link("air", Air("a:1", region="US", airtime_share=1.0))
    (link,) = parse_settings("[[link]]\nkind='air'\naddress='a:1'\nstopped=true", {}).link
    assert link.stopped


def test_a_word_means_the_same_in_every_kind_of_link():
    types: dict[str, str] = {}
    for kind in KINDS.values():
        for word in words_of(kind.settings):
            assert types.setdefault(word.name, word.type) == word.type
            assert word.name not in ("kind", "stopped")
            assert word.label


def test_variables_overrule_the_file():
    settings = parse_settings(
        WHOLE,
        {
            "MICCHECK__WEB__PORT": "9000",
            "MICCHECK__WEB__LIAISONS_ON_HTTP": "false",
            "MICCHECK__CLOCK__SPEED": "2.5",
            "MICCHECK__LIST__0__CHANNELS": "general, kitchen",
            "MICCHECK__LINK__2__KIND": "ip",
            "MICCHECK__LINK__2__URL": "http://c:1",
            "HOME": "/root",
        },
    )
    assert settings.web.port == 9000
    assert not settings.web.liaisons_on_http
    assert settings.clock.speed == 2.5
    assert settings.list[0].channels == ("general", "kitchen")
    assert settings.link[2] == Link("ip", Ip("http://c:1"))


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("MICCHECK__WEB__PROT", "1", 'MICCHECK__WEB__PROT: unknown word "prot"; valid are host, port'),
        ("MICCHECK__WEB__PORT", "x", 'environment variable MICCHECK__WEB__PORT: port = "x"'),
        ("MICCHECK__WEB__LIAISONS_ON_HTTP", "maybe", "valid is true or false"),
        ("MICCHECK__WEB", "1", "names no setting; valid are MICCHECK__CAMP__KEY"),
        ("MICCHECK__LINK__7__URL", "http://a", "no [[link]] number 7"),
    ],
)
def test_a_wrong_variable_is_named(variable, value, says):
    with pytest.raises(SettingsError) as error:
        parse_settings(WHOLE, {variable: value})
    assert says in str(error.value)


def test_a_missing_file_is_said_in_one_line(tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        read_settings(tmp_path / "miccheck.toml", {})
    (tmp_path / "miccheck.toml").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="not UTF-8"):
        read_settings(tmp_path / "miccheck.toml", {})


def outcome(text: str) -> Settings | str:
    try:
        return parse_settings(text, {})
    except SettingsError as error:
        return str(error)


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_settings_or_one_sentence(text):
    result = outcome(text)
    assert isinstance(result, Settings) or result.startswith("miccheck.toml")


_JUNK = st.one_of(
    st.integers(), st.booleans(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2)
)


@given(
    st.sampled_from(["camp", "web", "link", "list", "internet", "clock", "quota"]),
    st.text("abcport_", min_size=1),
    _JUNK,
)
def test_any_value_under_any_word_is_settings_or_one_sentence(table, word, value):
    written = json.dumps(value) if isinstance(value, str | list) else str(value).lower()
    for header in (f"[{table}]", f"[[{table}]]"):
        result = outcome(f"{header}\n{word} = {written}")
        assert isinstance(result, Settings) or result.startswith("miccheck.toml")
