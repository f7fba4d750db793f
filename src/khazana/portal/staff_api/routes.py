"""Every address of the staff API. Who may ask what stands in the one table of permissions."""

import functools
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Query
from ninja.errors import HttpError, ValidationError
from ninja.security import django_auth
from pydantic import Field

import khazana
from khazana.portal.accounts.models import Person
from khazana.portal.accounts.sessions import person_of
from khazana.portal.api.answers import problem_answer
from khazana.portal.api.asking import Paged, names_asked, refuse_others
from khazana.portal.api.lists import page_of_rows
from khazana.portal.api.problems import NoSuchAddress, NotGiven, WrongParameters
from khazana.portal.api.schemas import Page, Problem
from khazana.portal.audit.models import ActRow
from khazana.portal.desk.drafting import begin_draft
from khazana.portal.desk.models import DraftRow
from khazana.portal.staff_api import schemas
from khazana.portal.staff_api.problems import NoSuchDraft, NotReadable, WithoutToken
from khazana.portal.tasks.models import TipRow
from khazana.portal.tasks.queue import schedules_shown, tasks_shown

View = TypeVar("View", bound=Callable[..., Any])
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]

api = NinjaAPI(
    title="Khazana, staff desk",
    version=khazana.__version__,
    description="What the desk shows, for programs of the office: with a person's session, and "
    "with that person's rights. What changes something carries the CSRF token as X-CSRFToken.",
    urls_namespace="staff-api",
    docs_url=None,
    auth=django_auth,
)


def reads(address: str, answer: Any, *, name: str) -> Callable[[View], View]:
    """Register a view that only reads; parameters that it does not know are refused."""
    return _registered(api.get, address, {200: answer}, name)


def changes(address: str, answer: Any, *, name: str) -> Callable[[View], View]:
    """Register a view that makes something new."""
    return _registered(api.post, address, {201: answer, 400: Problem}, name)


def _registered(
    method: Callable[..., Any], address: str, answers: dict[int, Any], name: str
) -> Callable[[View], View]:
    def registered(view: View) -> View:
        allowed = names_asked(view)

        @functools.wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refuse_others(request, allowed if request.method == "GET" else frozenset())
            return view(request, *args, **kwargs)

        problems = dict.fromkeys((401, 403, 404, 422), Problem)
        method(
            address,
            response={**answers, **problems},
            url_name=name,
            operation_id=(name + ("" if 200 in answers else "-begin")).replace("-", "_"),
        )(checked)
        return view

    return registered


@api.exception_handler(NotGiven)
def not_given(request: HttpRequest, problem: NotGiven | type[NotGiven]) -> HttpResponse:
    if isinstance(problem, type):
        raise TypeError(problem)
    return problem_answer(problem)


@api.exception_handler(ValidationError)
def not_understood(
    request: HttpRequest, error: ValidationError | type[ValidationError]
) -> HttpResponse:
    """Names each field by where it stands: query.limit, body.after."""
    found = [] if isinstance(error, type) else error.errors
    wrong = tuple((".".join(str(part) for part in each["loc"]), str(each["msg"])) for each in found)
    return problem_answer(WrongParameters(wrong=wrong))


@api.exception_handler(Http404)
@api.exception_handler(HttpError)
def not_done(request: HttpRequest, error: Any) -> HttpResponse:
    status = getattr(error, "status_code", 404)
    known: dict[int, NotGiven] = {400: NotReadable(), 403: WithoutToken()}
    return problem_answer(known.get(status, NoSuchAddress()))


@reads("/chain", schemas.Chain, name="chain")
def chain(request: HttpRequest) -> schemas.Chain:
    """The newest block that a worker saw, and whether it replaced others."""
    row = TipRow.objects.first()
    if row is None:
        return schemas.Chain(tip=None)
    tip = schemas.Tip(
        network=row.network,
        height=row.height,
        hash=row.hash,
        seen_at=row.seen_at,
        replaced_from=row.replaced_from,
    )
    return schemas.Chain(tip=tip)


@reads("/drafts", Page[schemas.Draft], name="drafts")
def drafts(request: HttpRequest, asked: Query[Paged]) -> Page[schemas.Draft]:
    """Statements on their way and published ones, the newest first."""
    rows = DraftRow.objects.defer("raw", "signed")
    return page_of_rows(request, rows, asked, lambda row: schemas.Draft(**_draft(row)))


@changes("/drafts", schemas.Draft, name="drafts")
def draft_begin(request: HttpRequest, asked: schemas.DraftAsked) -> tuple[int, schemas.Draft]:
    """Ask a worker for a statement, as on the page Statements."""
    by = person_of(request).username
    row = begin_draft(after=asked.after, until=asked.until, by=by)
    return 201, schemas.Draft(**_draft(row))


@reads("/drafts/{number}", schemas.DraftFull, name="draft")
def draft(request: HttpRequest, number: Number) -> schemas.DraftFull:
    """One of them, with its summary; files are downloaded on its page, where that is recorded."""
    row = DraftRow.objects.defer("raw", "signed").filter(pk=number).first()
    if row is None:
        raise NoSuchDraft(number=number)
    return schemas.DraftFull(**_draft(row), summary=row.summary, findings=row.findings)


@reads("/background", schemas.Background, name="background")
def background(request: HttpRequest) -> schemas.Background:
    """What waits, runs and was given up, and when each job comes next."""
    return schemas.Background(
        tasks=[
            schemas.Task(
                id=each.id,
                name=each.name,
                state=each.state,
                attempts=each.attempts,
                since=each.since,
                due=each.due,
                reason=each.reason,
            )
            for each in tasks_shown()
        ],
        schedules=[schemas.Schedule(name=name, next_at=at) for name, at in schedules_shown()],
    )


@reads("/audit-log", Page[schemas.AuditAct], name="audit-log")
def audit_log(request: HttpRequest, asked: Query[Paged]) -> Page[schemas.AuditAct]:
    """The acts in their order."""
    return page_of_rows(request, ActRow.objects.all(), asked, _act)


@reads("/staff", Page[schemas.Member], name="staff")
def staff(request: HttpRequest, asked: Query[Paged]) -> Page[schemas.Member]:
    """The accounts."""
    return page_of_rows(request, Person.objects.all(), asked, _member)


def _draft(row: DraftRow) -> dict[str, Any]:
    return {
        "number": row.pk,
        "state": str(row.state),
        "after": row.after_name,
        "until": row.until_name,
        "made_by": row.made_by,
        "made_at": row.made_at,
        "root": row.root,
        "signed_by": row.signed_by,
        "published_by": row.published_by,
    }


def _act(row: ActRow) -> schemas.AuditAct:
    return schemas.AuditAct(
        number=row.number,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        detail=row.detail,
        previous=row.previous,
        digest=row.digest,
    )


def _member(row: Person) -> schemas.Member:
    return schemas.Member(
        username=row.username,
        name=row.name,
        role=row.role,
        active=row.is_active,
        unconfirmed_by=row.unconfirmed_by,
    )
