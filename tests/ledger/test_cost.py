from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.ledger.cost import (
    CostAccount,
    CostEvent,
    ImpairmentTest,
    Lot,
    Measurements,
    cost_account,
    side_by_side,
)
from khazana.ledger.cost_events import cost_events
from khazana.ledger.documents import Document, Fiat, Reason
from khazana.ledger.entries import BookEntry, BookKind, ChainEntry
from khazana.ledger.explanations import Explanation
from khazana.ledger.findings import Finding
from khazana.ledger.office import CostMethod, ImpairmentRule, UnpaidCost
from khazana.ledger.postings import entries_of
from khazana.ledger.valuation import Value
from khazana.units import Sats
from tests.ledger.paper_chain import PaperChain, block_ref, wallet_of

PAGE = Path(__file__).parents[2] / "docs" / "methods" / "cost.md"
WA, FIFO = CostMethod.WEIGHTED_AVERAGE, CostMethod.FIFO
NEVER, NEXT = ImpairmentRule.NEVER_REVERSED, ImpairmentRule.REVERSED_IN_NEXT_PERIOD


def account_of(
    events: list[CostEvent],
    tests: tuple[ImpairmentTest, ...] = (),
    method: CostMethod = WA,
    impairment: ImpairmentRule = NEVER,
) -> CostAccount:
    return cost_account(events, tests, currency="USD", method=method, impairment=impairment)


def table() -> list[list[str]]:
    rows = [line.strip("|").split("|") for line in PAGE.read_text().splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in row] for row in rows[2:]]


@pytest.mark.parametrize(
    ("method", "impairment", "cost", "impaired"),
    [(WA, NEVER, 3, 4), (WA, NEXT, 3, 5), (FIFO, NEVER, 6, 7), (FIFO, NEXT, 6, 8)],
)
def test_the_worked_table_of_the_method_comes_out(method, impairment, cost, impaired):
    events, tests = [], []
    for height, (step, amount, money, *_) in enumerate(table()):
        if step.startswith("test"):
            tests.append(ImpairmentTest((height, 0), int(money), step[5:], step))
        else:
            sign = 1 if step == "in" else -1
            events.append(CostEvent((height, 0), Sats(sign * int(amount)), int(money or 0), step))
    found = account_of(events, tuple(tests), method, impairment)
    assert [(row.cost, row.impaired_cost) for row in found.rows] == [
        (int(row[cost]), int(row[impaired])) for row in table()
    ]
    assert not found.findings


steps = st.lists(
    st.tuples(st.sampled_from(["in", "out", "test"]), st.integers(1, 10**6), st.integers(0, 10**9)),
    max_size=20,
)


@given(steps, st.sampled_from(CostMethod), st.sampled_from(ImpairmentRule))
def test_costs_add_up_and_never_fall_below_zero_or_rise_above_what_was_paid(made, method, rule):
    events, tests, held, paid = [], [], 0, 0
    for height, (kind, amount, money) in enumerate(made):
        if kind == "test":
            tests.append(ImpairmentTest((height, 0), money, str(height // 3), "test"))
        elif kind == "in":
            held, paid = held + amount, paid + money
            events.append(CostEvent((height, 0), Sats(amount), money, "in"))
        elif held:
            leaves = min(amount, held)
            held -= leaves
            events.append(CostEvent((height, 0), Sats(-leaves), 0, "out"))
    found = account_of(events, tuple(tests), method, rule)
    assert found.amount == held
    assert sum(row.cost_change for row in found.rows) == found.cost
    assert sum(row.impaired_change for row in found.rows) == found.impaired_cost
    for row in found.rows:
        assert 0 <= row.impaired_cost <= row.cost <= paid
        assert row.amount or row.cost == 0


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**9)), min_size=1, max_size=8))
def test_both_methods_agree_on_a_pool_that_was_emptied_or_never_touched(lots):
    events = [CostEvent((i, 0), Sats(amount), cost, "in") for i, (amount, cost) in enumerate(lots)]
    whole = sum(amount for amount, _ in lots)
    gone = [*events, CostEvent((99, 0), Sats(-whole), 0, "out")]
    for method in CostMethod:
        assert account_of(events, method=method).cost == sum(cost for _, cost in lots)
        assert account_of(gone, method=method).rows[-1].cost == 0


