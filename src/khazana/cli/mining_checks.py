"""The checks of mining that `khazana verify` makes: figures, counters, bills, payouts, cost."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from khazana.cli.mining_limits import (
    FilesNotGiven,
    implied_questions,
    no_outages,
    of_no_site,
    require_files,
)
from khazana.cli.mining_parts import mined_postings, rewards_from, series_for
from khazana.ledger.findings import Finding
from khazana.mining.checks import mining_findings, mining_limits, mining_summary
from khazana.mining.checks_metering import (
    bill_findings,
    check_meter_findings,
    energy_findings,
    power_findings,
    shown_months,
    unstated_wh,
)
from khazana.mining.checks_paid import (
    Accounts,
    own_blocks_findings,
    payout_findings,
    receipt_findings,
)
from khazana.mining.day_stamps import judge_stamps
from khazana.mining.difficulty_table import shipped_difficulty
from khazana.mining.evidence.metering import BILLS, OUTAGES, PAYOUTS, TARIFFS, Metering
from khazana.mining.evidence.meters import MeterRole
from khazana.mining.figures import ALONE
from khazana.mining.month_body import MonthBody
from khazana.mining.parts import KIND, MiningBody, mining_bodies
from khazana.reserve.answers import FILE, Answer, answer
from khazana.reserve.bodies import block_ref
from khazana.reserve.case import Case
from khazana.reserve.question import Question
from khazana.statement.checks import Check, Profile
from khazana.statement.errors import StatementMalformed
from khazana.units import Txid

Ask = Callable[[Case], Answer]
Claims = Callable[[MonthBody], bool]
_GROUND = ("schema", "period", "entries", "completeness", "explanations")


class MiningChecks:
    """The checks called `mining…`, for `khazana.reserve.verify.verify` (its `more`).

    metering: files behind the sites' months, as the office or the utility gave them to the reader.
    gateways: ids of the keys that the reader knows to be the utility's.
    """

    def __init__(self, metering: Sequence[Metering] = (), *, gateways: Iterable[str] = ()) -> None:
        self.metering = tuple(metering)
        self.gateways = frozenset(gateways)

    def __call__(self, case: Case) -> Iterable[Check[Case]]:
        if not case.statement.header.parts.get(KIND) and not self.metering:
            return
        level = Profile.TOTALS if self.metering else Profile.FULL
        yield Question("mining", "Mining, energy to bitcoin", self.mining, level, _GROUND)
        for name, title, ask, claims, brought in self._more():
            bodies = _readable(case)
            if brought or any(claims(month) for body in bodies for month in body.months):
                required = Profile.TOTALS if brought else None
                yield Question(name, title, ask, required, ("schema", "period"))

    def _more(self) -> Iterator[tuple[str, str, Ask, Claims, bool]]:
        """Every further check: when the parts call for it, and whether its files were brought."""
        given = self.metering

        def table(name: str) -> bool:
            return any(name in each.files for each in given)

        checks = any(m.role is MeterRole.CHECK for g in given for m in g.meters.meters.values())
        yield (
            *("mining_energy", "Energy by sealed counters", self.energy),
            *(lambda month: month.evidence is not None, bool(given)),
        )
        yield (
            *("mining_bills", "Utility's bills", self.bills),
            *(lambda month: month.billed_wh is not None, table(BILLS)),
        )
        yield (
            *("mining_check_meters", "Check meters", self.check_meters),
            *(lambda month: month.check is not None, checks),
        )
        yield (
            *("mining_payouts", "Pools' statements", self.payouts),
            *(lambda month: month.pool is not None, table(PAYOUTS)),
        )
        yield (
            *("mining_receipts", "Share receipts", self.receipts),
            *(lambda month: month.receipts is not None, any(g.receipts for g in given)),
        )
        yield (
            *("mining_blocks", "Blocks mined alone", self.blocks),
            *(lambda month: month.payout in ALONE, False),
        )
        yield (
            *("mining_power", "Cost, subsidy, load-shedding", self.power),
            lambda month: month.power is not None or month.outages is not None,
            table(TARIFFS) or table(OUTAGES),
        )
        yield (
            *("mining_stamps", "When the seals existed", self.stamps),
            *(lambda month: month.evidence is not None, any(g.stamps for g in given)),
        )

    def mining(self, case: Case) -> Answer:
        """Whether expectation, limits and verdicts follow, and arrivals are those of the books."""
        _require_parts(case)
        case.require("explanation", "wallet", "account")
        statement = case.statement
        try:
            bodies = mining_bodies(statement.envelope.parts)
        except StatementMalformed as wrong:
            malformed = [Finding("E30", wrong.problem, wrong.path)]
            return answer(basis=FILE, good="", findings=malformed)
        chain = case.required_chain()
        postings = mined_postings({Txid(t): b.lines for t, b in statement.explanations.items()})
        findings = mining_findings(
            bodies,
            postings=postings,
            accounts=[*statement.wallets, *statement.accounts],
            test=statement.header.test,
            series_for=lambda body: series_for(chain, body),
            rewards_for=rewards_from(chain),
        )
        simulated = any(body.simulated for body in bodies)
        difficulty = f"SIMULATED ({shipped_difficulty().source})" if simulated else "the headers"
        taken = any(body.rewards == "blocks" for body in bodies)
        rewards = "real blocks" if taken else "the subsidy and the share of fees entered"
        return answer(
            basis=f"entries and explanations as stated, {chain.basis}; difficulty: {difficulty}; "
            f"rewards: {rewards}",
            good=mining_summary(bodies),
            findings=findings,
            limits=(
                *mining_limits(bodies, shown=len(shown_months(bodies, self.metering))),
                *of_no_site(bodies, postings),
            ),
        )

    def energy(self, case: Case) -> Answer:
        bodies = _bodies(case)
        months = [month for body in bodies for month in body.months]
        named = [month for month in months if month.evidence is not None]
        shown = shown_months(bodies, self.metering)
        if not self.metering:
            raise FilesNotGiven(what="readings", missing=len(named), months=len(named))
        sealed = sum(given.audit.sealed for given in self.metering)
        limits = [
            "Counters are the utility's word: its gateway signed them; nothing shows here that a "
            "meter counts all that flows.",
        ]
        keys = sorted({key for given in self.metering for key in given.audit.used})
        if not self.gateways:
            limits.append(
                "Nothing shows here that the keys in meters.toml are the utility's: ask it for "
                f"their ids, and name them by --gateway ({', '.join(keys)})."
            )
        outside = sum(unstated_wh(bodies, given) for given in self.metering)
        if outside:
            limits.append(
                f"The same meters counted {outside} Wh before and after the months stated."
            )
        if len(shown) < len(months):
            limits.append(
                f"The energy of {len(months) - len(shown)} of {len(months)} months is the "
                "office's word: their readings and seals were not given."
            )
        return answer(
            basis="the utility's sealed counters, " + _digests(self.metering),
            good=f"{len(shown)} of {len(months)} months are what {sealed} sealed readings show",
            findings=[*energy_findings(bodies, self.metering), *self._strangers(keys)],
            limits=tuple(limits),
        )

    def _strangers(self, keys: Sequence[str]) -> Iterator[Finding]:
        """Rule E9 with a pin: a site may declare a key of its own as the utility's."""
        for key in keys:
            if self.gateways and key not in self.gateways:
                text = f"days are sealed by key {key}, which is none that you named"
                yield Finding("E9", text, "meters.toml")

    def bills(self, case: Case) -> Answer:
        bodies = _bodies(case)
        stated = [m for _, m in _months(bodies) if m.billed_wh is not None]
        shown = [
            month
            for _, month, given in shown_months(bodies, self.metering)
            if month.billed_wh is not None and given.bills is not None
        ]
        missing = require_files(
            "bills", stated, shown, found=any(g.bills is not None for g in self.metering)
        )
        bills = sum(len(given.bills or ()) for given in self.metering)
        return answer(
            basis="the bills' table and the sealed counters",
            good=f"{bills} bills are what the counters show, and {len(shown)} months state them",
            findings=bill_findings(bodies, self.metering),
            limits=(
                *missing,
                "The table of bills is not signed: ask the utility for the papers by their "
                "SHA-256, or for the table itself.",
            ),
        )

    def check_meters(self, case: Case) -> Answer:
        bodies = _bodies(case)
        stated = [m for _, m in _months(bodies) if m.check is not None]
        shown = shown_months(bodies, self.metering)
        checked = [month for _, month, _ in shown if month.check is not None]
        missing = require_files("check meters' readings", stated, checked, found=bool(shown))
        return answer(
            basis="the sealed counters of main and check meters",
            good=f"main and check meters of {len(checked)} months agree within both classes",
            findings=check_meter_findings(bodies, self.metering),
            limits=(
                *missing,
                "A check meter read by the same gateway as the main one is no second witness "
                "against that gateway.",
            ),
        )

    def payouts(self, case: Case) -> Answer:
        bodies = _bodies(case)
        shown = shown_months(bodies, self.metering)
        stated = [m for _, m in _months(bodies) if m.pool is not None]
        found = [m for _, m, g in shown if m.pool is not None and PAYOUTS in g.files]
        missing = require_files(
            "pools' statements", stated, found, found=any(PAYOUTS in g.files for g in self.metering)
        )
        chain = case.required_chain()
        return answer(
            basis=f"the pools' statements, {chain.basis}",
            good=f"{sum(m.pool.payouts for m in found if m.pool)} payouts of {len(found)} months "
            "are outputs of the chain, and exactly what the months count",
            findings=payout_findings(
                shown,
                bodies,
                self.metering,
                chain=chain,
                until=block_ref(case.statement.header.period.until),
                accounts=_accounts(case),
            ),
            limits=(
                *missing,
                "A pool's statement is the pool's word, as the office hands it over: what the "
                "pool leaves out is not seen.",
            ),
        )

    def receipts(self, case: Case) -> Answer:
        bodies = _bodies(case)
        shown = shown_months(bodies, self.metering)
        stated = [m for _, m in _months(bodies) if m.receipts is not None]
        found = [
            (body, month)
            for body, month, given in shown
            if month.receipts is not None and month.receipts.file in given.receipts
        ]
        missing = require_files("share receipts", stated, found, found=False)
        chain = case.required_chain()
        shares = sum(month.receipts.shares for _, month in found if month.receipts)
        return answer(
            basis=f"the receipts themselves, {chain.basis}",
            good=f"{shares} shares of {len(found)} months could only have paid the reserve",
            findings=receipt_findings(shown, chain=chain, accounts=_accounts(case)),
            limits=(
                *missing,
                "Receipts remove luck, not calibration: how much energy the work took is J/TH, "
                "the word of the source named. That the share target was agreed before the work "
                "is the office's word.",
                *implied_questions(found),
            ),
        )

    def blocks(self, case: Case) -> Answer:
        bodies = _bodies(case)
        chain = case.required_chain()
        count = sum(len(m.arrivals) for _, m in _months(bodies) if m.payout in ALONE)
        return answer(
            basis=str(chain.basis),
            good=f"{count} arrivals of sites that mine alone are coinbases that name their site",
            findings=own_blocks_findings(
                bodies,
                chain=chain,
                until=block_ref(case.statement.header.period.until),
                accounts=_accounts(case),
            ),
            limits=(
                "That a site made a block is its own word, written before the block was known.",
            ),
        )

    def power(self, case: Case) -> Answer:
        bodies = _bodies(case)
        shown = shown_months(bodies, self.metering)
        stated = [m for _, m in _months(bodies) for b in (m.power, m.outages) if b is not None]
        followed = [
            b
            for _, month, given in shown
            for b, name in ((month.power, TARIFFS), (month.outages, OUTAGES))
            if b is not None and b.file is not None and name in given.files
        ]
        if len(followed) < len(stated) and not followed:
            raise FilesNotGiven(what="tariffs and outages", missing=len(stated), months=len(stated))
        silent = [f"{body.site} in {m.month}" for body, m in _months(bodies) if m.outages is None]
        left = len(stated) - len(followed)
        more = []
        if left:
            more.append(f"{left} sums are the office's word: their tables were not given.")
        if silent:
            named = ", ".join(silent[:12]) + (", …" if len(silent) > 12 else "")
            more.append(f"No outages were published for {named}: no hours say nothing there.")
        return answer(
            basis="tables of tariffs and outages, and the sealed counters",
            good=f"{len(followed)} sums of cost and load-shedding follow from their tables",
            findings=power_findings(bodies, self.metering),
            limits=(
                "Tariffs, costs and outages are the word of the sources named.",
                *more,
                *no_outages(bodies, self.metering),
            ),
        )

    def stamps(self, case: Case) -> Answer:
        chain = case.required_chain()
        if not any(given.stamps for given in self.metering):
            raise FilesNotGiven(what="time stamps of the seals", missing=1, months=1)
        judged = judge_stamps(self.metering, chain=chain, test=case.statement.header.test)
        return answer(
            basis=f"the headers of {chain.basis}",
            good=judged.summary,
            findings=judged.findings,
            limits=judged.limits,
        )


def _readable(case: Case) -> tuple[MiningBody, ...]:
    """The disclosed parts; none where one is malformed, which the check `mining` says."""
    try:
        return mining_bodies(case.statement.envelope.parts)
    except StatementMalformed:
        return ()


def _bodies(case: Case) -> tuple[MiningBody, ...]:
    _require_parts(case)
    return mining_bodies(case.statement.envelope.parts)


def _require_parts(case: Case) -> None:
    """Refuse to go on when a site is withheld: the test is over all of them."""
    shown = sum(1 for part in case.statement.envelope.parts if part.kind == KIND)
    if shown < case.statement.header.parts.get(KIND, 0):
        case.require(KIND)


def _months(bodies: Sequence[MiningBody]) -> Iterator[tuple[MiningBody, MonthBody]]:
    return ((body, month) for body in bodies for month in body.months)


def _accounts(case: Case) -> Accounts:
    return {wallet.id: frozenset(wallet.scripts) for wallet in case.wallets}


def _digests(metering: Sequence[Metering]) -> str:
    return ", ".join(given.readings.file for given in metering)
