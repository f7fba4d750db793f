"""Keeping left-to-right pieces whole inside right-to-left text, and names from turning lines.

UAX #9: U+2066 LRI, U+2067 RLI and U+2068 FSI open an isolate, U+2069 PDI closes it.
"""

import html
import re
import unicodedata
from typing import Final

LRI, RLI, FSI, PDI = "\u2066", "\u2067", "\u2068", "\u2069"

# Marks without a range, and the joiners that the spelling of Urdu and Persian needs.
_HARMLESS: Final = "\u200c\u200d\u200e\u200f\u061c"
_CLASS: Final = re.compile(r"[A-Za-z0-9_-]+( [A-Za-z0-9_-]+)*")


class SafeText(str):
    """HTML that is escaped already; templates print it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def visible(text: str) -> str:
    """Text from outside with everything that could reorder or hide it spelt out as an escape.

    >>> print(visible("fund" + chr(0x202E) + "gpj"))
    fund\\u202egpj
    """
    return "".join(
        char
        if char in _HARMLESS
        or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn")
        else char.encode("unicode_escape").decode()
        for char in text
    )


def isolate(text: str) -> str:
    """An amount, address or hash as plain text that reads left to right inside any sentence.

    >>> ascii(isolate("-5 BTC"))
    "'\\\\u2066-5 BTC\\\\u2069'"
    """
    return f"{LRI}{visible(text)}{PDI}"


def isolate_rtl(text: str) -> str:
    """Right-to-left words as plain text inside a left-to-right drawing."""
    return f"{RLI}{visible(text)}{PDI}"


def isolate_name(text: str) -> str:
    """Somebody's words as plain text; their first letter decides their direction."""
    return f"{FSI}{visible(text)}{PDI}"


def without_isolates(text: str) -> str:
    """The same text for machines: no isolates and no direction marks."""
    return re.sub("[\u2066-\u2069\u200e\u200f\u061c]", "", text)


def ltr_html(text: str, *, css: str = "") -> SafeText:
    """An amount, address or hash as HTML: escaped, isolated, left to right.

    >>> ltr_html("1 < 2", css="mono")
    '<bdi dir="ltr" class="mono">1 &lt; 2</bdi>'
    """
    return SafeText(f'<bdi dir="ltr"{_class(css)}>{html.escape(visible(text))}</bdi>')


def name_html(text: str, *, css: str = "") -> SafeText:
    """Somebody's words as HTML: escaped, isolated, in their own direction."""
    return SafeText(f"<bdi{_class(css)}>{html.escape(visible(text))}</bdi>")


def _class(css: str) -> str:
    if not css:
        return ""
    if not _CLASS.fullmatch(css):
        raise ValueError(f"{css!r} is not a list of CSS classes")
    return f' class="{css}"'
