from dataclasses import replace
from typing import Any

import pytest

from khazana.bitcoin.chain import ConfirmedTransaction, coins_after
from khazana.ledger.accounts import Wallet
from khazana.ledger.entries import ChainEntry, CoinPosting, HeldCoin
from khazana.ledger.postings import (
    CoinMadeTwice,
    CoinSpentTwice,
    ScriptDeclaredTwice,
    balances_after,
    balances_of,
    coins_after_entries,
    coins_follow,
    entries_by_wallet,
    entries_of,
    held_coins,
    immature_amount,
    owners_of_scripts,
)
from khazana.units import Height, Sats
from tests.ledger.paper_chain import PaperChain, block_ref, script_of, wallet_of

FUND, MINE = wallet_of("fund"), wallet_of("mine", entity="energy")


def posted(postings: tuple[CoinPosting, ...]) -> list[tuple[str, int]]:
    return [(posting.wallet, posting.amount) for posting in postings]


def test_l5_a_receipt_from_strangers_shows_the_coin_and_no_word_about_the_strangers() -> None:
    chain = PaperChain()
    paid = chain.pay(5, [chain.foreign()], [("stranger", 70), ("fund/1", 30)])
    (entry,) = entries_of(chain.history, [FUND], {})
    assert entry.txid == paid.txid
    assert entry.order == (5, 1)
    assert entry.spent == ()
    assert entry.received == (CoinPosting("fund", paid.outpoint(1), Sats(30)),)
    assert entry.fee is None
    assert entry.paid_outside is None
    assert entry.wallets == ("fund",)


def test_l2_fee_and_payment_are_stated_when_every_input_is_declared() -> None:
    chain = PaperChain()
    first, second = chain.coin("fund", 60), chain.coin("mine", 50)
    chain.pay(5, [second, first], [("stranger", 70), ("mine/1", 30), ("op_return", 0)])
    (entry,) = entries_of(chain.history, [FUND, MINE], {c.outpoint: c for c in (first, second)})
    assert posted(entry.spent) == [("mine", 50), ("fund", 60)]  # in the order of the inputs
    assert posted(entry.received) == [("mine", 30)]
    assert (entry.paid_outside, entry.fee) == (70, 10)


def test_l2_one_strange_input_hides_fee_and_payment() -> None:
    chain = PaperChain()
    coin = chain.coin("fund", 60)
    chain.pay(5, [coin, chain.foreign()], [("stranger", 70), ("fund/1", 40)])
    (entry,) = entries_of(chain.history, [FUND], {coin.outpoint: coin})
    assert posted(entry.spent) == [("fund", 60)]
    assert (entry.paid_outside, entry.fee) == (None, None)


def test_l2_a_coinbase_shared_with_strangers_states_neither_fee_nor_payment() -> None:
    chain = PaperChain()
    chain.coinbase(7, [("stranger", 40), ("mine", 10), ("op_return", 0)])
    (entry,) = entries_of(chain.history, [MINE], {})
    assert entry.coinbase
    assert entry.position == 0
    assert posted(entry.received) == [("mine", 10)]
    assert (entry.spent, entry.paid_outside, entry.fee) == ((), None, None)


def test_l5_an_opening_coin_of_a_script_nobody_declares_is_an_outsiders() -> None:
    chain = PaperChain()
    ours, theirs = chain.coin("fund", 60), chain.coin("mine", 50)
    chain.pay(5, [ours, theirs], [("fund", 100)])
    opening = {c.outpoint: c for c in (ours, theirs)}
    (entry,) = entries_of(chain.history, [FUND], opening)
    assert posted(entry.spent) == [("fund", 60)]
    assert entry.fee is None
    assert balances_of(held_coins(opening.values(), [FUND]).values()) == {"fund": 60}


def test_l5_coins_made_and_spent_again_in_one_block_are_followed() -> None:
    chain = PaperChain()
    first = chain.pay(5, [chain.foreign()], [("fund", 100)])
    second = chain.pay(5, [first.outpoint(0)], [("mine", 60), ("fund/1", 39)])
    third = chain.pay(5, [second.outpoint(1), second.outpoint(0)], [("stranger", 97)])
    entries = entries_of(chain.history, [FUND, MINE], {})
    assert [entry.position for entry in entries] == [1, 2, 3]
    assert [entry.fee for entry in entries] == [None, 1, 2]
    assert posted(entries[2].spent) == [("fund", 39), ("mine", 60)]
    assert entries[2].txid == third.txid
    assert balances_after({}, entries) == {"fund": 0, "mine": 0}
    assert coins_after_entries({}, entries) == {}


def test_transactions_that_touch_no_declared_wallet_leave_no_entry() -> None:
    chain = PaperChain()
    chain.pay(5, [chain.foreign()], [("stranger", 70)])
    assert entries_of(chain.history, [FUND], {}) == ()


