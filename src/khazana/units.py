"""The words everybody uses for quantities: satoshis, heights, hashes and decimal bitcoin."""

from decimal import Decimal
from typing import NewType

Sats = NewType("Sats", int)
"""An amount of bitcoin in satoshis: a whole number, negative where a posting takes away."""

Height = NewType("Height", int)
"""A block's distance from the genesis block. Never published without a hash beside it."""

BlockHash = NewType("BlockHash", str)
"""A block's hash as displayed: 64 lower-case hex digits, most significant byte first."""

Txid = NewType("Txid", str)
"""A transaction's id as displayed: 64 lower-case hex digits, most significant byte first."""

SATS_PER_BTC = 100_000_000
MAX_MONEY = Sats(21_000_000 * SATS_PER_BTC)
"""The largest amount that consensus lets one output hold (Bitcoin Core, consensus/amount.h)."""

_SATOSHI_EXPONENT = -8
_MOST_EXPONENT = 100


def sats_from_btc(amount: Decimal) -> Sats:
    """Turn a decimal bitcoin amount into satoshis, refusing to round.

    >>> sats_from_btc(Decimal("0.00000001"))
    1
    >>> sats_from_btc(Decimal("0.000000001"))
    Traceback (most recent call last):
    ValueError: 0.000000001 BTC is not a whole number of satoshis
    >>> sats_from_btc(Decimal("1e999999999"))
    Traceback (most recent call last):
    ValueError: 1E+999999999 is not an amount of bitcoin
    """
    # The tuple form is exact whatever the caller's decimal context rounds to.
    sign, digits, exponent = amount.as_tuple()
    # Ten characters may ask for a number of a thousand million digits.
    if not amount.is_finite() or abs(int(exponent)) > _MOST_EXPONENT:
        raise ValueError(f"{amount} is not an amount of bitcoin")
    shift = int(exponent) - _SATOSHI_EXPONENT
    coefficient = int("".join(map(str, digits)) or "0")
    if shift >= 0:
        sats = coefficient * 10**shift
    else:
        sats, remainder = divmod(coefficient, 10**-shift)
        if remainder:
            raise ValueError(f"{amount:f} BTC is not a whole number of satoshis")
    if sats > MAX_MONEY:
        raise ValueError(f"{amount:f} BTC is more than will ever exist")
    return Sats(-sats if sign else sats)


def btc_from_sats(amount: Sats) -> str:
    """Write satoshis as a decimal bitcoin amount with eight places, for people to read.

    >>> btc_from_sats(Sats(-150_000_000))
    '-1.50000000'
    """
    whole, fraction = divmod(abs(amount), SATS_PER_BTC)
    return f"{'-' if amount < 0 else ''}{whole}.{fraction:08d}"
