"""A camp with a certificate of its own, and a neighbour that asks for exactly that one."""

from __future__ import annotations

import pytest

from tests.doors.process import RunningNode, make_camp, miccheck, wait_until
from tests.radio.test_ip_tls import self_signed

GIVEN = {"MICCHECK__WEB__CERTIFICATE": "tls/cert.pem", "MICCHECK__WEB__CERTIFICATE_KEY": "tls/key.pem"}


def dialling(there: RunningNode, certificate: str) -> dict[str, str]:
    """Settings of a node that dials another one by https."""
    return {
        "MICCHECK__LINK__0__KIND": "ip",
        "MICCHECK__LINK__0__URL": f"https://127.0.0.1:{there.tls_port}",
        "MICCHECK__LINK__0__CERTIFICATE": certificate,
    }


def link(node: RunningNode) -> tuple[str, str | None]:
    """State of the first link, and why."""
    first = node.ask("GET", "/api/v1/status")[1]["links"][0]
    return first["state"], first["why"]


@pytest.mark.full
def test_a_given_certificate_is_shown_and_checked(tmp_path):
    north, south = tmp_path / "north", tmp_path / "south"
    make_camp(north)
    make_camp(south)
    certificate, _ = self_signed(south / "tls")
    with RunningNode(south, env=GIVEN) as there:
        with RunningNode(north, env=dialling(there, str(certificate))) as here:
            wait_until(lambda: link(here) == ("talking", None))
        authority = str(south / "secrets" / "authority.pem")  # which did not sign that one
        with RunningNode(north, env=dialling(there, authority)) as here:
            wait_until(lambda: link(here)[0] == "refused")
            assert link(here)[1] == "Its certificate is not the one in the settings, nor signed by it."


def test_a_node_does_not_start_with_a_key_of_another_certificate(tmp_path):
    home = tmp_path / "north"
    make_camp(home)
    self_signed(home / "tls")
    self_signed(tmp_path / "other")
    (home / "tls" / "key.pem").write_bytes((tmp_path / "other" / "key.pem").read_bytes())
    done = miccheck("run", home, env=GIVEN | {"MICCHECK__WEB__PORT": "0", "MICCHECK__WEB__TLS_PORT": "0"})
    assert done.returncode == 1
    assert done.stderr.strip().endswith("is not that of the certificate")
    assert len(done.stderr.strip().splitlines()) == 1
