"""An order is refused with the right figures, and the largest order that passes does pass."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.conditions.as_if_booked import LenderConditions, as_if_booked
from khazana.conditions.memorandum import Kind
from khazana.conditions.preview import ProposedBooking
from khazana.conditions.statistics import Figures
from khazana.conditions.verdicts import Inputs, Verdict
from khazana.ledger.documents import Reason
from khazana.units import Sats
from tests.conditions.memoranda import memorandum
from tests.conditions.test_evaluate import BASE, JUNE, STOCK, figure
from tests.conditions.worlds import inputs, owed, public_world
from tests.reserve.simulator import BTC, script

MAY = date(2026, 5, 20)
TEN = Sats(10 * BTC)


@dataclass(frozen=True)
class Order:
    """What custody would hand in; it knows nothing of this room's types."""

    reason: Reason = Reason.ACQUISITION
    account: str = "fund"
    sats: Sats = TEN
    day: date = MAY
    counter_account: str | None = None
    paid_from: str | None = "central_bank"
    cost: Decimal | None = Decimal(1_000_000)
    currency: str | None = "USD"


def reserves(value: str) -> Inputs:
    known = figure("net_international_reserves", date(2026, 5, 15), value)
    return Inputs(figures=Figures((known,)), closings={}, today=MAY)


def test_buying_from_the_central_bank_lowers_net_reserves_by_what_it_costs():
    order: ProposedBooking = Order()
    preview = as_if_booked(memorandum(), reserves("-12149.5"), order)
    (line,) = [one for one in preview.lines if one.condition == "net-reserves"]
    assert (line.before, line.effect, line.after) == (Decimal("-12149.5"), -1, Decimal("-12150.5"))
    assert line.limit == -12150
    assert line.over_by == Decimal("0.5")
    assert line.verdict is Verdict.BREACHED
    assert line.refuses
    assert line.needs_waiver
    assert line.kind is Kind.PERIODIC
    assert (line.tested, line.as_of) == (JUNE, "2026-05-15")
    assert line.largest_sats == preview.largest_sats == 5 * BTC
    assert "over by 0.5 USD m; at most 500000000 sat would pass" in line.why
    assert not preview.passes
    assert preview.refusals == (line,)


def test_the_largest_order_passes_and_one_satoshi_more_does_not():
    given_, read = reserves("-12149.123457"), memorandum()
    order = Order(sats=Sats(7 * BTC), cost=Decimal("999999.99"))
    most = as_if_booked(read, given_, order).largest_sats
    assert most is not None
    for sats, passes in ((most, True), (most + 1, False)):
        share = replace(order, sats=Sats(sats), cost=order.cost * sats / order.sats)
        assert as_if_booked(read, given_, share).passes is passes


def test_an_order_in_rupees_is_seen_at_the_arrangements_rate():
    preview = as_if_booked(
        memorandum(), reserves("-12149.5"), Order(cost=Decimal("140000000"), currency="PKR")
    )
    assert preview.lines[0].effect == Decimal("-0.5")
    assert preview.passes


def test_an_order_whose_currency_has_no_rate_is_unknown_and_does_not_pass():
    preview = as_if_booked(memorandum(), reserves("-1"), Order(currency="EUR"))
    assert [line.condition for line in preview.unknown] == ["net-reserves"]
    assert "no rate for EUR" in preview.unknown[0].why
    assert not preview.passes


def test_an_order_without_a_cost_is_unknown_where_money_counts():
    preview = as_if_booked(memorandum(), reserves("-1"), Order(cost=None, currency=None))
    assert "states no cost" in preview.unknown[0].why


def test_an_order_paid_from_another_pocket_does_not_touch_reserves():
    assert as_if_booked(memorandum(), reserves("-12150"), Order(paid_from="budget")).lines == ()


def test_without_a_figure_nothing_passes():
    given_ = Inputs(closings={}, today=MAY)
    preview = as_if_booked(memorandum(), given_, Order())
    assert not preview.passes
    assert "no figure for net_international_reserves" in preview.unknown[0].why


def test_an_adjuster_with_a_figure_counts_and_one_without_does_not():
    given_ = reserves("-12149.5")
    short = figure("external_financing", JUNE, "1900")
    more = replace(given_, figures=Figures((*given_.figures.statistics, short)))
    assert as_if_booked(memorandum(), given_, Order()).lines[0].limit == -12150
    assert as_if_booked(memorandum(), more, Order()).lines[0].limit == -12250


def test_an_indicative_target_warns_and_refuses_nothing():
    read = memorandum(('kind = "periodic_performance_criterion"', 'kind = "indicative_target"'))
    preview = as_if_booked(read, reserves("-12150"), Order())
    assert [line.condition for line in preview.warnings] == ["net-reserves"]
    assert preview.passes
    assert preview.largest_sats is None


def test_after_the_last_known_test_nothing_can_be_said():
    preview = as_if_booked(memorandum(), reserves("-1"), Order(day=date(2027, 1, 1)))
    assert "no test on or after 2027-01-01" in preview.unknown[0].why


