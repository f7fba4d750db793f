"""The logs of two offices, who cosigned them, and what each found of the other."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from khazana.portal.accord.models import FeedRow, VerdictRow
from khazana.portal.statement.models import StatementRow

MOST_VERDICTS = 200
"""On the page, the newest of all and of the contradictions; the feeds and the API have all."""
MOST_UNKNOWN = 20


def witness(request: HttpRequest) -> HttpResponse:
    """Every log that this portal knows, and the newest verdicts; contradictions first."""
    found = list(FeedRow.objects.filter(office__own=True))
    feeds = [feed for feed in found if feed.known]
    names = {feed.fingerprint: feed.name for feed in feeds}
    rows = VerdictRow.objects.filter(feed__in=feeds).select_related("feed")
    newest = list(rows.order_by("-signed_at", "feed", "-index")[:MOST_VERDICTS])
    contradicted = _one_a_reason(
        rows.filter(finding="contradicted").order_by("-signed_at", "-index")[:MOST_VERDICTS]
    )
    for row in (*newest, *contradicted):
        row.whose = names.get(row.fingerprint, {})  # type: ignore[attr-defined]
    for feed in feeds:
        feed.seen = [  # type: ignore[attr-defined]
            {**each, "name": names[each["witness"]]}
            for each in feed.cosigned
            if each["witness"] in names
        ]
    context: dict[str, Any] = {
        "feeds": feeds,
        "unknown": [feed for feed in found if not feed.known][:MOST_UNKNOWN],
        "verdicts": newest,
        "contradictions": contradicted,
        "known": set(StatementRow.objects.values_list("root", flat=True)),
    }
    return render(request, "accord/witness.html", context)


def _one_a_reason(rows: Any) -> list[VerdictRow]:
    """A statement and its disclosure are two entries with one fault: it is shown once."""
    found = {(row.feed_id, row.fingerprint, row.reason): row for row in rows}
    return list(found.values())
