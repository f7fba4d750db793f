"""Workers: nothing twice, nothing lost, whatever ends them."""

import json
import os
import subprocess
import sys
import uuid
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

pytest.importorskip("django")

from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from khazana.portal.audit.models import ActRow
from khazana.portal.tasks import jobs
from khazana.portal.tasks.models import LeaseRow, ScheduleRow, TipRow
from khazana.portal.tasks.schedule import Schedule, put_due
from khazana.portal.tasks.worker import MOST_ATTEMPTS, Effect, Worker, claim, recover
from tests.portal.desk.counting_jobs import count, fail, fail_in_store
from tests.reserve.world import story

pytestmark = pytest.mark.any_database
ROOT = Path(__file__).resolve().parents[3]
LEASE = timedelta(seconds=60)


@contextmanager
def own_database(folder):
    """The environment of a process with a database that nobody else uses."""
    clean = {name: value for name, value in os.environ.items() if "KHAZANA_PORTAL" not in name}
    environment = {
        **clean,
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "DJANGO_SETTINGS_MODULE": "khazana.portal.project.settings_desk",
        "KHAZANA_PORTAL_DIR": str(folder),
    }
    server = os.environ.get("KHAZANA_PORTAL_DATABASE")
    if not server:
        yield environment
        return
    import psycopg

    name = f"khazana_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield {**environment, "KHAZANA_PORTAL_DATABASE": server.rpartition("/")[0] + f"/{name}"}
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_fifty_workers_killed_at_random_points_lose_and_repeat_nothing(tmp_path):
    with own_database(tmp_path) as environment:
        program = str(Path(__file__).with_name("killed_workers.py"))
        ended = subprocess.run(
            [sys.executable, program, "50", "60", "7"],
            capture_output=True, text=True, timeout=120, env=environment,
        )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    told = json.loads(ended.stdout)
    assert told["kills"] == 50
    assert told["tasks begun more than once"] >= 3, told  # the kills did hit tasks in hand
    assert told["states"] == {"SUCCESSFUL": 60}
    assert told["counted"] == list(range(60))
    assert told["acts in the chain"] == 60
    assert told["leases"] == 0


def drained(worker):
    steps = 0
    while worker.step():
        steps += 1
    return steps


def counted():
    return [row.subject for row in ActRow.objects.filter(action="counted")]


def test_a_task_and_its_effect_end_together(desk):
    count.enqueue(1)
    assert drained(Worker("w")) == 1
    assert counted() == ["1"]
    assert not LeaseRow.objects.exists()
    assert DBTaskResult.objects.get().status == "SUCCESSFUL"


def test_what_was_enqueued_in_a_transaction_that_failed_was_never_there(desk):
    from django.db import transaction

    def fails():
        with transaction.atomic():
            count.enqueue(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert drained(Worker("w")) == 0


def test_an_effect_that_fails_half_way_leaves_nothing_and_is_tried_again_later(desk):
    fail_in_store.enqueue(1)
    assert drained(Worker("w")) == 1
    assert counted() == []
    task = DBTaskResult.objects.get()
    assert task.status == "READY"
    assert task.run_after > timezone.now()
    assert LeaseRow.objects.get().attempts == 1


def test_a_task_that_keeps_failing_is_given_up_with_its_reason(desk):
    fail.enqueue("the node is silent")
    for _ in range(MOST_ATTEMPTS):
        DBTaskResult.objects.update(run_after=timezone.now() - timedelta(seconds=1))
        assert Worker("w").step()
    task = DBTaskResult.objects.get()
    assert (task.status, "the node is silent" in task.traceback) == ("FAILED", True)
    assert drained(Worker("w")) == 0
    assert not LeaseRow.objects.exists()


def test_a_task_whose_worker_vanished_is_begun_by_another_once_its_lease_is_over(desk):
    count.enqueue(1)
    now = timezone.now()
    assert claim("the first", now=now, lease=LEASE) is not None
    assert claim("the second", now=now, lease=LEASE) is None
    assert recover(now=now + LEASE) == 0
    assert recover(now=now + LEASE + timedelta(seconds=1)) == 1
    assert drained(Worker("the second")) == 1
    assert counted() == ["1"]


def test_a_task_that_kills_every_worker_is_given_up(desk):
    count.enqueue(1)
    now = timezone.now()
    for _ in range(MOST_ATTEMPTS):
        assert claim("w", now=now, lease=LEASE) is not None
        recover(now=now + 2 * LEASE)
    task = DBTaskResult.objects.get()
    assert (task.status, f"{MOST_ATTEMPTS} workers began" in task.traceback) == ("FAILED", True)


def test_a_worker_that_was_thought_dead_stores_nothing(desk):
    count.enqueue(1)
    slow = Worker("slow")
    now = timezone.now()
    task, token = claim("slow", now=now, lease=LEASE)
    recover(now=now + 2 * LEASE)
    assert drained(Worker("quick")) == 1
    stored = []
    slow._finish(task, token, Effect(lambda: stored.append("twice")))
    slow._fail(task, token, ConnectionError("too late"))
    assert (stored, counted()) == ([], ["1"])
    assert DBTaskResult.objects.get().status == "SUCCESSFUL"


def test_what_is_due_is_put_into_the_queue_once_and_not_while_it_still_waits(desk):
    schedules = [Schedule("counting", count, 10, (1,))]
    now = timezone.now()
    assert put_due(schedules, now=now) == 1
    assert put_due(schedules, now=now) == 0
    assert put_due(schedules, now=now + timedelta(seconds=11)) == 0  # the first was not begun
    assert drained(Worker("w")) == 1
    assert put_due(schedules, now=now + timedelta(seconds=12)) == 0
    assert put_due(schedules, now=now + timedelta(seconds=30)) == 1
    assert ScheduleRow.objects.get().next_at == now + timedelta(seconds=40)


def test_the_chain_is_followed_and_a_reorganisation_is_said(desk, monkeypatch):
    world = story().world
    desk.DESK_SOURCE = "esplora:http://127.0.0.1:1"
    monkeypatch.setattr(jobs, "open_chain", lambda source: world.chain)
    for _ in range(2):
        jobs.follow_chain.enqueue()
        assert drained(Worker("w")) == 1
    tip = TipRow.objects.get()
    assert (tip.height, tip.hash) == (world.chain.tip().height, world.chain.tip().hash)
    assert tip.replaced_from is None
    TipRow.objects.update(hash="0" * 64)
    jobs.follow_chain.enqueue()
    drained(Worker("w"))
    newest = TipRow.objects.first()
    assert (newest.hash, newest.replaced_from) == (world.chain.tip().hash, tip.height)


def test_a_publication_is_imported_by_a_worker_and_a_second_time_changes_nothing(desk, tmp_path):
    from khazana.portal.statement.models import StatementRow
    from tests.portal.publication import write_publication

    folder = write_publication(tmp_path / "publication")
    for new in (2, 0):
        jobs.import_publication.enqueue(str(folder), True, "full")
        assert drained(Worker("w")) == 1
        newest = DBTaskResult.objects.order_by("-enqueued_at").first()
        assert newest.return_value["statements"] == new
    assert StatementRow.objects.count() == 2


def test_what_is_finished_is_forgotten_in_time(desk):
    count.enqueue(1)
    drained(Worker("w"))
    DBTaskResult.objects.update(finished_at=timezone.now() - timedelta(days=2))
    jobs.forget_finished.enqueue()
    drained(Worker("w"))
    assert DBTaskResult.objects.count() == 1
