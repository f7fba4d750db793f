"""What the rules look at beside an order, and how each of them answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from khazana.custody.orders.conditions import ConditionsCheck
from khazana.custody.orders.state import OrderState
from khazana.ledger.accounts import Lane
from khazana.statement.identity import OfficeVersion
from khazana.units import Sats


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule says. over_by: in satoshis or whole units, where it is a matter of amount.

    largest: the largest order of this kind that the rule lets pass; None: it does not depend on
    the amount. overridable: whether two people may let the order pass all the same.
    """

    rule: str
    passed: bool
    why: str
    largest: Sats | None = None
    over_by: str | None = None
    overridable: bool = True
    warning: bool = False


@dataclass(frozen=True, kw_only=True)
class Situation:
    """All that the rules look at beside the order.

    others: every other order of the log. scripts: of the office's wallets, with their wallet.
    held: what own addresses hold already, if a chain was asked. books_height: the last block of
    the books that the conditions were counted in; None when they have no books. lanes: whose the
    coins of each wallet are by law; None when nobody said.
    """

    at: datetime
    zone: ZoneInfo
    version: OfficeVersion
    scripts: Mapping[bytes, str]
    others: tuple[OrderState, ...] = ()
    held: Mapping[bytes, Sats] | None = None
    conditions: ConditionsCheck | None = None
    books_height: int | None = None
    lanes: Mapping[str, Lane] | None = None

    @property
    def day(self) -> date:
        """In the office's zone."""
        return self.at.astimezone(self.zone).date()
