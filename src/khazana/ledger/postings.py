"""From chain history to entries: which declared wallet spent and received which coin."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from khazana.bitcoin.chain import BlockRef, Coin, ConfirmedTransaction
from khazana.bitcoin.transaction import OutPoint
from khazana.errors import KhazanaError
from khazana.ledger.accounts import Wallet
from khazana.ledger.entries import ChainEntry, CoinPosting, HeldCoin
from khazana.ledger.findings import Finding
from khazana.units import Height, Sats, Txid


@dataclass(eq=False, kw_only=True)
class ScriptDeclaredTwice(KhazanaError):
    """Two wallets claim the same output script: its coins would be counted twice."""

    script: str
    wallet: str
    other: str
    code = "script_declared_twice"
    words = (
        "Wallets {wallet} and {other} both declare the script {script}: "
        "leave it in the one that owns it."
    )


@dataclass(eq=False, kw_only=True)
class CoinMadeTwice(KhazanaError):
    """The history makes a coin that is there already."""

    outpoint: OutPoint
    block: BlockRef
    code = "coin_made_twice"
    words = (
        "Block {block} makes the coin {outpoint}, which exists already: take the opening coins "
        "from the block before the history starts, and ask another source for the history."
    )


@dataclass(eq=False, kw_only=True)
class CoinSpentTwice(KhazanaError):
    """The history spends a coin that an earlier transaction of the same history has spent."""

    outpoint: OutPoint
    txid: Txid
    block: BlockRef
    code = "coin_spent_twice"
    words = (
        "Transaction {txid} in block {block} spends the coin {outpoint}, which was spent before: "
        "no chain allows this, ask another source for the history."
    )


def owners_of_scripts(wallets: Iterable[Wallet]) -> dict[bytes, str]:
    """Rule L5: the wallet that declares each script; two that declare the same are refused."""
    owners: dict[bytes, str] = {}
    for wallet in wallets:
        for script in wallet.scripts:
            other = owners.setdefault(script, wallet.id)
            if other != wallet.id:
                raise ScriptDeclaredTwice(script=script.hex(), wallet=other, other=wallet.id)
    return owners


def held_coins(coins: Iterable[Coin], wallets: Iterable[Wallet]) -> dict[OutPoint, HeldCoin]:
    """The coins that belong to declared wallets, each under its wallet's id.

    A coin of a script that nobody declares is an outsider's and left out.
    """
    owners = owners_of_scripts(wallets)
    return {
        coin.outpoint: HeldCoin(owner, coin.outpoint, coin.amount, coin.block, coin.is_coinbase)
        for coin in coins
        if (owner := owners.get(coin.script)) is not None
    }


def entries_of(
    history: Sequence[ConfirmedTransaction],
    wallets: Sequence[Wallet],
    opening: Mapping[OutPoint, Coin],
) -> tuple[ChainEntry, ...]:
    """What each transaction did to the declared wallets; those that touch none are left out.

    history: in chain order. opening: the coins of the wallets before the history starts.
    Rule L5: a spent coin is a wallet's only if it is an opening coin or an output seen in this
    history; what a source says about an input's origin is not used.
    """
    owners = owners_of_scripts(wallets)
    coins = {
        coin.outpoint: CoinPosting(owner, coin.outpoint, coin.amount)
        for coin in opening.values()
        if (owner := owners.get(coin.script)) is not None
    }
    gone: set[OutPoint] = set()
    entries = []
    last = (-1, -1)
    for confirmed in history:
        if confirmed.order <= last:
            raise ValueError(f"history is not in chain order at {confirmed.txid}")
        last = confirmed.order
        entry = _entry_of(confirmed, owners, coins, gone)
        if entry is not None:
            entries.append(entry)
    return tuple(entries)


def _entry_of(
    confirmed: ConfirmedTransaction,
    owners: Mapping[bytes, str],
    coins: dict[OutPoint, CoinPosting],
    gone: set[OutPoint],
) -> ChainEntry | None:
    """One transaction's entry; moves its coins out of and into `coins`."""
    transaction = confirmed.transaction
    spent = []
    for given in transaction.inputs:
        if given.outpoint in gone:
            raise CoinSpentTwice(
                outpoint=given.outpoint, txid=confirmed.txid, block=confirmed.block
            )
        coin = coins.pop(given.outpoint, None)
        if coin is not None:
            gone.add(given.outpoint)
            spent.append(coin)
    received = []
    outside = 0
    for vout, output in enumerate(transaction.outputs):
        owner = owners.get(output.script)
        if owner is None:
            outside += output.amount
            continue
        outpoint = transaction.outpoint(vout)
        if outpoint in coins or outpoint in gone:
            raise CoinMadeTwice(outpoint=outpoint, block=confirmed.block)
        coins[outpoint] = CoinPosting(owner, outpoint, output.amount)
        received.append(coins[outpoint])
    if not spent and not received:
        return None
    # Rule L2. An outsider's input has an amount we do not know and need not know.
    complete = not transaction.is_coinbase and len(spent) == len(transaction.inputs)
    fee = sum(p.amount for p in spent) - sum(p.amount for p in received) - outside
    return ChainEntry(
        txid=confirmed.txid,
        block=confirmed.block,
        position=confirmed.position,
        coinbase=transaction.is_coinbase,
        spent=tuple(spent),
        received=tuple(received),
        paid_outside=Sats(outside) if complete else None,
        fee=Sats(fee) if complete else None,
    )


