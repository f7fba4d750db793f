"""Which coins an order may spend (rule D1): by name, lane, label, depth, maturity and age."""

from collections.abc import Iterable
from dataclasses import dataclass

from khazana.bitcoin.chain import BlockRef, Coin
from khazana.bitcoin.transaction import OutPoint
from khazana.custody.drafting.errors import DraftRefused
from khazana.custody.drafting.wallet import SpendingWallet, WalletCoin, wallet_coins
from khazana.custody.labels import Label, LabelKind
from khazana.custody.policy import Lock, LockKind
from khazana.custody.ways import Way
from khazana.ledger.accounts import Lane
from khazana.units import Txid

SPENDABLE_LANES = frozenset({Lane.OWNED, Lane.FORFEITED})
"""Coins whose title is the state's; seized, pledged and clients' coins are somebody else's."""


@dataclass(frozen=True, kw_only=True)
class CoinControl:
    """What the drafter chose. only: exactly these coins are spent, all of them.

    exclude: never these. frozen: coins that a label freezes (`frozen_by_labels`).
    min_depth: blocks from a coin's own to the tip, both counted.
    lanes: legal lanes whose coins may be spent; a wider set is a decision that a rule must check.
    """

    only: frozenset[OutPoint] | None = None
    exclude: frozenset[OutPoint] = frozenset()
    frozen: frozenset[OutPoint] = frozenset()
    min_depth: int = 1
    lanes: frozenset[Lane] = SPENDABLE_LANES

    def __post_init__(self) -> None:
        if self.only is not None and not self.only:
            raise ValueError("an empty choice of coins spends nothing; leave it out")
        if self.min_depth < 1:
            raise ValueError("a coin in the newest block has depth 1")


ANY_COIN = CoinControl()
"""No choice by the drafter: any coin whose title is the state's."""


@dataclass(frozen=True, slots=True)
class ExcludedCoin:
    coin: Coin
    why: str


@dataclass(frozen=True, slots=True)
class Eligible:
    """Coins that may be spent, by outpoint, and those that may not, each with its reason."""

    usable: tuple[WalletCoin, ...]
    excluded: tuple[ExcludedCoin, ...]

    @property
    def left_out(self) -> str:
        """Why coins stay out, in one line with amounts."""
        sums: dict[str, int] = {}
        for each in self.excluded:
            sums[each.why] = sums.get(each.why, 0) + each.coin.amount
        return "; ".join(f"{amount} sat: {why}" for why, amount in sorted(sums.items())) or "none"


def frozen_by_labels(labels: Iterable[Label]) -> frozenset[OutPoint]:
    """The coins that BIP-329 labels declare unspendable."""
    frozen = set()
    for label in labels:
        if label.kind is LabelKind.OUTPUT and label.spendable is False:
            txid, _, vout = label.ref.partition(":")
            frozen.add(OutPoint(Txid(txid), int(vout)))
    return frozenset(frozen)


def eligible(
    wallet: SpendingWallet,
    coins: Iterable[Coin],
    control: CoinControl,
    *,
    tip: BlockRef,
    way: Way | None = None,
) -> Eligible:
    """Sort the wallet's coins into usable and not; a coin named in `only` must be usable."""
    usable, excluded = [], []
    for each in wallet_coins(wallet, coins):
        why = _why_not(wallet, each.coin, control, tip, way)
        if why is None:
            usable.append(each)
        else:
            excluded.append(ExcludedCoin(each.coin, why))
    if control.only is not None:
        known = {each.coin.outpoint: each.why for each in excluded}
        found = {each.coin.outpoint for each in usable}
        for outpoint in sorted(control.only - found):
            why = known.get(outpoint, f"wallet {wallet.id} has no such unspent coin")
            raise DraftRefused(rule="D1", problem=f"coin {outpoint} was chosen, but {why}")
    return Eligible(tuple(usable), tuple(excluded))


def _why_not(
    wallet: SpendingWallet, coin: Coin, control: CoinControl, tip: BlockRef, way: Way | None
) -> str | None:
    if wallet.lane not in control.lanes:
        return f"the lane of wallet {wallet.id} is {wallet.lane.value}"
    if coin.outpoint in control.frozen:
        return "a label freezes it"
    if coin.outpoint in control.exclude:
        return "the order excludes it"
    if not coin.is_mature(tip.height):
        return "it is an immature coinbase"
    if tip.height - coin.block.height + 1 < control.min_depth:
        return f"it has fewer than {control.min_depth} blocks"
    for lock in way.waits if way is not None else ():
        if not _waited(coin, lock, tip):
            return f"it must wait for {lock.value} ({lock.kind.value}) to be spent this way"
    if control.only is not None and coin.outpoint not in control.only:
        return "the order names other coins"
    return None


def _waited(coin: Coin, lock: Lock, tip: BlockRef) -> bool:
    """BIP-65 and BIP-68 in blocks, for the next block; locks in time are judged by nodes alone."""
    if lock.kind is LockKind.HEIGHT:
        return tip.height >= lock.value
    if lock.kind is LockKind.BLOCKS:
        return tip.height + 1 - coin.block.height >= lock.value
    return True
