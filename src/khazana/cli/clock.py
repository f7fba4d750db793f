"""The only place where commands learn what time it is."""

from datetime import UTC, datetime


def now() -> datetime:
    """The time in UTC, whole seconds."""
    return datetime.now(tz=UTC).replace(microsecond=0)
