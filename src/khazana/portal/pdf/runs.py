"""Pieces of text on their way into a PDF, each with its direction.

A PDF's fonts cover Latin, Greek, Cyrillic and Arabic script. What else somebody may have written is
spelt out as an escape, so that no name can be printed as an empty box, hide, or stop the printer.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

from khazana.portal.formatting.bidi import without_isolates

COVERED: Final = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u024f"
    "\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03e1\u03f0-\u03ff\u0400-\u0481\u048a-\u04ff"
    "\u1e00-\u1e9f\u1ea0-\u1eff\u2010\u2012-\u2015\u2018-\u201e\u2020-\u2022\u2026"
    "\u2030\u2032\u2033\u2039\u203a\u20a0-\u20ba\u2116\u2122"
    "\u060c\u061b\u061f\u0621-\u063a\u0641-\u0655\u0660-\u066d\u0670-\u06d5\u06f0-\u06ff\u200c]"
)
"""What both fonts can draw and readers can copy."""

_LONG_WORD: Final = re.compile(r"[^\s]{24}(?=[^\s])")


@dataclass(frozen=True)
class Run:
    """A piece of text. ltr, rtl: kept whole in that direction; None: flows with the line."""

    text: str
    direction: Literal["ltr", "rtl"] | None
    mono: bool = False


def words(text: str) -> Run:
    """Translated words, which flow with the line."""
    return Run(printable(without_isolates(text)), None)


def figure(text: str) -> Run:
    """An amount, height or date in digits, kept whole from left to right."""
    return Run(printable(text), "ltr")


def code(text: str) -> Run:
    """A hash, address or command, in letters of one width."""
    return Run(printable(text), "ltr", mono=True)


def name(text: str) -> Run:
    """Somebody's words: kept whole, in the direction of their first letter.

    A word that no line could hold gets places where it may be hyphenated.
    """
    shown = _LONG_WORD.sub("\\g<0>\u00ad", printable(text))
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in ("L", "R", "AL"):
            return Run(shown, "ltr" if kind == "L" else "rtl")
    return Run(shown, "ltr")


def printable(text: str) -> str:
    """The text with everything the fonts cannot draw spelt out.

    >>> print(printable(chr(0x202E) + "a" + chr(0x4E2D)))
    \\u202ea\\u4e2d
    """
    return "".join(
        char if COVERED.fullmatch(char) else char.encode("unicode_escape").decode()
        for char in unicodedata.normalize("NFC", text)
    )
