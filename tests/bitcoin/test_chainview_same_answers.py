"""The contract on chains that consensus accepts, the devnet among the adapters.

Each question is put to an adapter and to the SimulatedChain: same answer, or same error with the
same facts.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint
from khazana.errors import KhazanaError
from khazana.units import BlockHash, Height, Txid
from tests.bitcoin.chainviews import ADAPTERS
from tests.bitcoin.core_server import recorded_chain, recorded_scripts
from tests.bitcoin.valid_chain import (
    CUSTODY,
    DUST,
    FUND,
    MANY,
    MINER,
    NEVER,
    SCRIPTS,
    TREASURY,
    devnet_view,
    spend,
    valid_chain,
)

Question = Callable[[ChainView], Any]
UNKNOWN = Txid("77" * 32)


@cache
def reorganised_chain() -> SimulatedChain:
    """The valid chain after its last four blocks were replaced by five."""
    chain = valid_chain()
    mined: OutPoint = chain.blocks[3].transactions[0].outpoint(0)
    chain.reorganise(Height(110), [[], [spend([mined], (FUND, 5_000))], [], [], []])
    return chain


CHAINS: dict[str, Callable[[], SimulatedChain]] = {
    "valid": cache(valid_chain),
    "reorganised": reorganised_chain,
    "recorded": cache(recorded_chain),
}


@pytest.fixture(params=[*ADAPTERS, "devnet"], scope="module")
def view_of(request: pytest.FixtureRequest) -> Iterator[Callable[[str], ChainView]]:
    """By the name of a chain, the adapter's view of it; opened once for all questions."""
    with ExitStack() as opened:

        @cache
        def view(name: str) -> ChainView:
            chain = CHAINS[name]()
            if request.param == "devnet":
                return opened.enter_context(devnet_view(chain))
            return opened.enter_context(ADAPTERS[request.param](chain, lambda: None))

        yield view


def outcome(view: ChainView, question: Question) -> Any:
    """The answer, or the error's code and facts; who was asked is the one fact that differs."""
    try:
        answer = question(view)
    except KhazanaError as error:
        facts = {name: fact for name, fact in error.facts().items() if name != "source"}
        return error.code, facts
    except ValueError as error:
        return "ValueError", str(error)
    return list(answer) if isinstance(answer, (list, tuple)) else answer


def same(view_of: Callable[[str], ChainView], name: str, *questions: Question) -> list[Any]:
    """What the adapter says, after it was compared with what the chain itself says."""
    view, chain = view_of(name), CHAINS[name]()
    answers = [outcome(view, question) for question in questions]
    assert answers == [outcome(chain, question) for question in questions]
    return answers


def ref(name: str, height: int) -> BlockRef:
    return BlockRef(Height(height), CHAINS[name]().blocks[height].hash)


def tip(name: str) -> BlockRef:
    return CHAINS[name]().tip()


@pytest.mark.parametrize("name", CHAINS)
def test_the_tip_and_every_block_have_the_same_names(view_of, name):
    height = tip(name).height
    heights = [0, 1, 16, 17, height - 1, height, height + 1, height + 1000]
    answers = same(
        view_of,
        name,
        lambda view: view.tip(),
        lambda view: view.network,
        *(lambda view, h=h: view.block_at(Height(h)) for h in heights),
        *(lambda view, h=h: view.block_of(ref(name, h).hash) for h in heights[:-2]),
        lambda view: view.block_at(Height(-1)),
    )
    assert answers[-1] == ("ValueError", "no block has height -1")
    assert "height_beyond_tip" in [a[0] for a in answers if isinstance(a, tuple)]


@pytest.mark.parametrize("name", CHAINS)
def test_headers_are_the_same(view_of, name):
    top = tip(name)
    (everything, *_) = same(
        view_of,
        name,
        lambda view: view.headers(Height(0), top),
        lambda view: view.headers(top.height, top),
        lambda view: view.headers(Height(3), ref(name, 14)),
        lambda view: view.headers(Height(0), ref(name, 0)),
        lambda view: view.headers(Height(9), ref(name, 8)),
    )
    assert len(everything) == top.height + 1


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_the_history_and_coins_of_each_script_are_the_same(view_of, script):
    top = tip("valid")
    history, _, _, coins = same(
        view_of,
        "valid",
        lambda view: view.history([script], None, top),
        lambda view: view.history([script], ref("valid", 0), top),
        lambda view: view.history([script], ref("valid", 106), ref("valid", 109)),
        lambda view: view.coins_at([script], top),
    )
    assert history
    assert bool(coins) == (script != MANY)


def test_a_script_with_many_transactions_is_read_to_the_end(view_of):
    (history, before, after) = same(
        view_of,
        "valid",
        lambda view: view.history([MANY], None, tip("valid")),
        lambda view: view.coins_at([MANY], ref("valid", 107)),
        lambda view: view.coins_at([MANY], ref("valid", 111)),
    )
    assert len(history) == 72
    assert (len(before), after) == (70, [])


def test_chains_of_spends_in_one_block_are_in_the_order_of_the_block(view_of):
    (found, held) = same(
        view_of,
        "valid",
        lambda view: view.history([FUND, CUSTODY], ref("valid", 108), ref("valid", 109)),
        lambda view: view.coins_at([FUND, CUSTODY, TREASURY], ref("valid", 109)),
    )
    assert [c.position for c in found] == [1, 2, 4, 5]
    assert len(held) == 4


