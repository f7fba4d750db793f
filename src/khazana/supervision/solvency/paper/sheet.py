"""Typesets slips: a PDF/A page for each customer, in one of four languages."""

import json
import re
import tempfile
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import typst

from khazana.statement.browser_page.build import LANGUAGES
from khazana.supervision.solvency.epoch import Epoch
from khazana.supervision.solvency.paper.code import Code, code_of
from khazana.supervision.solvency.slip import Slip

ACCENT: Final = "#1d5c4b"
FONT_PACKAGES: Final = ("fontpkg_amiri", "fontpkg_noto_sans")
MOST_SHEETS: Final = 1_000
"""Pages in one file: more are more files, so that a printer's jam costs little."""

_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_COVERED: Final = re.compile(
    "[ -~\u00a1-\u00ac\u00ae-\u024f\u2010\u2012-\u2014\u2018-\u201d"
    "\u060c\u061b\u061f\u0621-\u063a\u0641-\u0652\u0670-\u06d5\u06f0-\u06ff]"
)
"""What the fonts can draw; a name's other characters are spelt out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What one customer is given on paper."""

    customer: str
    slip: Slip


def slips_pdf(
    sheets: Sequence[Sheet],
    *,
    epoch: Epoch,
    language: str,
    made_on: datetime,
    page: str | None = None,
    accent: str = ACCENT,
) -> bytes:
    """The customers' pages, in this order; the same arguments give the same bytes.

    made_on: an instant in UTC, the document's date.
    page: the address on which a slip is checked; the code opens it. Without one, the code holds the
    slip's text for the saved page.
    """
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is none of {', '.join(LANGUAGES)}")
    if made_on.utcoffset() is None:
        raise ValueError(f"{made_on} has no time zone")
    if not _COLOUR.fullmatch(accent):
        raise ValueError(f"{accent!r} is not a colour like {ACCENT}")
    if not 1 <= len(sheets) <= MOST_SHEETS:
        raise ValueError(f"a file has 1 to {MOST_SHEETS} slips, not {len(sheets)}")
    codes = [code_of(sheet.slip, page=page) for sheet in sheets]
    content = {
        "accent": accent,
        "date": {"year": made_on.year, "month": made_on.month, "day": made_on.day},
        "lang": language,
        "rtl": language in ("ur", "ar"),
        "provider": _name(epoch.provider.name),
        "test": epoch.test,
        "words": {key: texts[language] for key, texts in words().items()},
        "page": page,
        "sheets": [_content(sheet, code, epoch) for sheet, code in zip(sheets, codes, strict=True)],
    }
    return _typeset(content, codes, made_on)


@cache
def words() -> dict[str, dict[str, str]]:
    """key -> language -> text, as shipped."""
    document: dict[str, Any] = tomllib.loads(
        (resources.files(__package__) / "data" / "words.toml").read_text(encoding="utf-8")
    )
    if document["format"] != "khazana.words/1":
        raise ValueError("words.toml is of another format")
    found: dict[str, dict[str, str]] = document["slip"]
    for key, texts in found.items():
        if tuple(texts) != LANGUAGES or not all(texts.values()):
            raise ValueError(f"{key} is not said in each of {', '.join(LANGUAGES)}")
    return found


def _content(sheet: Sheet, code: Code, epoch: Epoch) -> dict[str, Any]:
    head = epoch.trees[sheet.slip.tree]
    return {
        "kind": head.kind,
        "balance": f"{_units(sheet.slip.balance, head.scale)} {head.asset}",
        "code_um": code.width_um,
        "facts": [
            {"label": "customer", "text": sheet.customer, "mono": True},
            {"label": "licence", "text": printable(epoch.provider.licence), "mono": True},
            {"label": "epoch", "text": str(epoch.epoch), "mono": False},
            {"label": "block", "text": f"{epoch.block.height:,}", "mono": False},
            {
                "label": "total",
                "text": f"{_units(head.sum, head.scale)} {head.asset}",
                "mono": False,
            },
            {"label": "digest", "text": _in_groups(epoch.digest), "mono": True},
        ],
    }


def _units(amount: int, scale: int) -> str:
    """Smallest units as a decimal with the asset's own number of places."""
    whole, rest = divmod(amount, 10**scale)
    return f"{whole:,}.{rest:0{scale}}" if scale else f"{whole:,}"


def _in_groups(digest: str) -> str:
    """Eight letters at a time, to compare by eye."""
    return " ".join(digest[at : at + 8] for at in range(0, len(digest), 8))


def _name(text: str) -> dict[str, Any]:
    """Somebody's name in the direction of its first letter."""
    kinds = (unicodedata.bidirectional(char) for char in text)
    first = next((kind for kind in kinds if kind in ("L", "R", "AL")), "L")
    return {"text": printable(text), "rtl": first != "L"}


def printable(text: str) -> str:
    """The text with everything the fonts cannot draw spelt out, so that nothing hides.

    >>> print(printable(chr(0x202E) + "a"))
    \\u202ea
    """
    return "".join(
        char if _COVERED.fullmatch(char) else char.encode("unicode_escape").decode()
        for char in unicodedata.normalize("NFC", text)
    )


def _typeset(content: dict[str, Any], codes: Sequence[Code], made_on: datetime) -> bytes:
    layout = (resources.files(__package__) / "data" / "slip.typ").read_bytes()
    fonts = [str(resources.files(package) / "files") for package in FONT_PACKAGES]
    with tempfile.TemporaryDirectory(prefix="khazana-slips-") as name:
        folder = Path(name)
        (folder / "slip.typ").write_bytes(layout)
        (folder / "content.json").write_text(
            json.dumps(content, ensure_ascii=False, sort_keys=True), encoding="utf-8"
        )
        for number, code in enumerate(codes):
            (folder / f"code-{number}.svg").write_bytes(code.svg)
        return typst.compile(
            str(folder / "slip.typ"),
            root=name,
            font_paths=fonts,
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=["a-2a", "ua-1"],
            timestamp=int(made_on.timestamp()),
        )
