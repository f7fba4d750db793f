"""The valuation file: what a statement's holdings were worth, at cited prices, under its root.

Amounts of bitcoin are satoshis. Money is a decimal in major units with exactly the digits of its
ISO 4217 currency. docs/spec/valuation.md describes each field.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec

from khazana.errors import KhazanaError
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.ledger.money import major_units, minor_digits
from khazana.reserve.parts import (
    Amount,
    Body,
    Grade,
    Hash,
    NetworkBody,
    PeriodBody,
    SetName,
    Sum,
    Text,
    UtcTime,
)
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.envelope import NetworkName, network_problems
from khazana.statement.patterns import END
from khazana.statement.times import read_instant

FORMAT: Final = "khazana.valuation/1"
MOST_DIGITS = 40

Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}" + END)]
Money = Annotated[
    str, msgspec.Meta(pattern=r"^-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,4})?" + END, max_length=24)
]
Decimal = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9]{1,40}(\.[0-9]{1,40})?" + END, max_length=MOST_DIGITS + 1)
]


class QuoteBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The venue and its rule that answer for a pair; base: BTC or a currency."""

    base: Currency
    currency: Currency
    venue: Text
    rule: Text


class RuleBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The way from bitcoin to a currency, decided beforehand."""

    currency: Currency
    quotes: Annotated[list[QuoteBody], msgspec.Meta(min_length=1, max_length=4)]
    max_age_s: Annotated[int, msgspec.Meta(ge=0, le=366 * 86_400)]


class PriceBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A price that was used. grade: C when source and hash are given, else D."""

    at: UtcTime
    venue: Text
    rule: Text
    base: Currency
    currency: Currency
    price: Decimal
    source: Text | None
    file_sha256: Hash | None
    grade: Grade


class RateBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one bitcoin was worth: the product of the prices.

    grade: of the weakest price; None when one is missing, and those before it are listed.
    """

    currency: Currency
    prices: list[PriceBody]
    grade: Grade | None


class InstantBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    at: UtcTime
    rates: list[RateBody]


class MoneyBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An amount of money. None: it cannot be said; a finding says why."""

    currency: Currency
    amount: Money | None


class MeasureBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holdings (chain and attested) and recognised holdings (after write-offs), each with value."""

    holdings: Amount
    value: list[MoneyBody]
    recognised: Amount
    recognised_value: list[MoneyBody]


class SideBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One end of the period. own: owned, forfeited and pledged; pledged: a part of own.

    seized, held_for_clients: not the state's, and in no total.
    """

    own: MeasureBody
    pledged: MeasureBody
    seized: MeasureBody
    held_for_clients: MeasureBody


class SetBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    set: SetName
    opening: SideBody
    closing: SideBody


class LotBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Coins that entered a pool together, in its cost currency."""

    amount: Annotated[int, msgspec.Meta(ge=1, le=2_100_000_000_000_000)]
    cost: Money
    impaired_cost: Money


class CarriedBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a pool opens with, and whether that is complete.

    declared: SHA-256 of the office's table of opening costs; None: the valuation before left it.
    """

    set: SetName
    lots: list[LotBody]
    complete: bool
    declared: Hash | None


class BroughtForwardBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What pools open with. file: SHA-256 of the valuation of the statement before, if any."""

    file: Hash | None
    pools: list[CarriedBody]


class PoolBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cost, impaired cost and fair value of an entity's or perimeter's own coins, side by side.

    lots: what the next valuation begins with. complete: no finding is about this pool; where one
    is, a missing cost entered as zero.
    """

    set: SetName
    lots: list[LotBody]
    amount: Sum
    cost: Money
    impaired_cost: Money
    fair_value: Money | None
    complete: bool


class PricedBlockBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The prices at which coins that nobody paid for entered a pool at a block (Rule C4).

    at: the block's median time past.
    """

    block: Hash
    at: UtcTime
    prices: list[PriceBody]


class CostBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The cost of pools; what each acquisition cost stays with its document."""

    currency: Currency
    method: Literal["weighted_average", "fifo"]
    unpaid_cost: Literal["fair_value", "zero"]
    impairment: Literal["never_reversed", "reversed_in_next_period"]
    brought_forward: BroughtForwardBody | None
    blocks: list[PricedBlockBody]
    pools: list[PoolBody]


class FindingBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What could not be valued, by the rule that says so."""

    rule: Text
    text: Text
    where: Text


class ValuationDocument(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a statement's holdings were worth. It refers to the root and is not under it."""

    format: Literal["khazana.valuation/1"]
    subject_root: Hash
    network: NetworkBody
    test: bool
    notice: Text | None
    period: PeriodBody
    currencies: list[Currency]
    rules: list[RuleBody]
    opening: InstantBody
    closing: InstantBody
    sets: list[SetBody]
    cost: CostBody | None
    findings: list[FindingBody]


