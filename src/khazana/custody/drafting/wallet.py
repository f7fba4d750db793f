"""The wallet an order spends from: its scripts by branch and index, and the coins on them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from khazana.bitcoin.chain import ChainView, Coin
from khazana.bitcoin.descriptor import Descriptor, DescriptorEngine
from khazana.bitcoin.transaction import Transaction
from khazana.custody.drafting.errors import DraftRefused
from khazana.ledger.accounts import Lane
from khazana.units import Txid


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a script stands in its wallet: 0 receives, 1 keeps the change."""

    branch: int
    index: int

    def __str__(self) -> str:
        return f"branch {self.branch}, index {self.index}"


@dataclass(frozen=True)
class SpendingWallet:
    """A wallet by its descriptor over declared ranges; made by `spending_wallet`.

    branches: (branch, stop): indexes 0 to stop, not included, are declared.
    places: every declared script. Coins sent beyond them would leave the office's books.
    """

    id: str
    descriptor: Descriptor
    branches: tuple[tuple[int, int], ...]
    places: Mapping[bytes, Place]
    lane: Lane = Lane.OWNED

    @property
    def change_branch(self) -> int:
        """The last branch: the second of <0;1>, the only one of a wallet without branches."""
        return self.descriptor.branches - 1

    def script_at(self, place: Place, engine: DescriptorEngine) -> bytes:
        """Rule D6: the script at a declared place, derived anew and never taken on trust."""
        stop = dict(self.branches).get(place.branch, 0)
        if not 0 <= place.index < stop:
            raise DraftRefused(
                rule="D6",
                problem=f"wallet {self.id} declares no {place}: its branch {place.branch} stops at "
                f"{stop}, and coins there would leave the office's books; declare a longer "
                "range first",
            )
        script = engine.derive(
            self.descriptor, branch=place.branch, start=place.index, stop=place.index + 1
        )[0]
        if self.places.get(script) != place:
            raise DraftRefused(
                rule="D6", problem=f"deriving {place} of wallet {self.id} again gave another script"
            )
        return script


@dataclass(frozen=True, slots=True)
class WalletCoin:
    """A coin of the wallet and where its script stands."""

    coin: Coin
    place: Place


def spending_wallet(
    id_: str,
    descriptor: Descriptor,
    branches: Iterable[tuple[int, int]],
    engine: DescriptorEngine,
    *,
    lane: Lane = Lane.OWNED,
) -> SpendingWallet:
    """A wallet with its scripts derived. DescriptorNotDerivable where the engine cannot."""
    ranges = tuple(branches)
    places: dict[bytes, Place] = {}
    for branch, stop in ranges:
        scripts = engine.derive(descriptor, branch=branch, start=0, stop=stop)
        places.update((script, Place(branch, index)) for index, script in enumerate(scripts))
    return SpendingWallet(id_, descriptor, ranges, places, lane)


def wallet_coins(wallet: SpendingWallet, coins: Iterable[Coin]) -> tuple[WalletCoin, ...]:
    """The wallet's coins by outpoint; coins of other scripts are nobody's business here."""
    mine = (c for c in coins if c.script in wallet.places)
    return tuple(WalletCoin(c, wallet.places[c.script]) for c in sorted(mine, key=_outpoint))


def previous_of(chain: ChainView, coins: Iterable[Coin]) -> dict[Txid, Transaction]:
    """The whole transaction behind each coin: signing devices check amounts against it."""
    blocks = {coin.outpoint.txid: coin.block for coin in coins}
    return {txid: chain.transaction(txid, block).transaction for txid, block in blocks.items()}


def first_unused(wallet: SpendingWallet, branch: int, used: Collection[bytes]) -> int:
    """The index after the last one that was ever used; may lie beyond the declared range.

    used: scripts that appear in the wallet's history, not only those that hold coins now.
    """
    indexes = [p.index for s, p in wallet.places.items() if p.branch == branch and s in used]
    return max(indexes, default=-1) + 1


def _outpoint(coin: Coin) -> tuple[str, int]:
    return coin.outpoint.txid, coin.outpoint.vout
