"""Writes the vectors anew: `python -m tests.vectors.write`. A change in them is a change of the protocol."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.vectors import air, bundles, joining, keys, links, messages, not_shown, strata

HERE = Path(__file__).parent

FILES: dict[str, Callable[[], object]] = {
    "messages.json": messages.message_cases,
    "packed.json": messages.packed_cases,
    "stamps.json": messages.stamp_cases,
    "not_shown.json": not_shown.cases,
    "bundles.json": bundles.bundle_cases,
    "refused.json": bundles.refused_cases,
    "live.json": bundles.live_cases,
    "export.json": bundles.export_cases,
    "frames.json": links.frame_cases,
    "refused_frames.json": links.refused_frame_cases,
    "handshake.json": links.handshake_cases,
    "network.json": keys.network_cases,
    "signatures.json": keys.signature_cases,
    "farewell.json": keys.farewell_case,
    "joining.json": joining.joining_case,
    "strata.json": strata.strata_cases,
    **air.FILES,
}


def text_of(name: str) -> str:
    """What the file of this name should hold."""
    return json.dumps(FILES[name](), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for file_name in FILES:
        (HERE / file_name).write_text(text_of(file_name), encoding="utf-8")
