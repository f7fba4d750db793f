"""What the mining pages show: lines of the room, their charts, and what stands beside them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.utils.translation import gettext as _

from khazana.mining.comparisons import (
    Difference,
    arrived_share,
    cost_per_mwh,
    difference,
    recovered,
)
from khazana.mining.parts import KIND, MiningBody
from khazana.mining.report import (
    MonthLine,
    SiteLine,
    programme_line,
    programme_months,
    site_line,
)
from khazana.portal.charts.months import Month, MonthChart, draw_month_chart
from khazana.portal.formatting.bidi import visible
from khazana.portal.mining.models import SiteRow
from khazana.portal.mining.templatetags.mining import first_day
from khazana.portal.project.look import look
from khazana.portal.reserve.lines import Chart
from khazana.portal.reserve.pair import cached_value
from khazana.portal.statement.models import StatementRow

_DIGITS = re.compile("([0-9]+)")


@dataclass(frozen=True)
class Shown:
    """A line with what follows from it: what is missing, and what a megawatt-hour cost."""

    line: MonthLine
    missing: Difference
    share: Fraction | None
    per_mwh: Fraction | None
    recovered: Fraction | None

    @classmethod
    def of(cls, line: MonthLine) -> "Shown":
        return cls(line, difference(line), arrived_share(line), cost_per_mwh(line), recovered(line))

    @property
    def share_percent(self) -> Fraction | None:
        return None if self.share is None else 100 * self.share

    @property
    def recovered_percent(self) -> Fraction | None:
        return None if self.recovered is None else 100 * self.recovered


@dataclass(frozen=True)
class SiteShown:
    """A site of a list: its line, and its months added up."""

    site: SiteLine
    total: Shown


@dataclass(frozen=True)
class Brief:
    """All sites of a statement in a line. alarms: sites and months that the test alarms for.

    limit: the detection limit of the site that is seen worst, in per cent; "" without a test.
    """

    total: Shown
    first: str
    last: str
    alarms: Sequence[tuple[SiteLine, str]]
    limit: str


@dataclass(frozen=True)
class Programme:
    """All sites of a statement, each month of them together. asked: months that raise questions."""

    brief: Brief
    sites: Sequence[SiteShown]
    months: Sequence[Shown]
    chart: Chart | None
    asked: Sequence[MonthLine]


def bodies_of(statement: StatementRow) -> list[MiningBody]:
    """The sites of a statement, Site 2 before Site 10."""
    found = [row.value() for row in SiteRow.objects.filter(statement=statement)]
    return sorted(found, key=lambda body: _in_order(body.site))


def _in_order(site: str) -> list[tuple[int, str]]:
    return [(int(each), "") if each.isdigit() else (0, each) for each in _DIGITS.split(site)]


def withheld_sites(statement: StatementRow) -> int:
    """How many sites the statement counts and the published view does not show."""
    if not statement.withheld_count:
        return 0
    counted = cached_value(statement.root, statement.sha256).header.parts.get(KIND, 0)
    return counted - SiteRow.objects.filter(statement=statement).count()


def brief_of(statement: StatementRow) -> Brief | None:
    """What the first page says; None where the published view shows no site."""
    bodies = bodies_of(statement)
    return _brief(bodies, [site_line(body) for body in bodies]) if bodies else None


def _brief(bodies: Sequence[MiningBody], sites: Sequence[SiteLine]) -> Brief:
    months = [month.month for site in sites for month in site.months]
    years = [(site, year) for site in sites for year in site.years]
    return Brief(
        total=Shown.of(programme_line(bodies)),
        first=min(months),
        last=max(months),
        alarms=[(site, year.alarm_month) for site, year in years if year.alarm_month],
        limit=max((year.level_percent for _site, year in years), key=Fraction, default=""),
    )


def programme_of(statement: StatementRow) -> Programme | None:
    """None where the published view shows no site."""
    bodies = bodies_of(statement)
    if not bodies:
        return None
    sites = [site_line(body) for body in bodies]
    months = programme_months(bodies)
    return Programme(
        brief=_brief(bodies, sites),
        sites=[SiteShown(site, Shown.of(site.total)) for site in sites],
        months=[Shown.of(line) for line in months],
        chart=chart_of(months, "programme", title=_("All sites: expected and arrived")),
        asked=[line for site in sites for line in site.months if line.questioned],
    )


def chart_of(lines: Sequence[MonthLine], ident: str, *, title: str) -> Chart | None:
    """Expected against arrived by month; None where a statement's limits are in no order."""
    if not all(line.low <= line.expected <= line.high for line in lines):
        return None
    chart = MonthChart(
        look=look(
            ident,
            title=visible(title),
            description=_(
                "For each month a hollow bar for what was expected, with the limits of error, and "
                "a filled one for what arrived; the table below has every figure."
            ),
        ),
        months=tuple(
            Month(
                first=first_day(line.month),
                low=line.low,
                expected=line.expected,
                high=line.high,
                arrived=line.arrived,
            )
            for line in lines
        ),
        empty=_("No month is published yet."),
        headings=(_("Month"), _("Lower limit"), _("Expected"), _("Upper limit"), _("Arrived")),
    )
    return Chart(draw_month_chart(chart), chart.header(), list(chart.rows()))
