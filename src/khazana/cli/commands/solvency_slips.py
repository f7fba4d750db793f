"""`khazana solvency slip`: customers' slips on paper, a page each, with a QR code for a phone."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from khazana.cli.clock import now
from khazana.cli.extras import needs_extra
from khazana.cli.files import FileNotUsable, read_bytes, write_whole
from khazana.cli.solvency_files import (
    EPOCH_FILE,
    KEYS_FILE,
    epoch_in,
    plan_in,
    require_readable,
    trees_chosen,
)
from khazana.cli.usage import WrongArguments
from khazana.statement.browser_page.build import LANGUAGES
from khazana.statement.checks import TEST_NOTICE
from khazana.supervision.solvency.prove import slips_of
from khazana.supervision.solvency.sections import tree_file
from khazana.supervision.solvency.tree_file import opened

COMMAND = "solvency slip"
HELP = "print customers' slips with QR codes, in one of four languages"
MOST_LIST = 1 << 26

# Printable ASCII without quotation marks, # and spaces: it stands in a QR code as it is.
_ADDRESS = re.compile(r"https?://[!$-~]{1,200}")


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    slip = commands.add_parser("slip", help=HELP, description=HELP)
    slip.add_argument("customers", metavar="CUSTOMER", nargs="*")
    slip.add_argument("--list", metavar="FILE", type=Path, help="ids, one a line")
    slip.add_argument("--extract", metavar="CSV", type=Path, required=True)
    slip.add_argument("--built", metavar="DIR", type=Path, required=True)
    slip.add_argument("--tree", metavar="NAME", help="which one, such as liabilities/BTC")
    slip.add_argument("--language", choices=LANGUAGES, default="en")
    slip.add_argument(
        "--page",
        metavar="URL",
        help="where slips are checked: the code then opens it, with the slip behind its #",
    )
    slip.add_argument("--to-root", action="store_true", help="longer; needs no published level")
    slip.add_argument("--out", metavar="PDF", type=Path, required=True)
    slip.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    with needs_extra("portal"):
        from khazana.supervision.solvency.paper.sheet import MOST_SHEETS, Sheet, slips_pdf
    customers = _customers(args.customers, args.list, most=MOST_SHEETS)
    if args.page is not None and not _ADDRESS.fullmatch(args.page):
        problem = f"--page {args.page!r} is no address like https://example.org/slip"
        raise WrongArguments(command=COMMAND, problem=problem)
    epoch = epoch_in(args.built / EPOCH_FILE)
    trees = trees_chosen(epoch, args.tree, command=COMMAND)
    if len(trees) != 1:
        problem = "the statement has several trees; give --tree"
        raise WrongArguments(command=COMMAND, problem=problem)
    head = epoch.trees[trees[0]]
    plan = plan_in(args.built / KEYS_FILE, epoch, trees[0])
    require_readable(args.extract)
    path = tree_file(args.built, head.name)
    with opened(path, leaves=head.leaves, epoch=epoch.epoch) as tree:
        found = slips_of(
            customers,
            extract=args.extract,
            plan=plan,
            tree=tree,
            epoch=epoch,
            to_root=args.to_root,
        )
    pdf = slips_pdf(
        [Sheet(customer=customer, slip=slip) for customer, slip in found],
        epoch=epoch,
        language=args.language,
        made_on=now(),
        page=args.page,
    )
    write_whole(args.out, pdf, mode=0o600)
    if epoch.test:
        print(TEST_NOTICE)
    print(f"{args.out}: {len(found)} slips, a page each, {len(pdf)} bytes; confidential")
    return 0


def _customers(named: Sequence[str], file: Path | None, *, most: int) -> list[str]:
    """Each id once, as given with the command and in the file."""
    ids = list(named)
    if file is not None:
        raw = read_bytes(file, most=MOST_LIST)
        try:
            ids += [line.strip() for line in raw.decode().splitlines() if line.strip()]
        except UnicodeDecodeError as error:
            raise FileNotUsable(path=str(file), problem="is not UTF-8") from error
    once = list(dict.fromkeys(ids))
    if not 1 <= len(once) <= most:
        problem = f"name 1 to {most} customers, here or with --list, not {len(once)}"
        raise WrongArguments(command=COMMAND, problem=problem)
    if len(once) != len(ids):
        raise WrongArguments(command=COMMAND, problem="a customer is named twice")
    return once
