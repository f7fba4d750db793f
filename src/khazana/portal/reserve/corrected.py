"""What was corrected: statements that replaced earlier ones, and entries of the books."""

from dataclasses import dataclass
from typing import Any

from khazana.portal.reserve.models import FiguresRow
from khazana.portal.statement.choosing import standing_statements
from khazana.portal.statement.models import StatementRow

CORRECTING = ("loss", "restatement", "reclassification")
"""Kinds of book entries that correct a figure or the legal lane it counts in."""


@dataclass(frozen=True)
class Replacement:
    """A statement and the one that replaced it; `old` is None where it was never published here."""

    old: StatementRow | None
    new: StatementRow


def replacements() -> list[Replacement]:
    """Of the portal's own office, the newest first."""
    replacing = list(
        StatementRow.objects.filter(office__own=True)
        .exclude(supersedes="")
        .select_related("office")
        .defer("raw")
    )
    replaced = {
        row.root: row
        for row in StatementRow.objects.filter(root__in=[row.supersedes for row in replacing])
        .select_related("office")
        .defer("raw")
    }
    return [Replacement(replaced.get(row.supersedes), row) for row in replacing]


def changed_sets(
    old: StatementRow | None, new: StatementRow
) -> list[tuple[FiguresRow, FiguresRow | None]]:
    """The sets whose figures differ between a statement and the one that replaced it."""
    if old is None:
        return []
    before = {row.part: row for row in FiguresRow.objects.filter(statement=old)}
    return [
        (row, before.get(row.part))
        for row in FiguresRow.objects.filter(statement=new)
        if row.part not in before or row.body["figures"] != before[row.part].body["figures"]
    ]


def book_entries() -> list[tuple[StatementRow, dict[str, Any]]]:
    """Losses, restatements and changes of legal lane of every standing statement."""
    return [
        (statement, body)
        for statement in standing_statements()
        for body in statement.book
        if body["kind"] in CORRECTING
    ]
