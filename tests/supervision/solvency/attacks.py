"""Dishonest providers, each as what a customer is handed; written to tests/vectors as JSON.

python -m tests.supervision.solvency.attacks
"""

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from khazana.ledger.canonical import canonical_bytes
from khazana.supervision.solvency.encoding import Node
from khazana.supervision.solvency.epoch import Block, Epoch, epoch_bytes
from khazana.supervision.solvency.slip import Slip
from khazana.supervision.solvency.tree import Tree, build
from tests.supervision.solvency.trees import customers, level_bytes, plan_for, slip_for, statement

FILE = Path(__file__).resolve().parents[2] / "vectors" / "solvency-attacks.json"
HELD = customers(1_000_000, 250, 0, 73_000_000_000, 5)
TREE = build(HELD, plan_for())  # ten leaves: levels of 10, 5, 3, 2 and 1 nodes, two with a pad
EPOCH = statement(TREE)
DEPTH = len(TREE.levels) - 1


def case(
    name: str,
    reason: str | None,
    *,
    epoch: Epoch | bytes = EPOCH,
    level: bytes | None = None,
    slip: Slip | bytes | None = None,
    words: str = "words 0",
    **known: Any,
) -> dict[str, Any]:
    made = slip_for(TREE, HELD, 0) if slip is None else slip
    raw = epoch if isinstance(epoch, bytes) else epoch_bytes(epoch)
    return {
        "name": name,
        "reason": reason,
        "statement": raw.decode(),
        "level": level_for(made, level).hex(),
        "slip": (made if isinstance(made, bytes) else made.to_bytes()).hex(),
        "words": words,
        **known,
    }


def level_for(slip: Slip | bytes, level: bytes | None) -> bytes:
    """A slip that leads to the root is checked without the published level."""
    if level is not None:
        return level
    return b"" if isinstance(slip, Slip) and slip.height == DEPTH else level_bytes(TREE)


def rooted(levels: tuple[tuple[Node, ...], ...], **changes: Any) -> tuple[Tree, Epoch]:
    tree = Tree(TREE.plan, levels)
    return tree, changed(statement(tree), **changes)


def changed(epoch: Epoch, **changes: Any) -> Epoch:
    """The statement with other words in its tree; the provider signs whatever it likes."""
    return msgspec.structs.replace(
        epoch, trees=(msgspec.structs.replace(epoch.trees[0], **changes),)
    )


def beside_changed(slip: Slip, level: int, node: Node) -> Slip:
    leaf = slip.leaves[0]
    beside = (*leaf.beside[:level], node, *leaf.beside[level + 1 :])
    return replace(slip, leaves=(replace(leaf, beside=beside), *slip.leaves[1:]))


def other_rule(rule: str) -> tuple[Tree, Epoch]:
    """A whole tree hashed by a rule that has been broken elsewhere, in statement and slip."""

    def above(left: Node, right: Node) -> Node:
        total = left.sum + right.sum
        if rule == "unbound":  # Maxwell's: only the total of both sums is hashed
            raw = b"\x01" + struct.pack(">Q", total) + left.hash + right.hash
        elif rule == "decimals":  # sums as decimal text without delimiter
            raw = b"\x01" + left.hash + right.hash + f"{left.sum}{right.sum}".encode()
        elif rule == "no tag":
            raw = left.to_bytes() + right.to_bytes()
        else:
            raw = b"\x01" + left.to_bytes() + right.to_bytes()
        hashed = hashlib.sha256(raw).digest()
        return Node(hashed[:8] + bytes(24) if rule == "truncated" else hashed, total)

    levels = [TREE.levels[0]]
    honest = Tree(TREE.plan, TREE.levels)
    for at in range(DEPTH):
        below = list(levels[-1])
        if len(below) % 2:
            below.append(honest._node(at, len(below)))
        levels.append(tuple(above(below[i], below[i + 1]) for i in range(0, len(below), 2)))
    return rooted(tuple(levels))


def padded_with(total: int) -> tuple[Tree, Epoch]:
    """Something owed is hidden, negative or not, where padding should stand."""
    from khazana.supervision.solvency.encoding import parent_of

    pad = Node(b"\x11" * 32, total)
    levels = [TREE.levels[0]]
    honest = Tree(TREE.plan, TREE.levels)
    for at in range(DEPTH):
        below = list(levels[-1])
        if len(below) % 2:
            below.append(pad if at == 1 else honest._node(at, len(below)))
        levels.append(
            tuple(parent_of(below[i], below[i + 1], most=2**63) for i in range(0, len(below), 2))
        )
    return rooted(tuple(levels))


