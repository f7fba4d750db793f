"""Sources of a chain that answer wrongly: refused or found, never believed, and nothing crashes."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import pytest

from khazana.bitcoin.block import Header
from khazana.bitcoin.chain import BlockNotInBestChain, BlockRef, ConfirmedTransaction
from khazana.bitcoin.simulated import SimulatedChain
from khazana.reserve.levels import LEVELS, keep_at
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.checks import Profile
from khazana.statement.envelope import disclose, write_statement
from khazana.units import BlockHash, Height
from tests.reserve.simulator import Parts, rerooted, verdicts
from tests.reserve.test_attacks import second
from tests.reserve.world import story

History = Sequence[ConfirmedTransaction]


class LyingChain(SimulatedChain):
    """A real chain whose answers about history or headers are changed on the way."""

    on_history: Callable[[History], History] = staticmethod(lambda found: found)
    on_headers: Callable[[Sequence[Header]], Sequence[Header]] = staticmethod(lambda found: found)

    def history(
        self, scripts: Collection[bytes], after: BlockRef | None, until: BlockRef
    ) -> History:
        return self.on_history(super().history(scripts, after, until))

    def headers(self, first: Height, last: BlockRef) -> Sequence[Header]:
        return self.on_headers(super().headers(first, last))


def lying(**answers: Any) -> LyingChain:
    chain = LyingChain(blocks=story().world.chain.blocks)
    for name, answer in answers.items():
        setattr(chain, name, answer)
    return chain


def shown(level: str) -> bytes:
    return write_statement(
        disclose(read_reserve_statement(story().second).envelope, keep_at(level))
    )


def judged(chain: SimulatedChain, level: str = "auditor") -> Any:
    return story().world.check(shown(level), chain=chain, previous=story().first)


def test_the_chain_that_changes_nothing_tells_the_truth():
    assert judged(lying()).failed == ()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "lie",
    [
        lambda found: [*found, found[0]],
        lambda found: list(reversed(found)),
        lambda found: [found[0], *found],
        lambda found: [
            *found[:-1],
            replace(found[-1], block=BlockRef(Height(10**6), found[-1].block.hash)),
        ],
    ],
    ids=["again at the end", "backwards", "twice", "after the closing block"],
)
def test_a_history_out_of_order_is_no_answer(lie: Callable[[History], History], level: str):
    report = judged(lying(on_history=lie), level)
    assert report.failed == ()
    assert report.exit_status == 2
    if level != "totals":
        assert verdicts(report)["headers"] == "not checkable"


@pytest.mark.parametrize(
    "lie",
    [lambda found: [], lambda found: found[:-1], lambda found: found[1:]],
    ids=["none", "without the last", "without the first"],
)
def test_headers_that_were_not_asked_for_are_no_answer(lie: Callable[..., Any]):
    report = judged(lying(on_headers=lie))
    assert report.failed == ()
    assert report.exit_status == 2
    assert verdicts(report)["period"] == "not checkable"


def test_headers_of_another_branch_are_found():
    other = SimulatedChain()
    for block in story().world.chain.blocks[1:]:
        other.add_block(time=block.header.time + 1)
    tips = {block.header.hash: n for n, block in enumerate(story().world.chain.blocks)}

    def lie(found: Sequence[Header]) -> Sequence[Header]:
        """Another branch, with the last header as asked for."""
        heights = [tips[header.hash] for header in found[:-1]]
        return [*(other.blocks[n].header for n in heights), found[-1]]

    report = judged(lying(on_headers=lie))
    assert "headers" in report.failed or "period" in report.failed
    assert report.exit_status == 1


def test_a_transaction_that_is_hidden_shows_where_the_statement_has_it():
    report = judged(lying(on_history=lambda found: found[:-1]))
    assert "entries" in report.failed


@pytest.mark.parametrize("patience", range(1, 16))
def test_a_reorganisation_in_the_middle_leaves_checks_unmade(patience: int):
    """Whichever question it comes before, what was asked afterwards is not passed over."""
    told = story()
    end = told.end.height
    chain = SimulatedChain(blocks=list(told.world.chain.blocks))
    reads = 0

    def count() -> None:
        nonlocal reads
        reads += 1
        if reads < patience:
            chain.before_answer = count
        else:
            chain.reorganise(Height(end - 1), [[] for _ in range(len(chain.blocks) - end + 2)])

    chain.before_answer = count
    report = judged(chain)
    if chain.before_answer is None:
        with pytest.raises(BlockNotInBestChain):
            chain.headers(Height(0), told.end)
    if verdicts(report)["headers"] != "passed":
        assert report.exit_status != 0
        for name in ("inclusion", "entries", "completeness", "opening", "closing_coins"):
            assert verdicts(report)[name] == "not checkable"


def test_closing_coins_do_not_pass_where_entries_could_not_be_checked():
    """A source that makes one coin twice stops the entries; the coins stay unchecked then."""
    told = story()

    def twice(found: History) -> History:
        moved = replace(
            found[-1],
            transaction=found[-2].transaction,
        )
        return [*found[:-1], moved]

    report = told.world.check(told.second, chain=lying(on_history=twice), profile=Profile.ADDRESSES)
    assert verdicts(report)["closing_coins"] != "passed"
    assert report.exit_status != 0


# Files that once stopped the verifier instead of failing.


def no_scripts(parts: Parts) -> None:
    parts["scripts/mining"]["scripts"] = []


def a_script_twice(parts: Parts) -> None:
    parts["scripts/mining"]["scripts"] = [parts["scripts/mining"]["scripts"][0]] * 2


def no_part_of_scripts(parts: Parts) -> None:
    del parts["scripts/mining"]


@pytest.mark.parametrize("change", [no_scripts, a_script_twice, no_part_of_scripts])
@pytest.mark.parametrize("hidden", ["coins", "entry", "nothing"])
@pytest.mark.parametrize("accept_opening", [False, True])
def test_unsound_scripts_fail_their_check_whatever_is_withheld(
    change: Callable[[Parts], None], hidden: str, accept_opening: bool
):
    told = story()
    forged = disclose(
        rerooted(second(told), change), lambda name: not name.startswith(f"{hidden}/")
    )
    report = told.world.check(
        told.world.signed(forged), previous=told.first, accept_opening=accept_opening
    )
    assert "scripts" in report.failed


def test_a_descriptor_over_a_range_without_end_is_not_derived():
    told = story()

    def change(parts: Parts) -> None:
        key = (
            "tpubDDyfHdkMepL1qMjuTXFNXREXwjM2h3YadCb6YDodKnGpvgfzjFg5btwBnmBWahfZioGQy1AAvx6aHXfi1"
            "uFEdyJgAfs3G6VDjiCxmLwHKRe"
        )
        parts["descriptor/mining"] = {
            "wallet": "mining",
            "descriptor": f"wpkh({key}/<0;1>/*)",
            "branches": [{"branch": 0, "stop": 0x7FFF_FFFF}],
            "gap": 2,
        }

    assert "scripts" in told.world.check(told.world.signed(rerooted(second(told), change))).failed


def test_the_lying_chain_is_a_chain():
    chain = lying()
    assert chain.block_of(BlockHash(story().end.hash)) == story().end
