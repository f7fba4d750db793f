"""Each rule of spending.toml passes and refuses with its figures; the largest order that passes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.address import address_of, script_of
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.script import p2wpkh
from khazana.custody.orders.checks import LEAST_OUTPUT, checked_event, disagreements
from khazana.custody.orders.order import Money, Quote, payment
from khazana.custody.orders.state import Status
from khazana.ledger.accounts import Lane
from khazana.ledger.documents import Reason
from khazana.units import Sats
from tests.custody.orders.desk import (
    BTC,
    HOUR,
    MONDAY,
    Desk,
    address,
    facts,
    order,
    purchase,
    rules,
)
from tests.reserve.simulator import OUTSIDER, script

ID = "2026-014"


def outcome(ordered, *changes, rules_=None, **more):
    """What all rules say of an order that stands alone."""
    desk = Desk(rules=rules_ or rules(*changes))
    desk.draft(ordered, drafter=more.pop("drafter", "dana"))
    return desk.outcome(ordered.id, **more)


def result(found, rule):
    (one,) = [each for each in found.results if each.rule == rule]
    return one


def test_an_order_within_every_rule_passes():
    found = outcome(order())
    assert found.passed
    assert {each.rule for each in found.results} >= {"drafter", "approvers", "limit:one-payment"}
    assert found.largest == 100 * BTC


def test_a_limit_says_by_how_much_and_what_would_pass():
    """Rule O14."""
    found = outcome(order(120 * BTC))
    (refusal,) = found.refusals
    assert (refusal.rule, refusal.over_by) == ("limit:one-payment", str(20 * BTC))
    assert "by 2000000000 sat; at most 10000000000 sat would pass" in refusal.why
    assert refusal.largest == found.largest == 100 * BTC


def test_a_daily_limit_counts_what_was_checked_this_day_in_the_offices_zone():
    """Rule O14."""
    desk = Desk()
    desk.draft(order(90 * BTC, id_="first"))
    desk.attach("first")
    desk.check("first")
    desk.draft(order(70 * BTC))
    found = desk.outcome(ID)
    (refusal,) = found.refusals
    assert (refusal.rule, refusal.largest, refusal.over_by) == (
        "limit:a-day",
        60 * BTC,
        str(10 * BTC),
    )
    # 09:00 UTC is 14:00 in Karachi; the next day begins there at 19:00 UTC.
    assert not desk.outcome(ID, at=MONDAY + 9 * HOUR).passed
    assert desk.outcome(ID, at=MONDAY + 11 * HOUR).passed


def test_what_was_refused_expired_or_is_a_draft_does_not_count():
    """Rule O14."""
    desk = Desk()
    desk.draft(order(120 * BTC, id_="refused"))
    desk.check("refused")
    desk.draft(order(90 * BTC, id_="draft"))
    desk.draft(order(90 * BTC))
    assert desk.outcome(ID).passed


def test_a_monthly_limit_of_one_wallet():
    """Rule O14."""
    desk = Desk()
    for number in range(4):
        desk.draft(order(90 * BTC, id_=f"o{number}", drafted_at=desk.now))
        desk.attach(
            f"o{number}", facts(desk.log.order(f"o{number}").order, coin=(200 + number) * BTC)
        )
        assert desk.check(f"o{number}").status is Status.CHECKED
        desk.now += timedelta(days=1)
    desk.draft(order(90 * BTC))
    found = desk.outcome(ID)
    assert [each.rule for each in found.refusals] == ["limit:a-month"]
    assert found.largest == 40 * BTC
    june = MONDAY + timedelta(days=14)
    assert "limit:a-month" not in [r.rule for r in desk.outcome(ID, at=june).refusals]


@given(st.integers(1, 200 * BTC))
def test_the_largest_order_passes_and_one_satoshi_more_does_not(sats):
    """Rule O24."""
    most = outcome(order(sats)).largest
    assert most == 100 * BTC
    assert outcome(order(most)).passed
    assert not outcome(order(most + 1)).passed


def test_where_a_rule_refuses_whatever_the_amount_no_amount_passes():
    """Rule O24."""
    stranger = order(payments=(payment(address("nobody"), BTC, REGTEST),))
    found = outcome(stranger)
    assert [each.rule for each in found.refusals] == ["payee"]
    assert found.largest == 0


def test_less_than_an_output_can_hold_is_no_order():
    """Rule O24."""
    tiny = ('most_btc = "100"', f'most_btc = "0.{LEAST_OUTPUT - 1:08d}"')
    assert outcome(order(), tiny).largest == 0


def test_the_allow_list_can_be_turned_off():
    """Rule O16."""
    stranger = order(payments=(payment(address("nobody"), BTC, REGTEST),))
    assert outcome(stranger, ("allow_list = true", "allow_list = false")).passed


@pytest.mark.parametrize(
    ("reason", "to", "passes"),
    [
        (Reason.TRANSFER, "cold", True),
        (Reason.TRANSFER, "payee", False),
        (Reason.DISBURSEMENT, "payee", True),
        (Reason.DISBURSEMENT, "cold", False),
    ],
)
def test_a_transfer_stays_inside_and_nothing_else_does(reason, to, passes):
    """Rule O15."""
    ordered = order(reason=reason, payments=(payment(address(to), BTC, REGTEST),))
    found = outcome(ordered, ("allow_list = true", "allow_list = false"))
    assert result(found, "destination").passed is passes
    assert result(found, "destination").overridable is passes


def test_a_key_outside_the_drafting_role_drafts_nothing():
    """Rule O10."""
    found = outcome(order(drafter="bibi"), drafter="bibi")
    assert not result(found, "drafter").passed
    assert not result(found, "drafter").overridable


def test_an_order_that_too_few_people_could_approve_is_refused_at_once():
    """Rule O11: Amir drafts, and only four of five approving keys are other people's."""
    assert outcome(order()).passed
    four = ("approvals = 2", "approvals = 4")
    found = result(outcome(order(drafter="amir"), four, drafter="amir"), "approvers")
    assert not found.passed
    assert "3 people other than the drafter" in found.why


