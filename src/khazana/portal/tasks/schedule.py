"""What comes again and again: put into the queue when it is due, once, whoever looks first."""

import os
import secrets
import socket
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import close_old_connections, transaction
from django.utils import timezone
from django_tasks.base import Task, TaskResultStatus
from django_tasks_db.models import DBTaskResult

from khazana.portal.reconciliation.reading import read_postings
from khazana.portal.tasks import jobs
from khazana.portal.tasks.models import ScheduleRow
from khazana.portal.tasks.worker import Worker

LOOK_SECONDS = 0.5
UNFINISHED = (TaskResultStatus.READY, TaskResultStatus.RUNNING)


@dataclass(frozen=True)
class Schedule:
    """A job and how often it comes. seconds: from one beginning to the next."""

    name: str
    task: Task[Any, Any]
    seconds: int
    arguments: tuple[Any, ...] = ()


def office_schedules(partners: Sequence[str] = ()) -> tuple[Schedule, ...]:
    """What a running office does by itself."""
    own = str(settings.PUBLICATION_DIR)
    follow = tuple(
        Schedule(
            f"import {folder}"[:64], jobs.import_publication, 60, (folder, own == folder, "full")
        )
        for folder in (own, *partners)
    )
    return (
        Schedule("follow the chain", jobs.follow_chain, 5),
        Schedule("read the postings", read_postings, 10),
        *follow,
        Schedule("check the newest", jobs.check_newest, 60),
        Schedule("forget what is finished", jobs.forget_finished, 3600),
    )


def put_due(schedules: Sequence[Schedule], *, now: datetime) -> int:
    """Put what is due into the queue; gives how many. What still waits there is not put twice."""
    count = 0
    for schedule in schedules:
        if ScheduleRow.objects.filter(pk=schedule.name, next_at__gt=now).exists():
            continue
        ScheduleRow.objects.get_or_create(pk=schedule.name, defaults={"next_at": now})
        with transaction.atomic():
            row = ScheduleRow.objects.select_for_update().get(pk=schedule.name)
            if row.next_at > now:
                continue  # another worker was faster
            row.next_at = now + timedelta(seconds=schedule.seconds)
            unfinished = DBTaskResult.objects.filter(status__in=UNFINISHED)
            if row.last_task_id is None or not unfinished.filter(pk=row.last_task_id).exists():
                row.last_task_id = uuid.UUID(schedule.task.enqueue(*schedule.arguments).id)
                count += 1
            row.save()
    return count


def work(
    schedules: Sequence[Schedule], *, once: bool, stop: threading.Event, lease_seconds: float
) -> int:
    """Do what is in the queue until told to stop; with `once`, until it is empty."""
    name = f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(4)}"
    worker = Worker(name, lease_seconds=lease_seconds)
    done = 0
    while not stop.is_set():
        close_old_connections()
        put_due(schedules, now=timezone.now())
        while not stop.is_set() and worker.step():
            done += 1
        if once:
            break
        stop.wait(LOOK_SECONDS)
    return done
