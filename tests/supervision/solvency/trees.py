"""Small trees, statements and slips for tests."""

import hashlib

from khazana.supervision.solvency.encoding import contribution_of, customer_secret
from khazana.supervision.solvency.epoch import Block, BuiltTree, Epoch, Provider, make_epoch
from khazana.supervision.solvency.plan import (
    BITCOIN,
    LIABILITIES,
    Asset,
    Plan,
    Splitting,
    TreeId,
    published_level,
    tree_key,
)
from khazana.supervision.solvency.positions import positions
from khazana.supervision.solvency.slip import Slip, make_slip
from khazana.supervision.solvency.splitting import shares_of, split
from khazana.supervision.solvency.tree import Customer, Tree, build, key_of

MASTER = bytes(range(32))
BLOCK = Block(hash="00" * 31 + "07", height=840_000)
GENESIS = "00" * 31 + "01"
PROVIDER = Provider(licence="DRILL-1", name="Drill Exchange")


def plan_for(
    *,
    asset: Asset = BITCOIN,
    kind: str = LIABILITIES,
    epoch: int = 7,
    shares: int = 2,
    most_per_leaf: int | None = None,
    leaves: int | None = None,
) -> Plan:
    tree = TreeId(asset=asset, kind=kind, epoch=epoch)
    splitting = Splitting(shares=shares, most_per_leaf=most_per_leaf or asset.most)
    return Plan(tree=tree, key=tree_key(MASTER, tree), splitting=splitting, leaves=leaves)


def customers(*balances: int) -> list[Customer]:
    return [
        Customer(id=f"customer-{i}", balance=balance, contribution=contribution_of(f"words {i}"))
        for i, balance in enumerate(balances)
    ]


def level_bytes(tree: Tree) -> bytes:
    return b"".join(node.to_bytes() for node in tree.levels[published_level(tree.leaves)])


def built(tree: Tree) -> BuiltTree:
    return BuiltTree(
        tree=tree.plan.tree,
        splitting=tree.plan.splitting,
        leaves=tree.leaves,
        root=tree.root,
        level_sha256=hashlib.sha256(level_bytes(tree)).hexdigest(),
    )


def statement(*trees: Tree, previous: Epoch | None = None, block: Block = BLOCK) -> Epoch:
    return epoch_of(*map(built, trees), previous=previous, block=block)


def epoch_of(*trees: BuiltTree, previous: Epoch | None = None, block: Block = BLOCK) -> Epoch:
    return make_epoch(
        trees,
        provider=PROVIDER,
        block=block,
        genesis=GENESIS,
        test=True,
        epoch=trees[0].tree.epoch,
        previous=previous,
        reserves=None,
        software="khazana test",
    )


def slip_for(tree: Tree, held: list[Customer], index: int, *, height: int | None = None) -> Slip:
    plan = tree.plan
    customer = held[index]
    first = sum(shares_of(each.balance, plan.splitting) for each in held[:index])
    where = positions(plan.key, tree.leaves)
    shares = split(
        customer.balance, plan.splitting, key=key_of(customer, plan), epoch=plan.tree.epoch
    )
    return make_slip(
        tree=0,
        height=published_level(tree.leaves) if height is None else height,
        root=tree.root.hash,
        epoch=plan.tree.epoch,
        secret=customer_secret(plan.key, customer.id),
        places=[(amount, where.of(first + i)) for i, (_, amount) in enumerate(shares)],
        beside=lambda position, to: tree.siblings(position, height=to),
    )


__all__ = ["build"]
