"""Tables of difficulty epochs: the one that ships, and anybody's, read and checked whole."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources

from khazana.bitcoin.checkpoints import shipped_checkpoints
from khazana.bitcoin.network import MAINNET, RETARGET_INTERVAL, Network
from khazana.bitcoin.work import (
    RETARGET_LIMIT,
    TARGET_TIMESPAN_S,
    BadCompactTarget,
    bits_of,
    is_canonical,
    target_of,
)
from khazana.errors import KhazanaError
from khazana.mining.difficulty import DifficultyEpoch, DifficultySeries
from khazana.units import Height

COLUMNS = ["epoch", "first_height", "bits_hex", "start_time_utc_estimated"]
TIME_SLACK_S = 180
"""Times are written to the minute, and compact targets are cut off by up to 3 parts in 100,000."""
MOST_ROWS = 20_000
SHIPPED = "shipped difficulty epochs, times estimated from the targets"
_HEX = frozenset("0123456789abcdef")


@dataclass(eq=False, kw_only=True)
class BadDifficultyTable(KhazanaError):
    """A table of difficulty epochs contradicts itself or the rules of proof of work."""

    file: str
    line: int
    problem: str
    code = "bad_difficulty_table"
    words = "{file}, line {line}: {problem}. Correct the table; nothing of it was used."


@cache
def shipped_difficulty() -> DifficultySeries:
    """Mainnet's epochs from 2009 to 14 June 2026 (data/difficulty_epochs.csv)."""
    name = "difficulty_epochs.csv"
    text = resources.files("khazana.mining").joinpath("data", name).read_text(encoding="ascii")
    return read_difficulty(text, network=MAINNET, file=name, source=SHIPPED)


def read_difficulty(text: str, *, network: Network, file: str, source: str) -> DifficultySeries:
    """Rule MI1: read epochs and check what can be checked without a chain.

    Heights are consecutive multiples of 2,016; bits are canonical, not easier than the network
    allows and within a factor of 4 of the epoch before; each time between two starts is the one
    that the change of target says; and bits are those of the shipped checkpoints, where these
    reach.
    """
    rows = list(csv.reader(text.splitlines()))
    if not rows or rows[0] != COLUMNS:
        raise BadDifficultyTable(
            file=file, line=1, problem=f"the columns are not {','.join(COLUMNS)}"
        )
    if len(rows) > MOST_ROWS:
        raise BadDifficultyTable(
            file=file, line=MOST_ROWS, problem=f"there are more than {MOST_ROWS} rows"
        )
    epochs: list[DifficultyEpoch] = []
    for line, row in enumerate(rows[1:], start=2):
        try:
            epoch = _epoch(row, network)
            if epochs:
                _follows(epochs[-1], epoch)
        except (ValueError, BadCompactTarget) as bad:
            problem = str(bad).removesuffix(".")
            raise BadDifficultyTable(file=file, line=line, problem=problem) from None
        epochs.append(epoch)
    if sum(epoch.starts_at is not None for epoch in epochs) < 2:
        problem = "fewer than two epochs have a time, so no duration is known"
        raise BadDifficultyTable(file=file, line=len(rows), problem=problem)
    return DifficultySeries(network, tuple(epochs), source)


def _epoch(row: list[str], network: Network) -> DifficultyEpoch:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} fields where {len(COLUMNS)} belong")
    number, first, bits_hex, starts = row
    if not (number.isdecimal() and number.isascii() and str(int(number[:9])) == number):
        raise ValueError(f"epoch {number!r} is not a whole number")
    height = int(number) * RETARGET_INTERVAL
    if first != str(height):
        raise ValueError(f"first_height {first!r}: epoch {number} starts at height {height}")
    if len(bits_hex) != 8 or not _HEX.issuperset(bits_hex):
        raise ValueError(f"bits_hex {bits_hex!r} is not 8 hex digits")
    bits = int(bits_hex, 16)
    if not is_canonical(bits):
        raise ValueError(f"bits {bits_hex} are not canonical")
    if target_of(bits) > target_of(network.pow_limit_bits):
        raise ValueError(f"bits {bits_hex} are easier than {network.name} allows")
    known = shipped_checkpoints(network).epoch_at(Height(height))
    if known is not None and known.bits != bits:
        raise ValueError(
            f"bits {bits_hex} are not those of {network.name} at height {height}, {known.bits:08x}"
        )
    return DifficultyEpoch(Height(height), bits, _instant(starts) if starts else None)


def _instant(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or at.utcoffset() != UTC.utcoffset(None):
        raise ValueError(f"{text!r} is not a time in UTC such as 2026-06-14T00:13Z")
    return int(at.timestamp())


def _follows(before: DifficultyEpoch, after: DifficultyEpoch) -> None:
    """Whether two epochs can be neighbours; the times follow from the targets."""
    if after.first != before.first + RETARGET_INTERVAL:
        raise ValueError(f"epoch {before.first // RETARGET_INTERVAL + 1} belongs here")
    old, new = target_of(before.bits), target_of(after.bits)
    # Compact bits are cut off, so the lower bound is compared in the form that is cut off.
    if new > old * RETARGET_LIMIT or after.bits < bits_of(old // RETARGET_LIMIT):
        raise ValueError(
            f"bits {after.bits:08x} are more than a factor of 4 from {before.bits:08x}"
        )
    if before.starts_at is None:
        return
    if after.starts_at is None:
        raise ValueError("the time is missing, and the epoch before has one")
    took = after.starts_at - before.starts_at
    if took <= 0:
        raise ValueError("it begins before the epoch that precedes it")
    # 2,015 intervals set the target; the 2,016th lies between the two epochs.
    says = TARGET_TIMESPAN_S * new * RETARGET_INTERVAL // (old * (RETARGET_INTERVAL - 1))
    limited = new >= old * RETARGET_LIMIT or after.bits <= bits_of(old // RETARGET_LIMIT)
    # A real interval between epochs is random; an hour each way is luck, a day is an error.
    if not limited and abs(took - says) > TIME_SLACK_S + says // 50:
        raise ValueError(f"the epoch before took {took} s, but the change of target says {says} s")
