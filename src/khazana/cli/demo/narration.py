"""What the demo says: plain lines for people, with the notice of a test network on them."""

import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.work import block_subsidy
from khazana.cli.demo import directory as lies
from khazana.cli.demo import el_salvador, pakistan
from khazana.cli.demo.auditor import AUDITOR, NOT_INSTALLED, SealedFor
from khazana.cli.demo.chronicle import Publication
from khazana.cli.demo.figures import TwoBars
from khazana.cli.demo.judge import Outcome
from khazana.cli.demo.orders import BATCH_ID, ENOUGH, STUCK, Batch
from khazana.cli.demo.portals import Portal
from khazana.cli.demo.prices import major
from khazana.cli.demo.proving import Proved
from khazana.cli.demo.purchases import Bought, Refused
from khazana.cli.demo.timeline import SCALE, Timeline
from khazana.conditions.accumulation import Accumulation, AccumulationTest
from khazana.ledger.accounts import Lane
from khazana.reserve.parts import FiguresBody
from khazana.reserve.wallet_report.document import WalletReport
from khazana.statement.checks import TEST_NOTICE
from khazana.units import SATS_PER_BTC, Height, Sats, btc_from_sats

WIDTH = 98
RULE = "-" * WIDTH

STATE_NAMES = {
    lies.EL_SALVADOR: "El Salvador",
    lies.PAKISTAN: "Pakistan",
    lies.DRILL: "the Drill Office (fictional)",
}

LaneTotals = Mapping[str, int]
"""lane -> how much more stands in it at the closing than at the opening."""


def say(*lines: str) -> None:
    for line in lines:
        print(line)
    sys.stdout.flush()


def where_pages_are(portals: Iterable[Portal]) -> Iterator[str]:
    """A line for each state's pages, which answer from the first day on."""
    for portal in portals:
        yield f"Pages of {STATE_NAMES[portal.office]}: {portal.url}/"


class Progress:
    """ "day 312 of 730": one line that is written over on a terminal, a few lines elsewhere."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._live = sys.stdout.isatty()
        self._every = 1 if self._live else 100

    def day(self, height: int) -> None:
        last = height == self._timeline.days
        if height % self._every and not last:
            return
        text = f"day {height} of {self._timeline.days}, {self._timeline.instant(height):%Y-%m-%d}"
        if self._live:
            print(f"\r{text}", end="\n" if last else "", flush=True)
        else:
            say(text)

    def aside(self, text: str) -> None:
        """A line between two days."""
        say(f"\r{text}" if self._live else text)


def opening(url: str, timeline: Timeline) -> Iterable[str]:
    yield f"Khazana demo: {TEST_NOTICE}"
    yield f"Esplora API on {url} from now on, while the chain grows"
    yield ""
    yield from scale_table(timeline)
    yield ""


def scale_table(timeline: Timeline) -> Iterable[str]:
    """How amounts here relate to those outside, and how many coins this chain has."""
    coins = sum(block_subsidy(Height(h), REGTEST) for h in range(1, timeline.days + 1))
    made = f"{coins // SATS_PER_BTC:,} coins in {timeline.days} days"
    yield f"Scale 1 : {SCALE} (this chain makes {made})"
    rows = (
        ("El Salvador's fund at the opening", el_salvador.FUND_AT_OPENING),
        ("  one purchase a day", el_salvador.DAILY_PURCHASE),
        (f"  cap of each of {el_salvador.SPLIT_ADDRESSES} addresses", el_salvador.CAP),
        ("  rise of its page in one day", el_salvador.RISE),
        ("Pakistan's reserve at the opening", pakistan.AT_OPENING),
        ("  one purchase", pakistan.PURCHASE),
        ("  cap of each address", pakistan.CAP),
    )
    yield f"  {'':40}{'stands for BTC':>16}{'here BTC':>16}"
    for what, here in rows:
        yield f"  {what:40}{_short(here * SCALE):>16}{_short(here):>16}"


def outcome_lines(outcome: Outcome) -> Iterable[str]:
    """A verification as a stranger sees it: the command, the table, what it came to."""
    yield RULE
    yield outcome.trial.title
    yield f"$ {outcome.trial.command}"
    yield ""
    yield from outcome.table.rstrip("\n").split("\n")
    if outcome.problem:
        yield outcome.problem
    yield ""
    if not outcome.as_expected:
        wanted = ", ".join(outcome.trial.failing) or "no"
        found = ", ".join(outcome.failed) or "no"
        yield (
            f"NOT AS EXPECTED: {wanted} check should fail; {found} check failed, "
            f"exit status {outcome.status}"
        )
    elif outcome.failed:
        yield f"As it should be: exactly one check failed, {outcome.failed[0]}."
    else:
        yield "As it should be: every check that could be made passed."


def filled(text: str) -> str:
    """A sentence in lines of the demo's width."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def claimed_and_found(claimed: int, found: int, hidden: str) -> str:
    return filled(
        f"The Drill Office claims {_btc(claimed)} at closing; the chain shows {_btc(found)}. "
        f"The payment it hides is transaction {hidden}."
    )


