"""Conditions on bitcoin: counted in the office's books, block by block, and so checkable."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property

from khazana.bitcoin.chain import BlockRef
from khazana.conditions.adjusters import NoFigure, adjustments_at
from khazana.conditions.exact import amount_text
from khazana.conditions.holdings import (
    Series,
    acquisitions_series,
    coins_series,
    excluded_series,
    inflow_lines,
    members_ever,
    stock_series,
    untested_accounts,
)
from khazana.conditions.measures import ACCUMULATION, ACQUISITIONS, STOCK, in_unit, unit_of
from khazana.conditions.memorandum import Condition, LedgerRule, Memorandum, Target
from khazana.conditions.statistics import ClientLiabilities
from khazana.conditions.verdicts import Evaluated, Inputs, Verdict, judged, open_verdict
from khazana.ledger.accounts import Perimeter
from khazana.ledger.grades import EvidenceGrade, weakest
from khazana.reserve.figures import Books

SATOSHI = unit_of("sat")


class NotAssessable(ValueError):
    """The inputs do not allow a figure here; the sentence says what is missing."""


@dataclass(frozen=True)
class Counter:
    """Everything about one perimeter and one way of counting, read from the books once.

    net_of_clients needs what is owed to clients at the very block: `owed` has the attestations.
    """

    books: Books
    perimeter: Perimeter
    rule: LedgerRule
    custody: frozenset[tuple[str, BlockRef]]
    owed: tuple[ClientLiabilities, ...]
    _made: dict[str, Series] = field(default_factory=dict, compare=False)

    def series(self, name: str) -> Series:
        if name not in self._made:
            self._make(name)
        return self._made[name]

    def _make(self, name: str) -> None:
        if name == "stock":
            series = stock_series(self.books, self.perimeter, self.rule.excluded_lanes)
        elif name == "coins":
            series = coins_series(self.books, self.members)
        elif name == "excluded":
            series = excluded_series(self.books, self.members, self.rule)
        else:
            both = acquisitions_series(self.books, self.members, self.rule.counts)
            self._made["acquired"], self._made["unexplained"] = both
            return
        self._made[name] = series

    @cached_property
    def members(self) -> frozenset[str]:
        return members_ever(self.perimeter, self.books)

    def value(self, name: str, block: BlockRef) -> int:
        value = self.series(name).at(block.height)
        if value is None or block.height > self.books.until.height:
            raise NotAssessable(
                f"the books cover blocks {self.books.after.height} to {self.books.until.height}, "
                f"not {block.height}"
            )
        return value

    def owed_at(self, block: BlockRef) -> ClientLiabilities | None:
        """Rule K25: what clients are owed, attested for exactly this block; None: not asked."""
        if not self.rule.net_of_clients:
            return None
        for one in self.owed:
            if one.block == block:
                return one
        raise NotAssessable(
            f"what is owed to clients is not attested at block {block.height}{self._around(block)}"
        )

    def _around(self, block: BlockRef) -> str:
        before = [o.block.height for o in self.owed if o.block.height < block.height]
        behind = [o.block.height for o in self.owed if o.block.height > block.height]
        near = [f"block {h}" for h in (*before[-1:], *behind[:1])]
        return f", only at {' and '.join(near)}" if near else ", nor anywhere near it"

    def stock(self, block: BlockRef) -> tuple[int, EvidenceGrade]:
        """Rule K21: coins as declared, without excluded lanes, less what clients are owed."""
        owed = self.owed_at(block)
        coins = self.value("stock", block)
        return coins - (owed.amount if owed else 0), self._grade(owed)

    def acquired(self, base: BlockRef, block: BlockRef) -> tuple[int, int, EvidenceGrade]:
        """Rule K22: what was acquired since the base, and what came in without explanation."""
        counted = self.value("acquired", block) - self.value("acquired", base)
        open_ = self.value("unexplained", block) - self.value("unexplained", base)
        return counted, open_, self._acquired_grade

    def accumulated(self, base: BlockRef, block: BlockRef) -> tuple[int, EvidenceGrade]:
        """Rule K31: by how much coins less liabilities rose, beside what the condition excludes."""
        untested = untested_accounts(self.books, self.members, self.custody, (base, block))
        if untested:
            account, where = min(untested.items())
            raise NotAssessable(
                f"the custodian of {account} attests no balance at block {where.height}"
            )
        first, last = self.owed_at(base), self.owed_at(block)
        gain = self.value("coins", block) - self.value("coins", base)
        gain -= self.value("excluded", block) - self.value("excluded", base)
        gain -= (last.amount if last else 0) - (first.amount if first else 0)
        return gain, self._grade(first, last)

    @cached_property
    def _custody_grade(self) -> EvidenceGrade:
        grades = [g for a, g in self.books.attested_grade.items() if a in self.members]
        return weakest((EvidenceGrade.A, *map(EvidenceGrade, grades)))

    def _grade(self, *owed: ClientLiabilities | None) -> EvidenceGrade:
        return weakest((self._custody_grade, *(o.grade for o in owed if o is not None)))

    @cached_property
    def _acquired_grade(self) -> EvidenceGrade:
        wanted = {reason.value for reason in self.rule.counts}
        lines = inflow_lines(self.books, self.members)
        grades = {line.grade for _, line in lines if line.reason in wanted}
        return weakest((EvidenceGrade.A, *map(EvidenceGrade, sorted(grades))))

    def blocks(self, name: str) -> tuple[BlockRef, ...]:
        """Blocks of the period at which the figure can change, opening and closing included."""
        names = {"stock": ("stock",), "accumulated": ("coins", "excluded")}
        series = names.get(name, ("acquired", "unexplained"))
        found = {b.height: b for one in series for b in self.series(one).blocks}
        found |= {o.block.height: o.block for o in self.owed}
        found[self.books.until.height] = self.books.until
        first, last = self.books.after.height, self.books.until.height
        return tuple(found[h] for h in sorted(found) if first <= h <= last)


Counters = dict[tuple[str, LedgerRule], Counter]
"""Counters made so far in one evaluation, by perimeter and rule."""


def counter_of(
    memorandum: Memorandum, condition: Condition, inputs: Inputs, made: Counters
) -> Counter:
    """The counter for a condition; NotAssessable when books, perimeter or rule are missing."""
    if inputs.books is None:
        raise NotAssessable("no books were given: name the office and a chain")
    if condition.ledger is None:
        raise NotAssessable("the memorandum does not say how the books count it")
    meant = memorandum.perimeter(condition.perimeter)
    office = next((p for p in inputs.perimeters if meant and p.id == meant.office), None)
    if meant is None or office is None:
        name = meant.office if meant else condition.perimeter
        raise NotAssessable(f"the office describes no perimeter called {name}")
    key = office.id, condition.ledger
    if key not in made:
        owed = inputs.figures.owed.get(meant.id, ())
        made[key] = Counter(inputs.books, office, condition.ledger, inputs.custody, owed)
    return made[key]


def counted(
    memorandum: Memorandum, condition: Condition, inputs: Inputs, made: Counters
) -> Iterator[Evaluated]:
    """A condition on bitcoin at each of its dates, or at each block since it is in force."""
    try:
        counter = counter_of(memorandum, condition, inputs, made)
        base = _base(condition, inputs)
    except NotAssessable as missing:
        for target in condition.targets:
            yield open_verdict(condition, str(missing), day=target.day or target.since)
        return
    if condition.continuous:
        yield from _continuous(memorandum, condition, inputs, counter, base)
    else:
        for target in condition.targets:
            yield _at_date(memorandum, condition, target, inputs, counter, base)


def _base(condition: Condition, inputs: Inputs) -> BlockRef | None:
    if condition.cumulative_from is None:
        return None
    return _closing(condition.cumulative_from, inputs)


def _closing(day: date, inputs: Inputs) -> BlockRef:
    block = inputs.closings.get(day)
    if block is None:
        raise NotAssessable(f"the block that closes {day} is not known")
    return block


def _at_date(
    memorandum: Memorandum,
    condition: Condition,
    target: Target,
    inputs: Inputs,
    counter: Counter,
    base: BlockRef | None,
) -> Evaluated:
    if target.value is None or target.day is None:
        why = f"the target is open: {target.open}"
        return open_verdict(condition, why, day=target.day)
    if target.day > inputs.today:
        return open_verdict(
            condition, f"{target.day} lies ahead", day=target.day, target=target.value
        )
    try:
        block = _closing(target.day, inputs)
    except NotAssessable as missing:
        return open_verdict(condition, str(missing), day=target.day, target=target.value)
    return measured_at(memorandum, condition, target, inputs, counter, base, block)


def measured_at(
    memorandum: Memorandum,
    condition: Condition,
    target: Target,
    inputs: Inputs,
    counter: Counter,
    base: BlockRef | None,
    block: BlockRef,
) -> Evaluated:
    """The figure at the end of a block against a target whose value is known."""
    if target.value is None:
        why = f"the target is open: {target.open}"
        return open_verdict(condition, why, day=target.day, block=block)
    unexplained = 0
    try:
        if condition.quantity == STOCK:
            sats, grade = counter.stock(block)
        elif base is None:
            raise NotAssessable("the memorandum names no base to count from")
        elif condition.quantity == ACQUISITIONS:
            sats, unexplained, grade = counter.acquired(base, block)
        else:
            sats, grade = counter.accumulated(base, block)
        adjustments = (
            tuple(adjustments_at(memorandum, condition, target.begins, inputs.figures))
            if condition.adjusters
            else ()
        )
    except (NotAssessable, NoFigure) as missing:
        return open_verdict(
            condition, str(missing), day=target.day, block=block, target=target.value
        )
    unit = unit_of(condition.unit)
    result = judged(
        condition,
        day=target.day,
        block=block,
        measured=in_unit(Decimal(sats), SATOSHI, unit),
        target=target.value,
        adjustments=adjustments,
        grade=grade,
        basis="counted in the books",
    )
    if unexplained and result.verdict.holds and result.headroom is not None:
        more = in_unit(Decimal(unexplained), SATOSHI, unit)
        if more > result.headroom:
            why = (
                f"{amount_text(more)} {unit.text} came in that no document explains; if they were "
                f"acquired, the limit is passed"
            )
            return open_verdict(
                condition,
                why,
                day=target.day,
                block=block,
                measured=result.measured,
                target=target.value,
                grade=EvidenceGrade.D,
            )
    return result


_FIGURE = {STOCK: "stock", ACQUISITIONS: "acquired", ACCUMULATION: "accumulated"}


def _continuous(
    memorandum: Memorandum,
    condition: Condition,
    inputs: Inputs,
    counter: Counter,
    base: BlockRef | None,
) -> Iterator[Evaluated]:
    """Rule K25: at every block where the figure can change; what cannot be assessed in between is
    one line with its two ends.
    """
    in_force, unknown = _targets_by_height(condition, inputs)
    for target in unknown:
        why = f"the block that closes {target.since} is not known"
        yield open_verdict(condition, why, day=target.since, target=target.value)
    first = base.height if base is not None else 0
    found = []
    heights = [since.height for since, _ in in_force]
    for block in counter.blocks(_FIGURE[condition.quantity]):
        place = bisect_right(heights, block.height)
        if place and block.height >= first:
            target = in_force[place - 1][1]
            found.append(measured_at(memorandum, condition, target, inputs, counter, base, block))
    yield from _joined(found, counter)
    if not found and not unknown:
        yield open_verdict(condition, "it was not in force in the period of the books")


def _targets_by_height(
    condition: Condition, inputs: Inputs
) -> tuple[list[tuple[BlockRef, Target]], list[Target]]:
    """The targets with the block from whose end they hold, and those where it is not known."""
    known, unknown = [], []
    for target in condition.dated:
        since = inputs.closings.get(target.begins)
        if since is not None:
            known.append((since, target))
        elif target.begins <= inputs.today:
            unknown.append(target)
    return known, unknown


def _joined(found: Iterable[Evaluated], counter: Counter) -> Iterator[Evaluated]:
    """Neighbouring blocks that cannot be assessed become one line; nothing else is joined.

    Between two attestations the first is the last block that could be assessed, `until` the next.
    """
    waiting: list[Evaluated] = []
    last: Evaluated | None = None
    for one in found:
        if one.verdict is Verdict.NOT_ASSESSABLE and one.measured is None:
            waiting.append(one)
            continue
        yield from _gap(waiting, last, one)
        gap_without_change = (
            counter.rule.net_of_clients
            and not waiting
            and last is not None
            and last.block is not None
            and one.block is not None
            and one.block.height > last.block.height + 1
        )
        if gap_without_change and last is not None:
            yield _between(one, last, one, "what is owed to clients is not attested in between")
        yield one
        waiting, last = [], one
    yield from _gap(waiting, last, None)


def _gap(
    waiting: list[Evaluated], last: Evaluated | None, following: Evaluated | None
) -> Iterator[Evaluated]:
    if waiting:
        why = waiting[0].why
        if len(waiting) > 1:
            why += f"; nor at {len(waiting) - 1} more blocks with changes up to {waiting[-1].block}"
        yield _between(waiting[0], last or waiting[0], following or waiting[-1], why)


def _between(model: Evaluated, first: Evaluated, until: Evaluated, why: str) -> Evaluated:
    return Evaluated(
        condition=model.condition,
        day=None,
        block=first.block,
        until=until.block,
        unit=model.unit,
        target=model.target,
        verdict=Verdict.NOT_ASSESSABLE,
        why=why,
    )
