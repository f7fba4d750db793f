"""A slip as a QR code: capital letters and digits, in modules that a two-megapixel camera resolves.

A slip of 496 bytes has 799 letters and fits version 18 at level M, 89 modules; one of two leaves
under 40 million others, 912 bytes, fits version 26, 121 modules. Printed with modules of 0.8 mm
the larger is 103 mm wide with its margin. In a photo of a whole A4 page with 1,200 by 1,600 pixels
a module has 4.5 pixels; readers need 2 to 3.
"""

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import segno
from segno import consts

from khazana.supervision.solvency.errors import SlipTooLong
from khazana.supervision.solvency.slip import Slip

MODULE_UM = 800
"""A module's width on paper, micrometres, where the page has room for it."""
MOST_WIDTH_UM = 120_000
BORDER = 4
"""Modules of white around a code, as the standard asks (ISO/IEC 18004)."""
LEVELS = ("m", "l")
"""M is read when 15 % cannot be made out, a fold or a stain; L, 7 %, where M has no room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A drawn code. width_um: on paper with its white margin, micrometres."""

    svg: bytes
    width_um: int
    modules: int
    level: str


def code_of(slip: Slip, *, page: str | None = None) -> Code:
    """The slip as a code. page: the address that opens with the slip behind its #; without one the
    code holds the slip's text alone.

    What stands behind a # never leaves the phone: browsers do not send it (RFC 9110, 4.2.5).
    """
    text = slip.to_qr_text()
    # segno takes pieces of different modes too, which its annotation leaves out.
    content: Any = text if page is None else _in_address(page, text)
    for level in LEVELS:
        try:
            drawn = segno.make_qr(content, error=level, boost_error=False)
        except segno.DataOverflowError:
            continue
        modules = len(drawn.matrix) + 2 * BORDER
        module_um = min(Fraction(MODULE_UM), Fraction(MOST_WIDTH_UM, modules))
        return Code(
            svg=_svg(drawn), width_um=int(modules * module_um), modules=modules, level=level
        )
    raise SlipTooLong(leaves=len(slip.leaves), size_bytes=len(slip.to_bytes()))


def _in_address(page: str, text: str) -> list[tuple[str, int]]:
    """The address in bytes and the slip in the denser mode, in one code."""
    return [(f"{page}#", consts.MODE_BYTE), (text, consts.MODE_ALPHANUMERIC)]


def _svg(drawn: segno.QRCode) -> bytes:
    file = io.BytesIO()
    drawn.save(file, kind="svg", border=BORDER, xmldecl=False)
    return file.getvalue()
