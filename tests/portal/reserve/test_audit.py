"""No page, PDF or table prints an amount that is neither stated nor a sum of what is stated."""

import re
import shutil
import subprocess

import pytest

from khazana.portal.statement.models import StatementRow
from khazana.reserve.headline import net_change, received_gross
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.sets import sets_of
from khazana.reserve.two_bars import two_bars
from khazana.units import SATS_PER_BTC
from tests.reserve.world import story

pytestmark = pytest.mark.django_db

AMOUNT = re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+|\d+)\.(\d{8})(?!\d)")
FIGURES = ("opening", "inflow", "coinbase", "outflow", "fee", "internal", "off_chain", "closing",
           "perimeter_change", "immature")  # fmt: skip


def printed_in(text):
    """Every amount with eight decimals, in satoshis and without its sign."""
    return {int(whole.replace(",", "")) * SATS_PER_BTC + int(part) for whole, part in
            AMOUNT.findall(text)}  # fmt: skip


def stated_numbers(value):
    """Every whole number of a statement's bodies."""
    if isinstance(value, dict):
        for each in value.values():
            yield from stated_numbers(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from stated_numbers(each)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield abs(value)


def stated():
    """What both statements state, and the sums of it that pages may print. In satoshis."""
    found = {0}
    for raw in (story().first, story().second):
        statement = read_reserve_statement(raw)
        for part in statement.envelope.parts:
            found |= set(stated_numbers(part.body))
        for _part, figures, _ in sets_of(statement):
            grades = figures.grades
            found |= {
                abs(net_change(figures)),
                abs(received_gross(figures)),
                abs(figures.closing - figures.opening),
                abs(grades.b + grades.c + grades.d),
                abs(figures.closing + figures.corrections.closing),
            }
        for entry in statement.entries:
            spent = sum(each.amount for each in entry.spent)
            received = sum(each.amount for each in entry.received)
            found |= {spent, received, abs(received - spent)}
    return found


def pages():
    """Addresses of pages that print amounts of the second statement."""
    yield from ("", "movements/", "coins/", "corrections/", "statements/", "conditions/")
    yield from (f"movements/{txid}/" for txid in (story().transfer, story().unexplained))
    second = read_reserve_statement(story().second)
    for part, _figures, _ in sets_of(second):
        yield f"holdings/{part}/"
        for figure in FIGURES:
            yield f"cite/{second.root}/{part}/{figure}/"
    yield f"statements/{second.root}/"


def of_the_chart():
    """Balances between two blocks are the room's own sums (khazana.reserve.series)."""
    from khazana.portal.reserve.models import BalanceRow

    return {abs(amount) for amount in BalanceRow.objects.values_list("amount", flat=True)}


def test_every_amount_on_every_page_is_stated(published, client):
    allowed, count = stated() | of_the_chart(), 0
    for address in pages():
        answer = client.get(f"/en/{address}")
        assert answer.status_code == 200, address
        found = printed_in(answer.content.decode())
        assert found <= allowed, (address, sorted(found - allowed))
        count += len(found)
    assert count > 200


@pytest.mark.parametrize("language", ["ur", "ar", "es"])
def test_every_language_prints_the_same_amounts(published, client, language):
    for address in ("", "movements/", "two-bars/", "holdings/perimeter/public-sector/"):
        english = printed_in(client.get(f"/en/{address}").content.decode())
        assert printed_in(client.get(f"/{language}/{address}").content.decode()) == english


def test_a_cited_figure_is_the_statements_own(published, client):
    second = read_reserve_statement(story().second)
    for part, figures, _ in sets_of(second):
        for figure in FIGURES:
            text = client.get(f"/en/cite/{second.root}/{part}/{figure}/").content.decode()
            assert abs(getattr(figures, figure)) in printed_in(text), (part, figure)


def test_both_bars_are_the_rooms_figures_for_every_pair(published, client):
    second = read_reserve_statement(story().second)
    parts = [part for part, _, _ in sets_of(second) if part.startswith(("perimeter/", "wallet/"))]
    allowed = stated()
    for watched in parts:
        for stock in parts:
            bars = two_bars(second, watched=watched, stock=stock)
            text = client.get(f"/en/two-bars/?watched={watched}&stock={stock}").content.decode()
            found = printed_in(text)
            assert {abs(bars.gross), abs(bars.net)} <= found, (watched, stock)
            arrived = {abs(arrival.amount) for arrival in bars.arrivals}
            assert found <= allowed | arrived | {abs(bars.gross), abs(bars.net)}, (watched, stock)


def test_every_amount_of_the_pdf_is_stated(published, client, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    allowed = stated()
    for row in StatementRow.objects.all():
        (tmp_path / "a.pdf").write_bytes(client.get(f"/files/{row.root}/statement-en.pdf").content)
        command = ["pdftotext", "-layout", "a.pdf", "a.txt"]
        subprocess.run(command, cwd=tmp_path, check=True)
        found = printed_in((tmp_path / "a.txt").read_text("utf-8"))
        assert len(found) > 5
        assert found <= allowed, sorted(found - allowed)


def test_every_amount_of_every_table_is_stated(published, client, settings):
    settings.API_RATE = ""
    allowed = stated() | of_the_chart()
    for table in ("figures", "movements", "coins", "lines", "series"):
        answer = client.get(f"/tables/{table}.csv")
        assert answer.status_code == 200, table
        found = printed_in(answer.content.decode().replace(",", " "))
        assert found, table
        assert found <= allowed, (table, sorted(found - allowed))
