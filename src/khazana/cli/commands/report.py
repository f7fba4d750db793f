"""`khazana report`: the signed wallet statement that a lender asks for, made, signed, verified."""

import argparse
import json
import shutil
import sys
from datetime import date
from pathlib import Path

from khazana.cli.chains import add_chain_argument, chain_of
from khazana.cli.clock import now
from khazana.cli.files import MOST_OFFICE_BYTES, MOST_STATEMENT_BYTES, read_bytes, write_whole
from khazana.cli.keys import read_key
from khazana.cli.offices import office_file, resolved
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.wallet_report.check import check_wallet_report
from khazana.reserve.wallet_report.document import (
    FORMAT,
    WalletReport,
    WalletReportFile,
    read_wallet_report,
    write_wallet_report,
)
from khazana.reserve.wallet_report.make import ever_paid, positions_at, report_of
from khazana.reserve.wallet_report.signing import (
    role_of,
    sign_report,
    signed_instant,
)
from khazana.reserve.wallet_report.table import wallet_report_csv
from khazana.statement.checks import TEST_NOTICE, Profile, Report, ReportLine, Subject
from khazana.statement.identity import Office
from khazana.statement.office_file import read_office
from khazana.statement.table import report_table
from khazana.statement.times import read_instant
from khazana.units import Sats, btc_from_sats

WALLETS_DESCRIPTION = (
    "List every hot and cold address of the office's wallets with the amount on each at the close "
    "of each date, per entity; entities that hold nothing make nil returns. The earliest date is "
    "the base date."
)
VERIFY_DESCRIPTION = (
    "Derive every amount again from the chain at each date's block. With --office the list itself "
    "is made again, so that no address can be left out; with --identity the signatures and nil "
    "returns are held to the office's roles. Exit status 1: a check failed; 2: one that is "
    "required could not be made."
)
TITLES = {
    "report_dates": "each date closes with the block that is named",
    "report_amounts": "every address held what is stated",
    "report_complete": "the office file gives the same list",
    "report_signed": "the office signed the report",
    "report_nil_returns": "entities that hold nothing signed so",
}


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("report", help="wallet statements for a lender")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _register_wallets(actions)
    sign = actions.add_parser("sign", help="add one key's signature")
    sign.add_argument("file", metavar="FILE", type=Path)
    sign.add_argument("--identity", metavar="FILE", type=Path, required=True)
    sign.add_argument("--key", metavar="FILE", type=Path, required=True)
    sign.add_argument(
        "--entity",
        metavar="ID",
        help="sign this entity's return, such as a nil return, in its role entity-ID "
        "(default: the whole report, in the statement role)",
    )
    sign.add_argument(
        "--at",
        metavar="TIME",
        help="time of signing (default: that of the signatures there are, else now)",
    )
    sign.add_argument("--out", metavar="FILE", type=Path, required=True)
    sign.set_defaults(run=run_sign)
    table = actions.add_parser("csv", help="write a report's addresses as a table")
    table.add_argument("file", metavar="FILE", type=Path)
    table.add_argument("--out", metavar="FILE", type=Path, required=True)
    table.set_defaults(run=run_csv)
    verify = actions.add_parser(
        "verify", help="derive a report's amounts again", description=VERIFY_DESCRIPTION
    )
    verify.add_argument("file", metavar="FILE", type=Path)
    add_chain_argument(verify)
    verify.add_argument("--office", metavar="FILE", help="office.toml, to make the list again")
    verify.add_argument(
        "--identity", metavar="FILE", type=Path, help="the office.json whose signatures count"
    )
    verify.add_argument("--json", action="store_true", help="print the result for programs")
    verify.set_defaults(run=run_verify)


def _register_wallets(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "wallets", help="make the report of an office", description=WALLETS_DESCRIPTION
    )
    parser.add_argument("--office", metavar="FILE", required=True, help="office.toml")
    add_chain_argument(parser)
    parser.add_argument(
        "--date",
        dest="dates",
        metavar="DATE",
        type=date.fromisoformat,
        action="append",
        required=True,
        help="a day in the office's zone; again for each further date",
    )
    parser.add_argument("--identity", metavar="FILE", type=Path, help="the office's office.json")
    parser.add_argument("--arrangement", metavar="TEXT", help="under which it is asked for")
    parser.add_argument(
        "--statement",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a statement of the office; those that close at a date are named and must agree",
    )
    parser.add_argument("--out", metavar="FILE", type=Path, required=True)
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write the table, too")
    parser.set_defaults(run=run_wallets)


