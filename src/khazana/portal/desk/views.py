"""The desk's first page: what is there, and what waits for whom."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from khazana.portal.accounts.roles import CONFIRMS, PREPARES
from khazana.portal.accounts.sessions import person_of
from khazana.portal.desk.models import DraftRow, DraftState
from khazana.portal.desk.office_store import OFFICE_JSON, read_file
from khazana.portal.desk.waiting import waiting_for
from khazana.portal.statement.choosing import newest_statement
from khazana.portal.tasks.card import chain_card


def home(request: HttpRequest) -> HttpResponse:
    """Where everybody of the office begins."""
    person = person_of(request)
    role = person.role
    drafts = DraftRow.objects.defer("raw", "signed")
    context = {
        "newest": newest_statement(),
        "waiting": tuple(waiting_for(person)),
        "chain": chain_card(),
        "undescribed": role in PREPARES and read_file(OFFICE_JSON) is None,
        "unsigned": drafts.filter(state=DraftState.MADE) if role in PREPARES else (),
        "unpublished": drafts.filter(state=DraftState.SIGNED) if role in CONFIRMS else (),
    }
    return render(request, "desk/home.html", context)
