"""What each set of accounts held after every block of a period: the line that a chart draws."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from khazana.bitcoin.chain import BlockRef
from khazana.ledger.accounts import Perimeter
from khazana.ledger.perimeters import as_declared, standing_at
from khazana.reserve.bodies import block_ref, wallet_of
from khazana.reserve.case import PartsWithheld
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.sets import sets_of
from khazana.units import Height, Sats

NEEDED = ("wallet", "account", "entity", "perimeter", "entry", "coins")


@dataclass(frozen=True, slots=True)
class BalanceAt:
    """What a set held from the end of `block` on."""

    block: BlockRef
    amount: Sats


@dataclass(frozen=True)
class _Steps:
    """An account's balance by height: the balance at `heights[i]` and later is `amounts[i]`."""

    heights: Sequence[int]
    amounts: Sequence[int]

    def at(self, height: int) -> int:
        return self.amounts[bisect_right(self.heights, height) - 1]


def balance_series(statement: ReserveStatement) -> Iterator[tuple[str, tuple[BalanceAt, ...]]]:
    """Every set's balances by part name, the opening first, then one for each block of a change.

    The last amount is the set's closing figure. A wallet that joins a perimeter later counts there
    from its block on (Rule L8).
    """
    for kind in NEEDED:
        if missing := statement.withheld(kind):
            raise PartsWithheld(kind=kind, missing=missing)
    period = statement.header.period
    after, until = block_ref(period.after), block_ref(period.until)
    blocks = {after.height: after, until.height: until}
    accounts = _accounts(statement, after.height, blocks)
    wallets = [wallet_of(body, ()) for body in statement.wallets.values()]
    for part, _, perimeter in sets_of(statement):
        declared = as_declared(perimeter, wallets)
        for block in _borders(declared):
            blocks.setdefault(block.height, block)
        yield (
            part,
            tuple(
                BalanceAt(blocks[height], amount)
                for height, amount in _balances(declared, accounts, after.height, until.height)
            ),
        )


def blocks_of_changes(statement: ReserveStatement) -> Iterator[BlockRef]:
    """Every block of the period in which a disclosed balance changed, or a set gained or lost one,
    in order of height.
    """
    period = statement.header.period
    blocks = {entry.block for entry in statement.entries}
    for account in statement.accounts.values():
        blocks.update(block_ref(attested.block) for attested in account.attested)
    wallets = [wallet_of(body, ()) for body in statement.wallets.values()]
    for _, _, perimeter in sets_of(statement):
        blocks.update(_borders(as_declared(perimeter, wallets)))
    yield from sorted(
        block for block in blocks if period.after.height < block.height <= period.until.height
    )


def _accounts(
    statement: ReserveStatement, start: Height, blocks: dict[Height, BlockRef]
) -> Mapping[str, _Steps]:
    """Every account's balances; the blocks they changed in are noted in `blocks`."""
    amounts: dict[str, list[int]] = {}
    heights: dict[str, list[int]] = {}
    for wallet, coins in statement.coins.items():
        heights[wallet], amounts[wallet] = [start], [sum(coin.amount for coin in coins.opening)]
    for account, body in statement.accounts.items():
        heights[account] = [start]
        amounts[account] = [0 if body.opening is None else body.opening.amount]
    for entry in sorted(statement.entries, key=lambda entry: entry.order):
        blocks.setdefault(entry.block.height, entry.block)
        change: dict[str, int] = {}
        for posting in entry.received:
            change[posting.wallet] = change.get(posting.wallet, 0) + posting.amount
        for posting in entry.spent:
            change[posting.wallet] = change.get(posting.wallet, 0) - posting.amount
        for wallet, by in change.items():
            heights[wallet].append(entry.block.height)
            amounts[wallet].append(amounts[wallet][-1] + by)
    for account, body in statement.accounts.items():
        for attested in body.attested:
            block = block_ref(attested.block)
            blocks.setdefault(block.height, block)
            heights[account].append(block.height)
            amounts[account].append(attested.amount)
    return {name: _Steps(heights[name], amounts[name]) for name in heights}


def _borders(declared: Perimeter) -> Iterator[BlockRef]:
    for member in declared.members:
        for block in (member.since, member.until):
            if block is not None:
                yield block


def _balances(
    declared: Perimeter, accounts: Mapping[str, _Steps], after: Height, until: Height
) -> Iterator[tuple[Height, Sats]]:
    members = {member.account for member in declared.members}
    heights: Iterable[int] = {
        height for name in members if name in accounts for height in accounts[name].heights
    } | {block.height for block in _borders(declared)}
    last = None
    for number in sorted({after, *(h for h in heights if after < h <= until)}):
        height = Height(number)
        standing = standing_at(declared, height)
        amount = sum(accounts[name].at(height) for name in standing if name in accounts)
        if amount != last:
            yield height, Sats(amount)
            last = amount
