"""`khazana mining readings|payouts|receipts`: what a site hands over, checked and located."""

import argparse
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from khazana.bitcoin.address import script_of
from khazana.cli.chains import add_chain_argument, chain_of
from khazana.cli.files import MOST_OFFICE_BYTES, MOST_STATEMENT_BYTES, read_bytes
from khazana.cli.usage import WrongArguments
from khazana.ledger.findings import Finding
from khazana.mining.detection import least_seen
from khazana.mining.evidence.audit import audit_readings
from khazana.mining.evidence.meters import MeterRole, Meters, read_meters
from khazana.mining.evidence.pools import audit_payouts, read_payouts
from khazana.mining.evidence.readings import Reading, ReadingsFile, instant_text, read_readings
from khazana.mining.evidence.reconcile import (
    read_bills,
    reconcile_bills,
    reconcile_check_meters,
)
from khazana.mining.evidence.seals import read_seals
from khazana.mining.receipts.aggregate import ProvenWork, proven_work
from khazana.mining.receipts.chain_slots import slots_on_chain
from khazana.mining.receipts.receipt import ReceiptsFile, read_receipts, work_of_target
from khazana.mining.receipts.terms import ReceiptTerms
from khazana.mining.receipts.verify import all_findings, audit_receipts
from khazana.statement.checks import TEST_NOTICE

