"""Printing a statement: PDF/A-3a and PDF/UA-1, with the signed file attached byte for byte."""

import io
import json
import re
import tempfile
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Final

import segno
import typst

from khazana.portal.formatting.languages import language_of
from khazana.portal.pdf.content import ATTACHED, content_of
from khazana.reserve.reading import ReserveStatement

ACCENT: Final = "#1d5c4b"
FONT_PACKAGES: Final = ("fontpkg_amiri", "fontpkg_noto_sans")

_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def statement_pdf(
    statement: ReserveStatement,
    raw: bytes,
    *,
    language: str,
    made_on: datetime,
    accent: str = ACCENT,
    address: str | None = None,
    file_name: str = "statement",
    wallet: str | None = None,
    perimeter: str | None = None,
) -> bytes:
    """A statement for people, in one language; the same arguments give the same bytes.

    raw: the file `statement` was read from; it is attached as it is.
    made_on: an instant in UTC, the document's date.
    accent: the office's colour, as #rrggbb.
    address: where the statement is published, for the QR code; without it the code holds the root.
    file_name: what the example commands call the file, without .json or .pdf.
    wallet, perimeter: whose figures stand first and in the two bars; without them the wallet that
    others paid most into and the perimeter with most members.
    """
    if made_on.utcoffset() is None:
        raise ValueError(f"{made_on} has no time zone")
    if not _COLOUR.fullmatch(accent):
        raise ValueError(f"{accent!r} is not a colour like {ACCENT}")
    if not _FILE_NAME.fullmatch(file_name):
        raise ValueError(f"{file_name!r} is not a plain file name")
    if wallet is not None and wallet not in statement.wallets:
        raise ValueError(f"the statement discloses no wallet {wallet!r}")
    if perimeter is not None and perimeter not in statement.perimeters:
        raise ValueError(f"the statement discloses no perimeter {perimeter!r}")
    if statement.root.encode() not in raw:
        raise ValueError("the bytes are not those of the statement: its root is not in them")
    content = content_of(
        statement,
        raw,
        language=language_of(language),
        made_on=made_on,
        accent=accent,
        address=address,
        file_name=file_name,
        wallet=wallet,
        perimeter=perimeter,
    )
    return _typeset(
        content=json.dumps(content, ensure_ascii=False, sort_keys=True).encode(),
        attached=raw,
        qr=_qr(address or statement.root),
        made_on=made_on,
    )


def _typeset(*, content: bytes, attached: bytes, qr: bytes, made_on: datetime) -> bytes:
    layout = resources.files("khazana.portal.pdf").joinpath("data/statement.typ").read_bytes()
    with tempfile.TemporaryDirectory(prefix="khazana-pdf-") as folder:
        root = Path(folder)
        for file, data in (
            ("statement.typ", layout),
            ("content.json", content),
            (ATTACHED, attached),
            ("qr.svg", qr),
        ):
            (root / file).write_bytes(data)
        return typst.compile(
            str(root / "statement.typ"),
            root=folder,
            font_paths=_font_paths(),
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=["a-3a", "ua-1"],
            timestamp=int(made_on.timestamp()),
        )


def _font_paths() -> list[str]:
    return [str(resources.files(package).joinpath("files")) for package in FONT_PACKAGES]


def _qr(text: str) -> bytes:
    """A QR code as SVG; level M survives a folded page."""
    drawn = io.BytesIO()
    segno.make_qr(text, error="m").save(drawn, kind="svg", border=2, xmldecl=False)
    return drawn.getvalue()
