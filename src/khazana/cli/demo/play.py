"""The demo from first to last: play the days, publish, verify in another process, serve."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from threading import Thread

from khazana.bitcoin.adapters.source import open_chain
from khazana.bitcoin.chain import ChainView
from khazana.cli.clock import now as clock_now
from khazana.cli.demo import directory as lies
from khazana.cli.demo import narration
from khazana.cli.demo.books import Books
from khazana.cli.demo.directory import fresh_directory
from khazana.cli.demo.drill import Drill
from khazana.cli.demo.el_salvador import ElSalvador
from khazana.cli.demo.figures import lane_changes, on_one_day
from khazana.cli.demo.judge import Trial, judged
from khazana.cli.demo.narration import Progress, say
from khazana.cli.demo.officers import Officers, found_office, officers_of
from khazana.cli.demo.pakistan import Pakistan
from khazana.cli.demo.people import People, people_on, usual_miner
from khazana.cli.demo.prices import Prices, major
from khazana.cli.demo.publish import VALUATION, Publisher, as_it_is
from khazana.cli.demo.server import listening_socket, served, url_of
from khazana.cli.demo.stage import Stage
from khazana.cli.demo.timeline import OPENING, Timeline, timeline_of
from khazana.cli.files import write_whole
from khazana.devnet.network import Devnet
from khazana.devnet.view import DevnetView
from khazana.reserve.make import Made
from khazana.reserve.reading import ReserveStatement
from khazana.statement.checks import TEST_NOTICE

STATEMENT, FIRST = "statement.json", "statement-1.json"
DOCUMENTS = "documents.json"
FIRST_YEAR = "first-year"


@dataclass
class Company:
    """Everybody who plays, and what the offices have published so far."""

    stage: Stage
    people: People
    el_salvador: ElSalvador
    pakistan: Pakistan
    drill: Drill
    prices: Prices
    officers: dict[str, Officers]
    publishers: dict[str, Publisher]
    first: dict[str, ReserveStatement]
    current: dict[str, ReserveStatement]

    @property
    def books(self) -> tuple[Books, ...]:
        """The two states' books."""
        return self.el_salvador.books, self.pakistan.books


def play(
    directory: Path, *, days: int, ends: date | None, port: int, once: bool, now: datetime
) -> int:
    """Run the whole demo; 0 when every verification came out as it should."""
    timeline = timeline_of(days=days, ends=ends, now=now)
    listening = listening_socket(port)
    with listening:
        fresh_directory(directory)
        url = url_of(listening)
        say(*narration.opening(url, timeline))
        devnet = Devnet(directory / lies.DEVNET)
        with served(devnet, listening, lambda: int(clock_now().timestamp())) as thread:
            company = company_on(devnet, timeline)
            play_days(company, directory)
            chain = open_chain(f"esplora:{url}")
            _publish(company, directory, chain)
            status = _verify(company, directory, url)
            if not once:
                say("", f"The Esplora API stays on {url} until Ctrl-C.")
                _wait(thread)
    return status


def _wait(thread: Thread) -> None:
    """Until Ctrl-C, which is how a demo ends and no failure."""
    try:
        while thread.is_alive():
            thread.join(1)
    except KeyboardInterrupt:
        say("", "stopped")


def company_on(devnet: Devnet, timeline: Timeline) -> Company:
    """Everybody, on a network that has no block yet."""
    stage = Stage(devnet, timeline)
    people, prices = people_on(stage), Prices(timeline)
    officers = {name: officers_of(name) for name in (lies.EL_SALVADOR, lies.PAKISTAN, lies.DRILL)}
    return Company(
        stage=stage,
        people=people,
        el_salvador=ElSalvador(stage, people, prices, officers[lies.EL_SALVADOR]),
        pakistan=Pakistan(stage, people, prices, officers[lies.PAKISTAN]),
        drill=Drill(stage, people, prices, officers[lies.DRILL]),
        prices=prices,
        officers=officers,
        publishers={},
        first={},
        current={},
    )


def play_days(company: Company, directory: Path) -> None:
    """Every day of the demo, a block each; the first year's statements on the day they are due."""
    stage, progress = company.stage, Progress(company.stage.timeline)
    for day in range(1, stage.timeline.days + 1):
        stage.miner = company.el_salvador.mines(day) or usual_miner(company.people, day)
        company.el_salvador.act(day)
        company.pakistan.act(day)
        company.drill.act(day)
        stage.close_day()
        progress.day(day)
        if day == stage.timeline.first_signing:
            _publish_first_year(company, directory)
            progress.aside("the first year's statements are signed")
        if day == company.el_salvador.rise_day:
            progress.aside("El Salvador's fund rises in one day: from what?")


def _publish_first_year(company: Company, directory: Path) -> None:
    """As it was on that day: the books so far, the tip of the day, signatures of the day."""
    chain, timeline = DevnetView(company.stage.devnet), company.stage.timeline
    for books in company.books:
        folder = directory / books.id
        closed = timeline.instant(timeline.first_close)
        office_toml = books.write(folder / FIRST_YEAR, closed=closed)
        publisher = _found(company, directory, books, office_toml)
        statement, made = publisher.publish(
            office_toml,
            chain,
            after=OPENING,
            until=timeline.first_close,
            at=timeline.instant(timeline.first_signing),
            name=FIRST,
        )
        _require_fit(books.id, made)
        publisher.write_documents(made, "documents-1.json")
        company.first[books.id] = statement


