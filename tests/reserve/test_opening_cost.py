"""What coins had cost before the first valuation: declared once, by hash, and never silently."""

import hashlib
from fractions import Fraction

import pytest

from khazana.ledger.problems import OfficeFileRefused
from khazana.reserve.opening_cost import with_opening_costs
from khazana.reserve.reading import typed
from khazana.reserve.valuation_check import check_valuation
from khazana.reserve.valuation_cost import brought_forward
from khazana.reserve.valuation_document import read_valuation, write_valuation
from tests.reserve.test_valuation import changed, pool_of
from tests.reserve.valued import given, inputs, valuation, valued

HEAD = "set,amount_sat,cost,impaired_cost,document\n"
SECOND = valued().second()
STATEMENT = typed(SECOND.statement)
TABLE = (
    HEAD + "perimeter/fund-only,150_000_000,60000.00,50000,inventory-1\n"
    "perimeter/fund-only,100000000,45000.5,,inventory-1\n"
).encode()


def opening(raw=TABLE, *, earlier=None, currency="USD"):
    return with_opening_costs(earlier, "opening-cost.csv", raw, currency=currency)


def test_c10_a_pool_opens_with_the_lots_that_the_office_declares():
    document = valuation(STATEMENT, cost=inputs(SECOND, brought_forward=opening()))
    pool = pool_of(document, "perimeter/fund-only")
    share = Fraction(149_999_500, 250_000_000)
    assert Fraction(pool.cost) == round(Fraction("105000.50") * share * 100) / Fraction(100)
    assert Fraction(pool.impaired_cost) == round(Fraction("95000.50") * share * 100) / Fraction(100)
    carried = document.cost.brought_forward
    assert carried.file is None
    assert [p.declared for p in carried.pools] == [hashlib.sha256(TABLE).hexdigest()]
    again = read_valuation(write_valuation(document))
    assert check_valuation(STATEMENT, again, documents=given(SECOND)) == ()


def test_c10_a_changed_lot_no_longer_follows():
    document = valuation(STATEMENT, cost=inputs(SECOND, brought_forward=opening()))

    def cheaper(content):
        content["cost"]["brought_forward"]["pools"][0]["lots"][0]["cost"] = "1.00"

    found = check_valuation(STATEMENT, changed(document, cheaper), documents=given(SECOND))
    assert {finding.rule for finding in found} == {"V10"}


def test_c10_the_table_stands_beside_what_a_valuation_left():
    first = valued().first()
    before = brought_forward(valuation(typed(first.statement), cost=inputs(first)), STATEMENT)
    with pytest.raises(OfficeFileRefused, match="the valuation before says what"):
        opening(earlier=before)
    more = opening(f"{HEAD}entity/elsewhere,1,2.00,,paper\n".encode(), earlier=before)
    assert more.file == before.file
    assert more.lots["perimeter/fund-only"] == before.lots["perimeter/fund-only"]
    assert list(more.declared) == ["entity/elsewhere"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("fund,1,2,,x", "write entity/ID or perimeter/ID"),
        ("entity/a,0,2,,x", "not a number of satoshis"),
        ("entity/a,2100000000000001,2,,x", "not a number of satoshis"),
        ("entity/a,1.5,2,,x", "not a number of satoshis"),
        ("entity/a,²,2,,x", "not a number of satoshis"),
        ("entity/a,1,2.001,,x", "is not an amount of USD"),
        ("entity/a,1,-2,,x", "is not an amount of USD"),
        ("entity/a,1,1e3,,x", "is not an amount of USD"),
        ("entity/a,1,,,x", "cost: is empty"),
        ("entity/a,1,2,3,x", "more than the cost"),
        ("entity/a,1,2,,", "document: is empty"),
    ],
)
def test_a_bad_line_refuses_the_whole_table_with_its_place(line, why):
    raw = (HEAD + "entity/b,1,2,,paper\n" + line + "\n").encode()
    with pytest.raises(OfficeFileRefused) as refused:
        opening(raw)
    assert why in str(refused.value)
    assert "opening-cost.csv, line 3" in str(refused.value)
    with pytest.raises(OfficeFileRefused, match="0 decimals"):
        opening(f"{HEAD}entity/a,1,2.5,,x\n".encode(), currency="JPY")
