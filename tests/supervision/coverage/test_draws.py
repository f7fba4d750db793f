"""The draw binds the provider's choice only if it was announced in time and has room."""

from typing import Any

import msgspec
import pytest

from khazana.bitcoin.descriptor_engines import best_engine
from khazana.statement.envelope import Statement
from khazana.supervision.coverage.case import Case
from khazana.supervision.coverage.checks_chain import borrowed, snapshot
from khazana.supervision.coverage.make import CoverageNotMade
from khazana.supervision.coverage.parts import LEAST_WATCH, LEAST_WINDOW
from khazana.supervision.coverage.reading import HEADER, CoverageStatement
from khazana.supervision.coverage.snapshot import Draw
from tests.reserve.simulator import rerooted
from tests.supervision.coverage.scene import WATCH, WINDOW, honest


def following(before: Statement) -> Any:
    """The report on epoch 2, told honestly to follow this statement of epoch 1."""
    scene = honest()

    def change(parts: Any) -> None:
        parts["header"]["previous"] = before.root

    return scene.check(scene.published(change=change), previous=scene.read(before))


def first(**header: Any) -> Statement:
    def change(parts: Any) -> None:
        parts["header"].update(header)

    return rerooted(honest().told[1].statement, change)


def test_an_announced_draw_passes_and_the_day_of_its_announcement_is_the_providers_word():
    report = following(honest().told[1].statement)
    assert "every tree, asset and draw" in report.result("coverage_continuity").summary
    assert any("the provider's word" in text for text in report.limits)


def test_a_draw_that_nobody_announced_breaks_the_series():
    report = following(first(next=None))
    assert report.failed == ("coverage_continuity",)
    assert "announces no draw" in report.result("coverage_continuity").summary


def test_a_draw_announced_when_its_window_had_begun_breaks_the_series():
    chain = honest().world.chain
    begins = 60 - WINDOW
    for height, fails in ((begins - 1, False), (begins, True)):
        tip = {"height": height, "hash": chain.block_at(height).hash}
        report = following(first(tip=tip))
        assert (report.failed == ("coverage_continuity",)) is fails
    assert f"announced at block {begins}" in report.result("coverage_continuity").summary


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"next_draw": None}, "or is said to be the last"),
        ({"last": True}, "or is said to be the last"),
        ({"next_draw": Draw(announced=71 + WINDOW - 1, window=WINDOW)}, "at or before the tip"),
    ],
)
def test_no_statement_is_made_that_announces_no_draw_in_time(asked, said):
    scene = honest()
    told = scene.told[2]
    assert scene.world.chain.tip().height == 70
    block = scene.read(told.statement).block
    with pytest.raises(CoverageNotMade, match=said):
        scene.stated(told.epoch, block, 2, **({"next_draw": Draw(announced=74, window=4)} | asked))


def test_the_last_statement_announces_none():
    scene = honest()
    block = scene.read(scene.told[2].statement).block
    made = scene.stated(scene.told[2].epoch, block, 2, next_draw=None, last=True)
    assert scene.read(made).header.next is None
    made = scene.stated(
        scene.told[2].epoch, block, 2, next_draw=Draw(announced=71 + WINDOW, window=WINDOW)
    )
    assert scene.read(made).header.next is not None


def elsewhere(**header: Any) -> Case:
    """The honest statement as it would stand on a network that is no test."""
    told = honest().read(honest().told[2].statement)
    changed = msgspec.structs.replace(told.header, test=False, **header)
    statement = CoverageStatement(told.envelope, {**told.bodies, HEADER: [changed]})
    return Case(statement=statement, chain=honest().world.chain, engine=best_engine())


def test_a_small_window_is_a_finding_off_test_networks():
    case = elsewhere()
    assert case.statement.header.snapshot.window == WINDOW < LEAST_WINDOW
    found = snapshot(case).findings
    assert [(each.rule, str(LEAST_WINDOW) in each.text) for each in found] == [("V1", True)]


def test_too_few_watched_blocks_are_a_finding_off_test_networks():
    case = elsewhere()
    assert case.statement.header.watch == WATCH < LEAST_WATCH
    assert [each.rule for each in borrowed(case).findings] == ["V10"]


def test_a_test_network_says_that_its_window_and_watch_are_small():
    scene = honest()
    limits = scene.check(scene.published()).limits
    assert any(f"{LEAST_WINDOW} are the least off test networks" in text for text in limits)
    assert any(f"{LEAST_WATCH} are the least off test networks" in text for text in limits)
