"""How much of a figure each evidence grade carries, as one bar."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from khazana.ledger.grades import EvidenceGrade, GradedTotal
from khazana.portal.charts.scales import BTC, Measure
from khazana.portal.charts.svg import INK, QUIET, RULE, Drawing, Look
from khazana.portal.formatting.bidi import SafeText
from khazana.portal.formatting.numbers import percent_text

WIDTH = 720
_MARGIN, _BAR, _ROW = 12, 34, 26


def shares_of(total: GradedTotal) -> tuple[tuple[EvidenceGrade, int, Fraction], ...]:
    """Each grade that carries anything: its amount and its share of the sum of all sizes."""
    whole = sum(abs(total.part(grade)) for grade in EvidenceGrade)
    return tuple(
        (grade, amount, Fraction(abs(amount), whole))
        for grade in EvidenceGrade
        if (amount := total.part(grade))
    )


@dataclass(frozen=True, kw_only=True)
class GradeBar:
    """meanings: what each grade rests on, in the language of the page, A to D.

    Shares are of the sum of the grades' sizes, for a part may be negative.
    """

    look: Look
    total: GradedTotal
    meanings: tuple[str, str, str, str]
    empty: str
    headings: tuple[str, str, str]
    measure: Measure = BTC

    @property
    def parts(self) -> tuple[tuple[EvidenceGrade, int, Fraction], ...]:
        """Each grade that carries anything: its amount and its share."""
        return shares_of(self.total)

    def header(self) -> tuple[str, str, str]:
        """The heading of the table behind the chart."""
        return self.headings

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """The table: each grade with its exact figure and its share."""
        for grade, amount, share in self.parts:
            shown = percent_text(share, language=self.look.language)
            yield grade.value, self.measure.exact(amount), shown


def draw_grade_bar(chart: GradeBar) -> SafeText:
    """The chart as SVG: the bar, and under it a row for each grade that carries anything."""
    parts = chart.parts
    drawing = Drawing(chart.look, WIDTH, _MARGIN + _BAR + 14 + _ROW * max(1, len(parts)))
    inside = WIDTH - 2 * _MARGIN
    rtl = chart.look.rtl
    if not parts:
        drawing.add(
            "rect", x=_MARGIN, y=_MARGIN, width=inside, height=_BAR, class_="grade-none",
            fill="none", stroke=RULE,
        )  # fmt: skip
        y = _MARGIN + _BAR + 26
        drawing.words(WIDTH / 2, y, chart.empty, anchor="middle", fill=QUIET)
        return drawing.svg(class_="chart-grades chart-empty")
    drawing.patterns(4)
    near, far = (WIDTH - _MARGIN, _MARGIN) if rtl else (_MARGIN, WIDTH - _MARGIN)
    sign = -1 if rtl else 1
    start, end = ("end", "start") if rtl else ("start", "end")
    done = Fraction(0)
    for row, (grade, amount, share) in enumerate(parts):
        width = float(share) * inside
        x = near + sign * float(done) * inside
        name, fill = grade.value, drawing.fill(grade.rank)
        for left, y, wide, high in (
            (x - (width if rtl else 0), _MARGIN, max(width, 1.5), _BAR),
            (near - (22 if rtl else 0), _MARGIN + _BAR + 14 + row * _ROW, 22, 15),
        ):
            drawing.add(
                "rect", x=float(left), y=y, width=wide, height=high, fill=fill,
                class_=f"grade grade-{name.lower()}", stroke=chart.look.accent,
            )  # fmt: skip
        y = _MARGIN + _BAR + 14 + row * _ROW + 12
        drawing.figure(near + sign * 36, y, name, anchor="middle", weight="bold")
        meaning = chart.meanings[grade.rank]
        drawing.words(near + sign * 52, y, meaning, anchor=start, fill=INK)
        shown = percent_text(share, language=chart.look.language)
        drawing.figure(
            far, y, f"{chart.measure.exact(amount)} · {shown}", anchor=end, class_="figure"
        )
        done += share
    return drawing.svg(class_="chart-grades")


def draw_grade_strip(look: Look, total: GradedTotal) -> SafeText:
    """The bar alone, as wide as its place: letters and figures stand in the text beside it."""
    drawing = Drawing(look, 1000, 16)
    done = Fraction(0)
    for grade, _, share in shares_of(total):
        left, width = float(done) * 1000, max(float(share) * 1000, 4.0)
        x = 1000 - left - width if look.rtl else min(left, 1000 - width)
        drawing.add(
            "rect", x=max(x, 0.0), y=0, width=width, height=16,
            class_=f"strip strip-{grade.value.lower()}", fill=look.accent,
            fill_opacity=_STRIP[grade.rank], stroke="#ffffff", stroke_width=2,
        )  # fmt: skip
        done += share
    return drawing.svg(class_="chart-strip", stretched=True)


_STRIP = (1.0, 0.7, 0.45, 0.25)
"""Opacity by grade: the weaker the evidence, the paler."""
