"""Blocks, their Merkle trees and their witness commitments, on real blocks and forged ones."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.block import (
    HEADER_SIZE,
    Block,
    Header,
    merkle_branch,
    merkle_branches,
    merkle_proof_holds,
    merkle_root,
    root_of_branch,
    witness_commitment,
)
from khazana.bitcoin.hashes import sha256d
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.units import Sats, Txid
from tests.shared import shared_file

leaf_lists = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40, unique=True)


def real_block() -> Block:
    return Block.parse(shared_file("vectors/block413567.raw").read_bytes())


def core_chain() -> list[Block]:
    record = json.loads(shared_file("vectors/core-rpc/chain.json").read_text())
    return [Block.parse(bytes.fromhex(raw)) for raw in record["blocks"]]


def transaction_with(lock_time: int) -> Transaction:
    spent = TxIn(OutPoint(Txid("22" * 32), 0), b"\x51", 0)
    return Transaction(1, (spent,), (TxOut(Sats(1), b"\x51\x52"),), lock_time)


def test_block_413567_is_written_back_byte_for_byte() -> None:
    raw = shared_file("vectors/block413567.raw").read_bytes()
    block = Block.parse(raw)
    assert block.serialize() == raw
    assert block.hash == "0000000000000000025aff8be8a55df8f89c77296db6198f272d6577325d4069"
    assert len(block.transactions) == 1557
    assert block.merkle_root_holds()
    assert block.witness_commitment_holds()


def test_a_block_cut_short_is_refused() -> None:
    raw = shared_file("vectors/block413567.raw").read_bytes()
    for size in [0, 79, 80, 81, 82, 83, 1000, len(raw) // 2, len(raw) - 1]:
        with pytest.raises(MalformedBytes):
            Block.parse(raw[:size])
    with pytest.raises(MalformedBytes, match="bytes too many"):
        Block.parse(raw + b"\x00")


def test_bip_158s_blocks_are_written_back_and_have_their_hashes() -> None:
    rows = json.loads(shared_file("vectors/blockfilters.json").read_text())[1:]
    assert len(rows) >= 10
    for _, block_hash, raw, *_ in rows:
        block = Block.parse(bytes.fromhex(raw))
        assert block.hash == block_hash
        assert block.serialize().hex() == raw
        assert block.merkle_root_holds()


def test_cores_own_chain_links_and_holds_its_commitments() -> None:
    blocks = core_chain()
    assert len(blocks) > 100
    for before, block in pairwise(blocks):
        assert block.header.previous == before.hash
    assert all(block.merkle_root_holds() for block in blocks)
    assert all(block.witness_commitment_holds() for block in blocks)
    assert any(t.has_witness for block in blocks for t in block.transactions[1:])


def test_cores_block_file_is_read_through_its_xor_key() -> None:
    key = shared_file("vectors/core-blocks/xor.dat").read_bytes()
    masked = shared_file("vectors/core-blocks/blk00000.dat").read_bytes()
    plain = bytes(byte ^ key[place % 8] for place, byte in enumerate(masked))
    offset, known = 0, set()
    while plain[offset : offset + 4] == bytes.fromhex("fabfb5da"):
        size = int.from_bytes(plain[offset + 4 : offset + 8], "little")
        raw = plain[offset + 8 : offset + 8 + size]
        block = Block.parse(raw)
        assert block.serialize() == raw
        known.add(block.hash)
        offset += 8 + size
    assert len(known) == 173
    assert known > {block.hash for block in core_chain()}


def test_a_changed_witness_breaks_the_commitment_and_nothing_else() -> None:
    block = next(b for b in core_chain() if any(t.has_witness for t in b.transactions[1:]))
    place = next(i for i, t in enumerate(block.transactions) if i and t.has_witness)
    spend = block.transactions[place]
    forged = replace(
        spend, inputs=tuple(replace(i, witness=(*i.witness, b"\x01")) for i in spend.inputs)
    )
    transactions = (*block.transactions[:place], forged, *block.transactions[place + 1 :])
    changed = Block(block.header, transactions)
    assert changed.merkle_root_holds()
    assert not changed.witness_commitment_holds()


def test_a_block_with_witnesses_but_no_commitment_does_not_hold() -> None:
    block = next(b for b in core_chain() if any(t.has_witness for t in b.transactions[1:]))
    coinbase = replace(block.transactions[0], outputs=block.transactions[0].outputs[:1])
    assert not Block(block.header, (coinbase, *block.transactions[1:])).witness_commitment_holds()


def test_a_commitment_without_its_reserved_value_does_not_hold() -> None:
    block = core_chain()[-1]
    coinbase = block.transactions[0]
    bare = replace(coinbase, inputs=(replace(coinbase.inputs[0], witness=()),))
    assert not Block(block.header, (bare, *block.transactions[1:])).witness_commitment_holds()


def test_the_last_matching_commitment_counts() -> None:
    block = core_chain()[-1]
    coinbase = block.transactions[0]
    decoy = TxOut(Sats(0), bytes.fromhex("6a24aa21a9ed") + bytes(32))
    first = replace(coinbase, outputs=(decoy, *coinbase.outputs))
    last = replace(coinbase, outputs=(*coinbase.outputs, decoy))
    assert Block(block.header, (first, *block.transactions[1:])).witness_commitment_holds()
    assert not Block(block.header, (last, *block.transactions[1:])).witness_commitment_holds()


def test_the_witness_root_counts_the_coinbase_as_zero() -> None:
    one, two = transaction_with(1), transaction_with(2)
    expected = sha256d(merkle_root([bytes(32), two.wtxid_le]) + bytes(32))
    assert witness_commitment([one, two], reserved=bytes(32)) == expected


def test_a_missing_or_changed_transaction_breaks_the_merkle_root() -> None:
    block = real_block()
    assert not Block(block.header, block.transactions[:-1]).merkle_root_holds()
    swapped = (block.transactions[1], block.transactions[0], *block.transactions[2:])
    assert not Block(block.header, swapped).merkle_root_holds()
    assert not Block(block.header, ()).merkle_root_holds()


def test_a_repeated_tail_is_refused_although_the_root_agrees() -> None:
    # CVE-2012-2459: three transactions and the same with the last one twice have one root.
    three = tuple(transaction_with(n) for n in range(3))
    root = merkle_root([t.txid_le for t in three])
    header = replace(core_chain()[0].header, merkle_root_le=root)
    doubled = (*three, three[-1])
    assert merkle_root([t.txid_le for t in doubled]) == root
    assert Block(header, three).merkle_root_holds()
    assert not Block(header, doubled).merkle_root_holds()


@given(leaf_lists, st.data())
def test_every_leaf_proves_its_place(leaves: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(leaves) - 1))
    branch = merkle_branch(leaves, place)
    assert root_of_branch(leaves[place], place, branch) == merkle_root(leaves)


@pytest.mark.parametrize("count", range(1, 18))
def test_a_transaction_proves_its_own_place_and_no_other(count: int) -> None:
    block = [transaction_with(n) for n in range(count)]
    leaves = [t.txid_le for t in block]
    root = merkle_root(leaves)
    for place, transaction in enumerate(block):
        branch = merkle_branch(leaves, place)
        proven = [
            claimed
            for claimed in range(4 << len(branch))
            if merkle_proof_holds(transaction, position=claimed, branch_le=branch, root_le=root)
        ]
        assert proven == [place]


def test_a_64_byte_transaction_proves_nothing() -> None:
    # CVE-2017-12842: such a transaction may be two hashes of the tree, read as a transaction.
    spent = TxIn(OutPoint(Txid("22" * 32), 0), b"", 0)
    short = Transaction(1, (spent,), (TxOut(Sats(1), b"\x51" * 4),), 0)
    assert len(short.serialize()) == 64
    proof = {"position": 0, "branch_le": (), "root_le": short.txid_le}
    assert root_of_branch(short.txid_le, 0, ()) == short.txid_le
    assert not merkle_proof_holds(short, **proof)  # type: ignore[arg-type]


def test_places_outside_the_tree_are_refused() -> None:
    leaves = [bytes([n]) * 32 for n in range(3)]
    for place in (-1, 3):
        with pytest.raises(ValueError, match="no leaf"):
            merkle_branch(leaves, place)
    with pytest.raises(ValueError, match="does not fit"):
        root_of_branch(leaves[0], 4, merkle_branch(leaves, 0))
    with pytest.raises(ValueError, match="at least one"):
        merkle_root([])


@given(st.binary(min_size=HEADER_SIZE, max_size=HEADER_SIZE))
def test_headers_are_written_back(raw: bytes) -> None:
    header = Header.parse(raw)
    assert header.serialize() == raw
    assert header.hash_le == sha256d(raw) == replace(header).hash_le


@pytest.mark.parametrize("size", [0, 79, 81])
def test_a_header_has_80_bytes(size: int) -> None:
    with pytest.raises(MalformedBytes, match="80 bytes expected"):
        Header.parse(bytes(size))


@given(leaf_lists, st.data())
def test_branches_of_several_leaves_are_the_branches_of_each(leaves, data):
    positions = data.draw(st.lists(st.integers(0, len(leaves) - 1), max_size=5))
    branches = merkle_branches(leaves, positions)
    assert branches == [merkle_branch(leaves, position) for position in positions]
    for position, branch in zip(positions, branches, strict=True):
        assert root_of_branch(leaves[position], position, branch) == merkle_root(leaves)


def test_no_branch_is_given_for_a_leaf_that_is_not_there():
    for position in (-1, 2):
        with pytest.raises(ValueError, match="no leaf"):
            merkle_branches([bytes(32), bytes(32)], [0, position])
