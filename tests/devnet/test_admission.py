"""What the mempool refuses, by Bitcoin Core's names for it."""

import pytest

from khazana.bitcoin.hashes import sha256
from khazana.bitcoin.script import multisig, null_data, p2wsh
from khazana.bitcoin.transaction import NULL_TXID, OutPoint, Transaction, TxIn, TxOut
from khazana.devnet.admission import TransactionRefused, dust_limit, relay_fee
from khazana.devnet.network import Devnet
from khazana.units import Height, Sats, Txid
from tests.devnet.keys import DAY, T0, Key, of, out

ANNA, BO = Key("Anna"), Key("Bo")
COIN = 50 * 10**8


@pytest.fixture
def devnet(tmp_path):
    """Anna owns the coinbases of blocks 1 to 5; 1 to 5 are mature at height 105."""
    with Devnet(tmp_path) as opened:
        opened.mine(5, ANNA.script, time=T0)
        opened.mine(100, time=T0 + DAY)
        yield opened


def coin(devnet, height):
    (found,) = [c for c in devnet.index.coins(ANNA.script) if c.block.height == height]
    return of(found)


def to_bo(devnet, height, fee=1_000, **how):
    return ANNA.spend([coin(devnet, height)], [(BO.script, COIN - fee)], **how)


def refusal(devnet, transaction):
    before = [w.txid for w in devnet.mempool]
    with pytest.raises(TransactionRefused) as refused:
        devnet.submit_transaction(transaction)
    assert refused.value.txid == transaction.txid
    assert [w.txid for w in devnet.mempool] == before
    return refused.value.reason


def test_a_good_transaction_waits_and_may_be_sent_again(devnet):
    transaction = to_bo(devnet, 1)
    assert devnet.submit_transaction(transaction) == transaction.txid
    assert devnet.submit_transaction(transaction) == transaction.txid
    assert len(devnet.mempool) == 1


def test_a_bad_signature_is_refused(devnet):
    reason = refusal(devnet, to_bo(devnet, 1, spoil=True))
    assert reason == "mandatory-script-verify-flag-failed"


def test_somebody_elses_key_is_refused(devnet):
    stolen = BO.spend([coin(devnet, 1)], [(BO.script, COIN - 1_000)])
    assert refusal(devnet, stolen) == "mandatory-script-verify-flag-failed"


def test_a_coin_that_does_not_exist_is_refused(devnet):
    ghost = ANNA.spend([(OutPoint(Txid("11" * 32), 0), Sats(COIN))], [(BO.script, 1_000)])
    assert refusal(devnet, ghost) == "bad-txns-inputs-missingorspent"
    txid = coin(devnet, 1)[0].txid
    beyond = ANNA.spend([(OutPoint(txid, 7), Sats(COIN))], [(BO.script, 1_000)])
    assert refusal(devnet, beyond) == "bad-txns-inputs-missingorspent"


def test_the_genesis_coinbase_is_no_coin(devnet):
    genesis = devnet.index.blocks[0].txids[0]
    spend = ANNA.spend([(OutPoint(genesis, 0), Sats(COIN))], [(BO.script, 1_000)])
    assert refusal(devnet, spend) == "bad-txns-inputs-missingorspent"


def test_a_coin_spent_in_a_block_is_refused(devnet):
    first, second = to_bo(devnet, 1), to_bo(devnet, 1, fee=2_000)
    devnet.submit_transaction(first)
    devnet.mine(1, time=T0 + 2 * DAY)
    assert refusal(devnet, second) == "bad-txns-inputs-missingorspent"
    assert refusal(devnet, first) == "txn-already-known"


def test_a_coinbase_can_be_spent_in_the_block_a_hundred_later_and_not_before(devnet):
    with_one = devnet.mine(1, ANNA.script, time=T0 + 2 * DAY)[0]
    devnet.mine(98, time=T0 + 2 * DAY)
    young = ANNA.spend([coin(devnet, with_one.height)], [(BO.script, COIN - 1_000)])
    assert refusal(devnet, young) == "bad-txns-premature-spend-of-coinbase"
    devnet.mine(1, time=T0 + 2 * DAY)
    devnet.submit_transaction(young)
    devnet.mine(1, time=T0 + 2 * DAY)
    assert devnet.index.placed(young.txid).height == with_one.height + 100


def test_spending_more_than_there_is_is_refused(devnet):
    assert refusal(devnet, to_bo(devnet, 1, fee=-1)) == "bad-txns-in-belowout"


