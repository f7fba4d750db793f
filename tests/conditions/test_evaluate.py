from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.conditions.evaluate import days_named, evaluate
from khazana.conditions.exact import decimal_of, divided, plain, shifted
from khazana.conditions.measures import unit_of
from khazana.conditions.memorandum import ArrangementRate, Memorandum, SourceRef
from khazana.conditions.statistics import Figures, NoRate, Statistic, converted
from khazana.conditions.verdicts import Evaluated, Inputs, Verdict
from khazana.ledger.documents import Reason
from khazana.ledger.grades import EvidenceGrade
from tests.conditions.memoranda import memorandum
from tests.conditions.worlds import inputs, owed, public_world
from tests.reserve.simulator import BTC, World, script

JUNE, DECEMBER = date(2026, 6, 30), date(2026, 12, 31)
BASE = date(2026, 1, 1)
LATER = date(2027, 6, 1)


def figure(
    quantity: str,
    day: date,
    value: str,
    unit: str = "USD m",
    *,
    perimeter: str | None = None,
    entered: datetime = datetime(2026, 7, 1, tzinfo=UTC),
) -> Statistic:
    return Statistic(
        quantity=quantity,
        perimeter=perimeter,
        day=day,
        value=Decimal(value),
        unit=unit,
        source="statistics office",
        grade=EvidenceGrade.C,
        entered=entered,
    )


def asked(
    statistics: Sequence[Statistic], *, today: date = LATER, read: Memorandum | None = None
) -> dict[tuple[str, date | None], Evaluated]:
    given_ = Inputs(figures=Figures(tuple(statistics)), closings={}, today=today)
    return {(e.condition, e.day): e for e in evaluate(read or memorandum(), given_)}


FINANCED = figure("external_financing", JUNE, "2000")


def test_a_floor_is_met_with_its_headroom():
    found = asked([figure("net_international_reserves", JUNE, "-12000"), FINANCED])
    result = found["net-reserves", JUNE]
    assert result.verdict is Verdict.MET
    assert (result.measured, result.target, result.adjusted) == (-12000, -12150, -12150)
    assert result.headroom == 150
    assert result.grade is EvidenceGrade.C
    assert "word of statistics office" in result.why


def test_the_limit_itself_is_met_and_a_cent_past_it_is_not():
    at = asked([figure("net_international_reserves", JUNE, "-12150"), FINANCED])
    past = asked([figure("net_international_reserves", JUNE, "-12150.01"), FINANCED])
    assert at["net-reserves", JUNE].verdict is Verdict.MET
    breached = past["net-reserves", JUNE]
    assert breached.verdict is Verdict.BREACHED
    assert breached.headroom == Decimal("-0.01")
    assert "floor passed by 0.01 USD m" in breached.why


@pytest.mark.parametrize(
    ("financing", "moved", "capped", "verdict"),
    [
        ("2000", 0, False, Verdict.BREACHED),
        ("1700", -300, False, Verdict.ADJUSTED),
        ("1900", -100, False, Verdict.BREACHED),
        ("900", -500, True, Verdict.ADJUSTED),
        ("5000", 0, False, Verdict.BREACHED),
    ],
)
def test_a_shortfall_of_financing_lowers_the_floor_up_to_the_cap(financing, moved, capped, verdict):
    found = asked(
        [
            figure("net_international_reserves", JUNE, "-12400"),
            figure("external_financing", JUNE, financing),
        ]
    )
    result = found["net-reserves", JUNE]
    assert result.adjusted == -12150 + moved
    assert [(a.amount, a.capped) for a in result.adjustments] == [(moved, capped)]
    assert result.verdict is verdict


def test_without_the_adjusters_figure_there_is_no_verdict():
    found = asked([figure("net_international_reserves", JUNE, "-12400")])
    result = found["net-reserves", JUNE]
    assert result.verdict is Verdict.NOT_ASSESSABLE
    assert result.measured == -12400
    assert "adjuster financing needs external_financing for 2026-06-30" in result.why


def test_figures_in_rupees_and_dollars_meet_at_the_arrangements_rate():
    found = asked([figure("social_transfers", JUNE, "400", "USD m")])
    result = found["transfers", JUNE]
    assert result.measured == 112
    assert "at the arrangement's rate" in result.why
    assert result.verdict is Verdict.MET


