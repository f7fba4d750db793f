"""The portal's own check of a provider's coverage: the stranger's command, against its own source.

Until it passed, what a provider says of its coins is shown as the provider's word.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from khazana.portal.statement.checking import MOST_SECONDS, CheckFailedToRun, environment
from khazana.portal.statement.choosing import standing_of_office
from khazana.portal.statement.models import FileRow
from khazana.portal.supervision.models import CoverageReportRow, EpochRow

PROFILE = "full"
ASK_AGAIN = timedelta(hours=1)
"""After a check that could not be made: coins are watched for a day of blocks after it, say."""


def unchecked_coverage(*, now: datetime) -> Iterator[EpochRow]:
    """Epochs whose coverage no report speaks of, or the last could not say; the newest first."""
    rows = EpochRow.objects.select_related("provider__office").exclude(coverage_sha256="")
    for row in rows.filter(rejected="").order_by("-block_height", "pk"):
        report = row.report
        if report is None or (report.exit_status == 2 and report.checked_at + ASK_AGAIN < now):
            yield row


def check_coverage(row: EpochRow, source: str) -> CoverageReportRow:
    """Run the command and keep what it said of the file and its provider."""
    with tempfile.TemporaryDirectory() as name:
        words = ["verify", "coverage.json", "--chain", source, "--require", PROFILE, "--json"]
        words += [*_beside(row, Path(name)), "--office", row.provider.fingerprint]
        ended = subprocess.run(
            [sys.executable, "-m", "khazana.cli.main", *words],
            capture_output=True,
            timeout=MOST_SECONDS,
            check=False,
            cwd=name,
            env=environment(),
        )
    try:
        document = json.loads(ended.stdout)
    except ValueError as error:
        raise CheckFailedToRun() from error
    if not isinstance(document, dict) or document.get("format") != "khazana.report/1":
        raise CheckFailedToRun()
    checks = {each["name"]: each["verdict"] for each in document["checks"]}
    stored, _ = CoverageReportRow.objects.update_or_create(
        sha256=row.coverage_sha256,
        fingerprint=row.provider.fingerprint,
        defaults={
            "source": source.partition(":")[0],
            "checked_at": datetime.now(UTC),
            "exit_status": document["exit_status"],
            "checks": checks,
            "failed": next((each["summary"] for each in document["checks"] if _failed(each)), ""),
        },
    )
    return stored


def _failed(check: dict[str, str]) -> bool:
    return check["verdict"] == "failed"


def _beside(row: EpochRow, folder: Path) -> Iterator[str]:
    """The published files that the command reads, written into the folder, and their options."""
    files = dict(
        FileRow.objects.filter(
            office=row.provider.office, path__startswith=f"{row.folder}/"
        ).values_list("path", "raw")
    )
    raw = {path.removeprefix(f"{row.folder}/"): bytes(content) for path, content in files.items()}
    (folder / "coverage.json").write_bytes(raw["coverage.json"])
    (folder / "epoch.json").write_bytes(raw["epoch.json"])
    yield from ("--epoch", "epoch.json")
    for tree in row.trees:
        if tree["level"] in raw:
            (folder / tree["level"]).write_bytes(raw[tree["level"]])
            yield from ("--level", tree["level"])
    before = EpochRow.objects.filter(provider=row.provider, epoch__lt=row.epoch).first()
    if before is not None and before.coverage_sha256:
        earlier = FileRow.objects.get(
            office=row.provider.office, path=f"{before.folder}/coverage.json"
        )
        (folder / "previous.json").write_bytes(bytes(earlier.raw))
        yield from ("--previous", "previous.json")
    for number, other in enumerate(_others(row)):
        (folder / f"beside-{number}.json").write_bytes(other)
        yield from ("--beside", f"beside-{number}.json")


def _others(row: EpochRow) -> Iterator[bytes]:
    """What no coin of this provider may stand in as well: other providers' newest coverage, and
    the office's own newest statement.
    """
    office = row.provider.office
    seen = {row.provider_id}
    rows = EpochRow.objects.filter(provider__office=office, rejected="").exclude(coverage_sha256="")
    for other in rows.order_by("-block_height", "pk"):
        if other.provider_id not in seen:
            seen.add(other.provider_id)
            path = f"{other.folder}/coverage.json"
            yield bytes(FileRow.objects.get(office=office, path=path).raw)
    newest = standing_of_office(office).first()
    if newest is not None:
        yield bytes(newest.raw)
