"""An order: what is to be paid or bought, for whom, and why; one text, one hash."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Any

from khazana.bitcoin.address import script_of
from khazana.bitcoin.network import Network
from khazana.ledger.canonical import MOST_INTEGER, canonical_bytes
from khazana.ledger.documents import Reason
from khazana.ledger.money import minor_digits
from khazana.statement.times import write_instant
from khazana.units import MAX_MONEY, Sats

ORDER_FORMAT = "khazana.order/1"
ORDER_DOMAIN = b"khazana.order/1\x00"
"""Opens what is hashed, so that an order's hash can never be another hash of the system."""
MOST_PAYMENTS = 2_000
"""More outputs than that do not fit into a transaction that nodes relay."""

PAYABLE = frozenset(
    {
        Reason.DISBURSEMENT,
        Reason.CLIENT_WITHDRAWAL,
        Reason.DISPOSAL,
        Reason.TO_CUSTODIAN,
        Reason.TRANSFER,
    }
)
"""Why an order may pay out. A transfer stays between the office's own wallets."""

_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What could add a line to what an approver is shown, or turn one around."""
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}")


def is_plain(text: str) -> bool:
    """Whether a text is one line that shows what it says.

    >>> is_plain("north roof"), is_plain("roof\\n  5 sat to bc1q...")
    (True, False)
    """
    return _HIDDEN.search(text) is None


class Kind(Enum):
    """What an order does with the office's coins."""

    PAYMENT = "payment"
    TRANSFER = "transfer"
    """Between own wallets; splits and consolidations too."""
    PURCHASE = "purchase"


@dataclass(frozen=True, slots=True)
class Payment:
    """One output that the order asks for. script: what the address stands for on its network."""

    address: str
    script: bytes
    sats: Sats
    label: str = ""

    def __post_init__(self) -> None:
        _require_amount(self.sats, "a payment")


def payment(address: str, sats: int, network: Network, *, label: str = "") -> Payment:
    """The payment to an address of this network; BadAddress for any other text."""
    return Payment(address, script_of(address, network), Sats(sats), label)


