from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from khazana.ledger.entries import ISSUANCE, OUTSIDE, ChainEntry, Fact, Flow
from khazana.ledger.flows import entries_balance, fee_shares, flows, nets
from khazana.ledger.postings import entries_of
from khazana.units import Sats
from tests.ledger.paper_chain import PaperChain, wallet_of

NAMES = ("a", "b", "c", "d")
WALLETS = [wallet_of(name) for name in NAMES]

Parts = list[tuple[str, int]]


def entry_with(inputs: Parts, outputs: Parts, *, coinbase: bool = False) -> ChainEntry:
    """One transaction's entry; the party `stranger` stands for whoever declared nothing."""
    chain = PaperChain()
    coins = [chain.coin(party, amount) for party, amount in inputs]
    if coinbase:
        chain.coinbase(9, outputs)
    else:
        chain.pay(9, coins, outputs)
    (entry,) = entries_of(chain.history, WALLETS, {coin.outpoint: coin for coin in coins})
    return entry


def seen(entry: ChainEntry) -> set[tuple[str, str, int, str]]:
    found = [(f.source, f.target, int(f.amount), f.fact.value) for f in flows(entry)]
    assert len(found) == len(set(found))
    return set(found)


def test_l3_the_fee_is_split_in_proportion_to_inputs_and_the_rest_goes_to_the_largest() -> None:
    entry = entry_with([("a", 100), ("b", 101), ("c", 99)], [("stranger", 290)])
    assert fee_shares(entry) == {"a": 3, "b": 4, "c": 3}


def test_l3_among_equally_large_the_first_by_id_carries_the_remainder() -> None:
    entry = entry_with([("c", 50), ("b", 25), ("a", 50), ("b", 25)], [("stranger", 145)])
    assert fee_shares(entry) == {"a": 3, "b": 1, "c": 1}


def test_l3_a_wallet_is_charged_for_all_its_inputs_together() -> None:
    entry = entry_with([("a", 30), ("b", 40), ("a", 30)], [("stranger", 90)])
    assert fee_shares(entry) == {"a": 6, "b": 4}


def test_l3_coins_of_nothing_carry_no_fee() -> None:
    assert fee_shares(entry_with([("a", 0), ("b", 0)], [("stranger", 0)])) == {"a": 0, "b": 0}
    assert fee_shares(entry_with([("a", 0), ("b", 9)], [("stranger", 8)])) == {"a": 0, "b": 1}


def test_l3_the_remainder_may_exceed_a_single_satoshi_of_input_and_flows_stay_exact() -> None:
    entry = entry_with([("a", 1), ("b", 1), ("c", 1)], [("stranger", 1)])
    assert fee_shares(entry) == {"a": 2, "b": 0, "c": 0}
    assert nets(entry) == {"a": 1, "b": -1, "c": -1}
    assert seen(entry) == {
        ("b", "a", 1, "internal"),
        ("c", OUTSIDE, 1, "out"),
        ("a", OUTSIDE, 2, "fee"),
    }


def test_l3_no_fee_is_split_when_none_is_known() -> None:
    assert fee_shares(entry_with([("a", 9), ("stranger", 9)], [("a", 5)])) == {}


def test_l4_a_payment_with_change_is_what_left_and_the_fee() -> None:
    entry = entry_with([("a", 100)], [("stranger", 60), ("a/1", 38)])
    assert seen(entry) == {("a", OUTSIDE, 60, "out"), ("a", OUTSIDE, 2, "fee")}
    assert nets(entry) == {"a": -60}


def test_l4_a_wallet_that_pays_itself_only_pays_the_fee() -> None:
    entry = entry_with([("a", 60), ("a/1", 40)], [("a/1", 99)])
    assert seen(entry) == {("a", OUTSIDE, 1, "fee")}
    assert seen(entry_with([("a", 60)], [("a", 60)])) == set()


def test_l4_a_transfer_between_wallets_is_internal() -> None:
    entry = entry_with([("a", 100)], [("b", 60), ("a/1", 39), ("op_return", 0)])
    assert seen(entry) == {("a", "b", 60, "internal"), ("a", OUTSIDE, 1, "fee")}


