"""Choosing coins (rule D3): without change where a set fits, else the largest first.

Everything is counted in whole units of 1/`scale` sat, so that no fee rate is rounded here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from khazana.custody.drafting.wallet import WalletCoin
from khazana.units import Sats

MOST_TRIES = 100_000
"""Steps of the search for a set without change; Bitcoin Core's wallet stops there, too."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What things weigh and cost. Weights in units of BIP-141, fee rates in sat/vB.

    base_weight: the transaction with its payments, without inputs and change.
    input_weight: one input with its signatures. change_weight: one change output.
    smallest_change: below it change is not worth making.
    """

    feerate: Fraction
    long_term_feerate: Fraction
    base_weight: int
    input_weight: int
    change_weight: int
    smallest_change: Sats

    def fee(self, weight: int) -> Fraction:
        return self.feerate * weight / 4

    def whole_fee(self, weight: int) -> Fraction:
        """The fee of a whole transaction, whose virtual size is rounded up."""
        return self.feerate * -(-weight // 4)

    @property
    def cost_of_change(self) -> Fraction:
        """Making change now and spending it one day."""
        return self.fee(self.change_weight) + self.long_term_feerate * self.input_weight / 4


@dataclass(frozen=True, slots=True)
class Selection:
    """The coins to spend. change: whether their sum leaves enough to make some."""

    coins: tuple[WalletCoin, ...]
    change: bool


def select(coins: Sequence[WalletCoin], wanted: Sats, costs: Costs) -> Selection | None:
    """Coins that pay `wanted` and the fee; None when all together do not."""
    ordered = sorted(coins, key=_largest_first)
    exact = without_change(ordered, wanted, costs)
    return Selection(exact, change=False) if exact else largest_first(ordered, wanted, costs)


def without_change(
    ordered: Sequence[WalletCoin], wanted: Sats, costs: Costs
) -> tuple[WalletCoin, ...] | None:
    """Branch and bound: a set whose excess costs less than change would, the least wasteful.

    waste = excess + inputs x (fee now - fee one day); depth first, a coin taken before it is
    left; of coins alike in value only the first is tried after one was left.
    """
    scale = (costs.feerate / 4).denominator * (costs.long_term_feerate / 4).denominator
    scale *= costs.cost_of_change.denominator
    per_input = int(costs.fee(costs.input_weight) * scale)
    one_day = int(costs.long_term_feerate * costs.input_weight / 4 * scale)
    useful = [c for c in ordered if c.coin.amount * scale > per_input]
    values = [c.coin.amount * scale - per_input for c in useful]
    # Three weight units more: the virtual size of the whole may be rounded up by so much.
    target = wanted * scale + int(costs.fee(costs.base_weight + 3) * scale)
    most = target + int(costs.cost_of_change * scale)
    left = sum(values)
    if left < target:
        return None
    chosen: list[int] = []
    best: tuple[int, tuple[int, ...]] | None = None
    total, position = 0, 0
    for _ in range(MOST_TRIES):
        back = total + left < target or total > most
        if not back and total >= target:
            waste = total - target + len(chosen) * (per_input - one_day)
            if best is None or waste < best[0]:
                best = waste, tuple(chosen)
            # Where coins are cheaper to spend now than one day, one more may waste less.
            back = per_input >= one_day
        if not back and best is not None and per_input > one_day:
            back = len(chosen) * (per_input - one_day) > best[0]
        if back or position == len(values):
            if not chosen:
                break
            # Go back to the last coin taken and leave it.
            last = chosen.pop()
            left += sum(values[last + 1 : position])
            total -= values[last]
            position = last + 1
            while position < len(values) and values[position] == values[last]:
                left -= values[position]
                position += 1
            continue
        left -= values[position]
        total += values[position]
        chosen.append(position)
        position += 1
    return None if best is None else tuple(useful[n] for n in best[1])


def largest_first(ordered: Sequence[WalletCoin], wanted: Sats, costs: Costs) -> Selection | None:
    """The largest coins until they pay everything and leave change worth making."""
    taken: list[WalletCoin] = []
    total = 0
    for each in ordered:
        if each.coin.amount <= costs.fee(costs.input_weight):
            break  # this one and all smaller ones cost more than they bring
        taken.append(each)
        total += each.coin.amount
        weight = costs.base_weight + len(taken) * costs.input_weight
        with_change = costs.whole_fee(weight + costs.change_weight)
        if total >= wanted + with_change + costs.smallest_change:
            return Selection(tuple(taken), change=True)
    enough = total >= wanted + costs.whole_fee(costs.base_weight + len(taken) * costs.input_weight)
    return Selection(tuple(taken), change=False) if taken and enough else None


def _largest_first(each: WalletCoin) -> tuple[int, str, int]:
    outpoint = each.coin.outpoint
    return -each.coin.amount, outpoint.txid, outpoint.vout
