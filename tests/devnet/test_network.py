import pytest

from khazana.bitcoin.block import Block
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import TxOut
from khazana.bitcoin.work import block_subsidy
from khazana.devnet.branch import NotReplaced, TooDeep
from khazana.devnet.directory import DevnetInUse, NotADevnet
from khazana.devnet.faucet import FaucetIsDry
from khazana.devnet.miner import Chosen, build_block
from khazana.devnet.network import BlockRefused, Devnet
from khazana.units import Height, Sats, Txid
from tests.devnet.keys import DAY, T0, Key, of, out

ANNA, BO = Key("Anna"), Key("Bo")


@pytest.fixture
def devnet(tmp_path):
    with Devnet(tmp_path / "net") as opened:
        opened.mine(110, time=T0)
        yield opened


def again(devnet):
    devnet.close()
    return Devnet(devnet.directory)


def pay(devnet, key, amount):
    txid = devnet.pay([TxOut(Sats(amount), key.script)])
    waiting = devnet.mempool.get(txid)
    assert waiting is not None
    return waiting.transaction


def coins_of(devnet, key):
    return sorted(coin.amount for coin in devnet.index.coins(key.script))


def test_a_new_devnet_stands_on_regtests_genesis_block(tmp_path):
    with Devnet(tmp_path / "a" / "b") as devnet:
        assert devnet.tip().height == 0
        assert devnet.tip().hash == REGTEST.genesis


def test_a_block_has_the_time_it_was_given_or_the_first_one_allowed(devnet):
    late = T0 + 400 * DAY
    block = devnet.mine(1, time=late)[0]
    assert devnet.index.blocks[-1].header.time == late
    for _ in range(6):
        devnet.mine(1, time=late)
    allowed = devnet.index.median_time + 1
    devnet.mine(1, time=T0)
    assert devnet.index.blocks[-1].header.time == allowed
    assert block.height == 111


def test_a_time_hours_ahead_of_the_clock_is_refused_in_words_and_changes_nothing(devnet):
    tip = devnet.tip()
    with pytest.raises(BlockRefused, match="time-too-new"):
        devnet.mine(1, time=2**32 - 1)
    assert devnet.tip() == tip
    reopened = again(devnet)
    assert reopened.tip() == tip
    reopened.close()


def test_all_subsidies_of_a_chain_add_up(devnet):
    devnet.mine(200, time=T0 + 110 * 600)
    held = sum(coin.amount for coin in devnet.index.coins(devnet.faucet.script))
    assert held == sum(block_subsidy(Height(h), REGTEST) for h in range(1, 311))


def test_the_faucet_pays_and_the_miner_takes_its_fee(devnet):
    transaction = pay(devnet, ANNA, 5_000_000)
    fee = devnet.mempool.get(transaction.txid).fee
    devnet.mine(1, BO.script, time=T0 + DAY)
    assert coins_of(devnet, ANNA) == [5_000_000]
    assert coins_of(devnet, BO) == [50 * 10**8 + fee]
    assert len(devnet.mempool) == 0


def test_the_faucet_says_when_it_is_dry_and_what_will_be_ripe(tmp_path):
    with Devnet(tmp_path) as devnet:
        devnet.mine(3, time=T0)
        with pytest.raises(FaucetIsDry) as refused:
            devnet.pay([TxOut(Sats(1_000), ANNA.script)])
        assert refused.value.immature == 150 * 10**8
        assert refused.value.spendable == 0


def test_the_same_steps_give_the_same_chain(tmp_path):
    tips = []
    for name in ("one", "two"):
        with Devnet(tmp_path / name) as devnet:
            devnet.mine(101, time=T0)
            devnet.pay([TxOut(Sats(7_000), ANNA.script)])
            tips.append(devnet.mine(1, time=T0 + DAY))
    assert tips[0] == tips[1]


def test_a_faucet_seed_is_kept_with_the_directory(tmp_path):
    with Devnet(tmp_path, faucet_seed=b"\x07" * 32) as devnet:
        script = devnet.faucet.script
    with Devnet(tmp_path) as devnet:
        assert devnet.faucet.script == script
    with Devnet(tmp_path / "other") as devnet:
        assert devnet.faucet.script != script
    (tmp_path / "faucet-seed").write_text("abcd")
    with pytest.raises(NotADevnet, match="64 hex digits"):
        Devnet(tmp_path)


def test_chain_and_mempool_are_there_again_after_closing(devnet):
    first = pay(devnet, ANNA, 9_000)
    devnet.mine(1, time=T0 + DAY)
    second = pay(devnet, ANNA, 11_000)
    child = ANNA.spend([out(second)], [(BO.script, 10_000)])
    devnet.submit_transaction(child)
    tip = devnet.tip()
    reopened = again(devnet)
    assert reopened.tip() == tip
    assert [waiting.txid for waiting in reopened.mempool] == [second.txid, child.txid]
    assert reopened.index.placed(first.txid).height == 111
    reopened.close()