def test_l4_sources_fill_targets_largest_first_and_outsiders_last() -> None:
    entry = entry_with(
        [("a", 50), ("b", 200), ("b", 50)],
        [("stranger", 100), ("c", 120), ("d", 70)],
    )
    # Fee 10: b carries 9 (8 and the remainder), a 1. Left to give: b 241, a 49.
    assert flows(entry) == (
        Flow("b", "c", Sats(120), Fact.INTERNAL),
        Flow("b", "d", Sats(70), Fact.INTERNAL),
        Flow("b", OUTSIDE, Sats(51), Fact.OUT),
        Flow("a", OUTSIDE, Sats(49), Fact.OUT),
        Flow("a", OUTSIDE, Sats(1), Fact.FEE),
        Flow("b", OUTSIDE, Sats(9), Fact.FEE),
    )


def test_l4_among_equal_sources_and_targets_the_first_by_id_goes_first() -> None:
    entry = entry_with([("b", 50), ("a", 50)], [("d", 60), ("c", 40)])
    assert flows(entry) == (
        Flow("a", "d", Sats(50), Fact.INTERNAL),
        Flow("b", "d", Sats(10), Fact.INTERNAL),
        Flow("b", "c", Sats(40), Fact.INTERNAL),
    )


def test_l4_the_last_satoshi_of_a_source_is_given_too() -> None:
    entry = entry_with([("a", 100), ("b", 7)], [("c", 99), ("stranger", 8)])
    assert seen(entry) == {
        ("a", "c", 99, "internal"),
        ("a", OUTSIDE, 1, "out"),
        ("b", OUTSIDE, 7, "out"),
    }


def test_l4_with_strangers_inputs_no_transfer_between_our_wallets_is_claimed() -> None:
    # It looks like a payment from a to b, but the stranger may have paid b: a payjoin.
    entry = entry_with([("a", 100), ("stranger", 80)], [("b", 70), ("a/1", 30), ("stranger", 79)])
    assert seen(entry) == {("a", OUTSIDE, 70, "out"), (OUTSIDE, "b", 70, "in")}


def test_l4_a_payjoin_to_us_is_a_receipt_of_what_we_gained() -> None:
    entry = entry_with([("a", 100), ("stranger", 80)], [("a/1", 150), ("stranger", 29)])
    assert seen(entry) == {(OUTSIDE, "a", 50, "in")}


def test_l4_a_coinbase_comes_from_issuance() -> None:
    entry = entry_with(
        [], [("a", 10), ("stranger", 40), ("b", 5), ("a/1", 1), ("op_return", 0)], coinbase=True
    )
    assert seen(entry) == {(ISSUANCE, "a", 11, "coinbase"), (ISSUANCE, "b", 5, "coinbase")}


def test_l1_entries_from_a_chain_balance_and_a_changed_satoshi_is_found() -> None:
    entry = entry_with([("a", 100)], [("stranger", 60), ("b", 38)])
    assert entry.fee is not None
    assert list(entries_balance([entry])) == []
    (finding,) = entries_balance([replace(entry, fee=Sats(entry.fee + 1))])
    assert finding.rule == "L1"
    assert finding.text == "100 sat are spent, but 101 sat are received, paid outside and fee"
    assert entry.txid in finding.where


def test_l1_outputs_larger_than_inputs_are_found() -> None:
    (finding,) = entries_balance([entry_with([("a", 100)], [("stranger", 101)])])
    assert finding.text == "the fee is -1 sat: less than nothing"
    entry = replace(entry_with([("a", 9)], [("a", 9)]), paid_outside=Sats(-1), fee=Sats(1))
    assert [finding.text for finding in entries_balance([entry])] == ["-1 sat are paid outside"]


def test_l1_says_nothing_where_a_side_is_not_known() -> None:
    mixed = entry_with([("a", 1), ("stranger", 80)], [("b", 70)])
    assert list(entries_balance([mixed, entry_with([], [("a", 50)], coinbase=True)])) == []


