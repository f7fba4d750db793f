"""A valuation: what it says of every lane, what it leaves empty, and who notices a changed one."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import msgspec
import pytest

from khazana.ledger.accounts import CustodialAccount, Lane, LaneSpan, Membership, Perimeter
from khazana.ledger.canonical import canonical_bytes
from khazana.ledger.documents import Document, Fiat, Reason
from khazana.ledger.entries import BookKind
from khazana.ledger.money import minor_digits
from khazana.ledger.office import Attestation, CostMethod, ImpairmentRule, UnpaidCost
from khazana.ledger.valuation import PricePoint, PriceRule, Quote, read_prices
from khazana.reserve.case import Given
from khazana.reserve.levels import keep_at
from khazana.reserve.reading import typed
from khazana.reserve.valuation import ValuedTooEarly, valuation_of
from khazana.reserve.valuation_check import CostNotRecomputed, check_valuation
from khazana.reserve.valuation_cost import (
    DocumentsDoNotOpen,
    ValuationDoesNotFollow,
    brought_forward,
)
from khazana.reserve.valuation_document import (
    ValuationDocument,
    ValuationRefused,
    read_valuation,
    write_valuation,
)
from khazana.reserve.valuation_prices import QuoteNotDecided, rules_for
from khazana.statement.checks import Profile
from khazana.statement.envelope import disclose
from khazana.units import Height, Sats
from tests.reserve.simulator import BTC, OUTSIDER, World, script, verdicts
from tests.reserve.valued import PRICES, TABLE, Valued, given, inputs, valuation, valued

FIRST = valued().first()
STATEMENT = typed(FIRST.statement)


def amounts(values) -> dict[str, str | None]:
    return {value.currency: value.amount for value in values}


def set_of(document: ValuationDocument, name: str):
    return next(one for one in document.sets if one.set == name)


def pool_of(document: ValuationDocument, name: str):
    return next(pool for pool in document.cost.pools if pool.set == name)


def worth(sats: int, *rates: str, currency: str) -> str:
    """By hand, with fractions: amount x rates, half to even."""
    exact = Fraction(sats, BTC)
    for rate in rates:
        exact *= Fraction(rate)
    digits = minor_digits()[currency]
    whole, part = divmod(round(exact * 10**digits), 10**digits)
    return f"{whole}.{part:0{digits}d}" if digits else str(whole)


def changed(document: ValuationDocument, change) -> ValuationDocument:
    """The document with one change, as a liar writes it: read back, so that the form is right."""
    content = msgspec.to_builtins(document)
    change(content)
    return read_valuation(write_valuation(msgspec.convert(content, ValuationDocument)))


# What it says


def test_v6_it_names_the_root_and_values_each_end_at_its_blocks_median_time_past():
    document = valuation(STATEMENT)
    assert document.subject_root == STATEMENT.root
    assert document.opening.at == STATEMENT.header.period.after_mtp
    assert document.closing.at == STATEMENT.header.period.until_mtp
    assert document.notice == "test network, invented figures"
    with pytest.raises(ValuedTooEarly):
        valuation_of(
            STATEMENT,
            prices=PRICES,
            rules=rules_for(PRICES, ["USD"]),
            currencies=["USD"],
            at=datetime(2011, 2, 10, 23, 16, 41, tzinfo=UTC),
        )


def test_v7_what_is_seized_or_clients_is_valued_apart_and_in_no_total():
    closing = set_of(valuation(STATEMENT), "perimeter/public-sector").closing
    # fund 3, mining 4, pledge 2, exchange 5
    assert closing.own.holdings == 14 * BTC
    assert closing.pledged.holdings == 2 * BTC
    assert closing.seized.holdings == 7 * BTC
    assert closing.held_for_clients.holdings == 9 * BTC
    assert amounts(closing.own.value) == {
        "USD": worth(14 * BTC, "40000", currency="USD"),
        "PKR": worth(14 * BTC, "40000", "281", currency="PKR"),
    }
    assert amounts(closing.seized.value)["USD"] == "280000.00"
    only = set_of(valuation(STATEMENT), "entity/wallet-company").closing
    assert only.own.holdings == 0
    assert amounts(only.own.value)["USD"] == "0.00"


def test_v8_recognised_holdings_are_less_what_is_written_off_lane_by_lane():
    closing = set_of(valuation(STATEMENT), "perimeter/public-sector").closing
    assert closing.own.recognised == 14 * BTC - BTC // 2
    assert amounts(closing.own.recognised_value)["USD"] == "540000.00"
    assert closing.seized.recognised == 6 * BTC
    figures = STATEMENT.perimeters["public-sector"].figures
    every = (closing.own, closing.seized, closing.held_for_clients)
    assert sum(m.holdings for m in every) == figures.closing
    assert sum(m.recognised for m in every) == figures.closing + figures.corrections.closing


def test_v8_more_written_off_than_held_is_a_finding_and_has_no_value():
    told = valued()
    loss = replace(told.book[0], amount=-100 * BTC)
    made = replace(told, book=(loss,)).first()
    document = valuation(typed(made.statement))
    closing = set_of(document, "entity/office").closing
    assert amounts(closing.own.recognised_value) == {"USD": None, "PKR": None}
    assert amounts(closing.own.value)["USD"] == "360000.00"
    assert {f.rule for f in document.findings} == {"V8"}


@pytest.mark.parametrize(
    ("currency", "rate", "digits"), [("JPY", "151.25", 0), ("KWD", "0.3071", 3)]
)
def test_money_has_the_digits_of_its_currency(currency, rate, digits):
    document = valuation(STATEMENT, currency)
    value = amounts(set_of(document, "entity/office").closing.own.value)[currency]
    assert value == worth(9 * BTC, "40000", rate, currency=currency)
    assert len(value.partition(".")[2]) == digits


def test_v9_a_missing_price_is_a_finding_and_an_empty_value_never_zero():
    document = valuation(STATEMENT, "USD", "KWD")
    opening = set_of(document, "entity/office").opening
    assert amounts(opening.own.value) == {"USD": "0.00", "KWD": None}
    assert [(f.rule, f.where) for f in document.findings] == [("V3", "opening, KWD")]
    # The dollar price that was there is listed; the rate that was not is not made up.
    rate = document.opening.rates[1]
    assert [p.currency for p in rate.prices] == ["USD"]
    assert rate.grade is None


def test_v9_rupees_without_a_cited_rate_are_a_finding():
    without = tuple(p for p in PRICES if p.currency != "PKR")
    document = valuation(STATEMENT, prices=without)
    values = amounts(set_of(document, "entity/office").closing.own.value)
    assert values == {"USD": "360000.00", "PKR": None}
    assert {(f.rule, f.where) for f in document.findings} == {
        ("V4", "opening, PKR"),
        ("V4", "closing, PKR"),
    }
    assert check_valuation(STATEMENT, document) == ()


def test_a_later_instant_may_be_named_and_stands_in_the_file():
    late = datetime(2011, 2, 10, 23, 30, tzinfo=UTC)
    document = valuation_of(
        STATEMENT,
        prices=PRICES,
        rules=rules_for(PRICES, ["USD"]),
        currencies=["USD"],
        at=late,
    )
    assert document.closing.at == "2011-02-10T23:30:00Z"
    assert check_valuation(STATEMENT, document) == ()


def test_each_price_carries_instant_venue_rule_source_and_grade():
    usd, pkr = valuation(STATEMENT).closing.rates
    (price,) = usd.prices
    assert (price.at, price.venue, price.rule) == (
        "2011-02-10T23:00:00Z",
        "Test Venue",
        "invented for tests",
    )
    assert price.source == "https://venue.example/3"
    assert (price.grade, usd.grade) == ("C", "C")
    assert [p.grade for p in pkr.prices] == ["C", "D"]
    assert pkr.grade == "D"


def test_two_venues_for_a_pair_need_a_decision():
    other = replace(PRICES[0], venue="Other Venue")
    with pytest.raises(QuoteNotDecided, match=r"Other Venue .*Test Venue"):
        rules_for((*PRICES, other), ["USD"])
    quote = Quote("BTC", "USD", "Other Venue", "invented for tests")
    (rule,) = rules_for((*PRICES, other), ["USD"], decided=[quote])
    assert rule.quotes == (quote,)


def test_two_prices_for_one_instant_are_refused():
    other = replace(PRICES[0], price="1")
    with pytest.raises(ValueError, match="has two prices"):
        valuation(STATEMENT, "USD", prices=(*PRICES, other))


@pytest.mark.parametrize("level", ["totals", "addresses", "full", "auditor"])
def test_every_disclosure_gives_the_same_valuation(level):
    shown = typed(disclose(FIRST.statement, keep_at(level)))
    assert write_valuation(valuation(shown)) == write_valuation(valuation(STATEMENT))


# Costs


def test_c8_a_pool_that_opens_empty_costs_what_its_documents_say():
    document = valuation(STATEMENT, cost=inputs(FIRST))
    assert document.findings == []
    fund = pool_of(document, "perimeter/fund-only")
    # 118,500 and 62,000 for 3 BTC; a sixth is lost with the half bitcoin.
    assert fund.cost == "150416.67"
    assert fund.amount == 250_000_000
    assert fund.fair_value == "100000.00"
    assert fund.impaired_cost == "100000.00"
    assert fund.complete
    office = pool_of(document, "entity/office")
    # Mined and donated coins enter at 61,000.50, the price at their blocks.
    before_loss = Fraction(180_500) + 6 * Fraction("61000.50")
    assert Fraction(office.cost) == round(before_loss * Fraction(85, 90) * 100) / Fraction(100)
    assert len(document.cost.blocks) == 2


def test_c8_the_next_statement_goes_on_from_the_lots_of_the_last_valuation():
    made = valued().second()
    statement = typed(made.statement)
    earlier = valuation(STATEMENT, cost=inputs(FIRST))
    carried = brought_forward(earlier, statement)
    document = valuation(statement, cost=inputs(made, brought_forward=carried))
    assert document.findings == []
    fund = pool_of(document, "perimeter/fund-only")
    share = Fraction(149_999_500, 250_000_000)
    assert Fraction(fund.cost) == round(Fraction("150416.67") * share * 100) / Fraction(100)
    # The price rose to 70,000.25; an impairment that is never reversed stays.
    assert Fraction(fund.impaired_cost) == round(100_000 * share * 100) / Fraction(100)
    assert fund.fair_value == worth(149_999_500, "70000.25", currency="USD")
    assert check_valuation(statement, document, documents=given(made)) == ()
    reversing = inputs(
        made, brought_forward=carried, impairment=ImpairmentRule.REVERSED_IN_NEXT_PERIOD
    )
    risen = pool_of(valuation(statement, cost=reversing), "perimeter/fund-only")
    assert risen.impaired_cost == risen.cost


def test_c8_holdings_without_a_known_cost_have_none_and_a_finding():
    made = valued().second()
    document = valuation(typed(made.statement), cost=inputs(made))
    assert {f.rule for f in document.findings} == {"C8"}
    assert [pool.set for pool in document.cost.pools] == ["entity/wallet-company"]


def test_c8_a_valuation_of_another_statement_cannot_be_continued():
    earlier = valuation(STATEMENT, cost=inputs(FIRST))
    with pytest.raises(ValuationDoesNotFollow):
        brought_forward(earlier, STATEMENT)


def test_fifo_keeps_its_lots_and_they_sum_to_the_balance():
    made = valued().first(CostMethod.FIFO)
    document = valuation(typed(made.statement), cost=inputs(made))
    fund = pool_of(document, "perimeter/fund-only")
    assert [lot.amount for lot in fund.lots] == [150_000_000, 100_000_000]
    assert [lot.cost for lot in fund.lots] == ["88875.00", "62000.00"]
    assert fund.cost == "150875.00"
    assert check_valuation(typed(made.statement), document, documents=given(made)) == ()


def test_c9_a_restatement_that_no_event_shows_leaves_the_pool_without_a_cost():
    told = valued()
    restated = replace(told.book[0], kind=BookKind.RESTATEMENT)
    made = replace(told, book=(restated,)).first()
    document = valuation(typed(made.statement), cost=inputs(made))
    assert "perimeter/fund-only" not in [pool.set for pool in document.cost.pools]
    assert ("C9", "perimeter/fund-only") in [(f.rule, f.where) for f in document.findings]


def test_a_cost_whose_document_or_block_time_is_missing_is_a_finding_not_a_guess():
    some = {name: item for name, item in given(FIRST).items() if name != "invoice-2"}
    document = valuation(STATEMENT, cost=inputs(FIRST, documents=some, instants={}))
    fund = pool_of(document, "perimeter/fund-only")
    assert not fund.complete
    rules = [f.rule for f in document.findings if "fund-only" in f.where]
    assert rules == ["C1"]
    assert "C4" in {f.rule for f in document.findings}


def test_unpaid_coins_may_cost_nothing_where_the_office_declares_so():
    document = valuation(STATEMENT, cost=inputs(FIRST, unpaid=UnpaidCost.ZERO))
    assert document.cost.blocks == []
    office = pool_of(document, "entity/office")
    assert Fraction(office.cost) == round(180_500 * Fraction(85, 90) * 100) / Fraction(100)


def test_documents_are_held_to_their_commitments_before_anything_is_computed():
    papers = given(FIRST)
    first = papers["invoice-1"]
    cheaper = replace(first.document, fiat=replace(first.document.fiat, paid=1))
    papers["invoice-1"] = Given(cheaper, first.salt)
    with pytest.raises(DocumentsDoNotOpen, match="invoice-1"):
        valuation(STATEMENT, cost=inputs(FIRST, documents=papers))


def crossed(told=None, *perimeters: Perimeter, lane: Lane = Lane.FORFEITED):
    """The first period, in which custody's coins change title the block before it closes."""
    told = told or valued()
    custody = next(w for w in told.world.wallets if w.id == "custody")
    at = told.world.chain.block_at(Height(told.middle.height - 1))
    changed_title = replace(custody, lanes=(*custody.lanes, LaneSpan(lane, at, "judgment")))
    wallets = [changed_title if w.id == "custody" else w for w in told.world.wallets]
    world = replace(told.world, wallets=wallets, perimeters=[*told.world.perimeters, *perimeters])
    return replace(told, world=world).first()


