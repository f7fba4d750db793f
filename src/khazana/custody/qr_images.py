"""QR codes as pictures: one per part to print, or all in one picture that shows them in turn."""

from collections.abc import Sequence

import segno

SECONDS_PER_CODE = 1
"""How long each part is shown: slow phones need most of it to find and read a code."""

_BORDER = 4
"""Modules of white around a code, as the standard asks (ISO/IEC 18004)."""


def still_picture(part: str, *, caption: str) -> bytes:
    """One part as SVG with a line of text under it, such as "vault-1: 3 of 7"."""
    width, path = _drawn(part, version=None)
    return _svg(width, [f'<path d="{path}" stroke="#000"/>'], caption)


def moving_picture(parts: Sequence[str], *, caption: str) -> bytes:
    """All parts in one SVG, each shown for a second, again and again; no script is needed."""
    # One version for all, so that the code does not jump about before the camera.
    version = max(int(_code(part, version=None).version) for part in parts)
    seconds = len(parts) * SECONDS_PER_CODE
    groups, width = [], 0
    for number, part in enumerate(parts):
        width, path = _drawn(part, version=version)
        shown = _in_turn(number, len(parts), seconds=seconds)
        groups.append(f'<path d="{path}" stroke="#000" visibility="hidden">{shown}</path>')
    return _svg(width, groups, f"{caption}: {len(parts)} codes, {seconds} s a round")


def _drawn(part: str, *, version: int | None) -> tuple[int, str]:
    """How many modules wide, and the dark ones as a path."""
    code = _code(part, version=version)
    rows = []
    for y, row in enumerate(code.matrix):
        x = 0
        while x < len(row):
            run = 0
            while x + run < len(row) and row[x + run]:
                run += 1
            if run:
                # A line of half a module's offset fills whole modules.
                rows.append(f"M{x + _BORDER} {y + _BORDER}.5h{run}")
            x += run or 1
    return len(code.matrix) + 2 * _BORDER, "".join(rows)


def _code(part: str, *, version: int | None) -> segno.QRCode:
    """Level M: still read when 15 % of it cannot be made out."""
    return segno.make_qr(part, version=version, error="m", boost_error=False)


def _in_turn(number: int, count: int, *, seconds: int) -> str:
    """Visible during its own part of the round (SMIL, which browsers and viewers play)."""
    values = ";".join("visible" if place == number else "hidden" for place in range(count))
    return (
        f'<animate attributeName="visibility" values="{values}" dur="{seconds}s" '
        'calcMode="discrete" repeatCount="indefinite"/>'
    )


def _svg(width: int, groups: Sequence[str], caption: str) -> bytes:
    height = width + 3
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width * 8}" height="{height * 8}" shape-rendering="crispEdges">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
    )
    foot = (
        f'<text x="{width // 2}" y="{width + 1}" font-size="3" text-anchor="middle" '
        f'font-family="sans-serif">{_escaped(caption)}</text></svg>\n'
    )
    return "".join([head, *groups, foot]).encode("utf-8")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
