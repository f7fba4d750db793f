"""Energy between two instants, from the counter's values, and what the meter's class allows."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from khazana.errors import KhazanaError
from khazana.mining.evidence.readings import Reading, instant_text


@dataclass(eq=False, kw_only=True)
class EnergyUnknown(KhazanaError):
    """A counter does not show the energy of a time: it is not covered, or the counter fell."""

    meter: str
    first: str
    until: str
    problem: str
    code = "energy_unknown"
    words = "The energy of meter {meter} from {first} to {until} is not known: {problem}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Energy through a meter in [first, until), seconds since 1970.

    low_wh, high_wh: bounds by the counter; they are equal where a reading stands at both ends.
    A gap inside costs nothing, for a counter counts on; a gap at an end widens the bounds.
    """

    meter: str
    first: int
    until: int
    low_wh: int
    high_wh: int

    def __post_init__(self) -> None:
        if not 0 <= self.low_wh <= self.high_wh or self.first >= self.until:
            raise ValueError(f"no energy: {self}")

    @property
    def exact(self) -> bool:
        return self.low_wh == self.high_wh

    def with_error(self, percent: Decimal) -> tuple[Decimal, Decimal]:
        """The bounds in Wh when the meter errs by at most so many per cent either way."""
        share = percent / 100
        return self.low_wh / (1 + share), self.high_wh / (1 - share)


def energy_between(meter: str, readings: Sequence[Reading], *, first: int, until: int) -> Energy:
    """The energy in [first, until) by the difference of the counter at both ends.

    least = counter at the last reading not after `until` − counter at the first not before `first`
    most = counter at the first reading not before `until` − counter at the last not after `first`

    EnergyUnknown when no reading stands on an outer side, when times or the counter go back in
    between, or when a time stands there twice with two values: nothing of it is guessed.
    """
    if first >= until:
        raise ValueError(f"no time between {first} and {until}")
    times = [reading.at for reading in readings]

    def unknown(problem: str) -> EnergyUnknown:
        return EnergyUnknown(
            meter=meter, first=instant_text(first), until=instant_text(until), problem=problem
        )

    for before, after in pairwise(times):
        if after < before:
            raise unknown(f"readings go back in time at {instant_text(after)}")
    outer_first, outer_until = bisect_right(times, first) - 1, bisect_left(times, until)
    if outer_first < 0:
        raise unknown("no reading stands at or before its beginning")
    if outer_until >= len(times):
        raise unknown("no reading stands at or after its end")
    span = readings[outer_first : outer_until + 1]
    for one, two in pairwise(span):
        if two.register_wh < one.register_wh:
            raise unknown(f"the counter fell at {instant_text(two.at)} (line {two.line})")
        if one.at == two.at and one.register_wh != two.register_wh:
            raise unknown(f"two values stand at {instant_text(two.at)} (line {two.line})")
    inner_first, inner_until = bisect_left(times, first), bisect_right(times, until) - 1
    most = readings[outer_until].register_wh - readings[outer_first].register_wh
    least = readings[inner_until].register_wh - readings[inner_first].register_wh
    return Energy(meter=meter, first=first, until=until, low_wh=max(0, least), high_wh=most)
