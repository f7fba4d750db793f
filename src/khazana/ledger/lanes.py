"""Legal lanes over time: totals per lane, and entries where a wallet's coins change lane."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

from khazana.bitcoin.chain import BlockRef
from khazana.ledger.accounts import CustodialAccount, Lane, Wallet
from khazana.ledger.entries import BookEntry, BookKind, ChainEntry
from khazana.units import Height, Sats


def lane_totals(
    balances: Mapping[str, Sats],
    members: Collection[str],
    *,
    wallets: Iterable[Wallet],
    accounts: Iterable[CustodialAccount] = (),
    at: Height,
) -> dict[Lane, Sats]:
    """Rule L10: what the members hold at the end of the block at `at`, by legal lane.

    Every lane is listed, whatever it holds; together they are the members' holdings.
    """
    totals = dict.fromkeys(Lane, 0)
    for wallet in wallets:
        if wallet.id in members:
            totals[wallet.lane_at(at)] += balances.get(wallet.id, Sats(0))
    for account in accounts:
        if account.id in members:
            totals[account.lane] += balances.get(account.id, Sats(0))
    return {lane: Sats(total) for lane, total in totals.items()}


def reclassifications(
    wallets: Iterable[Wallet],
    *,
    opening: Mapping[str, Sats],
    entries: Sequence[ChainEntry],
    after: BlockRef,
    until: BlockRef,
) -> tuple[BookEntry, ...]:
    """Rule L10: wallets whose lane changes after block `after`, up to the end of `until`.

    amount: what the wallet holds at the end of the block of the change, nothing included. A lane
    that changed before the wallet was declared, or with it, never stood otherwise in the books
    and is left out.
    """
    changes = [
        (now.since, wallet.id, before.lane, now)
        for wallet in wallets
        for before, now in pairwise(wallet.lanes)
        if now.since is not None
        and now.lane is not before.lane
        and max(after.height, wallet.declared.height) < now.since.height <= until.height
    ]
    changes.sort(key=lambda change: (change[0].height, change[1]))
    balances: dict[str, int] = {wallet: opening.get(wallet, 0) for _, wallet, _, _ in changes}
    booked = []
    done = 0
    for block, wallet, lane, now in changes:
        while done < len(entries) and entries[done].block.height <= block.height:
            for posting in entries[done].spent:
                if posting.wallet in balances:
                    balances[posting.wallet] -= posting.amount
            for posting in entries[done].received:
                if posting.wallet in balances:
                    balances[posting.wallet] += posting.amount
            done += 1
        booked.append(
            BookEntry(
                kind=BookKind.RECLASSIFICATION,
                block=block,
                account=wallet,
                amount=Sats(balances[wallet]),
                document=now.document,
                details={"from": lane.value, "to": now.lane.value},
            )
        )
    return tuple(booked)
