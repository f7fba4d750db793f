"""`khazana verify` of a provider's coverage statement: its own arguments and its checks."""

import argparse
from pathlib import Path

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.clock import now
from khazana.cli.control import CONTROL_VERIFIERS, LOWEST
from khazana.cli.coverage_beside import counted_in
from khazana.cli.coverage_control import CoverageControl
from khazana.cli.files import MOST_OFFICE_BYTES, MOST_STATEMENT_BYTES, naming, read_bytes
from khazana.cli.solvency_files import MOST_FILE, epoch_in
from khazana.cli.usage import WrongArguments
from khazana.statement.checks import Profile, Report
from khazana.statement.identity import Office
from khazana.statement.log.inclusion import InclusionVerifier
from khazana.statement.office_file import Pin, read_office
from khazana.supervision.coverage.reading import CoverageStatement, read_coverage
from khazana.supervision.coverage.verify import CoverageRequest, verify_coverage
from khazana.supervision.solvency.slip import MOST_SLIP_BYTES

_OF_COVERAGE = ("regulator", "level", "slip", "epoch")
_OF_STATES = (
    *("accept_opening", "documents", "valuation", "prices", "memorandum", "metering"),
    *("gateway", "witness"),
)


def add_coverage_arguments(parser: argparse.ArgumentParser) -> None:
    """What a reader may bring beside a provider's statement."""
    group = parser.add_argument_group("a provider's coverage statement")
    group.add_argument(
        "--regulator",
        metavar="FILE",
        type=Path,
        help="office.json of the regulator that must have built the trees again",
    )
    group.add_argument(
        "--level",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a published level: it must lead to the root and add up to the total",
    )
    group.add_argument(
        "--slip",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a customer's slip: its root must be the statement's",
    )
    group.add_argument(
        "--epoch",
        metavar="FILE",
        type=Path,
        help="the epoch statement that a customer was shown: it must be this one's",
    )


def refuse_coverage_arguments(args: argparse.Namespace) -> None:
    """Of an office's statement none of them can be asked."""
    for name in _OF_COVERAGE:
        if getattr(args, name):
            problem = f"--{name} goes with a provider's coverage statement, which this is not"
            raise WrongArguments(command="verify", problem=problem)


def verified_coverage(
    args: argparse.Namespace, raw: bytes, *, chain: ChainView, pin: Pin | None
) -> Report:
    """The report on a provider's file."""
    for name in _OF_STATES:
        if getattr(args, name, None):
            words = name.replace("_", "-")
            problem = f"--{words} goes with an office's statement; this is a provider's coverage"
            raise WrongArguments(command="verify", problem=problem)
    return verify_coverage(
        CoverageRequest(
            raw=raw,
            chain=chain,
            engine=best_engine(),
            profile=Profile(args.require),
            now=now(),
            pin=pin,
            previous=None if args.previous is None else coverage_in(args.previous),
            beside=[counted_in(path) for path in args.beside],
            regulator=_office(args.regulator),
            levels=[(str(path), read_bytes(path, most=MOST_FILE)) for path in args.level],
            slips=[(str(path), read_bytes(path, most=MOST_SLIP_BYTES)) for path in args.slip],
            told=None if args.epoch is None else epoch_in(args.epoch),
            verifiers=(*CONTROL_VERIFIERS, InclusionVerifier()),
        ),
        more=[
            CoverageControl(
                [(str(p), read_bytes(p, most=MOST_STATEMENT_BYTES)) for p in args.control],
                LOWEST[args.control_grade],
            )
        ],
    )


def coverage_in(path: Path) -> CoverageStatement:
    """The coverage statement in a file; FileRefused says what is wrong with it."""
    raw = read_bytes(path, most=MOST_STATEMENT_BYTES)
    with naming(path):
        return read_coverage(raw)


def _office(path: Path | None) -> Office | None:
    if path is None:
        return None
    with naming(path):
        return read_office(read_bytes(path, most=MOST_OFFICE_BYTES))
