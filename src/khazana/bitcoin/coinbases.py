"""What blocks paid to whoever found them, asked of those sources that hold whole blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from khazana.bitcoin.chain import BlockRef, ChainView, ConfirmedTransaction
from khazana.errors import KhazanaError
from khazana.units import Height


@runtime_checkable
class CoinbaseSource(Protocol):
    """A chain that gives the first transaction of every block, proved by its branch."""

    def coinbases(self, first: Height, last: BlockRef) -> Sequence[ConfirmedTransaction]:
        """Those of the blocks from height `first` up to and including `last`, in order."""


@dataclass(eq=False, kw_only=True)
class CoinbasesNotGiven(KhazanaError):
    """A source of the chain that does not show what blocks paid."""

    source: str
    code = "coinbases_not_given"
    words = (
        "{source} does not give the coinbases of all blocks: ask a node of your own "
        "(--chain core:… or blocks:DIR)"
    )


def coinbases_of(chain: ChainView, first: Height, last: BlockRef) -> Sequence[ConfirmedTransaction]:
    """The coinbases of consecutive blocks; `CoinbasesNotGiven` where a source has them not."""
    if not isinstance(chain, CoinbaseSource):
        raise CoinbasesNotGiven(source=str(chain.basis))
    return chain.coinbases(first, last)
