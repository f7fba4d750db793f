"""A period's account of a perimeter: opening, what happened, closing, on the chain and in books."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from khazana.bitcoin.chain import BlockRef
from khazana.ledger.accounts import Perimeter, Wallet
from khazana.ledger.entries import AttestedBalance, BookEntry, BookKind, ChainEntry
from khazana.ledger.findings import Finding
from khazana.ledger.perimeters import (
    MembersByHeight,
    Movement,
    as_declared,
    movement,
    perimeter_changes,
    standing_at,
)
from khazana.ledger.postings import balances_after
from khazana.units import Sats


@dataclass(frozen=True)
class Corrections:
    """What the books add to the chain's holdings, mostly below zero: losses and restatements.

    opening + loss + restatement + perimeter_change = closing
    perimeter_change: corrections that came or went with an account that entered or left.
    """

    opening: Sats
    loss: Sats
    restatement: Sats
    perimeter_change: Sats
    closing: Sats


@dataclass(frozen=True)
class RollForward:
    """The account of a perimeter for the period (after, until], in satoshis.

    opening + movement.net + off_chain + perimeter_change = closing        (Rule L9)

    opening, closing: chain holdings plus attested balances of the accounts standing at either end.
    off_chain: change of attested balances of members. changes: the entries of perimeter_change.
    """

    perimeter: str
    after: BlockRef
    until: BlockRef
    opening: Sats
    movement: Movement
    off_chain: Sats
    perimeter_change: Sats
    closing: Sats
    corrections: Corrections
    changes: tuple[BookEntry, ...]

    @property
    def recognised_opening(self) -> Sats:
        return Sats(self.opening + self.corrections.opening)

    @property
    def recognised_closing(self) -> Sats:
        """Closing holdings less what the books have written off."""
        return Sats(self.closing + self.corrections.closing)


def roll_forward(
    perimeter: Perimeter,
    *,
    wallets: Sequence[Wallet],
    opening: Mapping[str, Sats],
    entries: Sequence[ChainEntry],
    book: Sequence[BookEntry] = (),
    attested: Sequence[AttestedBalance] = (),
    after: BlockRef,
    until: BlockRef,
) -> RollForward:
    """Rule L9: what a perimeter held, what happened to it, and what it holds.

    opening: every account's balance at the end of `after`, members or not.
    entries: those of the period in chain order; entries that touch no member may be left out.
    book: losses and restatements up to the end of `until`, those before the period included, for
    they are part of the opening figures; other kinds change no holdings and are not read.
    attested: balances of custodial accounts; those outside the period are not read.
    closing is counted from the accounts, not from the sum of what happened: the two must agree,
    and `roll_forward_holds` says whether they do.
    """
    _refuse_outside_period(entries, after=after, until=until)
    if twice := {wallet.id for wallet in wallets} & {balance.account for balance in attested}:
        raise ValueError(f"wallet {min(twice)} is attested, but its coins are on the chain")
    declared = as_declared(perimeter, wallets)
    members = MembersByHeight(declared)
    changes = perimeter_changes(
        perimeter,
        wallets=wallets,
        opening=opening,
        entries=entries,
        attested=attested,
        after=after,
        until=until,
    )
    moved = (movement(entry, members.at(entry.block.height)) for entry in entries)
    closing = balances_after(opening, entries)
    off_chain = 0
    news = [item for item in attested if after.height < item.block.height <= until.height]
    for balance in sorted(news, key=lambda item: item.block.height):
        if balance.account in members.at(balance.block.height):
            off_chain += balance.amount - closing.get(balance.account, Sats(0))
        closing[balance.account] = balance.amount
    return RollForward(
        perimeter=perimeter.id,
        after=after,
        until=until,
        opening=_sum_of(opening, standing_at(declared, after.height)),
        movement=reduce(add, moved, Movement()),
        off_chain=Sats(off_chain),
        perimeter_change=Sats(sum(change.amount for change in changes)),
        closing=_sum_of(closing, standing_at(declared, until.height)),
        corrections=_corrections(declared, book, changes, after=after, until=until),
        changes=changes,
    )


def roll_forward_holds(roll: RollForward) -> Iterator[Finding]:
    """Rules L9 and L11: opening and what happened make closing, and nothing is below zero."""
    where = f"{roll.perimeter}, after {roll.after} until {roll.until}"
    reached = roll.opening + roll.movement.net + roll.off_chain + roll.perimeter_change
    if reached != roll.closing:
        text = f"opening and entries make {reached} sat, but {roll.closing} sat are held"
        yield Finding("L9", text, where)
    if roll.closing < 0:
        yield Finding("L9", f"{roll.closing} sat are held: less than nothing", where)
    if roll.recognised_closing < 0:
        text = (
            f"{-roll.corrections.closing} sat are written off, but only {roll.closing} sat are held"
        )
        yield Finding("L11", text, where)


def _corrections(
    declared: Perimeter,
    book: Iterable[BookEntry],
    changes: Iterable[BookEntry],
    *,
    after: BlockRef,
    until: BlockRef,
) -> Corrections:
    """Rule L11: losses and restatements belong to an account and enter and leave with it."""
    corrections = [
        item
        for item in book
        if item.kind in (BookKind.LOSS, BookKind.RESTATEMENT) and item.block.height <= until.height
    ]
    members = MembersByHeight(declared)
    standing_before = standing_at(declared, after.height)
    standing_now = standing_at(declared, until.height)
    amounts = {BookKind.LOSS: 0, BookKind.RESTATEMENT: 0}
    opening = closing = 0
    for item in corrections:
        before = item.block.height <= after.height
        opening += item.amount if before and item.account in standing_before else 0
        closing += item.amount if item.account in standing_now else 0
        if not before and item.account in members.at(item.block.height):
            amounts[item.kind] += item.amount
    moved = 0
    for change in changes:
        carried = sum(
            item.amount
            for item in corrections
            if item.account == change.account and item.block.height <= change.block.height
        )
        enters = change.details is not None and change.details["change"] == "enters"
        moved += carried if enters else -carried
    return Corrections(
        opening=Sats(opening),
        loss=Sats(amounts[BookKind.LOSS]),
        restatement=Sats(amounts[BookKind.RESTATEMENT]),
        perimeter_change=Sats(moved),
        closing=Sats(closing),
    )


def _sum_of(balances: Mapping[str, Sats], accounts: Iterable[str]) -> Sats:
    return Sats(sum(balances.get(account, 0) for account in accounts))


def _refuse_outside_period(
    entries: Iterable[ChainEntry],
    *,
    after: BlockRef,
    until: BlockRef,
) -> None:
    if until.height < after.height:
        raise ValueError(f"the period ends at {until}, before it starts at {after}")
    last: tuple[int, int] = (after.height, -1)
    for entry in entries:
        if not after.height < entry.block.height <= until.height:
            raise ValueError(f"{entry.txid} at {entry.block.height} is not in the period")
        if entry.order <= last:
            raise ValueError(f"entries are not in chain order at {entry.txid}")
        last = entry.order
