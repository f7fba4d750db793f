"""The lender's conditions refuse orders with the right figures; orders under way count together."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.conditions.as_if_booked import LenderConditions
from khazana.conditions.shipped import shipped_memorandum
from khazana.conditions.statistics import Figures
from khazana.conditions.verdicts import Inputs
from khazana.custody.orders.order import Money, Quote
from khazana.custody.orders.state import Status
from khazana.ledger.documents import Reason
from khazana.units import Sats
from tests.conditions.memoranda import memorandum
from tests.conditions.test_as_if_booked import books
from tests.conditions.test_evaluate import STOCK, figure
from tests.custody.orders.desk import BTC, HOUR, MONDAY, Desk, order, purchase, rules
from tests.custody.orders.test_checks import outcome, result

REQUIRED = rules(('conditions = "none"', 'conditions = "required"'))
BOOKS, _ = books()
CEILING = LenderConditions((memorandum(*STOCK),), BOOKS)
"""Over 80 BTC held, a ceiling of 81."""
STOCK_RULE = "condition:drill/no-accumulation"


def reserves(value: str) -> LenderConditions:
    known = figure("net_international_reserves", date(2026, 5, 15), value)
    inputs = Inputs(figures=Figures((known,)), closings={}, today=MONDAY.date())
    return LenderConditions((memorandum(),), inputs)


def costing(minor: int, sats: int = 10 * BTC, *, id_: str = "buy-1", **changes):
    """A purchase for this many cents, from the central bank's pocket."""
    quotes = tuple(
        Quote(
            id=dealer,
            dealer=dealer,
            at=MONDAY - HOUR,
            valid_until=MONDAY + 10 * HOUR,
            price=Money("USD", minor + more),
        )
        for more, dealer in enumerate(("alfa", "beta"))
    )
    pocket = {"paid_from": "central_bank"}
    return purchase(sats, id_=id_, quotes=quotes, chosen="alfa", why=None, **(pocket | changes))


def only(found, rule):
    assert [each.rule for each in found.refusals] == [rule]
    return found.refusals[0]


def test_a_purchase_above_the_headroom_is_refused_with_the_right_figures():
    """Rule O23: 0.5 million of room, 10 BTC for one million."""
    found = outcome(costing(100_000_000), rules_=REQUIRED, conditions=reserves("-12149.5"))
    refusals = {each.rule: each for each in found.refusals}
    floor = refusals["condition:drill/net-reserves"]
    assert (floor.over_by, floor.largest) == ("0.5 USD m", 5 * BTC)
    assert "-12,150.5 with the order, floor -12,150 USD m: over by 0.5 USD m" in floor.why


def test_the_largest_is_what_limits_and_conditions_both_let_pass():
    """Rule O24: a stock ceiling leaves 1 BTC; a limit of 0.4 BTC leaves less."""
    ordered = purchase(2 * BTC)
    found = outcome(ordered, rules_=REQUIRED, conditions=CEILING)
    refusal = only(found, STOCK_RULE)
    assert (refusal.over_by, refusal.largest, found.largest) == ("1 BTC", BTC, BTC)
    tight = '[[limit]]\nid = "buy"\non = "purchase"\nper = "order"\nmost_btc = "0.4"\n\n[[payee]]'
    limited = rules(('conditions = "none"', 'conditions = "required"'), ("[[payee]]", tight))
    both = outcome(ordered, rules_=limited, conditions=CEILING)
    assert [each.rule for each in both.refusals] == ["limit:buy", STOCK_RULE]
    assert both.largest == 40_000_000


@given(st.integers(600, 3 * BTC))
def test_the_largest_under_a_condition_passes_and_one_satoshi_more_does_not(sats):
    """Rule O24."""
    found = outcome(purchase(sats), rules_=REQUIRED, conditions=CEILING)
    assert found.largest == BTC
    assert found.passed is (sats <= BTC)


