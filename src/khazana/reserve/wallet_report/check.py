"""Checking a wallet report: every amount again from the chain, and who signed what (rule W6)."""

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.days import closing_block
from khazana.errors import KhazanaError
from khazana.ledger.documents import utc_text
from khazana.ledger.findings import Finding
from khazana.ledger.office import Office as DescribedOffice
from khazana.reserve.bodies import block_body, block_ref
from khazana.reserve.wallet_report.document import ReturnBody, WalletReport, WalletReportFile
from khazana.reserve.wallet_report.make import (
    ever_paid,
    median_time_of,
    positions_at,
    report_of,
)
from khazana.reserve.wallet_report.signing import SignedBy, role_of, signatures_of
from khazana.statement.checks import CheckResult, Verdict
from khazana.statement.identity import Office

UNSEEN_LIMIT = (
    "A wallet that nobody declared cannot be seen. The list is complete only for the wallets of "
    "the office file it was made from."
)
STORAGE_LIMIT = "Whether a wallet is hot or cold is the office's word; no chain shows it."
ATTESTED_LIMIT = "Balances at custodians are attested (grade C or D); no chain shows them."


def check_wallet_report(
    file: WalletReportFile,
    *,
    chain: ChainView | None,
    described: DescribedOffice | None,
    identity: Office | None,
    now: datetime,
) -> tuple[CheckResult, ...]:
    """Every check, made or not. described: the office file, where the reader has it.

    identity: the office whose signatures count, pinned by the reader; now: against which times of
    signing are held.
    """
    report = file.report
    return (
        _dates(report, chain),
        _amounts(report, chain),
        _complete(report, chain, described),
        *_signatures(file, identity, now),
    )


def _dates(report: WalletReport, chain: ChainView | None) -> CheckResult:
    name = "report_dates"
    if chain is None:
        return _not_made(name, "no chain was given")
    try:
        found = list(_date_findings(report, chain))
    except KhazanaError as error:
        return _not_made(name, str(error))
    count = len(report.dates)
    good = f"each of {count} dates closes with its block in {report.timezone}"
    return _result(name, str(chain.basis), found, good)


def _date_findings(report: WalletReport, chain: ChainView) -> Iterator[Finding]:
    if chain.network.genesis != report.network.genesis:
        text = f"the chain is {chain.network.name}, the report is about {report.network.name}"
        yield Finding("W2", text, "network")
        return
    for each in report.dates:
        block = closing_block(chain, date.fromisoformat(each.day), ZoneInfo(report.timezone))
        if block_body(block) != each.block:
            text = f"it closes with block {block}, the report names {block_ref(each.block)}"
            yield Finding("W2", text, each.day)
        elif utc_text(median_time_of(chain, block)) != each.median_time:
            yield Finding("W2", "its median time past is another one", each.day)


def _amounts(report: WalletReport, chain: ChainView | None) -> CheckResult:
    name = "report_amounts"
    if chain is None:
        return _not_made(name, "no chain was given")
    listed = {
        bytes.fromhex(address.script): (wallet.id, address)
        for entity in report.entities
        for wallet in entity.wallets
        for address in wallet.addresses
    }
    found = []
    try:
        for number, each in enumerate(report.dates):
            held = dict.fromkeys(listed, 0)
            for coin in chain.coins_at(list(listed), block_ref(each.block)):
                held[coin.script] += coin.amount
            for script, (wallet, address) in listed.items():
                stated = address.amounts[number]
                if held[script] != stated:
                    shown = address.address or address.script
                    text = f"{shown} held {held[script]} sat, the report says {stated}"
                    found.append(Finding("W3", text, f"wallet {wallet}, {each.day}"))
    except KhazanaError as error:
        return _not_made(name, str(error))
    good = f"{len(listed)} addresses hold what is stated at {len(report.dates)} dates"
    limits = [UNSEEN_LIMIT]
    if any(entity.accounts for entity in report.entities):
        limits.append(ATTESTED_LIMIT)
    return _result(name, str(chain.basis), found, good, *limits)


def _complete(
    report: WalletReport, chain: ChainView | None, described: DescribedOffice | None
) -> CheckResult:
    """The report made again from the office file: nothing left out, nothing put otherwise."""
    name = "report_complete"
    if chain is None or described is None:
        return _not_made(name, "it needs the office file and a chain", UNSEEN_LIMIT, STORAGE_LIMIT)
    scripts = {script for wallet in described.wallets for script in wallet.scripts}
    try:
        days = [date.fromisoformat(each.day) for each in report.dates]
        positions = positions_at(chain, scripts, days, timezone=report.timezone)
        again = report_of(
            described,
            positions,
            used=ever_paid(chain, scripts, positions[-1].block),
            tip=chain.tip(),
            fingerprint=report.office.fingerprint,
            arrangement=report.arrangement,
        )
    except KhazanaError as error:
        return _not_made(name, str(error), UNSEEN_LIMIT, STORAGE_LIMIT)
    found = list(_differences(report, again))
    good = f"the office file gives the same {len(report.entities)} returns, address by address"
    return _result(name, str(chain.basis), found, good, UNSEEN_LIMIT, STORAGE_LIMIT)