@dataclass(eq=False, kw_only=True)
class ValuationRefused(KhazanaError):
    """A valuation file does not have the format."""

    place: str
    problem: str
    code = "valuation_refused"
    words = "The valuation is refused: at {place}, {problem}. Ask the office for the file again."


def write_valuation(document: ValuationDocument) -> bytes:
    """The bytes of the file: RFC 8785 JSON and one newline."""
    return canonical_bytes(msgspec.to_builtins(document)) + b"\n"


def valuation_hash(document: ValuationDocument) -> str:
    """SHA-256 of the file, by which the next valuation names it."""
    return hashlib.sha256(write_valuation(document)).hexdigest()


def read_valuation(raw: bytes) -> ValuationDocument:
    """Read a valuation strictly; whatever is not exactly one is refused with the place."""
    content = parse_strict(raw)
    try:
        document = msgspec.convert(content, ValuationDocument, strict=True)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at ")
        raise ValuationRefused(
            place=place.strip("`").removeprefix("$.") or "the top", problem=problem
        ) from error
    for place, problem in _problems(document):  # the first of them
        raise ValuationRefused(place=place, problem=problem)
    if raw != write_valuation(document):
        raise ValuationRefused(place="the text", problem="it is not in canonical form (RFC 8785)")
    return document


def money(amount: int | None, currency: str) -> MoneyBody:
    """An amount in minor units as it stands in the file."""
    text = None if amount is None else major_units(amount, currency)
    return MoneyBody(currency=currency, amount=text)


def minor_of(amount: str) -> int:
    """An amount of the file in minor units; its digits were checked when it was read.

    >>> minor_of("-12.50"), minor_of("12")
    (-1250, 12)
    """
    return int(amount.replace(".", ""))


def _problems(document: ValuationDocument) -> Iterator[tuple[str, str]]:
    """What the types cannot say: digits of currencies, instants, networks, notices."""
    yield from network_problems(
        NetworkName(document.network.name, document.network.genesis), test=document.test
    )
    if document.test and document.notice != TEST_NOTICE:
        yield "notice", f"a test document carries the notice {TEST_NOTICE!r}"
    if len(set(document.currencies)) != len(document.currencies):
        yield "currencies", "a currency stands here twice"
    yield from _currency_problems("", msgspec.to_builtins(document))
    if document.cost is not None:
        yield from _cost_problems(
            "cost", msgspec.to_builtins(document.cost), document.cost.currency
        )


def _currency_problems(place: str, value: Any) -> Iterator[tuple[str, str]]:
    """Walks every object: a currency is one of ISO 4217, money has its digits, a time exists."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _currency_problems(f"{place}[{number}]", item)
        return
    if not isinstance(value, Mapping):
        return
    currency = value.get("currency")
    if currency is not None and currency not in minor_digits():
        yield f"{place}.currency".lstrip("."), f"{currency} is not a currency of ISO 4217"
        return
    if value.keys() == {"currency", "amount"}:
        amount = value["amount"]
        if amount is not None and (problem := _money_problem(amount, value["currency"])):
            yield f"{place}.amount", problem
    if "at" in value:
        try:
            read_instant(value["at"])
        except ValueError as error:
            yield f"{place}.at", str(error)
    for key, item in value.items():
        yield from _currency_problems(f"{place}.{key}".lstrip("."), item)


def _cost_problems(place: str, value: Any, currency: str) -> Iterator[tuple[str, str]]:
    """Lots and pools give their money in the one currency in which cost is kept."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _cost_problems(f"{place}[{number}]", item, currency)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key in ("cost", "impaired_cost", "fair_value"):
                if item is not None and (problem := _money_problem(item, currency)):
                    yield f"{place}.{key}", problem
            else:
                yield from _cost_problems(f"{place}.{key}", item, currency)


def _money_problem(amount: str, currency: str) -> str | None:
    """Why an amount is not spelt with exactly the currency's digits."""
    if currency not in minor_digits():
        return None  # the currency itself is the problem
    digits = minor_digits()[currency]
    if len(amount.partition(".")[2]) != digits:
        return f"{amount} has not exactly the {digits} decimals of {currency}"
    return "zero has no sign" if amount.startswith("-") and not minor_of(amount) else None


def valuation_json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the file, as shipped in docs/spec.

    It says less than the reader: a currency's digits and what follows from the statement cannot be
    said in JSON Schema.
    """
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "title": FORMAT, **msgspec.json.schema(ValuationDocument)}
