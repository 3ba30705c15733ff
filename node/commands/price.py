"""`miccheck price`."""

from __future__ import annotations

import json
import secrets

import click

from node.clock import Clock
from node.commands.arguments import json_option
from node.sorry import Sorry
from radio.airtime import PRESETS, Firmware
from sync.bundle import MESSAGES_MAX, RADIO_BUNDLE_BYTES_MAX, BundleClass, hour_of, seal
from sync.frames import HEAD_BYTES, RADIO_FRAME_BYTES_MAX
from sync.message import Kind, Message, compose, encode
from sync.signing import Identity
from sync.text import TEXT_BYTES_MAX, tidy

# A bundle longer than a frame is cut into equal symbols (PROTOCOL.md §4.2): 24 frames of 188 bytes of it.
SYMBOL_BYTES_MAX = 188
SYMBOL_HEAD_BYTES = RADIO_FRAME_BYTES_MAX - SYMBOL_BYTES_MAX


@click.command(short_help="Say what a text costs on the air, in bytes and milliseconds.")
@click.argument("texts", metavar="TEXT...", nargs=-1, required=True)
@json_option
def command(texts: tuple[str, ...], as_json: bool) -> None:
    """Say what TEXT costs on the air: bytes of the signed frame, and milliseconds with each radio preset.

    Several texts are priced as the messages of one bundle. Nothing is sent.

    \b
    Example:
      miccheck price "water at gate 4" "asamblea a las 19"
    """
    frames = frames_of(texts)
    if as_json:
        click.echo(json.dumps(_object(texts, frames)))
        return
    total = sum(frames)
    count = "1 frame" if len(frames) == 1 else f"{len(frames)} frames"
    click.echo(f"{total} bytes in {count}, {total / len(texts):.1f} a message")
    click.echo(f"{'preset':<15}{'raw LoRa':>12}{'firmware 2.8':>15}")
    for name, by_firmware in _airtimes(frames).items():
        raw, signed = (f"{by_firmware[firmware.value]:,} ms" for firmware in (Firmware.RAW, Firmware.V2_8))
        click.echo(f"{name:<15}{raw:>12}{signed:>15}")


def frames_of(texts: tuple[str, ...]) -> list[int]:
    """The bytes of each frame that carries these texts as posts of one bundle, heads included.

    Raises Sorry for what fits no bundle that a radio carries.
    """
    if len(texts) > MESSAGES_MAX:
        raise click.UsageError(f"a bundle holds {MESSAGES_MAX} messages at most, not {len(texts)}")
    wall_s = Clock().wall_s()
    messages = []
    for typed in texts:
        text = tidy(typed)
        if not text:
            raise Sorry("there is no text in it")
        if len(text.encode()) > TEXT_BYTES_MAX:
            raise Sorry(f"a text has {TEXT_BYTES_MAX:,} bytes at most, this one {len(text.encode()):,}")
        messages.append(encode(compose(Message(Kind.POST, int(wall_s)), text)))
    throwaway = Identity(secrets.token_bytes(32))
    try:
        wire = seal(throwaway, hour_of(wall_s), BundleClass.POST, messages).wire
    except ValueError as error:
        raise Sorry(f"together they do not fit one bundle of {RADIO_BUNDLE_BYTES_MAX:,} bytes") from error
    return cut_lengths(len(wire))


def cut_lengths(wire_bytes: int) -> list[int]:
    """The bytes of each radio frame of a bundle this long, heads included: whole, or in equal symbols."""
    if wire_bytes + HEAD_BYTES <= RADIO_FRAME_BYTES_MAX:
        return [wire_bytes + HEAD_BYTES]
    count = -(-wire_bytes // SYMBOL_BYTES_MAX)
    return [SYMBOL_HEAD_BYTES + -(-wire_bytes // count)] * count


def _airtimes(frames: list[int]) -> dict[str, dict[str, int]]:
    return {
        preset.name: {
            firmware.value: round(sum(preset.airtime_ms(frame, firmware) for frame in frames))
            for firmware in Firmware
        }
        for preset in PRESETS
    }


def _object(texts: tuple[str, ...], frames: list[int]) -> dict[str, object]:
    return {
        "messages": len(texts),
        "frames": len(frames),
        "frame_bytes": sum(frames),
        "bytes_each": round(sum(frames) / len(texts), 1),
        "airtime_ms": _airtimes(frames),
    }