@given(st.integers(1, 10**10), st.integers(1, 10**9))
def test_the_largest_by_its_cost_passes_at_the_same_price(minor, sats):
    """Rule O24: one satoshi more, at the same price, does not."""
    found = outcome(
        costing(minor * 1000, sats), rules_=REQUIRED, conditions=reserves("-12149.123457")
    )
    floor = result(found, "condition:drill/net-reserves")
    room = Decimal("0.876543") * 10**8  # in cents
    assert floor.largest == int(room * sats // (minor * 1000))


def test_two_purchases_that_pass_alone_are_refused_together():
    """Rule O23: 0.7 and 0.7 of the 1 BTC that is left."""
    desk = Desk(rules=REQUIRED, situation={"conditions": CEILING})
    desk.draft(purchase(70_000_000, id_="first"))
    assert desk.check("first").status is Status.CHECKED
    desk.draft(purchase(70_000_000))
    found = desk.outcome("buy-1")
    refusal = only(found, STOCK_RULE)
    assert (refusal.over_by, found.largest) == ("0.4 BTC", 30_000_000)
    assert "orders under way take 0.7 BTC of the room" in refusal.why


def test_an_order_under_way_stops_counting_when_the_books_have_it():
    """Rule O23."""
    desk = Desk(rules=REQUIRED, situation={"conditions": CEILING})
    desk.approved(purchase(70_000_000, id_="buy-1"))
    from tests.custody.orders.test_machine import delivered, paid

    desk.situation = {"conditions": CEILING}
    paid(desk)
    delivered(desk, 70_000_000, height=600)
    desk.draft(purchase(70_000_000, id_="second"))
    assert not desk.outcome("second").passed
    assert not desk.outcome("second", books_height=599).passed
    assert desk.outcome("second", books_height=600).passed


def test_room_that_a_sale_under_way_would_give_is_not_counted():
    """Rule O23: it may never be carried out."""
    desk = Desk(
        rules=rules(
            ('conditions = "none"', 'conditions = "required"'),
            ("allow_list = true", "allow_list = false"),
        ),
        situation={"conditions": CEILING},
    )
    sale = order(50 * BTC, id_="sale", reason=Reason.DISPOSAL, account="fund")
    desk.draft(sale)
    desk.attach("sale")
    assert desk.check("sale").status is Status.CHECKED
    desk.draft(purchase(2 * BTC))
    assert only(desk.outcome("buy-1"), STOCK_RULE).largest == BTC


def test_what_cannot_be_assessed_does_not_pass():
    """Rule O23."""
    empty = LenderConditions((memorandum(),), Inputs(closings={}, today=MONDAY.date()))
    found = outcome(costing(100_000_000), rules_=REQUIRED, conditions=empty)
    floor = result(found, "condition:drill/net-reserves")
    assert not floor.passed
    assert "no figure for net_international_reserves" in floor.why
    assert found.largest == 0


def test_an_indicative_target_warns_and_lets_pass():
    """Rule O23."""
    soft = memorandum(('kind = "periodic_performance_criterion"', 'kind = "indicative_target"'))
    known = figure("net_international_reserves", date(2026, 5, 15), "-12150")
    inputs = Inputs(figures=Figures((known,)), closings={}, today=MONDAY.date())
    lender = LenderConditions((soft,), inputs)
    found = outcome(costing(100_000_000), rules_=REQUIRED, conditions=lender)
    floor = result(found, "condition:drill/net-reserves")
    assert (floor.passed, floor.warning, floor.largest) == (True, True, None)


def test_a_payment_gives_room_and_no_condition_refuses_it():
    """Rule O23."""
    found = outcome(order(), rules_=REQUIRED, conditions=CEILING)
    assert found.passed
    assert "moves no condition towards its limit" in result(found, "conditions").why


def test_the_shipped_memorandum_of_a_ceiling_of_nothing_refuses_every_purchase():
    """Rule O23: read from the file that comes with the program."""
    read = shipped_memorandum("el_salvador_2025")
    counted = [c for c in read.conditions if c.ledger is not None]
    assert counted
    perimeter = counted[0].perimeter
    meant = next(p for p in read.perimeters if p.id == perimeter)
    (own,) = BOOKS.perimeters
    inputs = replace(BOOKS, perimeters=(replace(own, id=meant.office or own.id),))
    found = outcome(purchase(BTC), rules_=REQUIRED, conditions=LenderConditions((read,), inputs))
    rule = f"condition:{read.id}/{counted[0].id}"
    assert not result(found, rule).passed
    assert found.largest == 0


def test_an_override_names_the_condition_and_the_order_goes_on():
    """Rule O27."""
    desk = Desk(rules=REQUIRED, situation={"conditions": CEILING})
    desk.draft(purchase(2 * BTC))
    assert desk.check("buy-1").failed == (STOCK_RULE,)
    state = desk.override("buy-1", "mina", "musa", reason="the minister proceeds")
    assert state.relied_on == (STOCK_RULE,)
    desk.approve("buy-1", "amir")
    assert desk.approve("buy-1", "bibi").status is Status.APPROVED


def test_a_proposal_of_a_part_never_costs_less_than_its_share():
    from khazana.custody.orders.conditions import proposed

    ordered = costing(1_000_001, 3 * BTC)
    part = proposed(ordered, MONDAY.date(), sats=Sats(BTC))
    assert part.cost == Decimal("3333.34")
    assert proposed(ordered, MONDAY.date()).cost == Decimal("10000.01")


@pytest.mark.parametrize("sats", [2 * BTC])
def test_an_order_refused_by_a_condition_is_kept_with_its_figures(sats):
    """Rule O31: the log shows what was refused and why."""
    desk = Desk(rules=REQUIRED, situation={"conditions": CEILING})
    desk.draft(purchase(sats))
    desk.check("buy-1")
    kept = desk.log.events()[-1]
    (refusal,) = [each for each in kept.results if not each.passed]
    assert refusal.rule == STOCK_RULE
    assert refusal.largest_sat == BTC
    assert "over by 1 BTC" in refusal.why
