"""What conditions are measured in, and which quantities are known by name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cache

from khazana.conditions.exact import shifted
from khazana.ledger.money import minor_digits


class Dimension(Enum):
    """What kind of thing a quantity is: two units of one dimension can be compared."""

    BITCOIN = "bitcoin"
    MONEY = "money"
    COUNT = "count"
    YEARS = "years"
    PERCENT = "percent"
    DONE = "done"
    """1 when a step has been taken, 0 when not."""


_SCALES: Mapping[str, int] = {"": 0, "th": 3, "m": 6, "bn": 9}
_MONEY = re.compile(r"([A-Z]{3})(?: (th|m|bn))?")
SDR = "XDR"
"""Special drawing rights: a unit of account in ISO 4217 without minor units."""
_OTHERS: Mapping[str, tuple[Dimension, int]] = {
    "BTC": (Dimension.BITCOIN, 8),
    "sat": (Dimension.BITCOIN, 0),
    "count": (Dimension.COUNT, 0),
    "years": (Dimension.YEARS, 0),
    "percent": (Dimension.PERCENT, 0),
    "done": (Dimension.DONE, 0),
}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its dimension, and the power of ten of the dimension's smallest common unit.

    currency: ISO 4217, of money; amounts in two currencies meet only at a stated rate.
    """

    text: str
    dimension: Dimension
    exponent: int
    currency: str | None = None

    @property
    def in_satoshi(self) -> bool:
        return self.dimension is Dimension.BITCOIN


@cache
def unit_of(text: str) -> Unit:
    """The unit with this name: BTC, sat, count, years, percent, done, or money such as `USD m`.

    >>> unit_of("PKR bn").exponent
    9
    >>> unit_of("USD million")
    Traceback (most recent call last):
    ValueError: 'USD million' is no unit: write BTC, sat, count, years, percent, done or USD m
    """
    if text in _OTHERS:
        dimension, exponent = _OTHERS[text]
        return Unit(text, dimension, exponent)
    money = _MONEY.fullmatch(text)
    if money is None or (money[1] not in minor_digits() and money[1] != SDR):
        raise ValueError(
            f"{text!r} is no unit: write BTC, sat, count, years, percent, done or USD m"
        )
    return Unit(text, Dimension.MONEY, _SCALES[money[2] or ""], money[1])


def in_unit(amount: Decimal, of: Unit, to: Unit) -> Decimal:
    """The same amount in another unit of its dimension and currency; exact."""
    if of.dimension is not to.dimension or of.currency != to.currency:
        raise ValueError(f"{of.text} and {to.text} measure different things")
    if of.exponent == to.exponent:
        return amount
    return shifted(amount, of.exponent - to.exponent)


class Origin(Enum):
    """Where a quantity's figures come from."""

    LEDGER = "ledger"
    """Computed from the office's books, and so checkable against the chain."""
    ENTERED = "entered"
    """A statistic that somebody publishes: as good as its source."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something a condition limits.

    never_above: a quantity that can by definition not be exceeded: net reserves are gross reserves
    less something. A floor above it is a floor read without its sign (Rule K1).
    """

    id: str
    dimension: Dimension
    origin: Origin
    never_above: str | None = None


STOCK = "bitcoin_stock"
"""Coins of the perimeter, less client liabilities and excluded lanes, at the end of a block."""
ACCUMULATION = "bitcoin_accumulation"
"""By how much that stock rose since a base, other than by what the condition excludes (K31)."""
ACQUISITIONS = "bitcoin_acquisitions"
"""What flowed in for the reasons that the condition counts, since a base."""
DONE = "done"
"""A step, a report, a law: the statistic is called like the condition."""


def _entered(dimension: Dimension, *names: str) -> dict[str, Quantity]:
    return {name: Quantity(name, dimension, Origin.ENTERED) for name in names}


QUANTITIES: Mapping[str, Quantity] = {
    **{
        name: Quantity(name, Dimension.BITCOIN, Origin.LEDGER)
        for name in (STOCK, ACCUMULATION, ACQUISITIONS)
    },
    DONE: Quantity(DONE, Dimension.DONE, Origin.ENTERED),
    **_entered(
        Dimension.MONEY,
        "gross_international_reserves",
        "net_domestic_assets",
        "fx_swaps_forwards",
        "primary_balance",
        "primary_deficit",
        "government_guarantees",
        "social_transfers",
        "tax_revenue",
        "central_bank_credit_to_government",
        "external_payment_arrears",
        "external_financing",
        "bitcoin_linked_public_debt",
    ),
    "net_international_reserves": Quantity(
        "net_international_reserves",
        Dimension.MONEY,
        Origin.ENTERED,
        never_above="gross_international_reserves",
    ),
}
"""Quantities known without a definition; a memorandum may define more."""