def test_a_second_opening_is_refused_with_directory_and_process(devnet):
    import os

    with pytest.raises(DevnetInUse) as refused:
        Devnet(devnet.directory)
    assert refused.value.pid == str(os.getpid())
    assert str(devnet.directory) in str(refused.value)
    devnet.mine(1, time=T0 + DAY)  # the refused opening broke nothing


def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "engine").mkdir()
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(NotADevnet, match=r"thesis\.txt"):
        Devnet(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"engine", "thesis.txt"}
    with pytest.raises(NotADevnet, match="not a directory"):
        Devnet(tmp_path / "thesis.txt")


def test_a_reorganisation_can_return_every_transaction_to_the_mempool(devnet):
    first = pay(devnet, ANNA, 20_000)
    devnet.mine(1, time=T0 + DAY)
    second = ANNA.spend([out(first, find(first, ANNA))], [(BO.script, 19_000)])
    devnet.submit_transaction(second)
    devnet.mine(1, time=T0 + DAY)
    third = BO.spend([out(second)], [(ANNA.script, 18_000)])
    devnet.submit_transaction(third)
    old = devnet.tip()
    done = devnet.reorganise(2, time=T0 + 2 * DAY, keep=False)
    assert done.old_tip == old
    assert (done.fork.height, done.new_tip.height) == (110, 113)
    assert done.waiting == (first.txid, second.txid)
    assert done.gone == ()
    assert [w.txid for w in devnet.mempool] == [first.txid, second.txid, third.txid]
    assert coins_of(devnet, ANNA) == coins_of(devnet, BO) == []
    reopened = again(devnet)
    assert reopened.tip() == done.new_tip
    assert [w.txid for w in reopened.mempool] == [first.txid, second.txid, third.txid]
    reopened.mine(1, time=T0 + 2 * DAY)
    assert coins_of(reopened, ANNA) == [18_000]
    reopened.close()


def find(transaction, key):
    return next(n for n, o in enumerate(transaction.outputs) if o.script == key.script)


def test_a_reorganisation_can_leave_one_transaction_and_its_children_out(devnet):
    kept, left = pay(devnet, ANNA, 20_000), pay(devnet, BO, 30_000)
    child = BO.spend([out(left, find(left, BO))], [(BO.script, 29_000)])
    devnet.submit_transaction(child)
    devnet.mine(1, time=T0 + DAY)
    depends = any(i.outpoint.txid == left.txid for i in kept.inputs)
    assert not depends
    done = devnet.reorganise(1, time=T0 + DAY, leave_out=[left.txid])
    assert devnet.index.placed(kept.txid).height == 111
    assert done.waiting == (left.txid, child.txid)
    devnet.mine(1, time=T0 + DAY)
    assert coins_of(devnet, BO) == [29_000]


def test_a_double_spend_in_the_new_branch_evicts_the_payment(devnet):
    paid = pay(devnet, ANNA, 50_000)
    devnet.mine(1, time=T0 + DAY)
    coin = out(paid, find(paid, ANNA))
    honest = ANNA.spend([coin], [(BO.script, 49_000)])
    devnet.submit_transaction(honest)
    devnet.mine(1, time=T0 + DAY)
    double = ANNA.spend([coin], [(ANNA.script, 48_000)])
    done = devnet.reorganise(1, time=T0 + DAY, insert=[double])
    assert done.gone == (honest.txid,)
    assert coins_of(devnet, BO) == []
    assert coins_of(devnet, ANNA) == [48_000]
    reopened = again(devnet)
    assert len(reopened.mempool) == 0
    assert reopened.tip() == done.new_tip
    reopened.close()


def test_spends_of_a_replaced_coinbase_are_gone_for_good(devnet):
    devnet.mine(1, ANNA.script, time=T0 + DAY)
    (coinbase,) = devnet.index.coins(ANNA.script)
    devnet.mine(100, time=T0 + DAY)
    spend = ANNA.spend([of(coinbase)], [(BO.script, coinbase.amount - 1_000)])
    devnet.submit_transaction(spend)
    devnet.mine(1, time=T0 + 2 * DAY)
    done = devnet.reorganise(102, time=T0 + 2 * DAY)
    assert done.gone == (spend.txid,)
    assert coins_of(devnet, BO) == []


@pytest.mark.parametrize("depth", [0, -1, 111])
def test_a_reorganisation_deeper_than_the_chain_is_refused(devnet, depth):
    with pytest.raises(TooDeep, match="110"):
        devnet.reorganise(depth, time=T0)


def test_only_what_is_replaced_can_be_left_out(devnet):
    with pytest.raises(NotReplaced, match="none of the newest 2 blocks"):
        devnet.reorganise(2, time=T0, leave_out=[Txid("ab" * 32)])


