"""The corpus's attacks made against three published rules, and the table that comes out of it."""

from collections.abc import Callable
from typing import NamedTuple

from tests.supervision.solvency.peer_rules import (
    BitmexNode,
    OkxNode,
    bitmex_accepts,
    bitmex_leaf,
    bitmex_levels,
    bitmex_parent,
    okx_accepts,
    okx_leaf,
    okx_parent,
    plain_accepts,
    plain_leaf,
    plain_parent,
)

ALICE, BOB = b"\x0a" * 32, b"\x0b" * 32
BLOCK = 840_000


def okx_unbound() -> bool:
    """Alice has 10 and Bob 100; the root says 100, and each of them is shown a fitting sibling."""
    alice, bob = okx_leaf("a", 10, 0), okx_leaf("b", 100, 0)
    root = okx_parent(OkxNode(alice.hash, 0, 0), OkxNode(bob.hash, 100, 0), 0)
    for_alice = okx_accepts(alice, [(OkxNode(bob.hash, 90, 0), "right")], root)
    return for_alice and okx_accepts(bob, [(OkxNode(alice.hash, 0, 0), "left")], root)


def bitmex_unbound() -> bool:
    alice = bitmex_leaf(ALICE, BLOCK, 1, 10, 0)
    bob = bitmex_leaf(BOB, BLOCK, 2, 100, 1)
    root = bitmex_parent(alice._replace(value=0), bob)
    for_alice = [[alice, bob._replace(value=90)], [root]]
    for_bob = [[alice._replace(value=0), bob], [root]]
    return bitmex_accepts(for_alice, BLOCK, ALICE, 1, 10) and bitmex_accepts(
        for_bob, BLOCK, BOB, 2, 100
    )


def okx_negative() -> bool:
    alice, nobody = okx_leaf("a", 10, 0), okx_leaf("x", -105, 0)
    root = okx_parent(alice, nobody, 0)
    return root.btc == -95 and okx_accepts(alice, [(nobody, "right")], root)


def bitmex_with(value: int, stated: int) -> bool:
    """A neighbour of this value, in a tree whose stated total is another."""
    alice = bitmex_leaf(ALICE, BLOCK, 1, 10, 0)
    levels = [[alice, BitmexNode(b"\x11" * 32, value)], [BitmexNode(b"\x22" * 32, stated)]]
    return bitmex_accepts(levels, BLOCK, ALICE, 1, 10)


def plain_with(balance: str) -> bool:
    """Any neighbour: its balance is nowhere added to anything."""
    other = plain_leaf(f"bob,BTC:{balance},ETH:0")
    root = plain_parent(plain_leaf("alice,BTC:10,ETH:0"), other)
    return plain_accepts("alice,BTC:10,ETH:0", [(other, "right")], root)


def okx_wraps() -> bool:
    alice, other = okx_leaf("a", 10, 0), okx_leaf("b", 2**64 - 5, 0)
    root = okx_parent(alice, other, 0)._replace(btc=5)
    return okx_accepts(alice, [(other, "right")], root)


def okx_decimals() -> bool:
    """Totals of 1 BTC and 23 ETH are the same text as 12 BTC and 3 ETH."""
    alice, bob = okx_leaf("a", 1, 3), okx_leaf("b", 0, 20)
    root = okx_parent(alice, bob, 0)
    other = okx_parent(alice, OkxNode(bob.hash, 11, 0), 0)
    return (root.btc, root.eth, other.btc, other.eth) == (1, 23, 12, 3) and root.hash == other.hash


def bitmex_decimals() -> bool:
    alice = bitmex_leaf(ALICE, BLOCK, 1, 1, 0)
    bob = bitmex_leaf(BOB, BLOCK, 2, 23, 1)
    return (
        bitmex_parent(alice, bob).hash
        == bitmex_parent(alice._replace(value=12), bob._replace(value=3)).hash
    )


def plain_decimals() -> bool:
    return plain_leaf("alice,BTC:1,ETH:23") == plain_leaf("alice,BTC:12,ETH:3")


