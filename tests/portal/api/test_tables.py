"""Tables as files: exact figures with their root and units, and text that stays text."""

import csv
import io
import re
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from xml.etree import ElementTree

import pytest

from khazana.portal.api.problems import TooManyRows
from khazana.portal.api.tables import writing
from khazana.portal.api.tables.table import Table, amount
from khazana.portal.api.tables.views import TABLES
from khazana.portal.api.tables.writing import csv_bytes, xlsx_bytes
from khazana.portal.reserve.models import LineRow, MovementRow
from khazana.portal.statement.models import OfficeRow
from khazana.reserve.reading import read_reserve_statement
from tests.reserve.world import story

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ASKED = {"history": "?set=wallet/fund"}
"""What a table cannot be given without."""
FORMULAS = ('=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1")


def read_csv(raw):
    """(head, columns, rows as dictionaries) of a table file."""
    lines = list(csv.reader(io.StringIO(raw.decode(), newline="")))
    gap = lines.index([])
    columns = lines[gap + 1]
    rows = [dict(zip(columns, line, strict=True)) for line in lines[gap + 2 :]]
    return dict(lines[:gap]), columns, rows


def read_xlsx(raw):
    """Rows of (kind, text) cells, read by the format's own rules and without xlsxwriter."""
    with zipfile.ZipFile(io.BytesIO(raw)) as parts:
        sheet = ElementTree.fromstring(parts.read("xl/worksheets/sheet1.xml"))
        assert sheet.find(f".//{SHEET}f") is None  # no formula anywhere
        assert sheet.find(f".//{SHEET}hyperlink") is None
    return [
        [
            (cell.get("t", "n"), "".join(cell.itertext()))
            for cell in row.findall(f"{SHEET}c")
            if cell.find(f"{SHEET}v") is not None or cell.get("t") == "inlineStr"
        ]
        for row in sheet.iter(f"{SHEET}row")
    ]


def table(*rows, columns=("what",)):
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return Table("made", (("notice", "invented"),), columns, rows, at)


@pytest.fixture
def get(published, client, settings):
    settings.API_RATE = ""

    def asked(address, status=200):
        answer = client.get(f"/tables/{address}")
        assert answer.status_code == status, (address, answer.content)
        return answer

    return asked


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_looks_like_a_formula_stays_text(text):
    _head, _columns, rows = read_csv(csv_bytes(table((text,))))
    assert rows == [{"what": f"'{text}"}]
    kind, found = read_xlsx(xlsx_bytes(table((text,))))[-1][0]
    assert kind == "inlineStr"
    # The format writes what XML cannot hold as _xHHHH_.
    restored = re.sub("_x([0-9A-F]{4})_", lambda code: chr(int(code[1], 16)), found)
    assert restored.replace("\n", "\r") == text or restored == text


def test_amounts_are_exact_in_both_forms():
    for sats in (0, 1, -1, 123_456_789, 999_999_999_999_999, 2_099_999_997_690_000):
        made = table(amount(sats), columns=("amount_sat", "amount_btc"))
        _head, _columns, rows = read_csv(csv_bytes(made))
        assert rows == [{"amount_sat": str(sats), "amount_btc": f"{Decimal(sats) / 10**8:.8f}"}]
        (_, in_sat), (_, in_btc) = read_xlsx(xlsx_bytes(made))[-1]
        assert int(in_sat) == sats
        assert round(Decimal(in_btc), 8) == Decimal(sats) / 10**8  # as a sheet shows it


def test_a_number_that_no_spreadsheet_computes_with_exactly_is_text():
    for sats, kind in ((999_999_999_999_999, "n"), (1_000_000_000_000_000, "inlineStr")):
        cells = read_xlsx(xlsx_bytes(table(amount(sats), columns=("a", "b"))))[-1]
        assert [found for found, _ in cells] == [kind, kind]


def test_truths_and_gaps_are_said_plainly():
    made = table((True, False, None, "x"), columns=("a", "b", "c", "d"))
    assert read_csv(csv_bytes(made))[2] == [{"a": "true", "b": "false", "c": "", "d": "x"}]
    assert read_xlsx(xlsx_bytes(made))[-1] == [("b", "1"), ("b", "0"), ("inlineStr", "x")]


def test_the_same_table_gives_the_same_bytes():
    assert xlsx_bytes(table((1,), ("x",))) == xlsx_bytes(table((1,), ("x",)))


def test_what_a_sheet_cannot_hold_is_refused_and_never_cut_off(monkeypatch):
    monkeypatch.setattr(writing, "MOST_SHEET_ROWS", 5)
    xlsx_bytes(table((1,), (2,)))
    with pytest.raises(TooManyRows):
        xlsx_bytes(table((1,), (2,), (3,)))
    assert len(read_csv(csv_bytes(table((1,), (2,), (3,))))[2]) == 3
    with pytest.raises(ValueError, match="no sheet holds this cell"):
        xlsx_bytes(table(("x" * 40_000,)))


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_table_says_notice_root_block_and_source_in_both_forms(get, name):
    asked = ASKED.get(name, "")
    raw = get(f"{name}.csv{asked}").content
    head, columns, rows = read_csv(raw)
    root = read_reserve_statement(story().second).root
    assert head["notice"] == "test network, invented figures"
    assert root in (head.get("statement_root"), head.get("newest_statement_root"))
    assert len(head.get("statement_block_hash") or head["newest_statement_block_hash"]) == 64
    assert head["source"] == f"http://testserver/tables/{name}.csv{asked}"
    for column in columns:
        assert not column.startswith("amount") or column.endswith(("_sat", "_btc"))
    sheet = read_xlsx(get(f"{name}.xlsx{asked}").content)
    assert [text for _, text in sheet[len(head)]] == columns
    assert len(sheet) == len(head) + 1 + len(rows)  # the empty row is left out


def test_the_movements_of_a_file_are_those_of_the_page(get):
    _head, _columns, rows = read_csv(get("movements.csv").content)
    expected = MovementRow.objects.order_by("-height", "-position", "pk")
    assert [row["txid"] for row in rows] == [movement.txid for movement in expected]
    assert [int(row["received_sat"]) for row in rows] == [m.received for m in expected]


def test_lines_explain_what_the_figures_sum_up(get):
    _head, _columns, rows = read_csv(get("lines.csv?reason=acquisition&language=ur").content)
    assert len(rows) == LineRow.objects.filter(reason="acquisition").count() > 0
    assert {row["reason"] for row in rows} == {"acquisition"}
    assert all(row["reason_in_words"] not in ("acquisition", "") for row in rows)
    only = read_csv(get(f"lines.csv?txid={story().transfer}").content)[2]
    assert {row["txid"] for row in only} == {story().transfer}


def test_figures_of_a_file_are_the_statements(get):
    rows = {row["id"]: row for row in read_csv(get("figures.csv?kind=wallet").content)[2]}
    wallets = read_reserve_statement(story().second).wallets
    assert rows.keys() == wallets.keys()
    for ident, body in wallets.items():
        assert int(rows[ident]["closing_sat"]) == body.figures.closing
        assert Decimal(rows[ident]["closing_btc"]) * 10**8 == body.figures.closing


def test_the_series_of_a_file_ends_with_the_closing(get):
    _head, _columns, rows = read_csv(get("series.csv?set=wallet/fund").content)
    closing = read_reserve_statement(story().second).wallets["fund"].figures.closing
    assert int(rows[-1]["amount_sat"]) == closing
    assert {row["set"] for row in rows} == {"wallet/fund"}


def test_names_that_an_office_gave_cannot_become_formulas(get):
    LineRow.objects.filter(reason="acquisition").update(document='=cmd|"/c calc"!A1')
    row = read_csv(get("lines.csv?reason=acquisition").content)[2][0]
    assert row["document"].startswith("'=")
    assert (
        "<f>"
        not in zipfile.ZipFile(io.BytesIO(get("lines.xlsx?reason=acquisition").content))
        .read("xl/worksheets/sheet1.xml")
        .decode()
    )


def test_an_empty_field_of_a_form_asks_for_nothing(get):
    raw = get("movements.csv?wallet=&reason=").content
    assert len(read_csv(raw)[2]) == MovementRow.objects.count()


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("nothing.csv", 404, "no_such_address"),
        ("movements.ods", 404, "no_such_address"),
        ("movements.csv?walet=x", 422, "wrong_parameters"),
        ("movements.csv?reason=theft", 422, "wrong_parameters"),
        ("movements.csv?language=fr", 422, "wrong_parameters"),
        ("coins.csv?statement=00000000", 404, "no_such_thing"),
        ("two-bars.csv?watched=wallet/nobody", 404, "no_such_thing"),
    ],
)
def test_a_table_that_cannot_be_given_is_refused_with_a_code(get, address, status, code):
    assert get(address, status).json()["code"] == code


