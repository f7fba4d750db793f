"""Mining in a statement: added when it is made, computed again when it is verified."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from khazana.bitcoin.chain import ChainView
from khazana.cli.files import MOST_OFFICE_BYTES, MOST_STATEMENT_BYTES, naming, read_bytes
from khazana.ledger.documents import Reason
from khazana.ledger.findings import Finding
from khazana.ledger.office import Office
from khazana.mining.arrivals import MinedPosting
from khazana.mining.chain_series import series_of_chain
from khazana.mining.checks import (
    Metering,
    mining_findings,
    mining_limits,
    mining_summary,
    read_metering,
)
from khazana.mining.difficulty import DifficultySeries
from khazana.mining.difficulty_table import shipped_difficulty
from khazana.mining.figures import seconds_of, with_figures
from khazana.mining.parts import KIND, MiningBody, mining_bodies, mining_part
from khazana.mining.sites_file import read_sites
from khazana.reserve.answers import FILE, Answer, answer
from khazana.reserve.case import Case
from khazana.reserve.figures import Books
from khazana.reserve.parts import ExplanationLineBody
from khazana.reserve.question import Question
from khazana.statement.checks import Check, Profile
from khazana.statement.errors import StatementMalformed
from khazana.units import Sats, Txid

METERING_FILES = ("meters.toml", "readings.csv", "seals.csv")
"""What a folder of metering holds."""


def sites_in(path: Path) -> tuple[MiningBody, ...]:
    """The sites in an office's mining.json."""
    with naming(path):
        return read_sites(path.name, read_bytes(path, most=MOST_OFFICE_BYTES))


def metering_in(folder: Path) -> Metering:
    """The meters, readings and seals in a folder."""
    meters, readings, seals = (
        (str(folder / name), read_bytes(folder / name, most=MOST_STATEMENT_BYTES))
        for name in METERING_FILES
    )
    return read_metering(meters=meters, readings=readings, seals=seals)


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


class MiningParts:
    """What a statement's maker is handed (`more` of khazana.reserve.make.make)."""

    def __init__(self, bodies: Sequence[MiningBody], *, chain: ChainView | None) -> None:
        self.bodies = tuple(bodies)
        self.chain = chain

    def __call__(self, office: Office, books: Books) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for body in self.bodies:
            yield mining_part(with_figures(body, series_for(self.chain, body)))


class MiningChecks:
    """The check `mining`, for `khazana.reserve.verify.verify` (its `more`).

    metering: files behind the energy, as the office gave them to the reader.
    """

    def __init__(self, metering: Sequence[Metering] = ()) -> None:
        self.metering = tuple(metering)

    def __call__(self, case: Case) -> Iterable[Check[Case]]:
        if not case.statement.header.parts.get(KIND) and not self.metering:
            return ()
        level = Profile.TOTALS if self.metering else Profile.FULL
        needs = ("schema", "period", "entries", "completeness", "explanations")
        return (Question("mining", "Mining, energy to bitcoin", self.mining, level, needs),)

    def mining(self, case: Case) -> Answer:
        """Whether expectation, limits and verdicts follow, and arrivals are those of the books."""
        shown = sum(1 for part in case.statement.envelope.parts if part.kind == KIND)
        if shown < case.statement.header.parts.get(KIND, 0):
            case.require(KIND)
        case.require("explanation", "wallet", "account")
        statement = case.statement
        try:
            bodies = mining_bodies(statement.envelope.parts)
        except StatementMalformed as wrong:
            malformed = [Finding("E30", wrong.problem, wrong.path)]
            return answer(basis=FILE, good="", findings=malformed)
        chain = case.required_chain()
        findings = mining_findings(
            bodies,
            postings=mined_postings({Txid(t): b.lines for t, b in statement.explanations.items()}),
            accounts=[*statement.wallets, *statement.accounts],
            test=statement.header.test,
            series_for=lambda body: series_for(chain, body),
            metering=self.metering,
        )
        simulated = any(body.simulated for body in bodies)
        difficulty = f"SIMULATED ({shipped_difficulty().source})" if simulated else "the headers"
        return answer(
            basis=f"entries and explanations as stated, {chain.basis}; difficulty: {difficulty}",
            good=mining_summary(bodies),
            findings=findings,
            limits=mining_limits(bodies, metering=self.metering),
        )
