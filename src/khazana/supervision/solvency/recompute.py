"""The regulator builds the same tree again, and sees that an epoch continues the last one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.ledger.canonical import canonical_bytes
from khazana.statement.dsse import Envelope, sign
from khazana.statement.wire import Hash256
from khazana.supervision.solvency.build import Made
from khazana.supervision.solvency.epoch import Epoch, TreeHead, head_of
from khazana.supervision.solvency.plan import Plan, Splitting, TreeId

PAYLOAD_TYPE = "application/vnd.khazana.solvency-recomputation+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that the regulator found otherwise than the provider says."""

    tree: str
    what: str
    stated: str
    found: str


class RecomputedTree(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tree that the regulator built again. rows: customers in the extract."""

    extract_sha256: Hash256
    name: str
    root: Hash256
    rows: int
    sum: int


class Recomputation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the regulator signs: every tree of this statement was built again and is equal."""

    epoch: int
    format: Literal["khazana.solvency-recomputation/1"]
    software: str
    statement: Hash256
    test: bool
    trees: tuple[RecomputedTree, ...]


def plan_of(epoch: Epoch, number: int, *, key: bytes) -> Plan:
    """How the provider says that a tree was built."""
    head = epoch.trees[number]
    return Plan(
        tree=epoch.tree_id(number),
        key=key,
        splitting=Splitting(shares=head.shares, most_per_leaf=head.most_per_leaf),
        leaves=head.leaves,
    )


def differences(head: TreeHead, made: Made) -> list[Difference]:
    """The provider's lines about a tree against the tree built from the extract."""
    found: dict[str, Any] = msgspec.to_builtins(head_of(made.built, previous=None))
    stated: dict[str, Any] = msgspec.to_builtins(head)
    return [
        Difference(tree=head.name, what=what, stated=str(said), found=str(found[what]))
        for what, said in stated.items()
        if what != "previous_root" and said != found[what]
    ]


def sections_differ(epoch: Epoch, trees: Sequence[TreeId]) -> list[Difference]:
    """Trees of the statement that the extract has no section for, and the other way round."""
    stated, found = {tree.name for tree in epoch.trees}, {tree.name for tree in trees}
    return [
        *(_said(name, "section of the extract", "a tree", "absent") for name in stated - found),
        *(_said(name, "tree", "absent", "a section of the extract") for name in found - stated),
    ]


def breaks(epoch: Epoch, previous: Epoch) -> list[Difference]:
    """Where a statement does not continue the one before it."""
    compared: list[tuple[str, object, object]] = [
        ("provider's licence", epoch.provider.licence, previous.provider.licence),
        ("network", epoch.genesis, previous.genesis),
        ("epoch", epoch.epoch, previous.epoch + 1),
        ("digest of the statement before", epoch.previous, previous.digest),
    ]
    found = [_said("statement", *each) for each in compared if each[1] != each[2]]
    if epoch.block.height <= previous.block.height:
        after = f"above {previous.block.height}"
        found.append(_said("statement", "block height", epoch.block.height, after))
    now = {tree.name: tree for tree in epoch.trees}
    for tree in previous.trees:
        if tree.name not in now:
            found.append(_said(tree.name, "tree", "absent", "there in the epoch before"))
            continue
        later = now.pop(tree.name)
        pairs = [
            ("root before", later.previous_root, tree.root),
            ("scale", later.scale, tree.scale),
            ("most", later.most, tree.most),
        ]
        found += [_said(tree.name, *each) for each in pairs if each[1] != each[2]]
    for tree in now.values():
        if tree.previous_root is not None:
            found.append(_said(tree.name, "root before", tree.previous_root, "none"))
    return found


def _said(tree: str, what: str, stated: object, found: object) -> Difference:
    return Difference(tree=tree, what=what, stated=str(stated), found=str(found))


def recomputation(epoch: Epoch, made: dict[str, Made], *, software: str) -> Recomputation:
    """What may be signed; ValueError unless every tree was built again and is equal."""
    if set(made) != {tree.name for tree in epoch.trees}:
        raise ValueError("every tree of the statement is built again, and no other")
    for tree in epoch.trees:
        if differences(tree, made[tree.name]):
            raise ValueError(f"{tree.name} is not as stated: nothing to sign")
    return Recomputation(
        epoch=epoch.epoch,
        format="khazana.solvency-recomputation/1",
        software=software,
        statement=epoch.digest,
        test=epoch.test,
        trees=tuple(
            RecomputedTree(
                extract_sha256=made[tree.name].survey.sha256,
                name=tree.name,
                root=tree.root,
                rows=made[tree.name].survey.rows,
                sum=tree.sum,
            )
            for tree in epoch.trees
        ),
    )


def countersigned(found: Recomputation, private: Ed25519PrivateKey) -> Envelope:
    """The regulator's signature over what it built again."""
    return sign(PAYLOAD_TYPE, canonical_bytes(msgspec.to_builtins(found)), private)
