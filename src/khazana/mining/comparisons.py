"""A line's figures held against each other: what is missing, and what its power cost."""

from dataclasses import dataclass
from fractions import Fraction

from khazana.mining.report import MonthLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What arrived less what was expected, in satoshis; negative where something is missing.

    least, most: with the expectation at its upper and at its lower limit.
    """

    least: int
    middle: int
    most: int


def difference(line: MonthLine) -> Difference:
    """Rule E42: the limits of the expectation are those of the difference, the other way round."""
    return Difference(
        least=line.arrived - line.high,
        middle=line.arrived - line.expected,
        most=line.arrived - line.low,
    )


def arrived_share(line: MonthLine) -> Fraction | None:
    """What arrived as a share of what was expected; None where nothing was."""
    return Fraction(line.arrived, line.expected) if line.expected else None


def cost_per_mwh(line: MonthLine) -> Fraction | None:
    """What a megawatt-hour cost on average, in the line's currency."""
    if line.paid is None or not line.mwh:
        return None
    return Fraction(line.paid) / Fraction(line.mwh)


def recovered(line: MonthLine) -> Fraction | None:
    """Rule MI17: what was paid as a share of the full cost, with capacity and network."""
    if line.paid is None or not line.due:
        return None
    return Fraction(line.paid) / Fraction(line.due)
