"""The reference tree: nothing lost, nothing double, every place by permutation."""

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khazana.supervision.solvency.check import check_slip, read_level
from khazana.supervision.solvency.encoding import Node, OutOfRange, pad_of, parent_of
from khazana.supervision.solvency.plan import BITCOIN, depth_of
from khazana.supervision.solvency.positions import positions
from khazana.supervision.solvency.slip import read_slip, slip_bytes
from khazana.supervision.solvency.tree import TooManyLeaves, build
from tests.supervision.solvency.trees import (
    customers,
    level_bytes,
    plan_for,
    slip_for,
    statement,
)

BALANCES = st.lists(st.integers(0, 10**13), min_size=1, max_size=40)


def test_a_tree_of_one_leaf_is_worked_out_by_hand():
    """docs/spec/solvency.md, the worked tree, computed here with nothing but hashlib."""
    plan = plan_for(shares=1)
    (customer,) = customers(123)
    secret = hmac.digest(plan.key, b"customer-0", "sha256")
    own = hashlib.sha256(b"\x05words 0").digest()
    key = hashlib.sha256(b"\x04" + secret + own).digest()
    nonce = hashlib.sha256(b"\x02" + key + bytes(7) + b"\x07" + bytes(4)).digest()
    leaf = hashlib.sha256(b"\x00" + nonce + (123).to_bytes(8, "big") + bytes(8)).digest()
    assert build([customer], plan).root == Node(leaf, 123)


@given(st.integers(1, 600), st.binary(min_size=32, max_size=32))
@settings(max_examples=40)
def test_positions_are_a_permutation(count, key):
    where = positions(key, count)
    assert sorted(where.of(number) for number in range(count)) == list(range(count))


def test_positions_differ_from_epoch_to_epoch():
    now, later = plan_for(epoch=7), plan_for(epoch=8)
    first, second = positions(now.key, 1000), positions(later.key, 1000)
    same = sum(first.of(number) == second.of(number) for number in range(1000))
    assert same < 10


@given(BALANCES, st.integers(1, 4), st.sampled_from([None, 10**11, 10**12]))
@settings(max_examples=60, deadline=None)
def test_every_customer_finds_the_whole_balance(balances, shares, cap):
    held = customers(*balances)
    tree = build(held, plan_for(shares=shares, most_per_leaf=cap))
    epoch = statement(tree)
    level = read_level(level_bytes(tree), epoch=epoch, tree=0)
    assert tree.root.sum == sum(balances) == epoch.trees[0].sum
    for index, customer in enumerate(held):
        for height in {level_height(tree), depth_of(tree.leaves)}:
            slip = slip_for(tree, held, index, height=height)
            assert read_slip(slip.to_bytes()) == slip
            assert read_slip(slip_bytes(slip.to_text().encode())) == slip
            found = check_slip(
                slip,
                epoch=epoch,
                contribution=customer.contribution,
                level=level,
                balance=customer.balance,
            )
            assert found.balance == customer.balance
            assert found.total == sum(balances)


def level_height(tree):
    return max(0, depth_of(tree.leaves) - 16)


@given(BALANCES, st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_dummies_change_the_number_of_leaves_and_no_sum(balances, more):
    held = customers(*balances)
    without = build(held, plan_for())
    with_dummies = build(held, plan_for(leaves=without.leaves + more))
    assert with_dummies.leaves == without.leaves + more
    assert with_dummies.root.sum == without.root.sum


def test_no_leaf_is_above_the_cap():
    tree = build(customers(0, 5, 10**12, 10**9), plan_for(most_per_leaf=10**8))
    assert max(leaf.sum for leaf in tree.levels[0]) <= 10**8


def test_a_plan_with_too_few_leaves_is_refused():
    with pytest.raises(TooManyLeaves, match="6 leaves"):
        build(customers(1, 2, 3), plan_for(leaves=5))


def test_a_sum_above_what_can_exist_is_refused_before_it_is_added():
    most = BITCOIN.most
    left, right = Node(bytes(32), most), Node(bytes(32), 1)
    with pytest.raises(OutOfRange):
        parent_of(left, right, most=most)
    with pytest.raises(OutOfRange):
        parent_of(Node(bytes(32), most + 1), Node(bytes(32), 0), most=most)


def test_the_same_contribution_is_needed():
    held = customers(5, 6)
    tree = build(held, plan_for())
    assert pad_of(epoch=7, level=0, position=4).sum == 0
    assert slip_for(tree, held, 0).secret != slip_for(tree, held, 1).secret


def test_a_slip_of_a_tree_of_27_levels_has_about_500_bytes_a_leaf():
    from khazana.supervision.solvency.slip import Slip, SlipLeaf

    beside = (Node(bytes(32), 0),) * 10
    leaf = SlipLeaf(amount=1, position=0, beside=beside)
    slip = Slip(tree=0, height=10, root=bytes(32), epoch=1, secret=bytes(32), leaves=(leaf,))
    assert len(slip.to_bytes()) == 496
