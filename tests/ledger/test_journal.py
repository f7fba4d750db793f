import csv
import io
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from khazana.bitcoin.transaction import Transaction
from khazana.ledger.accounts import CustodialAccount, Lane, LaneSpan
from khazana.ledger.documents import Reason
from khazana.ledger.entries import AttestedBalance, BookEntry, BookKind
from khazana.ledger.explanations import Explanation
from khazana.ledger.journal import CSV_COLUMNS, Journal, journal_csv, journal_of
from khazana.ledger.journal_accounts import Chart
from khazana.ledger.journal_beancount import journal_beancount
from khazana.ledger.postings import balances_after, entries_of
from khazana.units import Sats
from tests.ledger.paper_chain import PaperChain, block_ref, wallet_of

FUND = wallet_of(
    "fund",
    lanes=(LaneSpan(Lane.SEIZED, None), LaneSpan(Lane.OWNED, block_ref(7), 'court "1"')),
)
AGENCY = wallet_of("agency.hot", entity="energy")
KEEPER = CustodialAccount("keeper", "treasury", {"en": "Keeper"}, "Custodian", Lane.OWNED)
DAYS = {block_ref(h).hash: date(2025, 1, 1) + timedelta(days=h) for h in range(40)}
OPENING = {"fund": Sats(40), "agency.hot": Sats(1_002), "keeper": Sats(3)}

FUND_SEIZED = "Assets:Bitcoin:Treasury:Fund:Seized"
FUND_OWNED = "Assets:Bitcoin:Treasury:Fund:Owned"
AGENCY_OWNED = "Assets:Bitcoin:Energy:Agency-hot:Owned"


class Period:
    """Blocks 6 to 15: a transfer in the block of a forfeiture, a receipt, a payment, a coinbase."""

    def __init__(self) -> None:
        chain = PaperChain()
        old = [chain.coin("fund", 40), chain.coin("agency.hot", 1_002)]
        self.transfer = chain.pay(7, [old[1]], [("fund", 1_000)])
        self.receipt = chain.pay(8, [chain.foreign()], [("fund/1", 500)])
        self.mined = chain.coinbase(9, [("agency.hot", 50), ("stranger", 1)])
        self.payment = chain.pay(
            10, [self.transfer.outpoint(0), old[0]], [("stranger", 600), ("fund", 437)]
        )
        self.entries = entries_of(
            chain.history, [FUND, AGENCY], {coin.outpoint: coin for coin in old}
        )

    def journal(self, **settings: Any) -> Journal:
        usual: dict[str, Any] = {
            "wallets": [FUND, AGENCY],
            "accounts": [KEEPER],
            "opening": OPENING,
            "entries": self.entries,
            "days": DAYS,
            "after": block_ref(5),
            "until": block_ref(15),
        }
        return journal_of(**usual | settings)


def why(
    tx: Transaction,
    wallet: str,
    reason: Reason,
    amount: int,
    document: str | None = None,
    counterpart: str | None = None,
) -> Explanation:
    return Explanation(tx.txid, wallet, reason, Sats(amount), counterpart, document, "M1")


def lines(journal: Journal) -> list[tuple[int, str, str, int, str, str | None]]:
    return [
        (
            line.block.height,
            line.debit,
            line.credit,
            int(line.amount),
            line.kind,
            line.reason.value if line.reason else None,
        )
        for line in journal.lines
    ]


def test_l12_every_flow_is_a_line_from_one_account_to_another() -> None:
    period = Period()
    assert lines(period.journal()) == [
        (5, AGENCY_OWNED, "Equity:Opening", 1_002, "opening", None),
        (5, FUND_SEIZED, "Equity:Opening", 40, "opening", None),
        (5, "Assets:Custodians:Treasury:Keeper", "Equity:Opening", 3, "opening", None),
        (7, FUND_SEIZED, AGENCY_OWNED, 1_000, "internal", "transfer"),
        (7, "Equity:Outside:Fee", AGENCY_OWNED, 2, "fee", "fee"),
        (7, FUND_OWNED, FUND_SEIZED, 1_040, "reclassification", None),
        (8, FUND_OWNED, "Equity:Outside:Unexplained", 500, "in", "unexplained"),
        (9, AGENCY_OWNED, "Equity:Issuance:Unexplained", 50, "coinbase", "unexplained"),
        (10, "Equity:Outside:Fee", FUND_OWNED, 3, "fee", "fee"),
        (10, "Equity:Outside:Unexplained", FUND_OWNED, 600, "out", "unexplained"),
    ]


