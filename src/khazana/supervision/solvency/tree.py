"""The tree of balances in plain Python: the reference that the compiled builder must equal."""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from khazana.supervision.solvency.encoding import (
    Node,
    customer_key,
    customer_secret,
    leaf_of,
    nonce_of,
    pad_of,
    parent_of,
)
from khazana.supervision.solvency.plan import Plan, depth_of
from khazana.supervision.solvency.positions import Positions, positions
from khazana.supervision.solvency.splitting import shares_of, split


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One row of an extract. balance: smallest units. contribution: see `contribution_of`."""

    id: str
    balance: int
    contribution: bytes


@dataclass(frozen=True, slots=True)
class Tree:
    """All nodes, level by level; level 0 are the leaves, the last holds the root alone."""

    plan: Plan
    levels: tuple[tuple[Node, ...], ...]

    @property
    def leaves(self) -> int:
        return len(self.levels[0])

    @property
    def root(self) -> Node:
        return self.levels[-1][0]

    def siblings(self, position: int, *, height: int) -> tuple[Node, ...]:
        """What stands beside the way from a leaf up to level `height`."""
        return tuple(self._node(level, (position >> level) ^ 1) for level in range(height))

    def _node(self, level: int, position: int) -> Node:
        nodes = self.levels[level]
        if position < len(nodes):
            return nodes[position]
        return pad_of(epoch=self.plan.tree.epoch, level=level, position=position)


class TooManyLeaves(ValueError):
    """The balances need more leaves than the plan has."""


def leaves_wanted(balances: Iterable[int], plan: Plan) -> int:
    """How many leaves a tree over these balances has, dummies included."""
    needed = sum(shares_of(balance, plan.splitting) for balance in balances)
    if plan.leaves is None:
        return max(1, needed)
    if needed > plan.leaves:
        raise TooManyLeaves(f"the balances need {needed} leaves, the plan has {plan.leaves}")
    return plan.leaves


def key_of(customer: Customer, plan: Plan) -> bytes:
    secret = customer_secret(plan.key, customer.id)
    return customer_key(secret=secret, contribution=customer.contribution)


def dummy_key(plan: Plan) -> bytes:
    """The key of the leaves that are nobody's: HMAC-SHA-256(tree key, 00 ‖ "dummies")."""
    return hmac.digest(plan.key, b"\0dummies", "sha256")


def build(customers: Sequence[Customer], plan: Plan) -> Tree:
    """The tree over customers in the order of the extract."""
    count = leaves_wanted((each.balance for each in customers), plan)
    where = positions(plan.key, count)
    leaves = _leaves(customers, plan, where)
    return Tree(plan, levels_over(leaves, plan))


def _leaves(customers: Sequence[Customer], plan: Plan, where: Positions) -> list[Node]:
    epoch = plan.tree.epoch
    placed: dict[int, Node] = {}
    number = 0
    for customer in customers:
        key = key_of(customer, plan)
        for nonce, amount in split(customer.balance, plan.splitting, key=key, epoch=epoch):
            at = where.of(number)
            placed[at] = leaf_of(nonce=nonce, amount=amount, position=at)
            number += 1
    key = dummy_key(plan)
    for dummy in range(where.leaves - number):
        at = where.of(number + dummy)
        nonce = nonce_of(key=key, epoch=epoch, split=dummy)
        placed[at] = leaf_of(nonce=nonce, amount=0, position=at)
    return [placed[at] for at in range(where.leaves)]


def levels_over(leaves: Sequence[Node], plan: Plan) -> tuple[tuple[Node, ...], ...]:
    """All levels from the leaves up."""
    return levels_above(leaves, level=0, depth=depth_of(len(leaves)), plan=plan)


def levels_above(
    nodes: Sequence[Node], *, level: int, depth: int, plan: Plan
) -> tuple[tuple[Node, ...], ...]:
    """The levels from `level` up to the root at `depth`; a level of odd length gets a pad."""
    levels = [tuple(nodes)]
    for at in range(level, depth):
        below = levels[-1]
        if len(below) % 2:
            pad = pad_of(epoch=plan.tree.epoch, level=at, position=len(below))
            below = (*below, pad)
        most = plan.tree.asset.most
        levels.append(
            tuple(parent_of(below[i], below[i + 1], most=most) for i in range(0, len(below), 2))
        )
    return tuple(levels)
