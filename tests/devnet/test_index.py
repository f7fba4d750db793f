import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khazana.bitcoin.block import Block, Header, merkle_root
from khazana.bitcoin.chain import coins_after
from khazana.bitcoin.hashes import sha256
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import (
    COINBASE_VOUT,
    NULL_TXID,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
)
from khazana.devnet.index import ChainIndex, genesis_block
from khazana.units import Sats

SCRIPTS = [bytes([0x51, n]) for n in range(4)]


def random_block(index, rng):
    """A block of any spends there are, without proof of work: the index judges none."""
    height = index.tip.height + 1
    tag = height.to_bytes(4, "little") + rng.randbytes(4)
    coinbase = Transaction(
        2,
        (TxIn(OutPoint(NULL_TXID, COINBASE_VOUT), tag, 0),),
        (TxOut(Sats(50), rng.choice(SCRIPTS)),),
        0,
    )
    coins = [c.outpoint for script in SCRIPTS for c in index.coins(script)]
    transactions = [coinbase]
    for _ in range(rng.randrange(4)):
        if not coins:
            break
        spent = {coins.pop(rng.randrange(len(coins))) for _ in range(min(len(coins), 2))}
        outputs = tuple(TxOut(Sats(n), rng.choice(SCRIPTS)) for n in range(rng.randrange(1, 4)))
        made = Transaction(2, tuple(TxIn(o, b"", 0) for o in sorted(spent)), outputs, 0)
        transactions.append(made)
        coins += [made.outpoint(n) for n in range(len(outputs))]
    root = merkle_root([t.txid_le for t in transactions])
    header = Header(1, index.tip.hash, root, rng.randrange(2**31), REGTEST.pow_limit_bits, 0)
    return Block(header, tuple(transactions))


def everything(index):
    found = {}
    for script in SCRIPTS:
        history = index.history(script)
        found[script] = (
            sorted(index.coins(script), key=lambda c: c.outpoint),
            [(p.transaction.txid, p.height, p.position) for p in history],
            [
                index.spender(p.transaction.outpoint(n))
                for p in history
                for n in range(len(p.transaction.outputs))
            ],
            index.script_with_hash(sha256(script)),
        )
    return found, index.tip, index.median_time, list(index.blocks)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 6), min_size=1, max_size=8))
def test_going_back_any_number_of_blocks_leaves_no_trace(seed, depths):
    rng = random.Random(seed)
    index, states = ChainIndex(), []
    for depth in depths:
        for _ in range(3):
            states.append(everything(index))
            index.connect(random_block(index, rng))
        for _ in range(min(depth, len(states))):
            index.disconnect()
            assert everything(index) == states.pop()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_the_coins_kept_are_those_that_the_history_leaves(seed):
    rng = random.Random(seed)
    index = ChainIndex()
    for _ in range(12):
        index.connect(random_block(index, rng))
    for script in SCRIPTS:
        confirmed = [index.confirmed(placed) for placed in index.history(script)]
        expected = coins_after(confirmed, [script])
        assert {c.outpoint: c for c in index.coins(script)} == expected
        for coin in expected.values():
            assert index.coin(coin.outpoint) == coin
            assert index.spender(coin.outpoint) is None


def test_the_genesis_block_is_regtests():
    assert genesis_block().hash == REGTEST.genesis
    assert genesis_block().merkle_root_holds()


def test_the_median_time_is_that_of_eleven_blocks():
    rng, index = random.Random(1), ChainIndex()
    for _ in range(15):
        index.connect(random_block(index, rng))
    times = [block.header.time for block in index.blocks]
    for height, block in enumerate(index.blocks):
        window = sorted(times[max(0, height - 10) : height + 1])
        assert block.median_time == window[len(window) // 2]


def test_a_block_that_does_not_stand_on_the_tip_is_our_mistake():
    rng, index = random.Random(1), ChainIndex()
    block = random_block(index, rng)
    index.connect(block)
    with pytest.raises(ValueError, match="does not stand on the tip"):
        index.connect(block)
    index.disconnect()
    with pytest.raises(ValueError, match="genesis"):
        index.disconnect()
