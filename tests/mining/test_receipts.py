"""Share receipts: what they prove, and every way in which one proves nothing."""

import contextlib
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khazana.bitcoin.block import Block, merkle_branch
from khazana.bitcoin.network import MAINNET
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import TxOut
from khazana.mining.receipts.aggregate import proven_work
from khazana.mining.receipts.make import paying, root_over
from khazana.mining.receipts.receipt import (
    MAGIC,
    Receipt,
    ReceiptsFile,
    read_receipts,
    target_of_difficulty,
    work_of_target,
    write_receipts,
)
from khazana.mining.receipts.terms import ReceiptTerms, Slot, slots_of
from khazana.mining.receipts.verify import ReceiptJudge, Wrong, all_findings, audit_receipts
from khazana.units import Height, Sats
from tests.mining.shares import (
    BRANCH,
    FIRST,
    RESERVE,
    REWARD,
    TARGET,
    THIEF,
    headers,
    shares,
    slots,
    template,
    terms,
)
from tests.shared import shared_file


def filed(receipts, *, site="site-1", target=TARGET, name="r.khr"):
    return read_receipts(name, write_receipts(site, target, receipts))


def audited(receipts, **fields):
    (audit,) = audit_receipts([filed(receipts, **fields)], [terms()])
    return audit


def only(receipts, **fields):
    (finding,) = audited(receipts, **fields).findings
    return finding.rule, finding.text, finding.where


def test_honest_shares_count_and_none_is_doubted():
    audit = audited(shares(20))
    assert audit.findings == ()
    assert len(audit.counted) == audit.receipts == 20
    assert {height for height, _ in audit.counted} == {FIRST + 21}


def test_a_receipt_at_depth_twelve_has_the_stated_size():
    (receipt,) = shares(1)
    framing = 2
    assert len(receipt.serialize()) == 80 + len(receipt.coinbase) + 12 * 32 + framing
    assert len(receipt.serialize()) < 700


def test_a_share_above_the_target_is_named_with_its_place():
    one, two = shares(2)
    worse = two._replace(header=two.header[:76] + (0).to_bytes(4, "little"))
    rule, text, where = only([one, worse])
    assert rule == "E21"
    assert "is above the share target" in text
    begin = len(MAGIC) + 1 + len("site-1") + 32
    assert where == f"r.khr, receipt 2 at byte {begin + len(one.serialize())}"


def test_a_file_under_another_target_than_the_agreed_one_counts_for_nothing():
    audit = audited(shares(3), target=TARGET * 2)
    assert (audit.findings[0].rule, audit.counted) == ("E20", ())
    (audit,) = audit_receipts([filed(shares(3), site="site-9")], [terms()])
    assert audit.findings[0].text == "no terms were agreed for site site-9"


def test_work_on_an_unknown_or_older_block_is_named():
    rule, text, _ = only(shares(1, template(below=bytes(32))))
    assert (rule, text[:9]) == ("E22", "it builds")
    tip = headers()[-1].hash_le
    assert only(shares(1, template(below=tip)))[0] == "E22"


def test_work_under_easier_bits_than_the_chains_could_never_be_a_block():
    slot = template().slot._replace(bits=0x1D00FFFF)
    rule, text, _ = only(shares(1, template(slot=slot)))
    assert rule == "E23"
    assert text.startswith("bits 1d00ffff where block 665301 needs 170da8a1")


@pytest.mark.parametrize("seconds", [0, -1, 10_000_000])
def test_a_time_outside_its_slot_is_named(seconds):
    slot = template().slot
    time = slot.until + 1 if seconds > 0 else slot.after + seconds
    assert only(shares(1, template(time=time)))[0] == "E24"
    assert audited(shares(1, template(time=slot.until))).findings == ()
    assert audited(shares(1, template(time=slot.after + 1))).findings == ()


def test_another_branch_or_coinbase_does_not_lead_to_the_root():
    (receipt,) = shares(1)
    moved = receipt._replace(branch=receipt.branch[::-1])
    assert only([moved])[:2] == (
        "E25",
        "coinbase and branch do not lead to the header's Merkle root",
    )
    assert only([receipt._replace(branch=receipt.branch[:-1])])[0] == "E25"
    thief = receipt._replace(coinbase=receipt.coinbase.replace(RESERVE, THIEF))
    assert thief.coinbase != receipt.coinbase
    assert only([thief])[0] == "E25"