EXIT_FINDINGS = 1
USUAL_J_PER_TH = 0.015
"""Deviation of an acceptance test of J/TH, as the facts take it."""
MOST_SHOWN = 50


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The actions on evidence of `khazana mining`."""
    _register_readings(actions)
    _register_payouts(actions)
    _register_receipts(actions)


def _group(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, words: str
) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    parser = actions.add_parser(name, help=words)
    return parser.add_subparsers(title="actions", metavar="ACTION", required=True)


def _register_readings(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = _group(actions, "readings", "readings of meters, sealed by the utility")
    check = group.add_parser(
        "check",
        help="find gaps, resets, changed clocks, foreign and retired keys",
        description="Check counters, chain and seals. Exit status 1 when anything is found.",
    )
    check.add_argument("file", metavar="READINGS", type=Path)
    check.add_argument("--meters", metavar="FILE", type=Path, required=True, help="meters.toml")
    check.add_argument("--seals", metavar="FILE", type=Path, required=True, help="seals.csv")
    check.add_argument("--bills", metavar="FILE", type=Path, help="the utility's bills, as CSV")
    check.add_argument("--json", action="store_true", help="print the findings for programs")
    check.set_defaults(run=run_readings)


def _register_payouts(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = _group(actions, "payouts", "pools' statements")
    check = group.add_parser(
        "check",
        help="find payouts that the chain does not show, or that two sites claim",
        description="Hold pools' statements to the chain. Exit status 1 when anything is found.",
    )
    check.add_argument("file", metavar="PAYOUTS", type=Path)
    add_chain_argument(check)
    _add_addresses(check)
    check.add_argument("--json", action="store_true", help="print the findings for programs")
    check.set_defaults(run=run_payouts)


def _register_receipts(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = _group(actions, "receipts", "share receipts: work that could only pay the reserve")
    check = group.add_parser(
        "check",
        help="count the work that receipts prove",
        description="Verify share receipts. Exit status 1 when one of them proves nothing.",
    )
    check.add_argument("files", metavar="RECEIPTS", type=Path, nargs="+")
    add_chain_argument(check)
    _add_addresses(check)
    check.add_argument(
        "--target", metavar="HEX", required=True, help="the share target that was agreed"
    )
    check.add_argument("--json", action="store_true", help="print the work for programs")
    check.set_defaults(run=run_receipts)
    show = group.add_parser("show", help="say what a file of receipts claims, unchecked")
    show.add_argument("file", metavar="RECEIPTS", type=Path)
    show.set_defaults(run=run_show)


def _add_addresses(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        action="append",
        required=True,
        help="an address of the reserve; may be repeated",
    )


def run_readings(args: argparse.Namespace) -> int:
    meters = read_meters(str(args.meters), read_bytes(args.meters, most=MOST_OFFICE_BYTES))
    seals = read_seals(str(args.seals), read_bytes(args.seals, most=MOST_STATEMENT_BYTES))
    file = read_readings(str(args.file), read_bytes(args.file, most=MOST_STATEMENT_BYTES))
    audit = audit_readings(file, seals, meters, seals_file=str(args.seals))
    findings = list(audit.findings)
    bills = 0
    if args.bills is not None:
        listed = read_bills(str(args.bills), read_bytes(args.bills, most=MOST_STATEMENT_BYTES))
        _, wrong = reconcile_bills(listed, file.by_meter, meters, file=str(args.bills))
        findings += wrong
        bills = len(listed)
    compared, apart = _check_meters(file, meters)
    findings += apart
    said = [
        f"{audit.readings} readings of {len(file.by_meter)} meters, {audit.sealed} in days whose "
        f"seal holds, {audit.unsealed} not"
    ]
    said += [_span(meter, rows) for meter, rows in file.by_meter.items()]
    said += compared
    if bills:
        said.append(f"{bills} bills held against the counters")
    document = {
        "format": "khazana.readings-check/1",
        "readings": audit.readings,
        "sealed": audit.sealed,
        "meters": len(file.by_meter),
        "bills": bills,
    }
    return _answer(args, said, findings, document)


def _check_meters(file: ReadingsFile, meters: Meters) -> tuple[list[str], list[Finding]]:
    """Main and check meters of each site over the time that all of them cover."""
    said: list[str] = []
    findings: list[Finding] = []
    for site in sorted({meter.site for meter in meters.meters.values()}):
        own = [meters.of_site(site, role) for role in (MeterRole.MAIN, MeterRole.CHECK)]
        rows = [file.by_meter.get(meter.id, ()) for side in own for meter in side]
        if not all(own) or not all(rows):
            continue
        first, until = max(r[0].at for r in rows), min(r[-1].at for r in rows)
        if first >= until:
            continue
        compared, wrong = reconcile_check_meters(
            site, file.by_meter, meters, first=first, until=until
        )
        findings += wrong
        said += [
            f"{site}: main meters {one.own.low_wh} Wh, check meters {one.low_wh} Wh; up to "
            f"{one.allowed_wh:.0f} Wh apart mean nothing"
            for one in compared
        ]
    return said, findings


def _span(meter: str, rows: Sequence[Reading]) -> str:
    first, last = rows[0], rows[-1]
    return (
        f"{meter}: {instant_text(first.at)} to {instant_text(last.at)}, counter "
        f"{first.register_wh} to {last.register_wh} Wh"
    )


def run_payouts(args: argparse.Namespace) -> int:
    chain = chain_of(args)
    scripts = frozenset(script_of(address, chain.network) for address in args.address)
    raw = read_bytes(args.file, most=MOST_STATEMENT_BYTES)
    payouts = read_payouts(str(args.file), raw, network=chain.network)
    history = chain.history(scripts, None, chain.tip())
    audit = audit_payouts(payouts, history, scripts=scripts, file=str(args.file))
    arrived = sum(arrival.payout.amount for arrival in audit.arrivals)
    said = [
        f"{len(payouts)} payouts, {len(audit.arrivals)} of them shown by the chain with "
        f"{arrived} sat ({chain.basis})"
    ]
    document = {
        "format": "khazana.payouts-check/1",
        "payouts": len(payouts),
        "arrivals": [
            {
                "site": a.payout.site,
                "month": a.payout.month,
                "outpoint": str(a.outpoint),
                "amount_sat": a.payout.amount,
            }
            for a in audit.arrivals
        ],
    }
    return _answer(args, said, audit.findings, document, test=chain.network.test)


def run_receipts(args: argparse.Namespace) -> int:
    target = _target(args.target)
    chain = chain_of(args)
    scripts = frozenset(script_of(address, chain.network) for address in args.address)
    files = [_receipts(path) for path in args.files]
    slots = slots_on_chain(chain, files)
    terms = [
        ReceiptTerms(site=site, scripts=scripts, slots=slots, target=target)
        for site in sorted({file.site for file in files})
    ]
    audits = audit_receipts(files, terms)
    work = proven_work(audits)
    counted = sum(len(audit.counted) for audit in audits)
    said = [
        f"{sum(audit.receipts for audit in audits)} receipts, {counted} count ({chain.basis})",
        *(_work_line(row) for row in work),
        *_limits(work),
    ]
    document = {
        "format": "khazana.receipts-check/1",
        "receipts": sum(audit.receipts for audit in audits),
        "counted": counted,
        "work": [
            {
                "site": row.site,
                "epoch": row.epoch,
                "first": row.first,
                "last": row.last,
                "shares": row.shares,
                "hashes": str(row.work),
            }
            for row in work
        ],
    }
    return _answer(args, said, list(all_findings(audits)), document, test=chain.network.test)


def _work_line(row: ProvenWork) -> str:
    return (
        f"{row.site}, epoch {row.epoch} (blocks {row.first} to {row.last}): {row.shares} shares, "
        f"{row.work:.4e} hashes for the reserve, ± {100 * row.relative_sd:.1f} % by luck"
    )


def _limits(work: Sequence[ProvenWork]) -> Iterator[str]:
    """What so many shares of each site could show missing, at two errors of J/TH."""
    for site in sorted({row.site for row in work}):
        rows = [row for row in work if row.site == site]
        total = sum(row.work for row in rows)
        luck = math.sqrt(sum(row.squares for row in rows)) / total
        exact, usual = (
            100 * least_seen(luck_sd=luck, calibration_sd=error) for error in (0.0, USUAL_J_PER_TH)
        )
        yield (
            f"{site}: detection limit {min(exact, 100.0):.1f} % if J/TH were known exactly, "
            f"{min(usual, 100.0):.1f} % where it is known to 1.5 %: receipts remove luck, not "
            "calibration"
        )


def run_show(args: argparse.Namespace) -> int:
    file = _receipts(args.file)
    print(f"{file.site}: {len(file)} receipts, nothing of them checked")
    print(f"share target {file.target:064x}: {work_of_target(file.target):.4e} hashes a share")
    return 0


def _receipts(path: Path) -> ReceiptsFile:
    return read_receipts(str(path), read_bytes(path, most=MOST_STATEMENT_BYTES))


def _target(text: str) -> int:
    try:
        target = int(text, 16) if text.isascii() and text.isalnum() else 0
    except ValueError:
        target = 0
    if not 0 < target < 1 << 256:
        problem = "--target is a number of up to 64 hex digits, above zero"
        raise WrongArguments(command="mining receipts check", problem=problem)
    return target


def _answer(
    args: argparse.Namespace,
    said: Iterable[str],
    findings: Sequence[Finding],
    document: dict[str, Any],
    *,
    test: bool = False,
) -> int:
    if args.json:
        if test:
            document["notice"] = TEST_NOTICE
        document["findings"] = [
            {"rule": f.rule, "text": f.text, "where": f.where} for f in findings
        ]
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(said, findings, test=test)))
    return EXIT_FINDINGS if findings else 0


def _lines(said: Iterable[str], findings: Sequence[Finding], *, test: bool) -> Iterator[str]:
    if test:
        yield TEST_NOTICE
    yield from said
    yield from map(str, findings[:MOST_SHOWN])
    if len(findings) > MOST_SHOWN:
        yield f"… and {len(findings) - MOST_SHOWN} more (--json lists them all)"
    yield f"{len(findings)} findings" if findings else "nothing found wrong"
