"""Jobs whose effect can be counted afterwards: each writes one act down."""

import time

from django_tasks import task

from khazana.portal.audit.record import record
from khazana.portal.tasks.worker import Effect


@task()
def count(number: int) -> Effect:
    """Some work before the effect, some in its transaction: either is a place to be killed."""
    time.sleep(0.001)

    def store() -> int:
        record("counted", actor="test", subject=str(number))
        time.sleep(0.001)
        return number

    return Effect(store)


@task()
def fail(what: str) -> None:
    raise ConnectionError(what)


@task()
def fail_in_store(number: int) -> Effect:
    def store() -> int:
        record("counted", actor="test", subject=str(number))
        raise ConnectionError("in the middle")

    return Effect(store)