def duplicated_last() -> tuple[Tree, Epoch]:
    from khazana.supervision.solvency.encoding import parent_of

    levels = [TREE.levels[0]]
    for _ in range(DEPTH):
        below = list(levels[-1])
        if len(below) % 2:
            below.append(below[-1])
        levels.append(
            tuple(parent_of(below[i], below[i + 1], most=2**63) for i in range(0, len(below), 2))
        )
    return rooted(tuple(levels))


def to_root(tree: Tree, customer: int = 0) -> Slip:
    return slip_for(tree, HELD, customer, height=DEPTH)


def last_in_level_one(tree: Tree) -> tuple[Slip, str]:
    """The slip of a customer with a leaf under the last node of level 1, beside the pad."""
    for index in range(len(HELD)):
        slip = slip_for(tree, HELD, index, height=DEPTH)
        for leaf in slip.leaves:
            if leaf.position >= 8:
                siblings = leaf.beside[1]
                siblings = tree.levels[1][-1] if siblings.sum == 0 else siblings
                return slip, f"words {index}"
    raise ValueError("somebody stands in the last two leaves")


def cases() -> Iterator[dict[str, Any]]:
    honest = slip_for(TREE, HELD, 0)
    top = to_root(TREE)
    yield case("honest, published level", None, balance=1_000_000)
    yield case("honest, up to the root", None, slip=top, balance=1_000_000)
    yield case("honest, nothing held", None, slip=slip_for(TREE, HELD, 2), words="words 2")

    for rule, name in (
        ("unbound", "unbound sums"),
        ("decimals", "sums as decimal text"),
        ("truncated", "hashes truncated to eight bytes"),
        ("no tag", "nodes without a domain tag"),
    ):
        tree, epoch = other_rule(rule)
        yield case(name, "not_in_tree", epoch=epoch, slip=to_root(tree))

    # With unbound sums, what one neighbour is given more another can be given less.
    tree, epoch = other_rule("unbound")
    slip = to_root(tree)
    near = slip.leaves[0].beside[0]
    moved = beside_changed(slip, 0, Node(near.hash, near.sum + 90))
    yield case(
        "unbound sums, another total for each customer",
        "not_in_tree",
        epoch=epoch,
        slip=moved,
    )
    near = top.leaves[0].beside[0]
    yield case(
        "negative node beside the way",
        "amount_out_of_range",
        slip=beside_changed(top, 0, Node(near.hash, 2**64 - 95)),
    )
    negative = replace(top, leaves=(replace(top.leaves[0], amount=2**64 - 5), top.leaves[1]))
    yield case("negative amount", "amount_out_of_range", slip=negative)
    wraps = beside_changed(top, 0, Node(near.hash, 2_100_000_000_000_000))
    wraps = replace(wraps, leaves=(replace(wraps.leaves[0], amount=1), wraps.leaves[1]))
    yield case("sums that pass what can exist", "sum_out_of_range", slip=wraps)
    # In 64 bits without a check, both sums together would be 0.
    wraps = beside_changed(top, 0, Node(near.hash, 2**64 - top.leaves[0].amount))
    yield case("sums that wrap around 64 bits", "amount_out_of_range", slip=wraps)
    yield case(
        "a root whose sum is negative",
        "amount_out_of_range",
        epoch=changed(EPOCH, sum=2**53 - 1),
    )
    yield case("bitcoin with another scale", "statement_malformed", epoch=changed(EPOCH, scale=0))
    yield case(
        "bitcoin with another bound", "statement_malformed", epoch=changed(EPOCH, most=2**53 - 1)
    )
    yield case(
        "the same leaf twice on a slip",
        "leaf_twice",
        slip=replace(honest, leaves=(honest.leaves[0], honest.leaves[0])),
    )
    yield case(
        "one leaf for two customers", "not_in_tree", slip=honest, words="words of somebody else"
    )
    yield case("a balance that is not the customer's", "balance_differs", balance=1_000_001)
    yield case(
        "one share left out",
        "balance_differs",
        slip=replace(honest, leaves=honest.leaves[:1]),
        balance=1_000_000,
    )
    for total, name in ((0, "padding of another hash"), (1_000, "padding with a sum")):
        tree, epoch = padded_with(total)
        slip, words = last_in_level_one(tree)
        slip = padded_slip(slip, Node(b"\x11" * 32, total))
        yield case(name, "padding_wrong", epoch=epoch, slip=slip, words=words)
    tree, epoch = duplicated_last()
    slip, words = last_in_level_one(tree)
    slip = padded_slip(slip, tree.levels[1][-1])
    yield case(
        "last node duplicated",
        "padding_wrong",
        epoch=epoch,
        slip=slip,
        words=words,
    )

    other = build(customers(1_000_000, 0, 0, 0, 5), plan_for())
    yield case(
        "another root for this customer",
        "other_root",
        slip=slip_for(other, customers(1_000_000, 0, 0, 0, 5), 0),
    )
    yield case(
        "another statement for this customer",
        "other_statement",
        epoch=statement(other),
        level=level_bytes(other),
        slip=slip_for(other, customers(1_000_000, 0, 0, 0, 5), 0),
        pinned=EPOCH.digest,
    )
    yield case("a stale statement", "stale", newest=8)
    older = build(HELD, plan_for(epoch=6))
    yield case("a proof of another epoch", "other_epoch", slip=slip_for(older, HELD, 0))
    yield case(
        "a proof of another epoch, relabelled",
        "not_in_tree",
        slip=replace(slip_for(older, HELD, 0), epoch=7, root=TREE.root.hash),
    )
    yield case("the total is not the root's sum", "total_differs", epoch=changed(EPOCH, sum=5))
    yield case(
        "the total is not the root's sum, up to the root",
        "total_differs",
        epoch=changed(EPOCH, sum=5),
        slip=top,
    )
    document = msgspec.to_builtins(EPOCH)
    document["reserves"] = {
        "block": msgspec.to_builtins(Block(hash="00" * 31 + "08", height=840_001)),
        "root": "ab" * 32,
    }
    yield case("reserves at another block", "blocks_differ", epoch=canonical_bytes(document))
    document["reserves"] = None
    document["solvent"] = True
    yield case("a field nobody knows", "statement_malformed", epoch=canonical_bytes(document))
    yield case(
        "a statement reformatted",
        "statement_malformed",
        epoch=json.dumps(json.loads(epoch_bytes(EPOCH)), indent=1).encode(),
    )
    raw = bytearray(level_bytes(TREE))
    raw[39] ^= 1
    yield case("a published level of other nodes", "level_differs", level=bytes(raw))
    yield case(
        "a published level of other nodes, named in the statement",
        "level_differs",
        level=bytes(raw),
        epoch=changed(EPOCH, level_sha256=hashlib.sha256(raw).hexdigest()),
    )
    yield case("a slip cut short", "slip_malformed", slip=honest.to_bytes()[:-1])
    yield case("a slip with more behind it", "slip_malformed", slip=honest.to_bytes() + b"\0")
    yield case("a slip of a tree that is not there", "no_such_tree", slip=replace(honest, tree=3))
    yield case("a way up of another length", "wrong_height", slip=slip_for(TREE, HELD, 0, height=2))
    far = replace(honest, leaves=(replace(honest.leaves[0], position=10), honest.leaves[1]))
    yield case("a leaf beyond the last", "position_out_of_range", slip=far)
    # A tree one level lower, whose leaves would be our nodes: no leaf hashes to a node.
    shorter = replace(top, leaves=tuple(replace(x, position=x.position >> 1) for x in top.leaves))
    yield case("a node passed off as a leaf", "not_in_tree", slip=shorter)
    yield case("the published level not given", "level_needed", level=b"")


def padded_slip(slip: Slip, pad: Node) -> Slip:
    leaves = []
    for leaf in slip.leaves:
        beside = list(leaf.beside)
        if leaf.position >> 1 == 4:
            beside[1] = pad
        leaves.append(replace(leaf, beside=tuple(beside)))
    return replace(slip, leaves=tuple(leaves))


def document() -> bytes:
    whole = {"format": "khazana.solvency-attacks/1", "cases": list(cases())}
    return (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    FILE.write_bytes(document())
