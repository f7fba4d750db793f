"""Evaluating a memorandum: every condition at every moment it is tested."""

from collections.abc import Iterator
from datetime import date

from khazana.conditions.counted import Counters, counted
from khazana.conditions.entered import entered
from khazana.conditions.measures import Origin
from khazana.conditions.memorandum import Memorandum
from khazana.conditions.verdicts import Evaluated, Inputs, open_verdict


def evaluate(memorandum: Memorandum, inputs: Inputs) -> tuple[Evaluated, ...]:
    """Measured, target, adjusted target, headroom and verdict of every condition, in the order of
    the memorandum, then of time. What cannot be assessed says why; nothing is guessed.
    """
    return tuple(_each(memorandum, inputs))


def _each(memorandum: Memorandum, inputs: Inputs) -> Iterator[Evaluated]:
    made: Counters = {}
    for condition in memorandum.conditions:
        quantity = memorandum.quantity(condition.quantity)
        if quantity is None:
            yield open_verdict(condition, f"no quantity is called {condition.quantity}")
        elif quantity.origin is Origin.LEDGER:
            yield from counted(memorandum, condition, inputs, made)
        else:
            yield from entered(memorandum, condition, inputs)


def days_named(memorandum: Memorandum) -> tuple[date, ...]:
    """The days whose closing blocks an evaluation by the books needs, in order."""
    days: set[date] = set()
    for condition in memorandum.conditions:
        quantity = memorandum.quantity(condition.quantity)
        if quantity is not None and quantity.origin is Origin.LEDGER:
            days |= {target.begins for target in condition.dated}
            if condition.cumulative_from is not None:
                days.add(condition.cumulative_from)
    return tuple(sorted(days))
