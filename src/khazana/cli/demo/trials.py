"""A stranger's verifications of what the demo published, and what they came to."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from khazana.cli.clock import now as clock_now
from khazana.cli.demo import directory as lies
from khazana.cli.demo import narration
from khazana.cli.demo.accord import accord_lines, as_it_should
from khazana.cli.demo.auditor import AUDITOR
from khazana.cli.demo.chronicle import DOCUMENTS, MEMORANDUM, REPORT, STATEMENT, VALUATION
from khazana.cli.demo.company import STATES, Company, restated
from khazana.cli.demo.figures import lane_changes, on_one_day
from khazana.cli.demo.judge import Trial, judged
from khazana.cli.demo.mining.evidence import MINING
from khazana.cli.demo.mining.telling import shortfalls_told, sites_told
from khazana.cli.demo.narration import say
from khazana.cli.demo.prices import major
from khazana.cli.demo.promises import kept_as_told, promise_lines, promises
from khazana.cli.demo.providers.checking import coverage_trials, slip_trials, slips_checked
from khazana.conditions.accumulation import AccumulationTest
from khazana.conditions.parts import conditions_of
from khazana.ledger.documents import Reason
from khazana.statement.checks import TEST_NOTICE

_AT_ONCE = 2
"""Verifications: as many as a small machine has cores."""


def verify(company: Company, directory: Path, url: str) -> int:
    """Each verification in a process of its own; 0 when all came out as they should."""
    trials = trials_of(company, directory, url)
    trials += coverage_trials(company.providers.playing, chain=f"esplora:{url}")
    slips = slip_trials(company.providers.playing, directory)
    status = 0
    with ThreadPoolExecutor(_AT_ONCE) as processes:
        outcomes = list(processes.map(judged, trials))
    for outcome in outcomes:
        say(*narration.outcome_lines(outcome), "")
        if not outcome.as_expected:
            status = 1
    if any(each.outcome.passed for each in company.refused.values()):
        status = 1
    if not slips_checked(slips):
        status = 1
    promised = promises(directory, now=clock_now())
    if not as_it_should(company.witnessed) or not kept_as_told(promised):
        status = 1
    if company.tampered is None:
        raise ValueError("nothing was tampered with yet")
    claimed, honest = company.tampered, company.newest(lies.DRILL)
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
        *narration.correction_line(company.chronicles[lies.PAKISTAN].publications),
        "",
        *narration.accumulation_lines(accumulation_tests(company)),
        narration.restated_line(restated(company)),
        "",
        *map(narration.filled, accord_lines(company.witnessed)),
        *map(narration.filled, promise_lines(promised)),
        "",
        *narration.signed_by_quorums(company.proved),
        *narration.sealed_lines(company.sealed),
        "",
        *narration.report_lines(
            (office, company.chronicles[office].newest.report) for office in STATES
        ),
        "",
        *narration.batch_lines(company.batch),
        *narration.bought_lines(company.bought),
        *narration.refusal_lines(company.refused),
        "",
        *map(narration.filled, _mining_told(company)),
        "",
        *narration.where_things_lie(directory, [*(t.command for t in trials), slips[0].command]),
        "",
        "every verification came out as it should"
        if status == 0
        else "A VERIFICATION DID NOT COME OUT AS IT SHOULD",
        TEST_NOTICE,
    )
    return status


def trials_of(company: Company, directory: Path, url: str) -> list[Trial]:
    """Both states' statements with everything they give and their coins' signatures, their wallet
    reports, and the lies.
    """

    def trial(
        title: str, file: Path, office: str, require: str, *more: object, failing: str = ""
    ) -> Trial:
        identity = directory / office / "office.json"
        arguments = ("verify", file, "--chain", f"esplora:{url}", "--office", identity, *more)
        shown = tuple(str(word) for word in (*arguments, "--require", require))
        return Trial(title, shown, failing=(failing,) if failing else ())

    trials = []
    for office in STATES:
        chronicle = company.chronicles[office]
        folder, name = directory / office, narration.STATE_NAMES[office]
        title = f"{name}'s statement, verified in a process of its own"
        before = chronicle.path(chronicle.of_period(chronicle.newest.period - 1))
        partner = next(o for o in STATES if o != office)
        more = (
            *("--previous", before, "--documents", folder / DOCUMENTS),
            *("--valuation", folder / VALUATION, "--prices", folder / "prices.csv"),
            *("--memorandum", folder / MEMORANDUM),
            *(("--metering", folder / MINING) if chronicle.newest.mining else ()),
            *("--beside", directory / partner / STATEMENT),
            *("--witness", directory / partner / "office.json"),
        )
        trials.append(trial(title, folder / STATEMENT, office, "control", *more))
        title = f"{name}'s wallet report for its lender, nil returns included"
        given = ("--identity", folder / "office.json", "--office", folder / "office.toml")
        # From the block files: a report asks about every address at every date.
        blocks = f"blocks:{directory / lies.DEVNET / 'blocks'}"
        words = ("report", "verify", folder / REPORT, "--chain", blocks, *given)
        trials.append(Trial(title, tuple(map(str, words))))
    if company.sealed is not None:
        title = f"El Salvador's statement with its proofs withheld, as {AUDITOR} sees it"
        opened = ("--control", company.sealed.opened)
        file = company.sealed.statement
        trials.append(trial(title, file, lies.EL_SALVADOR, "control", *opened))
    title = "The Drill Office's tampered statement, signed by its valid keys"
    tampered = directory / lies.TAMPERED
    trials.append(trial(title, tampered, lies.DRILL, "full", failing="completeness"))
    title = "The Drill Office hides what its site lost: less energy, signed by its valid keys"
    metering = ("--metering", directory / lies.DRILL / MINING)
    hiding = directory / lies.TAMPERED_MINING
    trials.append(trial(title, hiding, lies.DRILL, "full", *metering, failing="mining_energy"))
    return trials


def accumulation_tests(company: Company) -> Iterator[tuple[str, AccumulationTest]]:
    """Every result that stands in a published statement, office by office, period by period."""
    for office, chronicle in company.chronicles.items():
        for publication in chronicle.publications:
            for body in conditions_of(publication.statement):
                yield from ((office, test) for test in body.accumulation)


def _el_salvador_told(company: Company) -> Iterator[str]:
    statement, day = company.newest(lies.EL_SALVADOR), company.el_salvador.rise_day
    perimeters = statement.perimeters
    when = f"block {day} ({company.stage.timeline.instant(day):%Y-%m-%d})"
    bars = on_one_day(statement, day, page="fund", stock="public-sector")
    yield narration.two_bars(bars, when=when)
    yield from narration.stock_in_the_period(
        perimeters["fund"].figures,
        perimeters["public-sector"].figures,
        lane_changes(statement, "public-sector"),
    )


def _mining_told(company: Company) -> Iterator[str]:
    standing = [p for p in company.chronicles[lies.PAKISTAN].publications if not p.superseded_by]
    yield from sites_told([publication.statement for publication in standing])
    yield from shortfalls_told("An alarm in an honest statement", company.newest(lies.DRILL))


def _pakistan_told(company: Company) -> str:
    held = company.newest(lies.PAKISTAN).perimeters["strategic-reserve"].figures
    closing = company.stage.timeline.last_close
    worth = [
        f"{major(company.prices.value(held.closing, closing, currency).minor, currency)} {currency}"
        for currency in ("USD", "PKR")
    ]
    standing = [p for p in company.chronicles[lies.PAKISTAN].publications if not p.superseded_by]
    unexplained = sum(
        reason.amount
        for publication in standing
        for reason in publication.statement.perimeters["strategic-reserve"].figures.reasons
        if reason.reason == Reason.UNEXPLAINED.value
    )
    return narration.reserve_line(
        "Pakistan's strategic reserve", held, worth, unexplained=unexplained
    )