def test_an_order_may_not_live_longer_than_the_rules_allow():
    """Rule O12."""
    long = order(expires_at=MONDAY + timedelta(days=14, seconds=1))
    assert [each.rule for each in outcome(long).refusals] == ["lifetime"]


def test_a_wallet_that_the_office_does_not_have_is_refused():
    """Rule O13."""
    assert [each.rule for each in outcome(order(account="warm")).refusals] == ["wallet"]


def test_a_purchase_is_delivered_to_an_address_of_its_wallet():
    """Rule O13."""
    elsewhere = purchase(address=address("cold"), script=script("cold"))
    found = outcome(elsewhere)
    assert [each.rule for each in found.refusals] == ["wallet"]
    assert found.refusals[0].overridable is False


HOURS = ("[[approval]]", '[hours]\ndays = ["mon", "tue"]\nfrom = 9\nuntil = 17\n\n[[approval]]')


@pytest.mark.parametrize(
    ("hours", "passes"), [(-6, False), (-5, True), (2, True), (3, False), (24, True), (48, False)]
)
def test_orders_are_checked_in_office_hours(hours, passes):
    """Rule O17: Monday 14:00 in Karachi, give or take."""
    found = outcome(order(drafted_at=MONDAY - 9 * HOUR), HOURS, at=MONDAY + hours * HOUR)
    assert result(found, "hours").passed is passes


def test_no_own_address_is_to_hold_more_than_the_cap():
    """Rule O18."""
    cap = ('per_address_btc = "500"', 'per_address_btc = "50"')
    full = {script("fund", 0): Sats(47 * BTC)}
    found = outcome(purchase(5 * BTC), cap, held=full)
    (refusal,) = found.refusals
    assert (refusal.rule, refusal.over_by, found.largest) == ("address-cap", str(2 * BTC), 3 * BTC)
    assert outcome(purchase(3 * BTC), cap, held=full).passed
    blind = result(outcome(purchase(5 * BTC), cap), "address-cap")
    assert blind.passed
    assert blind.warning
    assert "was not asked" in blind.why


