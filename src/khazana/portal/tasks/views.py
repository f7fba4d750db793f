"""Pages about the work in the background, and the stream of news to open desks."""

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django_tasks_db.models import DBTaskResult

from khazana.portal.accounts.roles import ADMINISTERS, PREPARES
from khazana.portal.accounts.sessions import person_of
from khazana.portal.tasks.news import Listener, stream
from khazana.portal.tasks.queue import TaskNotGivenUp, begin_again, schedules_shown, tasks_shown


def background(request: HttpRequest) -> HttpResponse:
    """What waits, runs and was given up, and when each job comes next."""
    return _shown(request, "")


def task_again(request: HttpRequest, pk: str) -> HttpResponse:
    """A task that was given up is tried once more."""
    try:
        begin_again(pk, by=person_of(request).username)
    except DBTaskResult.DoesNotExist as error:
        raise Http404 from error
    except TaskNotGivenUp as error:
        return _shown(request, str(error))
    return redirect("background")


def _shown(request: HttpRequest, problem: str) -> HttpResponse:
    context = {
        "tasks": tasks_shown(),
        "schedules": schedules_shown(),
        "problem": problem,
        "may_retry": person_of(request).role in PREPARES | ADMINISTERS,
    }
    return render(request, "tasks/background.html", context, status=422 if problem else 200)


def news(request: HttpRequest) -> StreamingHttpResponse:
    """New blocks and reorganisations, as they are seen, while the session lives."""
    person = person_of(request)
    listener = Listener(
        session=request.session.session_key or "",
        person=person.pk,
        under=person.get_session_auth_hash(),
    )
    answer = StreamingHttpResponse(
        stream(listener, (get_language() or "en").partition("-")[0]),
        content_type="text/event-stream",
    )
    answer.headers["X-Accel-Buffering"] = "no"
    return answer