def test_a_fee_below_one_satoshi_per_virtual_byte_is_refused(devnet):
    size = to_bo(devnet, 1)
    devnet.submit_transaction(size)
    vsize = devnet.mempool.get(size.txid).vsize
    # Signatures differ by a byte between drafts: stay two away from the edge.
    assert refusal(devnet, to_bo(devnet, 2, fee=vsize - 2)) == "min relay fee not met"
    devnet.submit_transaction(to_bo(devnet, 2, fee=vsize + 2))
    assert refusal(devnet, to_bo(devnet, 3, fee=0)) == "min relay fee not met"


def test_relay_fee_rounds_up():
    assert [relay_fee(n) for n in (0, 1, 141)] == [0, 1, 141]


def test_dust_is_refused_unless_the_devnet_allows_it(devnet):
    dust = ANNA.spend([coin(devnet, 1)], [(BO.script, 293), (ANNA.script, COIN - 5_000)])
    assert refusal(devnet, dust) == "dust"
    enough = ANNA.spend([coin(devnet, 1)], [(BO.script, 294), (ANNA.script, COIN - 5_000)])
    devnet.submit_transaction(enough)
    directory = devnet.directory
    devnet.close()
    with Devnet(directory, refuse_dust=False) as lenient:
        lenient.submit_transaction(
            ANNA.spend([coin(lenient, 2)], [(BO.script, 1), (ANNA.script, COIN - 5_000)])
        )


@pytest.mark.parametrize(
    ("script", "limit"),
    [
        ("0014" + "00" * 20, 294),
        ("0020" + "00" * 32, 330),
        ("5120" + "00" * 32, 330),
        ("76a914" + "00" * 20 + "88ac", 546),
        ("a914" + "00" * 20 + "87", 540),
        ("6a", 0),
    ],
)
def test_dust_limits_are_bitcoin_cores(script, limit):
    assert dust_limit(bytes.fromhex(script)) == limit


def test_a_lock_time_at_the_next_height_is_one_block_too_early(devnet):
    tip = devnet.tip().height
    assert refusal(devnet, to_bo(devnet, 1, lock_time=tip + 1)) == "non-final"
    devnet.submit_transaction(to_bo(devnet, 1, lock_time=tip))
    # A final sequence switches the lock off.
    devnet.submit_transaction(to_bo(devnet, 2, lock_time=tip + 50, sequence=0xFFFF_FFFF))
    devnet.mine(1, time=T0 + 2 * DAY)
    assert len(devnet.mempool) == 0


def test_a_lock_time_in_seconds_is_measured_against_the_median_time(devnet):
    median = devnet.index.median_time
    assert refusal(devnet, to_bo(devnet, 1, lock_time=median)) == "non-final"
    devnet.submit_transaction(to_bo(devnet, 1, lock_time=median - 1))
    devnet.mine(1, time=T0 + 2 * DAY)
    assert len(devnet.mempool) == 0


def test_a_relative_lock_in_blocks_runs_from_the_coins_block(devnet):
    parent = to_bo(devnet, 1)
    devnet.submit_transaction(parent)
    child = BO.spend([out(parent)], [(BO.script, COIN - 9_000)], sequence=3)
    assert refusal(devnet, child) == "non-BIP68-final"
    devnet.mine(2, time=T0 + 2 * DAY)
    assert refusal(devnet, child) == "non-BIP68-final"
    devnet.mine(1, time=T0 + 2 * DAY)
    devnet.submit_transaction(child)
    devnet.mine(1, time=T0 + 2 * DAY)  # the engine agrees
    assert len(devnet.mempool) == 0


def test_an_unconfirmed_coin_satisfies_no_lock_of_one_block(devnet):
    parent = to_bo(devnet, 1)
    devnet.submit_transaction(parent)
    locked = BO.spend([out(parent)], [(BO.script, COIN - 9_000)], sequence=1)
    assert refusal(devnet, locked) == "non-BIP68-final"
    free = BO.spend([out(parent)], [(BO.script, COIN - 9_000)], sequence=0)
    devnet.submit_transaction(free)


def test_version_one_and_the_disable_bit_switch_relative_locks_off(devnet):
    parent = to_bo(devnet, 1)
    devnet.submit_transaction(parent)
    old = BO.spend([out(parent)], [(BO.script, COIN - 9_000)], sequence=1000, version=1)
    devnet.submit_transaction(old)
    other = to_bo(devnet, 2, sequence=(1 << 31) | 1000)
    devnet.submit_transaction(other)
    devnet.mine(1, time=T0 + 2 * DAY)
    assert len(devnet.mempool) == 0