def okx_truncated() -> bool:
    alice, bob = okx_leaf("a", 10, 0), okx_leaf("b", 5, 0)
    root = okx_parent(alice, bob, 0)
    cut = bob._replace(hash=bob.hash[:8] + bytes(24))
    return okx_accepts(alice, [(cut, "right")], root)


def bitmex_truncated() -> bool:
    leaves = [bitmex_leaf(ALICE, BLOCK, 1, 10, 0), bitmex_leaf(BOB, BLOCK, 2, 5, 1)]
    levels = bitmex_levels(leaves)
    levels[0] = [leaves[0], leaves[1]._replace(hash=leaves[1].hash[:8] + bytes(24))]
    return bitmex_accepts(levels, BLOCK, ALICE, 1, 10)


def plain_truncated() -> bool:
    """A leaf of which only eight bytes ever counted: 2^32 tries give two customers one leaf."""
    return len(plain_leaf("alice,BTC:10,ETH:0")) == 8 and plain_with("5")


def okx_shared() -> bool:
    """Two customers of the same balance are told the same nonce."""
    shared, other = okx_leaf("n", 10, 0), okx_leaf("x", 1, 0)
    root = okx_parent(shared, other, 0)
    told = [okx_leaf("n", 10, 0) for customer in ("alice", "bob")]
    return all(okx_accepts(leaf, [(other, "right")], root) for leaf in told)


def bitmex_shared() -> bool:
    """Both are told the same nonce; the account's number is in the key."""
    levels = bitmex_levels([bitmex_leaf(ALICE, BLOCK, 1, 10, 0), BitmexNode(b"\x11" * 32, 1)])
    return all(bitmex_accepts(levels, BLOCK, ALICE, account, 10) for account in (1, 2))


def plain_shared() -> bool:
    other = plain_leaf("x,BTC:1,ETH:0")
    root = plain_parent(plain_leaf("alice,BTC:10,ETH:0"), other)
    told = ("alice,BTC:10,ETH:0", "bob,BTC:10,ETH:0")
    return all(plain_accepts(text, [(other, "right")], root) for text in told)


def bitmex_twice() -> bool:
    """One leaf stands at two indices, and one of its values is not in the total."""
    leaf = bitmex_leaf(ALICE, BLOCK, 1, 5, 0)
    return bitmex_accepts(bitmex_levels([leaf, leaf]), BLOCK, ALICE, 1, 10)


def okx_total() -> bool:
    alice, bob = okx_leaf("a", 10, 0), okx_leaf("b", 100, 0)
    stated = okx_parent(alice, bob, 0)._replace(btc=10)
    return okx_accepts(alice, [(bob, "right")], stated)


def okx_other_epoch() -> bool:
    """Last year's leaf, neighbour and root: no date stands in any of them."""
    alice, bob = okx_leaf("a", 10, 0), okx_leaf("b", 100, 0)
    return okx_accepts(alice, [(bob, "right")], okx_parent(alice, bob, 0))


def bitmex_other_epoch() -> bool:
    levels = bitmex_levels([bitmex_leaf(ALICE, BLOCK, 1, 10, 0), BitmexNode(b"\x11" * 32, 1)])
    return bitmex_accepts(levels, BLOCK + 1, ALICE, 1, 10)


def okx_padding() -> bool:
    """What stands beside the last node holds a sum below zero, and hides Bob's balance."""
    alice, bob = okx_leaf("a", 10, 0), okx_leaf("b", 100, 0)
    above, pad = okx_parent(alice, bob, 0), OkxNode(b"\x11" * 32, -100, 0)
    return okx_accepts(alice, [(bob, "right"), (pad, "right")], okx_parent(above, pad, 1))


def no_root_is_signed(accepts: Callable[[], bool]) -> bool:
    """Any root that comes with the proof is believed: two customers get two."""
    return accepts()