def test_three_measurements_stand_side_by_side_or_say_what_is_missing():
    account = account_of([CostEvent((1, 0), Sats(5), 900, "in")])
    at = datetime(2026, 1, 1, tzinfo=UTC)
    value = Value(amount=Sats(5), at=at, currency="USD", minor=700, points=())
    assert side_by_side(account, value) == Measurements(
        amount=Sats(5), currency="USD", cost=900, impaired_cost=900, fair_value=700
    )
    assert side_by_side(account, Finding("V3", "no price", "prices")).fair_value is None
    for wrong in (replace(value, amount=Sats(4)), replace(value, currency="PKR")):
        with pytest.raises(ValueError, match="another"):
            side_by_side(account, wrong)


def test_c5_more_than_the_pool_has_cannot_leave_unnoticed():
    found = account_of([CostEvent((1, 0), Sats(5), 9, "in"), CostEvent((2, 0), Sats(-6), 0, "out")])
    assert [finding.rule for finding in found.findings] == ["C5"]
    assert (found.amount, found.cost) == (0, 0)


def test_c5_what_enters_in_a_transaction_comes_before_what_leaves():
    events = [CostEvent((1, 1), Sats(-5), 0, "out"), CostEvent((1, 1), Sats(5), 9, "in")]
    assert not account_of(events).findings


def test_an_event_moves_something_and_only_entering_coins_have_a_cost():
    for amount, cost in ((0, 0), (-1, 5), (1, -5)):
        with pytest.raises(ValueError, match=r"moves|cost"):
            CostEvent((1, 0), Sats(amount), cost, "wrong")


class Books:
    """A pool of `fund` and `vault`; `agency` is declared too, but outside the pool."""

    def __init__(self) -> None:
        self.chain = PaperChain()
        self.coin = self.chain.coin("fund", 1000)
        self.entry = self.chain.pay(9, [self.coin], [("stranger", 300), ("vault", 690)])
        self.receipt = self.chain.pay(8, [self.chain.foreign()], [("fund", 500)])
        wallets = [wallet_of(name) for name in ("fund", "vault", "agency")]
        history = sorted(self.chain.history, key=lambda c: c.order)
        self.entries = entries_of(history, wallets, {self.coin.outpoint: self.coin})

    def line(self, reason: Reason, amount: int, document: str | None = None) -> Explanation:
        txid = self.receipt.txid if amount > 0 else self.entry.txid
        return Explanation(txid, "fund", reason, Sats(amount), None, document, "M1")

    def events(self, *lines: Explanation, fiat: Fiat | None = None, **more: object):
        document = Document(
            id="d",
            reason=Reason.ACQUISITION,
            at=datetime(2026, 1, 1, tzinfo=UTC),
            account="fund",
            amount=Sats(500),
            fiat=fiat,
        )
        given = {
            "documents": {"d": document},
            "pool": {"fund", "vault"},
            "currency": "USD",
            "unpaid": UnpaidCost.FAIR_VALUE,
            "value_of": self.value_of,
            **more,
        }
        return cost_events(self.entries, lines, **given)

    def value_of(self, amount: Sats, entry: ChainEntry) -> int | Finding:
        return amount * entry.block.height


def test_c1_an_acquisition_costs_what_was_paid_and_its_fees():
    books = Books()
    events, findings = books.events(
        books.line(Reason.ACQUISITION, 500, "d"), fiat=Fiat("USD", 7000, 35)
    )
    assert (events[0].amount, events[0].cost, events[0].label) == (500, 7035, "acquisition d")
    assert not findings