def test_an_open_target_does_not_let_an_order_pass():
    read = memorandum(('value = "-12150"', 'open = "not found"'))
    preview = as_if_booked(read, reserves("-1"), Order())
    assert "is open: not found" in preview.unknown[0].why


# Counted in the books


def books(clients: int = 40) -> tuple[Inputs, int]:
    world = public_world()
    start, end = world.mine(), world.mine(3)
    given_ = inputs(
        world,
        start,
        end,
        closings={BASE: start},
        liabilities=[owed(start, 40), owed(end, clients)],
        today=MAY,
    )
    return given_, end.height


NO_MONEY = {"paid_from": None, "cost": None, "currency": None}


def test_under_a_ceiling_of_nothing_no_purchase_passes():
    given_, height = books()
    preview = as_if_booked(memorandum(), given_, Order(sats=Sats(1), **NO_MONEY))
    (line,) = preview.refusals
    assert (line.condition, line.tested) == ("no-accumulation", None)
    assert line.over_by == Decimal("0.00000001")
    assert line.largest_sats == preview.largest_sats == 0
    assert line.as_of == f"block {height}"


@pytest.mark.parametrize(
    ("order", "touched"),
    [
        (Order(reason=Reason.MINED, account="treasury", **NO_MONEY), True),
        (Order(reason=Reason.RECEIPT, **NO_MONEY), True),
        (Order(reason=Reason.SEIZURE, account="custody", **NO_MONEY), False),
        (Order(reason=Reason.CLIENT_DEPOSIT, account="clients", **NO_MONEY), False),
        (Order(reason=Reason.CLIENT_WITHDRAWAL, account="clients", **NO_MONEY), False),
        (Order(account="somebody-else", **NO_MONEY), False),
        (Order(reason=Reason.FROM_CUSTODIAN, counter_account="treasury", **NO_MONEY), False),
    ],
)
def test_what_an_order_does_to_the_stock_depends_on_reason_and_account(order, touched):
    given_, _ = books()
    assert bool(as_if_booked(memorandum(), given_, order).lines) is touched


def test_a_sale_gives_room_and_is_never_refused_even_when_the_ceiling_is_passed():
    given_, _ = books(clients=30)
    sale = Order(reason=Reason.DISPOSAL, sats=Sats(4 * BTC), **NO_MONEY)
    preview = as_if_booked(memorandum(), given_, sale)
    (line,) = preview.lines
    assert (line.before, line.after, line.over_by) == (10, 6, 6)
    assert line.verdict is Verdict.BREACHED
    assert not line.worsens
    assert not line.refuses
    assert preview.passes


def test_a_stock_ceiling_leaves_exactly_its_headroom():
    given_, _ = books()
    preview = as_if_booked(memorandum(*STOCK), given_, Order(sats=Sats(2 * BTC), **NO_MONEY))
    (line,) = preview.refusals
    assert (line.before, line.after, line.limit, line.over_by) == (80, 82, 81, 1)
    assert preview.largest_sats == BTC


@given(st.integers(1, 10**12))
def test_whatever_is_ordered_passes_exactly_up_to_the_largest(sats):
    given_, _ = GIVEN
    preview = as_if_booked(READ, given_, Order(sats=Sats(sats), **NO_MONEY))
    assert preview.largest_sats == BTC
    assert preview.passes is (sats <= BTC)


GIVEN = books()
READ = memorandum(*STOCK)


def test_what_came_in_since_the_last_attestation_takes_room_until_the_next():
    world = public_world()
    start = world.mine()
    world.fund(script("fund", 1), BTC // 2)
    world.mine()
    given_ = inputs(
        world, start, world.mine(), closings={BASE: start}, liabilities=[owed(start, 40)], today=MAY
    )
    preview = as_if_booked(READ, given_, Order(sats=Sats(BTC), **NO_MONEY))
    (line,) = preview.refusals
    assert (line.before, line.over_by) == (Decimal("80.5"), Decimal("0.5"))
    assert line.as_of == f"block {start.height}, with what came in since"
    assert preview.largest_sats == BTC // 2


def test_several_arrangements_are_asked_together():
    given_, _ = books()
    known = figure("net_international_reserves", date(2026, 5, 15), "-12149.5")
    both = replace(given_, figures=Figures((known,), given_.figures.liabilities))
    lender = LenderConditions((memorandum(), READ), both)
    preview = lender.as_if_booked(Order())
    assert [(line.condition, line.refuses) for line in preview.lines] == [
        ("net-reserves", True),
        ("no-accumulation", True),
        ("net-reserves", True),
        ("no-accumulation", True),
    ]
    assert preview.largest_sats == 0


def test_an_order_of_nothing_is_our_mistake():
    with pytest.raises(ValueError, match="more than nothing"):
        as_if_booked(memorandum(), reserves("-1"), Order(sats=Sats(0)))
    with pytest.raises(ValueError, match="neither brings nor takes"):
        as_if_booked(memorandum(), reserves("-1"), Order(reason=Reason.TRANSFER))
