"""Month by month: what was expected, within which bounds, and what arrived."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from khazana.portal.charts.scales import BTC, Measure, nice_ticks
from khazana.portal.charts.svg import INK, QUIET, Drawing, Look
from khazana.portal.formatting.bidi import SafeText
from khazana.portal.formatting.dates import month_text, short_month_text

WIDTH, PLOT_HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM, _LEGEND = 84, 30, 34, 34, 30


@dataclass(frozen=True, kw_only=True)
class Month:
    """first: the month's first day. arrived: None where it is not known yet."""

    first: date
    low: int
    expected: int
    high: int
    arrived: int | None

    def __post_init__(self) -> None:
        if self.first.day != 1:
            raise ValueError(f"{self.first} is not the first day of a month")
        if not 0 <= self.low <= self.expected <= self.high:
            raise ValueError(f"{self.expected} is not between {self.low} and {self.high}")
        if self.arrived is not None and self.arrived < 0:
            raise ValueError(f"{self.arrived} cannot arrive")


@dataclass(frozen=True, kw_only=True)
class MonthChart:
    """headings: month, lowest, expected, highest, arrived."""

    look: Look
    months: tuple[Month, ...]
    empty: str
    headings: tuple[str, str, str, str, str]
    measure: Measure = BTC

    def __post_init__(self) -> None:
        days = [month.first for month in self.months]
        if days != sorted(set(days)):
            raise ValueError("the months are not in order, or one stands here twice")

    def header(self) -> tuple[str, ...]:
        """The heading of the table behind the chart."""
        return self.headings

    def rows(self) -> Iterator[tuple[str, ...]]:
        """The table: a row for each month, its figures exact."""
        for month in self.months:
            figures = (month.low, month.expected, month.high, month.arrived)
            yield (
                month_text(month.first, language=self.look.language),
                *("" if value is None else self.measure.exact(value) for value in figures),
            )


def draw_month_chart(chart: MonthChart) -> SafeText:
    """The chart as SVG: hollow bars with whiskers for expected, filled ones for arrived."""
    drawing = Drawing(chart.look, WIDTH, _TOP + PLOT_HEIGHT + _BOTTOM + _LEGEND)
    bottom = float(_TOP + PLOT_HEIGHT)
    tallest = max((max(month.high, month.arrived or 0) for month in chart.months), default=0)
    ticks = nice_ticks(0, tallest or 10**chart.measure.places)

    def y(value: int) -> float:
        return bottom - PLOT_HEIGHT * (value / ticks.high)

    for mark in ticks.marks:
        class_ = "axis" if mark == 0 else "rule"
        drawing.line(_LEFT, y(mark), WIDTH - _RIGHT, y(mark), class_=class_)
        if chart.months:
            label = chart.measure.on_axis(mark, step=ticks.step)
            drawing.figure(_LEFT - 8, y(mark) + 4, label, anchor="end", fill=QUIET, class_="tick")
    if not chart.months:
        drawing.words(
            WIDTH / 2, bottom - PLOT_HEIGHT / 2, chart.empty, anchor="middle", fill=QUIET, size=15
        )
        return drawing.svg(class_="chart-months chart-empty")
    unit = chart.measure.unit
    drawing.figure(_LEFT - 8, _TOP - 16, unit, anchor="end", fill=QUIET, class_="unit")
    drawing.patterns(1)
    slot = (WIDTH - _LEFT - _RIGHT) / len(chart.months)
    every = -(-len(chart.months) // 8)
    for number, month in enumerate(chart.months):
        _month(drawing, month, left=_LEFT + slot * number, slot=slot, y=y)
        if number % every == 0:
            drawing.words(
                _LEFT + slot * (number + 0.5),
                bottom + 22,
                short_month_text(month.first, language=chart.look.language),
                anchor="middle",
                fill=QUIET,
                class_="tick",
            )
    _legend(drawing, chart)
    return drawing.svg(class_="chart-months")


def _month(
    drawing: Drawing, month: Month, *, left: float, slot: float, y: Callable[[int], float]
) -> None:
    wide = min(slot * 0.36, 26.0)
    middle = left + slot / 2
    _expected(drawing, middle - wide, y(month.expected), wide, y(0) - y(month.expected))
    x = middle - wide / 2
    for x1, y1, x2, y2 in (
        (x, y(month.low), x, y(month.high)),
        (x - 3, y(month.low), x + 3, y(month.low)),
        (x - 3, y(month.high), x + 3, y(month.high)),
    ):
        drawing.line(x1, y1, x2, y2, class_="whisker")
    if month.arrived is not None:
        _arrived(drawing, middle + 1.5, y(month.arrived), wide, y(0) - y(month.arrived))


def _expected(drawing: Drawing, x: float, y: float, width: float, height: float) -> None:
    drawing.add(
        "rect", x=x, y=y, width=width, height=height, class_="expected", fill="#ffffff",
        stroke=INK, stroke_dasharray="3 2",
    )  # fmt: skip


def _arrived(drawing: Drawing, x: float, y: float, width: float, height: float) -> None:
    drawing.add(
        "rect", x=x, y=y, width=width, height=max(height, 1.0), class_="arrived",
        fill=drawing.fill(0), stroke=drawing.look.accent,
    )  # fmt: skip


def _legend(drawing: Drawing, chart: MonthChart) -> None:
    """The two kinds of bar by name, from the side where reading starts."""
    y = _TOP + PLOT_HEIGHT + _BOTTOM + 8.0
    rtl = chart.look.rtl
    _, _, expected, _, arrived = chart.headings
    for place, (label, draw) in enumerate(((expected, _expected), (arrived, _arrived))):
        along = 240 * place
        near = WIDTH - _RIGHT - along if rtl else _LEFT + along
        draw(drawing, float(near - 22 if rtl else near), y, 22.0, 14.0)
        drawing.words(near + (-30 if rtl else 30), y + 12, label, anchor="end" if rtl else "start")