def test_a_relative_lock_in_time_counts_512_seconds_of_median_time(devnet):
    parent = to_bo(devnet, 1)
    devnet.submit_transaction(parent)
    devnet.mine(1, time=T0 + 2 * DAY)
    placed = devnet.index.placed(parent.txid)
    start = devnet.index.blocks[placed.height - 1].median_time
    child = BO.spend([out(parent)], [(BO.script, COIN - 9_000)], sequence=(1 << 22) | 4)
    outcomes = []
    for step in range(12):
        early = devnet.index.median_time < start + 4 * 512
        if early:
            assert refusal(devnet, child) == "non-BIP68-final"
        else:
            devnet.submit_transaction(child)
            devnet.mine(1, time=T0 + 3 * DAY)
            assert len(devnet.mempool) == 0
        outcomes.append(early)
        if not early:
            break
        devnet.mine(1, time=T0 + 2 * DAY + step * 300)
    assert outcomes[0]
    assert not outcomes[-1]


def test_a_coinbase_does_not_wait(devnet):
    coinbase = devnet.index.placed(devnet.index.blocks[3].txids[0]).transaction
    assert refusal(devnet, coinbase) == "coinbase"


def malformed(devnet):
    inputs, outputs = (TxIn(coin(devnet, 1)[0], b"", 0),), (TxOut(Sats(1_000), BO.script),)
    many = tuple(TxOut(Sats(1_000), BO.script) for _ in range(3_300))
    too_much = Sats(21 * 10**14)
    return {
        "bad-txns-vin-empty": Transaction(2, (), outputs, 0),
        "bad-txns-vout-empty": Transaction(2, inputs, (), 0),
        "tx-size": Transaction(2, inputs, many, 0),
        "tx-size-small": Transaction(2, inputs, (TxOut(Sats(0), b"\x6a"),), 0),
        "bad-txns-vout-negative": Transaction(2, inputs, (TxOut(Sats(-1), BO.script),), 0),
        "bad-txns-vout-toolarge": Transaction(
            2, inputs, (TxOut(Sats(too_much + 1), BO.script),), 0
        ),
        "bad-txns-txouttotal-toolarge": Transaction(
            2, inputs, (TxOut(too_much, BO.script), *outputs), 0
        ),
        "bad-txns-inputs-duplicate": Transaction(2, inputs * 2, outputs, 0),
        "bad-txns-prevout-null": Transaction(
            2, (*inputs, TxIn(OutPoint(NULL_TXID, 0xFFFF_FFFF), b"", 0)), outputs, 0
        ),
    }


@pytest.mark.parametrize(
    "reason",
    [
        "bad-txns-vin-empty",
        "bad-txns-vout-empty",
        "tx-size",
        "tx-size-small",
        "bad-txns-vout-negative",
        "bad-txns-vout-toolarge",
        "bad-txns-txouttotal-toolarge",
        "bad-txns-inputs-duplicate",
        "bad-txns-prevout-null",
    ],
)
def test_a_malformed_transaction_is_refused_by_its_first_fault(devnet, reason):
    assert refusal(devnet, malformed(devnet)[reason]) == reason


def test_too_many_signature_operations_are_refused(devnet):
    # 210 bare multisigs count as twenty each, times four: 16,800, over a fifth of a block's.
    outputs = [(multisig([ANNA.public], required=1), 1_000)] * 210
    many = ANNA.spend([coin(devnet, 1)], [*outputs, (ANNA.script, COIN - 500_000)])
    assert refusal(devnet, many) == "bad-txns-too-many-sigops"


def test_op_return_outputs_may_hold_nothing(devnet):
    note = ANNA.spend([coin(devnet, 1)], [(null_data(b"hello"), 0), (ANNA.script, COIN - 1_000)])
    devnet.submit_transaction(note)
    devnet.mine(1, time=T0 + 2 * DAY)
    assert devnet.index.coin(note.outpoint(0)) is None
    assert devnet.index.placed(note.txid).height == Height(106)


def test_a_relative_lock_in_a_script_is_judged_by_the_engine(devnet):
    # <2> OP_CHECKSEQUENCEVERIFY OP_DROP OP_1
    script = bytes.fromhex("52b27551")
    locked = ANNA.spend([coin(devnet, 1)], [(p2wsh(sha256(script)), COIN - 1_000)])
    devnet.submit_transaction(locked)
    devnet.mine(2, time=T0 + 2 * DAY)

    def spend(sequence):
        source = TxIn(locked.outpoint(0), b"", sequence, (script,))
        return Transaction(2, (source,), (TxOut(Sats(COIN - 2_000), BO.script),), 0)

    assert refusal(devnet, spend(1)) == "mandatory-script-verify-flag-failed"
    devnet.submit_transaction(spend(2))
    devnet.mine(1, time=T0 + 2 * DAY)
    assert len(devnet.mempool) == 0
