"""Supervised providers over time, one of them, and a customer's own check."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext

from khazana.portal.charts.series import Point, Series, TimeChart, draw_time_chart
from khazana.portal.formatting.bidi import SafeText
from khazana.portal.project.look import look
from khazana.portal.supervision.models import EpochRow, ProviderRow
from khazana.portal.supervision.shown import (
    Line,
    covered_html,
    lines_of,
    omissions,
    owed_of,
    rejected_text,
    standing_of,
)


@dataclass(frozen=True)
class Shown:
    """An epoch as pages show it."""

    row: EpochRow
    lines: Sequence[Line]
    covered: SafeText | None
    rejected: str
    standing: str
    newest: bool


def providers(request: HttpRequest) -> HttpResponse:
    """Every provider with its newest epoch."""
    rows = ProviderRow.objects.select_related("office").prefetch_related("epochs")
    listed = [(row, next(iter(_shown(row)), None)) for row in rows]
    return render(request, "supervision/providers.html", {"listed": listed})


def provider(request: HttpRequest, office: str, slug: str) -> HttpResponse:
    """One provider: its epochs, what covered them, who built the trees again."""
    row = get_object_or_404(
        ProviderRow.objects.select_related("office"), office__slug=office, slug=slug
    )
    epochs = _shown(row)
    chart = _chart(row, epochs)
    return render(
        request,
        "supervision/provider.html",
        {
            "provider": row,
            "epochs": epochs,
            "chart": None if chart is None else draw_time_chart(chart),
            "omissions": omissions(),
        },
    )


def check_my_balance(request: HttpRequest) -> HttpResponse:
    """The page on which a customer checks a slip; the slip does not reach the server."""
    newest = dict(
        ProviderRow.objects.annotate(newest=Max("epochs__epoch")).values_list("pk", "newest")
    )
    epochs = EpochRow.objects.select_related("provider__office")
    trees = [
        (row, tree, row.epoch < newest[row.provider_id]) for row in epochs for tree in row.trees
    ]
    return render(request, "supervision/check_my_balance.html", {"trees": trees})


def _shown(row: ProviderRow) -> list[Shown]:
    """The provider's epochs, the newest first."""
    return [
        Shown(
            epoch,
            lines_of(epoch),
            covered_html(epoch),
            rejected_text(epoch.rejected),
            standing_of(epoch),
            newest=number == 0,
        )
        for number, epoch in enumerate(row.epochs.all())
    ]


def _chart(row: ProviderRow, epochs: Sequence[Shown]) -> TimeChart | None:
    """Owed and kept over time, without epochs that fail a check; None where fewer than two have a
    time.
    """
    dated = [
        (each.row.block_time, owed_of(each.row), each.row.kept)
        for each in reversed(epochs)
        if each.row.block_time is not None and each.standing != "failed"
    ]
    if len(dated) < 2:
        return None
    owed = tuple(Point(at, owed) for at, owed, _ in dated if owed is not None)
    kept = tuple(Point(at, kept) for at, _, kept in dated if kept is not None)
    return TimeChart(
        look=look(
            "coverage",
            title=gettext("Owed and covered over time"),
            description=gettext("What the provider owed its customers, and the coins it kept."),
        ),
        series=(
            Series(gettext("Owed to customers"), owed),
            Series(gettext("Coins at the same block"), kept),
        ),
        since=dated[0][0] - timedelta(days=1),
        until=dated[-1][0] + timedelta(days=1),
        empty=gettext("Nothing is published yet."),
        date_heading=gettext("Day"),
    )
