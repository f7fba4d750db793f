"""What the conditions commands read beside a memorandum, and how they print verdicts."""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from khazana.cli.chains import CHAIN_HELP, block_of, chain_of
from khazana.cli.clock import now
from khazana.cli.memoranda import closings_of, figures_from
from khazana.cli.offices import office_file, resolved
from khazana.cli.usage import WrongArguments
from khazana.conditions.exact import amount_text
from khazana.conditions.memorandum import Memorandum
from khazana.conditions.parts import custody_of
from khazana.conditions.verdicts import Evaluated, Inputs
from khazana.reserve.gather import gather_period
from khazana.reserve.office_books import books_of


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """The office's books and the entered figures."""
    parser.add_argument("--office", metavar="FILE", help="office.toml, for what concerns bitcoin")
    parser.add_argument("--chain", metavar="SOURCE", help=CHAIN_HELP)
    parser.add_argument("--from", dest="after", metavar="BLOCK", help="opening block of the books")
    parser.add_argument("--to", dest="until", metavar="BLOCK", help="closing block of the books")
    parser.add_argument(
        "--statistics",
        metavar="CSV",
        type=Path,
        help="quantity,perimeter,date,value,unit,source,grade,entered,note",
    )
    parser.add_argument(
        "--liabilities",
        metavar="CSV",
        type=Path,
        help="perimeter,as_of,amount_btc,document,attested_by,file_sha256,entered",
    )


def inputs_of(
    args: argparse.Namespace, memorandum: Memorandum, *, command: str, office: str | None = None
) -> tuple[Inputs, bool]:
    """What was asked for, and whether its figures are invented. office: another description."""
    today = args.today or now().date()
    books_asked = [args.office, args.after, args.until]
    if not any(books_asked):
        chain = chain_of(args) if args.chain else None
        figures = figures_from(args.statistics, args.liabilities, chain=chain, zone="UTC")
        return Inputs(figures=figures, closings={}, today=today), False
    if not all(books_asked) or not args.chain:
        problem = "the books need --office, --chain, --from and --to together"
        raise WrongArguments(command=command, problem=problem)
    chain = chain_of(args)
    described = resolved(office_file(office or args.office), chain)
    zone = described.rules.timezone
    facts = gather_period(
        chain,
        {script for wallet in described.wallets for script in wallet.scripts},
        after=block_of(chain, args.after, timezone=zone),
        until=block_of(chain, args.until, timezone=zone),
    )
    inputs = Inputs(
        books=books_of(described, facts),
        perimeters=described.perimeters,
        custody=custody_of(described),
        figures=figures_from(args.statistics, args.liabilities, chain=chain, zone=zone),
        closings=closings_of([memorandum], chain, zone=zone),
        today=args.today or now().astimezone(ZoneInfo(zone)).date(),
    )
    return inputs, described.test or described.network.test


def evaluated_lines(evaluated: Iterable[Evaluated]) -> Iterator[str]:
    for one in evaluated:
        when = str(one.day) if one.day else ""
        if one.block is not None:
            when += f" block {one.block.height}"
        if one.until is not None:
            when += f" to {one.until.height}"
        yield f"{one.condition} {when.strip()}: {one.verdict.value}".replace(" :", ":")
        if one.measured is not None and one.adjusted is not None:
            yield (
                f"  measured {amount_text(one.measured)}, target {amount_text(one.adjusted)} "
                f"{one.unit}"
            )
        yield f"  {one.why}"
