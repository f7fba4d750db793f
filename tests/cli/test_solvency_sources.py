"""Balances from Parquet, SQLite and PostgreSQL become the same extract, or are refused whole."""

import os
import re
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from khazana.cli.files import FileNotUsable
from khazana.cli.solvency_sources import read_as_extract
from khazana.cli.usage import WrongArguments
from khazana.supervision.solvency.errors import ExtractRefused
from khazana.supervision.solvency.extract import section_for, survey
from khazana.supervision.solvency.plan import BITCOIN, Asset, Splitting, TreeId
from khazana.supervision.solvency.sections import trees_in

ASSETS = {"BTC": BITCOIN, "USDT": Asset(name="USDT", scale=6, most=10**15)}
OWN = "5f" * 32
COLUMNS = ("customer", "balance", "contribution", "asset", "kind")
ROWS = (
    ("a", "0.00000001", None, "BTC", "liabilities"),
    ("b", "2.500000", OWN, "USDT", "liabilities"),
    ("b", "3.00000000", OWN, "BTC", "liabilities"),
    ("c", "1.00000000", None, "BTC", "debts"),
)
WANTED = f"""#khazana.extract/1,BTC,8,debts
customer,balance,contribution
c,1.00000000,
#total,1.00000000,1
#khazana.extract/1,BTC,8,liabilities
customer,balance,contribution
a,0.00000001,
b,3.00000000,{OWN}
#total,3.00000001,2
#khazana.extract/1,USDT,6,liabilities
customer,balance,contribution
b,2.500000,{OWN}
#total,2.500000,1
"""
POSTGRES = os.environ.get("KHAZANA_PORTAL_DATABASE", "")


def in_sqlite(folder, rows, columns=COLUMNS):
    path = folder / "balances.sqlite"
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE balances ({', '.join(columns)})")
        marks = ", ".join("?" * len(columns))
        database.executemany(f"INSERT INTO balances VALUES ({marks})", rows)
    database.close()
    return f"sqlite:{path}?table=balances"


def in_parquet(folder, rows, columns=COLUMNS):
    pyarrow = pytest.importorskip("pyarrow", reason="needs the supervision profile")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the supervision profile")
    cells = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    path = folder / "balances.parquet"
    parquet.write_table(pyarrow.table(cells), path, row_group_size=2)
    return f"parquet:{path}"


def in_postgres(folder, rows, columns=COLUMNS):
    if not POSTGRES.startswith("postgres"):
        pytest.skip("needs a PostgreSQL server: KHAZANA_PORTAL_DATABASE")
    psycopg = pytest.importorskip("psycopg", reason="needs the postgres profile")
    types = {"units": "bigint"}
    if any(isinstance(row[1], Decimal) for row in rows):
        types["balance"] = "numeric"
    if any(isinstance(row[1], float) for row in rows):
        types["balance"] = "double precision"
    named = ", ".join(f"{each} {types.get(each, 'text')}" for each in columns)
    with psycopg.connect(POSTGRES) as database:
        database.execute("DROP TABLE IF EXISTS khazana_test_balances")
        database.execute(f"CREATE TABLE khazana_test_balances ({named})")
        marks = ", ".join(["%s"] * len(columns))
        insert = f"INSERT INTO khazana_test_balances VALUES ({marks})"
        database.cursor().executemany(insert, rows)
    mark = "&" if "?" in POSTGRES else "?"
    return f"{POSTGRES}{mark}table=khazana_test_balances"


@pytest.fixture(params=[in_sqlite, in_parquet, in_postgres], ids=["sqlite", "parquet", "postgres"])
def stored(request):
    return request.param


def copied(source, folder):
    """The copy's text, after all trees in it were surveyed as `build` does."""
    with read_as_extract(source, folder, assets=ASSETS, command="x") as extract:
        with extract.naming_rows():
            for section, tree in trees_in(extract.path, assets=ASSETS, epoch=1):
                survey(section, tree, Splitting(shares=2, most_per_leaf=10**16))
        return extract.path.read_text()


def refused(source, folder):
    before = set(folder.rglob("*"))
    with pytest.raises((ExtractRefused, FileNotUsable, WrongArguments)) as found:
        copied(source, folder)
    left = {each.name for each in set(folder.rglob("*")) - before}
    assert left <= {"extract.csv", ".debts-BTC.lines", ".liabilities-BTC.lines"} | {
        ".debts-BTC.numbers",
        ".liabilities-BTC.numbers",
    }
    return str(found.value)


def test_rows_are_ordered_by_tree(tmp_path, stored):
    assert copied(stored(tmp_path, ROWS), tmp_path) == WANTED
    assert (tmp_path / "extract.csv").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".*"))


def test_units_and_exact_decimals_are_amounts_too(tmp_path, stored):
    source = stored(tmp_path, [("a", 1), ("b", 300_000_000)], ("customer", "units"))
    text = copied(source, tmp_path)
    assert "a,0.00000001,\nb,3.00000000,\n#total,3.00000001,2\n" in text
    tree = TreeId(asset=BITCOIN, kind="liabilities", epoch=1)
    assert section_for(tmp_path / "extract.csv", tree).line == 1


