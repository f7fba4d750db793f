"""What the first page says, gathered from the rows of the newest statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from khazana.ledger.grades import GradedTotal
from khazana.portal.charts.bars import Bar, BarChart, draw_bar_chart
from khazana.portal.charts.grade_bar import draw_grade_strip, shares_of
from khazana.portal.formatting.bidi import SafeText
from khazana.portal.formatting.numbers import percent_text
from khazana.portal.project.look import look, name_of
from khazana.portal.reserve.lines import AsOf, Chart, as_of, history_chart
from khazana.portal.reserve.models import FiguresRow, MovementRow, SetKind
from khazana.portal.reserve.worth import Worth, valuation_for, worth_of
from khazana.portal.statement.models import StatementRow
from khazana.reserve.headline import net_change, received_gross
from khazana.reserve.parts import FiguresBody, GradesBody
from khazana.units import Sats

RECENT = 5
"""Movements on the first page."""


@dataclass(frozen=True)
class Pair:
    """The two bars: a watched set's gross inflow and the stock's net change."""

    watched: FiguresRow
    gross: int
    stock: FiguresRow
    net: int
    svg: SafeText


@dataclass(frozen=True)
class Graded:
    """What one evidence grade carries of a figure."""

    grade: str
    amount: int
    share: str


@dataclass(frozen=True)
class Grades:
    """How much of a figure each evidence grade carries, drawn and in figures."""

    strip: SafeText
    rows: Sequence[Graded]


@dataclass(frozen=True)
class Home:
    """The first page's figures. `derived` of the headline anyone derives; `attested` is others'
    word.
    """

    headline: FiguresRow
    figures: FiguresBody
    derived: int
    attested: int
    grades: Grades | None
    perimeters: Sequence[FiguresRow]
    entities: Sequence[FiguresRow]
    worth: Sequence[Worth]
    pair: Pair | None
    chart: Chart | None
    recent: Sequence[MovementRow]
    unexplained: int
    movements: int
    asked: date | None
    as_of: AsOf | None


def home_figures(statement: StatementRow, asked: date | None) -> Home | None:
    """Everything of the first page; None where the statement discloses no total."""
    rows = {
        row.part: row
        for row in FiguresRow.objects.filter(statement=statement).exclude(kind=SetKind.ACCOUNT)
    }
    headline = rows.get(statement.headline)
    if headline is None:
        return None
    figures = headline.value()
    perimeters = [row for row in rows.values() if row.kind == SetKind.PERIMETER]
    movements = MovementRow.objects.filter(statement=statement)
    grades = figures.grades
    return Home(
        headline=headline,
        figures=figures,
        derived=grades.a,
        attested=grades.b + grades.c + grades.d,
        grades=graded(grades, "grades"),
        perimeters=perimeters,
        entities=[row for row in rows.values() if row.kind == SetKind.ENTITY],
        worth=worth_of(valuation_for(statement), statement.headline),
        pair=pair_on_home(rows.get(statement.watched), headline),
        chart=history_chart([row.part for row in perimeters], title=_("Holdings over time")),
        recent=list(movements.prefetch_related("lines")[:RECENT]),
        unexplained=movements.filter(unexplained=True).count(),
        movements=movements.count(),
        asked=asked,
        as_of=None if asked is None else as_of(statement.headline, asked, zone=statement.timezone),
    )


def graded(grades: GradesBody, ident: str) -> Grades | None:
    """An amount by evidence grade; None where nothing is held. ident: of the drawing."""
    total = GradedTotal(a=Sats(grades.a), b=Sats(grades.b), c=Sats(grades.c), d=Sats(grades.d))
    drawn = look(
        ident,
        title=_("Evidence grade"),
        description=_("A bar divided by evidence grade; the list below has every figure."),
    )
    rows = [
        Graded(grade.value, amount, percent_text(share, language=drawn.language))
        for grade, amount, share in shares_of(total)
    ]
    return Grades(draw_grade_strip(drawn, total), rows) if rows else None


def pair_on_home(watched: FiguresRow | None, stock: FiguresRow) -> Pair | None:
    """The two bars of the whole period, from stated figures."""
    if watched is None:
        return None
    gross, net = received_gross(watched.value()), net_change(stock.value())
    return Pair(watched, gross, stock, net, bars_svg(watched, gross, stock, net))


def bars_svg(watched: FiguresRow, gross: int, stock: FiguresRow, net: int) -> SafeText:
    """Both bars on one scale."""
    chart = BarChart(
        look=look(
            "two-bars",
            title=_("Gross inflow and net change"),
            description=_("Two bars on one scale; the text beside them has both figures."),
        ),
        bars=(
            Bar(_("received by %(set)s") % {"set": name_of(watched)}, gross),
            Bar(_("net change of %(set)s") % {"set": name_of(stock)}, net),
        ),
        empty=_("Nothing moved."),
        headings=(_("What"), _("Amount")),
    )
    return draw_bar_chart(chart)
