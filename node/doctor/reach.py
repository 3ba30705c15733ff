"""Whether somebody answers: asked without sending anything that would be remembered."""

from __future__ import annotations

import http.client
import socket
import ssl
from urllib.parse import urlsplit

from radio.ip_dialling import GOSSIP_PATH

# A camp over a satellite answers within two round trips; a person waits for this command.
ANSWER_S = 5.0
# The sample of RFC 6455 §1.3: the answer is not looked at further.
_WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
_GREETING_BYTES_MAX = 600


def pages_answer(port: int) -> str:
    """Why the pages at this port of this box do not answer; empty when they do."""
    try:
        status = _ask(http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S), "/healthz", {})
    except (OSError, http.client.HTTPException) as error:
        return reason(error)
    return "" if status == http.client.OK else f"they answer {status}"


def neighbour_answers(url: str) -> str:
    """Why a neighbour at this page address does not speak with us; empty when its door for gossip opens."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        # Who it is, the handshake of the gossip proves; the certificate of a camp is its own.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=ANSWER_S, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=ANSWER_S)
    try:
        status = _ask(connection, GOSSIP_PATH, _WEBSOCKET)
    except (OSError, http.client.HTTPException) as error:
        return reason(error)
    if status == http.client.SWITCHING_PROTOCOLS:
        return ""
    return f"what answers there is no Mic Check: status {status}"


def port_answers(host: str, port: int) -> str:
    """Why nobody takes a connection there; empty when somebody does."""
    try:
        socket.create_connection((host, port), ANSWER_S).close()
    except OSError as error:
        return reason(error)
    return ""


def mail_server_answers(host: str, port: int) -> str:
    """Why there is no mail server there; empty when it greets. Nothing is sent but QUIT."""
    try:
        with socket.create_connection((host, port), ANSWER_S) as server:
            greeting = server.recv(_GREETING_BYTES_MAX).decode("ascii", "replace")
            server.sendall(b"QUIT\r\n")
    except OSError as error:
        return reason(error)
    return "" if greeting.startswith("220") else f"it says {greeting[:60].strip()!r}"


def reason(error: Exception) -> str:
    """A fault of the network in a few words."""
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, socket.gaierror):
        return "no such host is known here"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "it breaks off, or speaks something else"


def _ask(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> int:
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()
