"""Making and signing an office's statements, as its staff would with the commands."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from khazana.bitcoin.chain import ChainView
from khazana.cli.demo.books import LIABILITIES, ROTATIONS, STATISTICS
from khazana.cli.demo.deriving import resolved
from khazana.cli.demo.officers import Officers
from khazana.cli.demo.opening_costs import FILE
from khazana.cli.memoranda import closings_of, figures_from, linted
from khazana.cli.mining_parts import MiningParts, sites_in
from khazana.cli.offices import office_file
from khazana.cli.rotations import RotationParts, links_of
from khazana.conditions.parts import ConditionParts
from khazana.ledger.journal import journal_csv
from khazana.ledger.journal_beancount import journal_beancount
from khazana.ledger.office import Office as OfficeBooks
from khazana.ledger.valuation import PricePoint
from khazana.mining.parts import MiningBody
from khazana.reserve.block_times import block_times, blocks_of_flows
from khazana.reserve.case import Given
from khazana.reserve.gather import ChainFacts, gather_period
from khazana.reserve.journal import blocks_of_journal, journal_of_statement
from khazana.reserve.make import Made, MoreParts, make
from khazana.reserve.opening_cost import with_opening_costs
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.reserve.valuation import valuation_of
from khazana.reserve.valuation_cost import CostInputs, brought_forward
from khazana.reserve.valuation_document import ValuationDocument
from khazana.reserve.valuation_prices import rules_for
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.envelope import Statement, with_evidence, write_statement
from khazana.statement.evidence import identity_evidence
from khazana.statement.identity import Office
from khazana.statement.signatures import joined_evidence, sign_statement
from khazana.units import BlockHash, Height

CURRENCIES = ["USD", "PKR"]

Telling = Callable[[ChainFacts], ChainFacts]
"""What becomes of the chain's facts before a statement is made from them."""


def as_it_is(facts: ChainFacts) -> ChainFacts:
    """How an honest office tells the chain."""
    return facts


SitesTelling = Callable[[tuple[MiningBody, ...]], tuple[MiningBody, ...]]
"""What becomes of an office's mining sites before their figures are computed."""


def as_they_are(bodies: tuple[MiningBody, ...]) -> tuple[MiningBody, ...]:
    """How an honest office tells its sites."""
    return bodies


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A statement to be made. number: of the publication. memorandum: the file of the conditions.

    previous, supersedes: roots of the statements that it follows and replaces. mining: the file of
    the sites that it tells about.
    """

    number: int
    after: int
    until: int
    at: datetime
    previous: str | None = None
    supersedes: str | None = None
    memorandum: Path | None = None
    mining: Path | None = None
    told: Telling = as_it_is
    sites_told: SitesTelling = as_they_are


@dataclass(frozen=True)
class Publisher:
    """An office that publishes: its keys and identity."""

    officers: Officers
    identity: Office

    def statement(
        self, office_toml: Path, chain: ChainView, ask: Ask
    ) -> tuple[ReserveStatement, Made]:
        """Make and sign the statement of a period from the books in a folder."""
        office = resolved(office_file(str(office_toml)), chain)
        facts = ask.told(
            gather_period(
                chain,
                {script for wallet in office.wallets for script in wallet.scripts},
                after=chain.block_at(Height(ask.after)),
                until=chain.block_at(Height(ask.until)),
            )
        )
        made = make(
            office,
            facts,
            salt_seed=_salt_seed(self.identity.id, ask.number),
            fingerprint=self.identity.fingerprint,
            previous=ask.previous,
            supersedes=ask.supersedes,
            more=_more(office_toml.parent, office, chain, facts, ask),
        )
        raw = write_statement(self._signed(made.statement, ask.at))
        return read_reserve_statement(raw), made

    def _signed(self, statement: Statement, at: datetime) -> Statement:
        """Signed by as many keys as the role asks for, all at one instant."""
        for key in self.officers.signers("statement"):
            envelope = sign_statement(statement, self.identity, key, at=at)
            statement = joined_evidence(statement, envelope)
        return with_evidence(statement, identity_evidence(statement, self.identity))


def _more(
    folder: Path, office: OfficeBooks, chain: ChainView, facts: ChainFacts, ask: Ask
) -> list[MoreParts]:
    """The verdicts on the lender's conditions, stories of rotated quorums, mining sites, if any."""
    zone, more = office.rules.timezone, list[MoreParts]()
    if ask.memorandum is not None:
        memoranda = [linted(str(ask.memorandum))]
        statistics, liabilities = folder / STATISTICS, folder / LIABILITIES
        figures = figures_from(
            statistics if statistics.exists() else None,
            liabilities if liabilities.exists() else None,
            chain=chain,
            zone=zone,
        )
        closings = closings_of(memoranda, chain, zone=zone)
        today = ask.at.astimezone(ZoneInfo(zone)).date()
        more.append(ConditionParts(memoranda, figures=figures, closings=closings, today=today))
    if (folder / ROTATIONS).exists():
        more.append(RotationParts(links_of(folder / ROTATIONS, office, chain), facts))
    if ask.mining is not None:
        more.append(MiningParts(ask.sites_told(sites_in(ask.mining)), chain=chain))
    return more


def valued(
    office_toml: Path,
    statement: ReserveStatement,
    made: Made,
    chain: ChainView,
    prices: Sequence[PricePoint],
    before: ValuationDocument | None,
    opening: bytes,
) -> ValuationDocument:
    """What the holdings are worth at the day's invented prices, and what they cost: a file apart,
    same root. before: the valuation of the statement before, whose lots go on; opening: the
    office's table of what its coins had cost before, where there is none.
    """
    rules = office_file(str(office_toml)).rules
    cost = CostInputs(
        currency=rules.currency,
        unpaid=rules.unpaid_cost,
        impairment=rules.impairment,
        documents={document.id: Given(document, salt) for document, salt in made.documents},
        instants=block_times(chain, blocks_of_flows(statement)),
        brought_forward=with_opening_costs(None, FILE, opening, currency=rules.currency)
        if before is None
        else brought_forward(before, statement),
    )
    return valuation_of(
        statement,
        prices=prices,
        rules=rules_for(prices, CURRENCIES),
        currencies=CURRENCIES,
        cost=cost,
    )


def journals(statement: ReserveStatement, chain: ChainView) -> Mapping[str, bytes]:
    """The journal for bookkeeping programs, by file name."""
    journal = journal_of_statement(statement, _days(statement, chain))
    title = statement.header.office.name["en"]
    return {
        "journal.csv": journal_csv(journal, notice=TEST_NOTICE).encode(),
        "journal.beancount": journal_beancount(journal, title=title, notice=TEST_NOTICE).encode(),
    }


def _salt_seed(office: str, number: int) -> bytes:
    """In earnest 32 random bytes; here the same in every run, so that runs can be compared."""
    return hashlib.sha256(f"khazana demo salts {office} {number}".encode()).digest()


def _days(statement: ReserveStatement, chain: ChainView) -> Mapping[BlockHash, date]:
    """The office's day of every block in its journal."""
    zone = ZoneInfo(statement.header.period.timezone)
    blocks = list(blocks_of_journal(statement))
    headers = chain.headers(Height(blocks[0].height), blocks[-1])
    return {
        block.hash: datetime.fromtimestamp(headers[block.height - blocks[0].height].time, tz=UTC)
        .astimezone(zone)
        .date()
        for block in blocks
    }