@pytest.mark.parametrize("fiat", [None, Fiat("PKR", 7000)])
def test_c1_an_acquisition_without_money_in_the_offices_currency_is_a_finding(fiat):
    books = Books()
    events, findings = books.events(books.line(Reason.ACQUISITION, 500, "d"), fiat=fiat)
    assert events[0].cost == 0
    assert [finding.rule for finding in findings] == ["C1"]


@pytest.mark.parametrize(
    ("reason", "unpaid", "cost"),
    [
        (Reason.MINED, UnpaidCost.FAIR_VALUE, 4000),
        (Reason.SEIZURE, UnpaidCost.FAIR_VALUE, 4000),
        (Reason.MINED, UnpaidCost.ZERO, 0),
        (Reason.DUST, UnpaidCost.FAIR_VALUE, 0),
        (Reason.UNEXPLAINED, UnpaidCost.FAIR_VALUE, 0),
    ],
)
def test_c4_coins_nobody_paid_for_enter_as_declared(reason, unpaid, cost):
    books = Books()
    events, _ = books.events(books.line(reason, 500), unpaid=unpaid)
    assert events[0].cost == cost


def test_c4_a_missing_price_is_a_finding():
    books = Books()
    missing = Finding("V3", "no price", "prices")
    events, findings = books.events(books.line(Reason.MINED, 500), value_of=lambda a, e: missing)
    assert (events[0].cost, findings) == (0, (missing,))


def test_c5_transfers_inside_the_pool_move_nothing_but_their_fee():
    books = Books()
    inside = Explanation(books.entry.txid, "fund", Reason.TRANSFER, Sats(-690), "vault", None, "T1")
    leaving = Explanation(
        books.entry.txid, "fund", Reason.TRANSFER, Sats(-300), "agency", None, "T1"
    )
    events, _ = books.events(inside)
    assert [event.amount for event in events] == [-10]
    events, _ = books.events(inside, leaving)
    assert [event.amount for event in events] == [-300, -10]


def test_c5_a_loss_leaves_after_every_transaction_of_its_block():
    books = Books()
    loss = BookEntry(BookKind.LOSS, block_ref(9), "vault", Sats(-7), document="report")
    elsewhere = BookEntry(BookKind.LOSS, block_ref(9), "agency", Sats(-7))
    events, _ = cost_events(
        books.entries,
        [],
        [loss, elsewhere],
        documents={},
        pool={"fund", "vault"},
        currency="USD",
        unpaid=UnpaidCost.ZERO,
        value_of=books.value_of,
    )
    assert [(e.amount, e.label) for e in events][-1] == (-7, "loss report")
    assert len(events) == 2


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**9)), min_size=1, max_size=6),
    st.integers(1, 10**6),
    st.sampled_from([WA, FIFO]),
)
def test_c8_an_account_in_two_parts_is_the_account_in_one(bought, left, method):
    """Lots carried exactly from one account to the next change nothing."""
    first = [CostEvent((n, 0), Sats(a), c, "in") for n, (a, c) in enumerate(bought)]
    fair = sum(cost for _, cost in bought) // 2
    tested = ImpairmentTest((50, 0), fair, "2025", "test")
    later = [CostEvent((100, 0), Sats(-min(left, sum(a for a, _ in bought))), 0, "out")]
    whole = account_of([*first, *later], (tested,), method)
    half = account_of(first, (tested,), method)
    rest = cost_account(later, currency="USD", method=method, impairment=NEVER, opening=half.lots)
    assert rest.rows[0].label == "brought forward"
    assert (rest.amount, rest.cost, rest.impaired_cost, rest.lots) == (
        whole.amount,
        whole.cost,
        whole.impaired_cost,
        whole.lots,
    )


def test_c8_lots_brought_forward_are_put_together_under_the_weighted_average():
    lots = (Lot(1, Fraction(10), Fraction(10)), Lot(3, Fraction(50), Fraction(20)))
    account = cost_account((), currency="USD", method=WA, impairment=NEVER, opening=lots)
    assert account.lots == (Lot(4, Fraction(60), Fraction(30)),)