def priced_at(at: str, price: str):
    found = next(p for p in PRICES if (p.base, p.currency) == ("BTC", "USD"))
    return (*PRICES, replace(found, at=datetime.fromisoformat(at), price=price))


NINTH = priced_at("2011-02-09T23:00:00+00:00", "50000")
"""With a price for the block at which titles and memberships change."""


def test_c8_coins_that_come_with_their_account_or_change_title_enter_at_fair_value():
    told = valued()
    at = told.world.chain.block_at(Height(told.middle.height - 1))
    made = crossed(told, Perimeter("late", {"en": "late"}, (Membership("fund", since=at),)))
    statement = typed(made.statement)
    document = valuation(statement, cost=inputs(made), prices=NINTH)
    assert document.findings == []
    # Three bitcoin were bought and half of one written off before they came in.
    late = pool_of(document, "perimeter/late")
    assert (late.amount, late.cost) == (250_000_000, "125000.00")
    # Seven seized, one written off before the judgment; five at the exchange are unexplained.
    treasury = pool_of(document, "entity/treasury")
    assert (treasury.amount, treasury.cost) == (11 * BTC, "300000.00")
    everybody = pool_of(document, "perimeter/public-sector")
    before_loss = Fraction(180_500) + 4 * Fraction("61000.50") + 2 * Fraction("61000.50")
    assert Fraction(everybody.cost) == round(
        (before_loss * Fraction(85, 90) + 300_000) * 100
    ) / Fraction(100)
    assert check_valuation(statement, document, documents=given(made), prices=NINTH) == ()
    assert set_of(document, "entity/treasury").closing.seized.holdings == 0
    assert set_of(document, "entity/treasury").closing.own.holdings == 12 * BTC