def test_change_counts_under_the_cap():
    """Rule O18."""
    desk = Desk(rules=rules(('per_address_btc = "500"', 'per_address_btc = "50"')))
    desk.draft(order())
    desk.attach(ID)
    state = desk.check(ID)
    assert state.failed == ("address-cap",)
    assert "hot would hold 18999999000 sat" in result(desk.outcome(ID), "address-cap").why


def test_purchases_under_way_count_under_the_cap():
    """Rule O18."""
    desk = Desk(rules=rules(('per_address_btc = "500"', 'per_address_btc = "50"')))
    desk.draft(purchase(40 * BTC, id_="buy-0"))
    desk.check("buy-0")
    desk.draft(purchase(20 * BTC))
    found = desk.outcome("buy-1", held={})
    assert [each.rule for each in found.refusals] == ["address-cap"]
    assert found.largest == 10 * BTC


def test_a_fee_above_the_cap_is_refused():
    """Rule O19."""
    desk = Desk()
    desk.draft(order())
    desk.attach(ID, facts(order(), fee=25_000))
    assert desk.check(ID).failed == ("fee",)
    assert result(desk.outcome(ID), "fee").over_by == "5000"


# Purchases


def quotes(*minor: int, hours_old: int = 1, dealers=("alfa", "beta", "gama"), currency="USD"):
    return tuple(
        Quote(
            id=f"q{n}",
            dealer=dealers[n],
            at=MONDAY - hours_old * HOUR,
            valid_until=MONDAY + 4 * HOUR,
            price=Money(currency, price),
        )
        for n, price in enumerate(minor)
    )


def test_two_dealers_are_asked_not_one_twice():
    """Rule O20."""
    twice = quotes(500, 600, dealers=("alfa", "alfa"))
    for given_ in (quotes(500), twice):
        found = outcome(purchase(quotes=given_, chosen="q0"))
        assert [each.rule for each in found.refusals] == ["quotes"]
    assert outcome(purchase(quotes=quotes(500, 600), chosen="q0")).passed


def test_old_quotes_and_one_that_has_ended_are_refused():
    """Rule O21."""
    old = outcome(purchase(quotes=quotes(500, 600, hours_old=25), chosen="q0"))
    assert [each.rule for each in old.refusals] == ["quote-age"]
    late = outcome(purchase(quotes=quotes(500, 600), chosen="q0"), at=MONDAY + 4 * HOUR)
    assert [each.rule for each in late.refusals] == ["quote-age"]
    assert "ended at 2026-05-18T13:00:00Z" in late.refusals[0].why


def test_the_dearer_quote_needs_a_reason():
    """Rule O22."""
    dear = purchase(quotes=quotes(500, 600), chosen="q1")
    assert [each.rule for each in outcome(dear).refusals] == ["best-quote"]
    said = outcome(purchase(quotes=quotes(500, 600), chosen="q1", why="delivers today"))
    assert said.passed
    assert "decided because: delivers today" in result(said, "best-quote").why


def test_fees_count_in_which_quote_is_the_cheapest():
    """Rule O22."""
    first, second = quotes(500, 600)
    costly = Quote(
        id="q0",
        dealer="alfa",
        at=first.at,
        valid_until=first.valid_until,
        price=first.price,
        fees_minor=200,
    )
    found = outcome(purchase(quotes=(costly, second), chosen="q0"))
    assert [each.rule for each in found.refusals] == ["best-quote"]


def test_without_the_memorandum_that_the_rules_require_nothing_passes():
    """Rule O23."""
    required = ('conditions = "none"', 'conditions = "required"')
    found = outcome(order(), required)
    assert [each.rule for each in found.refusals] == ["conditions"]
    assert found.largest == 0
    inside = order(reason=Reason.TRANSFER, payments=(payment(address("cold"), BTC, REGTEST),))
    assert outcome(inside, required).passed