@pytest.mark.parametrize("stored", [in_parquet, in_postgres], ids=["parquet", "postgres"])
def test_decimals_keep_their_scale(tmp_path, stored):
    columns = ("customer", "balance")
    rows = [("a", Decimal("0.00000001")), ("b", Decimal("3.00000000"))]
    assert "a,0.00000001,\nb,3.00000000,\n" in copied(stored(tmp_path, rows, columns), tmp_path)
    (tmp_path / "more").mkdir()
    rows = [("a", Decimal("0.000001")), ("b", Decimal("3.000000"))]
    said = refused(stored(tmp_path / "more", rows, columns), tmp_path / "more")
    assert "row 1: the balance '0.000001' has 6 decimals, BTC has 8" in said
    assert "row 2" in said


BAD = {
    "duplicate": ("a", "row 3: the customer 'a' stands in row 1 too"),
    "a line's end in an id": ("b\nx,1.00000000,", "row 3: the id .* is not 1 to 48"),
    "a comma in an id": ("b,c", "row 3: has 4 cells"),
    "an id like the last line": ("#total", "row [13]: the id '#total' is not"),
    "a long id": ("b" * 49, "row 3: the id"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_customer_refuses_all_rows(tmp_path, stored, name):
    who, told = BAD[name]
    rows = [("a", "1.00000000"), ("aa", "1.00000000"), (who, "1.00000000")]
    if name == "duplicate":  # databases order by id
        rows = [rows[0], rows[2], rows[1]] if stored is not in_parquet else rows
        told = told if stored is in_parquet else "row 2: the customer 'a' stands in row 1 too"
    said = refused(stored(tmp_path, rows, ("customer", "balance")), tmp_path)
    assert re.search(told, said), said


@pytest.mark.parametrize(
    ("balance", "told"),
    [
        ("-1.00000000", "negative; debts go to a tree of their own"),
        ("21000001.00000000", "more than there can be of BTC"),
        ("1.000000", "has 6 decimals, BTC has 8"),
        ("1e3", "no plain decimal"),
        ("", "no plain decimal"),
        (None, "neither text nor an exact decimal"),
    ],
)
def test_a_bad_balance_refuses_all_rows(tmp_path, stored, balance, told):
    rows = [("a", "1.00000000"), ("b", balance)]
    said = refused(stored(tmp_path, rows, ("customer", "balance")), tmp_path)
    assert "row 2" in said
    assert told in said


def test_a_float_is_no_amount(tmp_path, stored):
    said = refused(stored(tmp_path, [("a", 0.1)], ("customer", "balance")), tmp_path)
    assert "row 1: the balance 0.1 is neither text nor an exact decimal" in said


def test_negative_units_are_refused(tmp_path, stored):
    said = refused(stored(tmp_path, [("a", -5)], ("customer", "units")), tmp_path)
    assert "row 1: the balance '-0.00000005' is negative" in said


def test_an_unknown_asset_or_kind_is_refused(tmp_path, stored):
    rows = [("a", "1", None, "DOGE", "liabilities"), ("b", "1.00000000", None, "BTC", "gifts")]
    said = refused(stored(tmp_path, rows), tmp_path)
    assert "row 1: the asset 'DOGE' is not among those named: BTC, USDT" in said
    assert "row 2: 'gifts' is neither of liabilities and debts" in said


def test_missing_columns_and_empty_tables_are_refused(tmp_path, stored):
    said = refused(stored(tmp_path, [("a", "1")], ("customer", "amount")), tmp_path)
    assert "has the columns customer, amount; needed are customer and either balance" in said
    for each in ("a", "b"):
        (tmp_path / each).mkdir()
    rows = [("a", "1", 1)]
    said = refused(stored(tmp_path / "a", rows, ("customer", "balance", "units")), tmp_path)
    assert "either balance or units" in said
    assert "has no rows" in refused(stored(tmp_path / "b", [], ("customer", "balance")), tmp_path)


@pytest.mark.parametrize("stored", [in_sqlite, in_parquet], ids=["sqlite", "parquet"])
def test_a_file_cut_short_is_refused(tmp_path, stored):
    rows = [(f"customer-{i}", "1.00000000") for i in range(5000)]
    source = stored(tmp_path, rows, ("customer", "balance"))
    path = Path(re.split(r"[:?]", source)[1])
    whole = path.read_bytes()
    for left_out in (1, 4000, 4096, 8192, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:-left_out])
        assert re.search(r"is no whole (database|Parquet file)", refused(source, tmp_path))


def test_a_database_needs_its_tables_name(tmp_path):
    for source in (f"sqlite:{tmp_path}/x", "postgresql://nobody@127.0.0.1:1/x"):
        assert "needs the table's name" in refused(source, tmp_path)
    assert "no such file" in refused(f"sqlite:{tmp_path}/x?table=t", tmp_path)
    assert "no such file" in refused(f"{tmp_path}/x.csv", tmp_path)


def test_an_unknown_table_is_refused(tmp_path):
    source = in_sqlite(tmp_path, [], ("customer", "balance"))
    assert "has the columns" in refused(source.replace("=balances", "=other"), tmp_path)


def test_a_silent_database_is_named_without_its_password(tmp_path):
    pytest.importorskip("psycopg", reason="needs the postgres profile")
    said = refused("postgresql://me:secret@127.0.0.1:1/x?table=t&connect_timeout=2", tmp_path)
    assert "the database did not answer" in said
    assert "secret" not in said
