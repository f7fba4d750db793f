"""Tables of balances in Parquet files, SQLite and PostgreSQL, read some rows at a time."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from khazana.cli.extras import needs_extra
from khazana.cli.files import FileNotUsable
from khazana.cli.solvency_files import require_readable
from khazana.cli.usage import WrongArguments

COLUMNS = ("customer", "balance", "units", "contribution", "asset", "kind")
BATCH = 20_000
"""Rows fetched at a time."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of a provider's table. name: for messages."""

    name: str
    columns: Sequence[str]
    rows: Iterator[Sequence[Any]]


@contextmanager
def table_in(source: str, *, command: str) -> Iterator[Table | None]:
    """The table that a SOURCE names; None for a file of CSV."""
    scheme, colon, rest = source.partition(":")
    if scheme == "parquet" and colon:
        with _parquet(Path(rest)) as table:
            yield table
    elif scheme == "sqlite" and colon:
        path, name = _table_name(rest, command)
        with _sqlite(Path(path), name) as table:
            yield table
    elif scheme in ("postgresql", "postgres") and colon:
        address, name = _table_name(source, command)
        with _postgresql(address, name) as table:
            yield table
    else:
        yield None


def _table_name(text: str, command: str) -> tuple[str, str]:
    """The address without `table=NAME`, and the name."""
    parts = urlsplit(text)
    options = parse_qsl(parts.query, keep_blank_values=True)
    names = [value for key, value in options if key == "table"]
    if len(names) != 1 or not names[0]:
        problem = f"{parts.scheme or 'sqlite'} needs the table's name: ...?table=NAME"
        raise WrongArguments(command=command, problem=problem)
    rest = urlencode([each for each in options if each[0] != "table"])
    return urlunsplit(parts._replace(query=rest)), names[0]


def _columns(found: Sequence[str], name: str) -> list[str]:
    """Those of a table's columns that are read."""
    if "customer" not in found or ("balance" in found) == ("units" in found):
        problem = (
            "has the columns " + ", ".join(found) + "; needed are customer and either balance or "
            "units"
        )
        raise FileNotUsable(path=name, problem=problem)
    return [each for each in COLUMNS if each in found]


@contextmanager
def _parquet(path: Path) -> Iterator[Table]:
    with needs_extra("supervision"):
        import pyarrow
        import pyarrow.parquet
    require_readable(path)

    @contextmanager
    def whole() -> Iterator[None]:
        try:
            yield
        except (pyarrow.ArrowException, OSError) as error:
            problem = f"is no whole Parquet file: {str(error).splitlines()[0]}"
            raise FileNotUsable(path=str(path), problem=problem) from error

    with whole():
        file = pyarrow.parquet.ParquetFile(path)
    with file:
        columns = _columns(file.schema_arrow.names, path.name)

        def rows() -> Iterator[Sequence[Any]]:
            batches = file.iter_batches(batch_size=BATCH, columns=columns)
            while True:
                with whole():
                    batch = next(batches, None)
                    if batch is None:
                        return
                    cells = [batch.column(name).to_pylist() for name in columns]
                yield from zip(*cells, strict=True)

        yield Table(name=path.name, columns=columns, rows=rows())


@contextmanager
def _sqlite(path: Path, table: str) -> Iterator[Table]:
    require_readable(path)
    quoted = '"' + table.replace('"', '""') + '"'
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            # A database cut short can be read without an error, with empty cells.
            health = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            if health != "ok" or path.stat().st_size % _page_bytes(database):
                raise sqlite3.DatabaseError(health if health != "ok" else "its last page is cut")
            found = [row[1] for row in database.execute(f"PRAGMA table_info({quoted})")]
            columns = _columns(found, f"{path.name}, table {table}")
            # The order of ids' bytes, so that the same rows always make the same tree.
            ids = ", ".join(f'"{each}"' for each in columns)
            query = f"SELECT {ids} FROM {quoted} ORDER BY customer COLLATE BINARY"
            cursor = database.execute(query)
            cursor.arraysize = BATCH
            yield Table(name=f"{path.name}, table {table}", columns=columns, rows=cursor)
    except sqlite3.Error as error:
        raise FileNotUsable(path=str(path), problem=f"is no whole database: {error}") from error


def _page_bytes(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA page_size").fetchone()[0])


@contextmanager
def _postgresql(address: str, table: str) -> Iterator[Table]:
    with needs_extra("postgres"):
        import psycopg
        from psycopg import sql
    name = f"table {table}"
    quoted = sql.Identifier(*table.split("."))
    try:
        with psycopg.connect(address) as connection:
            # One view of the table for all that is read, whatever is written meanwhile.
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            with connection.cursor() as asked:
                asked.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(quoted))
                columns = _columns([each.name for each in asked.description or ()], name)
            wanted = sql.SQL(", ").join(map(sql.Identifier, columns))
            query = sql.SQL('SELECT {} FROM {} ORDER BY customer COLLATE "C"')
            with connection.cursor(name="khazana_balances") as cursor:
                cursor.itersize = BATCH
                cursor.execute(query.format(wanted, quoted))
                yield Table(name=name, columns=columns, rows=cursor)
    except psycopg.Error as error:
        # What psycopg says may name the address, and with it a password.
        problem = str(error).splitlines()[0] if error.sqlstate else "the database did not answer"
        raise FileNotUsable(path=name, problem=problem) from error
