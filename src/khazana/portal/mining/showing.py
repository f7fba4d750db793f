"""What the mining pages show: lines of the room, their charts, and what stands beside them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from django.utils.translation import gettext as _

from khazana.mining.comparisons import (
    Difference,
    arrived_share,
    cost_per_mwh,
    difference,
    recovered,
)
from khazana.mining.parts import KIND, MiningBody, YearBody
from khazana.mining.report import MonthLine, month_lines, programme_line, programme_months
from khazana.portal.charts.months import Month, MonthChart, draw_month_chart
from khazana.portal.formatting.bidi import visible
from khazana.portal.mining.choosing import Telling, Told, told_by
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
class Finding:
    """What the test of one statement found in a calendar year: from its first month to its last."""

    first: str
    last: str
    year: YearBody
    statement: StatementRow


@dataclass(frozen=True)
class SiteShown:
    """A site: what its newest statement says of it, all its months, and their sum."""

    body: MiningBody
    statement: StatementRow
    months: Sequence[Shown]
    total: Shown
    findings: Sequence[Finding]

    @property
    def alarms(self) -> Sequence[Finding]:
        return [each for each in self.findings if each.year.finding == "alarm"]

    @property
    def limit(self) -> str:
        """The worst of the detection limits, in per cent; "" without a test."""
        limits = [each.year.level_percent for each in self.findings]
        return max(limits, key=Fraction, default="")


@dataclass(frozen=True)
class Brief:
    """All sites in a line. alarms: sites and months that the test alarms for.

    limit: the detection limit of the site that is seen worst, in per cent; "" without a test.
    """

    total: Shown
    first: str
    last: str
    alarms: Sequence[tuple[MiningBody, str]]
    limit: str


@dataclass(frozen=True)
class Programme:
    """All sites, each month of them together. asked: months that raise questions."""

    brief: Brief
    sites: Sequence[SiteShown]
    months: Sequence[Shown]
    chart: Chart | None
    asked: Sequence[MonthLine]
    telling: Telling


def in_order(site: str) -> list[tuple[int, str]]:
    """A key by which Site 2 stands before Site 10."""
    return [(int(each), "") if each.isdigit() else (0, each) for each in _DIGITS.split(site)]


def withheld_sites(statement: StatementRow) -> int:
    """How many sites the statement counts and the published view does not show."""
    if not statement.withheld_count:
        return 0
    counted = cached_value(statement.root, statement.sha256).header.parts.get(KIND, 0)
    return counted - SiteRow.objects.filter(statement=statement).count()


def brief_of(statement: StatementRow) -> Brief | None:
    """What the first page says of the newest statement; None where it shows no site."""
    telling = told_by([statement])
    return _brief(telling) if telling.told else None


def _brief(telling: Telling) -> Brief:
    months = [month.month for body in telling.bodies for month in body.months]
    years = [(body, year) for body in telling.bodies for year in body.years]
    return Brief(
        total=Shown.of(programme_line(telling.bodies)),
        first=min(months),
        last=max(months),
        alarms=[(body, year.alarm_month) for body, year in years if year.alarm_month],
        limit=max((year.level_percent for _body, year in years), key=Fraction, default=""),
    )


def programme_of(telling: Telling) -> Programme | None:
    """None where no site is told of."""
    if not telling.told:
        return None
    names = sorted({body.site for body in telling.bodies}, key=in_order)
    sites = [site_shown(telling.of_site(name)) for name in names]
    months = programme_months(telling.bodies)
    return Programme(
        brief=_brief(telling),
        sites=sites,
        months=[Shown.of(line) for line in months],
        chart=chart_of(months, "programme", title=_("All sites: expected and arrived")),
        asked=[each.line for site in sites for each in site.months if each.line.questioned],
        telling=telling,
    )


def site_shown(told: Sequence[Told]) -> SiteShown:
    """One site by all statements that tell of it, at least one, the oldest first."""
    newest = told[-1]
    bodies = [each.body for each in told]
    total = replace(programme_line(bodies), site=newest.body.site, name=newest.body.name)
    lines = [line for body in bodies for line in month_lines(body)]
    return SiteShown(
        body=newest.body,
        statement=newest.statement,
        months=[Shown.of(line) for line in sorted(lines, key=lambda line: line.month)],
        total=Shown.of(total),
        findings=[finding for each in told for finding in _findings(each)],
    )


def _findings(told: Told) -> list[Finding]:
    found = []
    for year in told.body.years:
        months = [m.month for m in told.body.months if m.month.startswith(f"{year.year}-")]
        if months:
            found.append(Finding(months[0], months[-1], year, told.statement))
    return found


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