def test_l12_explanations_split_a_flow_and_the_rest_stays_unexplained() -> None:
    period = Period()
    journal = period.journal(
        explanations=[
            why(period.transfer, "fund", Reason.TRANSFER, 1_000, counterpart="agency.hot"),
            why(period.receipt, "fund", Reason.ACQUISITION, 300, "buy-1"),
            why(period.receipt, "fund", Reason.DONATION, 150, "gift-1"),
            why(period.mined, "agency.hot", Reason.MINED, 50, "pool-1"),
            why(period.payment, "fund", Reason.TO_CUSTODIAN, -600, "out-1", "keeper"),
        ]
    )
    found = [
        (line.debit, line.credit, int(line.amount), line.document)
        for line in journal.lines
        if line.kind in ("in", "out", "coinbase")
    ]
    assert found == [
        (FUND_OWNED, "Equity:Outside:Acquisition", 300, "buy-1"),
        (FUND_OWNED, "Equity:Outside:Donation", 150, "gift-1"),
        (FUND_OWNED, "Equity:Outside:Unexplained", 50, None),
        (AGENCY_OWNED, "Equity:Issuance:Mined", 50, "pool-1"),
        ("Assets:Custodians:Treasury:Keeper", FUND_OWNED, 600, "out-1"),
    ]


def test_explanations_that_exceed_a_flow_are_our_mistake() -> None:
    period = Period()
    with pytest.raises(ValueError, match="exceed its 500 sat by 1"):
        period.journal(explanations=[why(period.receipt, "fund", Reason.RECEIPT, 501)])


def test_a_block_without_a_day_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="no day is given for block 8"):
        Period().journal(days={k: v for k, v in DAYS.items() if k != block_ref(8).hash})


BOOK = (
    BookEntry(BookKind.LOSS, block_ref(3), "fund", Sats(-7)),
    BookEntry(BookKind.LOSS, block_ref(12), "fund", Sats(-20), document="loss-1"),
    BookEntry(BookKind.RESTATEMENT, block_ref(13), "fund", Sats(5)),
    BookEntry(BookKind.PERIMETER_CHANGE, block_ref(13), "fund", Sats(5), perimeter="p"),
    BookEntry(BookKind.RESTATEMENT, block_ref(14), "agency.hot", Sats(-1)),
    BookEntry(BookKind.LOSS, block_ref(16), "fund", Sats(-1)),
)
LETTERS = (
    AttestedBalance("keeper", block_ref(5), Sats(99)),
    AttestedBalance("keeper", block_ref(12), Sats(610), "letter-1"),
    AttestedBalance("keeper", block_ref(14), Sats(610)),
)


def test_l12_corrections_and_attested_balances_have_lines_of_their_own() -> None:
    journal = Period().journal(book=BOOK, attested=LETTERS)
    keeper, corrections = "Assets:Custodians:Treasury:Keeper", "Assets:Corrections:Treasury:Fund"
    found = [line for line in lines(journal) if keeper in line[1:3] or corrections in line[1:3]]
    assert found == [
        (5, keeper, "Equity:Opening", 3, "opening", None),
        (5, "Equity:Opening", corrections, 7, "opening", None),
        (12, "Equity:Losses", corrections, 20, "loss", None),
        (12, keeper, "Equity:Attested-changes", 607, "attested", None),
        (13, corrections, "Equity:Restatements", 5, "restatement", None),
    ]


def test_l12_the_lines_lead_to_the_coins_of_every_wallet() -> None:
    period = Period()
    held: Counter[str] = Counter()
    for line in period.journal(book=BOOK, attested=LETTERS).lines:
        held[line.debit] += line.amount
        held[line.credit] -= line.amount
    closing = balances_after(OPENING, period.entries)
    assert held[FUND_SEIZED] == 0
    assert held[FUND_OWNED] == closing["fund"] == 937
    assert held[AGENCY_OWNED] == closing["agency.hot"] == 50


def test_l12_a_lane_that_changed_in_the_opening_block_opens_the_journal() -> None:
    journal = Period().journal(entries=(), after=block_ref(7))
    assert lines(journal)[1][:3] == (7, FUND_OWNED, "Equity:Opening")
    assert {line.kind for line in journal.lines} == {"opening"}


