"""What stands beside a month's figures: its arrivals in the books, with their evidence grades."""

from collections.abc import Sequence
from dataclasses import dataclass

from khazana.ledger.documents import Reason
from khazana.mining.month_body import MonthBody
from khazana.portal.reserve.home import Grades, graded
from khazana.portal.reserve.models import FiguresRow, LineRow
from khazana.portal.statement.models import StatementRow


@dataclass(frozen=True)
class Arrived:
    """A payout. grades: of the lines of the books that explain it; empty where none is shown."""

    txid: str
    account: str
    amount: int
    grades: Sequence[str]


def arrivals_of(statement: StatementRow, month: MonthBody) -> list[Arrived]:
    """The month's payouts in the part's order."""
    (found,) = arrivals_by_month([(statement, month)])
    return found


def arrivals_by_month(
    months: Sequence[tuple[StatementRow, MonthBody]],
) -> list[list[Arrived]]:
    """The payouts of each month in the part's order; one query for all of them."""
    lines = LineRow.objects.filter(
        movement__statement__in={statement.pk for statement, _month in months},
        reason=Reason.MINED.value,
    ).values_list("movement__statement", "movement__txid", "wallet", "grade")
    grades: dict[tuple[int, str, str], set[str]] = {}
    for statement, txid, wallet, grade in lines:
        grades.setdefault((statement, txid, wallet), set()).add(grade)
    return [
        [
            Arrived(
                arrival.txid,
                arrival.account,
                arrival.amount_sat,
                sorted(grades.get((row.pk, arrival.txid, arrival.account), ())),
            )
            for arrival in month.arrivals
        ]
        for row, month in months
    ]


@dataclass(frozen=True)
class Mined:
    """What the books of the headline's set call mined, by evidence grade."""

    set: FiguresRow
    amount: int
    grades: Grades | None


def grades_of_mined(statement: StatementRow) -> Mined | None:
    """None where the published view shows no total, or the books call nothing mined."""
    kind, _, ident = statement.headline.partition("/")
    row = FiguresRow.objects.filter(statement=statement, kind=kind, ident=ident).first()
    if row is None:
        return None
    for reason in row.value().reasons:
        if reason.reason == Reason.MINED.value:
            return Mined(row, reason.amount, graded(reason.grades, "mined-grades"))
    return None
