"""Everybody who plays in the demo, day by day, and what the offices publish as they go."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from khazana.bitcoin.chain import ChainView
from khazana.cli.demo import directory as lies
from khazana.cli.demo.accord import Accord, Witnessed
from khazana.cli.demo.auditor import SEALED, SealedFor, sealed_for_auditor
from khazana.cli.demo.books import Books
from khazana.cli.demo.chronicle import STATEMENT, Chronicle, Player
from khazana.cli.demo.drill import BOUGHT as DRILLS_PURCHASE
from khazana.cli.demo.drill import Drill
from khazana.cli.demo.el_salvador import CAP as EL_SALVADORS_CAP
from khazana.cli.demo.el_salvador import ElSalvador
from khazana.cli.demo.logs import Signatory, StateLogs
from khazana.cli.demo.narration import Progress
from khazana.cli.demo.officers import Officers, found_office, officers_of
from khazana.cli.demo.orders import BATCH, Batch
from khazana.cli.demo.pakistan import CAP as PAKISTANS_CAP
from khazana.cli.demo.pakistan import Pakistan
from khazana.cli.demo.people import People, people_on, usual_miner
from khazana.cli.demo.prices import Prices
from khazana.cli.demo.progress_file import ProgressFile
from khazana.cli.demo.providers.story import Providers
from khazana.cli.demo.proving import Proved, prove
from khazana.cli.demo.publish import Publisher
from khazana.cli.demo.purchases import (
    BOUGHT,
    BOUGHT_ID,
    OVERRIDDEN_ID,
    Bought,
    Conditions,
    Refused,
    refused_purchase,
)
from khazana.cli.demo.signers import SingleKey
from khazana.cli.demo.spending_desk import RESTATED, SpendingDesk
from khazana.cli.demo.stage import BTC, Stage
from khazana.cli.demo.timeline import OPENING, Timeline
from khazana.cli.files import write_whole
from khazana.conditions.accumulation import AccumulationTest
from khazana.conditions.as_if_booked import LenderConditions
from khazana.conditions.parts import accumulation_tests
from khazana.devnet.network import Devnet
from khazana.devnet.view import DevnetView
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.statement.envelope import write_statement

STATES = (lies.EL_SALVADOR, lies.PAKISTAN)
CONTROL = "control"
CAPS = {lies.EL_SALVADOR: EL_SALVADORS_CAP, lies.PAKISTAN: PAKISTANS_CAP, lies.DRILL: 10 * BTC}
STATES_TELL_AFTER, DRILL_TELLS_AFTER = 30, 3
"""Days by which the public is told of an override."""
REASON_FOR_CORRECTION = (
    "The paper of a purchase was found in the archive after publication; what the first statement "
    "called unexplained is now an acquisition. No coin and no balance changed."
)


@dataclass
class Company:
    """Everybody who plays, and what the offices have published so far.

    tampered, tampered_mining: the Drill Office's lies. proved: what the states' quorums signed.
    """

    stage: Stage
    people: People
    el_salvador: ElSalvador
    pakistan: Pakistan
    drill: Drill
    prices: Prices
    officers: dict[str, Officers]
    providers: Providers
    suppliers: tuple[bytes, ...]
    logs: StateLogs
    chronicles: dict[str, Chronicle] = field(default_factory=dict)
    proved: dict[str, Proved] = field(default_factory=dict)
    desks: dict[str, SpendingDesk] = field(default_factory=dict)
    batch: Batch | None = None
    bought: dict[str, Bought] = field(default_factory=dict)
    refused: dict[str, Refused] = field(default_factory=dict)
    sealed: SealedFor | None = None
    witnessed: list[Witnessed] = field(default_factory=list)
    """What each office found of another's log."""
    tampered: ReserveStatement | None = None
    tampered_mining: ReserveStatement | None = None

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
    suppliers = stage.purse("suppliers", SingleKey("suppliers"))
    officers = {name: officers_of(name) for name in (*STATES, lies.DRILL)}
    return Company(
        stage=stage,
        people=people,
        el_salvador=ElSalvador(stage, people, prices, officers[lies.EL_SALVADOR]),
        pakistan=Pakistan(stage, people, prices, officers[lies.PAKISTAN]),
        drill=Drill(stage, people, prices, officers[lies.DRILL]),
        prices=prices,
        officers=officers,
        providers=Providers(stage, people),
        suppliers=tuple(suppliers.new_script() for _ in BATCH),
        logs=StateLogs(stage, people.exchange),
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
        company.providers.act(day)
        _spend(company, directory, day)
        if day == OPENING:
            company.logs.begin({each: _signatory(company, directory, each) for each in STATES})
        company.logs.act()
        stage.close_day()
        company.logs.confirm(chain)
        told.day(day)
        progress.day(day)
        for line in company.providers.publish(day, chain, directory):
            told.aside(line)
        if day in signings:
            for office in STATES:
                chronicle = _chronicle(company, directory, office)
                chronicle.publish(signings[day], chain, at=day)
                company.logs.published(office, chronicle.disclosed(chronicle.newest))
            told.aside(f"statement {signings[day]} of {timeline.periods} is signed in both states")
        if day == timeline.correction:
            chronicle = company.chronicles[lies.PAKISTAN]
            chronicle.correct(timeline.corrected, chain, at=day, reason=REASON_FOR_CORRECTION)
            company.logs.published(lies.PAKISTAN, chronicle.disclosed(chronicle.newest))
            told.aside("Pakistan replaces a statement: a paper was found late")
        if day == company.el_salvador.rise_day:
            told.aside("El Salvador's fund rises in one day: from what?")


def _spend(company: Company, directory: Path, day: int) -> None:
    """What the spending desks do on a day, in the last quarter."""
    within, last = company.stage.timeline.within, company.stage.timeline.periods
    sent = within(last, 50)
    _pay_suppliers(company, day, sent=sent)
    # One desk, one log: in a short quarter the purchase waits until the batch is booked.
    _buy(company, day, on=max(within(last, 75), sent + 4))
    if day == company.drill.purchase_days[1]:
        _chronicle(company, directory, lies.DRILL)
    _buy_against_the_rules(company, day, on=company.drill.purchase_days[1])


def _pay_suppliers(company: Company, day: int, *, sent: int) -> None:
    """Pakistan's 2-of-3 pays a batch; its first transaction is stuck and replaced."""
    if day == sent:
        desk = _desk(company, lies.PAKISTAN)
        company.batch = Batch(
            desk,
            company.pakistan.cold,
            "reserve-cold",
            company.stage,
            _conditions_today(company, desk),
        )
        company.batch.send(day)
    elif company.batch is not None and day == sent + 2:
        company.batch.bump(day)
    elif company.batch is not None and day == sent + 3:
        company.batch.book(day)


def _buy(company: Company, day: int, *, on: int) -> None:
    """Pakistan buys beneath its ceiling, from two quotes to the books."""
    if day == on:
        desk, stage = _desk(company, lies.PAKISTAN), company.stage
        company.bought[lies.PAKISTAN] = bought = Bought(
            BOUGHT_ID,
            desk,
            company.pakistan.cold,
            "reserve-cold",
            BOUGHT,
            "PKR",
            stage,
            company.prices,
            _conditions_today(company, desk),
        )
        bought.order(day, company.people.exchange)
    elif day == on + 1:
        company.bought[lies.PAKISTAN].receive(day)


def _buy_against_the_rules(company: Company, day: int, *, on: int) -> None:
    """The Drill Office buys what it promised not to: ministers let it pass, and say so in time."""
    if day == on:
        desk = _desk(company, lies.DRILL)
        company.bought[lies.DRILL] = bought = Bought(
            OVERRIDDEN_ID,
            desk,
            company.drill.vault,
            "vault",
            DRILLS_PURCHASE,
            "USD",
            company.stage,
            company.prices,
            _conditions_today(company, desk),
            override=True,
        )
        bought.order(day, company.people.exchange)
    elif day == on + 1:
        company.bought[lies.DRILL].receive(day)
    elif day == on + DRILL_TELLS_AFTER:
        company.bought[lies.DRILL].publish(day)


def refuse_purchases(company: Company) -> None:
    """Both states draft a purchase of 50 BTC, and neither may make it."""
    timeline, chain = company.stage.timeline, DevnetView(company.stage.devnet)
    at = timeline.instant(timeline.days) + timedelta(hours=9)
    for office, purse, wallet in (
        (lies.EL_SALVADOR, company.el_salvador.fund, "fund"),
        (lies.PAKISTAN, company.pakistan.operations, "reserve-operations"),
    ):
        desk, script = _desk(company, office), purse.new_script()
        company.refused[office] = refused_purchase(
            desk,
            script,
            wallet,
            company.prices,
            chain,
            day=timeline.days,
            at=at,
            conditions=_conditions(company, desk, chain, until=timeline.last_close, at=at),
        )
        desk.books.write_papers(desk.folder)


def restated(company: Company) -> AccumulationTest:
    """El Salvador's quarter whose letter came late, tested again with what is known today."""
    timeline, chain = company.stage.timeline, DevnetView(company.stage.devnet)
    period = timeline.periods - 1
    desk = _desk(company, lies.EL_SALVADOR)
    conditions = desk.lender(
        company.chronicles[lies.EL_SALVADOR].memorandum(period),
        chain,
        after=timeline.close(period - 1),
        until=timeline.close(period),
        at=timeline.instant(timeline.days),
        into=RESTATED,
    )
    (test,) = accumulation_tests(conditions.memoranda[0], conditions.inputs)
    return test


def _desk(company: Company, office: str) -> SpendingDesk:
    if office not in company.desks:
        chronicle = company.chronicles[office]
        company.desks[office] = SpendingDesk(
            chronicle.folder,
            chronicle.player.books,
            company.officers[office],
            chronicle.publisher.identity,
            CAPS[office],
            company.suppliers,
            publish_after_days=DRILL_TELLS_AFTER if office == lies.DRILL else STATES_TELL_AFTER,
        )
    return company.desks[office]


def _conditions_today(company: Company, desk: SpendingDesk) -> Conditions:
    def conditions(chain: ChainView, at: datetime) -> LenderConditions:
        return _conditions(company, desk, chain, until=chain.tip().height, at=at)

    return conditions


def _conditions(
    company: Company, desk: SpendingDesk, chain: ChainView, *, until: int, at: datetime
) -> LenderConditions:
    """This quarter's conditions of the desk's office, with its books up to a block."""
    last = company.stage.timeline.periods
    memorandum = company.chronicles[desk.books.id].memorandum(last)
    after = company.stage.timeline.close(last - 1)
    return desk.lender(memorandum, chain, after=after, until=until, at=at)


def publish_newest(
    company: Company, directory: Path, chain: ChainView, progress: ProgressFile
) -> None:
    """The last quarter, made through the same Esplora API that strangers use; what else is needed
    is read from the network in this process, which is faster.

    The coins' own quorums sign the states' statements; the Drill Office tells one truth, two lies.
    """
    near = DevnetView(company.stage.devnet)
    timeline = company.stage.timeline
    progress.stage("publishing")
    for office in STATES:
        chronicle = company.chronicles[office]
        chronicle.publish(timeline.periods, chain, at=timeline.days, near=near)
        folder = chronicle.folder / CONTROL
        proved = prove(chronicle.newest.statement, chronicle.player.books, near, folder)
        chronicle.attach(proved.statement)
        chronicle.write_journals(near)
        company.proved[office] = proved
    fund = company.chronicles[lies.EL_SALVADOR]
    company.sealed = sealed_for_auditor(fund.newest.statement, fund.folder / SEALED)
    drill = _chronicle(company, directory, lies.DRILL)
    drill.publish(timeline.periods, chain, at=timeline.days)
    company.tampered = drill.told_otherwise(near, company.drill.tampered)
    company.tampered_mining = drill.told_otherwise(near, sites_told=company.drill.hiding)
    for name, told in (
        (lies.TAMPERED, company.tampered),
        (lies.TAMPERED_MINING, company.tampered_mining),
    ):
        write_whole(directory / name, write_statement(told.envelope))


def witness_each_other(
    company: Company, directory: Path, chain: str, progress: ProgressFile
) -> None:
    """Both states publish what anyone may see in their logs, and judge each other's; then the
    Drill Office publishes its lie. chain: the source that they ask.
    """
    progress.stage("witnessing")
    accord = Accord(directory, chain)
    chronicles = {office: company.chronicles[office] for office in STATES}
    company.witnessed = accord.partners(
        {
            office: [each.disclosed(publication) for publication in each.publications]
            for office, each in chronicles.items()
        }
    )
    for office, chronicle in chronicles.items():
        path = chronicle.folder / STATEMENT
        accord.attach(office, path)
        chronicle.attach(read_reserve_statement(path.read_bytes()))
    company.witnessed += accord.lie(directory / lies.TAMPERED)


def _signatory(company: Company, directory: Path, office: str) -> Signatory:
    chronicle = _chronicle(company, directory, office)
    return Signatory(
        folder=chronicle.folder,
        books=chronicle.player.books,
        officers=company.officers[office],
        identity=chronicle.publisher.identity,
    )


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
