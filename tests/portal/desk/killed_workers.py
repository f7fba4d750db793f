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

import django

LEASE_SECONDS = 0.5


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
    chance = random.Random(seed)
    effective = 0
    for kill in range(kills):
        connections.close_all()
        connected, connects = os.pipe()
        child = os.fork()
        if child == 0:
            worker = Worker(f"worker-{kill}", lease_seconds=LEASE_SECONDS)
            connection.ensure_connection()
            os.write(connects, b"!")
            while True:
                if not worker.step():
                    time.sleep(0.005)
        os.read(connected, 1)  # however busy the machine is, the kill comes into its work
        time.sleep(chance.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        effective += os.WIFSIGNALED(status)
        os.close(connected)
        os.close(connects)
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
