"""The customer's check: from words, secret and amount up to what everybody can see."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from khazana.supervision.solvency.encoding import (
    NODE_BYTES,
    Node,
    OutOfRange,
    customer_key,
    leaf_of,
    node_from,
    nonce_of,
    pad_of,
    parent_of,
)
from khazana.supervision.solvency.epoch import Epoch, TreeHead
from khazana.supervision.solvency.errors import ProofRejected, Reason
from khazana.supervision.solvency.plan import nodes_at
from khazana.supervision.solvency.slip import Slip, SlipLeaf


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A published level whose nodes were hashed up to the statement's root, and added up."""

    tree: int
    nodes: Sequence[Node]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The balance that is in the tree. total: of all customers, in the same unit."""

    asset: str
    scale: int
    kind: str
    balance: int
    total: int


def read_level(raw: bytes, *, epoch: Epoch, tree: int) -> Level:
    """The published level of a tree, checked once for all slips: digest, every sum, root, total."""
    head = _head(epoch, tree)
    if hashlib.sha256(raw).hexdigest() != head.level_sha256:
        raise _level("the file is not the one whose SHA-256 the statement gives")
    count = nodes_at(head.level, leaves=head.leaves)
    if len(raw) != count * NODE_BYTES:
        raise _level(f"{count} nodes take {count * NODE_BYTES} bytes, not {len(raw)}")
    nodes = [node_from(raw[at : at + NODE_BYTES]) for at in range(0, len(raw), NODE_BYTES)]
    _same_as_root(_hashed_up(nodes, head, epoch.epoch), head)
    return Level(tree=tree, nodes=nodes)


def _hashed_up(nodes: Sequence[Node], head: TreeHead, epoch: int) -> Node:
    for node in nodes:
        _in_range(node.sum, head, "a published node")
    above = list(nodes)
    for level in range(head.level, head.depth):
        if len(above) % 2:
            above.append(pad_of(epoch=epoch, level=level, position=len(above)))
        above = [_parent(above[i], above[i + 1], head) for i in range(0, len(above), 2)]
    return above[0]


def _same_as_root(found: Node, head: TreeHead) -> None:
    if not hmac.compare_digest(found.hash, bytes.fromhex(head.root)):
        raise _level("its nodes do not lead to the statement's root")
    if found.sum != head.sum:
        raise _total(found.sum, head)


def check_statement(epoch: Epoch, *, pinned: str | None = None, newest: int | None = None) -> None:
    """What a customer knows of the statement from elsewhere.

    pinned: the digest as others published it. newest: an epoch already seen.
    """
    if pinned is not None and epoch.digest != pinned:
        raise ProofRejected(
            reason=Reason.OTHER_STATEMENT,
            problem=f"this statement is {epoch.digest}, others were shown {pinned}",
        )
    if newest is not None and epoch.epoch < newest:
        raise ProofRejected(
            reason=Reason.STALE, problem=f"epoch {newest} is out, and this is epoch {epoch.epoch}"
        )


def check_slip(
    slip: Slip,
    *,
    epoch: Epoch,
    contribution: bytes,
    level: Level | None,
    balance: int | None = None,
) -> Found:
    """The balance that the slip proves to be in the tree; ProofRejected says why it does not.

    level: needed unless the slip leads to the root itself. balance: what the customer expects.
    """
    head = _head(epoch, slip.tree)
    if slip.epoch != epoch.epoch:
        raise ProofRejected(
            reason=Reason.OTHER_EPOCH,
            problem=f"the slip is of epoch {slip.epoch}, the statement of epoch {epoch.epoch}",
        )
    if slip.root.hex() != head.root:
        raise ProofRejected(
            reason=Reason.OTHER_ROOT,
            problem=f"the slip is for the root {slip.root.hex()}, the statement has {head.root}",
        )
    targets = _targets(slip, head, level)
    positions = [leaf.position for leaf in slip.leaves]
    for position in positions:
        if position >= head.leaves:
            raise ProofRejected(
                reason=Reason.POSITION_OUT_OF_RANGE,
                problem=f"position {position} is not among the {head.leaves} leaves",
            )
    if len(set(positions)) != len(positions):
        raise ProofRejected(reason=Reason.LEAF_TWICE, problem="one leaf is counted twice")
    key = customer_key(secret=slip.secret, contribution=contribution)
    total = 0
    for split, leaf in enumerate(slip.leaves):
        _check_leaf(leaf, split, key, head=head, epoch=slip.epoch, targets=targets)
        if total > head.most - leaf.amount:
            raise _too_much(head)
        total += leaf.amount
    if balance is not None and balance != total:
        raise ProofRejected(
            reason=Reason.BALANCE_DIFFERS,
            problem=f"the tree holds {total} for you, and you expect {balance}",
        )
    return Found(asset=head.asset, scale=head.scale, kind=head.kind, balance=total, total=head.sum)


def _head(epoch: Epoch, tree: int) -> TreeHead:
    if not 0 <= tree < len(epoch.trees):
        raise ProofRejected(
            reason=Reason.NO_SUCH_TREE,
            problem=f"the statement has {len(epoch.trees)} trees, none with number {tree}",
        )
    return epoch.trees[tree]


def _targets(slip: Slip, head: TreeHead, level: Level | None) -> Sequence[Node]:
    """The nodes that the slip's leaves must lead to."""
    if slip.height == head.depth:
        return (head.top,)
    if slip.height != head.level:
        raise ProofRejected(
            reason=Reason.WRONG_HEIGHT,
            problem=f"the way up has {slip.height} steps; {head.level} lead to the published "
            f"level and {head.depth} to the root",
        )
    if level is None or level.tree != slip.tree:
        raise ProofRejected(
            reason=Reason.LEVEL_NEEDED,
            problem=f"the slip leads to the published level of {head.name}, which was not given",
        )
    return level.nodes


