"""Holdings over time, as charts and as of any day, from the rows of balances."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from khazana.portal.charts.series import Point, Series, TimeChart, draw_time_chart
from khazana.portal.formatting.bidi import SafeText
from khazana.portal.project.frame import in_language
from khazana.portal.project.look import look
from khazana.portal.reserve.models import BalanceRow, FiguresRow, SetKind
from khazana.portal.reserve.worth import Worth, worth_at
from khazana.portal.statement.choosing import standing_of_office, standing_statements
from khazana.portal.statement.models import OfficeRow, StatementRow
from khazana.reserve.parts import FiguresBody

MOST_POINTS = 400
"""Points of a line that are drawn; more would be less than a pixel apart."""

FIRST_DAY = date(2009, 1, 3)
"""Of the chain: before it nothing was held."""


@dataclass(frozen=True)
class Chart:
    """A drawing and the table behind it."""

    svg: SafeText
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class AsOf:
    """What a set held at the end of a day, and the block and statement that say so."""

    amount: int
    height: int
    block_hash: str
    since: datetime
    statement: StatementRow
    worth: Sequence[Worth]
    """At the published prices of that midnight; empty where none is published."""


def history_chart(parts: Sequence[str], *, title: str, of: OfficeRow | None = None) -> Chart | None:
    """The lines of these sets over every standing statement of an office; the portal's own without
    one. Offices may call different sets by one name.

    None where nothing is known about the times of blocks.
    """
    language = (get_language() or "en").partition("-")[0]
    statements = {row.pk: row for row in standing_of_office(of)}
    names = _names(parts, list(statements))
    found: dict[str, dict[datetime, int]] = {part: {} for part in parts}
    balances = BalanceRow.objects.filter(
        statement__in=statements,
        median_time__isnull=False,
        kind__in={part.partition("/")[0] for part in parts},
        ident__in={part.partition("/")[2] for part in parts},
    ).order_by("height", "statement__until_height")
    for kind, ident, at, amount in balances.values_list("kind", "ident", "median_time", "amount"):
        if at is not None and (part := f"{kind}/{ident}") in found:
            found[part][at] = amount
    if not any(found.values()):
        return None
    since = min(row.after_mtp for row in statements.values())
    until = max(row.until_mtp for row in statements.values())
    chart = TimeChart(
        look=look(
            "history",
            title=title,
            description=_("Lines that step up and down; the table below has every figure."),
        ),
        series=tuple(
            Series(in_language(names.get(part, {"en": part}), language), _points(points))
            for part, points in found.items()
            if points
        ),
        since=since,
        until=max(until, since + timedelta(days=1)),
        empty=_("Nothing is published yet."),
        date_heading=_("Date"),
        rtl_time=False,
    )
    rows = [list(row) for row in chart.rows(monthly=True)]
    return Chart(draw_time_chart(chart), chart.header(), rows)


def _points(found: dict[datetime, int]) -> tuple[Point, ...]:
    """In order of time; of a long line the last balance of each of 400 equal spans."""
    times = sorted(found)
    if len(times) > MOST_POINTS:
        step = (times[-1] - times[0]) / MOST_POINTS
        last = {int((at - times[0]) / step): at for at in times}
        times = sorted({times[0], *last.values()})
    return tuple(Point(at, found[at]) for at in times)


def _names(parts: Sequence[str], statements: Sequence[int]) -> dict[str, dict[str, str]]:
    rows = FiguresRow.objects.filter(statement__in=statements).order_by("statement__until_height")
    return {
        f"{kind}/{ident}": name
        for kind, ident, name in rows.values_list("kind", "ident", "name")
        if f"{kind}/{ident}" in parts
    }


def as_of(part: str, day: date, *, zone: str) -> AsOf | None:
    """What a set held at the end of a day in the office's zone; None outside what is published.

    The balance is that of the last block whose median time past is before the next midnight,
    which is how periods close too (Rule R2).
    """
    if not FIRST_DAY <= day < date.max:
        return None
    kind, _slash, ident = part.partition("/")
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    limit = midnight.astimezone(UTC)
    statements = standing_statements()
    covering = statements.filter(after_mtp__lt=limit).order_by("-until_height").first()
    newest = statements.first()
    if covering is None or newest is None or limit > newest.until_mtp + timedelta(days=1):
        return None
    row = (
        BalanceRow.objects.filter(
            statement__in=statements, kind=kind, ident=ident, median_time__lt=limit
        )
        .select_related("statement")
        .defer("statement__raw")
        .order_by("-height", "-statement__until_height")
        .first()
    )
    if row is None or row.median_time is None:
        return None
    return AsOf(
        amount=row.amount,
        height=row.height,
        block_hash=row.block_hash,
        since=row.median_time,
        statement=row.statement,
        worth=worth_at(newest, row.amount, limit),
    )


def members_of(row: FiguresRow) -> list[FiguresRow]:
    """The wallets and accounts that a perimeter or an entity counts, as rows of its statement."""
    if row.kind == SetKind.PERIMETER:
        idents = [member["account"] for member in row.body.get("members", ())]
        found = FiguresRow.objects.filter(
            statement=row.statement_id,
            kind__in=(SetKind.WALLET, SetKind.ACCOUNT),
            ident__in=idents,
        )
    elif row.kind == SetKind.ENTITY:
        found = FiguresRow.objects.filter(statement=row.statement_id, entity=row.ident)
    else:
        return []
    return list(found)


def account_of(figures: FiguresBody) -> list[tuple[str, int]]:
    """The account of a period as lines that add up to the last, each by the figure's name in the
    statement; lines of nothing are left out between opening and closing.
    """
    between = (
        ("inflow", figures.inflow),
        ("coinbase", figures.coinbase),
        ("outflow", -figures.outflow),
        ("fee", -figures.fee),
        ("perimeter_change", figures.perimeter_change),
        ("off_chain", figures.off_chain),
    )
    return [
        ("opening", figures.opening),
        *((name, amount) for name, amount in between if amount),
        ("closing", figures.closing),
    ]
