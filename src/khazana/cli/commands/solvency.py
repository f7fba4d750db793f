"""`khazana solvency`: build a provider's tree, prove a balance, check a slip, build it again."""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from khazana import __version__
from khazana.bitcoin.network import NETWORKS
from khazana.cli.commands import solvency_slips
from khazana.cli.files import read_bytes, write_whole
from khazana.cli.keys import read_key
from khazana.cli.solvency_files import MOST_FILE, epoch_in, require_readable, secret_in
from khazana.cli.usage import WrongArguments
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.dsse import Envelope, sign
from khazana.supervision.solvency.build import Made, build_tree, builder
from khazana.supervision.solvency.check import check_slip, check_statement, read_level
from khazana.supervision.solvency.encoding import contribution_of
from khazana.supervision.solvency.epoch import (
    PAYLOAD_TYPE,
    Block,
    Epoch,
    Provider,
    epoch_bytes,
    make_epoch,
)
from khazana.supervision.solvency.errors import ProofRejected
from khazana.supervision.solvency.page.build import built
from khazana.supervision.solvency.plan import (
    BITCOIN,
    KINDS,
    LIABILITIES,
    Asset,
    Plan,
    Splitting,
    TreeId,
    tree_key,
)
from khazana.supervision.solvency.prove import slip_of
from khazana.supervision.solvency.recompute import (
    breaks,
    countersigned,
    differences,
    plan_of,
    recomputation,
)
from khazana.supervision.solvency.slip import MOST_SLIP_BYTES, read_slip, slip_bytes
from khazana.supervision.solvency.tree_file import opened

HELP = "prove what a provider owes, and check it as a customer or as the regulator"
SOFTWARE = f"khazana {__version__}"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = subparsers.add_parser("solvency", help=HELP, description=HELP)
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)

    build = commands.add_parser("build", help="build the tree of one asset and sign the epoch")
    build.add_argument("extract", metavar="CSV", type=Path)
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
        default=None,
        help="another asset than bitcoin; MOST in smallest units",
    )
    build.add_argument("--kind", choices=KINDS, default=LIABILITIES)
    build.add_argument("--shares", type=int, default=2)
    build.add_argument("--most-per-leaf", type=int, default=None)
    build.add_argument("--leaves", type=int, default=None, help="in all, dummies included")
    build.add_argument("--previous", metavar="FILE", type=Path, default=None)
    build.add_argument(
        "--key", metavar="FILE", type=Path, required=True, help="the provider's statement key"
    )
    build.add_argument("--out", metavar="DIR", type=Path, required=True)
    build.set_defaults(run=run_build)

    prove = commands.add_parser("prove", help="write one customer's slip")
    prove.add_argument("customer")
    prove.add_argument("--extract", metavar="CSV", type=Path, required=True)
    prove.add_argument("--built", metavar="DIR", type=Path, required=True)
    prove.add_argument("--to-root", action="store_true", help="longer; needs no published level")
    prove.add_argument("--out", metavar="FILE", type=Path, required=True)
    prove.set_defaults(run=run_prove)
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

    again = commands.add_parser("recompute", help="build the tree again as the regulator, and sign")
    again.add_argument("extract", metavar="CSV", type=Path)
    again.add_argument("--statement", metavar="FILE", type=Path, required=True)
    again.add_argument("--tree-key", metavar="FILE", type=Path, required=True)
    again.add_argument("--previous", metavar="FILE", type=Path, default=None)
    again.add_argument(
        "--key", metavar="FILE", type=Path, default=None, help="the regulator's statement key"
    )
    again.add_argument("--out", metavar="FILE", type=Path, default=None)
    again.set_defaults(run=run_recompute)

    page = commands.add_parser("page", help="write the page on which a customer checks a slip")
    page.add_argument("--out", metavar="FILE", type=Path, required=True)
    page.set_defaults(run=run_page)