def test_dust_and_outputs_of_nothing_are_coins_like_any_other() -> None:
    chain = PaperChain()
    dust = chain.pay(5, [chain.foreign()], [("fund", 1), ("fund/1", 0)])
    chain.pay(6, [dust.outpoint(0), dust.outpoint(1)], [("op_return", 0)])
    received, spent = entries_of(chain.history, [FUND], {})
    assert posted(received.received) == [("fund", 1), ("fund", 0)]
    assert (spent.paid_outside, spent.fee) == (0, 1)


def test_l5_a_script_that_two_wallets_declare_is_refused_by_name() -> None:
    thief = Wallet(
        id="thief",
        entity="energy",
        name={"en": "thief"},
        scripts=(script_of("thief"), script_of("fund", 1)),
        lanes=FUND.lanes,
        declared=FUND.declared,
    )
    with pytest.raises(ScriptDeclaredTwice, match="fund and thief") as refused:
        entries_of([], [FUND, thief], {})
    assert refused.value.code == "script_declared_twice"
    assert refused.value.script == script_of("fund", 1).hex()
    assert owners_of_scripts([FUND, FUND]) == owners_of_scripts([FUND])


def test_a_history_out_of_order_is_our_mistake() -> None:
    chain = PaperChain()
    chain.pay(6, [chain.foreign()], [("fund", 1)])
    chain.pay(5, [chain.foreign()], [("fund", 1)])
    with pytest.raises(ValueError, match="not in chain order"):
        entries_of(chain.history, [FUND], {})
    with pytest.raises(ValueError, match="not in chain order"):
        entries_of(chain.history[:1] * 2, [FUND], {})


def test_a_history_that_spends_a_coin_twice_is_refused() -> None:
    chain = PaperChain()
    coin = chain.coin("fund", 60)
    chain.pay(5, [coin], [("stranger", 60)])
    lie = chain.pay(6, [coin, chain.foreign()], [("fund", 60)])
    with pytest.raises(CoinSpentTwice) as refused:
        entries_of(chain.history, [FUND], {coin.outpoint: coin})
    assert refused.value.txid == lie.txid
    assert refused.value.outpoint == coin.outpoint
    assert str(coin.outpoint) in str(refused.value)


def test_opening_coins_taken_after_the_history_began_are_refused() -> None:
    chain = PaperChain()
    paid = chain.pay(5, [chain.foreign()], [("fund", 60)])
    late = {c.outpoint: c for c in coins_after(chain.history, FUND.scripts).values()}
    with pytest.raises(CoinMadeTwice) as refused:
        entries_of(chain.history, [FUND], late)
    assert refused.value.outpoint == paid.outpoint(0)
    assert refused.value.block == block_ref(5)


def test_a_history_that_makes_a_spent_coin_again_is_refused() -> None:
    chain = PaperChain()
    paid = chain.pay(5, [chain.foreign()], [("fund", 60)])
    chain.pay(6, [paid.outpoint(0)], [("stranger", 60)])
    again = ConfirmedTransaction(paid, block_ref(7), 1, ())
    with pytest.raises(CoinMadeTwice, match="Block 7"):
        entries_of([*chain.history, again], [FUND], {})


def test_l6_a_coinbase_may_be_spent_a_hundred_blocks_later_and_not_before() -> None:
    for height, findings in ((106, 1), (107, 0)):
        chain = PaperChain()
        mined = chain.coinbase(7, [("mine", 10)])
        chain.pay(height, [mined.outpoint(0)], [("stranger", 10)])
        entries = entries_of(chain.history, [MINE], {})
        assert len(list(coins_follow({}, entries))) == findings


def test_l6_a_coinbase_matures_after_a_hundred_blocks() -> None:
    chain = PaperChain()
    mined = chain.coinbase(7, [("mine", 10)])
    chain.pay(8, [chain.foreign()], [("mine", 5)])
    coins = coins_after_entries({}, entries_of(chain.history, [MINE], {}))
    assert immature_amount(coins.values(), Height(7)) == 10
    assert immature_amount(coins.values(), Height(105)) == 10
    assert immature_amount(coins.values(), Height(106)) == 0  # block 107 may spend it
    assert coins[mined.outpoint(0)] == HeldCoin(
        "mine", mined.outpoint(0), Sats(10), block_ref(7), True
    )
    (as_chain_says,) = (
        c for c in coins_after(chain.history, MINE.scripts).values() if c.is_coinbase
    )
    held = coins[mined.outpoint(0)]
    assert all(as_chain_says.is_mature(Height(h)) is held.is_mature(Height(h)) for h in (105, 106))


