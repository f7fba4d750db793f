"""Which statement a page is about: the newest that stands, or the one before it."""

from collections.abc import Iterable

from django.db.models import QuerySet

from khazana.portal.statement.models import OfficeRow, StatementRow


def standing_statements(*, own: bool = True) -> QuerySet[StatementRow]:
    """The statements that nothing supersedes, the newest first, without their bytes."""
    replaced = StatementRow.objects.exclude(supersedes="").values("supersedes")
    return (
        StatementRow.objects.filter(office__own=own)
        .exclude(root__in=replaced)
        .select_related("office")
        .defer("raw")
    )


def newest_statement() -> StatementRow | None:
    """The portal's own newest statement, or None where nothing is published yet."""
    return standing_statements().first()


def statement_named(
    root: str, *, offices: Iterable[OfficeRow] | None = None
) -> StatementRow | None:
    """The statement with this root, which may be shortened to eight digits or more."""
    if len(root) < 8:
        return None
    found = StatementRow.objects.filter(root__startswith=root.lower()).select_related("office")
    rows = list(found.defer("raw")[:2])
    return rows[0] if len(rows) == 1 else None
