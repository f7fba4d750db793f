"""What a megawatt-hour earns, where it stops paying, and what a big fleet does to difficulty."""

from fractions import Fraction

from khazana.mining.difficulty import FeeShare, exact_work
from khazana.mining.fleet import HASHES_PER_TH, JOULES_PER_MWH
from khazana.units import SATS_PER_BTC, Sats

HASHES_PER_PH_DAY = 10**15 * 86_400


def btc_per_ph_day(bits: int, *, subsidy: Sats, fees: FeeShare) -> Fraction:
    """Bitcoin that 10¹⁵ hashes per second earn in a day."""
    return HASHES_PER_PH_DAY * subsidy * (1 + fees.share) / exact_work(bits) / SATS_PER_BTC


def btc_per_mwh(
    bits: int, *, subsidy: Sats, fees: FeeShare, j_per_th: Fraction, pue: Fraction = Fraction(1)
) -> Fraction:
    """Rule MI15: bitcoin per megawatt-hour at the site's meter."""
    hashes = JOULES_PER_MWH * HASHES_PER_TH / (j_per_th * pue)
    return hashes * subsidy * (1 + fees.share) / exact_work(bits) / SATS_PER_BTC


def usd_per_mwh(hashprice: Fraction, *, j_per_th: Fraction) -> Fraction:
    """Revenue per megawatt-hour at the plug. hashprice: USD per PH/s and day.

    >>> round(float(usd_per_mwh(Fraction("46.3"), j_per_th=Fraction("17.5"))))
    110
    """
    return Fraction(1_000) / j_per_th * hashprice / 24


def break_even_power_price(
    hashprice: Fraction,
    *,
    j_per_th: Fraction,
    pue: Fraction,
    pool_fee: Fraction = Fraction(0),
    other_cost_per_mwh: Fraction = Fraction(0),
) -> Fraction:
    """The price of a megawatt-hour at the meter at which nothing is left, in USD.

    other_cost_per_mwh: operation and maintenance; buying the machines is not in it.
    """
    return usd_per_mwh(hashprice, j_per_th=j_per_th) / pue * (1 - pool_fee) - other_cost_per_mwh


def break_even_j_per_th(hashprice: Fraction, *, power_price: Fraction, pue: Fraction) -> Fraction:
    """The worst efficiency that still pays for its power. power_price: USD per MWh at the meter."""
    if power_price <= 0:
        raise ValueError(f"at a power price of {power_price} any machine pays")
    return Fraction(1_000) * hashprice / 24 / (power_price * pue)


def own_effect(fleet_eh_s: Fraction, *, network_eh_s: Fraction) -> Fraction:
    """Rule MI16: what is left of the expectation once difficulty has followed a new fleet.

        1 / (1 + fleet / network), from the second retarget on

    For forecasts only: what happened is judged at the difficulty that was.

    >>> round(float(own_effect(Fraction("116.5"), network_eh_s=Fraction(894))), 3)
    0.885
    """
    if fleet_eh_s < 0 or network_eh_s <= 0:
        raise ValueError(f"{fleet_eh_s} EH/s beside {network_eh_s} EH/s cannot be")
    return 1 / (1 + fleet_eh_s / network_eh_s)