def run_build(args: argparse.Namespace) -> int:
    try:
        tree = TreeId(asset=_asset(args.asset), kind=args.kind, epoch=args.epoch)
        key = tree_key(secret_in(args.master), tree)
        splitting = Splitting(
            shares=args.shares, most_per_leaf=args.most_per_leaf or tree.asset.most
        )
        plan = Plan(tree=tree, key=key, splitting=splitting, leaves=args.leaves)
    except ValueError as error:
        raise WrongArguments(command="solvency build", problem=str(error)) from error
    signer = read_key(args.key)
    previous = epoch_in(args.previous) if args.previous else None
    args.out.mkdir(parents=True, exist_ok=True)
    require_readable(args.extract)
    made = build_tree(args.extract, plan, args.out / "tree.bin", using=_builder())
    network = NETWORKS[args.network]
    epoch = make_epoch(
        [made.built],
        provider=Provider(licence=args.licence, name=args.provider),
        block=Block(hash=args.block_hash, height=args.block_height),
        genesis=network.genesis,
        test=network.test,
        epoch=args.epoch,
        previous=previous,
        reserves=None,
        software=SOFTWARE,
    )
    write_whole(args.out / "level.bin", made.level)
    write_whole(args.out / "tree-key.hex", key.hex().encode() + b"\n", mode=0o600)
    _write_envelope(args.out / "epoch.json", sign(PAYLOAD_TYPE, epoch_bytes(epoch), signer))
    _notice(epoch)
    print(f"{made.survey.rows} customers, {made.built.leaves} leaves")
    print(f"{tree.name}: {_units(made.root.sum, tree.asset.scale)} {tree.asset.name}")
    print(f"digest {epoch.digest}")
    return 0


def run_prove(args: argparse.Namespace) -> int:
    epoch = epoch_in(args.built / "epoch.json")
    key = secret_in(args.built / "tree-key.hex")
    plan = plan_of(epoch, 0, key=key)
    require_readable(args.extract)
    leaves = epoch.trees[0].leaves
    with opened(args.built / "tree.bin", leaves=leaves, epoch=epoch.epoch) as tree:
        slip = slip_of(
            args.customer,
            extract=args.extract,
            plan=plan,
            tree=tree,
            epoch=epoch,
            to_root=args.to_root,
        )
    raw = slip.to_bytes()
    write_whole(args.out, raw, mode=0o600)
    _notice(epoch)
    print(f"{args.out}: {len(raw)} bytes, {len(slip.leaves)} leaves; confidential")
    return 0


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
    _notice(epoch)
    print(f"your balance is in the total: {_units(found.balance, found.scale)} {found.asset}")
    print(f"total of {found.kind}: {_units(found.total, found.scale)} {found.asset}")
    print(f"{epoch.provider.name}, epoch {epoch.epoch}, block {epoch.block.height}")
    if args.signer is None:
        print("who signed: not checkable; give --signer from a source that you trust")
    return 0


def run_recompute(args: argparse.Namespace) -> int:
    if (args.key is None) != (args.out is None):
        raise WrongArguments(command="solvency recompute", problem="give --key with --out")
    epoch = epoch_in(args.statement)
    if len(epoch.trees) != 1:
        raise WrongArguments(
            command="solvency recompute", problem="the statement has several trees; give each alone"
        )
    plan = plan_of(epoch, 0, key=secret_in(args.tree_key))
    require_readable(args.extract)
    made = _built_beside(args.extract, plan)
    found = differences(epoch.trees[0], made)
    if args.previous is not None:
        found += breaks(epoch, epoch_in(args.previous))
    elif epoch.previous is not None:
        print("continuity: not checkable; give --previous")
    _notice(epoch)
    for each in found:
        print(f"DIFFERS {each.tree}, {each.what}: stated {each.stated}, found {each.found}")
    if found:
        return 1
    print(f"equal: {made.survey.rows} customers, {made.built.leaves} leaves, no negative balance")
    if args.key is not None:
        result = recomputation(epoch, {epoch.trees[0].name: made}, software=SOFTWARE)
        _write_envelope(args.out, countersigned(result, read_key(args.key)))
    return 0


def run_page(args: argparse.Namespace) -> int:
    content = built().html
    write_whole(args.out, content)
    print(f"{args.out}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    return 0


def _built_beside(extract: Path, plan: Plan) -> Made:
    """The tree again, in a file that goes away."""
    out = extract.parent / f".{extract.name}.tree.{os.getpid()}"
    try:
        return build_tree(extract, plan, out, using=_builder())
    finally:
        out.unlink(missing_ok=True)


def _builder() -> Any:
    return builder(threads=os.cpu_count() or 1)


def _asset(text: str | None) -> Asset:
    if text is None:
        return BITCOIN
    cells = text.split(",")
    if len(cells) != 3 or not (cells[1].isdecimal() and cells[2].isdecimal()):
        raise ValueError(f"{text!r} is not NAME,SCALE,MOST")
    return Asset(name=cells[0], scale=int(cells[1]), most=int(cells[2]))


def _write_envelope(path: Path, envelope: Envelope) -> None:
    write_whole(path, json.dumps(envelope.to_json(), indent=1).encode() + b"\n")


def _notice(epoch: Epoch) -> None:
    if epoch.test:
        print(TEST_NOTICE, file=sys.stdout)


def _units(amount: int, scale: int) -> str:
    text = str(amount).rjust(scale + 1, "0")
    return f"{text[: len(text) - scale]}.{text[len(text) - scale :]}" if scale else text
