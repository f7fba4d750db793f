"""The queue as people see it: what waits, what is being done, what was given up and why."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max

from khazana.errors import KhazanaError
from khazana.portal.audit.record import record
from khazana.portal.tasks.models import LeaseRow, ScheduleRow

MOST_SHOWN = 100
WAITS, RUNS, WAITS_AGAIN, GIVEN_UP, DONE = "waiting", "running", "again", "given_up", "done"


@dataclass(eq=False, kw_only=True)
class TaskNotGivenUp(KhazanaError):
    """Only what was given up is begun again by hand."""

    state: str
    code = "task_not_given_up"
    words = "This task is not begun again: it is {state}."


@dataclass(frozen=True, slots=True)
class TaskShown:
    """One task. name: of its function. due: when it is tried, None: as soon as a worker is free."""

    id: str
    name: str
    state: str
    attempts: int
    since: datetime
    due: datetime | None
    reason: str


def tasks_shown() -> list[TaskShown]:
    """What is not done yet or was given up, and of what is done the newest."""
    leases = {row.task_id: row.attempts for row in LeaseRow.objects.all()}
    open_ = DBTaskResult.objects.exclude(status=TaskResultStatus.SUCCESSFUL)
    done = DBTaskResult.objects.successful().order_by("-finished_at")[:10]
    return [
        TaskShown(
            id=str(row.pk),
            name=row.task_path.rpartition(".")[2],
            state=_state(row, leases.get(row.pk, 0)),
            attempts=leases.get(row.pk, 0),
            since=row.finished_at or row.started_at or row.enqueued_at,
            due=None if row.run_after >= get_date_max() else row.run_after,
            reason=row.traceback.strip().rpartition("\n")[2][:500],
        )
        for row in (*open_.order_by("-enqueued_at")[:MOST_SHOWN], *done)
    ]


def _state(row: "DBTaskResult[..., object]", attempts: int) -> str:
    if row.status == TaskResultStatus.READY:
        return WAITS_AGAIN if attempts else WAITS
    found = {TaskResultStatus.RUNNING: RUNS, TaskResultStatus.FAILED: GIVEN_UP}
    return found.get(TaskResultStatus(row.status), DONE)


def schedules_shown() -> list[tuple[str, datetime]]:
    """What comes again and again, and when next."""
    return [(row.name, row.next_at) for row in ScheduleRow.objects.order_by("name")]


def begin_again(pk: str, *, by: str) -> None:
    """Put a task that was given up into the queue once more, with all its attempts."""
    with transaction.atomic():
        row = DBTaskResult.objects.select_for_update().get(pk=pk)
        if row.status != TaskResultStatus.FAILED:
            raise TaskNotGivenUp(state=str(row.status).lower())
        row.status, row.run_after, row.finished_at = TaskResultStatus.READY, timezone.now(), None
        row.save(update_fields=["status", "run_after", "finished_at"])
        LeaseRow.objects.filter(pk=pk).delete()
        name = row.task_path.rpartition(".")[2]
        record("task begun again", actor=by, subject=name, detail={"task": str(row.pk)})
