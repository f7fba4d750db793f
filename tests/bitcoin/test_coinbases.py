"""What blocks paid, by every adapter that holds whole blocks; the others say that they do not."""

import pytest

from khazana.bitcoin.block import merkle_proof_holds
from khazana.bitcoin.chain import BlockNotInBestChain, BlockRef
from khazana.bitcoin.coinbases import CoinbasesNotGiven, CoinbaseSource, coinbases_of
from khazana.units import BlockHash, Height
from tests.bitcoin.chainviews import ADAPTERS
from tests.bitcoin.stories import story

WHOLE = [name for name in ADAPTERS if not name.startswith("esplora")]


def undisturbed() -> None:
    """Nothing happens while the source is asked."""


@pytest.mark.parametrize("name", list(ADAPTERS))
def test_each_block_has_its_coinbase_proved_by_its_branch_or_the_source_says_it_has_none(name):
    chain = story().chain
    with ADAPTERS[name](chain, undisturbed) as view:
        last = view.block_at(Height(8))
        assert isinstance(view, CoinbaseSource) == (name in WHOLE)
        if name not in WHOLE:
            with pytest.raises(CoinbasesNotGiven, match="ask a node of your own"):
                coinbases_of(view, Height(2), last)
            return
        found = coinbases_of(view, Height(2), last)
    assert list(found) == list(chain.coinbases(Height(2), chain.block_at(Height(8))))
    assert [c.block.height for c in found] == [2, 3, 4, 5, 6, 7, 8]
    for confirmed in found:
        header = chain.blocks[confirmed.block.height].header
        assert confirmed.transaction.is_coinbase
        assert merkle_proof_holds(
            confirmed.transaction,
            position=0,
            branch_le=confirmed.branch_le,
            root_le=header.merkle_root_le,
        )


@pytest.mark.parametrize("name", WHOLE)
def test_a_block_that_left_the_best_chain_pays_nobody(name):
    chain = story().chain
    with ADAPTERS[name](chain, undisturbed) as view:
        stale = BlockRef(Height(8), BlockHash("77" * 32))
        with pytest.raises(BlockNotInBestChain):
            coinbases_of(view, Height(2), stale)