def test_dust_of_one_satoshi_and_of_none_is_counted(view_of):
    (made, spent) = same(
        view_of,
        "valid",
        lambda view: view.coins_at([DUST], ref("valid", 106)),
        lambda view: view.coins_at([DUST], ref("valid", 110)),
    )
    assert sorted(coin.amount for coin in made) == [0, 1]
    assert sorted(coin.amount for coin in spent) == [546, 200_000_000]
    assert sorted(coin.is_coinbase for coin in spent) == [False, True]


def test_all_scripts_together_give_each_transaction_once(view_of):
    everything = list(SCRIPTS.values())
    (history, again, _, _) = same(
        view_of,
        "valid",
        lambda view: view.history(everything, None, tip("valid")),
        lambda view: view.history([*everything, *everything, NEVER], None, tip("valid")),
        lambda view: view.history(frozenset(everything), ref("valid", 108), tip("valid")),
        lambda view: view.coins_at([*everything, FUND, FUND], tip("valid")),
    )
    txids = [confirmed.txid for confirmed in history]
    assert len(txids) == len(set(txids))
    assert history == again


def test_no_script_and_an_unused_script_have_nothing(view_of):
    answers = same(
        view_of,
        "valid",
        lambda view: view.history([], None, tip("valid")),
        lambda view: view.history([NEVER], None, tip("valid")),
        lambda view: view.coins_at([], tip("valid")),
        lambda view: view.coins_at({NEVER}, tip("valid")),
        lambda view: view.history([FUND], tip("valid"), tip("valid")),
        lambda view: view.history([FUND], tip("valid"), ref("valid", 109)),
        lambda view: view.history([FUND], None, ref("valid", 0)),
    )
    assert answers == [[]] * 7


def test_coins_at_every_height_of_interest_are_the_same(view_of):
    watched = [MINER, TREASURY, FUND, CUSTODY, DUST]
    answers = same(
        view_of,
        "valid",
        *(
            lambda view, h=h: view.coins_at(watched, ref("valid", h))
            for h in (0, 1, 5, 6, 105, 106, 107, 109, 110, 111, 114)
        ),
    )
    assert [len(coins) for coins in answers] == [0, 1, 5, 7, 7, 9, 9, 9, 10, 11, 12]


def test_a_transaction_is_the_same_with_its_proof_and_absent_elsewhere(view_of):
    block = CHAINS["valid"]().blocks[109]
    txids = [transaction.txid for transaction in block.transactions]
    answers = same(
        view_of,
        "valid",
        *(lambda view, t=t: view.transaction(t, ref("valid", 109)) for t in txids),
        lambda view: view.transaction(UNKNOWN, ref("valid", 109)),
        lambda view: view.transaction(txids[1], ref("valid", 108)),
        lambda view: view.transaction(txids[0], ref("valid", 110)),
    )
    assert [a.position for a in answers[:-3]] == list(range(6))
    assert [code for code, _ in answers[-3:]] == ["transaction_not_in_block"] * 3


def test_blocks_outside_the_best_chain_are_refused_with_the_same_facts(view_of):
    chain = reorganised_chain()
    stale = BlockRef(Height(111), chain.stale[0].hash)
    assert stale.hash != chain.blocks[111].hash
    moved = BlockRef(Height(100), chain.blocks[101].hash)
    beyond = BlockRef(Height(5_000), chain.blocks[101].hash)
    unknown = BlockRef(Height(100), BlockHash("ab" * 32))
    top = tip("reorganised")
    answers = same(
        view_of,
        "reorganised",
        *(
            question
            for block in (stale, moved, beyond, unknown)
            for question in (
                lambda view, b=block: view.history([FUND], None, b),
                lambda view, b=block: view.history([], None, b),
                lambda view, b=block: view.history([FUND], b, top),
                lambda view, b=block: view.coins_at([FUND], b),
                lambda view, b=block: view.coins_at([], b),
                lambda view, b=block: view.headers(Height(0), b),
                lambda view, b=block: view.transaction(UNKNOWN, b),
            )
        ),
        lambda view: view.block_of(stale.hash),
        lambda view: view.block_of(unknown.hash),
        lambda view: view.block_of(BlockHash("no hash")),
    )
    assert {code for code, _ in answers} == {"block_not_in_best_chain"}


def test_after_a_reorganisation_only_the_new_branch_is_read(view_of):
    (history, _, custody) = same(
        view_of,
        "reorganised",
        lambda view: view.history([FUND], ref("reorganised", 110), tip("reorganised")),
        lambda view: view.coins_at([FUND, MINER, CUSTODY, MANY], tip("reorganised")),
        lambda view: view.history([CUSTODY], ref("reorganised", 110), tip("reorganised")),
    )
    assert [c.block.height for c in history] == [112]
    assert custody == []


def test_the_recorded_nodes_chain_is_read_alike(view_of):
    scripts = recorded_scripts()
    top = tip("recorded")
    answers = same(
        view_of,
        "recorded",
        lambda view: view.history(scripts, None, top),
        lambda view: view.history(scripts, ref("recorded", 160), top),
        lambda view: view.coins_at(scripts, top),
        lambda view: view.coins_at(scripts, ref("recorded", 167)),
        *(lambda view, s=s: view.history([s], None, top) for s in scripts),
    )
    assert len(answers[0]) == 80
    assert all(answers)
