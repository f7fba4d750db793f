"""What `khazana verify` says of the statement: the stranger's command, run by a worker."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django_tasks import task

from khazana.portal.audit.record import record
from khazana.portal.auditing.engagements import AuditRefused
from khazana.portal.auditing.models import AuditRow
from khazana.portal.desk.office_store import OFFICE_JSON, read_file
from khazana.portal.tasks.worker import Effect

MOST_SECONDS = 3600


@task()
def verify_for(pk: int) -> Effect:
    """Run the command on the statement as the auditor was given it, and keep its report."""
    audit = AuditRow.objects.get(pk=pk)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "statement.json").write_bytes(bytes(audit.statement))
        words = ["verify", "statement.json", "--chain", settings.DESK_SOURCE, "--json"]
        if read_file(OFFICE_JSON) is not None:
            words += ["--office", str(settings.OFFICE_DIR / OFFICE_JSON)]
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith("KHAZANA_PORTAL_")
        }
        ended = subprocess.run(
            [sys.executable, "-m", "khazana.cli.main", *words],
            capture_output=True,
            timeout=MOST_SECONDS,
            check=False,
            cwd=name,
            env=environment,
        )
    try:
        document = json.loads(ended.stdout)
    except ValueError as error:
        said = ended.stderr.decode(errors="replace")[-500:]
        raise AuditRefused(problem=f"khazana verify gave no report: {said}") from error

    def store() -> dict[str, Any]:
        AuditRow.objects.filter(pk=pk).update(report=ended.stdout, report_at=timezone.now())
        record("audit report kept", actor="worker", subject=audit.root)
        return {"audit": pk, "exit_status": document["exit_status"]}

    return Effect(store)