def _found(company: Company, directory: Path, books: Books, office_toml: Path) -> Publisher:
    folder = directory / books.id
    officers = company.officers[books.id]
    at = company.stage.timeline.instant(OPENING)
    identity = found_office(officers, folder, office_toml, at=at)
    publisher = Publisher(folder, officers, identity)
    company.publishers[books.id] = publisher
    return publisher


def _publish(company: Company, directory: Path, chain: ChainView) -> None:
    """The current statements, made through the same Esplora API that strangers use."""
    timeline = company.stage.timeline
    for books in company.books:
        folder = directory / books.id
        publisher = company.publishers[books.id]
        office_toml = books.write(folder, closed=timeline.instant(timeline.last_close))
        books.write_papers(folder)
        write_whole(folder / "prices.csv", company.prices.table)
        statement, made = publisher.publish(
            office_toml,
            chain,
            after=timeline.first_close,
            until=timeline.last_close,
            at=timeline.instant(timeline.days),
            name=STATEMENT,
            previous=company.first[books.id],
        )
        _require_fit(books.id, made)
        company.current[books.id] = statement
        publisher.write_documents(made, DOCUMENTS)
        publisher.write_disclosures(statement)
        publisher.write_valuation(statement, company.prices.points)
        publisher.write_journals(statement, chain)
    _publish_drill(company, directory, chain)


def _publish_drill(company: Company, directory: Path, chain: ChainView) -> None:
    drill, timeline = company.drill, company.stage.timeline
    office_toml = drill.books.write(
        directory / lies.DRILL, closed=timeline.instant(timeline.last_close)
    )
    drill.books.write_papers(directory / lies.DRILL)
    publisher = _found(company, directory, drill.books, office_toml)
    for name, told in ((STATEMENT, as_it_is), (f"../{lies.TAMPERED}", drill.tampered)):
        statement, made = publisher.publish(
            office_toml,
            chain,
            after=timeline.first_close,
            until=timeline.last_close,
            at=timeline.instant(timeline.days),
            name=name,
            told=told,
        )
        company.current[name.removeprefix("../")] = statement
        if name == STATEMENT:
            _require_fit(drill.books.id, made)


def _require_fit(office: str, made: Made) -> None:
    """The scenario's books must fit its chain; if they do not, the scenario is wrong."""
    if made.findings:
        found = "; ".join(str(finding) for finding in made.findings)
        raise ValueError(f"the books of {office} do not fit the chain: {found}")


def _verify(company: Company, directory: Path, url: str) -> int:
    """A stranger's verifications, each in a process of its own, and what they came to."""
    trials = _trials(directory, url)
    status = 0
    for trial in trials:
        outcome = judged(trial)
        say(*narration.outcome_lines(outcome), "")
        if not outcome.as_expected:
            status = 1
    claimed, honest = company.current[lies.TAMPERED], company.current[STATEMENT]
    say(
        narration.claimed_and_found(
            claimed.perimeters["all"].figures.closing,
            honest.perimeters["all"].figures.closing,
            str(company.drill.hidden),
        ),
        "",
        *_el_salvador_told(company),
        "",
        _pakistan_told(company),
        "",
        *narration.where_things_lie(directory, [trial.command for trial in trials]),
        "",
        "every verification came out as it should"
        if status == 0
        else "A VERIFICATION DID NOT COME OUT AS IT SHOULD",
        TEST_NOTICE,
    )
    return status


def _trials(directory: Path, url: str) -> list[Trial]:
    def trial(title: str, file: Path, office: str, *more: object, failing: str = "") -> Trial:
        identity = directory / office / "office.json"
        arguments = ("verify", file, "--chain", f"esplora:{url}", "--office", identity, *more)
        shown = tuple(str(word) for word in (*arguments, "--require", "full"))
        return Trial(title, shown, failing=(failing,) if failing else ())

    trials = []
    for state, name in (("El Salvador", lies.EL_SALVADOR), ("Pakistan", lies.PAKISTAN)):
        folder = directory / name
        title = f"{state}'s statement, verified in a process of its own"
        more = (
            *("--previous", folder / FIRST, "--documents", folder / DOCUMENTS),
            *("--valuation", folder / VALUATION, "--prices", folder / "prices.csv"),
        )
        trials.append(trial(title, folder / STATEMENT, name, *more))
    title = "The Drill Office's tampered statement, signed by its valid keys"
    tampered = directory / lies.TAMPERED
    return [*trials, trial(title, tampered, lies.DRILL, failing="completeness")]


def _el_salvador_told(company: Company) -> Iterator[str]:
    statement, day = company.current[lies.EL_SALVADOR], company.el_salvador.rise_day
    perimeters = statement.perimeters
    when = f"block {day} ({company.stage.timeline.instant(day):%Y-%m-%d})"
    bars = on_one_day(statement, day, page="fund", stock="public-sector")
    yield narration.two_bars(bars, when=when)
    yield from narration.stock_in_the_period(
        perimeters["fund"].figures,
        perimeters["public-sector"].figures,
        lane_changes(statement, "public-sector"),
    )


def _pakistan_told(company: Company) -> str:
    held = company.current[lies.PAKISTAN].perimeters["strategic-reserve"].figures
    closing = company.stage.timeline.last_close
    worth = [
        f"{major(company.prices.value(held.closing, closing, currency).minor, currency)} {currency}"
        for currency in ("USD", "PKR")
    ]
    return narration.reserve_line("Pakistan's strategic reserve", held, worth)