def test_a_currency_without_a_rate_is_not_assessable():
    found = asked([figure("social_transfers", JUNE, "400", "EUR m")])
    assert found["transfers", JUNE].verdict is Verdict.NOT_ASSESSABLE
    assert "no rate for EUR" in found["transfers", JUNE].why


@pytest.mark.parametrize(
    ("today", "why"),
    [
        (date(2026, 6, 1), "lies ahead"),
        (date(2026, 7, 30), "due by 2026-07-30 (30 days after the test)"),
        (date(2026, 7, 31), "no figure for social_transfers on 2026-06-30 was entered"),
    ],
)
def test_a_figure_that_is_missing_says_whether_it_is_late(today, why):
    result = asked([], today=today)["transfers", JUNE]
    assert result.verdict is Verdict.NOT_ASSESSABLE
    assert why in result.why


def test_a_figure_for_another_day_or_perimeter_does_not_serve():
    found = asked(
        [
            figure("social_transfers", JUNE - timedelta(days=1), "500", "PKR bn"),
            figure("social_transfers", JUNE, "500", "PKR bn", perimeter="central-bank"),
        ]
    )
    assert found["transfers", JUNE].verdict is Verdict.NOT_ASSESSABLE


def test_an_open_target_is_not_assessable_and_repeats_why():
    read = memorandum(("value = 235", 'open = "not found"'))
    found = asked([figure("social_transfers", DECEMBER, "500", "PKR bn")], read=read)
    assert found["transfers", DECEMBER].why == "the target is open: not found"


@pytest.mark.parametrize(
    ("steps", "today", "verdict"),
    [
        ([(JUNE, "1")], LATER, Verdict.MET),
        ([(JUNE + timedelta(days=1), "1")], LATER, Verdict.BREACHED),
        ([(JUNE, "0")], LATER, Verdict.BREACHED),
        ([(JUNE - timedelta(days=9), "0"), (JUNE, "1")], LATER, Verdict.MET),
        ([], LATER, Verdict.NOT_ASSESSABLE),
        ([], JUNE + timedelta(days=10), Verdict.NOT_ASSESSABLE),
    ],
)
def test_a_step_is_done_in_time_late_or_nobody_says(steps, today, verdict):
    found = asked([figure("report", day, value, "done") for day, value in steps], today=today)
    assert found["report", JUNE].verdict is verdict


def test_a_report_that_is_due_twice_is_not_met_twice_by_one():
    read = memorandum(
        (
            "date = 2026-06-30\nvalue = 1\n",
            "date = 2026-06-30\nvalue = 1\n\n[[condition.target]]\ndate = 2026-12-31\nvalue = 1\n",
        )
    )
    found = asked([figure("report", JUNE, "1", "done")], read=read)
    assert found["report", JUNE].verdict is Verdict.MET
    assert found["report", DECEMBER].verdict is Verdict.NOT_ASSESSABLE


CONTINUOUS_ENTERED = (
    'quantity = "bitcoin_accumulation"\nperimeter = "public-sector"\nunit = "BTC"',
    'quantity = "external_payment_arrears"\nperimeter = "public-sector"\nunit = "USD m"',
)


def test_a_continuous_condition_on_a_statistic_is_judged_at_every_figure():
    read = memorandum(CONTINUOUS_ENTERED)
    days = [date(2025, 12, 1), BASE, date(2026, 3, 1), date(2099, 1, 1)]
    values = ["9", "0", "0.5", "9"]
    found = asked(
        [figure("external_payment_arrears", d, v) for d, v in zip(days, values, strict=True)],
        read=read,
    )
    mine = {day: e.verdict for (name, day), e in found.items() if name == "no-accumulation"}
    assert mine == {BASE: Verdict.MET, date(2026, 3, 1): Verdict.BREACHED}


def test_a_continuous_condition_without_a_figure_says_so():
    found = asked([], read=memorandum(CONTINUOUS_ENTERED))
    assert "no figure for external_payment_arrears" in found["no-accumulation", None].why


def test_bitcoin_without_books_is_not_assessable():
    found = asked([])
    assert "no books were given" in found["no-accumulation", BASE].why


# Counted in the books


def lines(world: World, start, end, read: Memorandum, **more) -> list[Evaluated]:
    given_ = inputs(world, start, end, closings={BASE: start, **more.pop("closings", {})}, **more)
    return [e for e in evaluate(read, given_) if e.condition == "no-accumulation"]


