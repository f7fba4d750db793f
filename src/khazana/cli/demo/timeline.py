"""When things happen in the demo: one block a day, and the days of the story among them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from khazana.errors import KhazanaError

SCALE = 10
"""Real-world amounts are divided by this: about 14,400 coins exist on such a chain."""

OPENING = 124
"""The first period opens at the end of this block: coinbases mature after 100, and the offices'
holdings of that day have to be bought first.
"""
FEWEST_DAYS = 190
"""Below this the story's days would fall on one another."""
MOST_DAYS = 900
"""Above it the treasury of the story would run out of coins before its daily moves end."""
CLOSING_DEPTH = 7
"""Blocks from a closing block to the tip at which its statement is made, both counted."""


@dataclass(eq=False, kw_only=True)
class DemoDaysRefused(KhazanaError):
    """A demo that is too short, too long, or in the future."""

    problem: str
    code = "demo_days_refused"
    words = "The demo cannot be played: {problem}."


@dataclass(frozen=True, slots=True)
class Timeline:
    """`days` daily blocks: block h is mined at 00:00 UTC of day h, the last one on `ends`."""

    days: int
    ends: date

    def __post_init__(self) -> None:
        if not FEWEST_DAYS <= self.days <= MOST_DAYS:
            raise DemoDaysRefused(
                problem=f"--days {self.days} is not from {FEWEST_DAYS} to {MOST_DAYS}"
            )

    def on(self, percent: int) -> int:
        """The block at which this share of the two periods has passed."""
        return OPENING + (self.days - OPENING) * percent // 100

    @property
    def first_close(self) -> int:
        """The block that closes the first period and opens the second."""
        return self.on(40)

    @property
    def last_close(self) -> int:
        """The block that closes the second period."""
        return self.days - CLOSING_DEPTH + 1

    @property
    def first_signing(self) -> int:
        """The tip at which the first period's statements are made and signed."""
        return self.first_close + CLOSING_DEPTH - 1

    def instant(self, height: int) -> datetime:
        """The time of the block at this height."""
        return datetime.combine(self.ends, time(), tzinfo=UTC) - timedelta(days=self.days - height)


def timeline_of(*, days: int, ends: date | None, now: datetime) -> Timeline:
    """The demo's days, ending today or on `ends`. now: UTC."""
    last = now.date() if ends is None else ends
    if last > now.date():
        raise DemoDaysRefused(problem=f"--ends {last} lies in the future")
    return Timeline(days, last)
