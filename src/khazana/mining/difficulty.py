"""Difficulty over time: epochs, how much work a block took, and what a block paid."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise

from khazana.bitcoin.network import RETARGET_INTERVAL, Network
from khazana.bitcoin.work import block_subsidy, target_of
from khazana.errors import KhazanaError
from khazana.units import Height, Sats

HASHES = 1 << 256
"""How many hashes there are; a hash is a number below this, equally likely each."""


@dataclass(eq=False, kw_only=True)
class DifficultyNotKnown(KhazanaError):
    """A series of epochs does not reach a moment or a height that was asked about."""

    source: str
    asked: str
    begins: str
    ends: str
    code = "difficulty_not_known"
    words = (
        "The difficulty of {asked} is not known: the series ({source}) reaches from {begins} to "
        "{ends}. Ask within it, or give a longer series."
    )


@dataclass(frozen=True, slots=True)
class DifficultyEpoch:
    """2,016 blocks of one difficulty.

    starts_at: seconds since 1970-01-01 UTC at which its first block came; None when not known.
    """

    first: Height
    bits: int
    starts_at: int | None


@dataclass(frozen=True, slots=True)
class FeeShare:
    """Fees that blocks paid, as a share of the subsidy, with where the figure comes from.

    share: 1/100 says that a block paid its subsidy and 1 % of it in fees.
    """

    share: Fraction
    source: str

    def __post_init__(self) -> None:
        if self.share < 0:
            raise ValueError(f"fees cannot be negative: {self.share}")
        if not self.source:
            raise ValueError("a fee share needs a source")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which neither difficulty nor subsidy changed. seconds: whole, above 0."""

    starts_at: int
    seconds: int
    bits: int
    subsidy: Sats


@dataclass(frozen=True)
class DifficultySeries:
    """Known epochs without a gap, and whose word their times are.

    simulated: whether they are replayed for another network, where difficulty means nothing.
    """

    network: Network
    epochs: tuple[DifficultyEpoch, ...]
    source: str
    simulated: bool = False

    def __post_init__(self) -> None:
        for number, epoch in enumerate(self.epochs):
            if epoch.first % RETARGET_INTERVAL:
                raise ValueError(f"no epoch starts at height {epoch.first}")
            if epoch.first != self.epochs[0].first + number * RETARGET_INTERVAL:
                raise ValueError(f"epochs are missing before height {epoch.first}")
        timed = [_time(epoch) for epoch in self._timed]
        if len(timed) < 2 or len(timed) != sum(e.starts_at is not None for e in self.epochs):
            raise ValueError("from some epoch on, at least two, each needs its time")
        if any(later <= earlier for earlier, later in pairwise(timed)):
            raise ValueError("an epoch begins before the one that precedes it")

    @property
    def _timed(self) -> tuple[DifficultyEpoch, ...]:
        start = next((n for n, e in enumerate(self.epochs) if e.starts_at is not None), 0)
        tail = self.epochs[start:]
        return tail if all(e.starts_at is not None for e in tail) else ()

    @property
    def begins(self) -> int:
        """The first second whose difficulty is known."""
        return _time(self._timed[0])

    @property
    def ends(self) -> int:
        """The end of what is known: the start of the last epoch, whose duration is open."""
        return _time(self._timed[-1])

    def bits_at(self, height: Height) -> int:
        """The compact target of a height; the last epoch counts whole."""
        number = (height - self.epochs[0].first) // RETARGET_INTERVAL
        if not 0 <= number < len(self.epochs):
            begins, last = self.epochs[0].first, self.epochs[-1].first + RETARGET_INTERVAL - 1
            raise DifficultyNotKnown(
                source=self.source, asked=f"height {height}", begins=str(begins), ends=str(last)
            )
        return self.epochs[number].bits

    def stretches(self, first: int, until: int) -> Iterator[Stretch]:
        """The time from `first` up to `until`, cut where difficulty or subsidy changed.

        A halving inside an epoch is placed as if its blocks came evenly. first, until: seconds.
        """
        if first >= until:
            raise ValueError(f"from {first} to {until} is no time")
        if first < self.begins or until > self.ends:
            raise DifficultyNotKnown(
                source=self.source,
                asked=f"{_said(first)} to {_said(until)}",
                begins=_said(self.begins),
                ends=_said(self.ends),
            )
        timed = self._timed
        index = bisect_right([_time(e) for e in timed], first) - 1
        while _time(timed[index]) < until:
            for piece in self._pieces(timed[index], _time(timed[index + 1])):
                start = max(first, piece.starts_at)
                end = min(until, piece.starts_at + piece.seconds)
                if start < end:
                    yield Stretch(start, end - start, piece.bits, piece.subsidy)
            index += 1

    def _pieces(self, epoch: DifficultyEpoch, ends: int) -> Iterator[Stretch]:
        starts = _time(epoch)
        halving = self.network.halving_interval
        subsidy = block_subsidy(epoch.first, self.network)
        past = epoch.first % halving
        if past and past + RETARGET_INTERVAL > halving:
            blocks = halving - past
            cut = starts + (ends - starts) * blocks // RETARGET_INTERVAL
            yield Stretch(starts, cut - starts, epoch.bits, subsidy)
            subsidy = block_subsidy(Height(epoch.first + blocks), self.network)
            starts = cut
        yield Stretch(starts, ends - starts, epoch.bits, subsidy)


def replayed(series: DifficultySeries, *, later_s: int) -> DifficultySeries:
    """The same epochs some seconds later, for a test network, where difficulty means nothing.

    Marked as simulated, in its source too, so that no figure made with it can pass for real.
    """
    return DifficultySeries(
        network=series.network,
        epochs=tuple(
            DifficultyEpoch(e.first, e.bits, None if e.starts_at is None else e.starts_at + later_s)
            for e in series.epochs
        ),
        source=f"SIMULATED: replayed {later_s} s later from: {series.source}",
        simulated=True,
    )


def exact_work(bits: int) -> Fraction:
    """The mean number of hashes to find a block under a target, unrounded.

    work = 2²⁵⁶ / (target + 1); a node's `chainwork` takes the whole part of each block's.

    >>> float(exact_work(0x1d00ffff) / 2**32)
    1.0000152590218967
    """
    return Fraction(HASHES, target_of(bits) + 1)


def day_starts(day: date) -> int:
    """The second at which a day begins in UTC.

    >>> day_starts(date(1970, 1, 2))
    86400
    """
    return int(datetime.combine(day, time(), tzinfo=UTC).timestamp())


def days_between(first: date, last: date) -> tuple[int, int]:
    """From the start of the first day to the end of the last, in seconds UTC."""
    if last < first:
        raise ValueError(f"{last} is before {first}")
    return day_starts(first), day_starts(last + timedelta(days=1))


def _time(epoch: DifficultyEpoch) -> int:
    if epoch.starts_at is None:
        raise ValueError(f"the epoch from height {epoch.first} has no time")
    return epoch.starts_at


def _said(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
