"""The Merkle tree against known roots, an independent implementation and properties."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.statement.tree import (
    EMPTY_ROOT,
    consistency_proof,
    includes,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    node_hash,
    root_of,
)

# The leaves and roots with which implementations of Certificate Transparency test themselves
# (github.com/google/certificate-transparency, merkletree tests; facts).
KNOWN_LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def hashes(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


@pytest.mark.parametrize("size", range(1, 9))
def test_known_roots_are_found(size):
    leaves = [leaf_hash(bytes.fromhex(text)) for text in KNOWN_LEAVES[:size]]
    assert root_of(leaves).hex() == KNOWN_ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing_as_its_root():
    assert root_of([]) == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_a_node_cannot_pass_as_a_leaf():
    left, right = hashes(2)
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 33, 100])
def test_roots_and_proofs_equal_those_of_an_independent_implementation(size):
    pymerkle = pytest.importorskip("pymerkle")
    oracle = pymerkle.InmemoryTree(algorithm="sha256")
    for number in range(size):
        oracle.append_entry(b"%d" % number)
    leaves = hashes(size)
    assert root_of(leaves) == oracle.get_root()
    for index in range(size):
        # The oracle counts leaves from 1 and begins the path with the leaf itself.
        path = oracle.prove_inclusion(index + 1, size).serialize()["path"]
        assert [leaves[index].hex(), *(h.hex() for h in inclusion_proof(leaves, index))] == path


@pytest.mark.parametrize("size", range(1, 20))
def test_every_leaf_is_shown_to_be_included_and_only_at_its_place(size):
    leaves = hashes(size)
    root = root_of(leaves)
    for index in range(size):
        proof = inclusion_proof(leaves, index)
        for place in range(size):
            for number in range(size):
                shown = includes(
                    root=root, size=size, index=place, leaf=leaves[number], proof=proof
                )
                assert shown == (place == index == number)


@pytest.mark.parametrize("newer", range(1, 20))
def test_every_earlier_state_is_consistent(newer):
    leaves = hashes(newer)
    for older in range(1, newer + 1):
        proof = consistency_proof(leaves, older)
        assert is_consistent(
            older_root=root_of(leaves[:older]),
            older_size=older,
            newer_root=root_of(leaves),
            newer_size=newer,
            proof=proof,
        )


@given(st.integers(2, 60), st.data())
def test_a_rewritten_past_is_not_consistent(newer, data):
    older = data.draw(st.integers(1, newer))
    changed = data.draw(st.integers(0, older - 1))
    before = hashes(older)
    after = hashes(newer)
    after[changed] = leaf_hash(b"another")
    assert not is_consistent(
        older_root=root_of(before),
        older_size=older,
        newer_root=root_of(after),
        newer_size=newer,
        proof=consistency_proof(after, older),
    )


@given(st.integers(1, 60), st.data())
def test_a_proof_with_one_bit_changed_shows_nothing(size, data):
    leaves = hashes(size)
    index = data.draw(st.integers(0, size - 1))
    proof = list(inclusion_proof(leaves, index))
    root, leaf = root_of(leaves), leaves[index]
    assert includes(root=root, size=size, index=index, leaf=leaf, proof=proof)
    assert not includes(root=root, size=size, index=index, leaf=leaf, proof=[*proof, leaf])
    if proof:
        assert not includes(root=root, size=size, index=index, leaf=leaf, proof=proof[:-1])
        at = data.draw(st.integers(0, len(proof) - 1))
        proof[at] = bytes([proof[at][0] ^ 1]) + proof[at][1:]
        assert not includes(root=root, size=size, index=index, leaf=leaf, proof=proof)


@given(st.integers(1, 60), st.data())
def test_a_consistency_proof_that_was_touched_shows_nothing(newer, data):
    older = data.draw(st.integers(1, newer))
    leaves = hashes(newer)
    proof = list(consistency_proof(leaves, older))
    old_root, root = root_of(leaves[:older]), root_of(leaves)
    states = {
        "older_root": old_root,
        "older_size": older,
        "newer_root": root,
        "newer_size": newer,
    }
    assert not is_consistent(**states, proof=[*proof, root])
    if proof:
        assert not is_consistent(**states, proof=proof[:-1])
        proof[0] = bytes([proof[0][0] ^ 1]) + proof[0][1:]
        assert not is_consistent(**states, proof=proof)


def test_a_small_tree_cannot_pass_as_a_larger_one():
    leaves = hashes(5)
    states = {
        "older_root": root_of(leaves[:4]),
        "older_size": 4,
        "newer_root": root_of(leaves),
        "proof": consistency_proof(leaves, 4),
    }
    assert is_consistent(**states, newer_size=5)
    assert not is_consistent(**states, newer_size=9)


def test_the_empty_log_is_consistent_with_every_later_one_but_proves_nothing_else():
    root = root_of(hashes(3))
    states = {"older_size": 0, "newer_root": root, "newer_size": 3}
    assert is_consistent(**states, older_root=EMPTY_ROOT, proof=[])
    assert not is_consistent(**states, older_root=root, proof=[])
    assert not is_consistent(**states, older_root=EMPTY_ROOT, proof=[root])


def test_a_newer_log_is_not_an_earlier_state():
    leaves = hashes(5)
    assert not is_consistent(
        older_root=root_of(leaves),
        older_size=5,
        newer_root=root_of(leaves[:3]),
        newer_size=3,
        proof=consistency_proof(leaves, 3),
    )


def test_proofs_about_leaves_that_do_not_exist_are_our_own_mistake():
    with pytest.raises(ValueError, match="leaf 3 is not in a tree of 3"):
        inclusion_proof(hashes(3), 3)
    with pytest.raises(ValueError, match="no earlier state"):
        consistency_proof(hashes(3), 4)
    assert not includes(root=EMPTY_ROOT, size=0, index=0, leaf=EMPTY_ROOT, proof=[])