def test_l6_coins_after_the_entries_are_the_chains_own_coins() -> None:
    chain = PaperChain()
    first = chain.pay(5, [chain.foreign()], [("fund", 100), ("mine", 7)])
    chain.pay(6, [first.outpoint(0)], [("mine/1", 60), ("fund", 30)])
    scripts = (*FUND.scripts, *MINE.scripts)
    expected = held_coins(coins_after(chain.history, scripts).values(), [FUND, MINE])
    entries = entries_of(chain.history, [FUND, MINE], {})
    assert coins_after_entries({}, entries) == expected
    assert balances_of(expected.values()) == balances_after({}, entries)
    assert list(coins_follow({}, entries)) == []


def test_a_later_period_starts_from_the_coins_of_the_earlier_one() -> None:
    chain = PaperChain()
    first = chain.pay(5, [chain.foreign()], [("fund", 100), ("mine", 7)])
    middle = coins_after(chain.history, (*FUND.scripts, *MINE.scripts))
    chain.pay(6, [first.outpoint(0), first.outpoint(1)], [("stranger", 100)])
    both = entries_of(chain.history, [FUND, MINE], {})
    assert entries_of(chain.history[1:], [FUND, MINE], middle) == both[1:]


def test_l6_entries_that_do_not_follow_are_all_found() -> None:
    chain = PaperChain()
    mined = chain.coinbase(1, [("mine", 10)])
    paid = chain.pay(2, [chain.foreign()], [("fund", 60)])
    spent = chain.pay(3, [paid.outpoint(0)], [("stranger", 60)])
    base, receipt, payment = entries_of(chain.history, [FUND, MINE], {})

    def texts(*entries: ChainEntry) -> list[str]:
        return [finding.text for finding in coins_follow({}, entries)]

    assert texts(base, receipt, payment) == []
    assert texts(base, payment) == [f"the spent coin {paid.outpoint(0)} was never received"]
    assert texts(payment, receipt) == [
        f"the spent coin {paid.outpoint(0)} was never received",
        "the entry does not follow the one before it in the chain",
    ]
    again = entry_like(payment, position=2)
    assert texts(receipt, payment, again) == [f"the spent coin {paid.outpoint(0)} was spent before"]
    bigger = entry_like(payment, spent=(CoinPosting("mine", paid.outpoint(0), Sats(61)),))
    assert texts(receipt, bigger) == [
        f"mine spends 61 sat with {paid.outpoint(0)}, which holds 60 sat of fund"
    ]
    early = entry_like(payment, spent=(CoinPosting("mine", mined.outpoint(0), Sats(10)),))
    assert texts(base, early) == [f"the coinbase {mined.outpoint(0)} is spent before it is mature"]
    twice = entry_like(receipt, position=2)
    assert texts(receipt, twice) == [f"the coin {paid.outpoint(0)} is received twice"]
    foreign = entry_like(receipt, received=(CoinPosting("fund", spent.outpoint(0), Sats(60)),))
    assert texts(foreign) == [f"the received coin {spent.outpoint(0)} is another transaction's"]
    with pytest.raises(ValueError, match="which nobody holds"):
        coins_after_entries({}, [payment])


def entry_like(entry: ChainEntry, **changes: Any) -> ChainEntry:
    return replace(entry, **changes)


def test_entries_are_found_by_wallet() -> None:
    chain = PaperChain()
    chain.pay(5, [chain.foreign()], [("fund", 100), ("mine", 7)])
    chain.pay(6, [chain.foreign()], [("mine", 7)])
    entries = entries_of(chain.history, [FUND, MINE], {})
    assert entries_by_wallet(entries) == {"fund": entries[:1], "mine": entries}


def test_an_entry_cannot_be_built_wrong() -> None:
    outpoint = PaperChain().foreign()
    coin = CoinPosting("fund", outpoint, Sats(5))

    def entry(
        *, coinbase: bool = False, spent: bool = False, outside: int | None, fee: int | None
    ) -> ChainEntry:
        return ChainEntry(
            txid=outpoint.txid,
            block=block_ref(1),
            position=0,
            coinbase=coinbase,
            spent=(coin,) if spent else (),
            received=(coin,),
            paid_outside=None if outside is None else Sats(outside),
            fee=None if fee is None else Sats(fee),
        )

    with pytest.raises(ValueError, match="known together"):
        entry(spent=True, outside=None, fee=1)
    with pytest.raises(ValueError, match="spends no coin"):
        entry(coinbase=True, spent=True, outside=None, fee=None)
    with pytest.raises(ValueError, match="spends no coin"):
        entry(coinbase=True, outside=0, fee=0)
    with pytest.raises(ValueError, match="from the coins that paid it"):
        entry(outside=0, fee=0)
    with pytest.raises(ValueError, match="-1 sat"):
        CoinPosting("fund", outpoint, Sats(-1))