def test_more_people_approve_large_orders():
    """Rule O4."""
    more = (
        "[override]",
        '[[approval]]\nrole = "minister"\napprovals = 1\nfrom_btc = "50"\n\n[override]',
    )
    small, large = outcome(order(), more), outcome(order(50 * BTC), more)
    assert [(need.role, need.count) for need in small.needed] == [("approver", 2)]
    # The signed identity asks for two ministers; the rules cannot ask for less.
    assert [(need.role, need.count) for need in large.needed] == [("approver", 2), ("minister", 2)]


def test_nobodys_script_is_nobodys():
    assert OUTSIDER not in {payment(address("payee"), 1, REGTEST).script}


@pytest.mark.parametrize(
    ("held", "reason", "passes"),
    [
        (Lane.OWNED, Reason.DISBURSEMENT, True),
        (Lane.FORFEITED, Reason.DISBURSEMENT, True),
        (Lane.SEIZED, Reason.DISBURSEMENT, False),
        (Lane.HELD_FOR_CLIENTS, Reason.DISBURSEMENT, False),
        (Lane.HELD_FOR_CLIENTS, Reason.CLIENT_WITHDRAWAL, True),
        (Lane.OWNED, Reason.CLIENT_WITHDRAWAL, False),
    ],
)
def test_a_payment_takes_only_coins_that_are_the_states_to_pay(held, reason, passes):
    """Rule O37."""
    found = result(outcome(order(reason=reason), lanes={"hot": held}), "lane")
    assert found.passed is passes
    assert held.value.replace("_", " ") in found.why
    assert result(outcome(order()), "lane").warning


def test_no_other_order_under_way_spends_the_same_coin():
    """Rule O34."""
    desk = Desk()
    desk.draft(order(id_="first"))
    desk.attach("first")
    desk.check("first")
    desk.draft(order())
    desk.attach(ID)
    state = desk.check(ID)
    assert state.failed == ("coins",)
    found = result(desk.outcome(ID), "coins")
    assert "order first spends" in found.why
    assert not found.overridable
    desk.attach(ID, facts(order(), coin=201 * BTC))
    assert desk.check(ID).status is Status.CHECKED


def ground(real: str) -> str:
    """Another address with the same characters at both ends, found by trying."""
    program = script_of(real, REGTEST)[2:]
    for number in range(10**6):
        tried = p2wpkh(program[:2] + number.to_bytes(18, "big"))
        fake = address_of(tried, REGTEST)
        if fake is not None and fake[:9] == real[:9] and fake[-3:] == real[-3:]:
            return fake
    raise AssertionError("none was found")


def test_an_address_made_to_be_taken_for_a_payees_is_refused():
    """Rule O35."""
    fake = ground(address("payee"))
    ordered = order(payments=(payment(fake, BTC, REGTEST),))
    found = outcome(ordered, ("allow_list = true", "allow_list = false"))
    assert [each.rule for each in found.refusals] == ["look-alike"]
    assert address("payee") in found.refusals[0].why
    assert outcome(order(BTC)).passed


def test_an_approver_who_checks_again_finds_what_a_false_check_let_pass():
    """Rule O36: the log's keeper wrote that all rules passed."""
    desk = Desk()
    desk.draft(order(120 * BTC))
    desk.attach(ID)
    honest = desk.outcome(ID)
    false = replace(honest, results=tuple(replace(r, passed=True) for r in honest.results))
    event = checked_event(desk.log.order(ID), false, desk.rules, at=desk.now, by="keeper")
    state = desk.add(event)
    assert state.status is Status.CHECKED
    assert [each.rule for each in disagreements(state, desk.outcome(ID))] == ["limit:one-payment"]


def test_an_approver_who_checks_again_agrees_with_an_honest_check():
    """Rule O36: also where a rule was overridden, and without the lender's figures."""
    desk = Desk(rules=rules(('conditions = "none"', 'conditions = "required"')))
    desk.draft(order(120 * BTC))
    desk.attach(ID)
    assert desk.check(ID).failed == ("conditions", "limit:one-payment")
    state = desk.override(ID, "mina", "musa")
    assert disagreements(state, desk.outcome(ID)) == ()
