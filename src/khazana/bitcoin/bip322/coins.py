"""The coins of a proof of funds against the chain: do they exist, unspent, as claimed?"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from khazana.bitcoin.bip322.verdict import Problem, ProvenInput, Reason
from khazana.bitcoin.chain import BlockRef, Coin
from khazana.bitcoin.transaction import OutPoint, TxOut


@dataclass(frozen=True, slots=True)
class KnownCoins:
    """What the chain showed when `block` was its tip.

    unspent: the coins that a proof may claim. spent: coins that existed before and are gone.
    A coin in neither is foreign.
    """

    block: BlockRef
    unspent: Mapping[OutPoint, TxOut]
    spent: Collection[OutPoint] = frozenset()

    @classmethod
    def of(
        cls, block: BlockRef, coins: Iterable[Coin], spent: Collection[OutPoint] = frozenset()
    ) -> Self:
        """From the answer of `ChainView.coins_at`."""
        return cls(block, {c.outpoint: TxOut(c.amount, c.script) for c in coins}, spent)


def coin_problems(position: int, claimed: ProvenInput, known: KnownCoins) -> list[Problem]:
    """Everything wrong with the coin that input `position` claims; empty if it is as claimed."""
    outpoint = claimed.outpoint

    def wrong(reason: Reason, words: str) -> Problem:
        return Problem(reason, words, conclusive=True, position=position)

    actual = known.unspent.get(outpoint)
    if actual is None:
        if outpoint in known.spent:
            return [wrong(Reason.SPENT_COIN, f"{outpoint} was spent by block {known.block}")]
        return [wrong(Reason.FOREIGN_COIN, f"{outpoint} is no known coin at block {known.block}")]
    problems = []
    if claimed.spent is not None and claimed.spent.amount != actual.amount:
        words = f"{outpoint} holds {actual.amount} sat, the proof says {claimed.spent.amount}"
        problems.append(wrong(Reason.OTHER_AMOUNT, words))
    if claimed.spent is not None and claimed.spent.script != actual.script:
        words = f"{outpoint} has another output script than the proof says"
        problems.append(wrong(Reason.OTHER_SCRIPT, words))
    return problems
