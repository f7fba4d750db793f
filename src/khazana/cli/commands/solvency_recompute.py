"""`khazana solvency recompute`: the regulator builds every tree again, and signs what is equal."""

import argparse
import tempfile
import time
from pathlib import Path

from khazana.cli.commands.solvency_build import (
    SOFTWARE,
    add_memory_argument,
    best_builder,
    notice,
    units,
    write_envelope,
)
from khazana.cli.keys import read_key
from khazana.cli.solvency_files import epoch_in, plan_in, require_readable, room_in
from khazana.cli.usage import WrongArguments
from khazana.supervision.solvency.epoch import Epoch
from khazana.supervision.solvency.plan import Plan, TreeId
from khazana.supervision.solvency.recompute import (
    breaks,
    countersigned,
    differences,
    recomputation,
    sections_differ,
)
from khazana.supervision.solvency.sampling import (
    USUAL_OMISSIONS,
    USUAL_SURENESS,
    checks_needed,
    smallest_omission,
)
from khazana.supervision.solvency.sections import build_trees, trees_in

COMMAND = "solvency recompute"
HELP = "build all trees again as the regulator, compare, and sign"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    again = commands.add_parser("recompute", help=HELP, description=HELP)
    again.add_argument("extract", metavar="CSV", type=Path)
    again.add_argument("--statement", metavar="FILE", type=Path, required=True)
    again.add_argument("--signer", metavar="HEX", default=None, help="the provider's public key")
    again.add_argument("--tree-keys", metavar="FILE", type=Path, required=True)
    again.add_argument("--previous", metavar="FILE", type=Path, default=None)
    again.add_argument(
        "--checks", metavar="COUNT", type=int, default=None, help="customers who have checked"
    )
    again.add_argument(
        "--scratch", metavar="DIR", type=Path, default=None, help="room for the trees meanwhile"
    )
    again.add_argument(
        "--key", metavar="FILE", type=Path, default=None, help="the regulator's statement key"
    )
    again.add_argument("--out", metavar="FILE", type=Path, default=None)
    add_memory_argument(again)
    again.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if (args.key is None) != (args.out is None):
        raise WrongArguments(command=COMMAND, problem="give --key with --out")
    if args.checks is not None and args.checks < 1:
        raise WrongArguments(command=COMMAND, problem="--checks is 1 or more")
    signer = read_key(args.key) if args.key is not None else None
    epoch = epoch_in(args.statement, signer=args.signer)
    require_readable(args.extract)
    plans = {
        epoch.tree_id(number).name: plan_in(args.tree_keys, epoch, number)
        for number in range(len(epoch.trees))
    }
    using = best_builder(args.memory, command=COMMAND)
    begun = time.perf_counter()
    assets = {plan.tree.asset.name: plan.tree.asset for plan in plans.values()}
    trees = trees_in(args.extract, assets=assets, epoch=epoch.epoch)
    found = sections_differ(epoch, [tree for _, tree in trees])

    def plan(tree: TreeId) -> Plan:
        return plans[tree.name]

    room = args.scratch or args.extract.parent
    with room_in(room), tempfile.TemporaryDirectory(dir=room) as name:
        stated = tuple(each for each in trees if each[1].name in plans)
        made = build_trees(args.extract, stated, Path(name), plan=plan, using=using)
    took = time.perf_counter() - begun
    for head in epoch.trees:
        if head.name in made:
            found += differences(head, made[head.name])
    if args.previous is not None:
        found += breaks(epoch, epoch_in(args.previous))
    elif epoch.previous is not None:
        print("continuity: not checkable; give --previous")
    notice(epoch)
    for each in found:
        print(f"DIFFERS {each.tree}, {each.what}: stated {each.stated}, found {each.found}")
    if found:
        return 1
    for head in epoch.trees:
        rows = made[head.name].survey.rows
        print(
            f"equal: {head.name}, {units(head.sum, head.scale)} {head.asset}, {rows} customers, "
            f"{head.leaves} leaves, no negative balance"
        )
    print(f"{len(epoch.trees)} trees built again in {took:.1f} s")
    if args.previous is not None:
        print(f"continues epoch {epoch.epoch - 1}")
    _print_sampling(epoch, {name: each.survey.rows for name, each in made.items()}, args.checks)
    if signer is not None:
        result = recomputation(epoch, made, software=SOFTWARE)
        write_envelope(args.out, countersigned(result, signer))
        print(f"{args.out}: counter-signed")
    return 0


def _print_sampling(epoch: Epoch, rows: dict[str, int], checks: int | None) -> None:
    """What nobody but the customers can find: somebody who is not in the extract either."""
    customers = max(rows.values())
    print("customers left out of the extract too are found by their own checks alone:")
    for omitted in USUAL_OMISSIONS:
        needed = [checks_needed(omitted=omitted, sureness=each) for each in USUAL_SURENESS]
        share = f"{float(100 * omitted):g} % ({int(customers * omitted):,} customers)"
        print(f"  {share}: {needed[0]:,} checks find one with 95 %, {needed[1]:,} with 99.9 %")
    if checks is not None:
        for sureness in USUAL_SURENESS:
            smallest = smallest_omission(checks=checks, sureness=sureness)
            print(
                f"  {checks:,} checks find one of {100 * smallest:.2g} % "
                f"({int(customers * smallest):,} customers) with {float(100 * sureness):g} %"
            )
