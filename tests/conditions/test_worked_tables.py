"""The tables of docs/methods/conditions.md, computed again."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from khazana.conditions.accumulation import accumulation_test
from khazana.conditions.as_if_booked import as_if_booked
from khazana.conditions.evaluate import evaluate
from khazana.conditions.restatements import as_certified
from khazana.conditions.statistics import Figures
from khazana.conditions.verdicts import Inputs
from khazana.ledger.documents import Reason
from khazana.units import Sats
from tests.conditions.memoranda import memorandum
from tests.conditions.test_as_if_booked import MAY, Order, reserves
from tests.conditions.test_evaluate import JUNE, LATER, asked, figure
from tests.conditions.worlds import RULE, books, declare_late, owed, public_world
from tests.ledger.worked_tables import Row, examples_of
from tests.reserve.simulator import BTC, OUTSIDER, World, script

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "conditions.md"


def rows(title: str) -> list[Row]:
    (example,) = [e for e in examples_of(PAGE) if e.title == f"Example: {title}"]
    (table,) = example.tables
    return list(table.rows)


@pytest.mark.parametrize("row", rows("headroom and adjusters"), ids=lambda row: row["Measured"])
def test_headroom_and_adjusters(row):
    read = memorandum(
        (
            'sign = "negative"\ndirection = "floor"',
            f'sign = "either"\ndirection = "{row["Direction"]}"',
        ),
        ('"-12150"', f'"{row["Target"]}"'),
        (
            'trigger = "shortfall"\nfactor = 1\ncap = 500',
            f'trigger = "{row["Counts"]}"\nfactor = "{row["Factor"]}"\ncap = {row["Cap"]}',
        ),
        ("value = 2000", f"value = {row['Projected']}"),
    )
    figures = [
        figure("net_international_reserves", JUNE, row["Measured"]),
        figure("external_financing", JUNE, row["Actual"]),
    ]
    result = asked(figures, read=read)["net-reserves", JUNE]
    assert (result.adjusted, result.headroom, result.verdict.value) == (
        Decimal(row["Adjusted"]),
        Decimal(row["Headroom"]),
        row["Verdict"],
    )


def play(world: World, story: str) -> None:
    for step in story.split(", "):
        if step == "nothing":
            continue
        found = re.fullmatch(r"(\w+) pays (\w+) (\d+)", step)
        assert found, step
        source, target, amount = found[1], found[2], int(found[3]) * BTC
        if source == "outside":
            paid = world.fund(script(target, 1), amount)
            if target == "clients":
                world.document(f"deposit-{paid}"[:60], Reason.CLIENT_DEPOSIT, target, amount, paid)
        else:
            world.spend(
                script(source), [(OUTSIDER if target == "outside" else script(target), amount)]
            )
        world.mine()


@pytest.mark.parametrize(
    "row", rows("one page rises by twenty"), ids=lambda r: r["Between A and B"]
)
def test_one_page_rises_by_twenty(row):
    world = public_world()
    start = world.mine()
    play(world, row["Between A and B"])
    end = world.mine()
    if late := row["Declared after A"]:
        assert row["Sealed before A"] in ("", late)
        declare_late(world, late, end, sealed=start if row["Sealed before A"] else None)
    liabilities = [
        owed(block, row[column])
        for block, column in ((start, "Owed at A"), (end, "Owed at B"))
        if row[column]
    ]
    result = accumulation_test(
        books(world, start, end), world.perimeters[0], RULE, liabilities=liabilities, custody=()
    )
    assert result.verdict.value == row["Verdict"]
    assert result.gain == (int(row["Gain in satoshi"]) if row["Gain in satoshi"] else None)


def day(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), datetime.min.time(), tzinfo=UTC)


def test_a_corrected_figure():
    table = rows("a corrected figure")
    entered = {
        figure("net_international_reserves", JUNE, r["Reserves"], entered=day(r["Entered"]))
        for r in table
    }
    assert len(entered) == 2
    financed = figure("external_financing", JUNE, "2000")
    inputs = Inputs(figures=Figures((*entered, financed)), closings={}, today=LATER)
    for row in table:
        asked_at = day(row["Asked at"])
        then = {(e.condition, e.day): e for e in as_certified(memorandum(), inputs, asked_at)}
        assert then["net-reserves", JUNE].verdict.value == row["Verdict"]
    today = {(e.condition, e.day): e for e in evaluate(memorandum(), inputs)}
    assert today["net-reserves", JUNE].verdict.value == table[-1]["Verdict"]


@pytest.mark.parametrize(
    "row", rows("the largest order that passes"), ids=lambda r: r["Reserves now"]
)
def test_the_largest_order_that_passes(row):
    order = Order(
        sats=Sats(int(row["Order in BTC"]) * BTC), cost=Decimal(row["Costs in USD"]), day=MAY
    )
    read = memorandum(('"-12150"', f'"{row["Floor"]}"'))
    given = reserves(row["Reserves now"])
    preview = as_if_booked(read, given, order)
    (line,) = preview.lines
    assert line.over_by == (Decimal(row["Over by"]) if row["Over by"] else None)
    assert preview.largest_sats == int(row["Largest in satoshi"])
    assert preview.passes is (line.over_by is None)
    assert replace(order, sats=order.sats) == order
