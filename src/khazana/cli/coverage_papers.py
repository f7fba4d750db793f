"""What banks and custodians attest, from a table that a provider keeps."""

import csv
import io
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

from khazana.cli.files import FileRefused, read_bytes
from khazana.supervision.coverage.make import Attested

MOST_TABLE = 1 << 24
_COLUMNS = ["id", "asset", "kind", "holder", "amount", "document", "file_sha256"]
_KINDS = ("bank", "custodian")


def attested_in(path: Path, *, scales: Mapping[str, int]) -> list[Attested]:
    """The lines of a table; one wrong row refuses the whole file, with every row that is wrong."""
    try:
        text = read_bytes(path, most=MOST_TABLE).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileRefused(path=str(path), problem="it is no UTF-8") from error
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if not rows or rows[0] != _COLUMNS:
        problem = f"line 1 is not {','.join(_COLUMNS)}"
        raise FileRefused(path=str(path), problem=problem)
    found: list[Attested] = []
    problems = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            found.append(_line(row, scales, {each.id for each in found}))
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    if problems:
        raise FileRefused(path=str(path), problem="; ".join(problems[:20]))
    return found


def _line(row: list[str], scales: Mapping[str, int], seen: set[str]) -> Attested:
    if len(row) != len(_COLUMNS):
        raise ValueError(f"{len(row)} columns, not {len(_COLUMNS)}")
    id_, asset, kind, holder, amount, document, sha256 = row
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", id_) or id_ in seen:
        raise ValueError(f"{id_!r} is no id, or stands twice")
    if asset not in scales:
        raise ValueError(f"nothing says how many decimals {asset!r} has (--offers {asset},SCALE)")
    if kind not in _KINDS:
        raise ValueError(f"{kind!r} is neither bank nor custodian")
    if not holder or not document:
        raise ValueError("the holder and the document have names")
    if sha256 and not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError("file_sha256 has 64 hex digits, or is empty")
    return Attested(
        id=id_,
        asset=asset,
        kind=kind,
        holder=holder,
        amount=_units(amount, scales[asset]),
        document=document,
        file_sha256=sha256 or None,
    )


def _units(text: str, scale: int) -> int:
    if not re.fullmatch(r"[0-9]{1,16}(\.[0-9]{1,15})?", text):
        raise ValueError(f"{text!r} is no amount")
    try:
        units = Decimal(text).scaleb(scale)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is no amount") from error
    if units != units.to_integral_value() or units >= 1 << 53:
        raise ValueError(f"{text} has more than {scale} decimals, or is too large")
    return int(units)
