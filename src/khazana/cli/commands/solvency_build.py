"""`khazana solvency build`: every tree of an epoch from one extract, and the signed statement."""

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from khazana import __version__
from khazana.bitcoin.network import NETWORKS
from khazana.cli.files import FileNotUsable, write_whole
from khazana.cli.keys import read_key
from khazana.cli.solvency_files import (
    EPOCH_FILE,
    KEYS_FILE,
    epoch_in,
    keys_text,
    room_in,
    secret_in,
)
from khazana.cli.solvency_sources import read_as_extract
from khazana.cli.usage import WrongArguments
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.dsse import Envelope, sign
from khazana.supervision.solvency.build import Builder, Made, builder
from khazana.supervision.solvency.epoch import (
    PAYLOAD_TYPE,
    Block,
    Epoch,
    Provider,
    epoch_bytes,
    make_epoch,
)
from khazana.supervision.solvency.plan import BITCOIN, Asset, Plan, Splitting, TreeId, tree_key
from khazana.supervision.solvency.sections import build_trees, level_file, trees_in

COMMAND = "solvency build"
HELP = "build the trees of an epoch, one for each asset and kind, and sign the statement"
SOFTWARE = f"khazana {__version__}"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    build = commands.add_parser("build", help=HELP, description=HELP)
    build.add_argument(
        "extract",
        metavar="SOURCE",
        help="FILE.csv, parquet:FILE, sqlite:FILE?table=NAME or postgresql://...?table=NAME",
    )
    build.add_argument(
        "--master",
        metavar="FILE",
        type=Path,
        required=True,
        help="the provider's secret: 32 bytes as 64 hex digits",
    )
    build.add_argument("--provider", metavar="NAME", required=True)
    build.add_argument("--licence", metavar="NUMBER", required=True)
    build.add_argument("--epoch", type=int, required=True)
    build.add_argument("--block-height", type=int, required=True)
    build.add_argument("--block-hash", required=True)
    build.add_argument("--network", choices=sorted(NETWORKS), default="mainnet")
    build.add_argument(
        "--asset",
        metavar="NAME,SCALE,MOST",
        action="append",
        default=[],
        help="another asset than bitcoin; MOST in smallest units; give it once for each",
    )
    build.add_argument("--shares", type=int, default=2, help="leaves of a balance, at least")
    build.add_argument(
        "--most-per-leaf",
        metavar="[TREE=]UNITS",
        action="append",
        default=[],
        help="for every tree, or for one such as liabilities/BTC",
    )
    build.add_argument(
        "--leaves",
        metavar="[TREE=]COUNT",
        action="append",
        default=[],
        help="in all, dummies included: hides how many customers there are",
    )
    add_memory_argument(build)
    build.add_argument("--previous", metavar="FILE", type=Path, default=None)
    build.add_argument(
        "--key", metavar="FILE", type=Path, required=True, help="the provider's statement key"
    )
    build.add_argument("--out", metavar="DIR", type=Path, required=True)
    build.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    assets = assets_named(args.asset, command=COMMAND)
    master, signer = secret_in(args.master), read_key(args.key)
    previous = epoch_in(args.previous) if args.previous else None
    _require_free(args.out)
    with room_in(args.out.parent):
        args.out.parent.mkdir(parents=True, exist_ok=True)
        # Everything appears at once, under its name: an epoch is whole or it is not there.
        scratch = Path(tempfile.mkdtemp(dir=args.out.parent, prefix=f".{args.out.name}."))
    try:
        source = read_as_extract(args.extract, scratch, assets=assets, command=COMMAND)
        with source as extract, extract.naming_rows(), room_in(args.out.parent):
            made = _build(args, extract.path, scratch, assets=assets, master=master)
        network = NETWORKS[args.network]
        epoch = make_epoch(
            [each.built for each in made.values()],
            provider=Provider(licence=args.licence, name=args.provider),
            block=Block(hash=args.block_hash, height=args.block_height),
            genesis=network.genesis,
            test=network.test,
            epoch=args.epoch,
            previous=previous,
            reserves=None,
            software=SOFTWARE,
        )
        for name, each in made.items():
            write_whole(level_file(scratch, name), each.level)
        keys = {name: tree_key(master, each.built.tree) for name, each in made.items()}
        write_whole(scratch / KEYS_FILE, keys_text(keys), mode=0o600)
        write_envelope(scratch / EPOCH_FILE, sign(PAYLOAD_TYPE, epoch_bytes(epoch), signer))
        scratch.chmod(0o755)
        _put_in_place(scratch, args.out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    notice(epoch)
    for head in epoch.trees:
        rows = made[head.name].survey.rows
        total = f"{units(head.sum, head.scale)} {head.asset}"
        print(f"{head.name}: {total}, {rows} customers, {head.leaves} leaves")
    print(f"digest {epoch.digest}")
    return 0


def _build(
    args: argparse.Namespace,
    extract: Path,
    folder: Path,
    *,
    assets: Mapping[str, Asset],
    master: bytes,
) -> dict[str, Made]:
    trees = trees_in(extract, assets=assets, epoch=_epoch_number(args.epoch))
    names = [tree.name for _, tree in trees]
    leaves = _per_tree(args.leaves, trees=names, what="--leaves")
    caps = _per_tree(args.most_per_leaf, trees=names, what="--most-per-leaf")

    def plan(tree: TreeId) -> Plan:
        cap = caps.get(tree.name, tree.asset.most)
        try:
            splitting = Splitting(shares=args.shares, most_per_leaf=cap)
            key = tree_key(master, tree)
            return Plan(tree=tree, key=key, splitting=splitting, leaves=leaves.get(tree.name))
        except ValueError as error:
            raise WrongArguments(command=COMMAND, problem=str(error)) from error

    for _, tree in trees:
        plan(tree)  # what is wrong with the words is said before the work begins
    return build_trees(
        extract, trees, folder, plan=plan, using=best_builder(args.memory, command=COMMAND)
    )


def assets_named(texts: Sequence[str], *, command: str) -> dict[str, Asset]:
    """Bitcoin, and every asset that the command names."""
    found = {BITCOIN.name: BITCOIN}
    for text in texts:
        cells = text.split(",")
        if len(cells) != 3 or not (cells[1].isdecimal() and cells[2].isdecimal()):
            problem = f"--asset {text!r} is not NAME,SCALE,MOST"
            raise WrongArguments(command=command, problem=problem)
        if cells[0] in found:
            raise WrongArguments(command=command, problem=f"{cells[0]} is known already")
        try:
            found[cells[0]] = Asset(name=cells[0], scale=int(cells[1]), most=int(cells[2]))
        except ValueError as error:
            raise WrongArguments(command=command, problem=str(error)) from error
    return found


def _epoch_number(number: int) -> int:
    try:
        return TreeId(asset=BITCOIN, kind="liabilities", epoch=number).epoch
    except ValueError as error:
        raise WrongArguments(command=COMMAND, problem=str(error)) from error


def _per_tree(texts: Sequence[str], *, trees: Sequence[str], what: str) -> dict[str, int]:
    """Numbers by tree: `N` for all, `TREE=N` for one."""
    found: dict[str, int] = {}
    for text in sorted(texts, key=lambda text: "=" in text):
        name, _, number = text.rpartition("=")
        if not number.isdecimal() or (name and name not in trees):
            problem = f"{what} {text!r} is not a number, or TREE=NUMBER with a tree of the extract"
            raise WrongArguments(command=COMMAND, problem=problem)
        found.update(dict.fromkeys([name] if name else trees, int(number)))
    return found


def _require_free(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        problem = "exists already and is not an empty folder; an epoch is never overwritten"
        raise FileNotUsable(path=str(out), problem=problem)


def _put_in_place(made: Path, out: Path) -> None:
    try:
        os.replace(made, out)
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise FileNotUsable(path=str(out), problem=problem) from error


def add_memory_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--memory",
        metavar="MIB",
        type=int,
        default=0,
        help="more than some 300 MiB that may be used, which is faster with many customers",
    )


def best_builder(memory_mib: int, *, command: str) -> Builder:
    if memory_mib < 0:
        raise WrongArguments(command=command, problem="--memory is 0 or more")
    return builder(threads=os.cpu_count() or 1, memory_bytes=memory_mib << 20)


def write_envelope(path: Path, envelope: Envelope) -> None:
    write_whole(path, json.dumps(envelope.to_json(), indent=1).encode() + b"\n")


def notice(epoch: Epoch) -> None:
    if epoch.test:
        print(TEST_NOTICE)


def units(amount: int, scale: int) -> str:
    """An amount of smallest units with its decimals."""
    text = str(amount).rjust(scale + 1, "0")
    return f"{text[: len(text) - scale]}.{text[len(text) - scale :]}" if scale else text
