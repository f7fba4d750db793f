"""What an office has published so far: every statement with its files, and an index of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from khazana.accord.feed.dated import undated
from khazana.bitcoin.chain import ChainView
from khazana.cli.demo.books import Books
from khazana.cli.demo.mining.evidence import MINING, copy_evidence, write_evidence
from khazana.cli.demo.mining.programme import Programme
from khazana.cli.demo.opening_costs import FILE as OPENING_COST
from khazana.cli.demo.opening_costs import opening_costs
from khazana.cli.demo.prices import Prices
from khazana.cli.demo.publish import (
    Ask,
    Publisher,
    SitesTelling,
    Telling,
    as_it_is,
    as_they_are,
    journals,
    valued,
)
from khazana.cli.demo.reports import Reporter
from khazana.cli.demo.timeline import Timeline
from khazana.cli.files import write_whole
from khazana.cli.offices import office_file
from khazana.custody.control_evidence import proofs_withheld
from khazana.ledger.document_file import write_document_file
from khazana.ledger.documents import utc_text
from khazana.reserve.levels import keep_at
from khazana.reserve.make import Made
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.valuation_document import ValuationDocument, write_valuation
from khazana.reserve.wallet_report.document import WalletReport, write_wallet_report
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.envelope import Statement, disclose, write_statement

STATEMENT, PUBLIC, TOTALS = "statement.json", "statement-public.json", "statement-totals.json"
DOCUMENTS, VALUATION, MEMORANDUM = "documents.json", "valuation.json", "memorandum.toml"
REPORT = "wallet-report.json"
PUBLICATION = "publication.json"
PUBLICATION_FORMAT = "khazana.demo.publication/1"


class Player(Protocol):
    """An office of the demo as its publishing needs it."""

    books: Books

    @property
    def mining(self) -> Programme | None: ...

    def memorandum(self, period: int, closed: Sequence[date]) -> str | None: ...

    def report(self, period: int, closed: Sequence[date], *, at: datetime) -> None: ...

    def report_days(self, period: int, closed: Sequence[date]) -> Sequence[date]: ...


@dataclass(frozen=True, kw_only=True)
class Publication:
    """A published statement. closed: the day that its period ends with, in the office's zone.

    report: the wallet report that goes with it, if the lender asks for one. mining: whether it
    tells about mining sites.
    reason: why it replaces an earlier one.
    """

    number: int
    period: int
    statement: ReserveStatement
    made: Made
    report: WalletReport | None = None
    closed: date
    published: datetime
    memorandum: bool
    mining: bool = False
    reason: str | None = None
    superseded_by: str | None = None

    @property
    def stem(self) -> str:
        """How its files are called."""
        return f"{self.number:04d}-{self.closed}"


@dataclass
class Chronicle:
    """An office's publications in order, and the folder where they lie (layout: docs/demo.md)."""

    folder: Path
    player: Player
    publisher: Publisher
    timeline: Timeline
    prices: Prices
    publications: list[Publication] = field(default_factory=list)
    closed: list[date] = field(default_factory=list)
    """The day that each period closes, in the office's zone; the opening's first."""
    valuations: dict[str, ValuationDocument] = field(default_factory=dict)
    """By the root of the statement that they value."""

    @property
    def newest(self) -> Publication:
        return self.publications[-1]

    def of_period(self, period: int) -> Publication:
        """The publication that stands for a period today."""
        return next(p for p in reversed(self.publications) if p.period == period)

    def first_of_period(self, period: int) -> Publication:
        """The publication that was made when the period had closed."""
        return next(p for p in self.publications if p.period == period)

    def path(self, publication: Publication) -> Path:
        return self.folder / "statements" / f"{publication.stem}.json"

    def disclosed(self, publication: Publication) -> Path:
        """What the public sees of a statement."""
        return self.folder / "disclosures" / f"{publication.stem}-public.json"

    def memorandum(self, period: int) -> str:
        """The lender's conditions in a period, whether or not it has closed; '' without any."""
        self._close_days(period)
        return self.player.memorandum(period, self.closed) or ""

    def publish(
        self, period: int, chain: ChainView, *, at: int, near: ChainView | None = None
    ) -> None:
        """The statement of a period, made at tip `at`, with everything that goes with it.

        near: the same chain from a nearer place, for what goes with the statement.
        """
        self._close_days(period)
        instant = self.timeline.instant(at)
        self.player.report(period, self.closed, at=instant)
        previous = self.of_period(period - 1).statement.root if self.publications else None
        made = self._made(period, chain, instant, previous=previous)
        report = self._report(period, chain if near is None else near, instant, made)
        made = made if report is None else replace(made, report=report)
        self._add(made, chain if near is None else near)

    def correct(self, period: int, chain: ChainView, *, at: int, reason: str) -> None:
        """A statement that replaces the newest one, of the same period, at a later tip."""
        wrong = self.newest
        made = self._made(
            period,
            chain,
            self.timeline.instant(at),
            previous=wrong.statement.header.previous,
            supersedes=wrong.statement.root,
            reason=reason,
        )
        self.publications[-1] = replace(wrong, superseded_by=made.statement.root)
        self._add(made, chain)

    def attach(self, statement: ReserveStatement) -> None:
        """The newest statement with more evidence: its files are written again, same root."""
        self.publications[-1] = replace(self.newest, statement=statement)
        self._write_statement(self.newest)

    def write_journals(self, chain: ChainView) -> None:
        for name, content in journals(self.newest.statement, chain).items():
            write_whole(self.folder / name, content)

    def told_otherwise(
        self,
        chain: ChainView,
        told: Telling = as_it_is,
        sites_told: SitesTelling = as_they_are,
    ) -> ReserveStatement:
        """The newest statement as it would be if chain or sites were otherwise; not published."""
        newest, lie = self.newest, (told, sites_told)
        made = self._made(newest.period, chain, newest.published, previous=None, lie=lie)
        return made.statement

    def _made(
        self,
        period: int,
        chain: ChainView,
        at: datetime,
        *,
        previous: str | None,
        supersedes: str | None = None,
        reason: str | None = None,
        lie: tuple[Telling, SitesTelling] | None = None,
    ) -> Publication:
        books, timeline = self.player.books, self.timeline
        until = timeline.close(period)
        office_toml = books.write(self.folder, closed=timeline.instant(until))
        books.write_papers(self.folder)
        write_whole(self.folder / "prices.csv", self.prices.table)
        number = len(self.publications) + (1 if lie is None else 0)
        told, sites_told = lie or (as_it_is, as_they_are)
        memorandum = self._memorandum(period, number)
        mining = self._mining(period, number)
        statement, made = self.publisher.statement(
            office_toml,
            chain,
            Ask(
                number=number,
                after=timeline.close(period - 1),
                until=until,
                at=at,
                previous=previous,
                supersedes=supersedes,
                memorandum=memorandum,
                mining=mining,
                told=told,
                sites_told=sites_told,
            ),
        )
        if lie is None:
            _require_fit(books.id, made)
        return Publication(
            number=number,
            period=period,
            statement=statement,
            made=made,
            closed=self.closed[period],
            published=at,
            memorandum=memorandum is not None,
            mining=mining is not None,
            reason=reason,
        )

    def _report(
        self, period: int, chain: ChainView, at: datetime, newest: Publication
    ) -> WalletReport | None:
        """The wallet report that is due with a statement, written; None if nobody asks for one."""
        days = self.player.report_days(period, self.closed)
        if not days:
            return None
        told = {p.period: p.statement for p in (*self.publications, newest)}
        reporter = Reporter(self.publisher.officers, self.publisher.identity)
        made = reporter.report(
            self.folder / "office.toml",
            chain,
            days,
            [statement for n, statement in told.items() if self.closed[n] in days],
            at=at,
        )
        raw = write_wallet_report(made)
        for name in (f"reports/{newest.stem}.json", REPORT):
            write_whole(self.folder / name, raw)
        return made.report

    def _memorandum(self, period: int, number: int) -> Path | None:
        text = self.player.memorandum(period, self.closed)
        if text is None:
            return None
        write_whole(self.folder / MEMORANDUM, text.encode())
        path = self.folder / "memoranda" / f"{number:04d}-{self.closed[period]}.toml"
        write_whole(path, text.encode())
        return path

    def _mining(self, period: int, number: int) -> Path | None:
        """The sites that the statement tells about, with everything behind their energy."""
        programme = self.player.mining
        if programme is None:
            return None
        folder = self.folder / MINING / f"{number:04d}-{self.closed[period]}"
        return write_evidence(programme, period, folder)

    def _close_days(self, period: int) -> None:
        """The days that close with the periods' blocks: of their median times, in the zone."""
        zone = ZoneInfo(self.player.books.timezone)
        for number in range(len(self.closed), period + 1):
            # The median of eleven blocks a day apart is that of five days before.
            median = self.timeline.instant(self.timeline.close(number) - 5)
            self.closed.append(median.astimezone(zone).date())

    def _add(self, made: Publication, chain: ChainView) -> None:
        self.publications.append(made)
        self._write_statement(made)
        if made.mining:
            copy_evidence(self.folder / MINING / made.stem, self.folder / MINING)
        if len(self.publications) == 1:
            currency = office_file(str(self.folder / "office.toml")).rules.currency
            write_whole(self.folder / OPENING_COST, opening_costs(made.statement, currency))
        worth = valued(
            self.folder / "office.toml",
            made.statement,
            made.made,
            chain,
            self.prices.points,
            self.valuations.get(made.statement.header.previous or ""),
            (self.folder / OPENING_COST).read_bytes(),
        )
        self.valuations[made.statement.root] = worth
        valuation = write_valuation(worth)
        records = write_document_file(made.made.documents)
        for folder, name, content in (
            ("valuations", VALUATION, valuation),
            ("records", DOCUMENTS, records),
        ):
            write_whole(self.folder / folder / f"{made.stem}.json", content)
            write_whole(self.folder / name, content)
        self._write_index()

    def _write_statement(self, made: Publication) -> None:
        """The file itself, what the public sees of it, and copies under fixed names."""
        envelope = made.statement.envelope
        shown = disclose(envelope, keep_at("addresses"))
        # Proofs of control name addresses: whoever sees totals alone sees their hash.
        totals = proofs_withheld(disclose(envelope, keep_at("totals")))
        totals = replace(totals, evidence=undated(totals.evidence))
        files: tuple[tuple[str, str, Statement], ...] = (
            (f"statements/{made.stem}.json", STATEMENT, envelope),
            (f"disclosures/{made.stem}-public.json", PUBLIC, shown),
            (f"disclosures/{made.stem}-totals.json", TOTALS, totals),
        )
        for name, fixed, statement in files:
            raw = write_statement(statement)
            write_whole(self.folder / name, raw)
            write_whole(self.folder / fixed, raw)

    def _write_index(self) -> None:
        """Last: what it names is there."""
        document = {
            "format": PUBLICATION_FORMAT,
            "notice": TEST_NOTICE,
            "office": self.player.books.id,
            "currency": self.player.books.currency,
            "publications": [_listed(publication) for publication in self.publications],
            "newest": self.newest.number,
        }
        raw = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
        write_whole(self.folder / PUBLICATION, raw.encode())


def _listed(publication: Publication) -> dict[str, object]:
    header, stem = publication.statement.header, publication.stem
    return {
        "number": publication.number,
        "root": publication.statement.root,
        "previous": header.previous,
        "supersedes": header.supersedes,
        "superseded_by": publication.superseded_by,
        "after": header.period.after.height,
        "until": header.period.until.height,
        "closed": str(publication.closed),
        "published": utc_text(publication.published),
        "tip": header.tip.height,
        "reason": publication.reason,
        "statement": f"statements/{stem}.json",
        "public": f"disclosures/{stem}-public.json",
        "totals": f"disclosures/{stem}-totals.json",
        "valuation": f"valuations/{stem}.json",
        "records": f"records/{stem}.json",
        "report": f"reports/{stem}.json" if publication.report is not None else None,
        "memorandum": f"memoranda/{stem}.toml" if publication.memorandum else None,
        "mining": f"{MINING}/{stem}" if publication.mining else None,
    }


def _require_fit(office: str, made: Made) -> None:
    """The scenario's books must fit its chain; if they do not, the scenario is wrong."""
    if made.findings:
        found = "; ".join(str(finding) for finding in made.findings)
        raise ValueError(f"the books of {office} do not fit the chain: {found}")
