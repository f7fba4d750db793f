"""Statements on their way, at the desk."""

from collections.abc import Callable

from allauth.account.decorators import reauthentication_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from khazana.errors import KhazanaError
from khazana.portal.accounts.roles import CONFIRMS, PREPARES
from khazana.portal.accounts.sessions import person_of
from khazana.portal.audit.record import record
from khazana.portal.desk.models import DraftRow
from khazana.portal.desk.statements import begin_draft, publish, take_signed
from khazana.portal.desk.uploads import MOST_STATEMENT_BYTES, uploaded
from khazana.portal.statement.choosing import newest_statement


def drafts(request: HttpRequest) -> HttpResponse:
    """All of them, and a form for the next period."""
    if request.method == "POST":
        draft = begin_draft(
            after=request.POST.get("after", "").strip(),
            until=request.POST.get("until", "").strip(),
            by=person_of(request).username,
        )
        return redirect("draft", draft.pk)
    newest = newest_statement()
    context = {
        "drafts": DraftRow.objects.defer("raw", "signed")[:50],
        "prepares": person_of(request).role in PREPARES,
        "after": "" if newest is None else newest.until_hash,
    }
    return render(request, "desk/drafts.html", context)


def draft(request: HttpRequest, pk: int) -> HttpResponse:
    """One statement: where it stands, and what whoever looks may do next."""
    return _shown(request, get_object_or_404(DraftRow.objects.defer("raw", "signed"), pk=pk))


def draft_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The unsigned file, to carry to the keys; that it was taken is an act."""
    row = get_object_or_404(DraftRow, pk=pk, raw__isnull=False)
    record("statement taken", actor=person_of(request).username, subject=row.root)
    answer = HttpResponse(bytes(row.raw or b""), content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = 'attachment; filename="statement.json"'
    return answer


def draft_signed(request: HttpRequest, pk: int) -> HttpResponse:
    """The signed file comes back."""

    def act(row: DraftRow) -> None:
        raw = uploaded(request, "statement", most=MOST_STATEMENT_BYTES)
        take_signed(row, raw, by=person_of(request).username, now=timezone.now())

    return _acted(request, pk, act)


@reauthentication_required  # type: ignore[untyped-decorator]
def draft_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Another person publishes it, who has shown a key within the last five minutes."""

    def act(row: DraftRow) -> None:
        publish(row, by=person_of(request).username, now=timezone.now())

    return _acted(request, pk, act)


def _acted(request: HttpRequest, pk: int, act: Callable[[DraftRow], None]) -> HttpResponse:
    row = get_object_or_404(DraftRow, pk=pk)
    try:
        act(row)
    except KhazanaError as error:
        return _shown(request, row, problems=[str(error)])
    return redirect("draft", pk)


def _shown(
    request: HttpRequest, row: DraftRow, *, problems: list[str] | None = None
) -> HttpResponse:
    role = person_of(request).role
    context = {
        "draft": row,
        "problems": problems or [],
        "prepares": role in PREPARES,
        "confirms": role in CONFIRMS,
        "waiting": row.state == "waiting",
    }
    return render(request, "desk/draft.html", context, status=422 if problems else 200)