def two_bars(day: TwoBars, *, when: str) -> str:
    """The sentence about El Salvador that the whole ledger exists for."""
    return filled(
        f"El Salvador, {when}: the fund's wallet received {_btc(day.received)}; the public "
        f"sector's stock changed by {_signed(day.change)}."
    )


def stock_in_the_period(page: FiguresBody, stock: FiguresBody, lanes: LaneTotals) -> Iterable[str]:
    """Why the page and the stock differ over the whole period, from the statement's figures."""
    clients = lanes[Lane.HELD_FOR_CLIENTS.value]
    yield filled(
        f"Over the quarter the fund's page went from {_btc(page.opening)} to "
        f"{_btc(page.closing)}; the public sector's stock changed by "
        f"{_signed(stock.closing - stock.opening)}:"
    )
    rest = stock.inflow - stock.outflow - stock.fee - clients
    for what, amount in (
        ("wallets declared in the period, sealed before", stock.perimeter_change),
        ("mined", stock.coinbase),
        ("held for clients, who own it", clients),
        ("receipts less payments and fees", rest),
        ("balances at custodians", stock.off_chain),
    ):
        if amount:
            yield f"  {_signed(amount):>20}  {what}"


def reserve_line(name: str, held: FiguresBody, worth: Iterable[str], *, unexplained: int) -> str:
    """What a reserve holds, on what evidence, and what nobody explained in any statement."""
    return filled(
        f"{name} holds {_btc(held.closing)}, of it {_btc(held.grades.a)} that anyone derives from "
        f"the chain (grade A) and {_btc(held.grades.c)} on a custodian's letter (grade C); "
        f"{_btc(unexplained)} came in unexplained since the opening. At the day's invented price: "
        f"{', '.join(worth)}."
    )


def correction_line(publications: Sequence[Publication]) -> Iterable[str]:
    """What replaced what, and how both say so."""
    for publication in publications:
        if publication.superseded_by is not None:
            number = next(
                p.number for p in publications if p.statement.root == publication.superseded_by
            )
            yield filled(
                f"Pakistan's publication {publication.number} is superseded by {number}, of the "
                "same period: a paper found late explains what was unexplained. Both stay."
            )


def accumulation_lines(tests: Iterable[tuple[str, AccumulationTest]]) -> Iterable[str]:
    """An example of each verdict: the newest of the first office that has one."""
    newest: dict[Accumulation, tuple[str, AccumulationTest]] = {}
    counts: dict[Accumulation, int] = {}
    for office, test in tests:
        if newest.get(test.verdict, (office, test))[0] == office:
            newest[test.verdict] = (office, test)
        counts[test.verdict] = counts.get(test.verdict, 0) + 1
    yield "Did the stock rise? The accumulation test in the statements, verdict by verdict:"
    for verdict in Accumulation:
        if verdict not in newest:
            continue
        office, test = newest[verdict]
        times = "once" if counts[verdict] == 1 else f"{counts[verdict]} times"
        where = f"{STATE_NAMES[office]}, {test.perimeter}"
        blocks = f"after block {test.after.height} up to block {test.until.height}"
        yield f"  {verdict.value} ({times}); {where}, {blocks}:"
        yield textwrap.indent(textwrap.fill(test.why, WIDTH - 4, break_on_hyphens=False), "    ")
        for late in test.late:
            if verdict is Accumulation.ASSERTED:
                yield (
                    f"    {late.wallet} of {late.entity} gave {_btc(late.paid)}; document: "
                    f"{late.document or 'none'}"
                )


def restated_line(today: AccumulationTest) -> str:
    """What is known today about the quarter that could not be assessed."""
    return filled(
        f"The letter that was missing at block {today.until.height} came after the statement was "
        f"signed. With it the same test says today: {today.verdict.value}. What was certified "
        "stands beside it, unchanged."
    )


def signed_by_quorums(proved: Mapping[str, Proved]) -> Iterable[str]:
    """Who put the figures under the coins' own keys."""
    for office, each in proved.items():
        campaign = each.campaign
        yield filled(
            f"{STATE_NAMES[office]}'s coins signed the statement's root themselves: "
            f"{len(campaign.closing.coins)} coins, {len(campaign.rounds)} proofs, {each.files} "
            f"files back from devices of demo keys. Message: {campaign.message.text}"
        )


def sealed_lines(sealed: SealedFor | None) -> Iterable[str]:
    """How proofs are shown to one reader and to nobody else."""
    if sealed is None:
        yield filled(NOT_INSTALLED)
        return
    yield filled(
        f"A copy of El Salvador's statement shows the public the hash of its proofs alone; they "
        f"are sealed with age for {AUDITOR}, who opens them:"
    )
    yield (
        f"  khazana custody open {sealed.statement} {sealed.sealed} --identity {sealed.identity} "
        f"--out {sealed.opened}"
    )


