from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("babel", reason="Babel is in the portal extra")

from khazana.portal.formatting.dates import (
    date_html,
    date_text,
    instant_html,
    instant_text,
    machine_text,
    month_text,
    short_date_text,
    short_month_text,
)
from khazana.portal.formatting.languages import LANGUAGES, direction_of, is_rtl, language_of

DAY = date(2026, 11, 22)
AT = datetime(2026, 11, 22, 21, 5, tzinfo=UTC)


def test_a_day_in_four_languages():
    assert [date_text(DAY, language=language) for language in LANGUAGES] == [
        "22 November 2026",
        "22 نومبر، 2026",
        "22 نوفمبر 2026",
        "22 de noviembre de 2026",
    ]


def test_a_month_in_four_languages():
    assert [month_text(DAY, language=language) for language in LANGUAGES] == [
        "November 2026",
        "نومبر 2026",
        "نوفمبر 2026",
        "noviembre 2026",
    ]


def test_an_instant_says_its_zone():
    assert instant_text(AT, language="en") == "22 November 2026, 21:05 UTC"
    assert instant_text(AT, language="en", zone="Asia/Karachi") == (
        "23 November 2026, 02:05 UTC+05:00"
    )
    assert instant_text(AT, language="es", zone="America/El_Salvador") == (
        "22 de noviembre de 2026, 15:05 UTC-06:00"
    )


def test_the_clock_is_isolated_in_right_to_left_lines():
    assert instant_text(AT, language="ar") == "22 نوفمبر 2026، \u206621:05 UTC\u2069"
    assert instant_text(AT, language="ur") == "22 نومبر، 2026، \u206621:05 UTC\u2069"


@pytest.mark.parametrize("language", LANGUAGES)
@given(day=st.dates(date(1583, 1, 1)))
def test_dates_have_latin_digits_and_balanced_isolates(language, day):
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    for text in (
        date_text(day, language=language),
        short_date_text(day, language=language),
        month_text(day, language=language),
        short_month_text(day, language=language),
        instant_text(at, language=language),
    ):
        assert str(day.year) in text
        assert not set("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹\u200e\u200f") & set(text)
        assert text.count("\u2066") == text.count("\u2069")


def test_machines_read_utc():
    karachi = AT.astimezone(timezone(timedelta(hours=5)))
    assert machine_text(karachi) == "2026-11-22T21:05:00Z"
    assert instant_html(AT, language="en") == (
        '<time datetime="2026-11-22T21:05:00Z">22 November 2026, 21:05 UTC</time>'
    )
    assert date_html(DAY, language="en") == '<time datetime="2026-11-22">22 November 2026</time>'


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="has no time zone"):
        instant_text(datetime(2026, 1, 1), language="en")  # noqa: DTZ001  that is the point


def test_direction_follows_the_language():
    assert [direction_of(language) for language in LANGUAGES] == ["ltr", "rtl", "rtl", "ltr"]
    assert is_rtl("ar-AE")
    assert language_of("es_SV") == "es"
    with pytest.raises(ValueError, match="no language 'de'"):
        is_rtl("de")
