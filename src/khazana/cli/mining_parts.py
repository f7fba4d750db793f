"""Mining in a statement when it is made: what follows from an office's file is filled in."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.coinbases import CoinbasesNotGiven
from khazana.cli.files import MOST_OFFICE_BYTES, naming, read_bytes
from khazana.ledger.documents import Reason
from khazana.ledger.office import Office
from khazana.mining.arrivals import MinedPosting
from khazana.mining.block_rewards import MonthRewards, rewards_of
from khazana.mining.chain_series import series_of_chain
from khazana.mining.difficulty import DifficultySeries
from khazana.mining.difficulty_table import shipped_difficulty
from khazana.mining.figures import RewardsFor, seconds_of, with_figures
from khazana.mining.month_body import MonthBody
from khazana.mining.parts import MiningBody, mining_part
from khazana.mining.sites_file import read_sites
from khazana.mining.years import with_years
from khazana.reserve.figures import Books
from khazana.reserve.parts import ExplanationLineBody
from khazana.units import Sats, Txid


def sites_in(path: Path) -> tuple[MiningBody, ...]:
    """The sites in an office's mining.json."""
    with naming(path):
        return read_sites(path.name, read_bytes(path, most=MOST_OFFICE_BYTES))


def mined_postings(
    lines: Mapping[Txid, Sequence[ExplanationLineBody]],
) -> tuple[MinedPosting, ...]:
    """What each transaction brought each account from mining, several lines added up."""
    sums: dict[tuple[Txid, str], int] = {}
    for txid, explained in lines.items():
        for line in explained:
            if line.reason == Reason.MINED.value:
                key = txid, line.wallet
                sums[key] = sums.get(key, 0) + line.amount
    return tuple(MinedPosting(txid, account, Sats(sum_)) for (txid, account), sum_ in sums.items())


def series_for(chain: ChainView | None, body: MiningBody) -> DifficultySeries:
    """The shipped epochs for a simulation, the chain's own headers for everything else."""
    if body.simulated or chain is None:
        return shipped_difficulty()
    first, until = seconds_of(body.months[0].first), seconds_of(body.months[-1].until)
    return series_of_chain(chain, first=first, until=until)


def rewards_from(chain: ChainView) -> RewardsFor:
    """What the chain's blocks of a month paid, each month read once for all sites.

    A month has some 4,400 blocks, and every one of them is fetched whole.
    """
    known: dict[tuple[int, int], MonthRewards] = {}

    def of(month: MonthBody) -> MonthRewards:
        span = seconds_of(month.first), seconds_of(month.until)
        if span not in known:
            known[span] = rewards_of(chain, first=span[0], until=span[1])
        return known[span]

    return of


class MiningParts:
    """What a statement's maker is handed (`more` of khazana.reserve.make.make)."""

    def __init__(self, bodies: Sequence[MiningBody], *, chain: ChainView | None) -> None:
        self.bodies = tuple(bodies)
        self.chain = chain

    def __call__(self, office: Office, books: Books) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for body in filled(self.bodies, self.chain):
            yield mining_part(body)


def filled(bodies: Sequence[MiningBody], chain: ChainView | None) -> tuple[MiningBody, ...]:
    """The bodies with every figure that follows, month by month and over all sites."""
    known: dict[str, DifficultySeries] = {}
    of_blocks = None if chain is None else rewards_from(chain)
    months = []
    for body in bodies:
        series = known[body.site] = series_for(chain, body)
        if body.rewards == "blocks" and of_blocks is None:
            raise CoinbasesNotGiven(source="no chain")
        rewards = of_blocks if body.rewards == "blocks" else None
        months.append(with_figures(body, series, rewards))
    return with_years(months, known)
