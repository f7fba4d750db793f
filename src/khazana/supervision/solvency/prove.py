"""Slips out of a tree on disk: a customer's row is looked up, its leaves are found again."""

from collections.abc import Collection, Iterator
from pathlib import Path

from khazana.supervision.solvency.build import COMPILED
from khazana.supervision.solvency.encoding import customer_secret
from khazana.supervision.solvency.epoch import Epoch
from khazana.supervision.solvency.errors import NotInExtract
from khazana.supervision.solvency.extract import Section, rows, section_for
from khazana.supervision.solvency.plan import Plan
from khazana.supervision.solvency.positions import Positions, positions
from khazana.supervision.solvency.slip import Slip, make_slip
from khazana.supervision.solvency.splitting import shares_of, split
from khazana.supervision.solvency.tree import Customer, key_of
from khazana.supervision.solvency.tree_file import TreeFile, opened


def every_slip(
    customers: Collection[str] | None,
    *,
    extract: Path,
    plan: Plan,
    tree: Path,
    epoch: Epoch,
    to_root: bool,
) -> Iterator[tuple[str, bytes]]:
    """Each customer's id and the bytes of the slip, in the extract's order, as they are made.

    customers: None for everybody; of those named, whoever has no row is passed over.
    """
    section = section_for(extract, plan.tree)
    number = _number_of(plan, epoch)
    head = epoch.trees[number]
    with opened(tree, leaves=head.leaves, epoch=epoch.epoch) as nodes:
        try:
            from khazana.supervision.solvency.prove_fast import raw_slips
        except ModuleNotFoundError as error:
            if error.name not in COMPILED:
                raise
            making = _Making(plan, nodes, epoch, to_root=to_root)
            for row, slip in making.slips(section, customers):
                yield row, slip.to_bytes()
            return
    yield from raw_slips(
        customers,
        section=section,
        plan=plan,
        tree=tree,
        head=head,
        number=number,
        height=head.depth if to_root else head.level,
    )


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
    making = _Making(plan, tree, epoch, to_root=to_root)
    found = list(making.slips(section_for(extract, plan.tree), customers))
    missing = set(customers) - {customer for customer, _ in found}
    if missing:
        customer = next(each for each in customers if each in missing)
        raise NotInExtract(file=extract.name, customer=customer)
    return found


def _number_of(plan: Plan, epoch: Epoch) -> int:
    return [head.name for head in epoch.trees].index(plan.tree.name)


class _Making:
    """What all slips of one tree have in common."""

    def __init__(self, plan: Plan, tree: TreeFile, epoch: Epoch, *, to_root: bool) -> None:
        self._plan, self._tree = plan, tree
        self._number = _number_of(plan, epoch)
        self._head = epoch.trees[self._number]
        self._height = self._head.depth if to_root else self._head.level
        self._where: Positions = positions(plan.key, tree.leaves)

    def slips(
        self, section: Section, customers: Collection[str] | None
    ) -> Iterator[tuple[str, Slip]]:
        missing = None if customers is None else set(customers)
        first = 0
        for row in rows(section, self._plan.tree, self._plan.splitting):
            if missing is None or row.id in missing:
                yield row.id, self._slip(row, first)
                if missing is not None:
                    missing.remove(row.id)
                    if not missing:
                        return
            first += shares_of(row.balance, self._plan.splitting)

    def _slip(self, row: Customer, first: int) -> Slip:
        """first: number of the customer's first leaf."""
        plan = self._plan
        epoch = plan.tree.epoch
        shares = split(row.balance, plan.splitting, key=key_of(row, plan), epoch=epoch)
        return make_slip(
            tree=self._number,
            height=self._height,
            root=bytes.fromhex(self._head.root),
            epoch=epoch,
            secret=customer_secret(plan.key, row.id),
            places=[(amount, self._where.of(first + i)) for i, (_, amount) in enumerate(shares)],
            beside=self._tree.siblings,
        )