def test_tables_are_counted_with_what_the_api_answers(published, client, settings, monkeypatch):
    monkeypatch.setattr("khazana.portal.api.throttle.time.time", lambda: 2_000_000.0)
    settings.API_RATE = "1/min"
    assert client.get("/tables/coins.csv", REMOTE_ADDR="192.0.2.9").status_code == 200
    refused = client.get("/tables/coins.csv", REMOTE_ADDR="192.0.2.9")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "40")


def test_real_figures_carry_no_notice_of_a_test(get):
    OfficeRow.objects.update(test=False)
    assert "notice" not in read_csv(get("coins.csv").content)[0]


def test_before_anything_is_published_tables_are_empty_or_say_so(db, client, settings):
    settings.API_RATE = ""
    assert read_csv(client.get("/tables/movements.csv").content)[2] == []
    assert client.get("/tables/coins.csv").json()["code"] == "nothing_published"
    assert client.get("/tables/claims.csv").status_code == 200


@pytest.mark.parametrize("name", sorted(TABLES))
def test_the_number_of_queries_does_not_grow_with_the_table(
    get, client, django_assert_max_num_queries, name
):
    address = f"{name}.csv{ASKED.get(name, '')}"
    get(address)
    with django_assert_max_num_queries(14):
        client.get(f"/tables/{address}")


PAGES = (
    "",
    "movements/?wallet=fund&reason=acquisition",
    f"movements/{story().transfer}/",
    "coins/?wallet=fund",
    "two-bars/",
    "corrections/",
    "claims/",
    "conditions/",
    "statements/",
    f"statements/{read_reserve_statement(story().second).root}/",
    "holdings/perimeter/public-sector/",
    "holdings/wallet/fund/",
)


@pytest.mark.parametrize("page", PAGES)
def test_every_table_of_a_page_is_offered_and_the_links_give_it(published, client, settings, page):
    settings.API_RATE = ""
    text = client.get(f"/ur/{page}").content.decode()
    links = [unescape(each) for each in re.findall(r'href="(/tables/[^"]+)"', text)]
    assert len(links) >= 2
    for link in links:
        assert "language=ur" in link
        answer = client.get(link)
        assert answer.status_code == 200, (link, answer.content)
        assert answer.headers["Content-Disposition"].startswith("attachment")
