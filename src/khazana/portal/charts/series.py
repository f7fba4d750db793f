"""Holdings over time: one line per series, or areas on top of one another.

A value holds from its instant until the next one, so lines are steps and never slopes.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import groupby, pairwise

from khazana.portal.charts.scales import BTC, Measure, Ticks, nice_ticks, tick_text, time_ticks
from khazana.portal.charts.svg import INK, QUIET, Drawing, Look
from khazana.portal.formatting.bidi import SafeText
from khazana.portal.formatting.dates import short_date_text

WIDTH, PLOT_HEIGHT = 720, 260
_AXIS, _ENDS, _TOP, _BOTTOM = 84, 40, 34, 34
"""Room for the values' axis, for the lines' ends, above and below."""
_LEGEND_ROW = 24
DASHES = ("none", "8 4", "2 3", "10 3 2 3", "14 4", "5 2")


@dataclass(frozen=True)
class Point:
    """What was held from an instant on."""

    at: datetime
    value: int


@dataclass(frozen=True)
class Series:
    """A line of a chart; `label` is somebody's name or a translated word."""

    label: str
    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        if any(point.at.tzinfo is None for point in self.points):
            raise ValueError(f"series {self.label!r} has a time without a zone")
        if any(one.at >= two.at for one, two in pairwise(self.points)):
            raise ValueError(f"the points of series {self.label!r} are not in order of time")

    @cached_property
    def _times(self) -> list[datetime]:
        return [point.at for point in self.points]

    def value_at(self, at: datetime) -> int | None:
        """What was held at an instant; None before the first point."""
        before = bisect_right(self._times, at)
        return self.points[before - 1].value if before else None


@dataclass(frozen=True, kw_only=True)
class TimeChart:
    """Series over a span of time.

    stacked: areas on top of one another; every value is then zero or more, and their tops are sums.
    empty: the words to show where no series has a point.
    rtl_time: whether time runs from right to left.
    """

    look: Look
    series: tuple[Series, ...]
    since: datetime
    until: datetime
    empty: str
    date_heading: str
    measure: Measure = BTC
    stacked: bool = False
    rtl_time: bool = False

    def __post_init__(self) -> None:
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise ValueError("a chart's span of time has no zone")
        if self.until <= self.since:
            raise ValueError(f"a chart from {self.since} to {self.until} spans no time")
        values = [point.value for one in self.series for point in one.points]
        if self.stacked and min(values, default=0) < 0:
            raise ValueError("what is less than nothing cannot be stacked")

    @property
    def is_empty(self) -> bool:
        return not any(point.at <= self.until for one in self.series for point in one.points)

    def header(self) -> tuple[str, ...]:
        """The heading of the table behind the chart."""
        return (self.date_heading, *(one.label for one in self.series))

    def rows(self, *, monthly: bool = False) -> Iterator[tuple[str, ...]]:
        """The table: a row for each day with a change, or for each month's and the span's end.

        The first cell is the day, the others exact figures; a figure not yet known is empty.
        """
        for day, at in self._month_ends() if monthly else self._changes_by_day():
            values = (one.value_at(at) for one in self.series)
            yield (
                short_date_text(day, language=self.look.language),
                *("" if value is None else self.measure.exact(value) for value in values),
            )

    def _changes_by_day(self) -> Iterator[tuple[date, datetime]]:
        """Each day with a change, and the instant of its last one."""
        changes = self._changes()
        for day, group in groupby(changes, key=lambda at: at.astimezone(UTC).date()):
            yield day, list(group)[-1]

    def _changes(self) -> list[datetime]:
        times = {point.at for one in self.series for point in one.points}
        return sorted(at for at in times if self.since <= at <= self.until)

    def _month_ends(self) -> Iterator[tuple[date, datetime]]:
        if self.is_empty:
            return
        number = self.since.year * 12 + self.since.month
        while (at := datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)) < self.until:
            yield at.date() - timedelta(days=1), at
            number += 1
        yield self.until.astimezone(UTC).date(), self.until


def draw_time_chart(chart: TimeChart) -> SafeText:
    """The chart as SVG."""
    shown = [] if chart.is_empty else list(chart.series)
    height = _TOP + PLOT_HEIGHT + _BOTTOM + _LEGEND_ROW * len(shown)
    drawing = Drawing(chart.look, WIDTH, height)
    ticks = nice_ticks(*_range(chart))
    plot = _Plot(chart, ticks)
    _axes(drawing, plot)
    if chart.is_empty:
        drawing.words(
            WIDTH / 2, _TOP + PLOT_HEIGHT / 2, chart.empty, anchor="middle", fill=QUIET, size=15
        )
        return drawing.svg(class_="chart-time chart-empty")
    if chart.stacked:
        _areas(drawing, plot)
    else:
        _lines(drawing, plot)
    _legend(drawing, plot)
    return drawing.svg(class_="chart-time")


