"""Whose letter it is: the name, in whatever header each list program has left it, and never the address."""

import pytest

from tests.letters.reading import only

NAMES = ("camps", "camps@lists.example.org")


def letter(*head: str) -> bytes:
    lines = ("Message-ID: <1@a.example>", "Subject: s", "List-Id: Camps <camps.lists.example.org>", *head)
    return ("\n".join(lines) + "\n\nwords\n").encode()


VIA_LIST = "Camps <camps@lists.example.org>"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        pytest.param(["From: Ana López <ana@a.example>"], "Ana López", id="nothing was moved"),
        pytest.param(
            ["From: Ana <ana@a.example>", "Reply-To: The kitchen <food@a.example>"],
            "Ana",
            id="answers go to a team",
        ),
        pytest.param(
            ["From: Ana <ana@a.example>", f"Reply-To: {VIA_LIST}"], "Ana", id="answers go to the list"
        ),
        # GNU Mailman 3
        pytest.param(
            [
                "From: Ana via Camps <camps@lists.example.org>",
                "Reply-To: Ana López <ana@a.example>",
                "X-MailFrom: ana@a.example",
            ],
            "Ana López",
            id="Mailman 3, munged",
        ),
        pytest.param(
            [
                f"From: {VIA_LIST}",
                "X-MailFrom: ana@a.example",
                "Reply-To: Bo <bo@b.example>",
                "Cc: Ana <ana@a.example>",
            ],
            "Bo",
            id="Mailman 3, nobody named goes with the sender",
        ),
        pytest.param(
            [
                "From: Ana via Camps <camps@lists.example.org>",
                "X-MailFrom: ana@a.example",
                "Reply-To: Bo <bo@b.example>, Ana López <ana@a.example>",
            ],
            "Ana López",
            id="Mailman 3, two in Reply-To",
        ),
        pytest.param(
            ["From: camps@lists.example.org", f"Reply-To: {VIA_LIST}", "X-MailFrom: ana@a.example"],
            "",
            id="Mailman 3, anonymous list",
        ),
        pytest.param(
            ["From: camps--- via Camps <camps@lists.example.org>"], "camps---", id="a name with dashes"
        ),
        # GNU Mailman 2
        pytest.param(
            ["From: Ana vía Camps <camps@lists.example.org>", "Reply-To: ana@a.example"],
            "Ana",
            id="Mailman 2, in Spanish",
        ),
        pytest.param(
            ["From: ana--- via Camps <camps@lists.example.org>"], "ana---", id="Mailman 2, local part"
        ),
        pytest.param(["From: ana at a.example (Ana López)"], "Ana López", id="Pipermail"),
        # Sympa
        pytest.param(
            [
                'From: "Ana (via camps Mailing List)" <camps@lists.example.org>',
                'X-Original-From: "Ana López" <ana@a.example>',
            ],
            "Ana López",
            id="Sympa",
        ),
        pytest.param(
            ['From: "Ana (ana@a.example)" <camps@lists.example.org>'], "Ana", id="Sympa, address in brackets"
        ),
        pytest.param(
            ['From: "camps (on behalf of ana@a.example)" <camps@lists.example.org>'],
            "",
            id="Sympa, nothing but the address",
        ),
        # Google Groups
        pytest.param(
            [
                "From: 'Li Wei' via Camps <camps@lists.example.org>",
                "X-Original-Sender: li@e.example",
                "X-Original-From: Li Wei <li@e.example>",
            ],
            "Li Wei",
            id="Google Groups",
        ),
        pytest.param(
            [
                "From: li@e.example via Camps <camps@lists.example.org>",
                "X-Original-Sender: li@e.example",
                "Reply-To: Li Wei <li@e.example>",
            ],
            "Li Wei",
            id="Google Groups, by its sender",
        ),
        # LISTSERV
        pytest.param(
            ["From: Ana López <00000a1b2c3d-dmarc-request@LISTS.EXAMPLE.ORG>"], "Ana López", id="LISTSERV"
        ),
        # groups.io
        pytest.param(
            ['From: "Sam via groups.io" <sam=w.example@groups.io>', "Reply-To: camps@lists.example.org"],
            "Sam",
            id="groups.io",
        ),
        # Yahoo Groups
        pytest.param(
            ['From: "Sam sam@w.example [camps]" <camps@lists.example.org>'], "Sam", id="Yahoo Groups"
        ),
        # Names that are none
        pytest.param(['From: "ana@a.example" <ana@a.example>'], "", id="an address as name"),
        pytest.param(['From: "ana＠a.example" <ana@a.example>'], "", id="a wide at sign"),
        pytest.param(['From: "ana (at) a.example" <ana@a.example>'], "", id="a dressed address"),
        pytest.param(['From: "ana at a dot example" <ana@a.example>'], "", id="a spelt address"),
        pytest.param(
            ["From: =?utf-8?Q?L=C3=B3pez=2C_Ana?= <ana@a.example>"], "López, Ana", id="a comma inside a word"
        ),
        pytest.param(
            ["From: =?utf-8?Q?Ana:_North;_<x>?= <ana@a.example>"], "Ana: North; <x>", id="a colon inside"
        ),
        pytest.param(
            ["From: <ana@a.example>", "Sender: Ana <ana@a.example>", "X-MailFrom: ana@a.example"],
            "Ana",
            id="the name stands in Sender",
        ),
    ],
)
def test_the_name_of_who_wrote_it(head, name):
    assert only(letter(*head), NAMES).name == name
