"""One contract for every ChainView: the same chain gives the same answers, or a refusal."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from khazana.bitcoin.address import script_of
from khazana.bitcoin.block import merkle_proof_holds
from khazana.bitcoin.chain import (
    BlockNotInBestChain,
    BlockRef,
    ChainView,
    HeightBeyondTip,
    TransactionNotInBlock,
)
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import TxOut
from khazana.errors import KhazanaError
from khazana.units import BlockHash, Height, Sats, Txid
from tests.bitcoin.chainviews import ADAPTERS
from tests.bitcoin.stories import (
    ALSO_OURS,
    FOREIGN,
    MINERS,
    NOWHERE,
    OURS,
    UNUSED,
    pay,
    recorded,
    story,
)


class Disturbance:
    """Runs an action once, before the n-th answer that a source gives."""

    def __init__(self) -> None:
        self.answers = 0
        self._due: int | None = None
        self._action: Callable[[], object] = lambda: None

    def __call__(self) -> None:
        self.answers += 1
        if self._due is not None and self.answers == self._due:
            self._due = None
            self._action()

    def before_answer(self, number: int, action: Callable[[], object]) -> None:
        self._due, self._action = self.answers + number, action

    def happened(self) -> bool:
        return self._due is None


@pytest.fixture(params=ADAPTERS)
def open_view(
    request: pytest.FixtureRequest,
) -> Iterator[Callable[[SimulatedChain], tuple[ChainView, Disturbance]]]:
    with ExitStack() as opened:

        def open_it(chain: SimulatedChain) -> tuple[ChainView, Disturbance]:
            disturbance = Disturbance()
            return opened.enter_context(ADAPTERS[request.param](chain, disturbance)), disturbance

        yield open_it


def test_the_network_is_told_by_the_genesis_block(open_view):
    view, _ = open_view(story().chain)
    assert view.network == REGTEST
    assert view.basis.source


def test_blocks_are_found_by_height_and_by_hash(open_view):
    chain = story().chain
    view, _ = open_view(chain)
    for height in (0, 1, 17, len(chain.blocks) - 1):
        block = BlockRef(Height(height), chain.blocks[height].hash)
        assert view.block_at(Height(height)) == block
        assert view.block_of(block.hash) == block
    assert view.tip() == BlockRef(Height(len(chain.blocks) - 1), chain.blocks[-1].hash)


@pytest.mark.parametrize("beyond", [1, 1_000, 2**31, 2**40])
def test_a_height_beyond_the_tip_is_refused_with_the_tip(open_view, beyond):
    chain = story().chain
    view, _ = open_view(chain)
    with pytest.raises(HeightBeyondTip) as refused:
        view.block_at(Height(len(chain.blocks) - 1 + beyond))
    assert refused.value.tip.hash == chain.blocks[-1].hash


def test_a_negative_height_is_our_own_mistake(open_view):
    view, _ = open_view(story().chain)
    with pytest.raises(ValueError, match="-1"):
        view.block_at(Height(-1))


def test_an_unknown_or_stale_block_is_not_in_the_best_chain(open_view):
    chain = story().chain
    stale = BlockRef(Height(len(chain.blocks) - 1), chain.blocks[-1].hash)
    chain.reorganise(Height(stale.height - 2), [[], [], []])
    view, _ = open_view(chain)
    moved = BlockRef(Height(3), chain.blocks[2].hash)
    beyond = BlockRef(Height(9_999), BlockHash("22" * 32))
    for block in (stale, moved, beyond):
        with pytest.raises(BlockNotInBestChain):
            view.history([OURS], None, block)
        with pytest.raises(BlockNotInBestChain):
            view.coins_at([OURS], block)
        with pytest.raises(BlockNotInBestChain):
            view.headers(Height(0), block)
        with pytest.raises(BlockNotInBestChain):
            view.transaction(NOWHERE, block)
    with pytest.raises(BlockNotInBestChain):
        view.history([OURS], stale, view.tip())
    for name in (stale.hash, beyond.hash):
        with pytest.raises(BlockNotInBestChain):
            view.block_of(name)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 17), (3, 3), (4, 13), (4, 14), (5, 17)])
def test_headers_are_consecutive_and_end_where_asked(open_view, first, last):
    chain = story().chain
    view, _ = open_view(chain)
    found = view.headers(Height(first), BlockRef(Height(last), chain.blocks[last].hash))
    assert list(found) == [block.header for block in chain.blocks[first : last + 1]]


def test_headers_that_begin_after_their_end_are_our_own_mistake(open_view):
    view, _ = open_view(story().chain)
    with pytest.raises(ValueError, match="headers"):
        view.headers(Height(5), view.block_at(Height(4)))


def test_history_holds_receipts_and_spends_chained_in_one_block_in_order(open_view):
    told = story()
    view, _ = open_view(told.chain)
    first, second, third = told.chained
    ours = view.history([OURS], None, told.chained_in)
    assert [c.txid for c in ours] == [told.receipt.txid, first.txid, second.txid, third.txid]
    assert [c.position for c in ours] == [1, 1, 2, 3]
    # Made and spent within the block: both transactions belong to its history.
    also = view.history([ALSO_OURS], None, told.chained_in)
    assert [c.txid for c in also] == [first.txid, second.txid]
    assert view.coins_at([ALSO_OURS], told.chained_in) == []


def test_every_place_in_a_block_is_proved(open_view):
    told = story()
    view, _ = open_view(told.chain)
    history = view.history([OURS, ALSO_OURS], None, view.tip())
    assert len(history) == 36
    assert [c.order for c in history] == sorted(c.order for c in history)
    for confirmed in history:
        block = told.chain.blocks[confirmed.block.height]
        assert block.transactions[confirmed.position] == confirmed.transaction
        assert merkle_proof_holds(
            confirmed.transaction,
            position=confirmed.position,
            branch_le=confirmed.branch_le,
            root_le=block.header.merkle_root_le,
        )


def test_a_spend_counts_although_its_coin_was_made_before_the_period(open_view):
    told = story()
    view, _ = open_view(told.chain)
    before = view.block_at(Height(told.chained_in.height - 1))
    period = view.history([OURS], before, told.chained_in)
    assert [c.txid for c in period] == [t.txid for t in told.chained]
    assert view.history([MINERS], before, view.tip()) == []
    assert view.history([OURS], told.chained_in, told.chained_in) == []


def test_no_script_and_an_unused_script_have_no_history(open_view):
    view, _ = open_view(story().chain)
    assert list(view.history([], None, view.tip())) == []
    assert list(view.coins_at([], view.tip())) == []
    assert list(view.history([UNUSED], None, view.tip())) == []
    assert list(view.coins_at([UNUSED], view.tip())) == []


def test_a_script_given_twice_is_answered_once(open_view):
    view, _ = open_view(story().chain)
    tip = view.tip()
    assert view.history([OURS, OURS, ALSO_OURS], None, tip) == view.history(
        [ALSO_OURS, OURS], None, tip
    )
    assert view.coins_at([OURS, OURS], tip) == view.coins_at({OURS}, tip)


def test_coins_of_a_coinbase_say_so_and_are_immature(open_view):
    view, _ = open_view(story().chain)
    (coin,) = [c for c in view.coins_at([OURS], view.tip()) if c.is_coinbase]
    assert coin.amount == 1_000
    assert not coin.is_mature(view.tip().height)


def test_coins_are_those_unspent_when_the_block_was_the_tip(open_view):
    told = story()
    view, _ = open_view(told.chain)
    at_receipt = view.coins_at([OURS], view.block_at(Height(2)))
    assert {(c.outpoint.txid, c.amount) for c in at_receipt} == {
        (told.receipt.txid, 700),
        (told.receipt.txid, 50),
    }
    assert [c.outpoint for c in at_receipt] == sorted(c.outpoint for c in at_receipt)
    assert view.coins_at([OURS], told.chained_in) == []


def test_a_transaction_is_found_in_its_block_only(open_view):
    told = story()
    view, _ = open_view(told.chain)
    second = told.chained[1]
    found = view.transaction(second.txid, told.chained_in)
    assert (found.transaction, found.position) == (second, 2)
    for txid in (told.receipt.txid, NOWHERE):
        with pytest.raises(TransactionNotInBlock):
            view.transaction(txid, told.chained_in)


def test_every_adapter_answers_as_the_simulated_chain_does(open_view):
    chain = story().chain
    view, _ = open_view(chain)
    scripts = [OURS, ALSO_OURS, FOREIGN, MINERS]
    for height in (0, 3, 4, 11, len(chain.blocks) - 1):
        block = BlockRef(Height(height), chain.blocks[height].hash)
        assert list(view.history(scripts, None, block)) == chain.history(scripts, None, block)
        assert list(view.coins_at(scripts, block)) == chain.coins_at(scripts, block)


def test_every_adapter_reads_a_real_nodes_chain_alike(open_view):
    chain, addresses = recorded()
    view, _ = open_view(chain)
    scripts = [script_of(address, REGTEST) for address in addresses]
    tip, middle = view.tip(), view.block_at(Height(167))
    assert list(view.headers(Height(0), tip)) == [block.header for block in chain.blocks]
    history = view.history(scripts, None, tip)
    assert list(history) == chain.history(scripts, None, tip)
    assert len(history) > 40
    assert list(view.history(scripts, middle, tip)) == chain.history(scripts, middle, tip)
    assert list(view.coins_at(scripts, middle)) == chain.coins_at(scripts, middle)
    last = history[-1]
    assert view.transaction(last.txid, last.block) == last


# Reorganisations in the middle of a read


def reorganised(chain: SimulatedChain, *, depth: int) -> Callable[[], object]:
    """Replace the newest blocks by a longer branch, on which OURS is paid something else."""
    other = pay([chain.blocks[1].transactions[0].outpoint(0)], (OURS, 123_456))

    def action() -> None:
        fork = Height(len(chain.blocks) - 1 - depth)
        chain.reorganise(fork, [[other], *([] for _ in range(depth))])

    return action


def attempts(open_view, ask, *, depth):
    """Each answer of a read is once the moment of a reorganisation: what is answered then?"""
    number = 1
    while True:
        chain = story().chain
        view, disturbance = open_view(chain)
        tip = chain.tip()
        old = SimulatedChain(blocks=list(chain.blocks))
        disturbance.before_answer(number, reorganised(chain, depth=depth))
        try:
            answer: object = ask(view, tip)
        except KhazanaError as refused:
            answer = refused
        if not disturbance.happened():
            assert number > 1, "the read asked nothing"
            return
        yield tip, old, chain, answer
        number += 1
        if number > 12:
            number += 29


@pytest.mark.parametrize("depth", [1, 4])
def test_a_read_of_a_block_that_is_reorganised_away_is_refused(open_view, depth):
    def ask(view, tip):
        return list(view.history([OURS, ALSO_OURS], None, tip))

    for tip, old, new, answer in attempts(open_view, ask, depth=depth):
        if isinstance(answer, KhazanaError):
            assert isinstance(answer, BlockNotInBestChain), answer
            assert any(block.hash in answer.block for block in new.stale)
        else:
            # The reorganisation came after everything that mattered had been checked.
            assert answer == old.history([OURS, ALSO_OURS], None, tip)


def test_a_reorganisation_above_the_block_asked_about_changes_nothing(open_view):
    def ask(view, tip):
        return list(view.history([OURS, ALSO_OURS], None, view.block_at(Height(tip.height - 6))))

    for tip, old, _, answer in attempts(open_view, ask, depth=5):
        below = BlockRef(Height(tip.height - 6), old.blocks[tip.height - 6].hash)
        assert answer == old.history([OURS, ALSO_OURS], None, below)


def test_headers_are_never_of_two_branches(open_view):
    def ask(view, tip):
        return list(view.headers(Height(0), tip))

    for _, old, _, answer in attempts(open_view, ask, depth=4):
        if isinstance(answer, KhazanaError):
            assert isinstance(answer, BlockNotInBestChain), answer
        else:
            assert answer == [block.header for block in old.blocks]


def test_the_tip_is_of_one_branch(open_view):
    for _, old, new, answer in attempts(open_view, lambda view, _: view.tip(), depth=2):
        assert answer in (old.tip(), new.tip())


def test_a_transaction_that_moves_to_another_block_is_found_in_the_new_one(open_view):
    chain = SimulatedChain()
    chain.add_block(coinbase=[TxOut(Sats(9_000), MINERS)])
    payment = pay([(chain.blocks[1].transactions[0], 0)], (OURS, 8_000))
    old = chain.add_block([payment])
    view, _ = open_view(chain)
    assert view.transaction(payment.txid, old).block == old
    chain.reorganise(Height(1), [[], [payment]])
    assert [c.block for c in view.history([OURS], None, view.tip())] == [chain.tip()]
    with pytest.raises(BlockNotInBestChain):
        view.transaction(payment.txid, old)
    assert view.transaction(Txid(payment.txid), chain.tip()).position == 1
