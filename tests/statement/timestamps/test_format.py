"""Proofs of OpenTimestamps, byte for byte: the published one, made ones, and hostile bytes."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.reader import MalformedBytes
from khazana.statement.timestamps.format import (
    BITCOIN_TAG,
    MAGIC,
    MOST_DEPTH,
    MOST_MESSAGE,
    MOST_STAMP_BYTES,
    PENDING_TAG,
    TEST_TAG,
    BitcoinBlock,
    Kind,
    Op,
    Pending,
    Proof,
    TestBlock,
    Timestamp,
    Unknown,
    number_bytes,
    read_proof,
    write_proof,
)
from tests.statement.timestamps.published import DOCUMENT, MERKLE_ROOT, PROOF, WAITING

HEAD = MAGIC + b"\x01\x08" + bytes(32)


def test_the_published_proof_leads_from_its_document_to_the_root_of_block_358391():
    proof = read_proof(PROOF)
    assert proof.digest == hashlib.sha256(DOCUMENT).digest()
    assert list(proof.stamp.attested()) == [(MERKLE_ROOT, BitcoinBlock(358391))]
    assert write_proof(proof) == PROOF


def test_the_published_proof_that_waits_names_its_calendar():
    proof = read_proof(WAITING)
    ((_, one),) = proof.stamp.attested()
    assert one == Pending("https://alice.btc.calendar.opentimestamps.org")
    assert write_proof(proof) == WAITING


ops = st.one_of(
    st.sampled_from([Op(Kind.SHA256), Op(Kind.RIPEMD160), Op(Kind.REVERSE), Op(Kind.HEXLIFY)]),
    st.builds(Op, st.sampled_from([Kind.APPEND, Kind.PREPEND]), st.binary(min_size=1, max_size=40)),
)
attestations = st.one_of(
    st.builds(BitcoinBlock, st.integers(0, 2**32 - 1)),
    st.builds(TestBlock, st.just(str(REGTEST.genesis)), st.integers(0, 2**32 - 1)),
    st.builds(Pending, st.text("abcXYZ019.-_/:", max_size=60)),
    st.builds(Unknown, st.binary(min_size=8, max_size=8), st.binary(max_size=60)).filter(
        lambda one: one.tag not in (BITCOIN_TAG, PENDING_TAG, TEST_TAG)
    ),
)
trees = st.recursive(
    st.lists(attestations, min_size=1, max_size=2),
    lambda below: st.lists(st.one_of(attestations, st.tuples(ops, below)), min_size=1, max_size=3),
    max_leaves=8,
)


def grown(message: bytes, tree: list) -> Timestamp:
    """The tree over a message, each operation carried out."""
    return Timestamp(
        message,
        tuple(
            (entry[0], grown(entry[0].of(message), entry[1])) if isinstance(entry, tuple) else entry
            for entry in tree
        ),
    )


@given(st.binary(min_size=32, max_size=32), trees)
def test_what_is_written_is_read_back_and_written_again_alike(digest, tree):
    proof = Proof(grown(digest, tree))
    raw = write_proof(proof)
    assert read_proof(raw) == proof
    assert write_proof(read_proof(raw)) == raw


@given(st.binary(max_size=200))
def test_whatever_follows_the_head_is_a_proof_or_refused_with_a_byte(tail):
    try:
        proof = read_proof(HEAD + tail)
    except MalformedBytes as refused:
        proof, offset = None, refused.offset
    else:
        offset = 0
    assert 0 <= offset <= len(HEAD + tail)
    assert proof is None or write_proof(proof) == HEAD + tail


@given(st.integers(0, len(PROOF) - 1), st.integers(1, 255))
def test_a_changed_byte_never_attests_the_same(position, change):
    raw = bytearray(PROOF)
    raw[position] ^= change
    try:
        proof = read_proof(bytes(raw))
    except MalformedBytes:
        return
    digest = hashlib.sha256(DOCUMENT).digest()
    ends = list(proof.stamp.attested())
    assert proof.digest != digest or (MERKLE_ROOT, BitcoinBlock(358391)) not in ends


@given(st.integers(0, len(PROOF) - 1))
def test_a_proof_that_is_cut_off_is_refused(length):
    with pytest.raises(MalformedBytes):
        read_proof(PROOF[:length])


LEAF = b"\x00" + BITCOIN_TAG + b"\x01\x07"


@pytest.mark.parametrize(
    ("raw", "offset", "said"),
    [
        (b"", 0, "31 bytes announced, 0 left"),
        (b"\x01" + HEAD[1:], 0, "does not begin"),
        (MAGIC + b"\x02", 32, "version 2 is not known"),
        (MAGIC + b"\x01\x02", 33, "hashed by 0x02, not by SHA-256"),
        (HEAD + LEAF + b"\x00", len(HEAD + LEAF), "1 bytes too many"),
        (HEAD + b"\x02" + LEAF, len(HEAD) + 1, "operation 0x02 is not known, or not safe"),
        (HEAD + b"\x67" + LEAF, len(HEAD) + 1, "operation 0x67"),
        (HEAD + b"\xf0\x00" + LEAF, len(HEAD) + 2, "joins nothing"),
        (HEAD + b"\xf0\x81\x20" + bytes(4097), len(HEAD) + 3, "4097 bytes announced, at most 4096"),
        (HEAD + b"\xf0\xe1\x1f" + bytes(4065) + LEAF, len(HEAD) + 4068, "a result of 4097 bytes"),
        (HEAD + b"\xff" + LEAF, len(HEAD + LEAF) + 1, "1 bytes announced, 0 left"),
        (HEAD + b"\x00" + BITCOIN_TAG + b"\x02\x87\x00", len(HEAD) + 12, "shortest form"),
        (HEAD + b"\x00" + BITCOIN_TAG + b"\x02\x07\x07", len(HEAD) + 9, "more than it should"),
        (HEAD + b"\x00" + BITCOIN_TAG + b"\x00", len(HEAD) + 10, "1 bytes announced, 0 left"),
        (
            HEAD + b"\x00" + BITCOIN_TAG + b"\x05\xff\xff\xff\xff\x7f",
            len(HEAD) + 15,
            "no block has height",
        ),
        (HEAD + b"\x00" + BITCOIN_TAG + b"\xff" * 10, len(HEAD) + 19, "more than 64 bits"),
        (HEAD + b"\x00" + PENDING_TAG + b"\x02\x01\x1b", len(HEAD) + 12, "other bytes"),
        (HEAD + b"\x00" + PENDING_TAG + b"\xc1\x40" + bytes(9), len(HEAD) + 11, "8257 bytes"),
        (HEAD + b"\x08" * (MOST_DEPTH + 1) + LEAF, len(HEAD) + MOST_DEPTH, "more than 256"),
        (HEAD + bytes(MOST_STAMP_BYTES), MOST_STAMP_BYTES, "too long"),
    ],
)
def test_hostile_bytes_are_refused_with_the_byte_where_they_go_wrong(raw, offset, said):
    with pytest.raises(MalformedBytes) as refused:
        read_proof(raw)
    assert refused.value.offset == offset
    assert said in refused.value.problem


def test_many_branches_are_read_in_no_time_and_to_no_great_depth():
    raw = HEAD + b"\xff\x08" * 100 + LEAF
    with pytest.raises(MalformedBytes):  # every branch lacks its end
        read_proof(raw)
    forked = HEAD + (b"\xff\x08" + LEAF) * 10_000 + LEAF
    assert len(list(read_proof(forked).stamp.attested())) == 10_001


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: Op(Kind.APPEND), "argument of 0 bytes"),
        (lambda: Op(Kind.SHA256, b"x"), "argument of 1 bytes"),
        (lambda: Op(Kind.APPEND, bytes(MOST_MESSAGE + 1)), "too long"),
        (lambda: Pending("https://a b"), "letters, digits"),
        (lambda: number_bytes(-1), "no number"),
        (lambda: number_bytes(1 << 64), "no number"),
        (lambda: write_proof(Proof(Timestamp(b"short", (BitcoinBlock(1),)))), "5 bytes"),
        (lambda: write_proof(Proof(Timestamp(bytes(32), ()))), "proves nothing"),
    ],
)
def test_a_proof_that_cannot_be_is_not_made(build, said):
    with pytest.raises(ValueError, match=said):
        build()
