"""A table before it is a file: what it is about, its columns with their units, its rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from khazana.units import Sats, btc_from_sats

Cell = str | int | Decimal | bool | None
"""Numbers are exact; a time is text, as `instant` writes it."""


@dataclass(frozen=True)
class Table:
    """head: (what, value) pairs that stand before the columns. made_at: what the file says of its
    making; it follows from the content, so that the same content gives the same bytes.
    """

    name: str
    head: Sequence[tuple[str, str | int]]
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    made_at: datetime


def amount(sats: int) -> tuple[int, Decimal]:
    """An amount as its two columns, in satoshis and in bitcoin.

    >>> amount(-150_000_000)
    (-150000000, Decimal('-1.50000000'))
    """
    return sats, Decimal(btc_from_sats(Sats(sats)))


def instant(at: datetime | None) -> str | None:
    """A time in UTC as RFC 3339 writes it.

    >>> instant(datetime(2026, 11, 22, 12, 0, tzinfo=UTC))
    '2026-11-22T12:00:00Z'
    """
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
