"""The figures of a wallet, an entity or a perimeter: to make a statement and to verify one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from khazana.bitcoin.chain import BlockRef
from khazana.ledger.accounts import CustodialAccount, Lane, Perimeter, Wallet
from khazana.ledger.documents import Reason
from khazana.ledger.entries import AttestedBalance, BookEntry, ChainEntry, HeldCoin
from khazana.ledger.lanes import lane_totals
from khazana.ledger.perimeters import MembersByHeight, as_declared, standing_at
from khazana.ledger.postings import balances_after
from khazana.ledger.roll_forward import RollForward, roll_forward
from khazana.reserve.parts import (
    CorrectionsBody,
    ExplanationLineBody,
    FiguresBody,
    GradesBody,
    LaneTotalBody,
    ReasonBody,
)
from khazana.units import Sats, Txid


@dataclass(frozen=True)
class Books:
    """Everything that a period's figures rest on.

    opening: each account's balance at the end of `after`, custodial accounts included.
    lines: why each entry's flows happened, by txid. account_lines: the same for each account's
    off-chain change. attested: new balances of custodial accounts in the period, in order of block.
    attested_grade: the evidence grade of each account's last attested balance.
    held: the wallets' coins at the end of `until`.
    """

    after: BlockRef
    until: BlockRef
    wallets: tuple[Wallet, ...]
    accounts: tuple[CustodialAccount, ...]
    opening: Mapping[str, Sats]
    entries: tuple[ChainEntry, ...]
    lines: Mapping[Txid, Sequence[ExplanationLineBody]]
    account_lines: Mapping[str, Sequence[ExplanationLineBody]]
    book: tuple[BookEntry, ...]
    attested: tuple[AttestedBalance, ...]
    attested_grade: Mapping[str, str]
    held: tuple[HeldCoin, ...]

    @cached_property
    def entries_by_wallet(self) -> Mapping[str, tuple[ChainEntry, ...]]:
        by_wallet: dict[str, list[ChainEntry]] = {}
        for entry in self.entries:
            for wallet in entry.wallets:
                by_wallet.setdefault(wallet, []).append(entry)
        return {wallet: tuple(entries) for wallet, entries in by_wallet.items()}

    @cached_property
    def wallet_by_id(self) -> Mapping[str, Wallet]:
        return {wallet.id: wallet for wallet in self.wallets}

    @cached_property
    def book_by_account(self) -> Mapping[str, Sequence[BookEntry]]:
        by_account: dict[str, list[BookEntry]] = {}
        for entry in self.book:
            by_account.setdefault(entry.account, []).append(entry)
        return by_account

    @cached_property
    def attested_by_account(self) -> Mapping[str, Sequence[AttestedBalance]]:
        by_account: dict[str, list[AttestedBalance]] = {}
        for attested in self.attested:
            by_account.setdefault(attested.account, []).append(attested)
        return by_account

    @cached_property
    def immature_of(self) -> Mapping[str, int]:
        """Each wallet's closing coins that the next block could not spend."""
        amounts: dict[str, int] = {}
        for coin in self.held:
            if not coin.is_mature(self.until.height):
                amounts[coin.wallet] = amounts.get(coin.wallet, 0) + coin.amount
        return amounts

    def wallets_of(self, perimeter: Perimeter) -> tuple[Wallet, ...]:
        """The perimeter's wallets alone: each wallet is a perimeter of its own, and asking all of
        them about all of them would make a large file a slow one.
        """
        names = dict.fromkeys(member.account for member in perimeter.members)
        return tuple(self.wallet_by_id[name] for name in names if name in self.wallet_by_id)

    def attested_of(self, accounts: Iterable[str]) -> list[AttestedBalance]:
        """The balances attested for these accounts, in order of block."""
        found = [a for account in accounts for a in self.attested_by_account.get(account, ())]
        return sorted(found, key=lambda a: (a.block.height, a.account))

    def entries_touching(self, accounts: Iterable[str]) -> tuple[ChainEntry, ...]:
        """The entries of these accounts in chain order, each once."""
        found = {
            entry.order: entry
            for account in accounts
            for entry in self.entries_by_wallet.get(account, ())
        }
        return tuple(found[order] for order in sorted(found))

    @cached_property
    def closing(self) -> Mapping[str, Sats]:
        """Each account's balance at the end of `until`."""
        balances = balances_after(self.opening, self.entries)
        for attested in self.attested:
            balances[attested.account] = attested.amount
        return balances


