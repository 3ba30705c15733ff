"""What leads to a person is left out of letters, and what only looks like it stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.letters.privacy import contacts_in, without_addresses, without_contacts

NUMBERS = [
    "+34 612 345 678", "+34612345678", "+34.612.345.678", "+34-612-345-678", "+ 34 612 345 678",
    "(+34) 612 345 678", "0034 612 345 678", "0034612345678", "00 34 612 34 56 78", "34 612 345 678",
    "612345678", "612 345 678", "612 34 56 78", "91 234 56 78", "612-345-678", "3 612 345 678",
    "(212) 555-0134", "(555) 123-4567", "(555)123-4567", "212-555-0134", "212.555.0134", "212 - 555 - 0134",
    "2125550134", "1-800-555-0134", "+1 (212) 555-0134", "+1-212-555-0134", "1 212 555 0134", "12125550134",
    "+44 (0)20 7946 0958", "(0)20 7946 0958", "07700900123", "0612345678", "06 12 34 56 78", "06.12.34.56.78",
    "+33612345678", "030/1234567", "(030) / 123 45 67", "09/123456", "+49 30 1234567", "+525512345678",
    "5512345678", "9 1234 5678",
    "tel:+34612345678", "tel:2125550134", "wa.me/34612345678", "https://wa.me/34612345678",
    "https://t.me/+34612345678", "+٣٤ ٦١٢ ٣٤٥ ٦٧٨", "٠٦١٢٣٤٥٦٧٨",
]  # fmt: skip
ADDRESSES = [
    "ana.b+x@correo.example", "ana@correo.co.uk", "mailto:ana@correo.example", "ana (at) correo dot org",
    "ana [at] correo [dot] org", "ana(at)correo.org", "ana at correo dot org", "ana AT correo DOT org",
    "ana arroba correo punto org", "ana arroba correo.org", "ana @ correo.org", "ana＠correo.org",
    "ana{at}correo.org", "ana<at>correo.org", '"ana b"@correo.org', "ana@[192.168.1.1]",
    "ana.b [ at ] correo [ dot ] co [ dot ] uk",
]  # fmt: skip
NO_CONTACTS = [
    # dates and times
    "on 2026-11-22 at 15:00, 22.11.2026", "22.11.2026 18.30", "22/11/2026 18:30", "18.30 22.11.2026",
    "at 18 22.11.2026", "22.11.2026 18 people", "November 22 2026 18.30", "Nov 22, 2026 18.30",
    "22 Nov 2026 1830", "20261122-1530", "2026-11-22T15:00:00Z", "2026-11-22 15:00:00", "11/22/2026",
    "10.30-12.00", "10.30 - 12.00", "0900-1700", "1900-2100", "24:00-06:00", "2011-2026: 15 years",
    "from 01/2026 to 05/2026", "007/2026", "tel:112",
    "1/2/2026-5/2/2026", "6 am - 10 pm, 12-15 Nov", "24/7/365", "2025/26 2026/27", "UTC+02:00",
    # places
    "40.4168, -3.7038", "40.416775 -3.703790", "40.416775,-3.703790", "40.4168N 3.7038W", "gate 4, tent 12",
    # amounts, counts, scores
    "1,000,000 people, 4 000 books", "1.000.000 €", "1.000.000", "12 500 000", "612 345 678 people",
    "$1,000,000", "€ 250.000", "1000-1500 people", "1000 - 2000", "the 99% and 1 000 000 more", "100.000.000",
    "vote 7 - 3 - 2", "101, 102, 103, 104", "3.14159265358", "100/200/300", "2.5 1.75 km",
    # addresses in networks, ids
    "192.168.1.20 and v1.2.3 and #12345678", "192.168.100.20:8080", "10.0.0.0/8", "2001:db8::1234:5678",
    "0123456789abcdef 7f3e-11", "550e8400-e29b-41d4-a716-446655440000", "1795086000", "1795086000.123",
    "case 2026-000123", "ISBN 978-3-16-148410-0", "https://example.org/2125550134/612345678",
    # words
    "look at example.org for news", "meet at plaza. Bring water", "meet @ plaza. Bring", "911 and 112",
    "look at the dot on the map", "who (at least) is there",
]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
def test_a_phone_number_is_left_out_as_people_type_it(number):
    assert without_contacts(f"call {number}, at night") == "call [☎…], at night"
    assert contacts_in(f"call {number}, at night") == (number,)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_left_out_as_people_hide_it(address):
    assert without_contacts(f"write to {address}, soon") == "write to […@…], soon"
    assert without_addresses(f"write to {address}, soon") == "write to […@…], soon"
    assert contacts_in(f"write to {address}, soon") == (address,)


@pytest.mark.parametrize("text", NO_CONTACTS)
def test_what_only_looks_like_one_stays(text):
    assert without_contacts(text) == text
    assert contacts_in(text) == ()


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("612\u200b345\u200b678", "[☎…]"),  # zero-width spaces
        ("612\u00a0345\u202f678", "[☎…]"),  # spaces that do not break
        ("612\u2060-345\u00ad-678", "[☎…]"),  # a word joiner and a soft hyphen
        ("612\u200d345\u200e678", "[☎…]"),  # a joiner and a mark, where no script needs them
        ("ana\u200b@correo.example", "[…@…]"),
        ("می\u200cخواهم 👩\u200d🚒", "می\u200cخواهم 👩\u200d🚒"),  # and where they do
    ],
)
def test_what_nobody_sees_hides_no_number(typed, sent):
    assert without_contacts(typed) == sent


def test_a_date_beside_a_number_keeps_neither_from_being_told():
    assert without_contacts("on 22.11.2026 call 612 345 678 or 22.11.2026") == (
        "on 22.11.2026 call [☎…] or 22.11.2026"
    )


@given(st.text(alphabet=st.sampled_from("0123456789 .-+()/:@ab,€\n"), max_size=120))
def test_what_is_left_out_once_is_gone(text):
    left = without_contacts(text)
    assert without_contacts(left) == left
    assert all(found in text for found in contacts_in(text))
