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

    error: an evaluation by this memorandum would mislead; else a note. field: what it is about, as
    problems name fields: `condition[1].target[2]`.
    """

    rule: str
    error: bool
    text: str
    where: str
    line: int
    field: str

    def __str__(self) -> str:
        grade = "error" if self.error else "note"
        return f"{self.rule} {grade}: {self.text} ({self.where}, line {self.line})"


Said = tuple[str, bool, str, str]
"""Rule, whether it is an error, the sentence, and the field below what is judged."""


def lint(memorandum: Memorandum) -> tuple[LintFinding, ...]:
    """Everything that the rules K1 to K13 find, in the order of the file."""
    found: list[LintFinding] = []
    for position, condition in enumerate(memorandum.conditions, start=1):
        where, line = f"condition {condition.id}", condition.place.line
        for rule, error, text, field in _condition(memorandum, condition):
            path = f"condition[{position}].{field}".rstrip(".")
            found.append(LintFinding(rule, error, text, where, line, path))
    found += [LintFinding(r, e, t, w, 1, f) for w, (r, e, t, f) in _whole(memorandum)]
    return tuple(sorted(found, key=lambda f: (f.line, f.rule, f.text)))


def errors_of(findings: Iterable[LintFinding]) -> tuple[LintFinding, ...]:
    return tuple(finding for finding in findings if finding.error)


def _condition(memorandum: Memorandum, condition: Condition) -> Iterator[Said]:
    quantity = memorandum.quantity(condition.quantity)
    if quantity is None:
        known = memorandum.known_quantities()
        hint = suggestion(condition.quantity, known)
        yield "K7", True, f"no quantity is called {condition.quantity!r}{hint}", "quantity"
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


def _values(condition: Condition) -> Iterator[tuple[Target, Decimal, str]]:
    """The targets that have a value, each with the value and its field."""
    for target, field in _targets(condition):
        if target.value is not None:
            yield target, target.value, field


def _targets(condition: Condition) -> Iterator[tuple[Target, str]]:
    for position, target in enumerate(condition.targets, start=1):
        yield target, f"target[{position}]"


def _when(target: Target) -> str:
    day = target.day or target.since
    return "a day not found" if day is None else str(day)


def _sign_trap(
    memorandum: Memorandum, condition: Condition, quantity: Quantity, unit: Unit
) -> Iterator[Said]:
    """K1: a floor for what can never exceed another quantity lies above that other quantity."""
    if quantity.never_above is None or condition.direction is not Direction.FLOOR:
        return
    for target, value, field in _values(condition):
        reference = _nearest(memorandum.references, quantity.never_above, target.begins, unit)
        if reference is None:
            if value > 0:
                text = (
                    f"the floor {amount_text(value)} {unit.text} cannot be tested for a lost sign: "
                    f"no [[reference]] gives {quantity.never_above}"
                )
                yield "K13", False, text, field
            continue
        limit = in_unit(reference.value, unit_of(reference.unit), unit)
        if value > limit:
            text = (
                f"the floor {amount_text(value)} {unit.text} for {target.begins} is above "
                f"{quantity.never_above}, {amount_text(limit)} {unit.text} on {reference.day}, "
                f"which {quantity.id} can never exceed: such floors are often negative and "
                "printed without their sign"
            )
            yield "K1", True, text, f"{field}.value"


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
    for target, value, field in _values(condition):
        if not condition.sign.allows(value):
            text = (
                f"the target {amount_text(value)} for {target.begins} is not "
                f"{condition.sign.value}, as the condition says its targets are"
            )
            yield "K2", True, text, f"{field}.value"


def _units(
    memorandum: Memorandum, condition: Condition, quantity: Quantity, unit: Unit | None
) -> Iterator[Said]:
    """K3: units fit what is measured, and bitcoin targets are whole satoshis."""
    yield from _one_unit(condition.unit, quantity, f"{condition.id}", "unit")
    for position, adjuster in enumerate(condition.adjusters, start=1):
        moved = memorandum.quantity(adjuster.quantity)
        if moved is not None:
            what, field = f"adjuster {adjuster.id}", f"adjuster[{position}].unit"
            yield from _one_unit(adjuster.unit, moved, what, field)
    if unit is not None and unit.in_satoshi:
        for target, value, field in _values(condition):
            sats = in_unit(value, unit, unit_of("sat"))
            if sats != sats.to_integral_value():
                text = f"the target {value} {unit.text} for {target.begins} is a part of a satoshi"
                yield "K3", True, text, f"{field}.value"
    if quantity.dimension is Dimension.DONE:
        for target, value, field in _values(condition):
            if value != 1 or condition.direction is not Direction.FLOOR:
                text = f"a step is done or not: floor 1, not {condition.direction.value} {value}"
                yield "K3", True, f"{text} for {target.begins}", f"{field}.value"


def _one_unit(text: str, quantity: Quantity, what: str, field: str) -> Iterator[Said]:
    try:
        unit = unit_of(text)
    except ValueError as wrong:
        yield "K3", True, f"the unit of {what}: {wrong}", field
        return
    if unit.dimension is not quantity.dimension:
        text = (
            f"{quantity.id} is {quantity.dimension.value}; "
            f"{text!r} measures {unit.dimension.value} ({what})"
        )
        yield "K3", True, text, field


def _dates(condition: Condition) -> Iterator[Said]:
    """K4: each day has one target. K8: how it is tested, and its targets, agree."""
    dated = [(t, field) for t, field in _targets(condition) if t in condition.dated]
    dated.sort(key=lambda pair: pair[0].begins)
    for (earlier, _), (later, field) in pairwise(dated):
        if earlier.begins == later.begins:
            yield "K4", True, f"{later.begins} has two targets", field
    if not condition.targets:
        yield "K8", True, 'has no target; one that is not known says open = "why"', "target"
    for target, field in dated:
        if condition.continuous and target.since is None:
            text = f"is continuous, but its target is for the day {target.day} only"
            yield "K8", True, text, f"{field}.date"
        if not condition.continuous and target.day is None:
            text = f"is tested at dates, but a target holds since {target.since}"
            yield "K8", True, text, f"{field}.since"
    if condition.kind in (Kind.BENCHMARK, Kind.PRIOR_ACTION, Kind.DUTY) and condition.continuous:
        text = f"a {condition.kind.value.replace('_', ' ')} is due on a day"
        yield "K8", True, text, "continuous"


def _sources(condition: Condition) -> Iterator[Said]:
    """K5: every condition, and every target with a source of its own, says where it stands."""
    yield from _source(condition.source, "the condition", "source")
    for target, field in _targets(condition):
        if target.source is not None:
            yield from _source(target.source, f"the target for {_when(target)}", f"{field}.source")


def _source(source: SourceRef, what: str, field: str) -> Iterator[Said]:
    for name, key, value in (
        ("source", "document", source.document),
        ("page", "page", source.page),
        ("confidence mark", "mark", source.mark),
    ):
        if value is None:
            yield "K5", True, f"{what} names no {name}", f"{field}.{key}"
    if source.page == OPEN_PAGE:
        yield "K11", False, f"the page of {what} is open", f"{field}.page"


def _perimeter(memorandum: Memorandum, condition: Condition) -> Iterator[Said]:
    """K6: the perimeter is one that the memorandum defines."""
    known = [perimeter.id for perimeter in memorandum.perimeters]
    if condition.perimeter is None:
        yield "K6", True, f"names no perimeter{suggestion('', known)}", "perimeter"
    elif condition.perimeter not in known:
        hint = suggestion(condition.perimeter, known)
        yield "K6", True, f"no perimeter is called {condition.perimeter!r}{hint}", "perimeter"


def _ledger(condition: Condition, quantity: Quantity) -> Iterator[Said]:
    """K9: what is counted in the ledger says how, and nothing else does."""
    if quantity.origin is Origin.LEDGER and condition.ledger is None:
        text = f"{quantity.id} is counted in the books: say how in [condition.ledger]"
        yield "K9", True, text, "ledger"
    if quantity.origin is not Origin.LEDGER and condition.ledger is not None:
        text = f"{quantity.id} is entered; [condition.ledger] would be without effect"
        yield "K9", True, text, "ledger"
    if quantity.id == ACQUISITIONS and condition.ledger and not condition.ledger.counts:
        yield "K9", True, "counts no reason: nothing could ever be acquired", "ledger.counts"
    if quantity.id in (ACQUISITIONS, ACCUMULATION) and condition.cumulative_from is None:
        text = f"{quantity.id} is counted since a base: name cumulative_from"
        yield "K9", True, text, "cumulative_from"


def _cumulative(condition: Condition) -> Iterator[Said]:
    """K10: no test lies before the base. K12: a cumulative target that falls is worth a look."""
    if condition.cumulative_from is None:
        return
    for target, field in _targets(condition):
        if target.day is not None and target.day <= condition.cumulative_from:
            text = f"is counted from {condition.cumulative_from}, but tested on {target.day}"
            yield "K10", True, text, f"{field}.date"
    ordered = sorted(_values(condition), key=lambda each: each[0].begins)
    for (_, before, _), (target, value, field) in pairwise(ordered):
        if value < before and condition.direction is Direction.FLOOR:
            text = (
                f"the cumulative target falls from {amount_text(before)} to {amount_text(value)} "
                f"on {target.begins}"
            )
            yield "K12", False, text, f"{field}.value"


def _adjusters(memorandum: Memorandum, condition: Condition) -> Iterator[Said]:
    """K7: adjusters name quantities. K10: each test date has a projection."""
    for position, adjuster in enumerate(condition.adjusters, start=1):
        field = f"adjuster[{position}]"
        if memorandum.quantity(adjuster.quantity) is None:
            hint = suggestion(adjuster.quantity, memorandum.known_quantities())
            text = f"adjuster {adjuster.id}: no quantity is called {adjuster.quantity!r}{hint}"
            yield "K7", True, text, f"{field}.quantity"
        for target in condition.targets:
            if target.value is not None and adjuster.baseline_at(target.begins) is None:
                text = f"adjuster {adjuster.id} has no projection for {target.begins}"
                yield "K10", True, text, f"{field}.projection"
        if adjuster.cap is None:
            yield "K13", False, f"adjuster {adjuster.id} has no cap", f"{field}.cap"


def _left_open(condition: Condition) -> Iterator[Said]:
    """K11: what was not found is listed, so that nobody takes it for nothing."""
    for target, field in _targets(condition):
        if target.open is not None:
            text = f"the target for {_when(target)} is open: {target.open}"
            yield "K11", False, text, f"{field}.open"
    for sentence in condition.open:
        yield "K11", False, f"open: {sentence}", "open"


def _whole(memorandum: Memorandum) -> Iterator[tuple[str, Said]]:
    """Rules about the memorandum as a whole: twins (K4), names (K7), sources (K5), rates (K3)."""
    tests: dict[tuple[object, ...], str] = {}
    for position, condition in enumerate(memorandum.conditions, start=1):
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
                said = "K4", True, f"{text}on {target.begins}", f"condition[{position}]"
                yield f"condition {condition.id}", said
    for position, effect in enumerate(memorandum.effects, start=1):
        field, where = f"effect[{position}]", "an effect"
        if memorandum.quantity(effect.quantity) is None:
            hint = suggestion(effect.quantity, memorandum.known_quantities())
            text = f"no quantity is called {effect.quantity!r}{hint}"
            yield where, ("K7", True, text, f"{field}.quantity")
        for each in _source(effect.source, "the effect", f"{field}.source"):
            yield where, each
    for position, reference in enumerate(memorandum.references, start=1):
        field, where = f"reference[{position}]", "a reference"
        quantity = memorandum.quantity(reference.quantity)
        if quantity is None:
            hint = suggestion(reference.quantity, memorandum.known_quantities())
            text = f"no quantity is called {reference.quantity!r}{hint}"
            yield where, ("K7", True, text, f"{field}.quantity")
        else:
            for each in _one_unit(reference.unit, quantity, "the reference", f"{field}.unit"):
                yield where, each
        for each in _source(reference.source, "the reference", f"{field}.source"):
            yield where, each
    for position, perimeter in enumerate(memorandum.perimeters, start=1):
        for each in _source(perimeter.source, "the perimeter", f"perimeter[{position}].source"):
            yield f"perimeter {perimeter.id}", each
    for position, rate in enumerate(memorandum.rates, start=1):
        for each in _source(rate.source, "the rate", f"rate[{position}].source"):
            yield f"rate {rate.currency}", each
    for sentence in memorandum.open:
        yield "the memorandum", ("K11", False, f"open: {sentence}", "memorandum.open")
