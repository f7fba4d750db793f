"""Money as people type it: fiat in major units by ISO 4217, bitcoin by decimals or satoshis."""

import csv
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib import resources

from khazana.ledger.canonical import MOST_INTEGER
from khazana.units import MAX_MONEY, Sats, sats_from_btc

_DECIMAL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,18})?")
_WHOLE = re.compile(r"-?[0-9]{1,16}")


@cache
def minor_digits() -> Mapping[str, int]:
    """Digits of each currency's minor unit (data/iso4217.csv): USD 2, JPY 0, KWD 3."""
    table = resources.files("khazana.ledger").joinpath("data/iso4217.csv")
    with table.open(encoding="utf-8") as lines:
        return {row["currency"]: int(row["minor_unit_digits"]) for row in csv.DictReader(lines)}


def minor_units(text: str, currency: str) -> int:
    """An amount in major units, as minor units, exactly; ValueError when it is not one.

    >>> minor_units("12.50", "USD"), minor_units("12.5", "KWD"), minor_units("12", "JPY")
    (1250, 12500, 12)
    >>> minor_units("12.505", "USD")
    Traceback (most recent call last):
    ValueError: 12.505 has more than the 2 decimals of USD
    """
    digits = minor_digits().get(currency)
    if digits is None:
        raise ValueError(f"{currency} is not a currency of ISO 4217")
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{text!r} is not a plain decimal: digits, a point, no separators")
    whole, _, fraction = text.partition(".")
    if len(fraction.rstrip("0")) > digits:
        raise ValueError(f"{text} has more than the {digits} decimals of {currency}")
    amount = int(whole + fraction.rstrip("0").ljust(digits, "0"))
    if abs(amount) > MOST_INTEGER:
        raise ValueError(f"{text} {currency} is more than a record can hold exactly")
    return amount


def major_units(amount: int, currency: str) -> str:
    """Minor units written in major units, for people to read.

    >>> major_units(-1250, "USD"), major_units(12, "JPY")
    ('-12.50', '12')
    """
    digits = minor_digits()[currency]
    if not digits:
        return str(amount)
    whole, fraction = divmod(abs(amount), 10**digits)
    return f"{'-' if amount < 0 else ''}{whole}.{fraction:0{digits}d}"


def sats_of_text(*, btc: str, sat: str) -> Sats:
    """The amount of a row that gives bitcoin, satoshis, or both alike; ValueError otherwise.

    >>> sats_of_text(btc="0.5", sat=""), sats_of_text(btc="", sat="-7")
    (50000000, -7)
    """
    amounts = []
    if btc:
        if not _DECIMAL.fullmatch(btc):
            raise ValueError(f"{btc!r} is not a plain decimal: digits, a point, no separators")
        amounts.append(sats_from_btc(Decimal(btc)))
    if sat:
        if not _WHOLE.fullmatch(sat):
            raise ValueError(f"{sat!r} is not a whole number of satoshis")
        amounts.append(Sats(int(sat)))
    if not amounts:
        raise ValueError("an amount is missing: fill amount_btc or amount_sat")
    if len(set(amounts)) > 1:
        raise ValueError(f"amount_btc {btc} and amount_sat {sat} disagree")
    if abs(amounts[0]) > MAX_MONEY:
        raise ValueError(f"{amounts[0]} sat are more than will ever exist")
    return amounts[0]
