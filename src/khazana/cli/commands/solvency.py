"""`khazana solvency`: what a provider owes, proved, checked by customers, and built again."""

import argparse
import hashlib
from pathlib import Path

from khazana.cli.commands import (
    solvency_build,
    solvency_prove,
    solvency_recompute,
    solvency_slips,
    solvency_statement,
)
from khazana.cli.commands.solvency_build import notice, units
from khazana.cli.files import read_bytes, write_whole
from khazana.cli.solvency_files import MOST_FILE, epoch_in
from khazana.supervision.solvency.check import check_slip, check_statement, read_level
from khazana.supervision.solvency.encoding import contribution_of
from khazana.supervision.solvency.errors import ProofRejected
from khazana.supervision.solvency.page.build import built
from khazana.supervision.solvency.slip import MOST_SLIP_BYTES, read_slip, slip_bytes

HELP = "prove what a provider owes, and check it as a customer or as the regulator"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = subparsers.add_parser("solvency", help=HELP, description=HELP)
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)

    solvency_build.register(commands)
    solvency_prove.register(commands)
    solvency_slips.register(commands)

    check = commands.add_parser("check", help="check a slip as the customer it was given to")
    check.add_argument("slip", metavar="FILE", type=Path)
    check.add_argument("--statement", metavar="FILE", type=Path, required=True)
    check.add_argument("--level", metavar="FILE", type=Path, default=None)
    check.add_argument("--words", required=True, help="your own words, or your id without any")
    check.add_argument("--balance", metavar="UNITS", type=int, default=None)
    check.add_argument("--digest", default=None, help="the statement's digest as others saw it")
    check.add_argument("--newest", metavar="EPOCH", type=int, default=None)
    check.add_argument("--signer", metavar="HEX", default=None, help="the provider's public key")
    check.set_defaults(run=run_check)

    solvency_recompute.register(commands)
    solvency_statement.register(commands)
    page = commands.add_parser("page", help="write the page on which a customer checks a slip")
    page.add_argument("--out", metavar="FILE", type=Path, required=True)
    page.set_defaults(run=run_page)


def run_check(args: argparse.Namespace) -> int:
    try:
        epoch = epoch_in(args.statement, signer=args.signer)
        check_statement(epoch, pinned=args.digest, newest=args.newest)
        slip = read_slip(slip_bytes(read_bytes(args.slip, most=MOST_SLIP_BYTES)))
        level = None
        if args.level is not None:
            raw = read_bytes(args.level, most=MOST_FILE)
            level = read_level(raw, epoch=epoch, tree=slip.tree)
        found = check_slip(
            slip,
            epoch=epoch,
            contribution=contribution_of(args.words),
            level=level,
            balance=args.balance,
        )
    except ProofRejected as rejected:
        print(f"REJECTED {rejected.reason}: {rejected.problem}")
        return 1
    notice(epoch)
    print(f"your balance is in the total: {units(found.balance, found.scale)} {found.asset}")
    print(f"total of {found.kind}: {units(found.total, found.scale)} {found.asset}")
    print(f"{epoch.provider.name}, epoch {epoch.epoch}, block {epoch.block.height}")
    if args.signer is None:
        print("who signed: not checkable; give --signer from a source that you trust")
    return 0


def run_page(args: argparse.Namespace) -> int:
    content = built().html
    write_whole(args.out, content)
    print(f"{args.out}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    return 0
