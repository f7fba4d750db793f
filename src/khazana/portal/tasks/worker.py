"""A worker: claims a task under a lease, does it, and stores its effect and its end together.

A task's function returns a JSON value, or an `Effect`. What it does outside the database may happen
again after a crash and must be harmless then; an effect's `store` runs in the one transaction that
also ends the task, and only while the worker still holds the lease. So whenever a worker is killed,
its effect is there together with the task's end, or neither is, and another worker begins anew.
"""

import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max

from khazana.errors import KhazanaError
from khazana.portal.tasks.models import LeaseRow

Row: TypeAlias = DBTaskResult[Any, Any]
LOG = logging.getLogger(__name__)
LEASE_SECONDS = 60.0
MOST_ATTEMPTS = 6
FIRST_WAIT_SECONDS = 5
LONGEST_WAIT_SECONDS = 3600


@dataclass(eq=False, kw_only=True)
class WorkerVanished(KhazanaError):
    """The workers that began a task all ended without finishing it."""

    attempts: int
    code = "worker_vanished"
    words = "{attempts} workers began this task, and each ended before it was done"


@dataclass(frozen=True)
class Effect:
    """What a task changes in the database. store: gives the task's JSON value."""

    store: Callable[[], Any]


def wait_after(attempts: int) -> timedelta:
    """How long a task that failed waits: twice as long each time.

    >>> [int(wait_after(n).total_seconds()) for n in (1, 2, 3, 20)]
    [5, 10, 20, 3600]
    """
    seconds = min(FIRST_WAIT_SECONDS * 2 ** min(attempts - 1, 20), LONGEST_WAIT_SECONDS)
    return timedelta(seconds=seconds)


def recover(*, now: datetime) -> int:
    """Put tasks whose worker has not been heard of back into the queue; gives how many."""
    lost = LeaseRow.objects.filter(until__lt=now, token__isnull=False).values_list("pk", flat=True)
    done = 0
    for pk in list(lost):
        with transaction.atomic():
            lease = LeaseRow.objects.select_for_update().filter(pk=pk, until__lt=now).first()
            task = DBTaskResult.objects.filter(pk=pk, status=TaskResultStatus.RUNNING).first()
            if lease is None:
                continue  # it was heard of meanwhile, or somebody else was faster
            _begin_again_or_fail(task, lease, WorkerVanished(attempts=lease.attempts), now=now)
            done += 1
    return done


def claim(worker: str, *, now: datetime, lease: timedelta) -> tuple[Row, uuid.UUID] | None:
    """Take the next task that is due, with a lease of its own."""
    with transaction.atomic():
        task = DBTaskResult.objects.ready().get_locked()
        if task is None:
            return None
        task.claim(worker)
        token = uuid.uuid4()
        row, _ = LeaseRow.objects.get_or_create(pk=task.pk)
        row.token, row.worker, row.until = token, worker, now + lease
        row.attempts += 1
        row.save()
        return task, token


class Worker:
    """One task after the other. name: unique among those that run."""

    def __init__(self, name: str, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self.name = name
        self.lease = timedelta(seconds=lease_seconds)

    def step(self) -> bool:
        """Recover what others left, then do one task; whether there was one."""
        recover(now=timezone.now())
        claimed = claim(self.name, now=timezone.now(), lease=self.lease)
        if claimed is None:
            return False
        task, token = claimed
        with _Heartbeat(token, self.lease):
            try:
                result = task.task.call(*task.args_kwargs["args"], **task.args_kwargs["kwargs"])
                self._finish(task, token, result)
            except Exception as error:
                LOG.warning("task %s failed: %s", task.task_path, error)
                self._fail(task, token, error)
        return True

    def _finish(self, task: Row, token: uuid.UUID, result: Any) -> None:
        with transaction.atomic():
            if _held(token) is None:
                LOG.warning("task %s was taken over; its effect is not stored", task.pk)
                return
            value = result.store() if isinstance(result, Effect) else result
            task.set_successful(value)
            LeaseRow.objects.filter(token=token).delete()

    def _fail(self, task: Row, token: uuid.UUID, error: Exception) -> None:
        with transaction.atomic():
            lease = _held(token)
            if lease is not None:
                _begin_again_or_fail(task, lease, error, now=timezone.now())


def _held(token: uuid.UUID) -> LeaseRow | None:
    """The lease of this token; whoever has none any more works for nothing."""
    return LeaseRow.objects.select_for_update().filter(token=token).first()


def _begin_again_or_fail(
    task: Row | None, lease: LeaseRow, error: Exception, *, now: datetime
) -> None:
    if task is None:
        lease.delete()
    elif lease.attempts >= MOST_ATTEMPTS:
        task.set_failed(error)
        lease.delete()
    else:
        vanished = isinstance(error, WorkerVanished)
        task.status = TaskResultStatus.READY
        task.run_after = get_date_max() if vanished else now + wait_after(lease.attempts)
        task.exception_class_path = f"{type(error).__module__}.{type(error).__qualname__}"
        task.traceback = str(error)[:2000]
        task.save(update_fields=["status", "run_after", "exception_class_path", "traceback"])
        lease.token = lease.until = None
        lease.save(update_fields=["token", "until"])


class _Heartbeat:
    """Says while a task is being done that its worker lives, from a thread of its own."""

    def __init__(self, token: uuid.UUID, lease: timedelta) -> None:
        self._token, self._lease = token, lease
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._done.wait(self._lease.total_seconds() / 3):
                until = timezone.now() + self._lease
                try:
                    LeaseRow.objects.filter(token=self._token).update(until=until)
                except DatabaseError as error:
                    LOG.warning("a lease could not be renewed: %s", error)
        finally:
            connection.close()