@dataclass(frozen=True, slots=True)
class Money:
    """Whole minor units of an ISO 4217 currency: paid for a purchase, or got for a sale."""

    currency: str
    minor: int

    def __post_init__(self) -> None:
        if self.currency not in minor_digits():
            raise ValueError(f"{self.currency!r} is not a currency of ISO 4217")
        if type(self.minor) is not int or not 0 < self.minor <= MOST_INTEGER:
            raise ValueError(f"{self.minor!r} is not a whole number of minor units above zero")

    @property
    def major(self) -> Decimal:
        """Exactly, in units of the currency."""
        return Decimal(self.minor).scaleb(-minor_digits()[self.currency])


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What a dealer asked for the whole amount. file_sha256: of the paper."""

    id: str
    dealer: str
    at: datetime
    valid_until: datetime
    price: Money
    fees_minor: int = 0
    file_sha256: str | None = None

    def __post_init__(self) -> None:
        if type(self.fees_minor) is not int or not 0 <= self.fees_minor <= MOST_INTEGER:
            raise ValueError(f"fees of quote {self.id} are not a whole number of minor units")
        if self.valid_until <= self.at:
            raise ValueError(f"quote {self.id} ends before it begins")

    @property
    def total(self) -> Money:
        """Price and fees together."""
        return Money(self.price.currency, self.price.minor + self.fees_minor)


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """Bitcoin bought for money. chosen: the quote decided for; why: needed if not the cheapest.

    deliver_by: the last day on which the coins may arrive before an alarm.
    """

    address: str
    script: bytes
    sats: Sats
    quotes: tuple[Quote, ...]
    chosen: str
    why: str | None
    deliver_by: date

    def __post_init__(self) -> None:
        _require_amount(self.sats, "a purchase")
        ids = [quote.id for quote in self.quotes]
        if len(set(ids)) != len(ids):
            raise ValueError("two quotes have the same id")
        if self.chosen not in ids:
            raise ValueError(f"the quote decided for, {self.chosen!r}, is not listed")

    @property
    def quote(self) -> Quote:
        """The quote that was decided for."""
        return next(quote for quote in self.quotes if quote.id == self.chosen)


@dataclass(frozen=True, kw_only=True)
class Order:
    """office: its fingerprint. drafter: the id of a key. account: the wallet that pays or receives.

    Either payments or a purchase. money: what a sale brings. paid_from: the pocket, as a
    memorandum's [[effect]] names it. counter_account: a declared account at the other end.
    """

    id: str
    office: str
    network: Network
    drafted_at: datetime
    drafter: str
    expires_at: datetime
    account: str
    reason: Reason
    purpose: str
    payments: tuple[Payment, ...] = ()
    purchase: Purchase | None = None
    money: Money | None = None
    paid_from: str | None = None
    counterparty: str | None = None
    counter_account: str | None = None
    authority: str | None = None
    budget_line: str | None = None

    def __post_init__(self) -> None:
        for name in ("id", "account"):
            if not _IDENTIFIER.fullmatch(getattr(self, name)):
                raise ValueError(f"{name}: use 1 to 48 letters, digits, '.', '_' or '-'")
        for name, text in _texts(self):
            if not is_plain(text):
                raise ValueError(f"{name}: holds a line break or another control character")
        if self.expires_at <= self.drafted_at:
            raise ValueError("expires_at: the order ends before it begins")
        if not self.purpose.strip():
            raise ValueError("purpose: an order says what it is for")
        if bool(self.payments) == (self.purchase is not None):
            raise ValueError("payments: an order has payments or a purchase, not both")
        if self.purchase is not None and self.reason is not Reason.ACQUISITION:
            raise ValueError(f"reason: a purchase is an acquisition, not {self.reason.value}")
        if self.purchase is None and self.reason not in PAYABLE:
            raise ValueError(f"reason: {self.reason.value} pays nothing out")
        if (self.reason is Reason.TO_CUSTODIAN) != (self.counter_account is not None):
            raise ValueError("counter_account: needed for to_custodian, and only there")
        if self.purchase is not None and self.money is not None:
            raise ValueError("money: the quote states what a purchase costs")
        if len(self.payments) > MOST_PAYMENTS:
            raise ValueError(f"payments: {len(self.payments)} are more than {MOST_PAYMENTS}")
        scripts = [each.script for each in self.payments]
        if len(set(scripts)) != len(scripts):
            raise ValueError("payments: one address is paid twice; write one payment")
        if self.sats > MAX_MONEY:
            raise ValueError("payments: together more than will ever exist")

    @property
    def kind(self) -> Kind:
        if self.purchase is not None:
            return Kind.PURCHASE
        return Kind.TRANSFER if self.reason is Reason.TRANSFER else Kind.PAYMENT

    @property
    def sats(self) -> Sats:
        """What is paid or bought in all, without the fee."""
        if self.purchase is not None:
            return self.purchase.sats
        return Sats(sum(each.sats for each in self.payments))

    @property
    def cost(self) -> Money | None:
        """The money that changes hands."""
        return self.money if self.purchase is None else self.purchase.quote.total

    @cached_property
    def digest(self) -> str:
        """SHA-256("khazana.order/1" ‖ 0x00 ‖ canonical JSON of the record), in hex."""
        return hashlib.sha256(ORDER_DOMAIN + canonical_bytes(record(self))).hexdigest()


def _texts(order: Order) -> Iterator[tuple[str, str]]:
    """Every text that people wrote, with its field."""
    names = ("purpose", "paid_from", "counterparty", "counter_account", "authority", "budget_line")
    yield from ((name, getattr(order, name) or "") for name in names)
    yield from (("payments", each.label) for each in order.payments)
    if order.purchase is not None:
        yield "purchase", order.purchase.why or ""
        yield from (("purchase", f"{each.id} {each.dealer}") for each in order.purchase.quotes)


def record(order: Order) -> dict[str, Any]:
    """The canonical record: every field, also the empty ones, so that nothing can be added."""
    return {
        "format": ORDER_FORMAT,
        "id": order.id,
        "office": order.office,
        "network": {"name": order.network.name, "genesis": order.network.genesis},
        "drafted_at": write_instant(order.drafted_at),
        "drafter": order.drafter,
        "expires_at": write_instant(order.expires_at),
        "account": order.account,
        "reason": order.reason.value,
        "purpose": order.purpose,
        "payments": [
            {"address": each.address, "sats": each.sats, "label": each.label}
            for each in order.payments
        ],
        "purchase": None if order.purchase is None else _purchase_record(order.purchase),
        "money": _money_record(order.money),
        "paid_from": order.paid_from,
        "counterparty": order.counterparty,
        "counter_account": order.counter_account,
        "authority": order.authority,
        "budget_line": order.budget_line,
    }


def _purchase_record(purchase: Purchase) -> dict[str, Any]:
    return {
        "address": purchase.address,
        "sats": purchase.sats,
        "quotes": [
            {
                "id": quote.id,
                "dealer": quote.dealer,
                "at": write_instant(quote.at),
                "valid_until": write_instant(quote.valid_until),
                "price": _money_record(quote.price),
                "fees_minor": quote.fees_minor,
                "file_sha256": quote.file_sha256,
            }
            for quote in purchase.quotes
        ],
        "chosen": purchase.chosen,
        "why": purchase.why,
        "deliver_by": purchase.deliver_by.isoformat(),
    }


def _money_record(money: Money | None) -> dict[str, Any] | None:
    return None if money is None else {"currency": money.currency, "minor": money.minor}


def _require_amount(sats: int, what: str) -> None:
    if type(sats) is not int or not 0 < sats <= MAX_MONEY:
        raise ValueError(f"{what} is between 1 and {MAX_MONEY} sat, not {sats!r}")
