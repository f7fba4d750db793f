"""The coins of a period's closing block, which a campaign proves one by one."""

from collections.abc import Sequence
from dataclasses import dataclass

from khazana.bitcoin.bip322.coins import KnownCoins
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.transaction import OutPoint, TxOut
from khazana.units import Sats


@dataclass(frozen=True, slots=True)
class ClosingCoin:
    """A coin that a statement counts at its closing block, with its output script."""

    wallet: str
    outpoint: OutPoint
    amount: Sats
    script: bytes


@dataclass(frozen=True, slots=True)
class Closing:
    """All coins at the end of `block`. spent: earlier coins of the same scripts, gone by then."""

    block: BlockRef
    coins: Sequence[ClosingCoin]
    spent: frozenset[OutPoint] = frozenset()

    @property
    def known(self) -> KnownCoins:
        """For BIP-322's verifier: a coin that is neither here nor in `spent` is foreign."""
        unspent = {coin.outpoint: TxOut(coin.amount, coin.script) for coin in self.coins}
        return KnownCoins(self.block, unspent, self.spent)

    @property
    def total(self) -> int:
        """In satoshis."""
        return sum(coin.amount for coin in self.coins)

    @property
    def scripts(self) -> frozenset[bytes]:
        return frozenset(coin.script for coin in self.coins)