def test_the_first_seen_of_two_equal_branches_stays_the_tip_after_reopening(devnet):
    fork = devnet.index.blocks[-2].ref
    tip = devnet.tip()
    rival = build_block(
        previous=fork.hash,
        height=Height(110),
        time=T0 + DAY,
        script=b"\x51",
        chosen=Chosen((), Sats(0)),
        extra_nonce=999,
    )
    devnet.submit_block(rival.serialize())
    assert devnet.tip() == tip
    assert devnet.block(rival.hash) == rival
    reopened = again(devnet)
    assert reopened.tip() == tip
    assert reopened.raw_block(rival.hash) == rival.serialize()
    on_top = build_block(
        previous=rival.hash,
        height=Height(111),
        time=T0 + DAY + 1,
        script=b"\x51",
        chosen=Chosen((), Sats(0)),
        extra_nonce=1000,
    )
    reopened.submit_block(on_top.serialize())
    assert reopened.tip().hash == on_top.hash
    reopened.close()


def test_an_invalid_block_is_refused_and_leaves_no_trace(devnet):
    tip = devnet.tip()
    size = (devnet.directory / "blocks" / "blk00000.dat").stat().st_size
    greedy = build_block(
        previous=tip.hash,
        height=Height(111),
        time=T0 + DAY,
        script=b"\x51",
        chosen=Chosen((), Sats(1)),
        extra_nonce=1,
    )
    with pytest.raises(BlockRefused, match="bad-cb-amount"):
        devnet.submit_block(greedy.serialize())
    assert devnet.tip() == tip
    assert (devnet.directory / "blocks" / "blk00000.dat").stat().st_size == size
    devnet.mine(1, time=T0 + DAY)


def test_a_branch_with_an_invalid_block_does_not_move_the_chain(devnet):
    tip = devnet.tip()
    previous, height = devnet.index.blocks[-2].ref.hash, 110
    waiting = pay(devnet, ANNA, 10_000)
    for fees in (1, 0):  # the first takes one satoshi too much; it is only stored at first
        block = build_block(
            previous=previous,
            height=Height(height),
            time=T0 + DAY + height,
            script=b"\x51",
            chosen=Chosen((), Sats(fees)),
            extra_nonce=height,
        )
        previous, height = block.hash, height + 1
        if fees:
            devnet.submit_block(block.serialize())
        else:
            with pytest.raises(BlockRefused, match="its branch holds the invalid block"):
                devnet.submit_block(block.serialize())
    assert devnet.tip() == tip
    assert [w.txid for w in devnet.mempool] == [waiting.txid]
    reopened = again(devnet)
    assert reopened.tip() == tip
    assert [w.txid for w in reopened.mempool] == [waiting.txid]
    assert reopened.mine(1, time=T0 + 2 * DAY)[0].height == 111
    reopened.close()


def test_given_transactions_can_be_mined_without_the_mempool(devnet):
    (coin,) = [c for c in devnet.index.coins(devnet.faucet.script) if c.block.height == 1]
    payment = devnet.faucet.payment(
        devnet.index, devnet.mempool, [TxOut(Sats(40_000), ANNA.script)], sat_per_vbyte=1
    )
    spend = ANNA.spend([out(payment)], [(BO.script, 39_000)])
    devnet.mine(1, ANNA.script, time=T0 + DAY, transactions=[payment, spend])
    assert coins_of(devnet, BO) == [39_000]
    fees = 1_000 + coin.amount - sum(o.amount for o in payment.outputs)
    assert coins_of(devnet, ANNA) == [50 * 10**8 + fees]


def test_a_bad_signature_in_a_given_transaction_is_found_by_the_engine(devnet):
    payment = devnet.faucet.payment(
        devnet.index, devnet.mempool, [TxOut(Sats(40_000), ANNA.script)], sat_per_vbyte=1
    )
    forged = ANNA.spend([out(payment)], [(BO.script, 39_000)], spoil=True)
    with pytest.raises(BlockRefused, match="script-verify-flag"):
        devnet.mine(1, time=T0 + DAY, transactions=[payment, forged])
    assert devnet.tip().height == 110


def test_the_log_reads_as_a_nodes_block_file(devnet):
    data = (devnet.directory / "blocks" / "blk00000.dat").read_bytes()
    offset, hashes = 0, []
    while offset < len(data):
        assert data[offset : offset + 4] == REGTEST.magic
        size = int.from_bytes(data[offset + 4 : offset + 8], "little")
        block = Block.parse(data[offset + 8 : offset + 8 + size])
        assert block.merkle_root_holds()
        hashes.append(block.hash)
        offset += 8 + size
    assert hashes == [block.ref.hash for block in devnet.index.blocks]


def test_a_closed_devnet_refuses_to_work(devnet):
    devnet.close()
    with pytest.raises(RuntimeError, match="closed"):
        devnet.mine(1, time=T0)
    devnet.close()  # closing twice is fine
