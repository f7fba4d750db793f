"""Appending to a table: the rows that stand in it stay as they are, new ones come behind them."""

import csv
import io
from collections.abc import Mapping, Sequence


def appended(raw: bytes, rows: Sequence[Mapping[str, str]], *, columns: Sequence[str]) -> bytes:
    """The table with these rows behind those it has; columns that it lacks come behind its own.

    raw: a table that was read without a problem, or nothing. columns: all that the table may have.

    >>> appended(b"id,note\\na,x\\n", [{"id": "b", "corrects": "a"}],
    ...     columns=("id", "note", "corrects"))
    b'id,note,corrects\\na,x,\\nb,,a\\n'
    """
    for row in rows:
        if unknown := set(row) - set(columns):
            raise ValueError(f"no such columns: {sorted(unknown)}")
    text = raw.decode("utf-8-sig")
    lines = [line for line in csv.reader(io.StringIO(text, newline="")) if any(line)]
    header = [cell.strip() for cell in lines[0]] if lines else list(columns)
    wider = [c for c in columns if c not in header and any(row.get(c) for row in rows)]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    if wider or not lines:
        writer.writerow([*header, *wider])
        writer.writerows([*line, *("" for _ in wider)] for line in lines[1:])
        kept = out.getvalue().encode()
    else:
        kept = raw if raw.endswith(b"\n") else raw + b"\n"
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([row.get(column, "") for column in (*header, *wider)] for row in rows)
    return kept + out.getvalue().encode()