def _range(chart: TimeChart) -> tuple[int, int]:
    """From the lowest to the highest value shown; zero is always on the axis."""
    times = [chart.since, *chart._changes(), chart.until]
    values = [[one.value_at(at) or 0 for one in chart.series] for at in times]
    if chart.stacked:
        values = [[sum(row)] for row in values]
    flat = [0, *(value for row in values for value in row)]
    # Where all is zero the axis still shows one whole unit.
    return min(flat), max(flat) or (0 if min(flat) else 10**chart.measure.places)


@dataclass(frozen=True)
class _Plot:
    chart: TimeChart
    ticks: Ticks

    @property
    def left(self) -> int:
        """The values' axis stands where time begins."""
        return _ENDS if self.chart.rtl_time else _AXIS

    @property
    def right(self) -> int:
        return WIDTH - (_AXIS if self.chart.rtl_time else _ENDS)

    def x(self, at: datetime) -> float:
        chart = self.chart
        share = (at - chart.since) / (chart.until - chart.since)
        return self.left + (self.right - self.left) * (1 - share if chart.rtl_time else share)

    def y(self, value: int) -> float:
        share = (value - self.ticks.low) / (self.ticks.high - self.ticks.low)
        return _TOP + PLOT_HEIGHT * (1 - share)

    def steps(self, points: Sequence[Point]) -> list[tuple[float, int]]:
        """Corners of the step line, from the span's start to its end.

        Where thousands of points share a tenth of a pixel, the lowest, highest and last remain.
        """
        corners: list[tuple[float, int]] = []
        for x, group in groupby(points, key=lambda point: round(self.x(point.at), 1)):
            values = [point.value for point in group]
            if len(values) > 3:
                values = [min(values), max(values), values[-1]]
            corners += [(x, value) for value in values]
        return corners

    def shown(self, series: Series) -> list[Point]:
        """The points in the span; the one that holds at its start is moved there."""
        chart = self.chart
        held = series.value_at(chart.since)
        inside = [point for point in series.points if chart.since < point.at <= chart.until]
        return ([] if held is None else [Point(chart.since, held)]) + inside


def _axes(drawing: Drawing, plot: _Plot) -> None:
    chart = plot.chart
    beside, anchor = (plot.right + 8, "start") if chart.rtl_time else (plot.left - 8, "end")
    if not chart.is_empty:
        unit = chart.measure.unit
        drawing.figure(beside, _TOP - 16, unit, anchor=anchor, fill=QUIET, class_="unit")
    for mark in plot.ticks.marks:
        y = plot.y(mark)
        drawing.line(plot.left, y, plot.right, y, class_="axis" if mark == 0 else "rule")
        if not chart.is_empty:
            label = chart.measure.on_axis(mark, step=plot.ticks.step)
            drawing.figure(beside, y + 4, label, anchor=anchor, fill=QUIET, class_="tick")
    kind, marks = time_ticks(chart.since, chart.until)
    bottom = _TOP + PLOT_HEIGHT
    for at in marks:
        x = plot.x(at)
        drawing.line(x, bottom, x, bottom + 5, class_="axis")
        label = tick_text(kind, at, language=chart.look.language)
        drawing.words(x, bottom + 22, label, anchor="middle", fill=QUIET, class_="tick")


def _lines(drawing: Drawing, plot: _Plot) -> None:
    chart = plot.chart
    ends: list[tuple[float, int]] = []
    for number, series in enumerate(chart.series):
        points = plot.shown(series)
        if not points:
            continue
        corners = plot.steps(points)
        drawing.add(
            "path",
            d=_path(plot, corners),
            class_=f"series series-{number + 1}",
            fill="none",
            stroke=chart.look.accent if number == 0 else INK,
            stroke_width=2.5 if number == 0 else 1.6,
            stroke_dasharray=DASHES[number % len(DASHES)],
            stroke_linejoin="round",
        )
        ends.append((plot.y(points[-1].value), number))
    x = plot.x(chart.until) + (-10 if chart.rtl_time else 10)
    for y, number in _apart(ends, 17):
        _badge(drawing, x, y, number)


