"""The Merkle tree of RFC 6962: one root over many leaves, and short proofs about it.

A leaf is hashed as SHA-256(0x00 ‖ data) and a node as SHA-256(0x01 ‖ left ‖ right), so that no
node can be passed off as a leaf. A tree of n leaves splits at the largest power of two below n.
Source: RFC 6962 section 2.1; the verifying walks follow RFC 9162 sections 2.1.3.2 and 2.1.4.2.
"""

import hashlib
from collections.abc import Sequence

_LEAF = b"\x00"
_NODE = b"\x01"

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves: the hash of nothing."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf's data: SHA-256(0x00 ‖ data)."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(_NODE + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over hashes of leaves, in order.

    Pairing neighbours level by level, an odd one rising unchanged, gives the tree of the RFC: the
    left subtree of a split is always complete.
    """
    level = list(leaf_hashes)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The sibling hashes from leaf `index` up to the root (RFC 6962 section 2.1.1)."""
    if not 0 <= index < len(leaf_hashes):
        raise ValueError(f"leaf {index} is not in a tree of {len(leaf_hashes)} leaves")
    path: list[bytes] = []
    level = list(leaf_hashes)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level, index = paired, index // 2
    return tuple(path)


def includes(*, root: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the leaf hash `leaf` stands at `index` of the tree of `size`.

    Walks as RFC 9162 section 2.1.3.2: `node` and `last` are the positions of our node and of the
    level's last node.
    """
    if not 0 <= index < size:
        return False
    node, last, hashed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node % 2 or node == last:
            hashed = node_hash(sibling, hashed)
            while not node % 2 and node:
                node, last = node >> 1, last >> 1
        else:
            hashed = node_hash(hashed, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and hashed == root


def consistency_proof(leaf_hashes: Sequence[bytes], older_size: int) -> tuple[bytes, ...]:
    """What shows that the first `older_size` leaves were only appended to (RFC 6962, 2.1.2)."""
    if not 0 < older_size <= len(leaf_hashes):
        raise ValueError(
            f"a tree of {older_size} leaves is no earlier state of one of {len(leaf_hashes)}"
        )
    return tuple(_subproof(leaf_hashes, older_size, is_whole=True))


def _subproof(hashes: Sequence[bytes], older: int, *, is_whole: bool) -> list[bytes]:
    if older == len(hashes):
        return [] if is_whole else [root_of(hashes)]
    split = _split(len(hashes))
    if older <= split:
        inner = _subproof(hashes[:split], older, is_whole=is_whole)
        return [*inner, root_of(hashes[split:])]
    inner = _subproof(hashes[split:], older - split, is_whole=False)
    return [*inner, root_of(hashes[:split])]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def is_consistent(
    *,
    older_root: bytes,
    older_size: int,
    newer_root: bytes,
    newer_size: int,
    proof: Sequence[bytes],
) -> bool:
    """Whether `proof` shows that the newer tree begins with the leaves of the older one.

    Walks as RFC 9162 section 2.1.4.2. Every tree begins with the empty tree, which needs no proof.
    """
    if older_size == 0:
        return older_root == EMPTY_ROOT and not proof
    if older_size > newer_size or older_size < 0:
        return False
    if older_size == newer_size:
        return not proof and older_root == newer_root
    # A complete older tree is itself a node of the newer one, so the proof leaves it out.
    path = list(proof)
    if older_size & (older_size - 1) == 0:
        path.insert(0, older_root)
    if not path:
        return False
    node, last = older_size - 1, newer_size - 1
    while node % 2:
        node, last = node >> 1, last >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node % 2 or node == last:
            older = node_hash(sibling, older)
            newer = node_hash(sibling, newer)
            while not node % 2 and node:
                node, last = node >> 1, last >> 1
        else:
            newer = node_hash(newer, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and older == older_root and newer == newer_root
