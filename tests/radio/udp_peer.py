"""A Meshtastic node on a LAN, made of `mudp`: `python -m tests.radio.udp_peer GROUP CHANNEL KEY`.

Runs in a network namespace of its own. It answers each frame that it hears in the channel with "heard " and
the frame, and says on stdout how it took each packet.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import threading
from typing import Any

import mudp
from pubsub import pub

PORT_NUMBER = 300
EVERYBODY = "!ffffffff"
OWN_NUMBER = 0x1234


def main() -> None:
    group, channel, key = sys.argv[1:4]
    node: Any = mudp.node
    node.node_id, node.channel, node.key = f"!{OWN_NUMBER:08x}", channel, key

    def heard(packet: Any, addr: Any) -> None:
        if getattr(packet, "from") == OWN_NUMBER:  # heard back from the group
            return
        data = packet.decoded
        said = {
            "from": getattr(packet, "from"),
            "to": packet.to,
            "id": packet.id,
            "hops": [packet.hop_limit, packet.hop_start],
            "priority": packet.priority,
            "want_ack": packet.want_ack,
            "port": data.portnum,
            "payload": data.payload.hex(),
        }
        print(json.dumps(said), flush=True)
        with contextlib.redirect_stdout(io.StringIO()):
            mudp.send_data(EVERYBODY, b"heard " + data.payload, PORT_NUMBER)

    pub.subscribe(heard, f"mesh.rx.port.{PORT_NUMBER}")
    mudp.UDPPacketStream(group, 4403, key=key, parse_payload=False).start()
    print(json.dumps("ready"), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
