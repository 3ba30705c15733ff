"""Whether somebody answers: asked without sending anything that would be remembered."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import ssl
from contextlib import closing
from pathlib import Path

from websockets.exceptions import InvalidStatus, WebSocketException

from radio.detached import Abandoned, Failed, detached
from radio.ip_dialling import dial, why_not_trusted
from radio.ip_handshake import Refused
from radio.serial_line import CANNOT_OPEN, Device, SerialPlace, open_device, why_not_opened

# A camp over a satellite answers within two round trips; a person waits for this command.
ANSWER_S = 5.0


def pages_answer(port: int) -> str:
    """Why the pages at this port of this box do not answer; empty when they do."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
        with closing(connection):
            connection.request("GET", "/healthz")
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return reason(error)
    return "" if status == http.client.OK else f"they answer {status}"


def neighbour_answers(url: str, certificate: Path | None) -> str:
    """Why a neighbour at this page address does not speak with us; empty when its door for gossip opens.

    `certificate`: what it must show, where the settings name it.
    """
    try:
        asyncio.run(_knock(url, certificate))
    except Refused as refused:
        return str(refused)
    except InvalidStatus as error:
        return f"what answers there is no Mic Check: status {error.response.status_code}"
    except ssl.SSLCertVerificationError as error:
        return why_not_trusted(error)
    except (OSError, WebSocketException) as error:
        return reason(error)
    return ""


async def _knock(url: str, certificate: Path | None) -> None:
    async with asyncio.timeout(ANSWER_S), dial(url, certificate):
        pass


def port_answers(host: str, port: int) -> str:
    """Why nobody takes a connection there; empty when somebody does."""
    try:
        socket.create_connection((host, port), ANSWER_S).close()
    except OSError as error:
        return reason(error)
    return ""


def modem_opens(device: Path, baud: int) -> str:
    """Why the modem's line cannot be opened, as a road would open it; empty when it can. Nothing is sent."""
    place = SerialPlace(device, baud)
    try:
        line = asyncio.run(detached(lambda: open_device(place), ANSWER_S, "modem opener", _close))
    except Abandoned:
        return CANNOT_OPEN
    except Failed as failed:
        return why_not_opened(failed.__cause__)
    _close(line)
    return ""


def _close(line: Device) -> None:
    line.close()


def reason(error: Exception) -> str:
    """A fault of the network in a few words."""
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, socket.gaierror):
        return "no such host is known here"
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno).lower()  # asyncio's own words name addresses
    if isinstance(error, OSError):
        return "nobody takes the connection"  # asyncio tried several addresses
    return "it breaks off, or speaks something else"
