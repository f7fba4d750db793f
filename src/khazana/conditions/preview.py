"""What an order would do to conditions: the order as this room sees it, and the answer."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from khazana.conditions.memorandum import Kind
from khazana.conditions.verdicts import Verdict
from khazana.ledger.documents import Reason
from khazana.units import Sats


class ProposedBooking(Protocol):
    """What an order would enter in the books; any value with these attributes is one.

    account: the wallet or custodial account whose holdings change by `sats` (above zero), in the
    direction of `reason`. counter_account: a declared account at the other end, or None.
    paid_from: the pocket, as [[effect]] names it. cost: money in major units of `currency`.
    """

    @property
    def reason(self) -> Reason: ...

    @property
    def account(self) -> str: ...

    @property
    def sats(self) -> Sats: ...

    @property
    def day(self) -> date: ...

    @property
    def counter_account(self) -> str | None: ...

    @property
    def paid_from(self) -> str | None: ...

    @property
    def cost(self) -> Decimal | None: ...

    @property
    def currency(self) -> str | None: ...


@dataclass(frozen=True, kw_only=True)
class AsIfBooked:
    """One condition as it would stand with the order booked; amounts in `unit`.

    tested: the next day on which it is tested, None for a continuous one. as_of: the day or block
    of the figure `before`. effect: what the order adds to it. over_by: how far past the limit.
    largest_sats: the largest order of this kind and price that this condition lets pass; None when
    the order does not move it towards its limit, or nothing can be said.
    worsens: whether the order moves the figure towards the limit, or past it.
    """

    memorandum: str
    condition: str
    kind: Kind
    unit: str
    tested: date | None
    as_of: str
    before: Decimal | None
    effect: Decimal | None
    after: Decimal | None
    limit: Decimal | None
    headroom: Decimal | None
    over_by: Decimal | None
    largest_sats: Sats | None
    worsens: bool
    verdict: Verdict
    why: str

    @property
    def needs_waiver(self) -> bool:
        """Whether passing the limit stops disbursement unless the lender's board waives it."""
        return self.kind.needs_waiver

    @property
    def refuses(self) -> bool:
        """Whether the order would breach a criterion, or a breach would grow."""
        return self.needs_waiver and self.worsens and self.verdict is Verdict.BREACHED


@dataclass(frozen=True)
class Preview:
    """Every condition that an order touches.

    refusals: criteria it would breach. warnings: targets it would miss that need no waiver.
    unknown: conditions it worsens of which nothing can be said; never taken for a pass.
    """

    lines: tuple[AsIfBooked, ...]

    @property
    def refusals(self) -> tuple[AsIfBooked, ...]:
        return tuple(line for line in self.lines if line.refuses)

    @property
    def warnings(self) -> tuple[AsIfBooked, ...]:
        return tuple(
            line
            for line in self.lines
            if line.worsens and line.verdict is Verdict.BREACHED and not line.needs_waiver
        )

    @property
    def unknown(self) -> tuple[AsIfBooked, ...]:
        return tuple(
            line
            for line in self.lines
            if line.worsens and line.verdict is Verdict.NOT_ASSESSABLE and line.needs_waiver
        )

    @property
    def passes(self) -> bool:
        """No criterion is breached, and none is left without an answer."""
        return not self.refusals and not self.unknown

    @property
    def largest_sats(self) -> Sats | None:
        """The largest order of this kind and price that breaches no criterion; None: no limit is
        known. Where a criterion is unknown this is not a promise: see `unknown`.
        """
        known = [
            line.largest_sats
            for line in self.lines
            if line.needs_waiver and line.largest_sats is not None
        ]
        return min(known, default=None)
