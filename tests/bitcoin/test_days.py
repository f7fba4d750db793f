"""The close of a day is the last block whose median time past precedes the next midnight."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.block import Header
from khazana.bitcoin.chain import BlockNotInBestChain, BlockRef
from khazana.bitcoin.days import (
    DayBeforeChain,
    DayNotClosed,
    close_of_day,
    closing_block,
    end_of_day,
)
from khazana.bitcoin.headers import median_time_past
from khazana.units import BlockHash, Height
from tests.bitcoin.paper_headers import START, chain_of, every

KARACHI = timezone(timedelta(hours=5), "PKT")
DAY = date(2025, 3, 1)
MIDNIGHT = int(datetime(2025, 3, 2, tzinfo=UTC).timestamp())


def close(medians: list[int], day: date = DAY, zone: timezone = UTC) -> Height:
    return close_of_day(
        day, zone, tip=Height(len(medians) - 1), median_time_past_at=lambda height: medians[height]
    )


def test_a_block_at_midnight_belongs_to_the_next_day() -> None:
    assert close([MIDNIGHT - 2, MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + 1]) == 1


def test_blocks_with_the_same_median_close_together() -> None:
    assert close([MIDNIGHT - 9, MIDNIGHT - 5, MIDNIGHT - 5, MIDNIGHT - 5, MIDNIGHT]) == 3


def test_the_zone_moves_midnight() -> None:
    medians = [MIDNIGHT - 6 * 3600, MIDNIGHT - 5 * 3600, MIDNIGHT - 1, MIDNIGHT]
    assert close(medians, zone=KARACHI) == 0
    assert close(medians) == 2


def test_a_day_without_blocks_closes_with_the_block_before() -> None:
    medians = [MIDNIGHT - 3 * 86_400, MIDNIGHT + 86_400]
    assert close(medians, DAY - timedelta(days=1)) == close(medians, DAY) == 0


def test_a_day_the_tip_has_not_passed_is_refused() -> None:
    with pytest.raises(DayNotClosed) as caught:
        close([MIDNIGHT - 2, MIDNIGHT - 1])
    assert caught.value.tip == 1
    assert str(caught.value).startswith(
        "2025-03-01 (UTC) is not over on the chain: the median time past of the newest block, 1, "
        "is 2025-03-01 23:59:59 UTC."
    )


def test_a_day_before_the_first_block_is_refused() -> None:
    with pytest.raises(DayBeforeChain, match="over before the chain's first block"):
        close([MIDNIGHT, MIDNIGHT + 600])


@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=300).map(sorted))
def test_halving_finds_what_counting_finds(offsets: list[int]) -> None:
    medians = [MIDNIGHT + offset for offset in offsets]
    expected = bisect_left(medians, MIDNIGHT) - 1
    if expected < 0:
        with pytest.raises(DayBeforeChain):
            close(medians)
    elif expected == len(medians) - 1:
        with pytest.raises(DayNotClosed):
            close(medians)
    else:
        assert close(medians) == expected


def test_few_blocks_are_asked_about() -> None:
    asked: list[int] = []

    def median(height: Height) -> int:
        asked.append(height)
        return MIDNIGHT + 600 * (height - 700_000)

    got = close_of_day(DAY, UTC, tip=Height(900_000), median_time_past_at=median)
    assert got == 699_999
    assert len(asked) <= 22


def test_a_day_of_23_hours_ends_an_hour_sooner() -> None:
    # 2025-03-30, Madrid: clocks went from 2 to 3 o'clock.
    madrid = ZoneInfo("Europe/Madrid")
    length = end_of_day(date(2025, 3, 30), madrid) - end_of_day(date(2025, 3, 29), madrid)
    assert length == 23 * 3600


def test_a_midnight_that_does_not_exist_is_the_moment_clocks_jump() -> None:
    # Cairo, end of 2023-04-27: clocks went from 24:00 straight to 01:00, at 22:00 UTC.
    cairo = ZoneInfo("Africa/Cairo")
    end = datetime.fromtimestamp(end_of_day(date(2023, 4, 27), cairo), UTC)
    assert end == datetime(2023, 4, 27, 22, tzinfo=UTC)


class PaperChain:
    """Headers as a chain source; `lost` is a tip that is reorganised away while it is asked."""

    def __init__(self, headers: Sequence[Header], *, lost: bool = False) -> None:
        self._headers = headers
        self._lost = lost

    def tip(self) -> BlockRef:
        return self.block_at(Height(len(self._headers) - 1))

    def block_at(self, height: Height) -> BlockRef:
        return BlockRef(height, self._headers[height].hash)

    def block_of(self, block_hash: BlockHash) -> BlockRef:
        if self._lost or block_hash != self.tip().hash:
            raise BlockNotInBestChain(block=block_hash, source="paper")
        return self.tip()

    def headers(self, first: Height, last: BlockRef) -> Sequence[Header]:
        return self._headers[first : last.height + 1]


def test_the_closing_block_of_a_chain_is_found_by_its_headers() -> None:
    headers = chain_of(every(7200, 60))
    day = datetime.fromtimestamp(START, UTC).date() + timedelta(days=1)
    block = closing_block(PaperChain(headers), day, UTC)
    end = end_of_day(day, UTC)
    assert block.hash == headers[block.height].hash
    assert median_time_past(headers[: block.height + 1]) < end
    assert median_time_past(headers[: block.height + 2]) >= end


def test_a_reorganisation_on_the_way_is_refused() -> None:
    day = datetime.fromtimestamp(START, UTC).date() + timedelta(days=1)
    with pytest.raises(BlockNotInBestChain):
        closing_block(PaperChain(chain_of(every(7200, 60)), lost=True), day, UTC)
