import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("babel", reason="Babel is in the portal extra")

from khazana.portal.charts.scales import Measure
from khazana.portal.charts.series import Point, Series, TimeChart, draw_time_chart
from tests.portal.charts.drawings import elements, look, require_house_rules, texts

SINCE = datetime(2025, 1, 1, tzinfo=UTC)
UNTIL = datetime(2025, 7, 1, tzinfo=UTC)
BTC = 10**8


def day(number):
    return SINCE + timedelta(days=number)


def series(label, *values):
    return Series(label, tuple(Point(day(at), value * BTC) for at, value in values))


def chart(*lines, language="en", **changed):
    kept = {"since": SINCE, "until": UNTIL, "empty": "Nothing yet", "date_heading": "Day"}
    return TimeChart(look=look(language), series=lines, **kept | changed)


FUND = series("Fund", (-10, 5), (20, 9), (100, 7))
TREASURY = series("Treasury", (50, 2))


@pytest.mark.parametrize("language", ["en", "ur", "ar", "es"])
@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("rtl_time", [False, True])
def test_every_kind_of_chart_keeps_the_house_rules(language, stacked, rtl_time):
    drawn = chart(FUND, TREASURY, language=language, stacked=stacked, rtl_time=rtl_time)
    svg = draw_time_chart(drawn)
    require_house_rules(svg)
    assert svg.__html__() == draw_time_chart(drawn)  # the same values, the same file


def test_a_line_is_made_of_steps_at_the_right_heights():
    (path,) = (e.get("d") for e in elements(draw_time_chart(chart(FUND)), "series-1") if e.get("d"))
    # Axis 0 to 10 BTC over 260 px under 34: 5 BTC at 164, 9 at 60, 7 at 112.
    assert re.findall(r"[MHV][\d.]+(?: [\d.]+)?", path) == [
        "M84.0 164.0",
        "H149.9",
        "V60.0",
        "H413.3",
        "V112.0",
        "H680.0",
    ]


def test_time_can_run_from_right_to_left_without_turning_a_word():
    svg = draw_time_chart(chart(FUND, language="ar", rtl_time=True))
    (path,) = (e.get("d") for e in elements(svg, "series-1") if e.get("d"))
    assert path.startswith("M636.0 164.0H570.1V60.0")
    assert "7.00000000 BTC" in texts(svg)


def test_the_legend_says_each_line_s_number_name_and_last_value():
    labels = texts(draw_time_chart(chart(FUND, TREASURY)))
    for wanted in ("Fund", "Treasury", "7.00000000 BTC", "2.00000000 BTC", "BTC"):
        assert labels.count(wanted) == 1
    # Each number stands at the end of its line and in the legend; 2 is on the axis too.
    assert (labels.count("1"), labels.count("2")) == (2, 3)


def test_lines_differ_in_more_than_colour():
    lines = [series(name, (0, number)) for number, name in enumerate("abcdef")]
    svg = draw_time_chart(chart(*lines))
    dashes = {e.get("stroke-dasharray") for n in range(1, 7) for e in elements(svg, f"series-{n}")}
    assert len(dashes) == 6
    stacked = draw_time_chart(chart(*lines, stacked=True))
    fills = {e.get("fill") for n in range(1, 7) for e in elements(stacked, f"area-{n}")}
    assert len(fills) == 6
    drawn = {e[1].attrib["d"] if len(e) > 1 and "d" in e[1].attrib else str(e[1:])[:9]
             for e in elements(stacked, "pattern")}  # fmt: skip
    assert len(drawn) >= 5


def test_the_table_has_a_row_for_each_day_with_a_change():
    assert list(chart(FUND, TREASURY).rows()) == [
        ("21 Jan 2025", "9.00000000 BTC", ""),
        ("20 Feb 2025", "9.00000000 BTC", "2.00000000 BTC"),
        ("11 Apr 2025", "7.00000000 BTC", "2.00000000 BTC"),
    ]
    assert chart(FUND, TREASURY).header() == ("Day", "Fund", "Treasury")


def test_the_monthly_table_has_the_figure_at_the_end_of_each_month():
    rows = list(chart(FUND, until=datetime(2025, 3, 10, tzinfo=UTC)).rows(monthly=True))
    assert rows == [
        ("31 Jan 2025", "9.00000000 BTC"),
        ("28 Feb 2025", "9.00000000 BTC"),
        ("10 Mar 2025", "9.00000000 BTC"),
    ]


@pytest.mark.parametrize("lines", [(), (Series("Fund", ()),), (series("Later", (365, 1)),)])
def test_a_chart_without_figures_says_so(lines):
    empty = chart(*lines)
    svg = draw_time_chart(empty)
    require_house_rules(svg)
    assert "Nothing yet" in texts(svg)
    assert not any("BTC" in text for text in texts(svg))
    assert list(empty.rows(monthly=True)) == []


@given(st.lists(st.integers(-(2**50), 2**50), min_size=1, max_size=30), st.booleans())
def test_whatever_is_held_the_drawing_stays_inside_its_frame(values, stacked):
    values = [abs(value) for value in values] if stacked else values
    points = tuple(Point(day(number * 5), value) for number, value in enumerate(values))
    drawn = chart(Series("a", points), Series("b", points[:1]), stacked=stacked)
    svg = draw_time_chart(drawn)
    require_house_rules(svg)
    for name in ("series-1", "area-1"):
        for element in elements(svg, name):
            for y in re.findall(r"V(-?[\d.]+)", element.get("d", "")):
                assert 33.9 <= float(y) <= 294.1


def test_ten_thousand_points_make_a_small_drawing_that_keeps_the_extremes():
    points = tuple(
        Point(SINCE + timedelta(minutes=20 * n), (50 if n == 5_000 else n % 7) * BTC)
        for n in range(10_000)
    )
    svg = draw_time_chart(chart(Series("busy", points), measure=Measure("BTC", 8)))
    assert len(svg) < 350_000
    assert "V34.0" in svg  # 50 BTC at the top of the axis


def test_a_hostile_name_is_text():
    hostile = '</text><script>alert(1)</script>\u202e&"'
    svg = draw_time_chart(chart(Series(hostile, FUND.points)))
    require_house_rules(svg)
    assert any("<script>" in text for text in texts(svg))
    assert "\u202e" not in svg


def test_a_chart_cannot_be_built_wrong():
    with pytest.raises(ValueError, match="not in order of time"):
        series("x", (1, 1), (1, 2))
    with pytest.raises(ValueError, match="spans no time"):
        chart(until=SINCE)
    with pytest.raises(ValueError, match="cannot be stacked"):
        chart(series("x", (1, -1)), stacked=True)
    with pytest.raises(ValueError, match="without a zone"):
        Series("x", (Point(datetime(2025, 1, 1), 1),))  # noqa: DTZ001  that is the point
    with pytest.raises(ValueError, match="is not an id"):
        look(id='x" onload="')
    with pytest.raises(ValueError, match="is not a colour"):
        look(accent="red;")
    with pytest.raises(ValueError, match="title and description"):
        look(title="")
