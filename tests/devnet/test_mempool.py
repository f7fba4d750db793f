import pytest

from khazana.bitcoin.transaction import TxOut
from khazana.devnet.admission import TransactionRefused
from khazana.devnet.miner import Chosen, build_block, choose
from khazana.devnet.network import Devnet
from khazana.units import Height, Sats
from tests.devnet.keys import DAY, T0, Key, of, out

ANNA, BO, CIA = Key("Anna"), Key("Bo"), Key("Cia")
COIN = 50 * 10**8


@pytest.fixture
def devnet(tmp_path):
    with Devnet(tmp_path) as opened:
        opened.mine(12, ANNA.script, time=T0)
        opened.mine(100, time=T0 + DAY)
        yield opened


def coin(devnet, height):
    (found,) = [c for c in devnet.index.coins(ANNA.script) if c.block.height == height]
    return of(found)


def sent(devnet, transaction):
    devnet.submit_transaction(transaction)
    return transaction


def to_bo(devnet, height, fee):
    return ANNA.spend([coin(devnet, height)], [(BO.script, COIN - fee)])


def refusal(devnet, transaction):
    with pytest.raises(TransactionRefused) as refused:
        devnet.submit_transaction(transaction)
    return refused.value.reason


def waiting(devnet):
    return [w.txid for w in devnet.mempool]


def chain_of(devnet, start, length, fee=1_000):
    """Transactions that each spend the one before, without sending them."""
    chain = [start]
    for _ in range(length - 1):
        previous = chain[-1]
        chain.append(BO.spend([out(previous)], [(BO.script, previous.outputs[0].amount - fee)]))
    return chain


def test_a_higher_fee_replaces_without_signalling(devnet):
    final = ANNA.spend([coin(devnet, 1)], [(BO.script, COIN - 1_000)], sequence=0xFFFF_FFFF)
    sent(devnet, final)
    better = sent(devnet, to_bo(devnet, 1, 2_000))
    assert waiting(devnet) == [better.txid]
    devnet.mine(1, time=T0 + 2 * DAY)
    assert devnet.index.placed(final.txid) is None


def test_a_replacement_pays_for_its_own_relay_on_top(devnet):
    first = sent(devnet, to_bo(devnet, 1, 1_000))
    vsize = devnet.mempool.get(first.txid).vsize
    assert refusal(devnet, to_bo(devnet, 1, 1_000 + vsize - 2)) == "insufficient fee"
    second = sent(devnet, to_bo(devnet, 1, 1_000 + vsize + 2))
    assert waiting(devnet) == [second.txid]


def test_a_replacement_needs_the_better_fee_rate_too(devnet):
    first = sent(devnet, to_bo(devnet, 1, 1_000))
    many = [(BO.script, 10_000)] * 100
    bulky = ANNA.spend([coin(devnet, 1)], [*many, (BO.script, COIN - 1_000_000 - 5_000)])
    assert refusal(devnet, bulky) == "insufficient fee"
    assert waiting(devnet) == [first.txid]


def test_a_replacement_beats_everything_it_evicts(devnet):
    family = chain_of(devnet, to_bo(devnet, 1, 1_000), 5)
    for transaction in family:
        sent(devnet, transaction)
    assert refusal(devnet, to_bo(devnet, 1, 5_000)) == "insufficient fee"
    winner = sent(devnet, to_bo(devnet, 1, 5_200))
    assert waiting(devnet) == [winner.txid]


def test_a_replacement_may_not_spend_what_it_replaces(devnet):
    parent = sent(devnet, to_bo(devnet, 1, 1_000))
    both = ANNA.spend([coin(devnet, 1), out(parent)], [(BO.script, COIN)])
    # Its second input is Bo's: sign each input with its own key.
    mixed = BO.spend([coin(devnet, 1), out(parent)], [(BO.script, COIN)])
    both = type(both)(2, (both.inputs[0], mixed.inputs[1]), both.outputs, 0)
    assert refusal(devnet, both) == "bad-txns-spends-conflicting-tx"


def test_replacement_survives_reopening(devnet):
    sent(devnet, to_bo(devnet, 1, 1_000))
    winner = sent(devnet, to_bo(devnet, 1, 3_000))
    directory = devnet.directory
    devnet.close()
    with Devnet(directory) as reopened:
        assert waiting(reopened) == [winner.txid]


def test_the_same_coin_is_never_spent_twice_in_a_block(devnet):
    one = sent(devnet, to_bo(devnet, 1, 5_000))
    cheaper = ANNA.spend([coin(devnet, 1)], [(CIA.script, COIN - 4_000)])
    assert refusal(devnet, cheaper) == "insufficient fee"
    devnet.mine(1, time=T0 + 2 * DAY)
    assert devnet.index.placed(one.txid) is not None