amounts = st.one_of(st.integers(0, 5), st.integers(0, 2_100_000_000_000_000))
owned = st.tuples(st.sampled_from(["a", "b", "c", "d", "a/1", "b/1"]), amounts)
anyones = st.one_of(owned, st.tuples(st.sampled_from(["stranger", "op_return"]), amounts))


@st.composite
def entries(draw: st.DrawFn) -> ChainEntry:
    """Any transaction that consensus allows and that touches a declared wallet."""
    kind = draw(st.sampled_from(["ours", "mixed", "theirs", "coinbase"]))
    if kind == "coinbase":
        mined = [draw(owned), *draw(st.lists(anyones, max_size=4))]
        return entry_with([], draw(st.permutations(mined)), coinbase=True)
    ours = draw(st.lists(owned, min_size=1, max_size=6)) if kind != "theirs" else []
    strangers = [] if kind == "ours" else [("stranger", draw(amounts))]
    inputs = draw(st.permutations([*ours, *strangers]))
    left = sum(amount for _, amount in inputs)
    outputs: Parts = []
    for party, _ in draw(st.lists(anyones, min_size=1, max_size=6)):
        amount = draw(st.integers(0, left))
        outputs.append((party, amount))
        left -= amount
    if kind == "theirs":
        outputs.append((draw(owned)[0], left))
    return entry_with(inputs, outputs)


@given(entries())
def test_l4_flows_add_up_to_what_each_wallet_received_less_what_it_spent(
    entry: ChainEntry,
) -> None:
    change: Counter[str] = Counter()
    for posting in entry.received:
        change[posting.wallet] += posting.amount
    for posting in entry.spent:
        change[posting.wallet] -= posting.amount
    flowed: Counter[str] = Counter()
    for flow in flows(entry):
        assert flow.amount > 0
        assert flow.source != flow.target
        flowed[flow.target] += flow.amount
        flowed[flow.source] -= flow.amount
    assert {w: flowed[w] for w in entry.wallets} == {w: change[w] for w in entry.wallets}


@given(entries())
def test_l4_what_goes_outside_is_what_the_transaction_paid_outside(entry: ChainEntry) -> None:
    found = flows(entry)
    if entry.paid_outside is not None:
        paid = sum(f.amount for f in found if f.fact is Fact.OUT)
        assert paid == entry.paid_outside
        assert sum(f.amount for f in found if f.fact is Fact.FEE) == entry.fee
        assert {f.fact for f in found} <= {Fact.OUT, Fact.FEE, Fact.INTERNAL}
    elif entry.coinbase:
        assert {f.fact for f in found} <= {Fact.COINBASE}
    else:
        assert {f.fact for f in found} <= {Fact.IN, Fact.OUT}
    for flow in found:
        ours = {flow.source, flow.target}.isdisjoint({OUTSIDE, ISSUANCE})
        assert ours is (flow.fact is Fact.INTERNAL)


@given(entries())
def test_l3_the_shares_are_the_fee_and_none_differs_from_its_proportion_by_a_wallet_count(
    entry: ChainEntry,
) -> None:
    shares = fee_shares(entry)
    if entry.fee is None:
        assert shares == {}
        return
    assert sum(shares.values()) == entry.fee
    total = sum(posting.amount for posting in entry.spent)
    for wallet, share in shares.items():
        given_inputs = sum(p.amount for p in entry.spent if p.wallet == wallet)
        assert abs(share * total - entry.fee * given_inputs) < max(1, len(shares) * total)


@given(entries())
def test_l4_flows_do_not_depend_on_the_order_of_inputs_and_outputs(entry: ChainEntry) -> None:
    turned = replace(entry, spent=entry.spent[::-1], received=entry.received[::-1])
    assert flows(turned) == flows(entry)


@given(entries())
def test_l1_every_entry_made_from_a_transaction_balances(entry: ChainEntry) -> None:
    assert list(entries_balance([entry])) == []
