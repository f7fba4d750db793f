"""Figures that are entered: statistics, and what is owed to clients; each with its source."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from khazana.bitcoin.chain import BlockRef
from khazana.conditions.exact import divided, plain, times
from khazana.conditions.measures import Dimension, Unit, in_unit, unit_of
from khazana.conditions.memorandum import ArrangementRate
from khazana.ledger.grades import EvidenceGrade
from khazana.units import Sats


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """A figure for a day that somebody publishes.

    entered: when the office took it in, UTC; a later line for the same day corrects an earlier one.
    perimeter: whose figure; None where the quantity leaves no doubt.
    """

    quantity: str
    perimeter: str | None
    day: date
    value: Decimal
    unit: str
    source: str
    grade: EvidenceGrade
    entered: datetime
    note: str | None = None

    def __post_init__(self) -> None:
        unit_of(self.unit)  # refuses a unit that nobody could compare
        # One spelling of a number, so that whatever is computed from it is spelled the one way too.
        object.__setattr__(self, "value", plain(self.value))
        if self.grade is EvidenceGrade.A:
            raise ValueError(f"{self.quantity}: nobody derives an entered figure from the chain")

    @property
    def key(self) -> tuple[str, str | None, date]:
        return self.quantity, self.perimeter, self.day


@dataclass(frozen=True, kw_only=True)
class ClientLiabilities:
    """What the public bodies of a perimeter owe their clients at the end of a block.

    perimeter: the memorandum's. attested_by with file_sha256 make grade C, else D.
    """

    perimeter: str
    block: BlockRef
    amount: Sats
    document: str
    entered: datetime
    attested_by: str | None = None
    file_sha256: str | None = None

    def __post_init__(self) -> None:
        if self.amount < 0:
            raise ValueError(f"{self.amount} sat owed to clients: less than nothing")

    @property
    def key(self) -> tuple[str, BlockRef]:
        return self.perimeter, self.block

    @property
    def grade(self) -> EvidenceGrade:
        attested = self.attested_by is not None and self.file_sha256 is not None
        return EvidenceGrade.C if attested else EvidenceGrade.D


@dataclass(frozen=True)
class Figures:
    """The entered figures as one moment knew them: of several lines for one day, the newest."""

    statistics: tuple[Statistic, ...] = ()
    liabilities: tuple[ClientLiabilities, ...] = ()

    def known_at(self, at: datetime) -> "Figures":
        """What had been entered by then: the figures a certificate of that moment rested on."""
        return Figures(
            tuple(s for s in self.statistics if s.entered <= at),
            tuple(one for one in self.liabilities if one.entered <= at),
        )

    @cached_property
    def newest(self) -> Mapping[tuple[str, str | None, date], Statistic]:
        found: dict[tuple[str, str | None, date], Statistic] = {}
        for statistic in sorted(self.statistics, key=lambda s: s.entered):
            found[statistic.key] = statistic
        return found

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str | None], tuple[Statistic, ...]]:
        """The newest figures of each quantity and perimeter, in order of day."""
        found: dict[tuple[str, str | None], list[Statistic]] = {}
        for statistic in self.newest.values():
            found.setdefault((statistic.quantity, statistic.perimeter), []).append(statistic)
        return {key: tuple(sorted(its, key=lambda s: s.day)) for key, its in found.items()}

    def on(self, quantity: str, perimeter: str | None, day: date) -> Statistic | None:
        """The figure for exactly that day; one that names the perimeter before one that does not"""
        return self.newest.get((quantity, perimeter, day)) or self.newest.get((quantity, None, day))

    def series(self, quantity: str, perimeter: str | None) -> tuple[Statistic, ...]:
        """All figures of a quantity in order of day, those that name the perimeter if there are."""
        return self.by_name.get((quantity, perimeter)) or self.by_name.get((quantity, None), ())

    @cached_property
    def owed(self) -> Mapping[str, tuple[ClientLiabilities, ...]]:
        """The newest attestation for each block, by perimeter, in order of height."""
        newest: dict[tuple[str, BlockRef], ClientLiabilities] = {}
        for one in sorted(self.liabilities, key=lambda one: one.entered):
            newest[one.key] = one
        found: dict[str, list[ClientLiabilities]] = {}
        for one in newest.values():
            found.setdefault(one.perimeter, []).append(one)
        return {
            name: tuple(sorted(its, key=lambda one: one.block.height))
            for name, its in found.items()
        }

    def owed_at(self, perimeter: str, block: BlockRef) -> ClientLiabilities | None:
        """What was attested for exactly that block."""
        return next((one for one in self.owed.get(perimeter, ()) if one.block == block), None)


class NoRate(ValueError):
    """The arrangement fixes no rate between two currencies; figures cannot be compared."""


def converted(
    value: Decimal, of: Unit, to: Unit, rates: Iterable[ArrangementRate]
) -> tuple[Decimal, bool]:
    """Rule K24: an amount in another unit, and whether a rate of the arrangement was used.

    Between two currencies it goes by the US dollar, at the rates the arrangement fixed, never at a
    market's. `NoRate` when one is missing.
    """
    if of.currency == to.currency:
        return in_unit(value, of, to), False
    if of.dimension is not Dimension.MONEY or to.dimension is not Dimension.MONEY:
        raise NoRate(f"{of.text} and {to.text} measure different things")
    per_usd = {rate.currency: rate.per_usd for rate in rates} | {"USD": Decimal(1)}
    missing = [c for c in (of.currency, to.currency) if c not in per_usd]
    if missing or of.currency is None or to.currency is None:
        raise NoRate(f"the arrangement fixes no rate for {missing[0] if missing else of.text}")
    whole = in_unit(value, of, unit_of(of.currency))
    there = divided(times(whole, per_usd[to.currency]), per_usd[of.currency])
    return in_unit(there, unit_of(to.currency), to), True
