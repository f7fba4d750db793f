from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.ledger.canonical import canonical_bytes
from khazana.ledger.findings import Finding
from khazana.ledger.valuation import (
    PricePoint,
    PriceRule,
    PricesRefused,
    Quote,
    Value,
    decimal_fraction,
    read_prices,
    value_at,
)
from khazana.units import Sats

PAGE = Path(__file__).parents[2] / "docs" / "methods" / "valuation.md"
DAY = timedelta(days=1)
BTC_USD = Quote("BTC", "USD", "Venue A", "daily close")
USD_PKR = Quote("USD", "PKR", "Bank", "selling")
IN_USD = PriceRule(quotes=(BTC_USD,), max_age=DAY)
IN_PKR = PriceRule(quotes=(BTC_USD, USD_PKR), max_age=DAY)
TABLE = """at,venue,rule,base,currency,price
2026-05-01T00:00:00Z,Venue A,daily close,,USD,60000.00
2026-05-02T05:00:00+05:00,Venue A,daily close,BTC,USD,61000.50
2026-05-01T00:00:00Z,Bank,selling,USD,PKR,280.25
2026-05-02T00:00:00Z,Bank,selling,USD,PKR,280.25
2026-05-01T12:00:00Z,Venue B,daily close,BTC,USD,1
2026-05-01T12:00:00Z,Venue A,bid,BTC,USD,1
"""
PRICES = read_prices("prices.csv", TABLE.encode())


def rows() -> list[list[str]]:
    table = [line.strip("|").split("|") for line in PAGE.read_text().splitlines() if "|" in line]
    return [[cell.strip() for cell in row] for row in table[2:]]


@pytest.mark.parametrize("row", rows(), ids=lambda row: " ".join(row[:2]))
def test_the_worked_table_of_the_method_comes_out(row):
    sats, instant, usd, pkr = row
    for rule, expected in ((IN_USD, usd), (IN_PKR, pkr)):
        at = datetime.fromisoformat(instant)
        found = value_at(Sats(int(sats)), at, prices=PRICES, rule=rule)
        if expected == "missing":
            assert isinstance(found, Finding)
            assert found.rule == "V3"
        else:
            assert isinstance(found, Value)
            assert str(found.minor) == expected
            assert len(found.points) == len(rule.quotes)
            canonical_bytes(found.record())


@given(st.integers(0, 21 * 10**14), st.integers(1, 10**10), st.integers(0, 8))
def test_v5_agrees_with_decimal_arithmetic_of_ample_precision(sats, digits, places):
    price = f"{Decimal(digits).scaleb(-places):f}"
    at = datetime(2026, 1, 1, tzinfo=UTC)
    point = PricePoint(
        at=at, venue="Venue A", rule="daily close", base="BTC", currency="USD", price=price
    )
    found = value_at(Sats(sats), at, prices=[point], rule=IN_USD)
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(sats) * Decimal(price) / Decimal(10**6)
        expected = int(exact.to_integral_value(ROUND_HALF_EVEN))
    assert isinstance(found, Value)
    assert found.minor == expected


def test_v1_two_prices_for_one_instant_are_a_finding_unless_they_are_equal():
    at = datetime(2026, 5, 1, tzinfo=UTC)
    for price, equal in (("60000", True), ("60000.01", False)):
        other = PricePoint(
            at=at, venue="Venue A", rule="daily close", base="BTC", currency="USD", price=price
        )
        found = value_at(Sats(1), at, prices=[*PRICES, other], rule=IN_USD)
        assert isinstance(found, Value) is equal
        if isinstance(found, Finding):
            assert found.rule == "V1"


def test_v4_a_missing_rate_leaves_the_value_missing():
    bitcoin_only = [point for point in PRICES if point.base == "BTC"]
    at = datetime(2026, 5, 1, tzinfo=UTC)
    found = value_at(Sats(1), at, prices=bitcoin_only, rule=IN_PKR)
    assert isinstance(found, Finding)
    assert "USD in PKR at Bank" in found.text


def test_a_rule_is_a_chain_that_starts_with_bitcoin():
    for quotes in ((), (USD_PKR,), (BTC_USD, BTC_USD)):
        with pytest.raises(ValueError, match=r"price rule|lead"):
            PriceRule(quotes=quotes, max_age=DAY)


NOT_PLAIN = ["", ".5", "5.", "-1", "+1", "1e3", "1,000", "١", "1/2", "NaN", "1_0"]


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_v2_only_plain_decimals_are_prices(text):
    with pytest.raises(ValueError, match="plain decimal"):
        decimal_fraction(text)


@pytest.mark.parametrize(
    ("there", "instead", "words"),
    [
        ("60000.00", "60,000", "line 2, (row): has 7 cells"),
        ("60000.00", "6e4", "line 2, price: '6e4' is not a plain decimal"),
        ("60000.00", "0.0", "line 2, price: is zero"),
        ("60000.00", "", "line 2, price: is empty"),
        ("2026-05-01T00:00:00Z,Venue", "2026-05-01,Venue", "line 2, at: "),
        ("05:00+05:00", "05:00+05:00 ", ""),
        (",USD,60000", ",USX,60000", "line 2, currency: "),
        (",,USD,60000", ",EURO,USD,60000", "line 2, base: "),
        (",,USD,60000", ",USD,USD,60000", "no price in itself"),
        ("2026-05-02T05:00:00+05:00", "2026-05-01T05:00:00+05:00", "line 3, at: line 2 gives"),
        ("venue", "market", "line 1, market: no such column"),
    ],
)
def test_a_bad_table_of_prices_is_refused_whole(there, instead, words):
    raw = TABLE.replace(there, instead, 1).encode()
    if not words:
        assert read_prices("prices.csv", raw) == PRICES
        return
    with pytest.raises(PricesRefused) as caught:
        read_prices("prices.csv", raw)
    assert words in str(caught.value)
    assert str(caught.value).startswith("prices.csv is refused")


def test_a_price_with_source_and_hash_is_cited_and_one_without_is_only_entered():
    table = TABLE.replace("currency,price\n", "currency,price,source,file_sha256\n").splitlines()
    cells = ("", "https://venue.example," + "ab" * 32, "https://venue.example,", f",{'ab' * 32}")
    lines = [f"{line},{cell or ','}" for line, cell in zip(table[1:], cells, strict=False)]
    points = read_prices("prices.csv", "\n".join([table[0], *lines]).encode())
    assert [point.grade.value for point in points] == ["D", "C", "D", "D"]
    assert [point.price for point in points] == [point.price for point in PRICES[:4]]
    with pytest.raises(PricesRefused, match="line 2, file_sha256: 'AB' is not 64"):
        read_prices("prices.csv", f"{table[0]}\n{table[1]},,AB".encode())
