"""A line the height of a table's row: the course of one figure, without axes."""

from dataclasses import dataclass
from datetime import datetime

from khazana.portal.charts.series import Series
from khazana.portal.charts.svg import Drawing, Look
from khazana.portal.formatting.bidi import SafeText

WIDTH, HEIGHT = 120, 28
_MARGIN = 3


@dataclass(frozen=True, kw_only=True)
class Sparkline:
    """The description of its look says in words what the line shows."""

    look: Look
    series: Series
    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.until <= self.since:
            raise ValueError(f"a line from {self.since} to {self.until} spans no time")


def draw_sparkline(chart: Sparkline) -> SafeText:
    """The line as SVG, in steps; a dot marks the last value; nothing known is a grey rule."""
    drawing = Drawing(chart.look, WIDTH, HEIGHT)
    held = chart.series.value_at(chart.since)
    known = [] if held is None else [(chart.since, held)]
    known += [
        (point.at, point.value)
        for point in chart.series.points
        if chart.since < point.at <= chart.until
    ]
    if not known:
        drawing.line(_MARGIN, HEIGHT / 2, WIDTH - _MARGIN, HEIGHT / 2)
        return drawing.svg(class_="sparkline chart-empty")
    values = [value for _, value in known]
    low, high = min(values), max(values)

    def x(at: datetime) -> float:
        share = (at - chart.since) / (chart.until - chart.since)
        return _MARGIN + (WIDTH - 2 * _MARGIN) * share

    def y(value: int) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return HEIGHT - _MARGIN - (HEIGHT - 2 * _MARGIN) * share

    (first, start), *rest = known
    path = f"M{x(first):.1f} {y(start):.1f}"
    path += "".join(f"H{x(at):.1f}V{y(value):.1f}" for at, value in rest)
    path += f"H{x(chart.until):.1f}"
    accent = chart.look.accent
    drawing.add("path", d=path, class_="series", fill="none", stroke=accent, stroke_width=1.5)
    drawing.add("circle", cx=x(chart.until), cy=y(values[-1]), r=2.5, class_="last", fill=accent)
    return drawing.svg(class_="sparkline")