def test_c8_without_a_price_they_enter_at_zero_and_that_is_a_finding():
    made = crossed()
    document = valuation(typed(made.statement), cost=inputs(made))
    treasury = pool_of(document, "entity/treasury")
    assert (treasury.cost, treasury.complete) == ("0.00", False)
    assert ("C4", "entity/treasury, block 12") in {(f.rule, f.where) for f in document.findings}
    free = valuation(typed(made.statement), cost=inputs(made, unpaid=UnpaidCost.ZERO))
    assert free.findings == []


def test_c8_coins_that_leave_with_their_account_relieve_cost():
    told = valued()
    at = told.world.chain.block_at(Height(told.middle.height - 1))
    members = (Membership("fund", until=at), Membership("mining"))
    perimeter = Perimeter("early", {"en": "early"}, members)
    world = replace(told.world, perimeters=[*told.world.perimeters, perimeter])
    made = replace(told, world=world).first()
    document = valuation(typed(made.statement), cost=inputs(made))
    early = pool_of(document, "perimeter/early")
    paid = Fraction(180_500) + 4 * Fraction("61000.50")
    left = paid * Fraction(65, 70) * Fraction(40, 65)
    assert early.amount == 4 * BTC
    assert Fraction(early.cost) == round(left * 100) / Fraction(100)
    assert document.findings == []


