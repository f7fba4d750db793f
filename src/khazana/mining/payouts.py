"""How pools pay: the mean and the variance of each way, for the same hashes."""

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import inf, sqrt

from khazana.mining.difficulty import exact_work


class Scheme(Enum):
    """Who bears the luck, of the subsidy and of the fees."""

    SOLO = "solo"
    FPPS = "FPPS"
    PPS_PLUS = "PPS+"
    PPLNS = "PPLNS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """Work done while difficulty and rewards stayed the same.

    subsidy_sat, fees_sat: what a block paid, fees on average. fees_sd_sat: their standard
    deviation from block to block. share_difficulty: of the shares that a pool counts.
    pool_share: this fleet's part of the pool's hashes, above 0, 1 at most.
    """

    hashes: Fraction
    bits: int
    subsidy_sat: int
    fees_sat: Fraction
    fees_sd_sat: Fraction = Fraction(0)
    share_difficulty: int = 1 << 20
    pool_share: Fraction = Fraction(1)
    pool_fee: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        if self.subsidy_sat < 0 or min(self.hashes, self.fees_sat, self.fees_sd_sat) < 0:
            raise ValueError("hashes, subsidy and fees are not negative")
        if not 0 < self.pool_share <= 1 or not 0 <= self.pool_fee < 1:
            raise ValueError("a pool share is above 0 and at most 1, a pool fee below 1")
        if self.share_difficulty < 1:
            raise ValueError(f"a share difficulty of {self.share_difficulty} cannot be")

    @property
    def blocks(self) -> Fraction:
        """Blocks that the hashes find on average."""
        return self.hashes / exact_work(self.bits)


@dataclass(frozen=True, slots=True)
class Payout:
    """mean: satoshis. variance: satoshis squared."""

    mean: Fraction
    variance: Fraction

    @property
    def relative_sd(self) -> float:
        """Standard deviation over mean."""
        return sqrt(self.variance) / float(self.mean) if self.mean else inf


def payout(mined: Mined, scheme: Scheme) -> Payout:
    """Rule MI14: blocks come as a Poisson number λ, rewards independent of it.

        solo    mean λR           variance λ(R² + σ²)
        FPPS    mean λR(1 − fee)  variance of counting shares only: mean² ÷ shares
        PPS+    subsidy as FPPS, fees as PPLNS
        PPLNS   mean λR(1 − fee)  variance λ(R² + σ²) × pool share × (1 − fee)²

    PPLNS at constant hashrate: a fleet has its part of each block. R = subsidy + mean fees, σ the
    deviation of fees. In solo mining nobody takes a fee.
    """
    kept = 1 - mined.pool_fee
    blocks, part = mined.blocks, mined.pool_share
    reward = mined.subsidy_sat + mined.fees_sat
    squared = reward**2 + mined.fees_sd_sat**2
    match scheme:
        case Scheme.SOLO:
            return Payout(blocks * reward, blocks * squared)
        case Scheme.FPPS:
            mean = blocks * reward * kept
            return Payout(mean, _counting(mined, mean))
        case Scheme.PPLNS:
            return Payout(blocks * reward * kept, blocks * squared * part * kept**2)
        case Scheme.PPS_PLUS:
            sure = blocks * mined.subsidy_sat * kept
            fees_squared = mined.fees_sat**2 + mined.fees_sd_sat**2
            return Payout(
                sure + blocks * mined.fees_sat * kept,
                _counting(mined, sure) + blocks * fees_squared * part * kept**2,
            )


def _counting(mined: Mined, mean: Fraction) -> Fraction:
    """The variance of paying a Poisson number of equal shares."""
    shares = mined.hashes / (mined.share_difficulty * 2**32)
    return mean**2 / shares if shares else Fraction(0)
