"""Making, signing and writing an office's statements, as its staff would with the commands."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from khazana.bitcoin.chain import ChainView
from khazana.cli.demo.officers import Officers
from khazana.cli.files import write_whole
from khazana.cli.offices import office_file, resolved
from khazana.ledger.document_file import write_document_file
from khazana.ledger.journal import journal_csv
from khazana.ledger.journal_beancount import journal_beancount
from khazana.ledger.valuation import PricePoint
from khazana.reserve.gather import ChainFacts, gather_period
from khazana.reserve.journal import blocks_of_journal, journal_of_statement
from khazana.reserve.levels import keep_at
from khazana.reserve.make import Made, make
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.reserve.valuation import valuation_of
from khazana.reserve.valuation_document import write_valuation
from khazana.reserve.valuation_prices import rules_for
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.envelope import Statement, disclose, with_evidence, write_statement
from khazana.statement.evidence import identity_evidence
from khazana.statement.identity import Office
from khazana.statement.signatures import joined_evidence, sign_statement
from khazana.units import BlockHash, Height

PUBLIC, TOTALS, VALUATION = "statement-public.json", "statement-totals.json", "valuation.json"
CURRENCIES = ["USD", "PKR"]

Telling = Callable[[ChainFacts], ChainFacts]
"""What becomes of the chain's facts before a statement is made from them."""


def as_it_is(facts: ChainFacts) -> ChainFacts:
    """How an honest office tells the chain."""
    return facts


@dataclass(frozen=True)
class Publisher:
    """An office that publishes: its folder, keys and identity."""

    folder: Path
    officers: Officers
    identity: Office

    def publish(
        self,
        office_toml: Path,
        chain: ChainView,
        *,
        after: int,
        until: int,
        at: datetime,
        name: str,
        previous: ReserveStatement | None = None,
        told: Telling = as_it_is,
    ) -> tuple[ReserveStatement, Made]:
        """Make, sign and write the statement of a period, and read the file back."""
        office = resolved(office_file(str(office_toml)), chain)
        facts = told(
            gather_period(
                chain,
                {script for wallet in office.wallets for script in wallet.scripts},
                after=chain.block_at(Height(after)),
                until=chain.block_at(Height(until)),
            )
        )
        made = make(
            office,
            facts,
            salt_seed=_salt_seed(self.identity.id, name),
            fingerprint=self.identity.fingerprint,
            previous=None if previous is None else previous.root,
        )
        raw = write_statement(self._signed(made.statement, at))
        write_whole(self.folder / name, raw)
        return read_reserve_statement(raw), made

    def _signed(self, statement: Statement, at: datetime) -> Statement:
        """Signed by as many keys as the role asks for, all at one instant."""
        for key in self.officers.signers("statement"):
            envelope = sign_statement(statement, self.identity, key, at=at)
            statement = joined_evidence(statement, envelope)
        return with_evidence(statement, identity_evidence(statement, self.identity))

    def write_documents(self, made: Made, name: str) -> None:
        """What the office hands to its auditor: records with the salts that open them."""
        write_whole(self.folder / name, write_document_file(made.documents))

    def write_disclosures(self, statement: ReserveStatement) -> None:
        """What the public sees: with addresses, and totals alone."""
        for name, level in ((PUBLIC, "addresses"), (TOTALS, "totals")):
            shown = disclose(statement.envelope, keep_at(level))
            write_whole(self.folder / name, write_statement(shown))

    def write_valuation(self, statement: ReserveStatement, prices: Sequence[PricePoint]) -> None:
        """What the holdings are worth at the day's invented prices: a file apart, same root."""
        valuation = valuation_of(
            statement, prices=prices, rules=rules_for(prices, CURRENCIES), currencies=CURRENCIES
        )
        write_whole(self.folder / VALUATION, write_valuation(valuation))

    def write_journals(self, statement: ReserveStatement, chain: ChainView) -> None:
        """The journal for bookkeeping programs."""
        journal = journal_of_statement(statement, _days(statement, chain))
        title = statement.header.office.name["en"]
        csv_text = journal_csv(journal, notice=TEST_NOTICE)
        beancount_text = journal_beancount(journal, title=title, notice=TEST_NOTICE)
        write_whole(self.folder / "journal.csv", csv_text.encode())
        write_whole(self.folder / "journal.beancount", beancount_text.encode())


def _salt_seed(office: str, name: str) -> bytes:
    """In earnest 32 random bytes; here the same in every run, so that runs can be compared."""
    return hashlib.sha256(f"khazana demo salts {office} {name}".encode()).digest()


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
