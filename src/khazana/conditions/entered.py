"""Conditions on entered statistics: measured at their dates, as good as their sources."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from khazana.conditions.adjusters import NoFigure, adjustments_at
from khazana.conditions.measures import DONE, unit_of
from khazana.conditions.memorandum import Condition, Memorandum, Target
from khazana.conditions.statistics import NoRate, Statistic, converted
from khazana.conditions.verdicts import Evaluated, Inputs, judged, open_verdict


def entered(memorandum: Memorandum, condition: Condition, inputs: Inputs) -> Iterator[Evaluated]:
    """A condition on a statistic at each of its dates, or at each figure since it is in force."""
    if condition.quantity == DONE:
        yield from (_step(condition, target, inputs) for target in condition.targets)
    elif condition.continuous:
        yield from _continuous(memorandum, condition, inputs)
    else:
        yield from (_at_date(memorandum, condition, t, inputs) for t in condition.targets)


def _open_target(condition: Condition, target: Target) -> Evaluated:
    why = f"the target is open: {target.open}"
    return open_verdict(condition, why, day=target.day or target.since)


def _not_yet(condition: Condition, day: date, inputs: Inputs) -> str | None:
    """Why nothing can be there yet: the day lies ahead, or its figure is not due."""
    if day > inputs.today:
        return f"{day} lies ahead"
    lag = condition.reporting_lag_days
    if lag is not None and day + timedelta(days=lag) >= inputs.today:
        due = day + timedelta(days=lag)
        return f"no figure for {day} yet; it is due by {due} ({lag} days after the test)"
    return None


def _at_date(
    memorandum: Memorandum, condition: Condition, target: Target, inputs: Inputs
) -> Evaluated:
    if target.value is None or target.day is None:
        return _open_target(condition, target)
    found = inputs.figures.on(condition.quantity, condition.perimeter, target.day)
    if found is None:
        why = _not_yet(condition, target.day, inputs)
        why = why or f"no figure for {condition.quantity} on {target.day} was entered"
        return open_verdict(condition, why, day=target.day, target=target.value)
    return _measured(memorandum, condition, found, target, target.value, inputs)


def _measured(
    memorandum: Memorandum,
    condition: Condition,
    found: Statistic,
    target: Target,
    limit: Decimal,
    inputs: Inputs,
) -> Evaluated:
    try:
        measured, by_rate = converted(
            found.value, unit_of(found.unit), unit_of(condition.unit), memorandum.rates
        )
    except NoRate as missing:
        return open_verdict(condition, str(missing), day=found.day, target=limit)
    try:
        adjustments = (
            tuple(adjustments_at(memorandum, condition, target.begins, inputs.figures))
            if condition.adjusters
            else ()
        )
    except NoFigure as missing:
        return open_verdict(
            condition,
            str(missing),
            day=found.day,
            measured=measured,
            target=limit,
            grade=found.grade,
        )
    basis = f"entered, word of {found.source}"
    if by_rate:
        basis += ", at the arrangement's rate"
    return judged(
        condition,
        day=found.day,
        block=None,
        measured=measured,
        target=limit,
        adjustments=adjustments,
        grade=found.grade,
        basis=basis,
    )


def _continuous(
    memorandum: Memorandum, condition: Condition, inputs: Inputs
) -> Iterator[Evaluated]:
    """At every figure since the condition is in force; between figures nothing is claimed."""
    known = False
    targets = [t for t in condition.dated if t.since is not None]
    begins = [t.begins for t in targets]
    for found in inputs.figures.series(condition.quantity, condition.perimeter):
        place = bisect_right(begins, found.day)
        if not place or found.day > inputs.today:
            continue
        known = True
        target = targets[place - 1]
        if target.value is None:
            yield _open_target(condition, target)
        else:
            yield _measured(memorandum, condition, found, target, target.value, inputs)
    if not known:
        why = f"no figure for {condition.quantity} was entered since it is in force"
        yield open_verdict(condition, why)


def _step(condition: Condition, target: Target, inputs: Inputs) -> Evaluated:
    """A step is due on a day; its statistic is called like the condition, 1 when it was taken.

    Between two due days a step counts for the first of them that it follows the one before.
    """
    if target.value is None or target.day is None:
        return _open_target(condition, target)
    before = [t.day for t in condition.dated if t.day is not None and t.day < target.day]
    series = inputs.figures.series(condition.id, condition.perimeter)
    done = [
        s
        for s in series
        if s.value == 1 and s.day <= inputs.today and (not before or s.day > max(before))
    ]
    if done and done[0].day <= target.day:
        measured, found = Decimal(1), done[0]
        basis = f"done on {found.day}, word of {found.source}"
    elif done or any(s.value == 0 and s.day >= target.day for s in series):
        found = done[0] if done else next(s for s in series if s.value == 0 and s.day >= target.day)
        measured = Decimal(0)
        late = f"done on {found.day}, after it was due" if done else f"not done on {found.day}"
        basis = f"{late}, word of {found.source}"
    else:
        why = _not_yet(condition, target.day, inputs)
        why = why or f"nobody entered whether it was done by {target.day}"
        return open_verdict(condition, why, day=target.day, target=target.value)
    return judged(
        condition,
        day=target.day,
        block=None,
        measured=measured,
        target=target.value,
        grade=found.grade,
        basis=basis,
    )
