"""What the logs say of a statement, for pages of other rooms."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.db.models import Q, QuerySet

from khazana.portal.accord.deriving import OWN
from khazana.portal.accord.models import FeedRow, LogEntryRow, VerdictRow
from khazana.portal.formatting.bidi import SafeText, ltr_html
from khazana.portal.project.templatetags.khazana import named
from khazana.portal.statement.models import StatementRow
from khazana.statement.times import read_instant

register = template.Library()


@dataclass(frozen=True)
class Logged:
    """Where a statement stands in its office's log. seen: cosignatures that cover the entry."""

    entry: LogEntryRow
    seen: tuple[dict[str, Any], ...]


@register.simple_tag
def verdicts_on(statement: StatementRow) -> list[VerdictRow]:
    """The newest verdict of each other office on a statement."""
    rows = (
        VerdictRow.objects.filter(root=statement.root, feed__office__own=True)
        .exclude(feed__in=_logs_of(statement))
        .select_related("feed")
        .order_by("signed_at", "index")
    )
    # An office may take a verdict on one entry back; a later disclosure that holds does not undo
    # that an earlier one was contradicted.
    newest = {(row.feed.fingerprint, row.on): row for row in rows}
    shown: dict[str, VerdictRow] = {}
    for (fingerprint, _), row in newest.items():
        before = shown.get(fingerprint)
        if before is None or before.finding != "contradicted":
            shown[fingerprint] = row
    return list(shown.values())


@register.simple_tag
def logged(statement: StatementRow) -> Logged | None:
    """The entry of a statement in its own office's log; None where no log has it."""
    entry = (
        LogEntryRow.objects.filter(
            root=statement.root,
            kind="statement",
            feed__in=_logs_of(statement),
            feed__office__own=True,
        )
        .select_related("feed")
        .first()
    )
    if entry is None:
        return None
    names = dict(FeedRow.objects.filter(known=True).values_list("fingerprint", "name"))
    seen = [
        {**each, "name": names[each["witness"]]}
        for each in entry.feed.cosigned
        if each["size"] > entry.index and each["witness"] in names
    ]
    return Logged(entry, tuple(seen))


def _logs_of(statement: StatementRow) -> QuerySet[FeedRow]:
    """The log of the office that made a statement: in its own folder, or as a partner copied it."""
    office = statement.office
    copied = Q(fingerprint=office.fingerprint) if office.fingerprint else Q(pk=None)
    return FeedRow.objects.filter(Q(office=office, folder=OWN) | copied)


@register.filter
def named_office(names: dict[str, str], fingerprint: str) -> SafeText:
    """An office's name with the beginning of its fingerprint: names are free, keys are not."""
    short = ltr_html(fingerprint[:8], css="mono quiet small")
    return SafeText(f"{named(names)} {short}") if names else short


@register.filter
def as_instant(text: str) -> datetime:
    """An instant as a feed writes it."""
    return read_instant(text)