def test_a_branch_that_pairs_a_hash_with_itself_is_refused():
    coinbase = template().coinbase(0).serialize(witness=False)
    node = root_over(coinbase, BRANCH[:3])
    assert only(shares(1, template(branch=(*BRANCH[:3], node))))[1] == (
        "its branch pairs a hash with itself"
    )


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (paying(REWARD, THIEF), "pays 640000000 sat to scripts not of the reserve"),
        (
            (*paying(REWARD, RESERVE), TxOut(Sats(1), THIEF)),
            "pays 1 sat to scripts not of the reserve",
        ),
        (paying(Sats(1), RESERVE), "pays the reserve 1 sat, less than the subsidy 625000000"),
        ((TxOut(REWARD, RESERVE), TxOut(Sats(-5), THIEF)), "pays 5 sat to scripts"),
    ],
)
def test_a_coinbase_that_pays_another_script_is_named(outputs, said):
    rule, text, _ = only(shares(1, template(outputs=outputs)))
    assert rule == "E26"
    assert said in text


def test_the_work_of_another_site_is_not_this_ones():
    rule, text, _ = only(shares(1, template("site-2")))
    assert (rule, text) == ("E26", "its coinbase does not name /khazana:site-1/")


def test_a_coinbase_for_another_height_is_named():
    slot = template().slot._replace(height=Height(1000))
    assert only(shares(1, template(slot=slot)))[:2] == (
        "E25",
        "its coinbase does not state height 665301",
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda t: replace(t, inputs=(replace(t.inputs[0], script_sig=b"x" * 101),)),
        lambda t: replace(t, inputs=(*t.inputs, *t.inputs)),
        lambda t: replace(t, inputs=(replace(t.inputs[0], outpoint=t.outpoint(0)),)),
    ],
)
def test_what_is_no_coinbase_is_refused(change):
    made = template()
    bad = change(made.coinbase(0)).serialize(witness=False)
    receipt = worked(made, bad)
    assert only([receipt])[:2] == ("E25", "the transaction is no coinbase without witness")


def test_bytes_behind_the_coinbase_are_refused():
    made = template()
    receipt = worked(made, made.coinbase(0).serialize(witness=False) + b"\0")
    rule, text, _ = only([receipt])
    assert rule == "E25"
    assert "the coinbase is not a transaction" in text


def test_a_coinbase_of_64_bytes_is_refused():
    receipt = worked(template(), bytes(64))
    assert only([receipt])[1] == "a coinbase of 64 bytes may be a node of the tree"


def worked(made, coinbase: bytes) -> Receipt:
    """A receipt over any bytes as coinbase, with the work done."""

    class AnyCoinbase:
        version, below, slot, time, branch = (
            made.version,
            made.below,
            made.slot,
            made.time,
            made.branch,
        )

        def coinbase(self, extra_nonce):
            return self

        def serialize(self, *, witness):
            return coinbase

    return shares(1, AnyCoinbase())[0]


def test_a_share_claimed_twice_counts_once_in_whatever_file_it_stands():
    one, two, three = shares(3)
    rule, text, where = only([one, two, one])
    assert rule == "E27"
    assert text.endswith("is claimed already in r.khr, receipt 1")
    assert where.startswith("r.khr, receipt 3 at byte ")
    first, second = audit_receipts(
        [filed([one, two], name="a"), filed([two, three], name="b")], [terms()]
    )
    assert (len(first.counted), len(second.counted)) == (2, 1)
    assert [f.text[-23:] for f in all_findings([first, second])] == ["already in a, receipt 2"]


def test_the_coinbase_of_a_real_block_leads_to_its_header_and_pays_a_pool():
    block = Block.parse(shared_file("vectors/block413567.raw").read_bytes())
    coinbase, leaves = block.transactions[0], [t.txid_le for t in block.transactions]
    receipt = Receipt(
        block.header.serialize(),
        coinbase.serialize(witness=False),
        merkle_branch(leaves, 0),
    )
    time, bits = block.header.time, block.header.bits
    slot = Slot(Height(413_567), bits, time - 1, time, Sats(2_500_000_000))
    known = {receipt.header[4:36]: slot}
    own = ReceiptTerms(site="pool", scripts=frozenset(), slots=known, target=1 << 200)
    wrong = ReceiptJudge(own).judge(receipt)
    assert isinstance(wrong, Wrong)
    # Work, slot, bits, time and branch hold; only nobody named the site.
    assert wrong.problem == "its coinbase does not name /khazana:pool/"
    harder = ReceiptTerms(site="pool", scripts=frozenset(), slots=known, target=1 << 150)
    assert ReceiptJudge(harder).judge(receipt).rule == "E21"


# Slots


def test_slots_are_made_from_headers_and_need_ten_before_them():
    found = slots()
    assert len(found) == 128 - 10 - 1
    twelfth = headers()[10]
    slot = found[twelfth.hash_le]
    assert slot.height == FIRST + 11
    assert slot.subsidy == 625_000_000
    assert slot.after == sorted(h.time for h in headers()[:11])[5]
    assert slots_of(headers()[:11], first=FIRST, network=MAINNET) == {}


# The file


