"""Workers that are killed at random points, in a process and a database of their own.

Run as a program: KILLS TASKS SEED. Prints what was done as JSON. Workers are forked, so that fifty
of them cost a few seconds; each opens connections of its own.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable

import django

LEASE_SECONDS = 0.5


def dies_after(calls: int) -> Callable[..., None]:
    """Kill this process at its so many-th call: a random point, however busy the machine is."""
    left = calls

    def counted(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return counted


def main(kills: int, tasks: int, seed: int) -> None:
    django.setup()
    from django.core.management import call_command
    from django.db import connection, connections

    call_command("migrate", verbosity=0)
    from django_tasks_db.models import DBTaskResult

    from khazana.portal.audit.models import ActRow
    from khazana.portal.audit.record import verified
    from khazana.portal.tasks.models import LeaseRow
    from khazana.portal.tasks.worker import Worker
    from tests.portal.desk.counting_jobs import count

    for number in range(tasks):
        count.enqueue(number)
    Worker("the first", lease_seconds=LEASE_SECONDS).step()  # imports what it needs once for all
    chance = random.Random(seed)
    effective = 0
    for kill in range(kills):
        connections.close_all()
        calls = chance.randrange(1, 40_000)  # some tasks' worth
        child = os.fork()
        if child == 0:
            worker = Worker(f"worker-{kill}", lease_seconds=LEASE_SECONDS)
            connection.ensure_connection()
            sys.setprofile(dies_after(calls))
            while True:
                if not worker.step():
                    time.sleep(0.005)
        _, status = os.waitpid(child, 0)
        effective += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    interrupted = LeaseRow.objects.filter(token__isnull=False).count()
    left = DBTaskResult.objects.exclude(status="SUCCESSFUL").count()
    last = Worker("the last", lease_seconds=LEASE_SECONDS)
    until = time.monotonic() + 60
    while DBTaskResult.objects.exclude(status="SUCCESSFUL").exists():
        if not last.step():
            time.sleep(0.01)
        if time.monotonic() > until:
            break
    states = list(DBTaskResult.objects.values_list("status", flat=True))
    begun_again = [len(row.worker_ids) for row in DBTaskResult.objects.all()]
    print(
        json.dumps(
            {
                "vendor": connection.vendor,
                "kills": effective,
                "left when the kills ended": left,
                "interrupted by the last": interrupted,
                "tasks begun more than once": sum(times > 1 for times in begun_again),
                "states": {state: states.count(state) for state in set(states)},
                "counted": sorted(
                    int(subject) for subject in ActRow.objects.values_list("subject", flat=True)
                ),
                "leases": LeaseRow.objects.count(),
                "acts in the chain": verified().number,
            }
        )
    )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