def balances_of(coins: Iterable[HeldCoin]) -> dict[str, Sats]:
    """What each wallet holds; a wallet without coins is not listed."""
    balances: dict[str, int] = {}
    for coin in coins:
        balances[coin.wallet] = balances.get(coin.wallet, 0) + coin.amount
    return {wallet: Sats(balance) for wallet, balance in balances.items()}


def balances_after(opening: Mapping[str, Sats], entries: Iterable[ChainEntry]) -> dict[str, Sats]:
    """Each wallet's balance after the entries: opening, plus received, less spent."""
    balances: dict[str, int] = dict(opening)
    for entry in entries:
        for posting in entry.spent:
            balances[posting.wallet] = balances.get(posting.wallet, 0) - posting.amount
        for posting in entry.received:
            balances[posting.wallet] = balances.get(posting.wallet, 0) + posting.amount
    return {wallet: Sats(balance) for wallet, balance in balances.items()}


def coins_after_entries(
    opening: Mapping[OutPoint, HeldCoin], entries: Iterable[ChainEntry]
) -> dict[OutPoint, HeldCoin]:
    """The coins held after the entries, which must be in chain order (Rule L6).

    Entries that come from somebody else are first asked `coins_follow`; a coin that is spent
    without being there raises ValueError here.
    """
    coins = dict(opening)
    for entry in entries:
        for posting in entry.spent:
            if coins.pop(posting.outpoint, None) is None:
                raise ValueError(f"{entry.txid} spends {posting.outpoint}, which nobody holds")
        for posting in entry.received:
            coins[posting.outpoint] = _held(posting, entry)
    return coins


def coins_follow(
    opening: Mapping[OutPoint, HeldCoin], entries: Iterable[ChainEntry]
) -> Iterator[Finding]:
    """Rule L6: in chain order, each coin is made once, then spent once, by its wallet, whole."""
    coins = dict(opening)
    made = set(opening)
    last = (-1, -1)
    for entry in entries:
        where = f"transaction {entry.txid}"
        if entry.order <= last:
            yield Finding("L6", "the entry does not follow the one before it in the chain", where)
        last = entry.order
        for posting in entry.spent:
            coin = coins.pop(posting.outpoint, None)
            if coin is None:
                text = "was spent before" if posting.outpoint in made else "was never received"
                yield Finding("L6", f"the spent coin {posting.outpoint} {text}", where)
            elif (coin.wallet, coin.amount) != (posting.wallet, posting.amount):
                text = (
                    f"{posting.wallet} spends {posting.amount} sat with {posting.outpoint}, "
                    f"which holds {coin.amount} sat of {coin.wallet}"
                )
                yield Finding("L6", text, where)
            elif not coin.is_mature(Height(entry.block.height - 1)):
                text = f"the coinbase {posting.outpoint} is spent before it is mature"
                yield Finding("L6", text, where)
        for posting in entry.received:
            if posting.outpoint in made:
                yield Finding("L6", f"the coin {posting.outpoint} is received twice", where)
            if posting.outpoint.txid != entry.txid:
                text = f"the received coin {posting.outpoint} is another transaction's"
                yield Finding("L6", text, where)
            made.add(posting.outpoint)
            coins[posting.outpoint] = _held(posting, entry)


def immature_amount(coins: Iterable[HeldCoin], at: Height) -> Sats:
    """Rule L6: how much of the coins no transaction in the block after `at` could spend."""
    return Sats(sum(coin.amount for coin in coins if not coin.is_mature(at)))


def entries_by_wallet(entries: Iterable[ChainEntry]) -> dict[str, tuple[ChainEntry, ...]]:
    """Each wallet's entries, in the order given: all that its own account needs."""
    found: dict[str, list[ChainEntry]] = {}
    for entry in entries:
        for wallet in entry.wallets:
            found.setdefault(wallet, []).append(entry)
    return {wallet: tuple(its) for wallet, its in found.items()}


def _held(posting: CoinPosting, entry: ChainEntry) -> HeldCoin:
    return HeldCoin(posting.wallet, posting.outpoint, posting.amount, entry.block, entry.coinbase)
