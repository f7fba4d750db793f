"""`khazana verify`: check a statement against a chain, with no database and no trust."""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from khazana.accord.feed.dated import DatedVerifier
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.chains import add_chain_argument, chain_of
from khazana.cli.clock import now
from khazana.cli.control import CONTROL_VERIFIERS, LOWEST, ControlChecks
from khazana.cli.coverage_beside import beside_a_state
from khazana.cli.coverage_verify import (
    add_coverage_arguments,
    refuse_coverage_arguments,
    verified_coverage,
)
from khazana.cli.files import (
    MOST_OFFICE_BYTES,
    MOST_PRICE_BYTES,
    MOST_STATEMENT_BYTES,
    naming,
    read_bytes,
)
from khazana.cli.log_dates import LogDates
from khazana.cli.logged import LogChecks
from khazana.cli.memoranda import memorandum_named
from khazana.cli.mining_checks import MiningChecks
from khazana.cli.mining_folder import metering_in
from khazana.cli.rotations import RotationChecks
from khazana.cli.usage import WrongArguments
from khazana.conditions.checks import ConditionChecks
from khazana.ledger.document_file import read_document_file
from khazana.ledger.valuation import PricePoint, read_prices
from khazana.reserve.case import Given
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.reserve.valuation_document import ValuationDocument, read_valuation
from khazana.reserve.verify import Request, verify
from khazana.statement.checks import Profile, Report
from khazana.statement.endorsements import EndorsementVerifier
from khazana.statement.identity import Office
from khazana.statement.log.inclusion import InclusionVerifier
from khazana.statement.office_file import Pin, pin_by_file, pin_by_fingerprint, read_office
from khazana.statement.opinions import OpinionMissing, OpinionVerifier, opinions_in
from khazana.statement.table import report_table
from khazana.supervision.coverage.reading import is_coverage