def test_c8_what_a_wallet_did_before_it_was_counted_is_no_event_of_the_pool():
    told = valued()
    bought = next(d.txid for d in told.world.documents if d.id == "invoice-2")
    entry = next(e for e in typed(told.first().statement).entries if e.txid == bought)
    since = entry.block
    late = Perimeter("late", {"en": "late"}, (Membership("fund", since=since),))
    world = replace(told.world, perimeters=[*told.world.perimeters, late])
    made = replace(told, world=world).first()
    when = inputs(made).instants[since.hash]
    prices = priced_at(when.isoformat(), "59000")
    document = valuation(typed(made.statement), cost=inputs(made), prices=prices)
    pool = pool_of(document, "perimeter/late")
    # All three came with the wallet at the end of the block, whoever had paid for them.
    assert Fraction(pool.cost) == 3 * 59_000 * Fraction(25, 30)
    assert document.findings == []


def test_coins_bought_at_a_custodian_cost_what_the_document_says():
    told = valued()
    bought = Document(
        id="invoice-9",
        reason=Reason.ACQUISITION,
        at=told.world.documents[-1].at.replace(day=7, month=2),
        account="exchange",
        amount=Sats(2 * BTC),
        fiat=Fiat("USD", 120_000_00, 0),
    )
    world = replace(told.world, documents=[*told.world.documents, bought])
    made = replace(told, world=world).first()
    statement = typed(made.statement)
    document = valuation(statement, cost=inputs(made))
    treasury = pool_of(document, "entity/treasury")
    # Two bitcoin were bought; the other three are unexplained and cost nothing (Rule C4).
    assert (treasury.amount, treasury.cost) == (5 * BTC, "120000.00")
    assert treasury.complete
    assert check_valuation(statement, document, documents=given(made)) == ()


