"""Proofs against RFC 6962 section 2.1 written down once more, word for word, and nothing else."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khazana.statement.log.files import appended, new_log
from khazana.statement.tree import includes, is_consistent, leaf_hash
from tests.statement.log.folder import MemoryFolder
from tests.statement.log.test_files import ORIGIN, PRIVATE, entries

LOG = appended(new_log(MemoryFolder(), PRIVATE, origin=ORIGIN), entries(0, 600), PRIVATE)
D = entries(0, 600)


def sha(data):
    return hashlib.sha256(data).digest()


def k_of(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(d):
    """MTH(D[n]) of section 2.1."""
    if len(d) == 0:
        return sha(b"")
    if len(d) == 1:
        return sha(b"\x00" + d[0])
    k = k_of(len(d))
    return sha(b"\x01" + mth(d[:k]) + mth(d[k:]))


def path(m, d):
    """PATH(m, D[n]) of section 2.1.1."""
    if len(d) == 1:
        return []
    k = k_of(len(d))
    if m < k:
        return [*path(m, d[:k]), mth(d[k:])]
    return [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m, d, b):
    """SUBPROOF(m, D[n], b) of section 2.1.2."""
    if m == len(d):
        return [] if b else [mth(d)]
    k = k_of(len(d))
    if m <= k:
        return [*subproof(m, d[:k], b), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 600), st.data())
def test_roots_and_proofs_are_those_of_the_definition(size, data):
    index, older = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root = mth(D[:size])
    assert LOG.tree.root(size) == root
    included = LOG.tree.inclusion_proof(index, size=size)
    assert list(included) == path(index, D[:size])
    assert includes(root=root, size=size, index=index, leaf=leaf_hash(D[index]), proof=included)
    appended_only = LOG.tree.consistency_proof(older, size=size)
    assert list(appended_only) == subproof(older, D[:size], True)
    claim = {"older_root": mth(D[:older]), "older_size": older, "newer_root": root}
    assert is_consistent(**claim, newer_size=size, proof=appended_only)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 600), st.data())
def test_a_proof_with_one_wrong_bit_shows_nothing(size, data):
    index, older = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    root, old = LOG.tree.root(size), LOG.tree.root(older)
    for proof, holds in (
        (
            LOG.tree.inclusion_proof(index, size=size),
            lambda p: includes(
                root=root, size=size, index=index, leaf=leaf_hash(D[index]), proof=p
            ),
        ),
        (
            LOG.tree.consistency_proof(older, size=size),
            lambda p: is_consistent(
                older_root=old, older_size=older, newer_root=root, newer_size=size, proof=p
            ),
        ),
    ):
        assert holds(proof)
        at = data.draw(st.integers(0, len(proof) - 1))
        bit = data.draw(st.integers(0, 255))
        changed = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
        assert not holds((*proof[:at], changed, *proof[at + 1 :]))
        assert not holds(proof[:-1])
        assert not holds((*proof, bytes(32)))


@pytest.mark.parametrize(("older", "size"), [(1, 2), (3, 7), (256, 600), (512, 600), (599, 600)])
def test_the_verdicts_on_consistency_are_those_of_an_independent_implementation(older, size):
    pymerkle = pytest.importorskip("pymerkle")
    oracle = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in D[:size]:
        oracle.append_entry(entry)
    theirs = oracle.prove_consistency(older, size)
    old, new = LOG.tree.root(older), LOG.tree.root(size)
    pymerkle.verify_consistency(old, new, theirs)  # raises where it does not hold
    with pytest.raises(pymerkle.InvalidProof):
        pymerkle.verify_consistency(bytes(32), new, theirs)
    # Another order of the same tree's nodes, so only the verdicts can be compared.
    claim = {"older_size": older, "newer_root": new, "newer_size": size}
    ours = LOG.tree.consistency_proof(older, size=size)
    assert is_consistent(**claim, older_root=old, proof=ours)
    assert not is_consistent(**claim, older_root=bytes(32), proof=ours)
