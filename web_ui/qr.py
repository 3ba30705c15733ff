"""QR codes as SVG within the page: no picture file, no second request."""

from __future__ import annotations

from io import BytesIO

import segno
from markupsafe import Markup


def qr_svg(text: str) -> Markup:
    """The QR code of `text`, black on white with its quiet zone; it scales with the page."""
    out = BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, light="#fff", nl=False
    )
    return Markup(out.getvalue().decode())