def _differences(report: WalletReport, again: WalletReport) -> Iterator[Finding]:
    mine = {entity.id: entity for entity in again.entities}
    theirs = {entity.id: entity for entity in report.entities}
    for missing in mine.keys() - theirs.keys():
        yield Finding("W3", "the office file has it, the report does not", f"entity {missing}")
    for stray in theirs.keys() - mine.keys():
        yield Finding("W3", "the report lists it, the office file does not", f"entity {stray}")
    for id_ in mine.keys() & theirs.keys():
        yield from _entity_differences(theirs[id_], mine[id_])
    for field in ("office", "timezone", "exclusions", "test"):
        if getattr(report, field) != getattr(again, field):
            yield Finding("W2", "the office file says otherwise", field)


def _entity_differences(stated: ReturnBody, due: ReturnBody) -> Iterator[Finding]:
    where = f"entity {stated.id}"
    wallets = {wallet.id: wallet for wallet in due.wallets}
    shown = {wallet.id: wallet for wallet in stated.wallets}
    for missing in sorted(wallets.keys() - shown.keys()):
        yield Finding("W3", f"wallet {missing} is left out", where)
    for stray in sorted(shown.keys() - wallets.keys()):
        yield Finding("W3", f"wallet {stray} is not in the office file", where)
    for id_ in sorted(wallets.keys() & shown.keys()):
        mine = {address.script: address for address in wallets[id_].addresses}
        theirs = {address.script: address for address in shown[id_].addresses}
        for script in sorted(mine.keys() - theirs.keys()):
            address = mine[script].address or script
            amounts = ", ".join(map(str, mine[script].amounts))
            yield Finding("W3", f"{address} is left out ({amounts} sat)", f"{where}, wallet {id_}")
        for script in sorted(theirs.keys() - mine.keys()):
            address = theirs[script].address or script
            yield Finding("W3", f"{address} is not this wallet's", f"{where}, wallet {id_}")
        for field in ("storage", "lanes", "declared", "name", "unused"):
            if getattr(shown[id_], field) != getattr(wallets[id_], field):
                text = f"{field} is {_said(getattr(wallets[id_], field))} in the office file"
                yield Finding("W3", text, f"{where}, wallet {id_}")
    if stated.accounts != due.accounts:
        yield Finding("W3", "its accounts are not those of the office file", where)
    if (stated.name, stated.sector, stated.nil) != (due.name, due.sector, due.nil):
        yield Finding("W4", "its name, sector or nil return is not that of the office file", where)


def _signatures(
    file: WalletReportFile, identity: Office | None, now: datetime
) -> Iterator[CheckResult]:
    nil = [entity.id for entity in file.report.entities if entity.nil]
    if identity is None:
        yield _not_made("report_signed", "no office was pinned: who signed is unknown")
        if nil:
            yield _not_made("report_nil_returns", "no office was pinned: who signed is unknown")
        return
    basis = f"the office {identity.fingerprint}"
    if file.report.office.fingerprint != identity.fingerprint:
        text = f"it is in the name of office {file.report.office.fingerprint}"
        wrong = [Finding("W5", text, "office")]
        yield _result("report_signed", basis, wrong, "-")
        if nil:
            yield _result("report_nil_returns", basis, wrong, "-")
        return
    judged = list(signatures_of(file, identity, now=now))
    signed = [each for each in judged if isinstance(each, SignedBy)]
    bad = [Finding("W5", each, "signatures") for each in judged if isinstance(each, str)]
    whole = [each for each in signed if each.entity is None and each.complete]
    found = list(bad)
    if not whole:
        most = max((len(each.signers) for each in signed if each.entity is None), default=0)
        needed = identity.newest.roles[role_of(None)].threshold
        text = f"{most} of {needed} signatures in role {role_of(None)}"
        found.append(Finding("W5", text, "signatures"))
    good = "".join(
        f"{len(each.signers)} signatures in role {each.role} at {each.signed_at}"
        for each in whole[:1]
    )
    yield _result("report_signed", basis, found, good or "-")
    if nil:
        returned = {each.entity for each in signed if each.complete}
        missing = [
            Finding("W5", f"its nil return is not signed in role {role_of(id_)}", f"entity {id_}")
            for id_ in nil
            if id_ not in returned
        ]
        good = f"{len(nil)} nil returns, each signed by its entity"
        yield _result("report_nil_returns", basis, missing, good)


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return msgspec.json.encode(value).decode() if isinstance(value, msgspec.Struct) else str(value)


def _result(name: str, basis: str, found: list[Finding], good: str, *limits: str) -> CheckResult:
    return CheckResult(
        name=name,
        verdict=Verdict.FAILED if found else Verdict.PASSED,
        basis=basis,
        summary=f"{len(found)} findings" if found else good,
        findings=tuple(found),
        limits=limits,
    )


def _not_made(name: str, why: str, *limits: str) -> CheckResult:
    return CheckResult(
        name=name, verdict=Verdict.NOT_CHECKABLE, basis="-", summary=why, limits=limits
    )
