"""An order seen before it is booked: each condition it touches, by how much, and what would pass.

Pure: whoever drafts orders (custody stands below this room) defines a Protocol of its own, and is
handed `LenderConditions(...).as_if_booked`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from khazana.bitcoin.chain import BlockRef
from khazana.conditions.adjusters import NoFigure, adjustments_at
from khazana.conditions.counted import (
    SATOSHI,
    Counter,
    Counters,
    NotAssessable,
    counter_of,
    measured_at,
)
from khazana.conditions.evaluate import evaluate
from khazana.conditions.exact import amount_text, plus, times, total
from khazana.conditions.measures import (
    ACQUISITIONS,
    STOCK,
    Origin,
    in_unit,
    unit_of,
)
from khazana.conditions.memorandum import Condition, Direction, Memorandum, Target
from khazana.conditions.preview import AsIfBooked, Preview, ProposedBooking
from khazana.conditions.statistics import NoRate, converted
from khazana.conditions.verdicts import Evaluated, Inputs, Verdict, headroom_of
from khazana.ledger.accounts import Lane
from khazana.ledger.documents import Reason
from khazana.units import Sats


@dataclass(frozen=True)
class LenderConditions:
    """The conditions of one or more arrangements, ready to be asked by whoever drafts orders."""

    memoranda: tuple[Memorandum, ...]
    inputs: Inputs

    def as_if_booked(self, order: ProposedBooking) -> Preview:
        """Every affected condition of every arrangement as if the order were booked."""
        lines = [line for m in self.memoranda for line in as_if_booked(m, self.inputs, order).lines]
        return Preview(tuple(lines))


def as_if_booked(memorandum: Memorandum, inputs: Inputs, order: ProposedBooking) -> Preview:
    """Each affected condition of a memorandum computed as if the order were booked (Rule K50)."""
    if order.sats <= 0:
        raise ValueError(f"an order is for more than nothing, not {order.sats} sat")
    if not order.reason.direction:
        raise ValueError(f"{order.reason.value} neither brings nor takes: no order has it")
    made: Counters = {}
    lines = []
    for condition in memorandum.conditions:
        quantity = memorandum.quantity(condition.quantity)
        if quantity is None:
            continue
        try:
            effect = (
                _coins_effect(memorandum, condition, inputs, order)
                if quantity.origin is Origin.LEDGER
                else _money_effect(memorandum, condition, order)
            )
        except NoRate as missing:
            lines.append(_unknown(memorandum, condition, None, str(missing), worsens=True))
            continue
        if effect is not None:
            lines.append(_line(memorandum, condition, inputs, order, effect, made))
    return Preview(tuple(lines))


def _coins_effect(
    memorandum: Memorandum, condition: Condition, inputs: Inputs, order: ProposedBooking
) -> Decimal | None:
    """By how much the order changes a quantity counted in the books; None: not at all."""
    meant = memorandum.perimeter(condition.perimeter)
    office = next((p for p in inputs.perimeters if meant and p.id == meant.office), None)
    rule, books = condition.ledger, inputs.books
    if office is None or rule is None or books is None:
        return None
    members = {m.account for m in office.members if m.until is None}
    if order.account not in members:
        return None
    signed = order.sats * order.reason.direction
    inside = order.counter_account in members
    if condition.quantity == ACQUISITIONS:
        sats = order.sats if order.reason in rule.counts else 0
    elif inside:
        sats = 0
    elif condition.quantity == STOCK:
        lanes = {w.id: w.lane_at(books.until.height) for w in books.wallets}
        lanes |= {a.id: a.lane for a in books.accounts}
        counted = lanes.get(order.account, Lane.OWNED) not in rule.excluded_lanes
        sats = signed if counted else 0
    else:
        sats = 0 if order.reason in rule.excluded_reasons else signed
    if rule.net_of_clients and order.reason in (Reason.CLIENT_DEPOSIT, Reason.CLIENT_WITHDRAWAL):
        sats = 0  # what is owed changes by the same amount
    return in_unit(Decimal(sats), SATOSHI, unit_of(condition.unit)) if sats else None


def _money_effect(
    memorandum: Memorandum, condition: Condition, order: ProposedBooking
) -> Decimal | None:
    """What the order's money does to an entered quantity, by the [[effect]]s that fit."""
    factors = [
        effect.factor
        for effect in memorandum.effects
        if effect.quantity == condition.quantity
        and effect.reason is order.reason
        and effect.paid_from in (None, order.paid_from)
    ]
    if not factors:
        return None
    if order.cost is None or order.currency is None:
        raise NoRate(f"the order touches {condition.quantity}, but states no cost in money")
    cost, _ = converted(
        order.cost, unit_of(order.currency), unit_of(condition.unit), memorandum.rates
    )
    return times(total(factors), cost)