def test_a_file_is_read_back_as_written():
    made = shares(3) + shares(1, template(branch=()))
    file = filed(made)
    assert (file.site, file.target) == ("site-1", TARGET)
    assert [r._replace(offset=0) for r in file.receipts] == made
    assert list(filed([]).receipts) == []
    assert len(file) == 4


def test_a_long_coinbase_is_read_back():
    outputs = tuple(TxOut(REWARD, RESERVE) for _ in range(10))
    made = shares(1, template(outputs=outputs))
    assert len(made[0].coinbase) > 253
    assert audited(made).findings == ()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "does not begin with"),
        (b"KZRCPT2\n", "does not begin with"),
        (MAGIC + b"\x00" + bytes(32), "the site's name is not"),
        (MAGIC + b"\x02a/" + bytes(32), "the site's name is not"),
        (MAGIC + b"\x01a" + bytes(32), "the share target is zero"),
        (MAGIC + b"\x01a" + bytes(31), "32 bytes announced, 31 left"),
        (MAGIC + b"\x01a" + b"\x01" * 32 + bytes(10), "a receipt is cut off at byte 42"),
        (MAGIC + b"\x01a" + b"\x01" * 32 + bytes(81) + b"\x11", "a branch of 17 hashes"),
        (MAGIC + b"\x01a" + b"\x01" * 32 + bytes(81) + b"\x02" + bytes(63), "cut off"),
        (MAGIC + b"\x01a" + b"\x01" * 32 + bytes(80) + b"\xfd\x01\x00", "length 1 written in 3"),
        (
            MAGIC + b"\x01a" + b"\x01" * 32 + bytes(80) + b"\xfe\xff\xff\xff\xff",
            "a coinbase of 4294967295 bytes",
        ),
    ],
)
def test_a_file_of_another_shape_is_refused_with_the_byte(raw, said):
    with pytest.raises(MalformedBytes) as refused:
        read_receipts("r.khr", raw)
    assert said in str(refused.value)
    assert "r.khr" in str(refused.value)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_changed_byte_never_makes_another_share_of_the_same_site(data):
    raw = write_receipts("site-1", TARGET, shares(2))
    at = data.draw(st.integers(0, len(raw) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = bytearray(raw)
    changed[at] ^= 1 << bit
    try:
        file = read_receipts("r", bytes(changed))
    except MalformedBytes:
        return
    (audit,) = audit_receipts([file], [terms()])
    assert audit.findings
    assert len(audit.counted) < 2


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_reader(raw):
    with contextlib.suppress(MalformedBytes):
        read_receipts("r", MAGIC + b"\x01a" + b"\x01" * 32 + raw)


# What the shares add up to


def test_the_work_of_a_target_is_that_of_its_difficulty():
    assert work_of_target((1 << 256) - 1) == 1
    # Difficulty 1 takes 2^32 × 65536/65535 hashes.
    assert work_of_target(target_of_difficulty(1)) == 2**48 // 65535
    assert work_of_target(target_of_difficulty(1 << 40)) == pytest.approx(2.0**72, rel=2e-5)


def test_work_is_added_up_by_site_and_epoch_with_its_luck():
    files = [
        filed(shares(16)),
        filed(shares(9, template(position=100)), name="b"),
    ]
    (row,) = proven_work(audit_receipts(files, [terms()]))
    assert (row.site, row.epoch, row.first, row.last) == ("site-1", 330, FIRST + 21, FIRST + 101)
    assert (row.shares, row.work) == (25, 25 * 64)
    assert row.relative_sd == pytest.approx(1 / 5)
    # 1600 hashes from 10 Wh: 36,000 J over 1.6e-9 TH.
    assert row.implied_j_per_th(10) == 36_000 * 10**12 / 1600


def test_shares_that_do_not_count_prove_no_work():
    assert proven_work(audit_receipts([filed(shares(3, template("site-2")))], [terms()])) == ()


def test_the_number_of_shares_follows_the_work_done():
    """Search a known number of hashes; the proven work agrees within its own spread."""
    from khazana.bitcoin.hashes import sha256d

    made = template()
    target = (1 << 252) - 1
    tried, found = 0, 0
    for extra in range(40):
        coinbase = made.coinbase(extra).serialize(witness=False)
        start = made.version.to_bytes(4, "little") + made.below + root_over(coinbase, BRANCH)
        for nonce in range(200):
            tail = b"".join(n.to_bytes(4, "little") for n in (made.time, made.slot.bits, nonce))
            tried += 1
            found += int.from_bytes(sha256d(start + tail), "little") <= target
    proven = found * work_of_target(target)
    assert abs(proven - tried) < 4 * tried / math.sqrt(found)


def test_a_file_value_cannot_be_built_wrong():
    with pytest.raises(ValueError, match="no name of a site"):
        ReceiptsFile(file="", site="a b", target=1)
    with pytest.raises(ValueError, match="a target lies"):
        ReceiptsFile(file="", site="a", target=0)