def report_lines(reports: Iterable[tuple[str, WalletReport | None]]) -> Iterable[str]:
    """What each state told its lender about every address, and who signed that it holds nothing."""
    for office, report in reports:
        if report is None:
            continue
        addresses = sum(len(w.addresses) for e in report.entities for w in e.wallets)
        nil = " and ".join(entity.name["en"] for entity in report.entities if entity.nil)
        held = f"{_btc(report.hot[-1])} in hot wallets, {_btc(report.cold[-1])} in cold ones"
        if report.attested[-1]:
            held += f", {_btc(report.attested[-1])} at custodians"
        yield filled(
            f"{STATE_NAMES[office]}'s wallet report for its lender lists {addresses} addresses at "
            f"the base date {report.dates[0].day} and {len(report.dates) - 1} dates since; at the "
            f"last, {held}. Nil returns, each signed by the body itself: {nil}."
        )


def batch_lines(batch: Batch | None) -> Iterable[str]:
    """How a stuck payment came through."""
    if batch is None:
        return
    order = batch.desk.log.order(BATCH_ID).order
    first, last = batch.sent[0], batch.sent[-1]
    yield filled(
        f"Pakistan's 2-of-3 paid {len(order.payments)} suppliers {_btc(order.sats)} in one "
        f"transaction. The first, {first.txid}, paid {STUCK} sat/vB and was stuck; it was replaced "
        f"by {last.txid} at {ENOUGH} sat/vB, approved anew by two people, confirmed and booked."
    )


def bought_lines(bought: Mapping[str, Bought]) -> Iterable[str]:
    """Purchases from their quotes to the books, and what ministers let pass."""
    for office in sorted(bought, key=list(STATE_NAMES).index):
        state, name = bought[office].desk.log.order(bought[office].id), STATE_NAMES[office]
        order = state.order
        if order.purchase is None or order.cost is None:
            continue
        for past in state.overrides:
            people = " and ".join(past.signed.holders)
            yield filled(
                f"{name} drafts a purchase of {_btc(order.sats)}: refused by "
                f'{", ".join(past.signed.rules)}. {people} let it pass: "{past.signed.reason}". '
                "The approvers signed that they know. The public was to be told by "
                f"{past.publish_on}: {past.published or 'NOT YET'}."
            )
        cost = f"{major(order.cost.minor, order.cost.currency)} {order.cost.currency}"
        yield filled(
            f"{name} buys {_btc(order.sats)} by an order: {len(order.purchase.quotes)} quotes, the "
            f"cheaper one taken, approved by {' and '.join(state.approvers)}, {cost} paid, "
            f"delivered in {state.deliveries[0].txid}, receipt filed, {state.status.value}."
        )


def refusal_lines(refused: Mapping[str, Refused]) -> Iterable[str]:
    """Which rule refuses an order, by how much, and what would pass."""
    for office, each in refused.items():
        yield f"{STATE_NAMES[office]} drafts a purchase of {_btc(each.order.sats)}: refused."
        for result in each.outcome.refusals:
            yield textwrap.indent(textwrap.fill(result.why, WIDTH - 2), "  ")
        largest = each.outcome.largest
        yield f"  Largest order that every rule lets pass: {_btc(largest or 0)}"


def where_things_lie(directory: Path, commands: Iterable[str]) -> Iterable[str]:
    yield RULE
    yield f"Everything lies in {directory}/ ({TEST_NOTICE}):"
    for name, what in (
        ("devnet/", "the network's blocks; --chain blocks:.../devnet/blocks reads them"),
        ("el-salvador/, pakistan/", "office.toml, office.json, keys, papers, statements, journals"),
        ("  statement.json", "the current statement; statements/ has all, publication.json why"),
        (
            "  statement-public.json",
            "what the public sees; statement-totals.json without addresses",
        ),
        ("  documents.json", "records with the salts that open them, for an auditor"),
        ("  valuation.json", "the holdings in USD and PKR at invented prices, same root"),
        ("  memorandum.toml", "the example of a lender's conditions that it is judged by"),
        ("  wallet-report.json", "every address, hot and cold, for the lender; reports/ has all"),
        ("  control/", "what the quorums' devices were given to sign"),
        ("  mining/", "sealed counters, bills, payouts, tariffs of the mining sites; Pakistan's"),
        (
            "  orders.jsonl",
            "every order with its approvals, refusals included; spending.toml: rules",
        ),
        ("  feed/", "its log and what it names, for any web server; copies/ has the partner's"),
        ("drill-office/", "the fictional office's honest statement"),
        ("providers/", "invented providers: what they owe, slips of customers, one that lies"),
        ("tampered.json", "the same statement with one payment hidden, signed by its valid keys"),
        ("tampered-mining.json", "the same with less energy, so that no bitcoin seems missing"),
    ):
        yield f"  {name:26}{what}"
    yield ""
    yield "Check it yourself:"
    for command in commands:
        yield f"  {command}"


def _btc(amount: int) -> str:
    return f"{btc_from_sats(Sats(amount))} BTC"


def _signed(amount: int) -> str:
    return f"{'+' if amount > 0 else ''}{_btc(amount)}"


def _short(amount: int) -> str:
    """Without zeros at the end, for round figures."""
    whole, _, fraction = btc_from_sats(Sats(amount)).partition(".")
    return f"{int(whole):,}.{fraction}".rstrip("0").rstrip(".")