def test_a_block_evicts_what_conflicts_with_it_and_its_children(devnet):
    family = chain_of(devnet, to_bo(devnet, 1, 1_000), 3)
    for transaction in family:
        sent(devnet, transaction)
    bystander = sent(devnet, to_bo(devnet, 2, 1_000))
    rival = ANNA.spend([coin(devnet, 1)], [(CIA.script, COIN - 10)])
    devnet.mine(1, time=T0 + 2 * DAY, transactions=[rival])
    assert waiting(devnet) == [bystander.txid]


def test_the_longest_chain_of_unconfirmed_transactions_is_twenty_five(devnet):
    chain = chain_of(devnet, to_bo(devnet, 1, 1_000), 26)
    for transaction in chain[:25]:
        sent(devnet, transaction)
    assert refusal(devnet, chain[25]) == "too-long-mempool-chain"
    devnet.mine(1, time=T0 + 2 * DAY)
    assert len(devnet.mempool) == 0
    sent(devnet, chain[25])


def test_the_faucet_pays_more_often_than_one_chain_of_change_is_long(devnet):
    devnet.mine(3, time=T0 + DAY)
    for n in range(60):
        devnet.pay([TxOut(Sats(1_000 + n), CIA.script)])
    devnet.mine(1, time=T0 + 2 * DAY)
    assert sorted(c.amount for c in devnet.index.coins(CIA.script)) == list(range(1_000, 1_060))


def test_a_child_that_pays_well_brings_its_poor_parent_along_first(devnet):
    poor = sent(devnet, to_bo(devnet, 1, 150))
    middling = sent(devnet, to_bo(devnet, 2, 1_000))
    rich = sent(devnet, BO.spend([out(poor)], [(BO.script, COIN - 100_000)]))
    assert [t.txid for t in choose(devnet.mempool).transactions] == [
        poor.txid,
        rich.txid,
        middling.txid,
    ]


def test_a_shared_ancestor_is_paid_for_once(devnet):
    parent = ANNA.spend([coin(devnet, 1)], [(BO.script, COIN // 2), (CIA.script, COIN // 2 - 200)])
    sent(devnet, parent)
    # The better child pays the parent in; the other then counts alone, above the single one.
    good = sent(devnet, BO.spend([out(parent, 0)], [(BO.script, COIN // 2 - 10_000)]))
    fair = sent(devnet, CIA.spend([out(parent, 1)], [(CIA.script, COIN // 2 - 2_200)]))
    single = sent(devnet, to_bo(devnet, 2, 1_500))
    order = [t.txid for t in choose(devnet.mempool).transactions]
    assert order == [parent.txid, good.txid, fair.txid, single.txid]


def test_a_block_claims_exactly_the_fees_of_what_it_holds(devnet):
    fees = 0
    for height in range(1, 8):
        sent(devnet, to_bo(devnet, height, 1_000 * height))
        fees += 1_000 * height
    assert choose(devnet.mempool).fees == fees
    devnet.mine(1, CIA.script, time=T0 + 2 * DAY)
    (reward,) = devnet.index.coins(CIA.script)
    assert reward.amount == COIN + fees


def test_what_does_not_fit_into_a_block_waits_for_the_next(devnet):
    # Each has about 396,000 weight units: ten would exceed a block's four million.
    bulk = [(BO.script, 330)] * 3_190
    for height in range(1, 12):
        change = COIN - 330 * 3_190 - 100_000 - height * 1_000
        sent(devnet, ANNA.spend([coin(devnet, height)], [*bulk, (ANNA.script, change)]))
    assert len(devnet.mempool) == 11
    devnet.mine(1, time=T0 + 2 * DAY)
    left = devnet.mempool.get(waiting(devnet)[0])
    assert len(devnet.mempool) == 1
    assert left.fee == 101_000  # the one that pays least
    assert devnet.index.blocks[-1].weight <= 4_000_000


def test_a_transaction_whose_lock_a_reorganisation_closes_again_leaves(devnet):
    tip = devnet.tip()
    late = T0 + 30 * DAY
    devnet.mine(11, time=late)
    spend = ANNA.spend([coin(devnet, 1)], [(BO.script, COIN - 1_000)], lock_time=late)
    sent(devnet, spend)
    blocks = devnet.tip().height - tip.height
    # A longer branch whose blocks are all early: the median time falls behind the lock.
    previous = tip
    for number in range(blocks + 1):
        block = build_block(
            previous=previous.hash if number == 0 else previous,
            height=Height(tip.height + 1 + number),
            time=devnet.index.blocks[tip.height].header.time + 600 + number,
            script=b"\x51",
            chosen=Chosen((), Sats(0)),
            extra_nonce=5_000 + number,
        )
        devnet.submit_block(block.serialize())
        previous = block.hash
    assert devnet.tip().hash == previous
    assert len(devnet.mempool) == 0
