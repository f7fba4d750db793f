"""What bitcoin was worth: prices with an instant, a venue and a rule; never an interpolated one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from khazana.errors import KhazanaError
from khazana.ledger.canonical import Json
from khazana.ledger.documents import utc_text
from khazana.ledger.findings import Finding
from khazana.ledger.grades import EvidenceGrade
from khazana.ledger.money import minor_digits
from khazana.ledger.problems import ProblemList
from khazana.ledger.tables import Row, read_table
from khazana.units import SATS_PER_BTC, Sats

BITCOIN = "BTC"
PRICE_COLUMNS = ("at", "venue", "rule", "base", "currency", "price")
SOURCE_COLUMNS = ("source", "file_sha256")
"""Where a price was published and the hash of what was published there; both may be left out."""


@dataclass(frozen=True, kw_only=True)
class PricePoint:
    """`price` units of `currency` for one unit of `base`, at an instant, at a venue, by a rule.

    base: BTC for a price of bitcoin, a currency for an exchange rate. at: UTC.
    rule: how the venue's figure was made, in its words: "daily close", "weighted average selling".
    price: the decimal as published; its digits are kept.
    source: where it was published. file_sha256: of the published file or page itself.
    """

    at: datetime
    venue: str
    rule: str
    base: str
    currency: str
    price: str
    source: str | None = None
    file_sha256: str | None = None

    def __post_init__(self) -> None:
        if self.at.utcoffset() != timedelta(0):
            raise ValueError("the instant of a price is in UTC")
        if self.base == self.currency:
            raise ValueError(f"{self.base} has no price in itself")
        if self.currency not in minor_digits():
            raise ValueError(f"{self.currency} is not a currency of ISO 4217")
        if self.base != BITCOIN and self.base not in minor_digits():
            raise ValueError(f"{self.base} is neither BTC nor a currency of ISO 4217")
        if self.value <= 0:
            raise ValueError(f"a price is above zero, not {self.price}")

    @property
    def value(self) -> Fraction:
        """The price, exactly."""
        return decimal_fraction(self.price)

    @property
    def grade(self) -> EvidenceGrade:
        """C when the price says where it was published and the hash of what was, else D."""
        cited = self.source is not None and self.file_sha256 is not None
        return EvidenceGrade.C if cited else EvidenceGrade.D

    def record(self) -> dict[str, Json]:
        """The point as it stands in a valuation."""
        return {
            "at": utc_text(self.at),
            "venue": self.venue,
            "rule": self.rule,
            "base": self.base,
            "currency": self.currency,
            "price": self.price,
            "source": self.source,
            "file_sha256": self.file_sha256,
        }


def decimal_fraction(text: str) -> Fraction:
    """A plain decimal such as 61234.50, exactly; ValueError for anything else.

    Rule V2: signs, exponents, separators and fractions are refused: they have second meanings.
    """
    whole, point, decimals = text.partition(".")
    digits = whole + decimals
    if not (whole and digits.isascii() and digits.isdigit()) or bool(point) != bool(decimals):
        raise ValueError(f"{text!r} is not a plain decimal: digits and a point, no separators")
    if len(digits) > 40:
        raise ValueError(f"{text[:40]}... has more than 40 digits")
    return Fraction(int(digits), 10 ** len(decimals))


@dataclass(frozen=True, slots=True)
class Quote:
    """Which points answer for which pair: one venue and one rule, decided beforehand (Rule V1)."""

    base: str
    currency: str
    venue: str
    rule: str

    def __str__(self) -> str:
        return f"{self.base} in {self.currency} at {self.venue} ({self.rule})"


@dataclass(frozen=True, kw_only=True)
class PriceRule:
    """The office's way from bitcoin to a currency.

    quotes: one, or a chain such as BTC in USD, then USD in PKR by a cited rate (Rule V4).
    max_age: how old the newest point at or before the instant may be (Rule V3).
    """

    quotes: tuple[Quote, ...]
    max_age: timedelta

    def __post_init__(self) -> None:
        if not self.quotes or self.quotes[0].base != BITCOIN:
            raise ValueError("a price rule starts with a price of BTC")
        for first, second in zip(self.quotes, self.quotes[1:], strict=False):
            if first.currency != second.base:
                raise ValueError(f"{first} does not lead to {second}")
        if self.max_age < timedelta(0):
            raise ValueError("a price cannot be younger than its instant")

    @property
    def currency(self) -> str:
        """Where the chain of quotes ends."""
        return self.quotes[-1].currency


@dataclass(frozen=True, kw_only=True)
class Value:
    """What an amount was worth. minor: in minor units of `currency`, rounded half to even (V5)."""

    amount: Sats
    at: datetime
    currency: str
    minor: int
    points: tuple[PricePoint, ...]

    def record(self) -> dict[str, Json]:
        """The value with every point it rests on, for a valuation document."""
        return {
            "amount_sat": self.amount,
            "at": utc_text(self.at),
            "currency": self.currency,
            "minor": self.minor,
            "points": [point.record() for point in self.points],
        }


def value_at(
    amount: Sats, at: datetime, *, prices: Sequence[PricePoint], rule: PriceRule
) -> Value | Finding:
    """Rules V1 to V5: the value of an amount at an instant, or the finding that a price is missing.

    value = amount / 10^8 x price [x rate], rounded once, at the end
    """
    exact = Fraction(amount, SATS_PER_BTC)
    points = []
    for quote in rule.quotes:
        point = point_at(quote, at, prices=prices, max_age=rule.max_age)
        if isinstance(point, Finding):
            return point
        exact *= point.value
        points.append(point)
    return Value(
        amount=amount,
        at=at,
        currency=rule.currency,
        minor=round_minor(exact, rule.currency),
        points=tuple(points),
    )


def round_minor(exact: Fraction, currency: str) -> int:
    """Rule V5: major units to whole minor units, half to even.

    >>> round_minor(Fraction("0.125"), "USD"), round_minor(Fraction("0.135"), "USD")
    (12, 14)
    """
    scale: int = 10 ** minor_digits()[currency]
    return round(exact * scale)


def point_at(
    quote: Quote, at: datetime, *, prices: Iterable[PricePoint], max_age: timedelta
) -> PricePoint | Finding:
    """Rule V3: the newest point of the quote at or before the instant, if it is not too old."""
    known = [
        point
        for point in prices
        if (point.base, point.currency) == (quote.base, quote.currency)
        and (point.venue, point.rule) == (quote.venue, quote.rule)
        and at - max_age <= point.at <= at
    ]
    if not known:
        text = f"no price of {quote} at {utc_text(at)} or up to {max_age} before"
        return Finding("V3", text, "prices")
    newest = max(point.at for point in known)
    found = {point.price: point for point in known if point.at == newest}
    if len({point.value for point in found.values()}) > 1:
        text = f"{len(found)} prices of {quote} at {utc_text(newest)}: {', '.join(sorted(found))}"
        return Finding("V1", text, "prices")
    return found[min(found)]


@dataclass(eq=False, kw_only=True)
class PricesRefused(KhazanaError):
    """A table of prices has problems; it is refused whole, with all of them."""

    file: str
    problems: str
    code = "prices_refused"
    words = "{file} is refused; none of its prices was taken:\n{problems}"


def read_prices(file: str, raw: bytes) -> tuple[PricePoint, ...]:
    """Prices from a CSV table with the columns of PRICE_COLUMNS, and SOURCE_COLUMNS if known.

    base may be left out for BTC.
    """
    problems = ProblemList()
    rows = read_table(
        file,
        raw,
        columns=(*PRICE_COLUMNS, *SOURCE_COLUMNS),
        required=tuple(column for column in PRICE_COLUMNS if column != "base"),
        problems=problems,
    )
    points: list[PricePoint] = []
    seen: dict[tuple[object, ...], int] = {}
    for row in rows:
        point = _price_of(row)
        if point is None:
            continue
        key = point.at, point.venue, point.rule, point.base, point.currency
        if key in seen:
            row.wrong("at", f"line {seen[key]} gives this price too")
        seen.setdefault(key, row.line)
        points.append(point)
    if problems.found:
        listed = "\n".join(f"  {problem}" for problem in problems.found)
        raise PricesRefused(file=file, problems=listed)
    return tuple(points)


def _price_of(row: Row) -> PricePoint | None:
    found = len(row.problems.found)
    at, venue, rule = row.time("at"), row.text("venue"), row.text("rule")
    base, currency = row.cells["base"] or BITCOIN, row.text("currency")
    if base != BITCOIN and base not in minor_digits():
        row.wrong("base", f"{base!r} is neither BTC nor a currency of ISO 4217")
    if currency and currency not in minor_digits():
        row.wrong("currency", f"{currency!r} is not a currency of ISO 4217")
    elif currency == base:
        row.wrong("currency", f"{base} has no price in itself")
    price = row.text("price")
    if price:
        try:
            if decimal_fraction(price) == 0:
                row.wrong("price", "is zero")
        except ValueError as wrong:
            row.wrong("price", str(wrong))
    file_sha256 = row.maybe_hash("file_sha256")
    if len(row.problems.found) > found:
        return None
    return PricePoint(
        at=at.astimezone(UTC),
        venue=venue,
        rule=rule,
        base=base,
        currency=currency,
        price=price,
        source=row.maybe("source"),
        file_sha256=file_sha256,
    )
