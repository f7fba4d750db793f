"""What a number of hashes is worth in bitcoin, exactly: by time, by height, or block by block."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from khazana.bitcoin.network import RETARGET_INTERVAL
from khazana.bitcoin.work import block_subsidy
from khazana.mining.difficulty import DifficultySeries, FeeShare, exact_work
from khazana.units import Height, Sats


@dataclass(frozen=True, slots=True)
class Expected:
    """What hashes earn on average. sats: exact, unrounded. blocks: found if mined alone."""

    sats: Fraction
    blocks: Fraction

    def __add__(self, other: "Expected") -> "Expected":
        return Expected(self.sats + other.sats, self.blocks + other.blocks)


NOTHING = Expected(Fraction(0), Fraction(0))


@dataclass(frozen=True, slots=True)
class BlockShare:
    """Hashes that a site made in the interval that a real block ended.

    reward: the coinbase's whole output, subsidy and fees, as the block shows.
    """

    height: Height
    bits: int
    reward: Sats
    hashes: Fraction


def expected_per_hash(
    series: DifficultySeries, *, first: int, until: int, fees: FeeShare
) -> Expected:
    """Rule MI2: the mean earning of one hash in a time of even work.

        E / H = Σ seconds × subsidy × (1 + fees) / work   over   Σ seconds

    first, until: seconds UTC. Multiply by the hashes.
    """
    sats, blocks = Fraction(0), Fraction(0)
    for piece in series.stretches(first, until):
        weight = piece.seconds / exact_work(piece.bits)
        blocks += weight
        sats += weight * piece.subsidy
    seconds = until - first
    return Expected(sats * (1 + fees.share) / seconds, blocks / seconds)


def expected_in_time(
    series: DifficultySeries, *, hashes: Fraction, first: int, until: int, fees: FeeShare
) -> Expected:
    """What hashes earn that are made evenly from `first` to `until` (seconds UTC)."""
    return _times(expected_per_hash(series, first=first, until=until, fees=fees), hashes)


def expected_with_rewards(
    series: DifficultySeries,
    *,
    hashes: Fraction,
    first: int,
    until: int,
    rewards: Callable[[int, Sats], Fraction],
) -> Expected:
    """The same with what real blocks paid: Σ seconds × mean reward / work over Σ seconds.

    rewards: the mean coinbase of the blocks of one difficulty and subsidy (bits, subsidy), in sat.
    """
    sats, blocks = Fraction(0), Fraction(0)
    for piece in series.stretches(first, until):
        weight = piece.seconds / exact_work(piece.bits)
        blocks += weight
        sats += weight * rewards(piece.bits, piece.subsidy)
    return _times(Expected(sats / (until - first), blocks / (until - first)), hashes)


def expected_in_heights(
    series: DifficultySeries, *, hashes: Fraction, first: Height, last: Height, fees: FeeShare
) -> Expected:
    """What hashes earn that are made evenly over the blocks `first` to `last`, both included.

    Needs no time: difficulty and subsidy follow from the height.
    """
    count = last - first + 1
    if count <= 0:
        raise ValueError(f"no block lies between heights {first} and {last}")
    total = NOTHING
    for start, end in _runs(series, first, last):
        blocks = (end - start) / exact_work(series.bits_at(start))
        subsidy = block_subsidy(start, series.network)
        total += Expected(blocks * subsidy * (1 + fees.share), blocks)
    return _times(total, hashes / count)


def expected_in_blocks(shares: Iterable[BlockShare]) -> Expected:
    """Rule MI3: block by block, with what each real block paid: Σ hashes × reward / work."""
    total = NOTHING
    for share in shares:
        blocks = share.hashes / exact_work(share.bits)
        total += Expected(blocks * share.reward, blocks)
    return total


def mean_fee_share(shares: Sequence[tuple[Height, Sats]], series: DifficultySeries) -> Fraction:
    """Fees over subsidy in real blocks, by height and coinbase total: what to enter as FeeShare."""
    subsidy = sum(block_subsidy(height, series.network) for height, _ in shares)
    if not subsidy:
        raise ValueError("no block with a subsidy was given")
    return Fraction(sum(reward for _, reward in shares) - subsidy, subsidy)


def _times(expected: Expected, hashes: Fraction) -> Expected:
    if hashes < 0:
        raise ValueError(f"hashes cannot be negative: {hashes}")
    return Expected(expected.sats * hashes, expected.blocks * hashes)


def _runs(series: DifficultySeries, first: Height, last: Height) -> Iterator[tuple[Height, Height]]:
    """Heights from `first` to `last`, in runs of one difficulty and one subsidy: [start, end)."""
    start = int(first)
    while start <= last:
        borders = (RETARGET_INTERVAL, series.network.halving_interval)
        end = min(last + 1, *(start - start % each + each for each in borders))
        yield Height(start), Height(end)
        start = end