@pytest.mark.parametrize(("attested", "more"), [(BTC, 0), (BTC + 20_000_000, 20_000_000)])
def test_c5_what_went_to_a_custodian_of_the_same_pool_is_not_bought_again(attested, more):
    world = World()
    world.wallet("fund", entity="office")
    exchange = CustodialAccount("exchange", "office", {"en": "exchange"}, "Exchange A", Lane.OWNED)
    world.accounts.append(exchange)
    start = world.mine(2)
    bought = world.fund(script("fund"), 3 * BTC)
    world.mine()
    world.document("invoice-1", Reason.ACQUISITION, "fund", 3 * BTC, bought)
    paper = replace(world.documents[-1], fiat=Fiat("USD", 180_000_00, 500_00))
    moved = world.spend(script("fund"), [(OUTSIDER, 1 * BTC)])
    world.mine()
    world.document("deposit-1", Reason.TO_CUSTODIAN, "fund", 1 * BTC, moved)
    away = replace(world.documents[-1], counter_account="exchange")
    world.documents[-2:] = [paper, away]
    attestation = Attestation(
        account="exchange", as_of=world.mine(), amount=Sats(attested), document="letter-1"
    )
    world.attestations.append(attestation)
    middle = world.mine(4)
    end = world.mine(8)
    made = Valued(world, start, middle, end, (), attestation).first()
    statement = typed(made.statement)
    document = valuation(statement, cost=inputs(made, chain=world.chain))
    office = pool_of(document, "entity/office")
    fee = 3 * BTC - 1 * BTC - next(iter(statement.entries[-1].received)).amount
    assert office.amount == 3 * BTC - fee + more
    # Beyond what was moved the custodian's coins are unexplained, and cost nothing (Rule C4).
    assert Fraction(office.cost) == round(180_500 * Fraction(3 * BTC - fee, 3 * BTC) * 100) / (
        Fraction(100)
    )
    assert not [f for f in document.findings if f.rule in ("C8", "C9")]


