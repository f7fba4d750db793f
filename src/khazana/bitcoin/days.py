"""From the calendar to the chain: which block closes a day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol

from khazana.bitcoin.block import Header
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.headers import MEDIAN_OF, median_time_past
from khazana.errors import KhazanaError
from khazana.units import BlockHash, Height


@dataclass(eq=False, kw_only=True)
class DayNotClosed(KhazanaError):
    """No block yet proves that the day is over."""

    day: date
    zone: str
    tip: int
    until: datetime
    code = "day_not_closed"
    words = (
        "{day} ({zone}) is not over on the chain: the median time past of the newest block, "
        "{tip}, is {until:%Y-%m-%d %H:%M:%S} UTC. Wait for more blocks or ask for an earlier day."
    )


@dataclass(eq=False, kw_only=True)
class DayBeforeChain(KhazanaError):
    """The day was over before the chain's first block."""

    day: date
    zone: str
    code = "day_before_chain"
    words = "{day} ({zone}) was over before the chain's first block: ask for a later day."


class HeaderSource(Protocol):
    """The part of `ChainView` that knows headers."""

    def tip(self) -> BlockRef: ...

    def block_at(self, height: Height) -> BlockRef: ...

    def block_of(self, block_hash: BlockHash) -> BlockRef: ...

    def headers(self, first: Height, last: BlockRef) -> Sequence[Header]: ...


def end_of_day(day: date, zone: tzinfo) -> int:
    """The instant at which a day ends in a zone, in seconds since 1970-01-01 UTC.

    Where clocks change at midnight it is the first instant that the zone counts to the next day.
    """
    return int(datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone).timestamp())


def closing_block(chain: HeaderSource, day: date, zone: tzinfo) -> BlockRef:
    """The block that closes `day` in `zone`, in the best chain of a source.

    About twenty questions for eleven headers each. A reorganisation on the way raises
    `BlockNotInBestChain`: every answer belongs to the chain under the tip asked for first.
    """
    tip = chain.tip()

    def median_at(height: Height) -> int:
        first = Height(max(0, height - MEDIAN_OF + 1))
        return median_time_past(chain.headers(first, chain.block_at(height)))

    closing = chain.block_at(close_of_day(day, zone, tip=tip.height, median_time_past_at=median_at))
    chain.block_of(tip.hash)
    return closing


def close_of_day(
    day: date, zone: tzinfo, *, tip: Height, median_time_past_at: Callable[[Height], int]
) -> Height:
    """The last block whose median time past precedes the end of `day` in `zone`.

    median_time_past_at: seconds UTC by height, of one chain up to `tip`. It is asked about
    2 + log2(tip) times: the median time past never falls, so halving finds the block.
    A day that the tip has not passed is refused, since the next block could still belong to it.
    """
    end = end_of_day(day, zone)
    newest = median_time_past_at(tip)
    if newest < end:
        until = datetime.fromtimestamp(newest, UTC)
        raise DayNotClosed(day=day, zone=str(zone), tip=tip, until=until)
    if median_time_past_at(Height(0)) >= end:
        raise DayBeforeChain(day=day, zone=str(zone))
    before, after = 0, int(tip)
    while after - before > 1:
        middle = (before + after) // 2
        if median_time_past_at(Height(middle)) < end:
            before = middle
        else:
            after = middle
    return Height(before)
