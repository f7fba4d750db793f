"""The two bars: what flowed into one wallet, beside what the whole public sector gained by it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from khazana.portal.charts.scales import BTC, Measure
from khazana.portal.charts.svg import INK, QUIET, Drawing, Look
from khazana.portal.formatting.bidi import SafeText

WIDTH = 720
_MARGIN, _TOP, _ROW, _BAR = 12, 8, 92, 30


@dataclass(frozen=True)
class Bar:
    """An amount with the words above it and, smaller, below it."""

    label: str
    value: int
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class BarChart:
    """Bars to one scale, one under the other, growing from the side where reading starts."""

    look: Look
    bars: tuple[Bar, ...]
    empty: str
    headings: tuple[str, str]
    measure: Measure = BTC

    def header(self) -> tuple[str, str]:
        """The heading of the table behind the chart."""
        return self.headings

    def rows(self) -> Iterator[tuple[str, str]]:
        """The table: each bar with its exact figure."""
        for bar in self.bars:
            yield bar.label, self.measure.exact(bar.value)


def draw_bar_chart(chart: BarChart) -> SafeText:
    """The chart as SVG."""
    drawing = Drawing(chart.look, WIDTH, _TOP + _ROW * max(1, len(chart.bars)))
    if not chart.bars:
        drawing.words(WIDTH / 2, _TOP + _ROW / 2, chart.empty, anchor="middle", fill=QUIET, size=15)
        return drawing.svg(class_="chart-bars chart-empty")
    drawing.patterns(len(chart.bars))
    values = [bar.value for bar in chart.bars]
    low, high = min(0, *values), max(0, *values)
    span = high - low or 1
    rtl = chart.look.rtl
    inside = WIDTH - 2 * _MARGIN

    def x(value: int) -> float:
        along = float(Fraction(value - low, span)) * inside
        return WIDTH - _MARGIN - along if rtl else _MARGIN + along

    near, far = (WIDTH - _MARGIN, _MARGIN) if rtl else (_MARGIN, WIDTH - _MARGIN)
    start, end = ("end", "start") if rtl else ("start", "end")
    for number, bar in enumerate(chart.bars):
        y = _TOP + number * _ROW
        drawing.words(near, y + 16, bar.label, anchor=start, weight="bold")
        drawing.figure(
            far, y + 16, chart.measure.exact(bar.value), anchor=end, class_="figure", weight="bold"
        )
        left, right = sorted((x(0), x(bar.value)))
        drawing.add(
            "rect",
            x=left,
            y=y + 26,
            # Nothing is drawn as a hairline on the axis, not as an absence.
            width=max(right - left, 1.5),
            height=_BAR,
            class_=f"bar bar-{number + 1}",
            fill=drawing.fill(number),
            stroke=chart.look.accent,
        )
        drawing.add(
            "line", x1=x(0), y1=y + 23, x2=x(0), y2=y + 29 + _BAR, class_="axis", stroke=INK
        )
        if bar.note:
            drawing.words(near, y + 26 + _BAR + 18, bar.note, anchor=start, size=12, fill=QUIET)
    return drawing.svg(class_="chart-bars")