def test_between_two_attestations_of_what_clients_are_owed_nothing_is_claimed():
    world = public_world()
    start = world.mine()
    world.spend(script("treasury"), [(script("fund"), 20 * BTC)])
    moved = world.mine()
    middle = world.mine(5)
    world.fund(script("fund", 1), 2 * BTC)
    world.mine()
    end = world.mine(3)
    found = lines(
        world,
        start,
        end,
        memorandum(),
        liabilities=[owed(start, 40), owed(middle, 40), owed(end, 40)],
    )
    assert [(e.block, e.verdict) for e in found] == [
        (start, Verdict.MET),
        (start, Verdict.NOT_ASSESSABLE),
        (middle, Verdict.MET),
        (middle, Verdict.NOT_ASSESSABLE),
        (end, Verdict.BREACHED),
    ]
    assert (found[1].until, found[3].until) == (middle, end)
    assert f"not attested at block {moved.height}" in found[1].why
    assert f"only at block {start.height} and block {middle.height}" in found[1].why
    assert found[2].measured == Decimal("-0.000005")
    assert found[4].measured == Decimal("1.999995")
    assert found[4].headroom == Decimal("-1.999995")
    assert found[4].grade is EvidenceGrade.C


def test_attestations_far_apart_leave_a_gap_even_when_no_coin_moved():
    world = public_world()
    start, end = world.mine(), world.mine(9)
    found = lines(world, start, end, memorandum(), liabilities=[owed(start, 40), owed(end, 40)])
    assert [e.verdict for e in found] == [Verdict.MET, Verdict.NOT_ASSESSABLE, Verdict.MET]
    assert "not attested in between" in found[1].why


GROSS = (
    'quantity = "bitcoin_accumulation"\nperimeter = "public-sector"',
    'quantity = "bitcoin_acquisitions"\nperimeter = "public-sector"',
)


def test_acquisitions_are_purchases_and_what_was_mined_whatever_left():
    world = public_world()
    start = world.mine()
    bought = world.fund(script("fund"), 3 * BTC)
    world.document("invoice", Reason.ACQUISITION, "fund", 3 * BTC, bought)
    paid = world.fund(script("fund"), 9 * BTC)
    world.document("tax", Reason.RECEIPT, "fund", 9 * BTC, paid)
    first = world.mine()
    end = world.mine(coinbase=[(script("treasury"), 25 * BTC)])
    txid = world.chain.blocks[-1].transactions[0].txid
    world.document("pool", Reason.MINED, "treasury", 25 * BTC, txid)
    found = lines(
        world, start, end, memorandum(GROSS, ("net_of_clients = true", "net_of_clients = false"))
    )
    assert [(e.block, e.measured, e.verdict) for e in found] == [
        (start, 0, Verdict.MET),
        (first, 3, Verdict.BREACHED),
        (end, 28, Verdict.BREACHED),
    ]


def test_what_nobody_explains_is_not_taken_for_a_receipt():
    world = public_world()
    start = world.mine()
    world.fund(script("fund"), 3 * BTC)
    end = world.mine()
    found = lines(world, start, end, memorandum(GROSS))
    assert found[-1].verdict is Verdict.NOT_ASSESSABLE
    assert "3 BTC came in that no document explains" in found[-1].why
    assert found[-1].block == end


STOCK = [
    ('quantity = "bitcoin_accumulation"', 'quantity = "bitcoin_stock"'),
    (
        'sign = "zero"\ndirection = "ceiling"\ncumulative_from = 2026-01-01\n',
        'sign = "positive"\ndirection = "ceiling"\n',
    ),
    ("since = 2026-01-01\nvalue = 0", "since = 2026-01-01\nvalue = 81"),
]


def test_the_stock_leaves_out_what_clients_are_owed_and_what_was_seized():
    world = public_world()
    start = world.mine()
    seized = world.fund(script("custody"), 7 * BTC)
    world.document("warrant", Reason.SEIZURE, "custody", 7 * BTC, seized)
    end = world.mine()
    found = lines(
        world, start, end, memorandum(*STOCK), liabilities=[owed(start, 40), owed(end, 38)]
    )
    assert [(e.measured, e.verdict) for e in found] == [(80, Verdict.MET), (82, Verdict.BREACHED)]


