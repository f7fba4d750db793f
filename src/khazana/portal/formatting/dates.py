"""Days, months and instants: Gregorian, UTC unless a zone is named, with Latin digits."""

import html
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date

from khazana.portal.formatting.bidi import SafeText, isolate
from khazana.portal.formatting.languages import is_rtl, locale_of

_COMMA = {"en": ", ", "es": ", ", "ur": "، ", "ar": "، "}


def date_text(day: date, *, language: str) -> str:
    """A day in words: 22 November 2026."""
    return _latin(format_date(day, "long", locale=locale_of(language)))


def short_date_text(day: date, *, language: str) -> str:
    """A day for a table's cell: 22 Nov 2026."""
    return _latin(format_date(day, "d MMM y", locale=locale_of(language)))


def month_text(day: date, *, language: str) -> str:
    """The month of a day: November 2026."""
    return _latin(format_date(day, "MMMM y", locale=locale_of(language)))


def short_month_text(day: date, *, language: str) -> str:
    """The month of a day for an axis: Nov 2026."""
    return _latin(format_date(day, "MMM y", locale=locale_of(language)))


def instant_text(at: datetime, *, language: str, zone: str = "UTC") -> str:
    """An instant to the minute with its zone; a zone other than UTC is written as its offset.

    zone: an IANA name, such as Asia/Karachi.
    """
    local = _utc(at).astimezone(ZoneInfo(zone) if zone != "UTC" else UTC)
    clock = f"{local:%H:%M} {_offset(local)}"
    # In a right-to-left line "18:05 UTC" would change places without an isolate.
    clock = isolate(clock) if is_rtl(language) else clock
    comma = _COMMA[locale_of(language).partition("_")[0]]
    return f"{date_text(local.date(), language=language)}{comma}{clock}"


def instant_html(at: datetime, *, language: str, zone: str = "UTC") -> SafeText:
    """The same as a `<time>` element whose machine form is UTC."""
    text = html.escape(instant_text(at, language=language, zone=zone))
    return SafeText(f'<time datetime="{machine_text(at)}">{text}</time>')


def date_html(day: date, *, language: str) -> SafeText:
    """A day as a `<time>` element."""
    text = html.escape(date_text(day, language=language))
    return SafeText(f'<time datetime="{day:%Y-%m-%d}">{text}</time>')


def machine_text(at: datetime) -> str:
    """An instant as machines read it: 2026-11-22T18:05:00Z."""
    return f"{_utc(at):%Y-%m-%dT%H:%M:%SZ}"


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC)


def _offset(local: datetime) -> str:
    offset = local.utcoffset() or timedelta(0)
    if not offset:
        return "UTC"
    minutes = int(offset.total_seconds()) // 60
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _latin(text: str) -> str:
    """Without the direction marks that CLDR puts into some Arabic patterns."""
    return text.replace("\u200f", "").replace("\u200e", "")
