"""Adjusters: how far a deviation from the projection moves a target (Rule K23)."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from khazana.conditions.exact import ZERO, minus, times
from khazana.conditions.measures import unit_of
from khazana.conditions.memorandum import Adjuster, Condition, Memorandum, Trigger
from khazana.conditions.statistics import Figures, NoRate, converted
from khazana.conditions.verdicts import Adjustment


class NoFigure(ValueError):
    """Something an evaluation needs was not entered; the sentence says what."""


def adjustments_at(
    memorandum: Memorandum, condition: Condition, begins: date, figures: Figures
) -> Iterator[Adjustment]:
    """What every adjuster of a condition does to its target of that day; `NoFigure` if unknown."""
    for adjuster in condition.adjusters:
        projected = adjuster.baseline_at(begins)
        if projected is None:
            raise NoFigure(f"adjuster {adjuster.id} has no projection for {begins}")
        found = figures.on(adjuster.quantity, condition.perimeter, begins)
        if found is None:
            raise NoFigure(f"adjuster {adjuster.id} needs {adjuster.quantity} for {begins}")
        try:
            unit = unit_of(adjuster.unit)
            actual, _ = converted(found.value, unit_of(found.unit), unit, memorandum.rates)
            amount, _ = converted(
                adjustment(adjuster, actual=actual, projected=projected),
                unit,
                unit_of(condition.unit),
                memorandum.rates,
            )
        except NoRate as missing:
            raise NoFigure(f"adjuster {adjuster.id}: {missing}") from missing
        capped = _capped(adjuster, amount)
        yield Adjustment(adjuster.id, projected, actual, capped, capped != amount)


def adjustment(adjuster: Adjuster, *, actual: Decimal, projected: Decimal) -> Decimal:
    """Factor times the deviation that counts, in the adjuster's unit, before the cap."""
    deviation = minus(actual, projected)
    if adjuster.trigger is Trigger.SHORTFALL:
        deviation = min(deviation, ZERO)
    elif adjuster.trigger is Trigger.EXCESS:
        deviation = max(deviation, ZERO)
    return times(adjuster.factor, deviation)


def _capped(adjuster: Adjuster, amount: Decimal) -> Decimal:
    if adjuster.cap is None:
        return amount
    return max(min(amount, adjuster.cap), -adjuster.cap)
