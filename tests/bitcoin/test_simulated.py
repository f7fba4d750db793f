"""The simulated chain is real where it claims to be: hashes, roots, work, links."""

from itertools import pairwise

import pytest

from khazana.bitcoin.block import Block
from khazana.bitcoin.chain import BlockNotInBestChain
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.work import meets_target
from khazana.units import Height
from tests.bitcoin.stories import OURS, story


def test_its_blocks_are_real_and_survive_being_written_and_read():
    chain = story().chain
    assert chain.blocks[0].hash == REGTEST.genesis
    for before, block in pairwise(chain.blocks):
        assert block.header.previous == before.hash
        assert meets_target(block.header.hash_le, block.header.bits)
        assert block.merkle_root_holds()
        assert Block.parse(block.serialize()) == block
    again = SimulatedChain.of_blocks(block.serialize() for block in chain.blocks)
    assert again.tip() == chain.tip()


def test_no_two_coinbases_are_alike():
    chain = SimulatedChain()
    chain.add_blocks(300)
    txids = {block.transactions[0].txid for block in chain.blocks}
    assert len(txids) == 301


def test_only_a_longer_branch_replaces_the_tip():
    chain = story().chain
    tip = chain.tip()
    with pytest.raises(ValueError, match="not longer"):
        chain.reorganise(Height(tip.height - 2), [[], []])
    assert chain.tip() == tip
    new = chain.reorganise(Height(tip.height - 2), [[], [], []])
    assert new.height == tip.height + 1
    assert [block.hash for block in chain.stale][-1] == tip.hash


def test_a_reorganisation_in_the_middle_of_a_read_is_refused():
    chain = story().chain
    tip = chain.tip()
    chain.before_answer = lambda: chain.reorganise(Height(tip.height - 1), [[], []])
    with pytest.raises(BlockNotInBestChain):
        chain.history([OURS], None, tip)


def test_blocks_that_are_no_chain_are_our_own_mistake():
    raw = [block.serialize() for block in story().chain.blocks]
    for wrong in ([], raw[1:], [raw[0], raw[2]], [raw[0], raw[1][:-1] + b"\1"]):
        with pytest.raises(ValueError, match="block"):
            SimulatedChain.of_blocks(wrong)