def test_cost_is_kept_in_one_of_the_currencies():
    with pytest.raises(ValueError, match="not among the currencies"):
        valuation(STATEMENT, "JPY", cost=inputs(FIRST))


# Who notices


def test_v10_an_honest_valuation_follows_to_the_last_digit():
    document = read_valuation(write_valuation(valuation(STATEMENT, cost=inputs(FIRST))))
    assert check_valuation(STATEMENT, document, documents=given(FIRST), prices=PRICES) == ()


def _everywhere(content, field, value):
    for rate in content["closing"]["rates"]:
        rate["prices"][0][field] = value


def _price(content):
    _everywhere(content, "price", "40000.01")


def _price_in_one_place(content):
    content["closing"]["rates"][0]["prices"][0]["price"] = "40000.01"


def _value(content):
    content["sets"][0]["closing"]["own"]["value"][0]["amount"] = "360000.01"


def _recognised(content):
    content["sets"][0]["closing"]["own"]["recognised"] += 1


def _seized_into_own(content):
    side = content["sets"][-1]["closing"]
    side["own"], side["seized"] = side["seized"], side["own"]


def _grade(content):
    content["closing"]["rates"][1]["prices"][1]["grade"] = "C"


def _finding_dropped(content):
    content["findings"] = []


def _set_dropped(content):
    del content["sets"][0]


def _interpolated(content):
    _everywhere(content, "at", "2011-02-10T23:16:43Z")


def _too_old(content):
    _everywhere(content, "at", "2011-02-08T23:00:00Z")


def _too_early(content):
    content["closing"]["at"] = "2011-02-09T00:00:00Z"


def _rule_that_leads_elsewhere(content):
    content["rules"][1]["quotes"][1]["base"] = "EUR"


