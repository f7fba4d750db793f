"""`khazana audit`: an office's statement from a node's raw block files; no index is trusted."""

import argparse
import os
from pathlib import Path

from khazana.bitcoin.adapters.block_files import BlockFilesChain, Reading
from khazana.bitcoin.adapters.source import block_files_place
from khazana.bitcoin.blockfiles.compiled import walk_with
from khazana.bitcoin.blockfiles.remembered import Remembered, read_remembered, write_remembered
from khazana.bitcoin.blockfiles.walk import Walk
from khazana.cli.commands.statement import add_make_arguments, make_from
from khazana.cli.extras import needs_extra
from khazana.cli.files import read_bytes, write_whole
from khazana.cli.progress import Bar
from khazana.cli.usage import WrongArguments
from khazana.units import BlockHash

MOST_CHECKPOINT_BYTES = 1 << 33
_HASH_DIGITS = 64

DESCRIPTION = (
    "Read every block of a node's block files and make the unsigned statement of a period from "
    "what they hold. The same office, period and salt seed give the same statement as `statement "
    "make` with any honest source. When --to is a block's hash, the chain is the branch that "
    "contains this block; otherwise the branch with the most work."
)


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "audit", help="make a statement from a node's raw block files", description=DESCRIPTION
    )
    add_make_arguments(parser)
    parser.add_argument(
        "--full",
        action="store_true",
        help="check the Merkle root of every block, not only of blocks with a transaction of the "
        "office",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=os.cpu_count() or 1,
        help="threads to read with (default: all processors, %(default)s)",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="read on the machines of this Dask scheduler, such as tcp://HOST:8786; they must see "
        "the block files under the same path",
    )
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        type=Path,
        help="go on from this file if it is there, then write it: the next audit reads new blocks "
        "only",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.threads < 1:
        raise WrongArguments(command="audit", problem="--threads needs a number from 1 on")
    place, containing = block_files_place(args.chain)
    if containing is None and _is_hash(args.until):
        containing = BlockHash(args.until.lower())
    chain = BlockFilesChain(
        place,
        Reading(
            containing=containing,
            full=args.full,
            walk=_walk(args),
            progress=Bar(),
            remembered=_remembered(args.checkpoint),
            remember=args.checkpoint is not None,
        ),
    )
    status = make_from(chain, args)
    print(f"basis: {chain.basis}")
    if args.checkpoint is not None:
        write_whole(args.checkpoint, write_remembered(chain.to_remember()), mode=0o600)
        print(f"checkpoint written to {args.checkpoint}")
    return status


def _walk(args: argparse.Namespace) -> Walk:
    if args.scheduler is None:
        return walk_with(threads=args.threads)
    with needs_extra("audit"):
        from khazana.bitcoin.adapters.block_files_cluster import walk_on
    return walk_on(args.scheduler)


def _remembered(path: Path | None) -> Remembered | None:
    if path is None or not path.exists():
        return None
    return read_remembered(read_bytes(path, most=MOST_CHECKPOINT_BYTES))


def _is_hash(name: str) -> bool:
    return len(name) == _HASH_DIGITS and all(digit in "0123456789abcdefABCDEF" for digit in name)
