"""Choosing coins: against every subset tried by hand, and against the promise it makes."""

from fractions import Fraction
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from khazana.bitcoin.chain import BlockRef, Coin
from khazana.bitcoin.transaction import OutPoint
from khazana.custody.drafting.selection import Costs, largest_first, select, without_change
from khazana.custody.drafting.wallet import Place, WalletCoin
from khazana.units import BlockHash, Height, Sats, Txid

BLOCK = BlockRef(Height(1), BlockHash("0a" * 32))


def coins_of(amounts):
    return [
        WalletCoin(
            Coin(OutPoint(Txid(f"{n:064x}"), 0), Sats(amount), b"", BLOCK, False), Place(0, n)
        )
        for n, amount in enumerate(amounts)
    ]


def costs(feerate="5", long_term="10", smallest=330):
    return Costs(
        feerate=Fraction(feerate),
        long_term_feerate=Fraction(long_term),
        base_weight=300,
        input_weight=418,
        change_weight=172,
        smallest_change=Sats(smallest),
    )


def largest_sorted(coins):
    return sorted(coins, key=lambda c: (-c.coin.amount, c.coin.outpoint))


def waste_of(chosen, wanted, price):
    fee = price.fee(price.base_weight + 3 + len(chosen) * price.input_weight)
    excess = sum(c.coin.amount for c in chosen) - wanted - fee
    later = price.long_term_feerate * price.input_weight / 4
    return excess, excess + len(chosen) * (price.fee(price.input_weight) - later)


def best_by_trying_all(coins, wanted, price):
    least = None
    for size in range(1, len(coins) + 1):
        for chosen in combinations(coins, size):
            excess, waste = waste_of(chosen, wanted, price)
            if 0 <= excess <= price.cost_of_change:
                least = waste if least is None else min(least, waste)
    return least


amounts = st.lists(st.integers(1_000, 12_000), min_size=1, max_size=9)
rates = st.sampled_from(["1", "5", "7.25", "10", "25"])


@settings(max_examples=150, deadline=None)
@given(amounts, st.integers(500, 40_000), rates, rates)
def test_the_least_wasteful_set_without_change_is_found(held, wanted, feerate, long_term):
    price = costs(feerate, long_term)
    coins = largest_sorted(coins_of(held))
    worth = [c for c in coins if c.coin.amount > price.fee(price.input_weight)]
    found = without_change(coins, Sats(wanted), price)
    least = best_by_trying_all(worth, wanted, price)
    if least is None:
        assert found is None
    else:
        excess, waste = waste_of(found, wanted, price)
        assert 0 <= excess <= price.cost_of_change
        # The bounds are rounded to whole units of the common denominator, far below a satoshi.
        assert waste - least < 1


@settings(max_examples=150, deadline=None)
@given(amounts, st.integers(500, 60_000), rates)
def test_what_is_chosen_pays_everything_and_more_only_when_it_must(held, wanted, feerate):
    price = costs(feerate)
    coins = coins_of(held)
    chosen = select(coins, Sats(wanted), price)
    everything = [c for c in coins if c.coin.amount > price.fee(price.input_weight)]
    enough = sum(c.coin.amount for c in everything) >= wanted + price.whole_fee(
        price.base_weight + len(everything) * price.input_weight
    )
    assert (chosen is not None) is enough
    if chosen is not None:
        weight = price.base_weight + len(chosen.coins) * price.input_weight
        excess = sum(c.coin.amount for c in chosen.coins) - wanted - price.whole_fee(weight)
        assert excess >= (price.fee(price.change_weight) + 330 if chosen.change else 0)
        if not chosen.change:
            # What miners get beyond the target is less than making and spending change costs.
            assert excess <= price.cost_of_change + 330 + price.feerate


@given(amounts, st.integers(500, 40_000), st.randoms(use_true_random=False))
def test_the_order_in_which_coins_are_listed_does_not_matter(held, wanted, shuffler):
    coins = coins_of(held)
    mixed = list(coins)
    shuffler.shuffle(mixed)
    assert select(coins, Sats(wanted), costs()) == select(mixed, Sats(wanted), costs())


def test_largest_first_takes_no_coin_that_costs_more_than_it_brings():
    price = costs("25")
    coins = largest_sorted(coins_of([30_000, 2_000, 900]))
    assert largest_first(coins, Sats(29_000), price) is None
    assert select(coins, Sats(29_000), price) is None


def test_many_equal_coins_are_searched_in_reasonable_time():
    coins = coins_of([10_000] * 400)
    chosen = select(coins, Sats(1_234_567), costs())
    assert chosen is not None
    assert chosen.change
