"""What went where in a transaction: net amounts, fee shares and flows between accounts."""

from collections.abc import Iterable, Iterator

from khazana.ledger.entries import ISSUANCE, OUTSIDE, ChainEntry, CoinPosting, Fact, Flow
from khazana.ledger.findings import Finding
from khazana.units import Sats


def entries_balance(entries: Iterable[ChainEntry]) -> Iterator[Finding]:
    """Rule L1: what an entry's wallets spent, they received, paid outside or paid as fee."""
    for entry in entries:
        if entry.fee is None or entry.paid_outside is None:
            continue  # a side of the transaction that is not ours is not known: nothing to add up
        where = f"transaction {entry.txid}"
        spent = sum(posting.amount for posting in entry.spent)
        used = sum(posting.amount for posting in entry.received) + entry.paid_outside + entry.fee
        if spent != used:
            text = f"{spent} sat are spent, but {used} sat are received, paid outside and fee"
            yield Finding("L1", text, where)
        if entry.fee < 0:
            yield Finding("L1", f"the fee is {entry.fee} sat: less than nothing", where)
        if entry.paid_outside < 0:
            yield Finding("L1", f"{entry.paid_outside} sat are paid outside", where)


def fee_shares(entry: ChainEntry) -> dict[str, Sats]:
    """Rule L3: each wallet's part of the fee, in proportion to the inputs it gave.

    share = floor(fee × wallet's inputs / all inputs); what is left over goes to the wallet with
    the largest inputs, among equals to the first by id. Empty when the fee is not known.
    """
    if entry.fee is None:
        return {}
    inputs = _by_wallet(entry.spent)
    total = sum(inputs.values())
    shares = {
        wallet: Sats(entry.fee * amount // total if total else 0)
        for wallet, amount in sorted(inputs.items())
    }
    largest = min(inputs, key=lambda wallet: (-inputs[wallet], wallet))
    shares[largest] = Sats(shares[largest] + entry.fee - sum(shares.values()))
    return shares


def nets(entry: ChainEntry) -> dict[str, Sats]:
    """What each wallet gained (positive) or gave (negative), its share of the fee left out.

    net = received - spent + fee share
    """
    received, spent, shares = _by_wallet(entry.received), _by_wallet(entry.spent), fee_shares(entry)
    return {
        wallet: Sats(received.get(wallet, 0) - spent.get(wallet, 0) + shares.get(wallet, 0))
        for wallet in entry.wallets
    }


def flows(entry: ChainEntry) -> tuple[Flow, ...]:
    """Rule L4: what went from which account to which; flows of nothing are left out.

    For each wallet: flows in, less flows out, less its fee = received - spent.
    """
    net = nets(entry)
    if entry.coinbase:
        return tuple(
            Flow(ISSUANCE, wallet, amount, Fact.COINBASE)
            for wallet, amount in net.items()
            if amount
        )
    if entry.paid_outside is None:
        # Some inputs are outsiders': who paid whom cannot be told apart, so no transfer between
        # our wallets is claimed. Each wallet's gain or loss is certain.
        return tuple(
            Flow(OUTSIDE, wallet, amount, Fact.IN)
            if amount > 0
            else Flow(wallet, OUTSIDE, Sats(-amount), Fact.OUT)
            for wallet, amount in net.items()
            if amount
        )
    fees = (
        Flow(wallet, OUTSIDE, share, Fact.FEE)
        for wallet, share in fee_shares(entry).items()
        if share
    )
    return (*_transfers(net, entry.paid_outside), *fees)


def _transfers(net: dict[str, Sats], paid_outside: Sats) -> Iterator[Flow]:
    """Fill targets from sources, the largest first, among equals by id; outsiders come last."""
    sources = sorted((amount, wallet) for wallet, amount in net.items() if amount < 0)
    targets = sorted((-amount, wallet) for wallet, amount in net.items() if amount > 0)
    wanted = [(wallet, -amount) for amount, wallet in targets] + [(OUTSIDE, int(paid_outside))]
    left = [(wallet, -amount) for amount, wallet in sources]
    for target, missing in wanted:
        while missing and left:
            source, has = left[0]
            amount = min(has, missing)
            fact = Fact.OUT if target == OUTSIDE else Fact.INTERNAL
            yield Flow(source, target, Sats(amount), fact)
            missing -= amount
            if has == amount:
                del left[0]
            else:
                left[0] = (source, has - amount)


def _by_wallet(postings: Iterable[CoinPosting]) -> dict[str, int]:
    amounts: dict[str, int] = {}
    for posting in postings:
        amounts[posting.wallet] = amounts.get(posting.wallet, 0) + posting.amount
    return amounts
