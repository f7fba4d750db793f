"""All four verdicts, the case that defines the product, and ways to cheat."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khazana.bitcoin.chain import BlockRef
from khazana.conditions.accumulation import (
    Accumulation,
    AccumulationTest,
    Origin,
    accumulation_test,
)
from khazana.ledger.accounts import CustodialAccount, Lane, Membership
from khazana.ledger.documents import Reason
from khazana.ledger.office import Attestation
from khazana.units import Sats
from tests.conditions.worlds import (
    RULE,
    SALT,
    books,
    declare_late,
    join_late,
    owed,
    public_world,
)
from tests.reserve.simulator import BTC, OUTSIDER, World, script

BEFORE_AND_AFTER = (40, 40)
"""What clients are owed at the two ends, when nothing else is said."""


def judged(
    world: World,
    start: BlockRef,
    end: BlockRef,
    *,
    clients: tuple[int | None, int | None] = BEFORE_AND_AFTER,
) -> AccumulationTest:
    liabilities = [
        owed(block, amount)
        for block, amount in zip((start, end), clients, strict=True)
        if amount is not None
    ]
    return accumulation_test(
        books(world, start, end),
        world.perimeters[0],
        RULE,
        liabilities=liabilities,
        custody={(a.account, a.as_of) for a in world.attestations},
    )


def consolidated() -> tuple[World, BlockRef, BlockRef]:
    """The defining case: the fund's page rises by 20, paid by the treasury."""
    world = public_world()
    start = world.mine()
    world.spend(script("treasury"), [(script("fund"), 20 * BTC)])
    world.mine(3)
    return world, start, world.mine()


def test_a_rise_paid_by_a_wallet_declared_before_is_shown_to_be_consolidation():
    world, start, end = consolidated()
    result = judged(world, start, end)
    assert result.verdict is Accumulation.SHOWN
    assert result.gain == result.gain_known == -500
    (arrival,) = result.arrivals
    assert (arrival.wallet, arrival.amount, arrival.source) == ("fund", 20 * BTC, "treasury")
    assert arrival.origin is Origin.KNOWN
    assert result.late == ()


def test_the_same_rise_paid_by_a_wallet_declared_later_is_only_asserted():
    world, start, end = consolidated()
    declare_late(world, "treasury", end)
    result = judged(world, start, end)
    assert result.verdict is Accumulation.ASSERTED
    assert (result.gain, result.gain_known) == (-500, 20 * BTC)
    (late,) = result.late
    assert (late.wallet, late.entity, late.declared) == ("treasury", "treasury", end)
    assert late.paid == 20 * BTC
    assert "treasury (declared at block" in result.why
    assert result.arrivals[0].origin is Origin.LATE


def test_a_seal_logged_before_the_first_block_makes_it_shown_again():
    world, start, end = consolidated()
    declare_late(world, "treasury", end, sealed=world.chain.block_at(start.height))
    assert judged(world, start, end).verdict is Accumulation.SHOWN


def test_a_seal_logged_after_the_first_block_shows_nothing():
    world, start, end = consolidated()
    declare_late(world, "treasury", end, sealed=end)
    assert judged(world, start, end).verdict is Accumulation.ASSERTED


@pytest.mark.parametrize("salt", [bytes(16).hex(), None])
def test_a_seal_that_does_not_open_shows_nothing(salt):
    world, start, end = consolidated()
    declare_late(world, "treasury", end, sealed=start)
    world.wallets[1] = replace(world.wallets[1], seal=replace(world.wallets[1].seal, salt=salt))
    assert judged(world, start, end).verdict is Accumulation.ASSERTED


def test_a_seal_over_other_scripts_shows_nothing():
    world, start, end = consolidated()
    declare_late(world, "treasury", end, sealed=start)
    wallet = world.wallets[1]
    more = (*wallet.scripts, script("another"))
    world.wallets[1] = replace(wallet, scripts=more)
    assert wallet.seal is not None
    assert wallet.seal.salt == SALT.hex()
    assert judged(world, start, end).verdict is Accumulation.ASSERTED


