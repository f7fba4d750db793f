"""Instants as documents write them: UTC, whole seconds, one spelling."""

import re
from datetime import UTC, datetime

from khazana.statement.patterns import INSTANT

_INSTANT = re.compile(INSTANT)


def read_instant(text: str) -> datetime:
    """The instant written as 2026-01-31T23:59:59Z; ValueError for any other spelling.

    >>> read_instant("2026-01-31T23:59:59Z")
    datetime.datetime(2026, 1, 31, 23, 59, 59, tzinfo=datetime.timezone.utc)
    """
    if not _INSTANT.match(text):
        raise ValueError(f"{text!r} is not an instant such as 2026-01-31T23:59:59Z")
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def write_instant(instant: datetime) -> str:
    """The one spelling of an instant; fractions of a second are refused, not dropped."""
    if instant.tzinfo is None or instant.microsecond:
        raise ValueError(f"{instant!r} is not an instant in whole seconds with a time zone")
    # strftime does not pad years before 1000 on every platform; isoformat does.
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