HELP = "check a statement against the chain"
EPILOG = """\
exit status: 0 every check that the profile requires passed; 1 a check failed;
2 a required check could not be made.

What is checked is printed, what it rests on (own blocks, own index, word of URL),
and what it cannot show. Without --office anyone may have made the statement.
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "verify",
        help=HELP,
        description=HELP.capitalize() + ".",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the statement")
    add_chain_argument(parser)
    parser.add_argument(
        "--office",
        metavar="FILE|FINGERPRINT",
        help="the office you expect: its office.json, or its fingerprint from a source you trust",
    )
    parser.add_argument("--previous", metavar="FILE", type=Path, help="the statement before it")
    parser.add_argument(
        "--accept-opening",
        action="store_true",
        help="take the opening coins from --previous instead of deriving the whole history again",
    )
    parser.add_argument(
        "--beside",
        metavar="OTHER",
        type=Path,
        action="append",
        default=[],
        help="another office's statement, or a provider's coverage: no coin and no script may "
        "stand in both",
    )
    parser.add_argument(
        "--documents", metavar="FILE", type=Path, help="documents that the office gave you"
    )
    parser.add_argument(
        "--valuation",
        metavar="FILE",
        type=Path,
        help="what the holdings are said to be worth: every figure is computed again",
    )
    parser.add_argument(
        "--prices", metavar="CSV", type=Path, help="your own prices, to hold the valuation to"
    )
    parser.add_argument(
        "--memorandum",
        metavar="FILE",
        action="append",
        default=[],
        help="the lender's conditions as you know them; the statement's verdicts must be on these",
    )
    parser.add_argument(
        "--metering",
        metavar="FOLDER",
        type=Path,
        action="append",
        default=[],
        help="what is behind the months of mining sites: meters.toml, readings.csv and seals.csv, "
        "and beside them bills, payouts, tariffs, outages, receipts and stamps",
    )
    parser.add_argument(
        "--gateway",
        metavar="KEY",
        action="append",
        default=[],
        help="the id of a gateway's key, as the utility told you; no other may seal the readings",
    )
    parser.add_argument(
        "--control",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="withheld proofs of control that the office gave you",
    )
    parser.add_argument(
        "--control-grade",
        choices=list(LOWEST),
        default="script",
        help="the lowest grade of proof you accept: the coins' own scripts, also those that open "
        "after a wait, cosigners' messages, or a move to fresh addresses (default: %(default)s)",
    )
    parser.add_argument(
        "--witness",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="office.json of an office that must have cosigned the log in which the statement is",
    )
    parser.add_argument(
        "--auditor",
        metavar="KEY",
        action="append",
        default=[],
        help="the id of an auditor's key, as the auditor told you; the file must carry an opinion "
        "that it signed",
    )
    parser.add_argument(
        "--require",
        choices=[profile.value for profile in Profile],
        default=Profile.ADDRESSES.value,
        help="how much must be checkable (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the report for programs")
    add_coverage_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    raw = read_bytes(args.file, most=MOST_STATEMENT_BYTES)
    if is_coverage(raw):
        chain, pin = chain_of(args), _pin(args.office)
        return _printed(verified_coverage(args, raw, chain=chain, pin=pin), args)
    refuse_coverage_arguments(args)
    if args.accept_opening and args.previous is None:
        raise WrongArguments(command="verify", problem="--accept-opening needs --previous FILE")
    if args.prices is not None and args.valuation is None:
        raise WrongArguments(command="verify", problem="--prices needs --valuation FILE")
    gateways = _gateways(args)
    auditors = _auditors(args, raw)
    pin = _pin(args.office)
    endorsements = EndorsementVerifier(now=now(), known=pin.office if pin else None)
    report = verify(
        Request(
            raw=raw,
            chain=chain_of(args),
            engine=best_engine(),
            profile=Profile(args.require),
            now=now(),
            pin=pin,
            previous=_read(args.previous),
            beside=[beside_a_state(path) for path in args.beside],
            accept_opening=args.accept_opening,
            documents=documents_given(args.documents),
            valuation=_valuation(args.valuation),
            prices=_prices(args.prices),
            verifiers=(
                *CONTROL_VERIFIERS,
                endorsements,
                InclusionVerifier(),
                DatedVerifier(),
                OpinionVerifier(now(), auditors),
            ),
        ),
        more=[
            ConditionChecks([memorandum_named(name) for name in args.memorandum]),
            RotationChecks(),
            MiningChecks([metering_in(folder) for folder in args.metering], gateways=gateways),
            ControlChecks(
                [(str(p), read_bytes(p, most=MOST_STATEMENT_BYTES)) for p in args.control],
                LOWEST[args.control_grade],
            ),
            LogChecks(now(), pin, [_witness(path) for path in args.witness]),
            LogDates(now(), pin),
        ],
    )
    return _printed(report, args)


def _printed(report: Report, args: argparse.Namespace) -> int:
    if args.json:
        json.dump(report.to_json(), sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        print(report_table(report, width=shutil.get_terminal_size((100, 24)).columns), end="")
    return report.exit_status


def _gateways(args: argparse.Namespace) -> Sequence[str]:
    for key in args.gateway:
        if not args.metering or not re.fullmatch("[0-9a-f]{64}", key):
            problem = "--gateway is the 64 hex digits of a key's id, and goes with --metering"
            raise WrongArguments(command="verify", problem=problem)
    return args.gateway  # type: ignore[no-any-return]


def _auditors(args: argparse.Namespace, raw: bytes) -> frozenset[str]:
    """Keys of auditors. An opinion that is missing was perhaps taken out: it cannot be checked."""
    pinned = frozenset(args.auditor)
    for key in pinned:
        if not re.fullmatch("[0-9a-f]{64}", key):
            problem = "--auditor is the 64 hex digits of a key's id"
            raise WrongArguments(command="verify", problem=problem)
    if pinned:
        with naming(args.file):
            statement = read_reserve_statement(raw).envelope
        missing = pinned - {each.opinion.key for each in opinions_in(statement)}
        if missing:
            raise OpinionMissing(path=str(args.file), key=min(missing))
    return pinned


def _pin(given: str | None) -> Pin | None:
    if given is None:
        return None
    # A path that exists is a file; all else must be a whole fingerprint, and says so if it is not.
    if Path(given).exists() or given.endswith(".json"):
        with naming(Path(given)):
            return pin_by_file(read_bytes(Path(given), most=MOST_OFFICE_BYTES))
    return pin_by_fingerprint(given)


def _witness(path: Path) -> Office:
    with naming(path):
        return read_office(read_bytes(path, most=MOST_OFFICE_BYTES))


def _read(path: Path | None) -> ReserveStatement | None:
    return None if path is None else _statement(path)


def _statement(path: Path) -> ReserveStatement:
    with naming(path):
        return read_reserve_statement(read_bytes(path, most=MOST_STATEMENT_BYTES))


def _valuation(path: Path | None) -> ValuationDocument | None:
    if path is None:
        return None
    with naming(path):
        return read_valuation(read_bytes(path, most=MOST_STATEMENT_BYTES))


def _prices(path: Path | None) -> Sequence[PricePoint] | None:
    return None if path is None else read_prices(path.name, read_bytes(path, most=MOST_PRICE_BYTES))


def documents_given(path: Path | None) -> Mapping[str, Given] | None:
    """The documents in the file that an office hands over, by id."""
    if path is None:
        return None
    with naming(path):
        opened = read_document_file(read_bytes(path, most=MOST_STATEMENT_BYTES))
    return {document.id: Given(document, salt) for document, salt in opened}
