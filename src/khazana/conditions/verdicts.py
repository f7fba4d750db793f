"""What an evaluation says: measured, target, adjusted target, headroom, verdict, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

import msgspec

from khazana.bitcoin.chain import BlockRef
from khazana.conditions.exact import amount_text, minus, plus, total
from khazana.conditions.memorandum import Condition, Direction
from khazana.conditions.statistics import Figures
from khazana.ledger.accounts import Perimeter
from khazana.ledger.grades import EvidenceGrade
from khazana.reserve.figures import Books

NO_FIGURES = Figures()


class Verdict(Enum):
    MET = "met"
    ADJUSTED = "met with adjuster"
    """It would be breached by the target as written; the adjusters make it met."""
    BREACHED = "breached"
    NOT_ASSESSABLE = "not assessable"

    @property
    def holds(self) -> bool:
        return self in (Verdict.MET, Verdict.ADJUSTED)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What an adjuster did: actual and projection in its unit, amount in the condition's."""

    adjuster: str
    projected: Decimal
    actual: Decimal
    amount: Decimal
    capped: bool


class Evaluated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One condition at one moment: the close of `day`, or the end of `block`.

    until: of what cannot be assessed, the block before whose end it cannot; None: at `block` only.
    Figures are in `unit`; headroom is what is left up to the limit, below zero when breached.
    grade: the weakest evidence the measured figure rests on.
    """

    condition: str
    day: date | None
    block: BlockRef | None
    until: BlockRef | None = None
    unit: str
    measured: Decimal | None = None
    target: Decimal | None = None
    adjusted: Decimal | None = None
    headroom: Decimal | None = None
    adjustments: tuple[Adjustment, ...] = ()
    verdict: Verdict
    why: str
    grade: EvidenceGrade | None = None


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Everything that an evaluation reads beside the memorandum.

    books: of the office, from a block at or before every base that is to be measured; None when
    only statistics are evaluated. perimeters: the office's. custody: custodial accounts with the
    blocks they are attested for. closings: the block that closes each day that the memorandum
    names, as far as the chain has come. today: the day on which one asks; later tests lie ahead.
    """

    books: Books | None = None
    perimeters: tuple[Perimeter, ...] = ()
    custody: frozenset[tuple[str, BlockRef]] = frozenset()
    figures: Figures = NO_FIGURES
    closings: Mapping[date, BlockRef]
    today: date


def headroom_of(direction: Direction, *, measured: Decimal, limit: Decimal) -> Decimal:
    """What is left up to the limit: below zero when it is passed."""
    if direction is Direction.CEILING:
        return minus(limit, measured)
    return minus(measured, limit)


def judged(
    condition: Condition,
    *,
    day: date | None,
    block: BlockRef | None,
    measured: Decimal,
    target: Decimal,
    adjustments: Sequence[Adjustment] = (),
    grade: EvidenceGrade,
    basis: str,
) -> Evaluated:
    """Rule K20: measured against the adjusted target; the limit itself is within it."""
    adjusted = plus(target, total(a.amount for a in adjustments)) if adjustments else target
    headroom = headroom_of(condition.direction, measured=measured, limit=adjusted)
    plain = headroom
    if adjustments:
        plain = headroom_of(condition.direction, measured=measured, limit=target)
    if headroom < 0:
        verdict = Verdict.BREACHED
        text = f"{condition.direction.value} passed by {amount_text(-headroom)} {condition.unit}"
    elif plain < 0:
        verdict = Verdict.ADJUSTED
        text = f"passed by {amount_text(-plain)} {condition.unit} before adjustment, met after it"
    else:
        verdict = Verdict.MET
        text = f"headroom {headroom:,f} {condition.unit}"
    return Evaluated(
        condition=condition.id,
        day=day,
        block=block,
        unit=condition.unit,
        measured=measured,
        target=target,
        adjusted=adjusted,
        headroom=headroom,
        adjustments=tuple(adjustments),
        verdict=verdict,
        why=f"{text}; {basis}",
        grade=grade,
    )


def open_verdict(
    condition: Condition,
    why: str,
    *,
    day: date | None = None,
    block: BlockRef | None = None,
    until: BlockRef | None = None,
    measured: Decimal | None = None,
    target: Decimal | None = None,
    grade: EvidenceGrade | None = None,
) -> Evaluated:
    """Not assessable, and why: what is missing, and what would settle it."""
    return Evaluated(
        condition=condition.id,
        day=day,
        block=block,
        until=until,
        unit=condition.unit,
        measured=measured,
        target=target,
        verdict=Verdict.NOT_ASSESSABLE,
        why=why,
        grade=grade,
    )
