"""The office's rules for spending: limits, payees, who drafts, who approves, who may override."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from khazana.custody.orders.order import Kind
from khazana.units import Sats

SPENDING_FORMAT = "khazana.spending/1"
LEAST_OVERRIDE_SIGNATURES = 2
"""An override is never one person's."""


class Per(Enum):
    """What a limit is counted over; days and months are the office's calendar."""

    ORDER = "order"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so much, per order, day or month. account: None means all wallets together."""

    id: str
    on: Kind
    per: Per
    most: Sats
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Payee:
    """Somebody whom the office has decided to pay, with the addresses compared beforehand."""

    id: str
    name: str
    scripts: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Approval:
    """Orders of at least `least_sats` need `count` people of a role of the signed identity."""

    role: str
    count: int
    least_sats: Sats


@dataclass(frozen=True, slots=True)
class OverrideRule:
    """Who may let an order pass against a rule, and after how many days the public learns it."""

    role: str
    publish_after_days: int


@dataclass(frozen=True, slots=True)
class Hours:
    """When orders are checked. days: 0 is Monday. begins, ends: hours in the office's zone."""

    days: frozenset[int]
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Cooling:
    """From this amount on, hours that pass between the draft and the release."""

    hours: int
    least_sats: Sats


@dataclass(frozen=True, slots=True)
class QuoteRule:
    """How many dealers are asked for a purchase, and how old their quotes may be."""

    least: int
    most_hours: int


@dataclass(frozen=True, kw_only=True)
class SpendingRules:
    """holders: person by key id. A person who leaves stays listed: old approvals name them; what
    ends is the key's role in the office's identity. sha256: of the file these rules stand in.
    """

    sha256: str
    check_valid_hours: int
    expires_within_days: int
    conditions_required: bool
    most_fee: Sats
    per_address: Sats
    confirmations: int
    allow_list: bool
    draft_role: str
    approvals: tuple[Approval, ...]
    quotes: QuoteRule
    override: OverrideRule | None
    hours: Hours | None
    cooling: Cooling | None
    limits: tuple[Limit, ...]
    payees: tuple[Payee, ...]
    holders: Mapping[str, str]

    def approvals_for(self, sats: Sats) -> tuple[Approval, ...]:
        """Every approval that an order of this size needs."""
        return tuple(each for each in self.approvals if sats >= each.least_sats)

    def payee_of(self, script: bytes) -> Payee | None:
        return next((payee for payee in self.payees if script in payee.scripts), None)
