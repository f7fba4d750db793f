"""What a time stamp proves against headers, and that no test network passes for mainnet."""

import hashlib
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.block import Header
from khazana.bitcoin.chain import BlockRef, HeightBeyondTip
from khazana.bitcoin.network import MAINNET, REGTEST, SIGNET
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.statement.timestamps.format import (
    BitcoinBlock,
    Kind,
    Op,
    Proof,
    TestBlock,
    Unknown,
    read_proof,
    write_proof,
)
from khazana.statement.timestamps.judge import judge_proof
from khazana.statement.timestamps.make import (
    DigestNotCarried,
    batched,
    block_attestation,
    in_block,
    promised,
    stamp_of,
)
from khazana.units import Height, Sats, Txid
from tests.statement.timestamps.published import HEADER, HEIGHT, PROOF

DIGEST = hashlib.sha256(b"a document").digest()


class OneHeader:
    """Mainnet, of which a reader holds one header."""

    network = MAINNET

    def block_at(self, height):
        if height != HEIGHT:
            raise HeightBeyondTip(height=height, tip=self.ref(), source="one header")
        return self.ref()

    def ref(self):
        return BlockRef(Height(HEIGHT), Header.parse(HEADER).hash)

    def headers(self, first, last):
        return [Header.parse(HEADER)]


def carrying(digest: bytes, serial: int = 0) -> Transaction:
    spent = TxIn(OutPoint(Txid("11" * 32), serial), b"", 0xFFFFFFFF, (b"witness",))
    return Transaction(2, (spent,), (TxOut(Sats(0), b"\x6a\x20" + digest),), 0)


def stamped(digest: bytes = DIGEST, *, steps=(), others: int = 5):
    """A chain whose block 1 carries what the steps make of a digest, and the proof of it."""
    commitment = digest
    for step in steps:
        commitment = step.of(commitment)
    chain = SimulatedChain()
    own = carrying(commitment)
    several = [carrying(hashlib.sha256(bytes([n])).digest(), n + 1) for n in range(others)]
    block = chain.add_block([*several[:3], own, *several[3:]])
    chain.add_blocks(2)
    proof = in_block(digest, chain.transaction(own.txid, block), REGTEST, steps=steps)
    return chain, proof


def test_the_published_proof_holds_against_the_real_header_and_gives_its_date():
    judged = judge_proof(read_proof(PROOF), OneHeader())
    (one,) = judged.confirmed
    assert one.at == datetime(2015, 5, 28, 15, 41, 18, tzinfo=UTC)
    assert (judged.pending, judged.problems, judged.foreign) == ((), (), ())


def test_a_made_proof_holds_on_its_own_network_and_on_no_other():
    chain, proof = stamped()
    raw = write_proof(proof)
    judged = judge_proof(read_proof(raw), chain)
    assert [c.height for c in judged.confirmed] == [1]
    assert judged.confirmed[0].time == chain.blocks[1].header.time
    foreign = judge_proof(proof, OneHeader())
    assert foreign.confirmed == ()
    assert foreign.foreign == (f"block 1 of the network that began with {REGTEST.genesis}",)


def test_a_proof_of_a_test_network_never_bears_mainnets_tag():
    for network in (REGTEST, SIGNET):
        assert block_attestation(network, 5) == TestBlock(network.genesis, 5)
    assert block_attestation(MAINNET, 5) == BitcoinBlock(5)
    _, proof = stamped()
    assert b"\x05\x88\x96\x0d\x73\xd7\x19\x01" not in write_proof(proof)


def test_a_mainnet_attestation_does_not_count_on_a_test_network():
    chain, proof = stamped()
    ((message, _),) = proof.stamp.attested()
    forged = Proof(stamp_of(message, (), BitcoinBlock(1)))
    judged = judge_proof(forged, chain)
    assert judged.confirmed == ()
    assert judged.foreign == (f"block 1 of the network that began with {MAINNET.genesis}",)


@pytest.mark.parametrize(
    ("height", "said"),
    [(2, "does not lead to the Merkle root of block 2"), (99, "names block 99, which the chain")],
)
def test_an_attestation_of_another_block_is_a_problem(height, said):
    chain, proof = stamped()
    ((message, _),) = proof.stamp.attested()
    wrong = Proof(stamp_of(message, (), TestBlock(REGTEST.genesis, height)))
    (problem,) = judge_proof(wrong, chain).problems
    assert said in problem


def test_an_unknown_attestation_is_kept_and_never_counts():
    proof = Proof(stamp_of(DIGEST, (), Unknown(bytes(8), b"whatever")))
    judged = judge_proof(read_proof(write_proof(proof)), SimulatedChain())
    assert judged.confirmed == ()
    assert judged.foreign == ("an attestation of kind 0000000000000000, which is not known here",)


def test_a_promise_is_pending():
    judged = judge_proof(promised(DIGEST, "https://calendar.example"), SimulatedChain())
    assert judged.pending == ("https://calendar.example",)
    assert judged.confirmed == ()


def test_a_transaction_without_the_digest_or_with_it_twice_carries_nothing():
    chain = SimulatedChain()
    twice = Transaction(
        2,
        carrying(DIGEST).inputs,
        (TxOut(Sats(0), b"\x6a\x20" + DIGEST), TxOut(Sats(0), b"\x6a\x20" + DIGEST)),
        0,
    )
    block = chain.add_block([carrying(DIGEST[::-1]), twice])
    for position in (1, 2):
        txid = chain.blocks[1].transactions[position].txid
        with pytest.raises(DigestNotCarried):
            in_block(DIGEST, chain.transaction(txid, block), REGTEST)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20))
def test_many_digests_share_one_commitment_and_each_has_its_way_there(digests):
    commitment, ways = batched(digests)
    assert len(ways) == len(digests)
    for digest, steps in zip(digests, ways, strict=True):
        message = digest
        for step in steps:
            message = step.of(message)
        assert message == commitment


def test_each_of_many_documents_has_a_proof_of_its_own_in_one_transaction():
    digests = [hashlib.sha256(bytes([n])).digest() for n in range(31)]
    commitment, ways = batched(digests)
    for number in (0, 15, 30):
        chain, proof = stamped(digests[number], steps=ways[number])
        assert proof.digest == digests[number]
        assert [c.height for c in judge_proof(proof, chain).confirmed] == [1]
    assert all(one != two for one, two in pairwise(ways))
    assert len(commitment) == 32


def test_nothing_is_stamped_of_nothing():
    with pytest.raises(ValueError, match="nothing is to be stamped"):
        batched([])


def test_operations_of_the_format_do_what_they_say():
    assert Op(Kind.REVERSE).of(b"ab") == b"ba"
    assert Op(Kind.HEXLIFY).of(b"\x0a") == b"0a"
    # RIPEMD-160 of the empty message, from its authors' page.
    assert Op(Kind.RIPEMD160).of(b"").hex() == "9c1185a5c5e9fc54612808977ee8f548b2258d31"