def _check_leaf(
    leaf: SlipLeaf,
    split: int,
    key: bytes,
    *,
    head: TreeHead,
    epoch: int,
    targets: Sequence[Node],
) -> None:
    _in_range(leaf.amount, head, "the amount")
    nonce = nonce_of(key=key, epoch=epoch, split=split)
    node = leaf_of(nonce=nonce, amount=leaf.amount, position=leaf.position)
    at, count = leaf.position, head.leaves
    for level, beside in enumerate(leaf.beside):
        if beside.sum > head.most:
            _in_range(beside.sum, head, "a node beside the way up")
        if at ^ 1 >= count and beside != pad_of(epoch=epoch, level=level, position=at ^ 1):
            raise ProofRejected(
                reason=Reason.PADDING_WRONG,
                problem=f"beside the last node of level {level} stands something else than "
                f"padding, with the sum {beside.sum}",
            )
        left, right = (beside, node) if at & 1 else (node, beside)
        node = _parent(left, right, head)
        at, count = at >> 1, (count + 1) >> 1
    target = targets[at]
    if node.hash != target.hash:
        raise ProofRejected(
            reason=Reason.NOT_IN_TREE,
            problem=f"words, secret, amount, position and the nodes of share {split} do not lead "
            f"to the published node",
        )
    if node.sum != target.sum:
        raise _total(node.sum, head)


def _parent(left: Node, right: Node, head: TreeHead) -> Node:
    try:
        return parent_of(left, right, most=head.most)
    except OutOfRange as error:
        raise ProofRejected(reason=Reason.SUM_OUT_OF_RANGE, problem=str(error)) from error


def _in_range(amount: int, head: TreeHead, what: str) -> None:
    if amount > head.most:
        raise ProofRejected(
            reason=Reason.AMOUNT_OUT_OF_RANGE,
            problem=f"{what} is {amount}, and {head.most} is the most there can be of "
            f"{head.asset}: a negative amount looks like this",
        )


def _too_much(head: TreeHead) -> ProofRejected:
    return ProofRejected(
        reason=Reason.SUM_OUT_OF_RANGE, problem=f"the shares together exceed {head.most}"
    )


def _total(found: int, head: TreeHead) -> ProofRejected:
    return ProofRejected(
        reason=Reason.TOTAL_DIFFERS,
        problem=f"the nodes add up to {found}, the statement says {head.sum}",
    )


def _level(problem: str) -> ProofRejected:
    return ProofRejected(reason=Reason.LEVEL_DIFFERS, problem=problem)
