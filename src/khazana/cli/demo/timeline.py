"""When things happen in the demo: one block a day, a statement a quarter, and the story's days."""

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

YEAR = 4
"""Periods of a year of the story."""

_MOST_PERIODS, _FEWEST_PERIODS = 8, 4
_SHORTEST_PERIOD = 40


@dataclass(eq=False, kw_only=True)
class DemoDaysRefused(KhazanaError):
    """A demo that is too short, too long, or in the future."""

    problem: str
    code = "demo_days_refused"
    words = "The demo cannot be played: {problem}."


@dataclass(frozen=True, slots=True)
class Timeline:
    """`days` daily blocks: block h is mined at 00:00 UTC of day h, the last one on `ends`.

    Periods are numbered from 1; each closes at a block and is signed when that block is deep
    enough. A quarter of the story has 75 days: eight of them in two years that begin with the
    first blocks of a chain.
    """

    days: int
    ends: date

    def __post_init__(self) -> None:
        if not FEWEST_DAYS <= self.days <= MOST_DAYS:
            raise DemoDaysRefused(
                problem=f"--days {self.days} is not from {FEWEST_DAYS} to {MOST_DAYS}"
            )

    def on(self, percent: int) -> int:
        """The block at which this share of all periods has passed."""
        return OPENING + (self.days - OPENING) * percent // 100

    @property
    def last_close(self) -> int:
        """The block that closes the last period."""
        return self.days - CLOSING_DEPTH + 1

    @property
    def periods(self) -> int:
        """How many statements each state publishes, corrections not counted."""
        wanted = (self.last_close - OPENING) // _SHORTEST_PERIOD
        return max(_FEWEST_PERIODS, min(_MOST_PERIODS, wanted))

    def close(self, period: int) -> int:
        """The block that closes a period; `close(0)` opens the first."""
        return OPENING + (self.last_close - OPENING) * period // self.periods

    def signing(self, period: int) -> int:
        """The tip at which a period's statements are made and signed."""
        return self.close(period) + CLOSING_DEPTH - 1

    def within(self, period: int, percent: int) -> int:
        """A block of a period, after the statement of the one before has been signed.

        What changes an office's description waits for that: a statement says how things stood.
        """
        first = self.close(period - 1) + CLOSING_DEPTH
        return first + (self.close(period) - 1 - first) * percent // 100

    @property
    def approved(self) -> int:
        """The period at whose close El Salvador's arrangement with its lender begins."""
        return self.periods // 2

    @property
    def corrected(self) -> int:
        """The period whose statement Pakistan replaces, because a document turned up late."""
        return max(2, self.periods * 3 // 8)

    @property
    def correction(self) -> int:
        """The tip at which the replacing statement is made and signed."""
        return self.within(self.corrected + 1, 50)

    def instant(self, height: int) -> datetime:
        """The time of the block at this height."""
        return datetime.combine(self.ends, time(), tzinfo=UTC) - timedelta(days=self.days - height)


def timeline_of(*, days: int, ends: date | None, now: datetime) -> Timeline:
    """The demo's days, ending today or on `ends`. now: UTC."""
    last = now.date() if ends is None else ends
    if last > now.date():
        raise DemoDaysRefused(problem=f"--ends {last} lies in the future")
    return Timeline(days, last)
