"""Slips out of a tree on disk: a customer's row is looked up, its leaves are found again."""

from collections.abc import Collection, Iterator
from pathlib import Path

from khazana.supervision.solvency.encoding import customer_secret
from khazana.supervision.solvency.epoch import Epoch
from khazana.supervision.solvency.errors import NotInExtract
from khazana.supervision.solvency.extract import rows, section_for
from khazana.supervision.solvency.plan import Plan
from khazana.supervision.solvency.positions import positions
from khazana.supervision.solvency.slip import Slip, make_slip
from khazana.supervision.solvency.splitting import shares_of, split
from khazana.supervision.solvency.tree import Customer, key_of
from khazana.supervision.solvency.tree_file import TreeFile


def slip_of(
    customer: str, *, extract: Path, plan: Plan, tree: TreeFile, epoch: Epoch, to_root: bool
) -> Slip:
    """One customer's slip; NotInExtract when there is no such row."""
    ((_, slip),) = slips_of(
        [customer], extract=extract, plan=plan, tree=tree, epoch=epoch, to_root=to_root
    )
    return slip


def slips_of(
    customers: Collection[str],
    *,
    extract: Path,
    plan: Plan,
    tree: TreeFile,
    epoch: Epoch,
    to_root: bool,
) -> list[tuple[str, Slip]]:
    """Many customers' slips in one reading, in the extract's order; NotInExtract for the first of
    them who has no row.
    """
    missing = dict.fromkeys(customers)
    found = []
    for first, row in _numbered(extract, plan):
        if row.id in missing:
            del missing[row.id]
            slip = _slip(row, first, plan=plan, tree=tree, epoch=epoch, to_root=to_root)
            found.append((row.id, slip))
            if not missing:
                return found
    raise NotInExtract(file=extract.name, customer=next(iter(missing)))


def _numbered(extract: Path, plan: Plan) -> Iterator[tuple[int, Customer]]:
    """Each row with the number of its first leaf."""
    number = 0
    for row in rows(section_for(extract, plan.tree), plan.tree, plan.splitting):
        yield number, row
        number += shares_of(row.balance, plan.splitting)


def _slip(
    row: Customer, first: int, *, plan: Plan, tree: TreeFile, epoch: Epoch, to_root: bool
) -> Slip:
    where = positions(plan.key, tree.leaves)
    number = [head.name for head in epoch.trees].index(plan.tree.name)
    head = epoch.trees[number]
    shares = split(row.balance, plan.splitting, key=key_of(row, plan), epoch=epoch.epoch)
    return make_slip(
        tree=number,
        height=head.depth if to_root else head.level,
        root=bytes.fromhex(head.root),
        epoch=epoch.epoch,
        secret=customer_secret(plan.key, row.id),
        places=[(amount, where.of(first + i)) for i, (_, amount) in enumerate(shares)],
        beside=tree.siblings,
    )
