"""The simulated chain builds blocks that others can read, and refuses blocks that do not fit."""

from dataclasses import replace

import pytest

from khazana.bitcoin.block import Block, merkle_proof_holds
from khazana.bitcoin.network import MAINNET
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.simulated import SimulatedChain
from tests.bitcoin.core_server import recorded_chain


def raw(chain: SimulatedChain) -> list[bytes]:
    return [block.serialize() for block in chain.blocks]


@pytest.mark.parametrize("count", [1, 16, 17, 127, 128, 300])
def test_the_coinbase_of_every_height_can_be_proved(count):
    chain = SimulatedChain()
    tip = chain.add_blocks(count)
    coinbase = chain.blocks[tip.height].transactions[0]
    found = chain.transaction(coinbase.txid, tip)
    assert merkle_proof_holds(
        coinbase,
        position=0,
        branch_le=found.branch_le,
        root_le=chain.blocks[tip.height].header.merkle_root_le,
    )


def test_coinbases_begin_with_the_height_as_the_recorded_nodes_do():
    theirs, ours = recorded_chain(), SimulatedChain()
    ours.add_blocks(len(theirs.blocks) - 1)
    for height in range(1, len(theirs.blocks)):
        pushed = [c.blocks[height].transactions[0].inputs[0].script_sig for c in (theirs, ours)]
        assert pushed[0].rstrip(b"\x00") == pushed[1].rstrip(b"\x00"), height


def test_a_chain_of_blocks_made_elsewhere_is_the_same_chain():
    theirs = recorded_chain()
    again = SimulatedChain.of_blocks(raw(theirs))
    assert again.blocks == theirs.blocks
    assert again.tip() == theirs.tip()
    again.add_block()
    assert again.tip().height == theirs.tip().height + 1


def test_blocks_that_do_not_begin_a_network_are_refused():
    chain = SimulatedChain()
    chain.add_blocks(2)
    for blocks, network in (([], chain.network), (raw(chain)[1:], chain.network)):
        with pytest.raises(ValueError, match="genesis block of regtest"):
            SimulatedChain.of_blocks(blocks, network)
    with pytest.raises(ValueError, match="genesis block of mainnet"):
        SimulatedChain.of_blocks(raw(chain), MAINNET)


def test_blocks_that_do_not_stand_on_one_another_are_refused():
    chain = SimulatedChain()
    chain.add_blocks(3)
    blocks = raw(chain)
    with pytest.raises(ValueError, match="block 2 does not stand on the block before it"):
        SimulatedChain.of_blocks([*blocks[:2], blocks[3]])


def test_blocks_without_work_are_refused():
    chain = SimulatedChain()
    chain.add_block()
    header = chain.blocks[1].header
    lazy = next(
        Block(replace(header, nonce=nonce), chain.blocks[1].transactions)
        for nonce in range(1000)
        if replace(header, nonce=nonce).hash_le[31] >= 0x80
    )
    with pytest.raises(ValueError, match="block 1 carries no proof of work"):
        SimulatedChain.of_blocks([raw(chain)[0], lazy.serialize()])


def test_blocks_with_other_transactions_than_committed_to_are_refused():
    chain = SimulatedChain()
    chain.add_blocks(2)
    first, second, third = chain.blocks
    swapped = Block(second.header, third.transactions)
    with pytest.raises(ValueError, match="block 1 does not hold what its header commits to"):
        SimulatedChain.of_blocks([first.serialize(), swapped.serialize()])
    with pytest.raises(MalformedBytes):
        SimulatedChain.of_blocks([first.serialize(), second.serialize()[:-1]])
