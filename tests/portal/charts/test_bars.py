from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("babel", reason="Babel is in the portal extra")

from khazana.ledger.grades import GradedTotal
from khazana.portal.charts.bars import Bar, BarChart, draw_bar_chart
from khazana.portal.charts.grade_bar import GradeBar, draw_grade_bar
from khazana.portal.charts.months import Month, MonthChart, draw_month_chart
from khazana.portal.charts.series import Point, Series
from khazana.portal.charts.sparkline import Sparkline, draw_sparkline
from tests.portal.charts.drawings import elements, look, require_house_rules, texts

BTC = 10**8
MEANINGS = ("derived", "signed", "attested", "entered")
SATS = st.integers(-(21 * 10**14), 21 * 10**14)


def two_bars(*values, language="en"):
    bars = tuple(Bar(f"bar {value}", value, "note") for value in values)
    return BarChart(look=look(language), bars=bars, empty="Nothing", headings=("What", "How much"))


def width(element):
    return float(element.get("width"))


def test_the_bars_are_to_one_scale():
    svg = draw_bar_chart(two_bars(20 * BTC, 5 * BTC))
    gross, net = (elements(svg, f"bar-{n}")[0] for n in (1, 2))
    assert width(gross) == 696
    assert width(net) == 174
    assert {"20.00000000 BTC", "5.00000000 BTC"} <= set(texts(svg))


@pytest.mark.parametrize(("language", "side"), [("en", 12.0), ("ar", 708.0)])
def test_bars_grow_from_where_reading_starts(language, side):
    (bar, *_) = elements(draw_bar_chart(two_bars(7, 3, language=language)), "bar-2")
    x = float(bar.get("x"))
    assert side in (x, x + width(bar))


@given(st.lists(SATS, max_size=4), st.sampled_from(["en", "ur"]))
def test_bars_of_any_sign_keep_the_house_rules(values, language):
    chart = two_bars(*values, language=language)
    svg = draw_bar_chart(chart)
    require_house_rules(svg)
    assert [row[0] for row in chart.rows()] == [f"bar {value}" for value in values]
    for number, value in enumerate(values):
        (bar,) = elements(svg, f"bar-{number + 1}")
        assert width(bar) >= 1.5
        assert width(bar) <= 696.1
        assert (value == 0) <= (width(bar) == 1.5)


def grade_bar(total, language="en"):
    return GradeBar(
        look=look(language),
        total=total,
        meanings=MEANINGS,
        empty="Nothing",
        headings=("grade", "amount", "share"),
    )


@given(SATS, SATS, SATS, SATS, st.sampled_from(["en", "ar"]))
def test_a_grade_bar_shows_what_carries_something_and_nothing_else(a, b, c, d, language):
    chart = grade_bar(GradedTotal(a, b, c, d), language)
    svg = draw_grade_bar(chart)
    require_house_rules(svg)
    carried = {name for name, amount in zip("ABCD", (a, b, c, d), strict=True) if amount}
    assert {row[0] for row in chart.rows()} == carried
    for name in "ABCD":
        assert len(elements(svg, f"grade-{name.lower()}")) == (2 if name in carried else 0)


def test_a_grade_bar_says_amount_share_and_meaning():
    chart = grade_bar(GradedTotal(3 * BTC, 0, BTC, 0))
    assert list(chart.rows()) == [
        ("A", "3.00000000 BTC", "75.0%"),
        ("C", "1.00000000 BTC", "25.0%"),
    ]
    labels = texts(draw_grade_bar(chart))
    assert labels == [
        *("A", "derived", "3.00000000 BTC · 75.0%"),
        *("C", "attested", "1.00000000 BTC · 25.0%"),
    ]


def month(number, low, expected, high, arrived):
    return Month(
        first=date(2026, number, 1), low=low, expected=expected, high=high, arrived=arrived
    )


def month_chart(*months, language="en"):
    return MonthChart(
        look=look(language),
        months=months,
        empty="Nothing",
        headings=("month", "lowest", "expected", "highest", "arrived"),
    )


@pytest.mark.parametrize("language", ["en", "ur", "ar", "es"])
def test_months_show_expected_bounds_and_arrived(language):
    chart = month_chart(
        month(1, 8 * BTC, 9 * BTC, 10 * BTC, 7 * BTC),
        month(2, 0, 0, 0, 0),
        month(3, BTC, BTC, BTC, None),
        language=language,
    )
    svg = draw_month_chart(chart)
    require_house_rules(svg)
    assert len(elements(svg, "whisker")) == 9
    assert len(elements(svg, "expected")) == 3 + 1  # and one in the legend
    assert len(elements(svg, "arrived")) == 2 + 1
    rows = list(chart.rows())
    assert rows[0][1:] == ("8.00000000 BTC", "9.00000000 BTC", "10.00000000 BTC", "7.00000000 BTC")
    assert rows[2][4] == ""


def test_what_arrived_is_as_tall_as_it_is_much():
    svg = draw_month_chart(month_chart(month(1, 0, 5 * BTC, 10 * BTC, 4 * BTC)))
    expected, arrived = (elements(svg, name)[0] for name in ("expected", "arrived"))
    assert float(expected.get("height")) == 120
    assert float(arrived.get("height")) == 96


@pytest.mark.parametrize(
    "svg",
    [
        draw_bar_chart(two_bars()),
        draw_grade_bar(grade_bar(GradedTotal())),
        draw_month_chart(month_chart()),
    ],
)
def test_charts_without_figures_say_so(svg):
    require_house_rules(svg)
    assert texts(svg) == ["Nothing"]


def test_months_cannot_be_built_wrong():
    with pytest.raises(ValueError, match="not the first day"):
        Month(first=date(2026, 1, 2), low=0, expected=0, high=0, arrived=0)
    with pytest.raises(ValueError, match="is not between"):
        month(1, 5, 4, 6, 0)
    with pytest.raises(ValueError, match="cannot arrive"):
        month(1, 0, 0, 0, -1)
    with pytest.raises(ValueError, match="not in order"):
        month_chart(month(2, 0, 0, 0, 0), month(1, 0, 0, 0, 0))


SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.lists(SATS, max_size=20))
def test_a_sparkline_stays_in_its_frame(values):
    points = tuple(Point(SINCE + timedelta(days=n), value) for n, value in enumerate(values))
    line = Sparkline(
        look=look(), series=Series("x", points), since=SINCE, until=SINCE + timedelta(days=30)
    )
    svg = draw_sparkline(line)
    require_house_rules(svg)
    assert len(elements(svg, "last")) == bool(values)
    assert ("chart-empty" in svg) == (not values)


def test_a_sparkline_spans_some_time():
    with pytest.raises(ValueError, match="spans no time"):
        Sparkline(look=look(), series=Series("x", ()), since=SINCE, until=SINCE)