class Attack(NamedTuple):
    """cases: of the corpus. Each rule: whether it accepts, or None where it has no such thing."""

    name: str
    cases: tuple[str, ...]
    okx: bool | None
    bitmex: bool | None
    plain: bool | None


def attacks() -> tuple[Attack, ...]:
    return (
        Attack(
            "sums not bound to the children",
            ("unbound sums", "unbound sums, another total for each customer"),
            okx_unbound(),
            bitmex_unbound(),
            plain_with("0"),
        ),
        Attack(
            "negative neighbour",
            ("negative node beside the way", "negative amount"),
            okx_negative(),
            bitmex_with(-105, -95),
            plain_with("-105"),
        ),
        Attack(
            "sums that wrap around",
            ("sums that pass what can exist", "sums that wrap around 64 bits"),
            okx_wraps(),
            bitmex_with(2**64 - 5, 5),
            plain_with(str(2**64 - 5)),
        ),
        Attack(
            "sums as decimal text",
            ("sums as decimal text",),
            okx_decimals(),
            bitmex_decimals(),
            plain_decimals(),
        ),
        Attack(
            "truncated hashes",
            ("hashes truncated to eight bytes",),
            okx_truncated(),
            bitmex_truncated(),
            plain_truncated(),
        ),
        Attack(
            "one leaf counted twice",
            ("the same leaf twice on a slip", "last node duplicated"),
            None,
            bitmex_twice(),
            None,
        ),
        Attack(
            "one leaf for two customers",
            ("one leaf for two customers",),
            okx_shared(),
            bitmex_shared(),
            plain_shared(),
        ),
        Attack(
            "padding with a sum",
            ("padding with a sum", "padding of another hash"),
            okx_padding(),
            None,
            None,
        ),
        Attack(
            "the total is not the root's sum",
            ("the total is not the root's sum", "the total is not the root's sum, up to the root"),
            okx_total(),
            bitmex_with(1, 10),
            plain_with("1"),
        ),
        Attack(
            "a proof of another epoch",
            ("a proof of another epoch", "a proof of another epoch, relabelled"),
            okx_other_epoch(),
            bitmex_other_epoch(),
            plain_with("1"),
        ),
        Attack(
            "a stale root",
            ("a stale statement",),
            no_root_is_signed(okx_other_epoch),
            no_root_is_signed(lambda: honest_bitmex(BLOCK - 1)),
            no_root_is_signed(lambda: plain_with("1")),
        ),
        Attack(
            "different roots for different people",
            ("another root for this customer", "another statement for this customer"),
            no_root_is_signed(okx_other_epoch),
            no_root_is_signed(lambda: honest_bitmex(BLOCK)),
            no_root_is_signed(lambda: plain_with("2")),
        ),
        Attack(
            "reserves of another block",
            ("reserves at another block",),
            None,
            None,
            None,
        ),
        Attack(
            "bitcoin counted in another unit",
            ("bitcoin with another scale", "bitcoin with another bound"),
            None,
            None,
            None,
        ),
    )


def honest_bitmex(block: int) -> bool:
    levels = bitmex_levels([bitmex_leaf(ALICE, block, 1, 10, 0), BitmexNode(b"\x11" * 32, 1)])
    return bitmex_accepts(levels, block, ALICE, 1, 10)


def table(reasons: dict[str, str]) -> str:
    """The table of docs/spec/solvency.md. reasons: of the corpus's cases."""
    words = {True: "**accepts**", False: "rejects", None: "does not look"}
    lines = [
        "| attack | Khazana rejects it as | OKX's first rule | BitMEX's rule | plain tree |",
        "| --- | --- | --- | --- | --- |",
    ]
    for each in attacks():
        ours = ", ".join(dict.fromkeys(f"`{reasons[case]}`" for case in each.cases))
        theirs = " | ".join(words[verdict] for verdict in (each.okx, each.bitmex, each.plain))
        lines.append(f"| {each.name} | {ours} | {theirs} |")
    return "\n".join(lines) + "\n"