def _zero_price(content):
    content["closing"]["rates"][0]["prices"][0]["price"] = "0"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (_price, "sets[entity/office].closing.own.value[USD].amount"),
        (_price_in_one_place, "the valuation"),
        (_value, "sets[entity/office].closing.own.value[USD].amount"),
        (_recognised, "sets[entity/office].closing.own.recognised"),
        (_seized_into_own, "sets[perimeter/public-sector].closing.own.holdings"),
        (_grade, "closing.rates[PKR].prices[PKR].grade"),
        (_set_dropped, "sets"),
        (_interpolated, "closing.rates[USD].prices"),
        (_too_old, "closing.rates[USD].prices"),
        (_too_early, "the valuation"),
        (_rule_that_leads_elsewhere, "the valuation"),
        (_zero_price, "the valuation"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_v10_a_change_is_found_where_it_is(change, where):
    document = changed(valuation(STATEMENT, cost=inputs(FIRST)), change)
    found = check_valuation(STATEMENT, document, documents=given(FIRST))
    assert where in [finding.where for finding in found], found


def test_v10_a_finding_that_was_dropped_is_found():
    honest = valuation(STATEMENT, "USD", "KWD")
    assert check_valuation(STATEMENT, honest) == ()
    (found,) = check_valuation(STATEMENT, changed(honest, _finding_dropped))
    assert found.where == "findings"


def test_v10_consistent_invented_prices_are_seen_only_with_prices_of_ones_own():
    better = tuple(replace(p, price="99999") if p.base == "BTC" else p for p in PRICES)
    document = valuation(STATEMENT, prices=better)
    assert check_valuation(STATEMENT, document) == ()
    found = check_valuation(STATEMENT, document, prices=PRICES)
    assert {f.where for f in found} == {
        f"{side}, {currency}" for side in ("opening", "closing") for currency in ("USD", "PKR")
    }
    assert "99999 at 2011-02-10T23:00:00Z" in found[-1].text


def test_v10_an_older_price_chosen_over_the_newest_is_seen_with_prices_of_ones_own():
    rule = PriceRule(quotes=rules_for(PRICES, ["USD"])[0].quotes, max_age=timedelta(days=30))
    older = tuple(p for p in PRICES if p.price != "40000.00")
    document = valuation_of(STATEMENT, prices=older, rules=[rule], currencies=["USD"])
    assert check_valuation(STATEMENT, document) == ()
    (found,) = check_valuation(STATEMENT, document, prices=PRICES)
    assert found.where == "closing, USD"


def test_v10_prices_of_coins_nobody_paid_for_are_held_to_the_readers_own_as_well():
    cheap = tuple(replace(p, price="1") if p.price == "61000.50" else p for p in PRICES)
    document = valuation(STATEMENT, cost=inputs(FIRST), prices=cheap)
    assert check_valuation(STATEMENT, document, documents=given(FIRST)) == ()
    found = check_valuation(STATEMENT, document, documents=given(FIRST), prices=PRICES)
    assert {f.where for f in found} == {f"block {b.block}" for b in document.cost.blocks}


def test_v6_a_valuation_of_another_root_is_refused_at_once():
    document = valuation(typed(valued().second().statement))
    (found,) = check_valuation(STATEMENT, document)
    assert (found.rule, found.where) == ("V6", "subject_root")
    moved = changed(document, lambda content: content.update(subject_root=STATEMENT.root))
    wrong = {finding.where for finding in check_valuation(STATEMENT, moved)}
    assert {"period.until.height", "period.until.hash", "opening.at"} <= wrong


@pytest.mark.parametrize(
    ("field", "amount"),
    [("impaired_cost", "99999.99"), ("cost", "150416.66"), ("fair_value", "100000.01")],
)
def test_c6_an_impairment_below_cost_and_every_other_cost_is_computed_again(field, amount):
    def lie(content):
        pool = next(p for p in content["cost"]["pools"] if p["set"] == "perimeter/fund-only")
        pool[field] = amount

    document = changed(valuation(STATEMENT, cost=inputs(FIRST)), lie)
    (found,) = check_valuation(STATEMENT, document, documents=given(FIRST))
    assert found.where == f"cost.pools[perimeter/fund-only].{field}"


def test_a_method_that_the_statement_does_not_declare_is_found():
    document = changed(
        valuation(STATEMENT, cost=inputs(FIRST)),
        lambda content: content["cost"].update(method="fifo"),
    )
    found = check_valuation(STATEMENT, document, documents=given(FIRST))
    assert "cost.method" in {f.where for f in found}


def test_a_readers_own_block_times_replace_those_of_the_document():
    document = valuation(STATEMENT, cost=inputs(FIRST))
    first = document.cost.blocks[0].block
    other = {first: datetime(2011, 2, 3, 23, 16, 42, tzinfo=UTC)}
    found = check_valuation(STATEMENT, document, documents=given(FIRST), instants=other)
    assert "cost.blocks[0].at" in {f.where for f in found}


def test_costs_without_every_document_are_not_checkable_and_fair_values_still_are():
    document = valuation(STATEMENT, cost=inputs(FIRST))
    some = dict(list(given(FIRST).items())[1:])
    for papers in (None, some):
        with pytest.raises(CostNotRecomputed):
            check_valuation(STATEMENT, document, documents=papers)
        assert check_valuation(STATEMENT, changed(document, _value), documents=papers)


# Form of the file


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda c: c["sets"][0]["closing"]["own"]["value"][0].update(amount="1.5"), "amount"),
        (lambda c: c["sets"][0]["closing"]["own"]["value"][0].update(amount="1"), "amount"),
        (lambda c: c["sets"][0]["closing"]["own"]["value"][0].update(amount="1.000"), "amount"),
        (lambda c: c["sets"][0]["closing"]["own"]["value"][0].update(amount="-0.00"), "amount"),
        (lambda c: c["sets"][0]["closing"]["own"]["value"][0].update(amount="1,00"), "amount"),
        (lambda c: c["sets"][0]["closing"]["own"]["value"][0].update(amount=360000), "amount"),
        (lambda c: c["sets"][0]["closing"]["own"]["value"][0].update(currency="XXQ"), "currency"),
        (lambda c: c["cost"]["pools"][0].update(cost="1.5"), "cost.pools[0].cost"),
        (lambda c: c["cost"]["pools"][0]["lots"][0].update(cost="1.501"), "lots[0].cost"),
        (lambda c: c.update(currencies=["USD", "USD"]), "currencies"),
        (lambda c: c.update(notice=None), "notice"),
        (lambda c: c.update(test=False), "test"),
        (lambda c: c["network"].update(name="main"), "network"),
        (lambda c: c["closing"].update(at="2011-02-30T00:00:00Z"), "closing.at"),
        (lambda c: c.update(format="khazana.valuation/2"), "format"),
        (lambda c: c.update(more=1), "the top"),
        (lambda c: c["rules"][0].update(quotes=[]), "rules"),
    ],
)
def test_a_file_of_another_form_is_refused_with_the_place(change, place):
    content = json.loads(write_valuation(valuation(STATEMENT, cost=inputs(FIRST))))
    change(content)
    with pytest.raises(ValuationRefused) as refused:
        read_valuation(canonical_bytes(content) + b"\n")
    assert place in refused.value.place, refused.value