def test_a_wallet_that_joins_the_perimeter_later_is_asserted_with_its_document():
    world, start, end = consolidated()
    join_late(world, "treasury", end, "decree-7")
    result = judged(world, start, end)
    assert result.verdict is Accumulation.ASSERTED
    assert [(w.document, w.declared) for w in result.late] == [("decree-7", end)]


def test_a_purchase_contradicts_and_is_named_with_its_transaction():
    world = public_world()
    start = world.mine()
    bought = world.fund(script("fund"), 3 * BTC)
    world.document("invoice", Reason.ACQUISITION, "fund", 3 * BTC, bought)
    end = world.mine()
    result = judged(world, start, end)
    assert result.verdict is Accumulation.CONTRADICTED
    assert result.gain == 3 * BTC
    assert [a.txid for a in result.transactions] == [bought]
    assert bought in result.why


def test_a_purchase_without_a_document_contradicts_too():
    world = public_world()
    start = world.mine()
    bought = world.fund(script("fund"), 3 * BTC)
    result = judged(world, start, world.mine())
    assert result.verdict is Accumulation.CONTRADICTED
    assert result.transactions[0].reason == "unexplained"
    assert result.transactions[0].txid == bought


def test_mining_contradicts():
    world = public_world()
    start = world.mine()
    end = world.mine(coinbase=[(script("treasury"), 25 * BTC)])
    result = judged(world, start, end)
    assert result.verdict is Accumulation.CONTRADICTED
    assert result.gain == 25 * BTC


def test_a_purchase_hidden_beside_a_consolidation_is_found():
    world, start, _ = consolidated()
    bought = world.fund(script("fund", 1), BTC)
    result = judged(world, start, world.mine())
    assert result.verdict is Accumulation.CONTRADICTED
    assert [a.txid for a in result.transactions] == [bought]


def test_coins_bought_by_a_wallet_declared_later_contradict_all_the_same():
    world, start, _ = consolidated()
    bought = world.fund(script("treasury", 1), 5 * BTC)
    end = world.mine()
    declare_late(world, "treasury", end)
    result = judged(world, start, end)
    assert result.verdict is Accumulation.CONTRADICTED
    assert [a.txid for a in result.transactions] == [bought]


def test_paying_ones_own_late_wallet_makes_no_room_for_a_purchase():
    world = public_world()
    start = world.mine()
    world.spend(script("fund"), [(script("treasury"), 5 * BTC)])
    world.fund(script("fund", 1), 5 * BTC)
    end = world.mine()
    declare_late(world, "treasury", end)
    assert judged(world, start, end).verdict is Accumulation.CONTRADICTED


def test_leaving_the_perimeter_makes_no_room_for_a_purchase():
    world = public_world()
    start = world.mine()
    world.fund(script("fund", 1), 5 * BTC)
    middle = world.mine()
    end = world.mine()
    (perimeter,) = world.perimeters
    members = [m for m in perimeter.members if m.account != "treasury"]
    gone = Membership("treasury", until=middle)
    world.perimeters[:] = [replace(perimeter, members=(*members, gone))]
    assert judged(world, start, end).verdict is Accumulation.CONTRADICTED


@pytest.mark.parametrize("clients", [(None, 40), (40, None), (None, None)])
def test_without_what_is_owed_to_clients_at_both_ends_nothing_can_be_said(clients):
    world, start, end = consolidated()
    result = judged(world, start, end, clients=clients)
    assert result.verdict is Accumulation.NOT_ASSESSABLE
    assert result.gain is None
    for block, amount in zip((start, end), clients, strict=True):
        assert (f"block {block.height}" in result.why) is (amount is None)
    assert result.arrivals


def test_an_attestation_between_the_two_blocks_does_not_serve_for_an_end():
    world, start, end = consolidated()
    between = world.chain.block_at(start.height + 1)
    result = accumulation_test(
        books(world, start, end),
        world.perimeters[0],
        RULE,
        liabilities=[owed(start, 40), owed(between, 40)],
        custody=(),
    )
    assert result.verdict is Accumulation.NOT_ASSESSABLE