def _path(plot: _Plot, corners: Sequence[tuple[float, int]]) -> str:
    x, value = corners[0]
    parts = [f"M{x:.1f} {plot.y(value):.1f}"]
    for x, value in corners[1:]:
        parts.append(f"H{x:.1f}V{plot.y(value):.1f}")
    parts.append(f"H{plot.x(plot.chart.until):.1f}")
    return "".join(parts)


def _areas(drawing: Drawing, plot: _Plot) -> None:
    """Each area lies between the sums without and with its series."""
    chart = plot.chart
    drawing.patterns(len(chart.series))
    times = [chart.since, *chart._changes(), chart.until]
    below = [0] * len(times)
    ends = []
    for number, series in enumerate(chart.series):
        above = [base + (series.value_at(at) or 0) for at, base in zip(times, below, strict=True)]
        upper = plot.steps([Point(at, value) for at, value in zip(times, above, strict=True)])
        lower = plot.steps([Point(at, value) for at, value in zip(times, below, strict=True)])
        drawing.add(
            "path",
            d=f"{_path(plot, upper)}{_back(plot, lower)}Z",
            class_=f"area area-{number + 1}",
            fill=drawing.fill(number),
            stroke=chart.look.accent,
            stroke_width=1,
        )
        ends.append((plot.y((above[-1] + below[-1]) // 2), number))
        below = above
    x = plot.x(chart.until) + (-10 if chart.rtl_time else 10)
    for y, number in _apart(ends, 17):
        _badge(drawing, x, y, number)


def _back(plot: _Plot, corners: Sequence[tuple[float, int]]) -> str:
    """The same steps from their end to their start."""
    parts = [f"V{plot.y(corners[-1][1]):.1f}"]
    for (_, before), (x, _) in reversed(list(pairwise(corners))):
        parts.append(f"H{x:.1f}V{plot.y(before):.1f}")
    parts.append(f"H{corners[0][0]:.1f}")
    return "".join(parts)


def _badge(drawing: Drawing, x: float, y: float, number: int) -> None:
    """The series' number, at the end of its line and in the legend."""
    drawing.add(
        "circle", cx=x, cy=y, r=8, class_="badge", fill="#ffffff", stroke=INK, stroke_width=1
    )
    drawing.figure(x, y + 4, str(number + 1), anchor="middle", size=11, class_="badge-text")


def _apart(ends: Sequence[tuple[float, int]], distance: float) -> list[tuple[float, int]]:
    """The same heights, pushed apart until no two labels touch, and kept inside the plot."""
    placed: list[tuple[float, int]] = []
    for y, number in sorted(ends):
        floor = placed[-1][0] + distance if placed else _TOP
        placed.append((max(y, floor), number))
    bottom = float(_TOP + PLOT_HEIGHT)
    for index in range(len(placed) - 1, -1, -1):
        y, number = placed[index]
        placed[index] = (min(y, bottom), number)
        bottom = placed[index][0] - distance
    return placed


def _legend(drawing: Drawing, plot: _Plot) -> None:
    """A row for each series: its number, its line, its name and its last value."""
    chart = plot.chart
    rtl = chart.look.rtl
    for number, series in enumerate(chart.series):
        y = _TOP + PLOT_HEIGHT + _BOTTOM + _LEGEND_ROW * number + 14
        near = plot.right if rtl else plot.left
        far = plot.left if rtl else plot.right
        sign = -1 if rtl else 1
        _badge(drawing, near + sign * 8, y - 4, number)
        if chart.stacked:
            drawing.add(
                "rect",
                x=near + 24 if not rtl else near - 48,
                y=y - 12,
                width=24,
                height=14,
                class_=f"area area-{number + 1}",
                fill=drawing.fill(number),
                stroke=chart.look.accent,
            )
        else:
            drawing.add(
                "line",
                x1=near + sign * 24,
                y1=y - 4,
                x2=near + sign * 48,
                y2=y - 4,
                class_=f"series series-{number + 1}",
                stroke=chart.look.accent if number == 0 else INK,
                stroke_width=2.5 if number == 0 else 1.6,
                stroke_dasharray=DASHES[number % len(DASHES)],
            )
        drawing.name(near + sign * 56, y, series.label, anchor="end" if rtl else "start")
        value = series.value_at(chart.until)
        if value is not None:
            exact = chart.measure.exact(value)
            drawing.figure(far, y, exact, anchor="start" if rtl else "end", class_="figure")