def run_wallets(args: argparse.Namespace) -> int:
    chain = chain_of(args)
    office = resolved(office_file(args.office), chain)
    scripts = {script for wallet in office.wallets for script in wallet.scripts}
    positions = positions_at(chain, scripts, args.dates, timezone=office.rules.timezone)
    identity = _identity(args.identity)
    report = report_of(
        office,
        positions,
        used=ever_paid(chain, scripts, positions[-1].block),
        tip=chain.tip(),
        fingerprint=None if identity is None else identity.fingerprint,
        arrangement=args.arrangement,
        statements=[
            read_reserve_statement(read_bytes(path, most=MOST_STATEMENT_BYTES))
            for path in args.statement
        ],
    )
    raw = write_wallet_report(WalletReportFile(format=FORMAT, report=report, signatures=[]))
    read_wallet_report(raw)  # what no reader would accept is not written
    write_whole(args.out, raw)
    if args.csv is not None:
        write_whole(args.csv, wallet_report_csv(report).encode())
    _show(report)
    print(f"\nunsigned report {report.digest} written to {args.out}")
    return 0


def run_sign(args: argparse.Namespace) -> int:
    file = read_wallet_report(read_bytes(args.file, most=MOST_STATEMENT_BYTES))
    identity = read_office(read_bytes(args.identity, most=MOST_OFFICE_BYTES))
    at = read_instant(args.at) if args.at else signed_instant(file, args.entity) or now()
    signed = sign_report(file, identity, read_key(args.key), at=at, entity=args.entity)
    write_whole(args.out, write_wallet_report(signed))
    print(f"signed in role {role_of(args.entity)} of {identity.id}, written to {args.out}")
    _notice(file.report)
    return 0


def run_csv(args: argparse.Namespace) -> int:
    file = read_wallet_report(read_bytes(args.file, most=MOST_STATEMENT_BYTES))
    write_whole(args.out, wallet_report_csv(file.report).encode())
    print(f"written to {args.out}")
    _notice(file.report)
    return 0


def run_verify(args: argparse.Namespace) -> int:
    file = read_wallet_report(read_bytes(args.file, most=MOST_STATEMENT_BYTES))
    chain = chain_of(args)
    results = check_wallet_report(
        file,
        chain=chain,
        described=None if args.office is None else resolved(office_file(args.office), chain),
        identity=_identity(args.identity),
        now=now(),
    )
    required = {"report_dates", "report_amounts"}
    required |= {"report_complete"} if args.office is not None else set()
    required |= {"report_signed", "report_nil_returns"} if args.identity is not None else set()
    report = Report(
        profile=Profile.ADDRESSES,
        subject=Subject(
            name=f"wallet report of {file.report.office.id}",
            network=file.report.network.name,
            test=file.report.test,
        ),
        lines=tuple(
            ReportLine(title=TITLES[each.name], required=each.name in required, result=each)
            for each in results
        ),
    )
    if args.json:
        json.dump(report.to_json(), sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        print(report_table(report, width=shutil.get_terminal_size((100, 24)).columns), end="")
    return report.exit_status


def _identity(path: Path | None) -> Office | None:
    return None if path is None else read_office(read_bytes(path, most=MOST_OFFICE_BYTES))


def _show(report: WalletReport) -> None:
    """Each entity's amounts by date, for people."""
    _notice(report)
    for number, each in enumerate(report.dates):
        base = " (base date)" if number == 0 else ""
        print(f"{each.day}{base}, block {each.block.height}")
        for entity in report.entities:
            if entity.nil:
                print(f"  {entity.id}: nil return")
                continue
            amounts = ", ".join(
                f"{name} {btc_from_sats(Sats(getattr(entity, name)[number]))} BTC"
                for name in ("hot", "cold", "attested")
            )
            print(f"  {entity.id}: {amounts}")


def _notice(report: WalletReport) -> None:
    if report.test:
        print(TEST_NOTICE)
    if report.office.notice:
        print(report.office.notice)
