from itertools import pairwise

import pytest

from khazana.bitcoin.block import root_of_branch
from khazana.bitcoin.chain import (
    BlockNotInBestChain,
    BlockRef,
    HeightBeyondTip,
    TransactionNotInBlock,
)
from khazana.bitcoin.transaction import TxOut
from khazana.devnet.network import Devnet
from khazana.devnet.view import DevnetView
from khazana.units import BlockHash, Height, Sats, Txid
from tests.devnet.keys import DAY, T0, Key, out

ANNA, BO = Key("Anna"), Key("Bo")


@pytest.fixture
def net(tmp_path):
    with Devnet(tmp_path / "net") as devnet:
        devnet.mine(110, time=T0)
        yield devnet, DevnetView(devnet)


def paid_and_spent(devnet):
    txid = devnet.pay([TxOut(Sats(30_000), ANNA.script)])
    payment = devnet.mempool.get(txid).transaction
    first = devnet.mine(1, time=T0 + DAY)[0]
    vout = next(n for n, o in enumerate(payment.outputs) if o.script == ANNA.script)
    spend = ANNA.spend([out(payment, vout)], [(BO.script, 29_000)])
    devnet.submit_transaction(spend)
    second = devnet.mine(1, time=T0 + DAY)[0]
    return payment, first, spend, second


def test_the_basis_names_the_devnet(net):
    devnet, view = net
    assert str(view.basis) == f"own blocks (devnet {devnet.directory})"
    assert view.network.test


def test_history_holds_receipts_and_spends_in_chain_order_with_proofs(net):
    devnet, view = net
    payment, first, spend, second = paid_and_spent(devnet)
    history = view.history([ANNA.script], None, view.tip())
    assert [(c.txid, c.block) for c in history] == [(payment.txid, first), (spend.txid, second)]
    for confirmed in history:
        (header,) = view.headers(confirmed.block.height, confirmed.block)
        root = root_of_branch(
            confirmed.transaction.txid_le, confirmed.position, confirmed.branch_le
        )
        assert root == header.merkle_root_le
    assert [c.txid for c in view.history([ANNA.script], first, second)] == [spend.txid]
    assert [c.txid for c in view.history([ANNA.script], None, first)] == [payment.txid]
    both = view.history([BO.script, ANNA.script], None, second)
    assert [c.txid for c in both] == [payment.txid, spend.txid]


def test_coins_are_those_of_the_asked_block_not_of_today(net):
    devnet, view = net
    _, first, spend, second = paid_and_spent(devnet)
    assert [c.amount for c in view.coins_at([ANNA.script], first)] == [30_000]
    assert view.coins_at([ANNA.script], second) == []
    (coin,) = view.coins_at([BO.script], second)
    assert coin.outpoint == spend.outpoint(0)
    assert coin.block == second
    assert view.coins_at([BO.script], first) == []


def test_waiting_transactions_are_not_history(net):
    devnet, view = net
    devnet.pay([TxOut(Sats(30_000), ANNA.script)])
    assert view.history([ANNA.script], None, view.tip()) == []


def test_a_block_that_was_reorganised_away_is_refused_everywhere(net):
    devnet, view = net
    payment, _, _, second = paid_and_spent(devnet)
    devnet.reorganise(2, time=T0 + DAY)
    for ask in (
        lambda: view.history([ANNA.script], None, second),
        lambda: view.history([ANNA.script], second, view.tip()),
        lambda: view.coins_at([ANNA.script], second),
        lambda: view.transaction(payment.txid, second),
        lambda: view.headers(Height(1), second),
        lambda: view.block_of(second.hash),
    ):
        with pytest.raises(BlockNotInBestChain) as refused:
            ask()
        assert second.hash in refused.value.block


def test_a_hash_at_another_height_is_refused(net):
    _, view = net
    tip = view.tip()
    with pytest.raises(BlockNotInBestChain):
        view.coins_at([ANNA.script], BlockRef(Height(tip.height - 1), tip.hash))


def test_heights_hashes_and_headers(net):
    _, view = net
    tip = view.tip()
    assert view.block_at(tip.height) == tip == view.block_of(tip.hash)
    headers = view.headers(Height(0), tip)
    assert len(headers) == tip.height + 1
    assert headers[-1].hash == tip.hash
    assert all(a.hash == b.previous for a, b in pairwise(headers))
    with pytest.raises(HeightBeyondTip, match="no block at height 111"):
        view.block_at(Height(111))
    with pytest.raises(BlockNotInBestChain):
        view.block_of(BlockHash("00" * 32))
    with pytest.raises(ValueError, match="-1"):
        view.block_at(Height(-1))


def test_a_transaction_is_found_in_its_block_only(net):
    devnet, view = net
    payment, first, _, second = paid_and_spent(devnet)
    assert view.transaction(payment.txid, first).transaction == payment
    with pytest.raises(TransactionNotInBlock):
        view.transaction(payment.txid, second)
    with pytest.raises(TransactionNotInBlock):
        view.transaction(Txid("11" * 32), first)
