from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("babel", reason="Babel is in the portal extra")

from khazana.portal.charts.scales import BTC, Measure, nice_ticks, tick_text, time_ticks

VALUES = st.integers(-(10**17), 10**17)
TIMES = st.datetimes(datetime(2009, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(VALUES, VALUES, st.integers(1, 10))
def test_ticks_are_round_even_few_and_cover_the_values(one, two, most):
    low, high = sorted((one, two))
    ticks = (
        nice_ticks(low, high, most=most) if low * high >= 0 or most > 1 else nice_ticks(low, high)
    )
    assert ticks.low <= low
    assert high <= ticks.high
    assert len(ticks.marks) - 1 <= max(most, 5)
    assert {b - a for a, b in zip(ticks.marks, ticks.marks[1:], strict=False)} == {ticks.step}
    assert str(ticks.step).rstrip("0") in ("1", "2", "5")


def test_an_axis_shows_only_the_decimals_it_needs():
    assert BTC.on_axis(150_000_000, step=50_000_000) == "1.5"
    assert BTC.on_axis(-600_000_000_000, step=100_000_000_000) == "-6,000"
    assert BTC.on_axis(3, step=1) == "0.00000003"
    assert Measure("PKR", 2, "lakh").exact(1_00_00_000_00) == "1,00,00,000.00 PKR"


@given(TIMES, st.timedeltas(timedelta(hours=1), timedelta(days=365 * 60)))
def test_time_is_marked_at_a_few_starts_of_days_months_or_years(since, length):
    until = min(since + length, datetime(2150, 1, 1, tzinfo=UTC))
    kind, marks = time_ticks(since, until)
    assert len(marks) <= 9
    assert all(since <= at <= until for at in marks)
    assert all((at.hour, at.minute) == (0, 0) for at in marks)
    assert kind == "day" or all(at.day == 1 for at in marks)
    assert kind != "year" or all(at.month == 1 for at in marks)


def test_two_years_are_marked_by_half_years():
    kind, marks = time_ticks(datetime(2024, 11, 22, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))
    labels = [tick_text(kind, at, language="en") for at in marks]
    assert labels == ["Jan 2025", "Jul 2025", "Jan 2026", "Jul 2026"]


def test_impossible_axes_are_refused():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="no ticks from 2 to 1"):
        nice_ticks(2, 1)
    with pytest.raises(ValueError, match="is before"):
        time_ticks(now, now - timedelta(days=1))
