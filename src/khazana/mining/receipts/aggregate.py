"""Work proven by share receipts: per site and difficulty epoch, with the luck left in it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from khazana.bitcoin.network import RETARGET_INTERVAL
from khazana.mining.receipts.receipt import work_of_target
from khazana.mining.receipts.verify import ReceiptsAudit


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenWork:
    """Hashes that a site's shares show for one difficulty epoch, all of them for the reserve.

    first, last: heights of the epoch's blocks that were worked on, of those with shares.
    shares: how many count. work: hashes that so many shares take on average, each weighted by the
    target it was made under.
    squares: sum of the squares of the shares' work, from which the spread follows.
    """

    site: str
    epoch: int
    first: int
    last: int
    shares: int
    work: int
    squares: int

    @property
    def relative_sd(self) -> float:
        """Standard deviation of the work by luck alone, as a share of it: 1/√n for equal targets.

        The number of shares is Poisson, so the variance is the sum of the squares.
        """
        return math.sqrt(self.squares) / self.work if self.work else math.inf

    def implied_j_per_th(self, energy_wh: int) -> Fraction:
        """Joules per terahash if this energy made this work: below the best machine on earth it
        is the meter that shows too little, above the fleet's worst it is work that went elsewhere.

        J/TH = Wh × 3,600 / (hashes / 10¹²)
        """
        if self.work <= 0:
            raise ValueError("no work was proven")
        return Fraction(energy_wh * 3600 * 10**12, self.work)


def proven_work(audits: Iterable[ReceiptsAudit]) -> tuple[ProvenWork, ...]:
    """Work per site and epoch, ordered; an epoch without a share that counts has no row."""
    heights: dict[tuple[str, int], list[int]] = {}
    works: dict[tuple[str, int], list[int]] = {}
    for audit in audits:
        weight = work_of_target(audit.target)
        for height, _ in audit.counted:
            key = audit.site, height // RETARGET_INTERVAL
            heights.setdefault(key, []).append(height)
            works.setdefault(key, []).append(weight)
    return tuple(
        ProvenWork(
            site=site,
            epoch=epoch,
            first=min(heights[site, epoch]),
            last=max(heights[site, epoch]),
            shares=len(found),
            work=sum(found),
            squares=sum(work * work for work in found),
        )
        for (site, epoch), found in sorted(works.items())
    )
