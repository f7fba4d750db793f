"""A request for an order, as a person writes it (TOML); drafting adds who, when and where."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from khazana.bitcoin.address import BadAddress, SecretInsteadOfAddress
from khazana.bitcoin.network import Network
from khazana.custody.orders.order import (
    PAYABLE,
    Money,
    Order,
    Payment,
    Purchase,
    Quote,
    payment,
)
from khazana.ledger.documents import Reason
from khazana.ledger.money import minor_digits, minor_units, sats_of_text
from khazana.ledger.problems import ProblemList, suggestion
from khazana.ledger.sections import Section, read_toml
from khazana.units import Sats

REQUEST_FORMAT = "khazana.order-request/1"
_MOST_DAYS = 366
_NO_DAY = date(1, 1, 1)
_NO_TIME = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Drafter:
    """Who drafts, for which office, when."""

    office: str
    network: Network
    key: str
    at: datetime


def read_request(
    name: str, raw: bytes, drafter: Drafter, *, batch: tuple[Payment, ...] = ()
) -> Order:
    """The order that a request asks for; OfficeFileRefused with every problem's line and field.

    batch: payments of a table beside the request, after its own.
    """
    problems = ProblemList()
    top = read_toml(name, raw, problems)
    if top.text("format") not in ("", REQUEST_FORMAT):
        top.wrong(f'this program reads format = "{REQUEST_FORMAT}"', "format")
    payments = (*_payments(top, drafter.network), *batch)
    purchase = _purchase(top, drafter.network)
    reason = _reason(top, purchase=purchase is not None)
    days = top.integer("expires_in_days", least=1, most=_MOST_DAYS)
    money_part = top.section("money", required=False)
    money = _money(money_part, "amount") if money_part else None
    if money_part:
        money_part.finish()
    heading = {key: top.maybe_text(key) for key in _OPTIONAL}
    id_, account, purpose = top.identifier(), top.identifier("wallet"), top.text("purpose")
    top.finish()
    problems.refuse_if_any(name)
    try:
        return Order(
            id=id_,
            office=drafter.office,
            network=drafter.network,
            drafted_at=drafter.at,
            drafter=drafter.key,
            expires_at=drafter.at + timedelta(days=days),
            account=account,
            reason=reason,
            purpose=purpose,
            payments=payments,
            purchase=purchase,
            money=money,
            **heading,
        )
    except ValueError as wrong:
        field, _, text = str(wrong).partition(": ")
        top.wrong(text or str(wrong), _WRITTEN.get(field, field))
        problems.refuse_if_any(name)
        raise


_OPTIONAL = ("paid_from", "counterparty", "counter_account", "authority", "budget_line")
_WRITTEN = {"payments": "pay", "account": "wallet", "expires_at": "expires_in_days"}


def _reason(top: Section, *, purchase: bool) -> Reason:
    if purchase:
        top.has("reason")
        if top.values.get("reason", "acquisition") != "acquisition":
            top.wrong("a purchase is an acquisition; leave this out", "reason")
        return Reason.ACQUISITION
    known = {reason.value: reason for reason in PAYABLE}
    value = top.text("reason")
    if value and value not in known:
        top.wrong(f"{value!r} is no reason to pay{suggestion(value, known)}", "reason")
    return known.get(value, Reason.DISBURSEMENT)


def _payments(top: Section, network: Network) -> list[Payment]:
    found = []
    for section in top.sections("pay"):
        address, label = section.text("address"), section.maybe_text("label")
        sats = _sats(section)
        section.finish()
        if not address or sats is None:
            continue
        try:
            found.append(payment(address, sats, network, label=label or ""))
        except (BadAddress, SecretInsteadOfAddress) as wrong:
            section.wrong(str(wrong), "address")
        except ValueError as wrong:
            section.wrong(str(wrong), "btc" if section.has("btc") else "sat")
    return found


def _sats(section: Section) -> Sats | None:
    """An amount as btc = "0.5" or sat = 50_000_000, or both alike."""
    btc = section.maybe_text("btc") or ""
    sat = section.values.get("sat", "") if section.has("sat") else ""
    if isinstance(sat, bool) or not isinstance(sat, (int, str)):
        section.wrong("should be a whole number of satoshis", "sat")
        return None
    try:
        return sats_of_text(btc=btc, sat=str(sat))
    except ValueError as wrong:
        section.wrong(str(wrong), "btc" if btc else "sat")
        return None


def _purchase(top: Section, network: Network) -> Purchase | None:
    section = top.section("purchase", required=False)
    if section is None:
        return None
    quotes = tuple(_quotes(section))
    address, chosen, why = section.text("address"), section.text("chosen"), None
    why = section.maybe_text("why")
    deliver_by = section.values.get("deliver_by") if section.has("deliver_by") else None
    if not isinstance(deliver_by, date) or isinstance(deliver_by, datetime):
        section.wrong("should be a day without quotes, such as 2026-03-01", "deliver_by")
        deliver_by = _NO_DAY
    sats = _sats(section)
    section.finish()
    if sats is None or not address:
        return None
    try:
        paid = payment(address, sats, network)
    except (BadAddress, SecretInsteadOfAddress) as wrong:
        section.wrong(str(wrong), "address")
        return None
    except ValueError as wrong:
        section.wrong(str(wrong), "btc" if section.has("btc") else "sat")
        return None
    try:
        return Purchase(
            address=address,
            script=paid.script,
            sats=paid.sats,
            quotes=quotes,
            chosen=chosen,
            why=why,
            deliver_by=deliver_by,
        )
    except ValueError as wrong:
        section.wrong(str(wrong), "chosen")
        return None


def _quotes(purchase: Section) -> list[Quote]:
    found = []
    sections = purchase.sections("quote")
    if not sections:
        purchase.wrong("lists no quote: [[purchase.quote]]", "quote")
    for section in sections:
        price = _money(section, "price")
        fees = _minor(section, "fees", required=False)
        id_, dealer = section.identifier(), section.text("dealer")
        at, until = _time(section, "at"), _time(section, "valid_until")
        file = section.hash("file_sha256") if section.has("file_sha256") else None
        section.finish()
        if price is None:
            continue
        try:
            found.append(
                Quote(
                    id=id_,
                    dealer=dealer,
                    at=at,
                    valid_until=until,
                    price=price,
                    fees_minor=fees or 0,
                    file_sha256=file,
                )
            )
        except ValueError as wrong:
            section.wrong(str(wrong), "valid_until")
    return found


def _money(section: Section, key: str) -> Money | None:
    minor = _minor(section, key)
    currency = section.text("currency")
    if minor is None or currency not in minor_digits():
        return None
    try:
        return Money(currency, minor)
    except ValueError as wrong:
        section.wrong(str(wrong), key)
        return None


def _minor(section: Section, key: str, *, required: bool = True) -> int | None:
    """Money in major units as text, in the section's currency."""
    text = section.text(key) if required else section.maybe_text(key)
    currency = section.values.get("currency")
    if not text:
        return None
    if not isinstance(currency, str) or currency not in minor_digits():
        section.has("currency")
        section.wrong(f"{currency!r} is not a currency of ISO 4217", "currency")
        return None
    try:
        minor = minor_units(text, currency)
    except ValueError as wrong:
        section.wrong(str(wrong), key)
        return None
    if minor < 0:
        section.wrong("is negative", key)
        return None
    return minor


def _time(section: Section, key: str) -> datetime:
    """A TOML time with a zone, in whole seconds."""
    value = section.values.get(key) if section.has(key) else None
    if not isinstance(value, datetime) or value.tzinfo is None or value.microsecond:
        section.wrong("should be a time with a zone, such as 2026-03-01T09:30:00+05:00", key)
        return _NO_TIME
    return value.astimezone(UTC)