def test_the_stock_counts_a_wallet_from_where_it_was_declared():
    from tests.conditions.worlds import declare_late

    world = public_world()
    start = world.mine()
    middle = world.mine(2)
    declare_late(world, "treasury", middle)
    end = world.mine(2)
    read = memorandum(*STOCK, ("net_of_clients = true", "net_of_clients = false"))
    found = lines(world, start, end, read)
    assert [(e.block, e.measured) for e in found] == [(start, 90), (middle, 120), (end, 120)]


def test_a_bitcoin_condition_tested_at_dates_is_read_at_their_closing_blocks():
    read = memorandum(
        *STOCK[:2],
        ('kind = "continuous_performance_criterion"', 'kind = "periodic_performance_criterion"'),
        (
            "since = 2026-01-01\nvalue = 0",
            "date = 2026-06-30\nvalue = 80\n\n[[condition.target]]\ndate = 2026-12-31\nvalue = 80",
        ),
    )
    assert days_named(read) == (JUNE, DECEMBER)
    world = public_world()
    start, end = world.mine(), world.mine(4)
    found = lines(world, start, end, read, closings={JUNE: end}, liabilities=[owed(end, 40)])
    assert [(e.day, e.verdict) for e in found] == [
        (JUNE, Verdict.MET),
        (DECEMBER, Verdict.NOT_ASSESSABLE),
    ]
    assert found[1].why == "the block that closes 2026-12-31 is not known"


def test_books_that_begin_after_the_base_say_so():
    world = public_world()
    start = world.mine()
    later = world.mine(3)
    found = lines(
        world,
        later,
        world.mine(3),
        memorandum(),
        closings={BASE: start},
        liabilities=[owed(start, 40)],
    )
    assert {e.verdict for e in found} == {Verdict.NOT_ASSESSABLE}
    assert any(f"the books cover blocks {later.height} to" in e.why for e in found) or any(
        "not attested" in e.why for e in found
    )


def test_an_office_without_the_perimeter_is_not_assessable():
    world = public_world()
    start, end = world.mine(), world.mine()
    world.perimeters.clear()
    (found,) = lines(world, start, end, memorandum())
    assert found.why == "the office describes no perimeter called public-sector"


def test_days_named_are_those_that_the_books_need():
    assert days_named(memorandum()) == (BASE,)


# Exactness


@pytest.mark.parametrize("text", ["1E+999999", "1E-999999", "NaN", "Infinity"])
def test_what_is_no_amount_is_refused_before_anybody_counts_with_it(text):
    with pytest.raises(ValueError, match="is no amount"):
        plain(Decimal(text))


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12
    )
)
def test_a_decimal_keeps_its_value_in_one_spelling(value):
    assert plain(value) == value
    assert decimal_of(f"{plain(value):f}") == value
    assert shifted(shifted(value, 9), -9) == value


def test_dividing_by_a_rate_rounds_halves_to_the_even_digit():
    assert divided(Decimal("0.0000000005"), Decimal(1)) == 0
    assert divided(Decimal("0.0000000015"), Decimal(1)) == Decimal("0.000000002")


def test_a_conversion_between_two_currencies_goes_by_the_dollar():
    nowhere = SourceRef("drill", "1", None)
    rates = [
        ArrangementRate("PKR", Decimal(280), BASE, nowhere),
        ArrangementRate("EUR", Decimal("0.8"), BASE, nowhere),
    ]
    value, by_rate = converted(Decimal(8), unit_of("EUR m"), unit_of("PKR bn"), rates)
    assert (value, by_rate) == (Decimal("2.8"), True)
    with pytest.raises(NoRate):
        converted(Decimal(8), unit_of("BTC"), unit_of("USD m"), rates)


def test_every_figure_of_a_verdict_is_written_the_one_way():
    """1.50 less 0.50 is 1: a statement that said 1.00 would be refused by its readers."""
    found = asked([figure("net_international_reserves", JUNE, "-12149.50"), FINANCED])
    result = found["net-reserves", JUNE]
    assert [str(v) for v in (result.measured, result.headroom)] == ["-12149.5", "0.5"]
    whole = asked(
        [
            figure("net_international_reserves", DECEMBER, "-8649.5"),
            figure("external_financing", DECEMBER, "3000.0"),
        ]
    )
    assert str(whole["net-reserves", DECEMBER].headroom) == "1"