def test_another_spelling_of_the_same_content_is_refused():
    raw = write_valuation(valuation(STATEMENT))
    with pytest.raises(ValuationRefused, match="canonical"):
        read_valuation(raw.replace(b'{"closing"', b'{ "closing"', 1))


def test_the_table_of_prices_for_tests_says_that_it_is_invented():
    points = read_prices(TABLE.name, TABLE.read_bytes())
    assert all("test" in point.rule and "Test" in point.venue for point in points)
    assert isinstance(points[0], PricePoint)


# In a verification


def checked(document: ValuationDocument | None, **more):
    told = valued()
    raw = told.world.signed(FIRST.statement)
    return told.world.check(raw, profile=Profile.TOTALS, valuation=document, **more)


def test_verify_computes_a_valuation_again_and_says_what_it_cannot_show():
    document = valuation(STATEMENT, cost=inputs(FIRST))
    report = checked(document, documents=given(FIRST))
    assert verdicts(report)["valuation"] == "passed"
    assert report.exit_status == 0
    limits = report.result("valuation").limits
    assert any("grade D" in limit for limit in limits)
    assert "entered" in limits[0]


def test_verify_without_a_valuation_does_not_ask_for_one():
    report = checked(None)
    assert verdicts(report)["valuation"] == "not checkable"
    assert report.exit_status == 0


def test_verify_fails_the_one_check_when_a_value_or_the_root_is_another():
    other = valuation(typed(valued().second().statement))
    for document in (changed(valuation(STATEMENT), _value), other):
        report = checked(document)
        assert report.failed == ("valuation",)
        assert report.exit_status == 1


def test_verify_requires_what_was_brought_even_where_it_cannot_be_checked():
    report = checked(valuation(STATEMENT, cost=inputs(FIRST)))
    assert verdicts(report)["valuation"] == "not checkable"
    assert "every document" in report.result("valuation").summary
    assert report.exit_status == 2


def test_verify_repeats_what_the_valuation_could_not_value():
    report = checked(valuation(STATEMENT, "USD", "KWD"))
    assert verdicts(report)["valuation"] == "passed"
    assert "1 findings stand in it" in report.result("valuation").summary
    assert any(limit.startswith("Not valued: no price of USD in KWD") for limit in report.limits)
