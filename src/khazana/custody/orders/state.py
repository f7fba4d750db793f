"""Where an order stands after what happened to it; an event that cannot follow is refused."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from khazana.bitcoin.transaction import OutPoint, Transaction
from khazana.custody.orders.events import Booked, Checked, Confirmed, Declined, Paid, Receipted
from khazana.custody.orders.order import Kind, Order
from khazana.custody.orders.signing import Approver, OverrideSigned
from khazana.custody.orders.transaction import TransactionFacts
from khazana.units import Sats


class Status(Enum):
    """Where an order stands. A refused order can be checked again; a declined one cannot."""

    DRAFT = "draft"
    CHECKED = "checked"
    REFUSED = "refused"
    APPROVED = "approved"
    SIGNED = "signed"
    BROADCAST = "broadcast"
    REPLACED = "replaced"
    """A replacement with a higher fee (RBF) is to be checked and approved."""
    BUMPED = "bumped"
    """A child that pays for its parent (CPFP) is to be checked and approved."""
    CONFIRMED = "confirmed"
    PAID = "paid"
    """A purchase whose money left."""
    DELIVERED = "delivered"
    BOOKED = "booked"
    EXPIRED = "expired"


FINAL = frozenset({Status.BOOKED, Status.EXPIRED})


class AttemptPurpose(Enum):
    ORIGINAL = "original"
    REPLACEMENT = "replacement"
    CHILD = "child"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One transaction for the order. final: signed. sent_at: when it was broadcast."""

    purpose: AttemptPurpose
    facts: TransactionFacts
    final: Transaction | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """An override in force or past. publish_on: the day by which the public is told."""

    signed: OverrideSigned
    publish_on: date
    published: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Coins of a purchase that arrived."""

    txid: str
    vout: int
    sats: Sats
    height: int
    block: str


@dataclass(frozen=True, kw_only=True)
class OrderState:
    """An order and all that happened to it so far.

    check: the last one. checked_at: when it last passed; from then on it counts in limits.
    """

    order: Order
    status: Status
    drafter: str
    last_at: datetime
    attempts: tuple[Attempt, ...] = ()
    check: Checked | None = None
    checked_at: datetime | None = None
    approvals: tuple[Approver, ...] = ()
    overrides: tuple[Override, ...] = ()
    confirmed: Confirmed | None = None
    confirmed_txid: str | None = None
    confirmed_attempt: Attempt | None = None
    paid: Paid | None = None
    receipt: Receipted | None = None
    deliveries: tuple[Delivery, ...] = ()
    declined: Declined | None = None
    booked: Booked | None = None

    @property
    def attempt(self) -> Attempt | None:
        """The transaction that is being worked on, or was last."""
        return self.attempts[-1] if self.attempts else None

    @property
    def facts(self) -> TransactionFacts | None:
        return self.attempt.facts if self.attempt else None

    @property
    def txid(self) -> str | None:
        """Of the current transaction's unsigned form, as approvals name it."""
        return self.facts.txid if self.facts else None

    @property
    def sent(self) -> tuple[Attempt, ...]:
        """Transactions that the network has seen; each of them may confirm."""
        return tuple(each for each in self.attempts if each.sent_at is not None)

    @property
    def coins(self) -> frozenset[OutPoint]:
        """What its transactions spend: one that was sent can confirm whatever came after it."""
        return frozenset(point for each in self.attempts for point in each.facts.outpoints)

    @property
    def overridden(self) -> tuple[str, ...]:
        """Rules against which the current transaction may pass."""
        rules = {
            rule
            for each in self.overrides
            if each.signed.txid == self.txid
            for rule in each.signed.rules
        }
        return tuple(sorted(rules))

    @property
    def failed(self) -> tuple[str, ...]:
        """Rules that the last check found broken."""
        if self.check is None:
            return ()
        return tuple(sorted(each.rule for each in self.check.results if not each.passed))

    @property
    def counting(self) -> tuple[Approver, ...]:
        """Approvals of the current transaction, given in the knowledge of its overrides."""
        used = self.relied_on
        return tuple(
            each for each in self.approvals if each.txid == self.txid and each.overridden == used
        )

    @property
    def approvers(self) -> tuple[str, ...]:
        """The people who approved what was carried out."""
        done = self.confirmed_attempt
        txid = self.txid if done is None else done.facts.txid
        return tuple(sorted({each.holder for each in self.approvals if each.txid == txid}))

    @property
    def relied_on(self) -> tuple[str, ...]:
        """Overridden rules that the last check found broken: the ones approvers have to name."""
        return tuple(rule for rule in self.failed if rule in self.overridden)

    @property
    def delivered_sats(self) -> Sats:
        return Sats(sum(each.sats for each in self.deliveries))

    @property
    def committed(self) -> bool:
        """Whether it counts in limits and headroom: it may still be, or was, carried out."""
        if self.order.kind is Kind.PURCHASE and (self.paid or self.deliveries):
            return True
        if self.sent:
            return True
        return self.checked_at is not None and self.status not in (
            Status.REFUSED,
            Status.EXPIRED,
            Status.DRAFT,
        )
