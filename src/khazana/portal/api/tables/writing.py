"""Tables as CSV and as XLSX: exact figures, and text that no spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from khazana.portal.api.problems import TooManyRows
from khazana.portal.api.tables.table import Cell, Table

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula when it opens a CSV (OWASP)."""
MOST_SHEET_ROWS = 1_048_576
"""Of an XLSX sheet."""
EXACT_DIGITS = 15
"""A spreadsheet computes with this many digits; longer numbers stand as text."""
BTC_FORMAT = "#,##0.00000000"


def csv_bytes(table: Table) -> bytes:
    """The head, an empty row, the columns, the rows; RFC 4180 in UTF-8."""
    written = io.StringIO()
    writer = csv.writer(written)
    for row in chain(_top(table), table.rows):
        writer.writerow([_csv_cell(cell) for cell in row])
    return written.getvalue().encode()


def _csv_cell(cell: Cell) -> str:
    """Text that begins like a formula gets an apostrophe before it; numbers are ours and stay.

    >>> _csv_cell('=HYPERLINK("x")'), _csv_cell(-5), _csv_cell(None), _csv_cell(True)
    ('\\'=HYPERLINK("x")', '-5', '', 'true')
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | Decimal):
        return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
    return f"'{cell}" if cell.startswith(FORMULAS) else cell


def _top(table: Table) -> Sequence[Sequence[Cell]]:
    """What stands before the rows."""
    return (*table.head, (), table.columns)


def xlsx_bytes(table: Table) -> bytes:
    """The same as a sheet; TooManyRows where it cannot hold the table."""
    written = io.BytesIO()
    workbook = xlsxwriter.Workbook(
        written, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    workbook.set_properties({"title": table.name, "created": table.made_at.replace(tzinfo=None)})
    sheet = workbook.add_worksheet(table.name[:31])
    bold = workbook.add_format({"bold": True})
    bitcoin = workbook.add_format({"num_format": BTC_FORMAT})
    sheet.set_column(0, max(len(table.columns) - 1, 0), 18)
    try:
        top = len(_top(table))
        for number, row in enumerate(chain(_top(table), table.rows)):
            if number >= MOST_SHEET_ROWS:
                raise TooManyRows(table=table.name, most=MOST_SHEET_ROWS)
            _write(sheet, number, row, text=bold if number < top else None, decimal=bitcoin)
    finally:
        workbook.close()  # removes what it wrote aside, whatever happened
    return written.getvalue()


def _write(
    sheet: Any,
    number: int,
    row: Sequence[Cell],
    *,
    text: object = None,
    decimal: object = None,
) -> None:
    """A row, each cell by its type: nothing is guessed from what a text looks like."""
    for column, cell in enumerate(row):
        if cell is None:
            continue
        if isinstance(cell, bool):
            problem = sheet.write_boolean(number, column, cell)
        elif isinstance(cell, int | Decimal) and len(_digits(cell)) <= EXACT_DIGITS:
            # A sheet's own numbers are floats; up to 15 digits they hold every decimal exactly.
            form = decimal if isinstance(cell, Decimal) else None
            problem = sheet.write_number(number, column, float(cell), form)
        else:
            problem = sheet.write_string(number, column, _text(cell), text)
        if problem:
            raise ValueError(f"row {number}, column {column}: no sheet holds this cell")


def _digits(number: int | Decimal) -> str:
    return "".join(map(str, Decimal(number).as_tuple().digits))


def _text(cell: str | int | Decimal) -> str:
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
