"""What every draft keeps to: fee rates, the cap per address, how large a fee may become."""

import re
from dataclasses import dataclass
from fractions import Fraction

from khazana.units import SATS_PER_BTC, Sats

CAP_PER_ADDRESS = Sats(500 * SATS_PER_BTC)
"""What one address of an office may hold; El Salvador's office announced it in August 2025."""

LOWEST_FEERATE = Fraction(1)
"""sat/vB below which nodes by default neither relay nor keep a transaction."""

_FEERATE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?")


@dataclass(frozen=True, kw_only=True)
class DraftRules:
    """The fee target and the bounds of one draft; fee rates in sat/vB.

    cap_per_address: None for offices without one. highest_feerate: more is a typing error.
    long_term_feerate: at which change will be spent one day; decides when change is worth making.
    incremental_feerate: what a replacement pays for its own relay (BIP-125, rule 4).
    """

    feerate: Fraction
    cap_per_address: Sats | None = CAP_PER_ADDRESS
    highest_feerate: Fraction = Fraction(1000)
    long_term_feerate: Fraction = Fraction(10)
    incremental_feerate: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        if self.feerate < LOWEST_FEERATE:
            raise ValueError(
                f"{feerate_words(self.feerate)} sat/vB is below what nodes relay, 1 sat/vB"
            )
        if self.feerate > self.highest_feerate:
            raise ValueError(
                f"{feerate_words(self.feerate)} sat/vB is above the highest allowed fee rate, "
                f"{feerate_words(self.highest_feerate)} sat/vB"
            )
        if self.cap_per_address is not None and self.cap_per_address <= 0:
            raise ValueError("a cap per address is positive, or None")
        if self.long_term_feerate < 0 or self.incremental_feerate <= 0:
            raise ValueError("fee rates are positive")


def feerate_of_text(text: str) -> Fraction:
    """A fee rate in sat/vB as people type it, at most three decimals.

    >>> feerate_of_text("2.5")
    Fraction(5, 2)
    >>> feerate_of_text("2,5")
    Traceback (most recent call last):
    ValueError: '2,5' is no fee rate: write sat/vB as 12 or 2.5
    """
    if not _FEERATE.fullmatch(text):
        raise ValueError(f"{text!r} is no fee rate: write sat/vB as 12 or 2.5")
    return Fraction(text)


def fee_for(vsize: int, feerate: Fraction) -> Sats:
    """The fee of so many virtual bytes, rounded up."""
    return Sats(-(-vsize * feerate.numerator // feerate.denominator))


def feerate_words(feerate: Fraction) -> str:
    """sat/vB with at most three decimals, for people.

    >>> feerate_words(Fraction(10, 3))
    '3.333'
    """
    thousandths = round(feerate * 1000)
    whole, rest = divmod(thousandths, 1000)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".")