def test_a_clients_deposit_adds_nothing():
    world = public_world()
    start = world.mine()
    paid = world.fund(script("clients"), 6 * BTC)
    world.document("deposit", Reason.CLIENT_DEPOSIT, "clients", 6 * BTC, paid)
    result = judged(world, start, world.mine(), clients=(40, 46))
    assert result.verdict is Accumulation.SHOWN
    assert result.gain == 0
    assert result.arrivals[0].origin is Origin.CLIENT


def test_a_clients_withdrawal_that_leaves_house_coins_behind_counts():
    world = public_world()
    start = world.mine()
    world.mine()
    result = judged(world, start, world.mine(), clients=(40, 30))
    assert result.verdict is Accumulation.CONTRADICTED
    assert result.gain == result.left_behind == 10 * BTC
    assert result.transactions == ()
    assert "stayed with the house" in result.why


def test_a_withdrawal_paid_in_coins_leaves_nothing_behind():
    world = public_world()
    start = world.mine()
    world.spend(script("clients"), [(OUTSIDER, 10 * BTC)])
    result = judged(world, start, world.mine(), clients=(40, 30))
    assert result.verdict is Accumulation.SHOWN
    assert result.left_behind == 0


def test_a_seizure_does_not_count_and_giving_it_back_makes_no_room():
    world = public_world()
    start = world.mine()
    seized = world.fund(script("custody"), 7 * BTC)
    world.document("warrant", Reason.SEIZURE, "custody", 7 * BTC, seized)
    middle = world.mine()
    result = judged(world, start, middle)
    assert result.verdict is Accumulation.SHOWN
    assert result.arrivals[0].origin is Origin.EXCLUDED
    returned = world.spend(script("custody"), [(OUTSIDER, 6 * BTC)])
    world.document("release", Reason.DISBURSEMENT, "custody", 6 * BTC, returned)
    world.fund(script("fund", 1), 6 * BTC)
    assert judged(world, middle, world.mine()).verdict is Accumulation.CONTRADICTED


def test_coins_sent_to_a_seized_wallet_without_a_warrant_count():
    world = public_world()
    start = world.mine()
    world.fund(script("custody"), 7 * BTC)
    assert judged(world, start, world.mine()).verdict is Accumulation.CONTRADICTED


def test_a_strangers_dust_breaches_nothing():
    world = public_world()
    start = world.mine()
    world.fund(script("fund"), 600)
    result = judged(world, start, world.mine())
    assert result.verdict is Accumulation.SHOWN
    assert result.arrivals[0].reason == "dust"


def test_a_custodian_who_attests_nothing_at_an_end_leaves_it_open():
    world, start, end = consolidated()
    world.accounts.append(
        CustodialAccount("exchange", "treasury", {"en": "exchange"}, "Exchange A", Lane.OWNED)
    )
    (perimeter,) = world.perimeters
    members = (*perimeter.members, Membership("exchange"))
    world.perimeters[:] = [replace(perimeter, members=members)]

    def attest(block: BlockRef, btc: int) -> None:
        world.attestations.append(
            Attestation(account="exchange", as_of=block, amount=Sats(btc * BTC), document="letter")
        )

    attest(start, 4)
    result = judged(world, start, end)
    assert result.verdict is Accumulation.NOT_ASSESSABLE
    assert f"custodian of exchange attests no balance at block {end.height}" in result.why
    attest(end, 9)
    result = judged(world, start, end)
    assert result.verdict is Accumulation.CONTRADICTED
    assert result.gain == 5 * BTC - 500


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["in", "out", "move"]), st.integers(1, 5)), min_size=1, max_size=6
    )
)
def test_it_is_contradicted_exactly_when_coins_net_of_clients_rose(moves):
    world = public_world()
    start = world.mine()
    outside = 0
    for kind, btc in moves:
        if kind == "in":
            world.fund(script("fund", 1), btc * BTC)
            outside += btc * BTC
        elif kind == "out":
            world.spend(script("fund"), [(OUTSIDER, btc * BTC)])
            outside -= btc * BTC + 500
        else:
            world.spend(script("treasury"), [(script("fund", 1), btc * BTC)])
            outside -= 500
        world.mine()
    result = judged(world, start, world.mine())
    assert result.gain == outside
    wanted = Accumulation.CONTRADICTED if outside > 0 else Accumulation.SHOWN
    assert result.verdict is wanted
