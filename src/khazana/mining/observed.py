"""From a site's month to what the shortfall test reads: by amount, by own blocks, by receipts."""

from khazana.mining.expected import SiteMonth
from khazana.mining.shortfall import CountedLuck, Observation, SmoothLuck

HASHES_PER_DIFFICULTY = 2**48 / 65535
"""Mean hashes to meet difficulty 1: 2³² × 65,536 ÷ 65,535."""
DAILY_SD = 0.01
"""How much a pool that pays per share varies in a day: an assumption of the facts."""


def by_amount(row: SiteMonth, *, daily_sd: float = DAILY_SD) -> Observation | None:
    """A month paid per share; None where no energy was metered, so that nothing was due."""
    if row.ratio is None:
        return None
    days = (row.last - row.first).days + 1
    return _observation(row, SmoothLuck(float(row.ratio), daily_sd / days**0.5))


def by_blocks(row: SiteMonth, *, found: int) -> Observation | None:
    """A month mined alone: own blocks found, against those expected of the energy.

    Whether each block paid the site whole is another question, which needs no statistics.
    """
    if not row.expected.blocks:
        return None
    return _observation(row, CountedLuck(float(row.expected.blocks), found))


def by_receipts(row: SiteMonth, *, found: int, threshold_difficulty: float) -> Observation | None:
    """A month of share receipts that meet a threshold difficulty: hashes without block luck."""
    if threshold_difficulty <= 0:
        raise ValueError(f"a threshold difficulty of {threshold_difficulty} cannot be")
    if not row.hashes:
        return None
    expected = float(row.hashes) / (threshold_difficulty * HASHES_PER_DIFFICULTY)
    return _observation(row, CountedLuck(expected, found))


def _observation(row: SiteMonth, luck: CountedLuck | SmoothLuck) -> Observation:
    return Observation(
        site=row.site,
        month=f"{row.first:%Y-%m}",
        luck=luck,
        bound=float(row.budget.bound),
        changing=float(row.budget.changing),
    )
