"""The check `log_dates`: which dates of wallets rest on the office's log, and which on its word."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from khazana.accord.feed.dated import DATED_TYPE, InLog, judge_dated
from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding
from khazana.reserve.case import Case
from khazana.reserve.parts import BlockBody
from khazana.reserve.reading import ReserveStatement
from khazana.statement.checks import Check, CheckResult, Profile, Verdict
from khazana.statement.evidence import evidence_places
from khazana.statement.file_checks import LIMIT_UNKNOWN_SIGNER, check_identity
from khazana.statement.log.office_keys import RoleNotUsable
from khazana.statement.office_file import Pin
from khazana.statement.timestamps.judge import judge_proof

MOST_LATER = 144
"""Blocks from the one that a date names to the one that shows the entry: about a day on mainnet,
which a stamp may have to wait for."""
LIMIT = (
    "A block shows that the entry was there by then, never that it was not there before. That the "
    "wallets named are all that the office has, no log shows."
)


@dataclass(frozen=True)
class LogDates:
    """The check `log_dates`, for `khazana.reserve.verify.verify` (its `more`)."""

    now: datetime
    pin: Pin | None = None

    def __call__(self, case: Case) -> Iterable[Check[Case]]:
        if any(item.type == DATED_TYPE for item in case.statement.envelope.evidence):
            yield _Dates(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """An entry of the log that a block of the reader's chain shows. by: that block's height."""

    entry: InLog
    by: int


@dataclass(frozen=True)
class _Dates:
    """Whether each wallet's dates stand in the log by the blocks that the statement names."""

    given: LogDates
    name: str = "log_dates"
    title: str = "Dates that rest on the log"
    needs: tuple[str, ...] = ("schema", "root")
    level: Profile | None = None

    def run(self, case: Case) -> CheckResult:
        statement = case.statement.envelope
        _, office = check_identity(statement, self.given.pin)
        if office is None:
            return self._said(Verdict.NOT_CHECKABLE, "the log is an unknown office's")
        if case.chain is None:
            return self._said(Verdict.NOT_CHECKABLE, "no chain was given to hold time stamps to")
        shown: list[_Shown] = []
        findings: list[Finding] = []
        for where, item in evidence_places(statement):
            if item.type != DATED_TYPE or item.subject_root != statement.root:
                continue
            try:
                found = judge_dated(item, office, now=self.given.now)
            except RoleNotUsable as error:
                return self._said(Verdict.NOT_CHECKABLE, str(error))
            except KhazanaError as error:
                findings.append(Finding("log", str(error), where))
                continue
            findings += [Finding("log", t, where) for t in _strangers(found, case.statement)]
            if found.stamp is not None:
                judged = judge_proof(found.stamp, case.chain)
                findings += [Finding("log", f"time stamp: {p}", where) for p in judged.problems]
                shown += [_Shown(entry=found, by=each.height) for each in judged.confirmed[:1]]
        basis = f"keys of {office.id}; {case.chain.basis}"
        if findings:
            return self._said(Verdict.FAILED, findings[0].text, tuple(findings), basis=basis)
        resting: dict[str, list[str]] = {}
        word: list[str] = []
        for name, what, block, entry in _dates(case.statement, shown):
            said = f"{what} at block {block.height}"
            if entry is None:
                word.append(f"{name} {said}")
            elif entry.by - block.height > MOST_LATER:
                word.append(f"{name} {said}, which the log shows by block {entry.by} only")
            else:
                told = f"{said}: entry {entry.entry.index}, shown by block {entry.by}"
                resting.setdefault(told, []).append(name)
        groups = [f"{', '.join(names)} {told}" for told, names in resting.items()]
        text = "; ".join(groups) or "no date rests on the log"
        if word:
            text += f"; on the office's word alone: {', '.join(word)}"
        if self.given.pin is None:
            text += "; nobody vouches for this office"
        passed = bool(resting) and not word and self.given.pin is not None
        verdict = Verdict.PASSED if passed else Verdict.NOT_CHECKABLE
        return self._said(verdict, text, basis=basis)

    def _said(
        self,
        verdict: Verdict,
        summary: str,
        findings: tuple[Finding, ...] = (),
        *,
        basis: str = "none",
    ) -> CheckResult:
        unknown = (LIMIT_UNKNOWN_SIGNER,) if self.given.pin is None else ()
        return CheckResult(
            name=self.name,
            verdict=verdict,
            basis=basis,
            summary=summary,
            findings=findings,
            limits=(LIMIT, *unknown),
        )


def _strangers(found: InLog, statement: ReserveStatement) -> Iterator[str]:
    """Scripts that the log declares for a wallet which the statement lists without them."""
    for wallet, scripts in found.wallets.items():
        listed = statement.scripts.get(wallet)
        strange = set() if listed is None else set(scripts) - set(listed.scripts)
        if strange:
            yield (
                f"entry {found.index} declares script {min(strange)} for wallet {wallet}, and the "
                "statement does not list it"
            )


def _dates(
    statement: ReserveStatement, shown: Iterable[_Shown]
) -> Iterator[tuple[str, str, BlockBody, _Shown | None]]:
    """Every date of a wallet: whose, what happened, at which block, and what shows it earliest."""
    sealed: dict[str, _Shown] = {}
    declared: dict[str, _Shown] = {}
    for each in sorted(shown, key=lambda one: one.by):
        if each.entry.commitment is not None:
            sealed.setdefault(each.entry.commitment, each)
        for told in each.entry.wallets:
            # Without the wallet's scripts nothing ties the name to it.
            if told in statement.scripts:
                declared.setdefault(told, each)
    for name, wallet in statement.wallets.items():
        if wallet.seal is not None:
            yield name, "sealed", wallet.seal.block, sealed.get(wallet.seal.commitment)
        yield name, "declared", wallet.declared, declared.get(name)
    for body in statement.sealed:
        yield f"wallet {body.commitment[:12]}…", "sealed", body.block, sealed.get(body.commitment)
