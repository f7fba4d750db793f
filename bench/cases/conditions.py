"""Evaluating thirty conditions over ten years of daily entries and daily statistics."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bench.measure import Case, measurement
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.transaction import OutPoint
from khazana.conditions.evaluate import evaluate
from khazana.conditions.memorandum import Memorandum
from khazana.conditions.memorandum_file import read_memorandum
from khazana.conditions.statistics import Figures, Statistic
from khazana.conditions.verdicts import Inputs, Verdict
from khazana.ledger.accounts import Lane, LaneSpan, Membership, Perimeter, Wallet
from khazana.ledger.entries import ChainEntry, CoinPosting
from khazana.ledger.grades import EvidenceGrade
from khazana.reserve.figures import Books
from khazana.reserve.parts import ExplanationLineBody
from khazana.units import BlockHash, Height, Sats, Txid

DAYS = 3_653
WALLETS = 10
START = date(2016, 1, 1)
STATISTICS = ("government_guarantees", "net_domestic_assets", "fx_swaps_forwards", "tax_revenue")
HEAD = """format = "khazana.memorandum/1"
[memorandum]
id = "bench"
name = { en = "Bench" }
lender = "Bench"
country = "XXX"
arrangement = "Bench"
approved = 2016-01-01
"""
SOURCE = 'source = { document = "bench", page = 1, mark = "S" }\n'


def _block(height: int) -> BlockRef:
    return BlockRef(Height(height), BlockHash(f"{height:064x}"))


def _memorandum() -> Memorandum:
    """Ten conditions on bitcoin over five perimeters, twenty on daily statistics."""
    text = HEAD
    for p in range(5):
        text += f'[[perimeter]]\nid = "p{p}"\nname = {{ en = "p" }}\ndefinition = "p"\n{SOURCE}'
    for number in range(30):
        bitcoin = number < 10
        counted = "bitcoin_stock" if number % 2 else "bitcoin_acquisitions"
        quantity = counted if bitcoin else STATISTICS[number % 4]
        text += (
            f'[[condition]]\nid = "c{number}"\nname = {{ en = "c" }}\n'
            'kind = "continuous_performance_criterion"\n'
            f'quantity = "{quantity}"\nperimeter = "p{number % 5}"\n'
            f'unit = "{"BTC" if bitcoin else "USD m"}"\nsign = "positive"\ndirection = "ceiling"\n'
            f"cumulative_from = 2016-01-01\n{SOURCE}"
        )
        if bitcoin:
            text += '[condition.ledger]\ncounts = ["acquisition"]\nnet_of_clients = false\n'
        text += "[[condition.target]]\nsince = 2016-01-01\nvalue = 1000000\n"
    return read_memorandum("bench.toml", text.encode())


def _books() -> Books:
    entries, lines = [], {}
    for day in range(1, DAYS + 1):
        txid = Txid(hashlib.sha256(b"%d" % day).hexdigest())
        wallet = f"w{day % WALLETS}"
        coin = CoinPosting(wallet, OutPoint(txid, 0), Sats(1_000_000))
        entries.append(ChainEntry(txid, _block(day), 1, False, (), (coin,), None, None))
        lines[txid] = [
            ExplanationLineBody(
                wallet=wallet,
                reason="acquisition",
                amount=1_000_000,
                counterpart=None,
                document="d",
                grade="C",
                rule="M1",
            )
        ]
    wallets = tuple(
        Wallet(
            id=f"w{n}",
            entity="e",
            name={"en": "w"},
            scripts=(),
            lanes=(LaneSpan(Lane.OWNED, None),),
            declared=_block(0),
        )
        for n in range(WALLETS)
    )
    return Books(
        after=_block(0),
        until=_block(DAYS),
        wallets=wallets,
        accounts=(),
        opening={},
        entries=tuple(entries),
        lines=lines,
        account_lines={},
        book=(),
        attested=(),
        attested_grade={},
        held=(),
    )


def _inputs() -> Inputs:
    entered = datetime(2026, 1, 1, tzinfo=UTC)
    statistics = tuple(
        Statistic(
            quantity=name,
            perimeter=None,
            day=START + timedelta(days=day),
            value=Decimal(day),
            unit="USD m",
            source="bench",
            grade=EvidenceGrade.C,
            entered=entered,
        )
        for name in STATISTICS
        for day in range(DAYS)
    )
    members = tuple(Membership(f"w{n}") for n in range(WALLETS))
    return Inputs(
        books=_books(),
        perimeters=tuple(Perimeter(f"p{n}", {"en": "p"}, members) for n in range(5)),
        figures=Figures(statistics),
        closings={START: _block(0)},
        today=START + timedelta(days=DAYS + 1),
    )


@measurement("conditions_30_over_10_years")
def conditions() -> Iterator[Case]:
    """Thirty continuous conditions at each of 3,653 days: a verdict for every one."""
    memorandum, inputs = _memorandum(), _inputs()
    found = evaluate(memorandum, inputs)
    met = sum(1 for one in found if one.verdict is Verdict.MET)
    if met != len(found) or met < 30 * DAYS:
        raise RuntimeError(f"{met} of {len(found)} verdicts are met, {30 * DAYS} are due")

    def run() -> object:
        # A fresh value, so that nothing indexed by the run before is used again.
        figures = Figures(inputs.figures.statistics, ())
        fresh = Inputs(
            books=inputs.books,
            perimeters=inputs.perimeters,
            figures=figures,
            closings=inputs.closings,
            today=inputs.today,
        )
        return evaluate(memorandum, fresh)

    yield Case(run=run, amount=30, unit="conditions/s", note=f"{len(found)} verdicts")
