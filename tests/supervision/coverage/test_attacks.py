"""A dishonest provider with its valid keys: which one check notices, while the others pass."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import msgspec
import pytest

from khazana.bitcoin.chain import BlockRef
from khazana.ledger.counted import Counted
from khazana.statement.checks import Report, Verdict
from khazana.statement.envelope import with_evidence
from khazana.statement.times import read_instant
from khazana.supervision.coverage.countersign import attach_recomputation
from khazana.supervision.coverage.snapshot import Draw
from khazana.supervision.solvency.epoch import part_bodies
from khazana.supervision.solvency.tree import build
from khazana.units import Height
from tests.reserve.simulator import BTC, identity, rerooted, script
from tests.supervision.coverage.scene import (
    BALANCES,
    REGULATOR_KEYS,
    WINDOW,
    Scene,
    honest,
    recomputed,
    words,
)
from tests.supervision.solvency.trees import built, customers, plan_for, slip_for

OPEN = {"coverage_attested", "coverage_beside", "control"}
"""Not checkable in the honest statement either."""


def noticed(report: Report, name: str, said: str, *, blocked: frozenset[str] = frozenset()) -> None:
    """One check fails and says so; what rests on it is not made; every other one passes."""
    assert report.failed == (name,), words(report)
    assert said in report.result(name).summary
    open_ = {x.result.name for x in report.lines if x.result.verdict is Verdict.NOT_CHECKABLE}
    assert open_ - OPEN == blocked, words(report)
    assert report.exit_status == 1


def test_a_total_that_is_not_the_roots_sum():
    def change(parts: Any) -> None:
        parts["asset/BTC"]["owed"] -= BTC

    report = honest().check(honest().published(change=change))
    noticed(report, "coverage_totals", "owed is stated as 625000000, the parts give 725000000")


def test_coins_that_no_wallet_holds_are_added_up():
    def change(parts: Any) -> None:
        parts["asset/BTC"]["proved"] += BTC

    noticed(honest().check(honest().published(change=change)), "coverage_totals", "proved is")


def test_a_coin_that_is_not_there():
    def change(parts: Any) -> None:
        coin = parts["wallet/cold"]["coins"][0]
        parts["wallet/cold"]["coins"].append({**coin, "outpoint": "f" * 64 + ":0", "amount": BTC})
        parts["wallet/cold"]["total"] += BTC
        parts["asset/BTC"]["proved"] += BTC

    noticed(honest().check(honest().published(change=change)), "coverage_coins", "is not there")


def test_a_larger_amount_of_a_coin_that_is_there():
    def change(parts: Any) -> None:
        for body, field in (
            (parts["wallet/cold"]["coins"][0], "amount"),
            (parts["wallet/cold"], "total"),
            (parts["asset/BTC"], "proved"),
        ):
            body[field] += BTC

    report = honest().check(honest().published(change=change))
    noticed(report, "coverage_coins", "the chain has 800000000 sat")


def test_one_wallet_twice():
    def change(parts: Any) -> None:
        parts["wallet/cold-2"] = {**parts["wallet/cold"], "id": "cold-2"}
        parts["asset/BTC"]["proved"] += parts["wallet/cold"]["total"]

    report = honest().check(honest().published(change=change))
    noticed(report, "coverage_scripts", "already", blocked=frozenset({"coverage_coins"}))


def test_an_asset_is_called_covered_that_is_not():
    def change(parts: Any) -> None:
        parts["asset/USDT"]["status"] = "attested"

    report = honest().check(honest().published(change=change))
    noticed(report, "coverage_assets", "its figures say not_covered")


def test_an_asset_is_left_out_between_two_epochs():
    def change(parts: Any) -> None:
        del parts["asset/ETH"]

    report = honest().check(honest().published(change=change))
    noticed(report, "coverage_continuity", "ETH was listed in epoch 1 and is not any more")


def test_a_tree_without_a_line_of_its_asset():
    def change(parts: Any) -> None:
        del parts["asset/USDT"]

    report = honest().check(honest().published(change=change), previous=None)
    assert report.failed == ("coverage_totals",)
    assert "USDT no line" in report.result("coverage_totals").summary


def test_another_epoch_is_said_to_come_before():
    def change(parts: Any) -> None:
        parts["header"]["previous"] = "0" * 64

    noticed(honest().check(honest().published(change=change)), "coverage_continuity", "follows")


def test_a_draw_other_than_the_announced_one():
    """Of many draws a provider takes one that gives the block it is ready for."""
    scene = honest()
    block = scene.told[2].epoch.block.height
    chain = scene.world.chain
    chosen = next(
        (height, window)
        for height in range(block + 1, chain.tip().height + 1)
        for window in range(1, 30)
        if (height, window) != (60, 4)
        and height > window
        and height - 1 - int(chain.block_at(Height(height)).hash, 16) % window == block
    )

    def change(parts: Any) -> None:
        parts["header"]["snapshot"] = {"announced": chosen[0], "window": chosen[1]}

    noticed(scene.check(scene.published(change=change)), "coverage_continuity", "the draw is")


def retold(block_height: int) -> tuple[Scene, bytes, Any]:
    """Epoch 2 with trees and reserves of another block than the one drawn."""
    scene = honest()
    chain, told = scene.world.chain, scene.told[2]
    block: BlockRef = chain.block_at(Height(block_height))
    epoch = msgspec.structs.replace(
        told.epoch,
        block=msgspec.structs.replace(told.epoch.block, hash=block.hash, height=block.height),
    )
    statement = scene.stated(epoch, block, 2)
    raw = scene.signed(attach_recomputation(statement, recomputed(epoch)))
    return scene, raw, epoch


def test_another_block_than_the_one_drawn():
    drawn = honest().told[2].epoch.block.height
    scene, raw, epoch = retold(drawn - 1)
    report = scene.check(raw, told=epoch)
    blocked = frozenset({"coverage_coins", "coverage_borrowed"})
    noticed(report, "coverage_snapshot", f"draws block {drawn}", blocked=blocked)


def test_balances_of_another_block_than_the_reserves():
    scene = honest()
    told = scene.told[2]
    other = scene.world.chain.block_at(Height(told.epoch.block.height - 1))
    epoch = msgspec.structs.replace(
        told.epoch,
        block=msgspec.structs.replace(told.epoch.block, hash=other.hash, height=other.height),
    )

    def change(parts: Any) -> None:
        parts["epoch"] = part_bodies(epoch)["solvency-epoch"]

    statement = rerooted(told.statement, change)
    raw = scene.signed(attach_recomputation(statement, recomputed(epoch)))
    report = scene.check(raw, told=epoch)
    noticed(report, "coverage_same_block", f"balances are of block {other.height}")


def lied(tree: Any, *, total: int | None = None) -> tuple[Any, Any]:
    """Epoch 2 over another tree of bitcoin balances, told and signed as if it were the one."""
    scene = honest()
    told = scene.told[2]
    head = built(tree)
    if total is not None:
        head = replace(head, root=head.root._replace(sum=total))
    before = scene.told[1].epoch
    heads = {t.name: t for t in told.epoch.trees}
    was = next(t for t in before.trees if t.name == "liabilities/BTC")
    heads["liabilities/BTC"] = msgspec.structs.replace(
        heads["liabilities/BTC"],
        root=head.root.hash.hex(),
        sum=head.root.sum,
        leaves=head.leaves,
        level_sha256=head.level_sha256,
        previous_root=was.root,
    )
    epoch = msgspec.structs.replace(told.epoch, trees=tuple(heads.values()))
    return scene, epoch


def test_the_stated_sum_of_a_root_is_less_than_its_level_adds_up_to():
    scene, epoch = lied(honest().told[2].tree, total=5 * BTC)
    statement = scene.stated(epoch, scene.read(honest().told[2].statement).block, 2)
    raw = scene.signed(attach_recomputation(statement, recomputed(epoch)))
    noticed(scene.check(raw, told=epoch), "coverage_levels", "total_differs")


def test_one_customer_is_given_a_slip_of_another_root():
    scene = honest()
    held = customers(*BALANCES[2], 5 * BTC)
    other = build(held, plan_for(epoch=2))
    slip = slip_for(other, held, 1).to_bytes()
    report = scene.check(scene.published(), slips=[("slip", slip)])
    noticed(report, "coverage_slips", "other_root")


def test_a_customer_was_shown_another_epoch_statement():
    scene, epoch = lied(build(customers(BTC), plan_for(epoch=2)))
    noticed(scene.check(scene.published(), told=epoch), "coverage_slips", "other_statement")


def test_a_slip_of_another_epoch():
    scene = honest()
    report = scene.check(scene.published(), slips=[("slip", scene.told[1].slip.to_bytes())])
    noticed(report, "coverage_slips", "other_epoch")


def test_the_root_of_the_last_epoch_is_published_again():
    """The tree of epoch 1 under the date of epoch 2: whoever joined since is left out."""
    scene, epoch = lied(honest().told[1].tree)
    statement = scene.stated(epoch, scene.read(honest().told[2].statement).block, 2)
    raw = scene.signed(attach_recomputation(statement, recomputed(epoch)))
    report = scene.check(raw, told=epoch, levels=[], slips=[])
    blocked = frozenset({"coverage_levels"})
    noticed(report, "coverage_continuity", "stale", blocked=blocked)


def test_a_tree_that_does_not_name_the_root_before():
    scene = honest()
    told = scene.told[2]
    trees = tuple(
        msgspec.structs.replace(t, previous_root="1" * 64) if t.asset == "BTC" else t
        for t in told.epoch.trees
    )
    epoch = msgspec.structs.replace(told.epoch, trees=trees)
    statement = scene.stated(epoch, scene.read(told.statement).block, 2)
    raw = scene.signed(attach_recomputation(statement, recomputed(epoch)))
    noticed(scene.check(raw, told=epoch), "coverage_continuity", "root before")


def test_a_paper_claims_a_better_grade_than_it_carries():
    def change(parts: Any) -> None:
        parts["attested/client-money"]["file_sha256"] = None

    noticed(honest().check(honest().published(change=change)), "coverage_attested", "grade C")


def test_a_paper_of_another_day():
    scene = honest()
    old = scene.world.chain.block_at(Height(20))

    def change(parts: Any) -> None:
        parts["attested/client-money"]["as_of"] = {"hash": old.hash, "height": 20}

    report = scene.check(scene.published(change=change))
    noticed(report, "coverage_same_block", "it is as of block 20")


@pytest.mark.parametrize(
    "otherwise",
    [{"statement": "0" * 64}, {"epoch": 1}, {"trees": ()}],
    ids=["another statement", "another epoch", "no tree"],
)
def test_the_regulator_recomputed_something_else(otherwise):
    scene = honest()
    told = scene.told[2]
    made = attach_recomputation(told.statement, recomputed(told.epoch, **otherwise))
    report = scene.check(scene.signed(made))
    assert report.failed == ("coverage_countersigned",)


def test_the_regulator_did_not_countersign():
    scene = honest()
    report = scene.check(scene.signed(scene.told[2].statement))
    noticed(report, "coverage_countersigned", "0 of")


def test_a_regulator_whose_identity_had_ended_before_the_block_signed_nothing():
    scene = honest()
    at = read_instant(scene.read(scene.told[2].statement).header.block_mtp)
    began = at - timedelta(days=1)
    for more, failed in ((0, ("coverage_countersigned",)), (1, ())):
        ends = at + timedelta(seconds=more)
        regulator = identity("regulator", REGULATOR_KEYS, since=began, until=ends)
        report = scene.check(scene.published(), regulator=regulator)
        assert report.failed == failed
    early = identity("regulator", REGULATOR_KEYS, since=began, until=at)
    report = scene.check(scene.published(), regulator=early)
    noticed(report, "coverage_countersigned", "its newest version had ended before the block")


def test_one_of_two_keys_of_the_regulator_is_not_enough():
    scene = honest()
    told = scene.told[2]
    envelope = recomputed(told.epoch)
    alone = replace(envelope, signatures=envelope.signatures[:1])
    report = scene.check(scene.signed(attach_recomputation(told.statement, alone)))
    noticed(report, "coverage_countersigned", "1 of 2 keys")


def test_a_countersignature_copied_from_another_statement():
    scene = honest()
    first = attach_recomputation(scene.told[1].statement, recomputed(scene.told[1].epoch))
    made = attach_recomputation(scene.told[2].statement, recomputed(scene.told[2].epoch))
    report = scene.check(scene.signed(with_evidence(made, *first.evidence)))
    noticed(report, "evidence", "another root")


def other_publisher(*, coin: str | None = None, declared: str | None = None) -> Counted:
    told = honest().read(honest().told[2].statement)
    return Counted(
        name="state",
        fingerprint="9" * 64,
        root="8" * 64,
        genesis=told.header.network.genesis,
        block=told.block,
        coins={} if coin is None else {coin: "treasury"},
        scripts={} if declared is None else {declared: "treasury"},
        withheld=False,
    )


def test_a_coin_that_the_state_counts_too():
    scene = honest()
    coin = scene.read(scene.told[2].statement).wallets["cold"].coins[0].outpoint
    report = scene.check(scene.published(), beside=[other_publisher(coin=coin)])
    noticed(report, "coverage_beside", "counted by state too")


def test_a_script_that_the_state_declares_too():
    scene = honest()
    report = scene.check(
        scene.published(), beside=[other_publisher(declared=script("hot", 1).hex())]
    )
    noticed(report, "coverage_beside", "declared by state too")


def test_nothing_in_common_with_the_state_passes():
    report = honest().check(honest().published(), beside=[other_publisher()])
    assert report.failed == ()
    assert report.result("coverage_beside").verdict is Verdict.PASSED


@cache
def lent(moved: bool, kept: bool = False) -> Scene:
    """4 BTC against 7.25: 10 more come for the drawing window, and go again unless kept.

    moved: from one wallet to the other on the way, so that the coin counted is another one.
    """
    scene = Scene()
    scene.publish(1)
    world = scene.world
    world.spend(script("cold"), [(script("owner"), 8 * BTC - 500)])
    while world.chain.tip().height < 54:
        world.mine()
    world.fund(script("hot", 1), 10 * BTC)
    world.mine()
    if moved:
        world.spend(script("hot", 1), [(script("cold", 1), 10 * BTC - 500)])
    while world.chain.tip().height < 60:
        world.mine()
    if not kept:
        source, amount = ("cold", 10 * BTC - 1_000) if moved else ("hot", 10 * BTC - 500)
        world.spend(script(source, 1), [(script("lender"), amount)])
    world.mine()
    scene.publish(2)
    return scene


@pytest.mark.parametrize("moved", [False, True], ids=["as they came", "moved once more"])
def test_coins_borrowed_for_the_drawing_window(moved):
    scene = lent(moved)
    report = scene.check(scene.published())
    noticed(report, "coverage_borrowed", "without them 400000000 sat cover 725000000")


def test_coins_that_came_and_stayed_are_no_loan():
    report = lent(False, kept=True).check(lent(False, kept=True).published())
    assert report.failed == ()
    assert "0 coins of 0 sat came and left" in report.result("coverage_borrowed").summary


def test_what_happens_afterwards_is_not_checkable_until_it_has_happened():
    scene = honest()
    block = scene.read(scene.told[1].statement).block
    later = Draw(announced=90, window=WINDOW)
    stated = scene.stated(scene.told[1].epoch, block, 1, watch=200, next_draw=later)
    raw = scene.signed(stated)
    report = scene.check(raw, number=1, regulator=None)
    result = report.result("coverage_borrowed")
    assert result.verdict is Verdict.NOT_CHECKABLE
    assert f"it needs block {block.height + 200}" in result.summary
    assert report.exit_status == 2
