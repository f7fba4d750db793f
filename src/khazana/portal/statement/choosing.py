"""Which statement a page is about: the newest that stands, or the one before it."""

import re

from django.db.models import Exists, OuterRef, QuerySet

from khazana.portal.statement.models import OfficeRow, StatementRow

_ROOT = re.compile("[0-9a-f]{8,64}")


def is_replaced() -> Exists:
    """Of a statement in a query: only its own office replaces it, another's word for it is none."""
    replacing = StatementRow.objects.filter(supersedes=OuterRef("root"), office=OuterRef("office"))
    return Exists(replacing)


def standing_statements(*, own: bool = True) -> QuerySet[StatementRow]:
    """The statements that nothing supersedes, the newest first, without their bytes."""
    return (
        StatementRow.objects.filter(~is_replaced(), office__own=own)
        .select_related("office")
        .defer("raw")
    )


def standing_of_office(office: OfficeRow | None) -> QuerySet[StatementRow]:
    """The standing statements of one office; of the portal's own without one."""
    if office is None or office.own:
        return standing_statements()
    return standing_statements(own=False).filter(office=office)


def newest_statement() -> StatementRow | None:
    """The portal's own newest statement, or None where nothing is published yet."""
    return standing_statements().first()


def statement_named(root: str) -> StatementRow | None:
    """The statement with this root, which may be shortened to eight digits or more."""
    root = root.lower()
    if not _ROOT.fullmatch(root):
        return None
    found = StatementRow.objects.filter(root__startswith=root).select_related("office")
    rows = list(found.defer("raw")[:2])
    return rows[0] if len(rows) == 1 else None