@dataclass(frozen=True, slots=True)
class _Standing:
    """A condition today: its figure, the limit it will be tested by, and when the figure is of."""

    measured: Decimal
    limit: Decimal
    tested: date | None
    as_of: str


def _line(
    memorandum: Memorandum,
    condition: Condition,
    inputs: Inputs,
    order: ProposedBooking,
    effect: Decimal,
    made: Counters,
) -> AsIfBooked:
    toward = effect > 0 if condition.direction is Direction.CEILING else effect < 0
    try:
        standing = _standing(memorandum, condition, inputs, order, made)
    except (NotAssessable, NoFigure, NoRate) as missing:
        return _unknown(memorandum, condition, effect, str(missing), worsens=toward)
    after = plus(standing.measured, effect)
    headroom = headroom_of(condition.direction, measured=after, limit=standing.limit)
    room = headroom_of(condition.direction, measured=standing.measured, limit=standing.limit)
    largest = None
    if toward:
        exact = Fraction(max(room, Decimal(0))) * order.sats / Fraction(abs(effect))
        largest = Sats(exact.numerator // exact.denominator)
    over = -headroom if headroom < 0 else None
    verdict = Verdict.BREACHED if headroom < 0 else Verdict.MET
    limit = f"{condition.direction.value} {amount_text(standing.limit)} {condition.unit}"
    if over is not None and toward:
        why = (
            f"{condition.id}: {amount_text(standing.measured)} now, {amount_text(after)} with the "
            f"order, {limit}: over by {amount_text(over)} {condition.unit}; at most {largest} sat "
            "would pass"
        )
    elif over is not None:
        why = f"{condition.id}: breached already; the order brings it nearer to {limit}"
    else:
        why = (
            f"{condition.id}: {amount_text(after)} with the order, {limit}: "
            f"{amount_text(headroom)} {condition.unit} left"
        )
    return AsIfBooked(
        memorandum=memorandum.id,
        condition=condition.id,
        kind=condition.kind,
        unit=condition.unit,
        tested=standing.tested,
        as_of=standing.as_of,
        before=standing.measured,
        effect=effect,
        after=after,
        limit=standing.limit,
        headroom=headroom,
        over_by=over,
        largest_sats=largest,
        worsens=toward,
        verdict=verdict,
        why=why,
    )


def _unknown(
    memorandum: Memorandum,
    condition: Condition,
    effect: Decimal | None,
    why: str,
    *,
    worsens: bool,
) -> AsIfBooked:
    return AsIfBooked(
        memorandum=memorandum.id,
        condition=condition.id,
        kind=condition.kind,
        unit=condition.unit,
        tested=None,
        as_of="nothing",
        before=None,
        effect=effect,
        after=None,
        limit=None,
        headroom=None,
        over_by=None,
        largest_sats=None,
        worsens=worsens,
        verdict=Verdict.NOT_ASSESSABLE,
        why=f"{condition.id}: {why}",
    )


def _standing(
    memorandum: Memorandum,
    condition: Condition,
    inputs: Inputs,
    order: ProposedBooking,
    made: Counters,
) -> _Standing:
    target = _next_target(condition, order.day)
    if target.value is None:
        raise NotAssessable(f"the target it will be tested by is open: {target.open}")
    quantity = memorandum.quantity(condition.quantity)
    if quantity is not None and quantity.origin is Origin.LEDGER:
        found, since = _last_counted(memorandum, condition, target, inputs, made)
        if found.measured is None or found.adjusted is None:
            raise NotAssessable(found.why)
        as_of = f"block {found.block.height}" if found.block else "the books"
        more = in_unit(Decimal(since), SATOSHI, unit_of(condition.unit))
        as_of += ", with what came in since" if since else ""
        return _Standing(plus(found.measured, more), found.adjusted, target.day, as_of)
    series = inputs.figures.series(condition.quantity, condition.perimeter)
    known = [s for s in series if s.day <= order.day]
    if condition.cumulative_from is not None:
        known = [s for s in known if s.day >= condition.cumulative_from]
    if not known:
        raise NotAssessable(f"no figure for {condition.quantity} up to {order.day} was entered")
    last = known[-1]
    measured, _ = converted(
        last.value, unit_of(last.unit), unit_of(condition.unit), memorandum.rates
    )
    # What the adjusters will do is known only with their figures; until then the plain target
    # holds, for an adjustment nobody can show yet must not let an order pass.
    try:
        moved = total(
            a.amount for a in adjustments_at(memorandum, condition, target.begins, inputs.figures)
        )
    except NoFigure:
        moved = Decimal(0)
    return _Standing(measured, plus(target.value, moved), target.day, str(last.day))


def _next_target(condition: Condition, day: date) -> Target:
    if condition.continuous:
        target = condition.target_at(day)
        if target is None:
            raise NotAssessable(f"it is not in force on {day}")
        return target
    ahead = [t for t in condition.dated if t.begins >= day]
    if not ahead:
        raise NotAssessable(f"no test on or after {day} is known")
    return ahead[0]


def _last_counted(
    memorandum: Memorandum,
    condition: Condition,
    target: Target,
    inputs: Inputs,
    made: Counters,
) -> tuple[Evaluated, int]:
    """The figure at the newest block where it can be assessed, the books' last block first, and
    how many satoshis came in after it.

    Between two attestations of what clients are owed the figure is the older one's. What came in
    since takes room until the next one says that it was clients' money; what left gives none.
    """
    counter = counter_of(memorandum, condition, inputs, made)
    base = None
    if condition.cumulative_from is not None:
        base = inputs.closings.get(condition.cumulative_from)
        if base is None:
            raise NotAssessable(f"the block that closes {condition.cumulative_from} is not known")
    last = counter.books.until
    attested = [o.block for o in counter.owed if o.block.height < last.height]
    why = "nothing was attested"
    for block in (last, *reversed(attested)):
        found = measured_at(memorandum, condition, target, inputs, counter, base, block)
        if found.measured is not None and found.adjusted is not None:
            return found, max(0, _since(condition, counter, block))
        why = found.why if block == last else why
    raise NotAssessable(why)


def _since(condition: Condition, counter: Counter, block: BlockRef) -> int:
    """By how much the books' coins rose after a block, as far as the condition counts them."""
    last = counter.books.until
    if condition.quantity == STOCK:
        return counter.value("stock", last) - counter.value("stock", block)
    if condition.quantity == ACQUISITIONS:
        return 0  # never net of clients: the last block is always assessed or none is
    coins = counter.value("coins", last) - counter.value("coins", block)
    return coins - (counter.value("excluded", last) - counter.value("excluded", block))


def headroom_now(memorandum: Memorandum, inputs: Inputs) -> Iterator[Evaluated]:
    """Each condition's newest verdict, for a page that says what room is left."""
    newest: dict[str, Evaluated] = {}
    for one in evaluate(memorandum, inputs):
        current = newest.get(one.condition)
        if current is None or one.measured is not None or current.measured is None:
            newest[one.condition] = one
    yield from newest.values()
