"""Everybody who plays in the demo, day by day, and what the offices publish as they go."""

from dataclasses import dataclass
from pathlib import Path

from khazana.bitcoin.chain import ChainView
from khazana.cli.demo import directory as lies
from khazana.cli.demo.books import Books
from khazana.cli.demo.chronicle import Chronicle, Player
from khazana.cli.demo.drill import Drill
from khazana.cli.demo.el_salvador import ElSalvador
from khazana.cli.demo.narration import Progress
from khazana.cli.demo.officers import Officers, found_office, officers_of
from khazana.cli.demo.pakistan import Pakistan
from khazana.cli.demo.people import People, people_on, usual_miner
from khazana.cli.demo.prices import Prices
from khazana.cli.demo.progress_file import ProgressFile
from khazana.cli.demo.proving import Proved, prove
from khazana.cli.demo.publish import Publisher
from khazana.cli.demo.stage import Stage
from khazana.cli.demo.timeline import OPENING, Timeline
from khazana.cli.files import write_whole
from khazana.devnet.network import Devnet
from khazana.devnet.view import DevnetView
from khazana.reserve.reading import ReserveStatement
from khazana.statement.envelope import write_statement

STATES = (lies.EL_SALVADOR, lies.PAKISTAN)
CONTROL = "control"
REASON_FOR_CORRECTION = (
    "The paper of a purchase was found in the archive after publication; what the first statement "
    "called unexplained is now an acquisition. No coin and no balance changed."
)


@dataclass
class Company:
    """Everybody who plays, and what the offices have published so far.

    tampered: the Drill Office's lie. proved: what the states' quorums signed.
    """

    stage: Stage
    people: People
    el_salvador: ElSalvador
    pakistan: Pakistan
    drill: Drill
    prices: Prices
    officers: dict[str, Officers]
    chronicles: dict[str, Chronicle]
    proved: dict[str, Proved]
    tampered: ReserveStatement | None = None

    def player(self, office: str) -> Player:
        players: dict[str, Player] = {
            lies.EL_SALVADOR: self.el_salvador,
            lies.PAKISTAN: self.pakistan,
            lies.DRILL: self.drill,
        }
        return players[office]

    def newest(self, office: str) -> ReserveStatement:
        return self.chronicles[office].newest.statement


def company_on(devnet: Devnet, timeline: Timeline) -> Company:
    """Everybody, on a network that has no block yet."""
    stage = Stage(devnet, timeline)
    people, prices = people_on(stage), Prices(timeline)
    officers = {name: officers_of(name) for name in (*STATES, lies.DRILL)}
    return Company(
        stage=stage,
        people=people,
        el_salvador=ElSalvador(stage, people, prices, officers[lies.EL_SALVADOR]),
        pakistan=Pakistan(stage, people, prices, officers[lies.PAKISTAN]),
        drill=Drill(stage, people, prices, officers[lies.DRILL]),
        prices=prices,
        officers=officers,
        chronicles={},
        proved={},
    )


def play_days(company: Company, directory: Path, progress: ProgressFile) -> None:
    """Every day of the demo, a block each; each quarter's statements on the day they are due.

    The last quarter's are left to `publish_newest`.
    """
    stage, timeline = company.stage, company.stage.timeline
    told = Progress(timeline)
    progress.begin(company.chronicles)
    signings = {timeline.signing(period): period for period in range(1, timeline.periods)}
    chain = DevnetView(stage.devnet)
    for day in range(1, timeline.days + 1):
        stage.miner = company.el_salvador.mines(day) or usual_miner(company.people, day)
        company.el_salvador.act(day)
        company.pakistan.act(day)
        company.drill.act(day)
        stage.close_day()
        told.day(day)
        progress.day(day)
        if day in signings:
            for office in STATES:
                _chronicle(company, directory, office).publish(signings[day], chain, at=day)
            told.aside(f"statement {signings[day]} of {timeline.periods} is signed in both states")
        if day == timeline.correction:
            company.chronicles[lies.PAKISTAN].correct(
                timeline.corrected, chain, at=day, reason=REASON_FOR_CORRECTION
            )
            told.aside("Pakistan replaces a statement: a paper was found late")
        if day == company.el_salvador.rise_day:
            told.aside("El Salvador's fund rises in one day: from what?")


def publish_newest(
    company: Company, directory: Path, chain: ChainView, progress: ProgressFile
) -> None:
    """The last quarter, made through the same Esplora API that strangers use.

    The coins' own quorums sign the states' statements; the Drill Office tells one truth, one lie.
    """
    timeline = company.stage.timeline
    progress.stage("publishing")
    for office in STATES:
        chronicle = company.chronicles[office]
        chronicle.publish(timeline.periods, chain, at=timeline.days)
        folder = chronicle.folder / CONTROL
        proved = prove(chronicle.newest.statement, chronicle.player.books, chain, folder)
        chronicle.attach(proved.statement)
        chronicle.write_journals(chain)
        company.proved[office] = proved
    drill = _chronicle(company, directory, lies.DRILL)
    drill.publish(timeline.periods, chain, at=timeline.days)
    company.tampered = drill.told_otherwise(chain, company.drill.tampered)
    raw = write_statement(company.tampered.envelope)
    write_whole(directory / lies.TAMPERED, raw)


def _chronicle(company: Company, directory: Path, office: str) -> Chronicle:
    """An office's chronicle; its identity is founded with the first statement."""
    if office not in company.chronicles:
        player, timeline = company.player(office), company.stage.timeline
        books: Books = player.books
        folder, officers = directory / office, company.officers[office]
        office_toml = books.write(folder, closed=timeline.instant(OPENING))
        identity = found_office(officers, folder, office_toml, at=timeline.instant(OPENING))
        company.chronicles[office] = Chronicle(
            folder, player, Publisher(officers, identity), timeline, company.prices
        )
    return company.chronicles[office]