def roll_of(books: Books, perimeter: Perimeter) -> RollForward:
    """The account of a perimeter for the books' period."""
    members = sorted({member.account for member in perimeter.members})
    return roll_forward(
        perimeter,
        wallets=books.wallets_of(perimeter),
        opening={name: books.opening[name] for name in members if name in books.opening},
        entries=books.entries_touching(members),
        book=[entry for name in members for entry in books.book_by_account.get(name, ())],
        attested=books.attested_of(members),
        after=books.after,
        until=books.until,
    )


def figures_of(books: Books, perimeter: Perimeter) -> FiguresBody:
    """A perimeter's figures as a statement prints them."""
    roll = roll_of(books, perimeter)
    moved, corrections = roll.movement, roll.corrections
    return FiguresBody(
        opening=roll.opening,
        inflow=moved.inflow,
        coinbase=moved.coinbase,
        outflow=moved.outflow,
        fee=moved.fee,
        internal=moved.internal,
        perimeter_change=roll.perimeter_change,
        off_chain=roll.off_chain,
        closing=roll.closing,
        immature=immature_of(books, perimeter),
        corrections=CorrectionsBody(
            opening=corrections.opening,
            loss=corrections.loss,
            restatement=corrections.restatement,
            perimeter_change=corrections.perimeter_change,
            closing=corrections.closing,
        ),
        grades=closing_grades(books, perimeter),
        reasons=reasons_of(books, perimeter),
    )


def immature_of(books: Books, perimeter: Perimeter) -> int:
    """Of a perimeter's closing holdings, coinbases that the next block could not spend."""
    standing = standing_at(as_declared(perimeter, books.wallets_of(perimeter)), books.until.height)
    return sum(books.immature_of.get(wallet, 0) for wallet in standing)


def closing_grades(books: Books, perimeter: Perimeter) -> GradesBody:
    """How much of the closing holdings each grade carries.

    A coin on the chain is grade A: anyone derives it. An attested balance has its document's.
    """
    amounts = dict.fromkeys("ABCD", 0)
    declared = as_declared(perimeter, books.wallets_of(perimeter))
    for account in standing_at(declared, books.until.height):
        amounts[books.attested_grade.get(account, "A")] += books.closing.get(account, 0)
    return GradesBody(a=amounts["A"], b=amounts["B"], c=amounts["C"], d=amounts["D"])


def reasons_of(books: Books, perimeter: Perimeter) -> list[ReasonBody]:
    """What each documented reason adds or takes away, as the perimeter sees it.

    A transfer between two members is nobody's gain and is left out; one that crosses the border
    stays, for the perimeter gained or lost by it. Sorted by reason.
    """
    members = MembersByHeight(as_declared(perimeter, books.wallets_of(perimeter)))
    amounts: dict[str, dict[str, int]] = {}
    for entry in books.entries_touching(sorted({m.account for m in perimeter.members})):
        inside = members.at(entry.block.height)
        for line in books.lines.get(entry.txid, ()):
            if line.wallet not in inside:
                continue
            if line.reason == Reason.TRANSFER.value and line.counterpart in inside:
                continue
            _add(amounts, line)
    names = sorted({member.account for member in perimeter.members})
    for attested in {a.account: a for a in books.attested_of(names)}.values():
        if attested.account in members.at(attested.block.height):
            for line in books.account_lines.get(attested.account, ()):
                _add(amounts, line)
    return [
        ReasonBody(
            reason=reason,
            amount=sum(grades.values()),
            grades=GradesBody(a=grades["A"], b=grades["B"], c=grades["C"], d=grades["D"]),
        )
        for reason, grades in sorted(amounts.items())
    ]


def _add(amounts: dict[str, dict[str, int]], line: ExplanationLineBody) -> None:
    grades = amounts.setdefault(line.reason, dict.fromkeys("ABCD", 0))
    grades[line.grade] += line.amount


def lanes_of(books: Books, perimeter: Perimeter) -> list[LaneTotalBody]:
    """A perimeter's holdings by legal lane at both ends of the period, every lane listed."""
    declared = as_declared(perimeter, books.wallets)
    opening, closing = (
        lane_totals(
            balances,
            standing_at(declared, block.height),
            wallets=books.wallets,
            accounts=books.accounts,
            at=block.height,
        )
        for balances, block in ((books.opening, books.after), (books.closing, books.until))
    )
    return [
        LaneTotalBody(lane=lane.value, opening=opening[lane], closing=closing[lane])
        for lane in Lane
    ]
