"""What the real blocks of a month paid, read from their coinbases (rule MI3)."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.coinbases import coinbases_of
from khazana.bitcoin.headers import MEDIAN_OF, median_time_past
from khazana.bitcoin.work import block_subsidy
from khazana.errors import KhazanaError
from khazana.mining.month_body import BlocksBody
from khazana.units import Height, Sats

MOST_BLOCKS = 10_000
"""Blocks of a month: some 4,464. Twice as many is no month of this chain."""


@dataclass(eq=False, kw_only=True)
class NoBlocksOfTheMonth(KhazanaError):
    """The chain has no block in a time, or far too many."""

    first: int
    until: int
    blocks: int
    code = "no_blocks_of_the_month"
    words = "{blocks} blocks lie between {first} and {until} (seconds UTC): no rewards follow"


@dataclass(frozen=True, kw_only=True)
class MonthRewards:
    """The rewards of consecutive real blocks. means: by bits and subsidy, in satoshis."""

    body: BlocksBody
    means: Mapping[tuple[int, int], Fraction]

    def mean(self, bits: int, subsidy: Sats) -> Fraction:
        """What a block of this difficulty and subsidy paid on average.

        Where the month has no such block (its first minutes, say), the fees of all its blocks.
        """
        if (bits, subsidy) in self.means:
            return self.means[bits, subsidy]
        return Fraction(subsidy * self.body.reward_sat, self.body.subsidy_sat)


def rewards_of(chain: ChainView, *, first: int, until: int) -> MonthRewards:
    """The rewards of the blocks whose median time past lies in [first, until), seconds UTC.

    Header times may go back; the median time past never does, so that each block belongs to one
    month. `CoinbasesNotGiven` where the source does not show what blocks paid.
    """
    tip = chain.tip()

    def median(height: int) -> int:
        low = Height(max(0, height - MEDIAN_OF + 1))
        return median_time_past(chain.headers(low, chain.block_at(Height(height))))

    def first_at(instant: int) -> int:
        """The lowest height whose median time past is not before an instant."""
        low, high = 0, int(tip.height) + 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if median(middle) >= instant else (middle + 1, high)
        return low

    begin, end = first_at(first), first_at(until)
    # Only a block above shows that the month is over.
    if end > tip.height or not 0 < end - begin <= MOST_BLOCKS:
        raise NoBlocksOfTheMonth(first=first, until=until, blocks=end - begin)
    last = chain.block_at(Height(end - 1))
    headers = chain.headers(Height(begin), last)
    paid: dict[tuple[int, int], list[int]] = defaultdict(list)
    for header, confirmed in zip(headers, coinbases_of(chain, Height(begin), last), strict=True):
        subsidy = block_subsidy(confirmed.block.height, chain.network)
        reward = sum(output.amount for output in confirmed.transaction.outputs)
        paid[header.bits, subsidy].append(reward)
    body = BlocksBody(
        first=begin,
        last=end - 1,
        reward_sat=sum(map(sum, paid.values())),
        subsidy_sat=sum(subsidy * len(rewards) for (_, subsidy), rewards in paid.items()),
    )
    means = {key: Fraction(sum(rewards), len(rewards)) for key, rewards in paid.items()}
    if not body.subsidy_sat:
        raise NoBlocksOfTheMonth(first=first, until=until, blocks=0)
    return MonthRewards(body=body, means=means)
