"""Where the pages are: the addresses that are printed, put on posters and into QR codes."""

from __future__ import annotations

import ipaddress

from hardware.addresses import own_addresses
from node.settings import Web

WILDCARDS = ("0.0.0.0", "::", "*")


def page_address(web: Web, port: int, scheme: str = "http") -> str:
    """The address under which phones find the pages on `port`."""
    return f"{scheme}://{_bracketed(public_host(web))}:{port}"


def card_link(web: Web, tls_port: int, code: str) -> str:
    """The link on a role card."""
    return f"{page_address(web, tls_port, 'https')}/card/{code}"


def public_host(web: Web) -> str:
    """The host of the settings; when that is "all of them", the first address that others can reach."""
    if web.host not in WILDCARDS:
        return web.host
    addresses = [address for address in own_addresses() if not address.is_loopback]
    private = [address for address in addresses if address.is_private]
    return str(next(iter([*private, *addresses]), "localhost"))


def host_and_port(host: str, port: int) -> str:
    """An address to be typed in again: HOST:PORT."""
    return f"{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host
