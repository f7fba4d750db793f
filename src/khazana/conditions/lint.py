"""Linting a memorandum: numbered rules that find what would make an evaluation a lie."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from khazana.conditions.exact import amount_text
from khazana.conditions.measures import (
    ACCUMULATION,
    ACQUISITIONS,
    DONE,
    Dimension,
    Origin,
    Quantity,
    Unit,
    in_unit,
    unit_of,
)
from khazana.conditions.memorandum import (
    OPEN_PAGE,
    Condition,
    Direction,
    Kind,
    Memorandum,
    Reference,
    SourceRef,
    Target,
)
from khazana.ledger.problems import suggestion


@dataclass(frozen=True, slots=True)
class LintFinding:
    """Something that breaks a rule of docs/methods/conditions.md, or is worth a look.

    error: an evaluation by this memorandum would mislead; else a note.
    """

    rule: str
    error: bool
    text: str
    where: str
    line: int

    def __str__(self) -> str:
        grade = "error" if self.error else "note"
        return f"{self.rule} {grade}: {self.text} ({self.where}, line {self.line})"


Said = tuple[str, bool, str]
"""Rule, whether it is an error, and the sentence."""


def lint(memorandum: Memorandum) -> tuple[LintFinding, ...]:
    """Everything that the rules K1 to K13 find, in the order of the file."""
    found: list[LintFinding] = []
    for condition in memorandum.conditions:
        where = f"condition {condition.id}"
        for rule, error, text in _condition(memorandum, condition):
            found.append(LintFinding(rule, error, text, where, condition.place.line))
    found += [LintFinding(r, e, t, w, 1) for r, e, t, w in _whole(memorandum)]
    return tuple(sorted(found, key=lambda f: (f.line, f.rule, f.text)))


def errors_of(findings: Iterable[LintFinding]) -> tuple[LintFinding, ...]:
    return tuple(finding for finding in findings if finding.error)


def _condition(memorandum: Memorandum, condition: Condition) -> Iterator[Said]:
    quantity = memorandum.quantity(condition.quantity)
    if quantity is None:
        known = memorandum.known_quantities()
        hint = suggestion(condition.quantity, known)
        yield "K7", True, f"no quantity is called {condition.quantity!r}{hint}"
    unit = _unit(condition.unit)
    if quantity is not None:
        yield from _units(memorandum, condition, quantity, unit)
        if unit is not None:
            yield from _sign_trap(memorandum, condition, quantity, unit)
        yield from _ledger(condition, quantity)
    yield from _signs(condition)
    yield from _dates(condition)
    yield from _sources(condition)
    yield from _perimeter(memorandum, condition)
    yield from _cumulative(condition)
    yield from _adjusters(memorandum, condition)
    yield from _left_open(condition)


def _unit(text: str) -> Unit | None:
    try:
        return unit_of(text)
    except ValueError:
        return None


def _values(condition: Condition) -> Iterator[tuple[Target, Decimal]]:
    for target in condition.targets:
        if target.value is not None:
            yield target, target.value


def _when(target: Target) -> str:
    day = target.day or target.since
    return "a day not found" if day is None else str(day)


def _sign_trap(
    memorandum: Memorandum, condition: Condition, quantity: Quantity, unit: Unit
) -> Iterator[Said]:
    """K1: a floor for what can never exceed another quantity lies above that other quantity."""
    if quantity.never_above is None or condition.direction is not Direction.FLOOR:
        return
    for target, value in _values(condition):
        reference = _nearest(memorandum.references, quantity.never_above, target.begins, unit)
        if reference is None:
            if value > 0:
                text = (
                    f"the floor {amount_text(value)} {unit.text} cannot be tested for a lost sign: "
                    f"no [[reference]] gives {quantity.never_above}"
                )
                yield "K13", False, text
            continue
        limit = in_unit(reference.value, unit_of(reference.unit), unit)
        if value > limit:
            text = (
                f"the floor {amount_text(value)} {unit.text} for {target.begins} is above "
                f"{quantity.never_above}, {amount_text(limit)} {unit.text} on {reference.day}, "
                f"which {quantity.id} can never exceed: such floors are often negative and "
                "printed without their sign"
            )
            yield "K1", True, text


def _nearest(
    references: Iterable[Reference], quantity: str, day: date, unit: Unit
) -> Reference | None:
    """The figure nearest in time; of two as near, the earlier."""
    fitting = [
        r
        for r in references
        if r.quantity == quantity
        and (found := _unit(r.unit)) is not None
        and (found.dimension, found.currency) == (unit.dimension, unit.currency)
    ]
    return min(fitting, key=lambda r: (abs((r.day - day).days), r.day), default=None)


def _signs(condition: Condition) -> Iterator[Said]:
    """K2: the number and the sign that the condition states apart from it agree."""
    for target, value in _values(condition):
        if not condition.sign.allows(value):
            text = (
                f"the target {amount_text(value)} for {target.begins} is not "
                f"{condition.sign.value}, as the condition says its targets are"
            )
            yield "K2", True, text


def _units(
    memorandum: Memorandum, condition: Condition, quantity: Quantity, unit: Unit | None
) -> Iterator[Said]:
    """K3: units fit what is measured, and bitcoin targets are whole satoshis."""
    yield from _one_unit(condition.unit, quantity, f"{condition.id}")
    for adjuster in condition.adjusters:
        moved = memorandum.quantity(adjuster.quantity)
        if moved is not None:
            yield from _one_unit(adjuster.unit, moved, f"adjuster {adjuster.id}")
    if unit is not None and unit.in_satoshi:
        for target, value in _values(condition):
            sats = in_unit(value, unit, unit_of("sat"))
            if sats != sats.to_integral_value():
                text = f"the target {value} {unit.text} for {target.begins} is a part of a satoshi"
                yield "K3", True, text
    if quantity.dimension is Dimension.DONE:
        for target, value in _values(condition):
            if value != 1 or condition.direction is not Direction.FLOOR:
                text = f"a step is done or not: floor 1, not {condition.direction.value} {value}"
                yield "K3", True, f"{text} for {target.begins}"


def _one_unit(text: str, quantity: Quantity, what: str) -> Iterator[Said]:
    try:
        unit = unit_of(text)
    except ValueError as wrong:
        yield "K3", True, f"the unit of {what}: {wrong}"
        return
    if unit.dimension is not quantity.dimension:
        text = (
            f"{quantity.id} is {quantity.dimension.value}; "
            f"{text!r} measures {unit.dimension.value} ({what})"
        )
        yield "K3", True, text


def _dates(condition: Condition) -> Iterator[Said]:
    """K4: each day has one target. K8: how it is tested, and its targets, agree."""
    days = [target.begins for target in condition.dated]
    for earlier, later in pairwise(days):
        if earlier == later:
            yield "K4", True, f"{later} has two targets"
    if not condition.targets:
        yield "K8", True, 'has no target; one that is not known says open = "why"'
    for target in condition.dated:
        if condition.continuous and target.since is None:
            yield "K8", True, f"is continuous, but its target is for the day {target.day} only"
        if not condition.continuous and target.day is None:
            yield "K8", True, f"is tested at dates, but a target holds since {target.since}"
    if condition.kind in (Kind.BENCHMARK, Kind.PRIOR_ACTION, Kind.DUTY) and condition.continuous:
        yield "K8", True, f"a {condition.kind.value.replace('_', ' ')} is due on a day"


def _sources(condition: Condition) -> Iterator[Said]:
    """K5: every condition, and every target with a source of its own, says where it stands."""
    yield from _source(condition.source, "the condition")
    for target in condition.targets:
        if target.source is not None:
            yield from _source(target.source, f"the target for {_when(target)}")


def _source(source: SourceRef, what: str) -> Iterator[Said]:
    for field, value in (
        ("source", source.document),
        ("page", source.page),
        ("confidence mark", source.mark),
    ):
        if value is None:
            yield "K5", True, f"{what} names no {field}"
    if source.page == OPEN_PAGE:
        yield "K11", False, f"the page of {what} is open"


def _perimeter(memorandum: Memorandum, condition: Condition) -> Iterator[Said]:
    """K6: the perimeter is one that the memorandum defines."""
    known = [perimeter.id for perimeter in memorandum.perimeters]
    if condition.perimeter is None:
        yield "K6", True, f"names no perimeter{suggestion('', known)}"
    elif condition.perimeter not in known:
        hint = suggestion(condition.perimeter, known)
        yield "K6", True, f"no perimeter is called {condition.perimeter!r}{hint}"


def _ledger(condition: Condition, quantity: Quantity) -> Iterator[Said]:
    """K9: what is counted in the ledger says how, and nothing else does."""
    if quantity.origin is Origin.LEDGER and condition.ledger is None:
        yield "K9", True, f"{quantity.id} is counted in the books: say how in [condition.ledger]"
    if quantity.origin is not Origin.LEDGER and condition.ledger is not None:
        yield "K9", True, f"{quantity.id} is entered; [condition.ledger] would be without effect"
    if quantity.id == ACQUISITIONS and condition.ledger and not condition.ledger.counts:
        yield "K9", True, "counts no reason: nothing could ever be acquired"
    if quantity.id in (ACQUISITIONS, ACCUMULATION) and condition.cumulative_from is None:
        yield "K9", True, f"{quantity.id} is counted since a base: name cumulative_from"


def _cumulative(condition: Condition) -> Iterator[Said]:
    """K10: no test lies before the base. K12: a cumulative target that falls is worth a look."""
    if condition.cumulative_from is None:
        return
    for target in condition.targets:
        if target.day is not None and target.day <= condition.cumulative_from:
            text = f"is counted from {condition.cumulative_from}, but tested on {target.day}"
            yield "K10", True, text
    ordered = sorted(_values(condition), key=lambda pair: pair[0].begins)
    for (_, before), (target, value) in pairwise(ordered):
        if value < before and condition.direction is Direction.FLOOR:
            text = (
                f"the cumulative target falls from {amount_text(before)} to {amount_text(value)} "
                f"on {target.begins}"
            )
            yield "K12", False, text


def _adjusters(memorandum: Memorandum, condition: Condition) -> Iterator[Said]:
    """K7: adjusters name quantities. K10: each test date has a projection."""
    for adjuster in condition.adjusters:
        if memorandum.quantity(adjuster.quantity) is None:
            hint = suggestion(adjuster.quantity, memorandum.known_quantities())
            text = f"adjuster {adjuster.id}: no quantity is called {adjuster.quantity!r}{hint}"
            yield "K7", True, text
        for target in condition.targets:
            if target.value is not None and adjuster.baseline_at(target.begins) is None:
                text = f"adjuster {adjuster.id} has no projection for {target.begins}"
                yield "K10", True, text
        if adjuster.cap is None:
            yield "K13", False, f"adjuster {adjuster.id} has no cap"


def _left_open(condition: Condition) -> Iterator[Said]:
    """K11: what was not found is listed, so that nobody takes it for nothing."""
    for target in condition.targets:
        if target.open is not None:
            yield "K11", False, f"the target for {_when(target)} is open: {target.open}"
    for sentence in condition.open:
        yield "K11", False, f"open: {sentence}"


def _whole(memorandum: Memorandum) -> Iterator[tuple[str, bool, str, str]]:
    """Rules about the memorandum as a whole: twins (K4), names (K7), sources (K5), rates (K3)."""
    tests: dict[tuple[object, ...], str] = {}
    for condition in memorandum.conditions:
        if condition.quantity == DONE:
            continue
        for target in condition.dated:
            key = (
                condition.quantity,
                condition.perimeter,
                condition.direction,
                condition.continuous,
                condition.cumulative_from,
                target.begins,
            )
            other = tests.setdefault(key, condition.id)
            if other != condition.id:
                text = f"{other} and {condition.id} both test {condition.quantity} "
                yield "K4", True, f"{text}on {target.begins}", f"condition {condition.id}"
    for effect in memorandum.effects:
        if memorandum.quantity(effect.quantity) is None:
            hint = suggestion(effect.quantity, memorandum.known_quantities())
            yield "K7", True, f"no quantity is called {effect.quantity!r}{hint}", "an effect"
        yield from ((*said, "an effect") for said in _source(effect.source, "the effect"))
    for reference in memorandum.references:
        quantity = memorandum.quantity(reference.quantity)
        if quantity is None:
            hint = suggestion(reference.quantity, memorandum.known_quantities())
            yield "K7", True, f"no quantity is called {reference.quantity!r}{hint}", "a reference"
        else:
            for said in _one_unit(reference.unit, quantity, "the reference"):
                yield (*said, "a reference")
        yield from ((*said, "a reference") for said in _source(reference.source, "the reference"))
    for perimeter in memorandum.perimeters:
        where = f"perimeter {perimeter.id}"
        yield from ((*said, where) for said in _source(perimeter.source, "the perimeter"))
    for rate in memorandum.rates:
        yield from ((*said, f"rate {rate.currency}") for said in _source(rate.source, "the rate"))
    for sentence in memorandum.open:
        yield "K11", False, f"open: {sentence}", "the memorandum"
