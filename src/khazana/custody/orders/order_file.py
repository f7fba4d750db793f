"""Reading and writing an order's file: canonical JSON, refused whole with the place."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from khazana.bitcoin.address import BadAddress, SecretInsteadOfAddress
from khazana.bitcoin.network import network_of_genesis
from khazana.custody.orders.errors import OrderFileRefused
from khazana.custody.orders.order import (
    MOST_PAYMENTS,
    Money,
    Order,
    Payment,
    Purchase,
    Quote,
    payment,
    record,
)
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.ledger.documents import Reason
from khazana.statement.office_file import Instant
from khazana.statement.times import read_instant
from khazana.statement.wire import Hash256, NetworkFile
from khazana.units import MAX_MONEY

T = TypeVar("T")

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Amount = Annotated[int, msgspec.Meta(ge=1, le=MAX_MONEY)]
_ADDRESS = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing that nobody asked for: a misspelt field must not be without effect."""


class PaymentFile(_Strict, frozen=True):
    address: _ADDRESS
    sats: Amount
    label: Annotated[str, msgspec.Meta(max_length=200)]


class MoneyFile(_Strict, frozen=True):
    currency: str
    minor: Annotated[int, msgspec.Meta(ge=1)]


class QuoteFile(_Strict, frozen=True):
    id: Text
    dealer: Text
    at: Instant
    valid_until: Instant
    price: MoneyFile
    fees_minor: Annotated[int, msgspec.Meta(ge=0)]
    file_sha256: Hash256 | None


class PurchaseFile(_Strict, frozen=True):
    address: _ADDRESS
    sats: Amount
    quotes: Annotated[Sequence[QuoteFile], msgspec.Meta(min_length=1, max_length=50)]
    chosen: Text
    why: Text | None
    deliver_by: date


class OrderFile(_Strict, frozen=True):
    """The order as it stands in its file."""

    format: Literal["khazana.order/1"]
    id: Text
    office: Hash256
    network: NetworkFile
    drafted_at: Instant
    drafter: Hash256
    expires_at: Instant
    account: Text
    reason: Text
    purpose: Text
    payments: Annotated[Sequence[PaymentFile], msgspec.Meta(max_length=MOST_PAYMENTS)]
    purchase: PurchaseFile | None
    money: MoneyFile | None
    paid_from: Text | None
    counterparty: Text | None
    counter_account: Text | None
    authority: Text | None
    budget_line: Text | None


def write_order(order: Order) -> bytes:
    """The bytes of the file: canonical JSON and a final newline."""
    return canonical_bytes(record(order)) + b"\n"


def read_order(raw: bytes) -> Order:
    """The order in a file. It must stand there in canonical form: its hash is what is signed."""
    document = parse_strict(raw)
    if canonical_bytes(document) != raw.removesuffix(b"\n"):
        raise OrderFileRefused(
            place="(the whole file)", problem="it is not in canonical form: was it reformatted?"
        )
    return order_from_record(document)


def order_from_record(document: object) -> Order:
    """The order that a record describes, or a refusal with the place."""
    record_given: Any = document
    try:
        file = msgspec.convert(document, OrderFile)
    except msgspec.ValidationError as error:
        raise refused_shape(error) from error
    network = network_of_genesis(file.network.genesis)
    if network is None or network.name != file.network.name:
        raise OrderFileRefused(
            place="network", problem=f"{file.network.name} is no network with that genesis block"
        )

    def paid(number: int, each: PaymentFile) -> Payment:
        return _at(
            f"payments[{number}].address",
            lambda: payment(each.address, each.sats, network, label=each.label),
        )

    def bought(each: PurchaseFile) -> Purchase:
        got = _at("purchase.address", lambda: payment(each.address, each.sats, network))
        quotes = tuple(
            _at(f"purchase.quotes[{number}]", lambda q=quote: _quote(q))  # type: ignore[misc]
            for number, quote in enumerate(each.quotes)
        )
        return Purchase(
            address=each.address,
            script=got.script,
            sats=got.sats,
            quotes=quotes,
            chosen=each.chosen,
            why=each.why,
            deliver_by=each.deliver_by,
        )

    money = file.money
    purchase = file.purchase
    payments = tuple(paid(number, each) for number, each in enumerate(file.payments))
    known = {reason.value: reason for reason in Reason}
    if file.reason not in known:
        raise OrderFileRefused(place="reason", problem=f"{file.reason!r} is no reason")
    made = _at(
        "the order",
        lambda: Order(
            id=file.id,
            office=file.office,
            network=network,
            drafted_at=_instant(file.drafted_at, "drafted_at"),
            drafter=file.drafter,
            expires_at=_instant(file.expires_at, "expires_at"),
            account=file.account,
            reason=known[file.reason],
            purpose=file.purpose,
            payments=payments,
            purchase=None if purchase is None else _at("purchase", lambda: bought(purchase)),
            money=None if money is None else _at("money", lambda: _money(money)),
            paid_from=file.paid_from,
            counterparty=file.counterparty,
            counter_account=file.counter_account,
            authority=file.authority,
            budget_line=file.budget_line,
        ),
    )
    # One stroke against everything that has a second spelling, such as a day as 2026-1-1.
    if canonical_bytes(record(made)) != canonical_bytes(record_given):
        raise OrderFileRefused(place="the top", problem="a value stands in a second spelling")
    return made


def refused_shape(error: msgspec.ValidationError, *, within: str = "") -> OrderFileRefused:
    """The refusal of a document whose shape is wrong, with the place inside it."""
    problem, at, place = str(error).rpartition(" - at ")
    found = f"{within}.{place.strip('`$.')}".strip(".") if at else within or "the top"
    return OrderFileRefused(place=found, problem=problem if at else str(error))


def _money(file: MoneyFile) -> Money:
    return Money(file.currency, file.minor)


def _quote(file: QuoteFile) -> Quote:
    return Quote(
        id=file.id,
        dealer=file.dealer,
        at=_instant(file.at, "purchase.quotes"),
        valid_until=_instant(file.valid_until, "purchase.quotes"),
        price=_money(file.price),
        fees_minor=file.fees_minor,
        file_sha256=file.file_sha256,
    )


def _instant(text: str, place: str) -> datetime:
    try:
        return read_instant(text)
    except ValueError as error:
        # The spelling was checked; a thirteenth month is still spelt well.
        raise OrderFileRefused(place=place, problem=f"{text} is no time") from error


def _at(place: str, make: Callable[[], T]) -> T:
    """What `make` gives; a refusal with the place when the file's values do not allow it."""
    try:
        return make()
    except (BadAddress, SecretInsteadOfAddress) as error:
        raise OrderFileRefused(place=place, problem=str(error).rstrip(".")) from error
    except ValueError as error:
        field, colon, rest = str(error).partition(": ")
        inner = colon and field.isidentifier()
        raise OrderFileRefused(
            place=field if inner else place, problem=rest if inner else str(error)
        ) from error
