"""A provider's epoch statement: what is owed in each asset at one block, and the roots of it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from khazana.ledger.canonical import JsonRefused, canonical_bytes, parse_strict
from khazana.statement.wire import Hash256
from khazana.supervision.solvency.encoding import Node
from khazana.supervision.solvency.errors import ProofRejected, Reason
from khazana.supervision.solvency.plan import (
    MOST_AMOUNT,
    Asset,
    Splitting,
    TreeId,
    depth_of,
    published_level,
)

PAYLOAD_TYPE = "application/vnd.khazana.solvency-epoch+json"
_DOMAIN = b"khazana.solvency-epoch/1\0"
MOST_TREES = 256

Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_AMOUNT)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=MOST_AMOUNT)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A block of the chain, by both its names."""

    hash: Hash256
    height: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who owes. licence: the number in the regulator's register."""

    licence: Text
    name: Text


class Reserves(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The statement of the coins held against these balances, and the block it is made at."""

    block: Block
    root: Hash256


class TreeHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tree: `sum` is what all its leaves amount to, in the asset's smallest unit."""

    asset: Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Z0-9]{0,15}$", max_length=16)]
    kind: Literal["liabilities", "debts"]
    leaves: Positive
    level_sha256: Hash256
    most: Positive
    most_per_leaf: Positive
    previous_root: Hash256 | None
    root: Hash256
    scale: Annotated[int, msgspec.Meta(ge=0, le=15)]
    shares: Annotated[int, msgspec.Meta(ge=1, le=1 << 16)]
    sum: Count

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.asset}"

    @property
    def depth(self) -> int:
        return depth_of(self.leaves)

    @property
    def level(self) -> int:
        """Which level is published, counted from the leaves."""
        return published_level(self.leaves)

    @property
    def top(self) -> Node:
        return Node(bytes.fromhex(self.root), self.sum)


class Epoch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole statement. test: a test network, so that the figures are invented."""

    block: Block
    epoch: Count
    format: Literal["khazana.solvency-epoch/1"]
    genesis: Hash256
    previous: Hash256 | None
    provider: Provider
    reserves: Reserves | None
    software: Text
    test: bool
    trees: Annotated[Sequence[TreeHead], msgspec.Meta(min_length=1, max_length=MOST_TREES)]

    def tree_id(self, number: int) -> TreeId:
        head = self.trees[number]
        asset = Asset(name=head.asset, scale=head.scale, most=head.most)
        return TreeId(asset=asset, kind=head.kind, epoch=self.epoch)

    @property
    def digest(self) -> str:
        """What names this statement: SHA-256("khazana.solvency-epoch/1" ‖ 00 ‖ its bytes)."""
        return hashlib.sha256(_DOMAIN + epoch_bytes(self)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltTree:
    """What building one tree gave, as far as the statement speaks of it."""

    tree: TreeId
    splitting: Splitting
    leaves: int
    root: Node
    level_sha256: str


def head_of(built: BuiltTree, *, previous: Epoch | None) -> TreeHead:
    """The lines of the statement about one tree; the root before it, where there was one."""
    asset = built.tree.asset
    before = [] if previous is None else [t for t in previous.trees if t.name == built.tree.name]
    return TreeHead(
        asset=asset.name,
        kind=built.tree.kind,  # type: ignore[arg-type]
        leaves=built.leaves,
        level_sha256=built.level_sha256,
        most=asset.most,
        most_per_leaf=built.splitting.most_per_leaf,
        previous_root=before[0].root if before else None,
        root=built.root.hash.hex(),
        scale=asset.scale,
        shares=built.splitting.shares,
        sum=built.root.sum,
    )


def make_epoch(
    trees: Sequence[BuiltTree],
    *,
    provider: Provider,
    block: Block,
    genesis: str,
    test: bool,
    epoch: int,
    previous: Epoch | None,
    reserves: Reserves | None,
    software: str,
) -> Epoch:
    """The statement of an epoch over its trees, ordered by name."""
    heads = tuple(sorted((head_of(t, previous=previous) for t in trees), key=lambda t: t.name))
    made = Epoch(
        block=block,
        epoch=epoch,
        format="khazana.solvency-epoch/1",
        genesis=genesis,
        previous=previous.digest if previous is not None else None,
        provider=provider,
        reserves=reserves,
        software=software,
        test=test,
        trees=heads,
    )
    return read_epoch(epoch_bytes(made))


def epoch_bytes(epoch: Epoch) -> bytes:
    """The canonical bytes (RFC 8785), which are signed."""
    return canonical_bytes(msgspec.to_builtins(epoch))


def read_epoch(raw: bytes) -> Epoch:
    """The statement in its canonical bytes, or ProofRejected."""
    try:
        document = parse_strict(raw)
        epoch = msgspec.convert(document, Epoch)
    except (JsonRefused, msgspec.ValidationError) as error:
        raise _malformed(str(error)) from error
    if canonical_bytes(document) != raw:
        raise _malformed("it is not in canonical form (RFC 8785)")
    names = [tree.name for tree in epoch.trees]
    if names != sorted(set(names)):
        raise _malformed("its trees are not ordered by name, each once")
    for tree in epoch.trees:
        try:
            Asset(name=tree.asset, scale=tree.scale, most=tree.most)
        except ValueError as error:
            raise _malformed(f"{tree.name}: {error}") from error
        if tree.sum > tree.most:
            raise ProofRejected(
                reason=Reason.AMOUNT_OUT_OF_RANGE,
                problem=f"{tree.name} owes {tree.sum}, and {tree.most} is the most there can be",
            )
        if tree.leaves > 1 << 40:
            raise _malformed(f"{tree.name} claims {tree.leaves} leaves")
    if epoch.reserves is not None and epoch.reserves.block != epoch.block:
        raise ProofRejected(
            reason=Reason.BLOCKS_DIFFER,
            problem=f"balances are of block {epoch.block.height} ({epoch.block.hash}), reserves "
            f"of block {epoch.reserves.block.height} ({epoch.reserves.block.hash}): coins could "
            f"have been lent in between",
        )
    return epoch


def _malformed(problem: str) -> ProofRejected:
    return ProofRejected(reason=Reason.STATEMENT_MALFORMED, problem=problem.rstrip("."))


def part_bodies(epoch: Epoch) -> Mapping[str, Any]:
    """The same statement as bodies of parts by name, for a statement that also shows reserves."""
    whole = msgspec.to_builtins(epoch)
    bodies = {each["kind"] + "/" + each["asset"]: each for each in whole.pop("trees")}
    return {"solvency-epoch": whole, **bodies}
