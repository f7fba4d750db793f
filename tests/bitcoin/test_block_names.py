"""Heights, hashes, tip-N and days: what people write for a block."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from khazana.bitcoin.block_names import NotABlockName, block_named
from khazana.bitcoin.chain import BlockNotInBestChain, HeightBeyondTip
from khazana.bitcoin.days import DayNotClosed, closing_block
from khazana.bitcoin.simulated import SimulatedChain
from khazana.units import Height


@pytest.fixture
def chain():
    """A block every six hours."""
    chain = SimulatedChain()
    start = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    for n in range(60):
        chain.add_block(time=start + n * 6 * 3600)
    return chain


@pytest.mark.parametrize(
    ("text", "height"),
    [("0", 0), (" 17 ", 17), ("017", 17), ("60", 60), ("tip", 60), ("tip-6", 54), ("tip-60", 0)],
)
def test_a_block_is_named_by_its_height_or_its_distance_from_the_tip(chain, text, height):
    assert block_named(chain, text, zone=UTC) == chain.block_at(Height(height))


def test_a_block_is_named_by_its_hash_in_either_case(chain):
    block = chain.block_at(Height(9))
    assert block_named(chain, block.hash, zone=UTC) == block
    assert block_named(chain, block.hash.upper(), zone=UTC) == block


def test_a_day_names_the_block_that_closes_it_in_its_zone(chain):
    karachi = ZoneInfo("Asia/Karachi")
    named = block_named(chain, "2026-01-09", zone=karachi)
    assert named == closing_block(chain, date(2026, 1, 9), karachi)
    assert named != block_named(chain, "2026-01-09", zone=ZoneInfo("America/El_Salvador"))


def test_a_day_that_is_not_over_is_refused(chain):
    with pytest.raises(DayNotClosed):
        block_named(chain, "2026-01-16", zone=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "-1",
            "1e3",
            "0x10",
            "tip+1",
            "tip-",
            "tip--1",
            "Tip",
            "latest",
            "ab" * 31,
            "ab" * 33,
        ),
        *(
            "2026-1-1",
            "2026-02-30",
            "2026-13-01",
            "2026-01-01T00:00",
            "1 2",
            "1_000",
            "٣",
            "tip-61",
        ),
    ],
)
def test_other_words_name_no_block_and_the_error_repeats_them(chain, text):
    with pytest.raises(NotABlockName) as refused:
        block_named(chain, text, zone=UTC)
    assert repr(text) in str(refused.value)


def test_a_height_and_a_hash_that_the_chain_does_not_have_are_refused(chain):
    with pytest.raises(HeightBeyondTip):
        block_named(chain, "61", zone=UTC)
    with pytest.raises(BlockNotInBestChain):
        block_named(chain, "ab" * 32, zone=UTC)


def test_a_reorganisation_between_the_two_questions_is_refused(chain):
    class Moving(SimulatedChain):
        def block_at(self, height):
            block = super().block_at(height)
            self.reorganise(Height(58), [[], [], []])
            return block

    moving = Moving(blocks=chain.blocks)
    with pytest.raises(BlockNotInBestChain):
        block_named(moving, "tip-1", zone=UTC)
