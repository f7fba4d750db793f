"""What a pool owes a site of the demo for its work: the expectation, and an honest deviation."""

import math
from fractions import Fraction

from khazana.cli.demo.mining.meters import Counter
from khazana.cli.demo.mining.scenario import DAY_S, DemoSite, draw
from khazana.mining.difficulty import FeeShare
from khazana.mining.difficulty_table import shipped_difficulty
from khazana.mining.figures import hashes_of, hundredths_up, root_up
from khazana.mining.rewards import expected_in_time

DIVISOR = 2_500
"""Payouts are the expectation over this: 2,000 MW earn more than this chain's pool ever mines."""
J_PER_TH = "16.345"
"""Two fifths of the machine power in S21 XP, two fifths in S21, a fifth in S19k Pro."""
FEES = "0.01"
FEES_SOURCE = "assumed: 1 % of the subsidy"
DAILY_LUCK_PERCENT, DAILY_LUCK_PPLNS_PERCENT = 1, 3
"""How much a pool that pays per share varies in a day, and one that splits what its blocks earn;
over n days a √n-th of it (assumed)."""

_BASIS_POINTS = 10_000
_STEADY, _MONTHLY = 50, 20
"""How far an honest site's payouts lie from what is expected of it, at most, in basis points."""


def earned(site: DemoSite, counter: Counter, span: tuple[int, int], shift_s: int) -> int:
    """What the pool owes for [first, until), in satoshis.

    A site's machines are a little better or worse than their test said, and no two months are
    alike: both within the error budget that the site publishes.
    """
    first, until = span
    hashes = hashes_of(
        Fraction(counter.energy_wh(first, until)),
        j_per_th=Fraction(J_PER_TH),
        pue=Fraction(site.pue),
    )
    expected = expected_in_time(
        shipped_difficulty(),
        hashes=hashes,
        first=first + shift_s,
        until=until + shift_s,
        fees=FeeShare(Fraction(FEES), FEES_SOURCE),
    )
    off = draw(-_STEADY, _STEADY, site.id, "J/TH") + draw(-_MONTHLY, _MONTHLY, site.id, first)
    return math.floor(expected.sats / DIVISOR * (_BASIS_POINTS + off) / _BASIS_POINTS)


def luck_percent(first: int, until: int, *, pplns: bool = False) -> str:
    """The standard deviation by luck over [first, until), rounded up to hundredths.

    >>> luck_percent(0, 30 * 86_400)
    '0.19'
    """
    days = Fraction(until - first, DAY_S)
    daily = DAILY_LUCK_PPLNS_PERCENT if pplns else DAILY_LUCK_PERCENT
    return hundredths_up(daily * root_up(1 / days))