def test_csv_has_one_row_for_each_line_and_the_notice_on_every_row() -> None:
    period = Period()
    journal = period.journal(
        explanations=[why(period.receipt, "fund", Reason.DONATION, 500, "=1+1")], book=BOOK
    )
    text = journal_csv(journal, notice="test network, invented figures")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == len(journal.lines)
    assert {row["notice"] for row in rows} == {"test network, invented figures"}
    (gift,) = (row for row in rows if row["reason"] == "donation")
    assert gift == {
        "day": "2025-01-09",
        "block_height": "8",
        "block_hash": block_ref(8).hash,
        "txid": period.receipt.txid,
        "debit": FUND_OWNED,
        "credit": "Equity:Outside:Donation",
        "amount_sat": "500",
        "kind": "in",
        "reason": "donation",
        "document": "'=1+1",
        "notice": "test network, invented figures",
    }


def test_account_names_are_safe_and_never_shared() -> None:
    wallets = [
        wallet_of(name, entity=entity)
        for name, entity in (
            ("a.b", "e"),
            ("a-b", "E"),
            ("A_b", "e"),
            ("9lives", "e"),
            ("_x", "e"),
            ("بنك", "e"),
        )
    ]
    chart = Chart.of(wallets)
    names = [chart.lane(w.id, Lane.HELD_FOR_CLIENTS) for w in wallets]
    assert len(set(names)) == len(names)
    assert names[3].endswith(":9lives:Held-for-clients")
    assert Chart.of(wallets[::-1]).wallet_names == chart.wallet_names
    assert Chart.of([wallet_of("fund.cold")]).wallet("fund.cold") == (
        "Assets:Bitcoin:Treasury:Fund-cold"
    )


def loaded(text: str) -> tuple[list[Any], list[Any]]:
    loader = pytest.importorskip("beancount.loader")
    entries, errors, _ = loader.load_string(text)
    return entries, errors


def whole_journal() -> Journal:
    period = Period()
    return period.journal(
        explanations=[
            why(period.receipt, "fund", Reason.ACQUISITION, 300, 'buy "1"\\'),
            why(period.payment, "fund", Reason.TO_CUSTODIAN, -600, "out-1", "keeper"),
        ],
        book=BOOK,
        attested=LETTERS,
    )


def test_l12_beancount_reads_the_journal_and_reaches_the_same_balances() -> None:
    text = journal_beancount(whole_journal(), title='The "Office"', notice="test network")
    entries, errors = loaded(text)
    assert errors == []
    kinds = Counter(type(entry).__name__ for entry in entries)
    assert kinds["Balance"] == 2
    assert kinds["Transaction"] == 1 + 4 + 1 + 3 + 1  # opening, chain, lane, book, attested
    held: Counter[str] = Counter()
    documents = set()
    for entry in entries:
        if type(entry).__name__ == "Transaction":
            assert entry.meta["notice"] == "test network"
            for posting in entry.postings:
                held[posting.account] += int(posting.units.number)
                documents.add(posting.meta.get("document_id"))
    assert held[FUND_OWNED] == 937
    assert held["Assets:Custodians:Treasury:Keeper"] == 610
    assert documents >= {'buy "1"\\', 'court "1"', "out-1", "loss-1", "letter-1"}


def test_l12_beancount_finds_one_satoshi_too_many() -> None:
    text = journal_beancount(whole_journal(), title="Office")
    assert " 937 SAT\n" in text
    _, errors = loaded(text.replace(" 937 SAT\n", " 938 SAT\n"))
    assert len(errors) == 1
    assert "Balance failed" in errors[0].message


def test_beancount_reads_a_period_in_which_nothing_happened_and_nothing_is_held() -> None:
    journal = Period().journal(entries=(), opening={}, accounts=[], wallets=[AGENCY])
    entries, errors = loaded(journal_beancount(journal, title="Office"))
    assert errors == []
    assert [type(entry).__name__ for entry in entries].count("Transaction") == 0


def test_an_entry_outside_the_period_is_our_mistake() -> None:
    period = Period()
    with pytest.raises(ValueError, match="at 9 is not in the period"):
        period.journal(until=block_ref(8))
    with pytest.raises(ValueError, match="at 7 is not in the period"):
        period.journal(after=block_ref(7))
