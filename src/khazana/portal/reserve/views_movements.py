"""Movements and coins: every transaction with its reason, every coin with its wallet."""

import re

from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from khazana.ledger.documents import Reason
from khazana.portal.reserve.asking import statement_asked, text_asked
from khazana.portal.reserve.models import CoinRow, FiguresRow, MovementRow, ScriptRow, SetKind
from khazana.portal.reserve.stops import stops_of
from khazana.portal.statement.choosing import standing_of_office, standing_statements
from khazana.portal.statement.models import ReportRow, StatementRow

_TXID = re.compile("[0-9a-f]{64}")
PAGE = 50
"""Rows on a page of a long table."""


def movements(request: HttpRequest) -> HttpResponse:
    """Every movement of the standing statements, newest first; by wallet and reason if asked."""
    found = MovementRow.objects.filter(statement__in=standing_statements())
    if request.GET.get("statement"):
        found = MovementRow.objects.filter(statement=statement_asked(request))
    wallet, reason = text_asked(request, "wallet"), text_asked(request, "reason")
    if wallet:
        found = found.filter(lines__wallet=wallet)
    if reason:
        found = found.filter(lines__reason=reason)
    statement = statement_asked(request)
    page = Paginator(
        found.distinct().prefetch_related("lines").defer("entry", "explanation"), PAGE
    ).get_page(request.GET.get("page"))
    return render(
        request,
        "reserve/movements.html",
        {
            "statement": statement,
            "page": page,
            "wallets": wallet_names(statement),
            "reasons": [each.value for each in Reason],
            "wallet": wallet,
            "reason": reason,
            "query": _query(request),
        },
    )


def movement(request: HttpRequest, txid: str) -> HttpResponse:
    """One movement through its five stops, each with its evidence grade.

    Of the portal's own office where it is in several, and of what stands where it was replaced.
    """
    if not _TXID.fullmatch(txid):
        raise Http404
    found = (
        MovementRow.objects.filter(txid=txid)
        .annotate(stands=Exists(standing_statements().filter(pk=OuterRef("statement"))))
        .select_related("statement", "statement__office")
        .prefetch_related("lines")
        .defer("statement__raw")
        .order_by("-stands", "-statement__office__own", "-statement__until_height")
        .first()
    )
    if found is None:
        raise Http404
    return render(
        request,
        "reserve/movement.html",
        {"statement": found.statement, "movement": found, **stops_of(found)},
    )


def coins(request: HttpRequest) -> HttpResponse:
    """Every coin held at the closing block, and every address that the wallets declare."""
    statement = statement_asked(request)
    wallet = text_asked(request, "wallet")
    held = CoinRow.objects.filter(statement=statement)
    scripts = ScriptRow.objects.filter(statement=statement)
    if wallet:
        held, scripts = held.filter(wallet=wallet), scripts.filter(wallet=wallet)
    return render(
        request,
        "reserve/coins.html",
        {
            "statement": statement,
            "wallets": FiguresRow.objects.filter(statement=statement, kind=SetKind.WALLET),
            "wallet": wallet,
            "report": ReportRow.objects.filter(statement=statement).first(),
            "coins": Paginator(held, PAGE).get_page(request.GET.get("page")),
            "scripts": Paginator(scripts, PAGE).get_page(request.GET.get("addresses")),
            "names": wallet_names(statement),
            "query": _query(request),
        },
    )


def wallet_names(of: StatementRow | None = None) -> dict[str, dict[str, str]]:
    """Names of an office's wallets and accounts by id, the newest statement's where several have
    them. of: a statement of the office; the portal's own without one.
    """
    standing = standing_of_office(None if of is None else of.office)
    rows = FiguresRow.objects.filter(
        statement__in=standing, kind__in=(SetKind.WALLET, SetKind.ACCOUNT)
    ).order_by("statement__until_height", "position")
    return dict(rows.values_list("ident", "name"))


def _query(request: HttpRequest) -> str:
    """What was asked for, without the page's number, to go on in the links."""
    asked = request.GET.copy()
    for name in ("page", "addresses"):
        asked.pop(name, None)
    return asked.urlencode()
