"""The jobs of an office: its publication imported, its statements checked, the chain followed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from khazana.bitcoin.adapters.source import open_chain
from khazana.portal.statement.checking import check_statement, unchecked
from khazana.portal.statement.choosing import standing_statements
from khazana.portal.statement.importing import import_folder
from khazana.portal.supervision.checking import check_coverage, unchecked_coverage
from khazana.portal.tasks.models import TipRow
from khazana.portal.tasks.worker import Effect
from khazana.units import Height

LOOKED_BACK = 12
"""Tips that are compared with the best chain: deeper than any reorganisation ever seen."""


@task()
def import_publication(folder: str, own: bool, level: str) -> dict[str, Any]:
    """Bring the pages in step with a folder; a second time changes nothing."""
    if not Path(folder).is_dir():
        return {"folder": folder, "statements": 0}
    chain = open_chain(settings.DESK_SOURCE) if settings.DESK_SOURCE else None
    done = import_folder(Path(folder), own=own, level=level, chain=chain)
    return {"statements": len(done.statements), "renewed": len(done.renewed), "files": done.files}


@task()
def check_newest() -> dict[str, Any]:
    """Run the stranger's command on each office's newest statement that has no report yet."""
    checked = []
    if settings.DESK_SOURCE:
        for own in (True, False):
            for statement in standing_statements(own=own)[:1]:
                if unchecked(statement, now=timezone.now()):
                    report = check_statement(statement, settings.DESK_SOURCE)
                    checked.append({"root": statement.root, "exit_status": report.exit_status})
        for epoch in unchecked_coverage(now=timezone.now()):
            found = check_coverage(epoch, settings.DESK_SOURCE)
            checked.append({"root": epoch.digest, "exit_status": found.exit_status})
    return {"checked": checked}


@task()
def follow_chain() -> Effect:
    """Note the newest block, and from which height earlier ones left the best chain."""
    if not settings.DESK_SOURCE:
        return Effect(dict)
    chain = open_chain(settings.DESK_SOURCE)
    tip = chain.tip()
    known = list(TipRow.objects.filter(network=chain.network.name)[:LOOKED_BACK])
    replaced = None
    for row in known:
        height = Height(row.height)
        if height <= tip.height and chain.block_at(height).hash == row.hash:
            break
        replaced = row.height
    if known and replaced is None and known[0].hash == tip.hash:
        return Effect(lambda: {"height": tip.height})

    def store() -> dict[str, Any]:
        TipRow.objects.create(
            network=chain.network.name,
            height=tip.height,
            hash=tip.hash,
            seen_at=timezone.now(),
            replaced_from=replaced,
        )
        return {"height": tip.height, "replaced_from": replaced}

    return Effect(store)


@task()
def forget_finished() -> Effect:
    """What succeeded is forgotten after a day, what failed after a month, with ended sessions."""

    def store() -> dict[str, Any]:
        now, done = timezone.now(), DBTaskResult.objects
        succeeded = done.successful().filter(finished_at__lt=now - timedelta(days=1)).delete()[0]
        failed = done.failed().filter(finished_at__lt=now - timedelta(days=30)).delete()[0]
        sessions = Session.objects.filter(expire_date__lt=now).delete()[0]
        return {"forgotten": succeeded + failed, "sessions": sessions}

    return Effect(store)
