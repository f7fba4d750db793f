"""Working papers of an audit: its rows as the room's papers, in one archive."""

from datetime import datetime

from khazana.portal.audit.record import exported, newest_head
from khazana.portal.auditing.files import kept
from khazana.portal.auditing.models import AuditRow, EntryRow, FileRow, FindingRow, SampleRow
from khazana.portal.auditing.opinions import published_file
from khazana.portal.auditing.samples import announcement_of, population_for
from khazana.reserve.auditing import papers
from khazana.reserve.auditing.engagement import (
    Engagement,
    Finding,
    Findings,
    PaperFile,
    Request,
    RequestEntry,
    Requests,
    write_paper,
)
from khazana.reserve.auditing.population import write_population
from khazana.statement.times import write_instant


def papers_of(audit: AuditRow) -> bytes:
    """The archive as it stands now; the same rows and the same log give the same bytes."""
    samples = list(audit.samples.all())
    files: dict[str, bytes] = {
        papers.ENGAGEMENT: write_paper(
            Engagement(
                root=audit.root,
                auditor=audit.auditor,
                key=audit.key,
                scope=audit.scope,
                materiality=audit.materiality,
                opened_by=audit.opened_by,
                opened_at=_time(audit.opened_at),
            )
        ),
        papers.STATEMENT: bytes(audit.statement),
        papers.REQUESTS: write_paper(_requests(audit)),
        papers.FINDINGS: write_paper(
            Findings(findings=[_finding(row) for s in samples for row in s.findings.all()])
        ),
        papers.LOG: b"".join(exported(newest_head().number)),
    }
    for row in samples:
        files |= _sample(row)
    files |= {f"files/{sha256}": kept(sha256) for sha256 in _hashes(audit)}
    published, opinion = published_file(audit.root), audit.opinions.last()
    later = {
        papers.PUBLISHED: published,
        papers.REPORT: audit.report,
        papers.OPINION: None if opinion is None else opinion.raw,
    }
    return papers.write_papers(
        files | {name: bytes(raw) for name, raw in later.items() if raw is not None}
    )


def _requests(audit: AuditRow) -> Requests:
    return Requests(
        requests=[
            Request(
                number=row.number,
                due=row.due.isoformat(),
                entries=[_entry(each) for each in row.entries.all()],
            )
            for row in audit.requests.all()
        ]
    )


def _entry(row: EntryRow) -> RequestEntry:
    return RequestEntry(
        step=row.step,  # type: ignore[arg-type]
        by=row.by,
        at=_time(row.at),
        text=row.text,
        files=[_file(each) for each in row.files.all()],
    )


def _finding(row: FindingRow) -> Finding:
    return Finding(
        sample=row.sample.sha256,
        item=row.item,
        outcome=row.outcome,  # type: ignore[arg-type]
        note=row.note,
        paper=None if row.paper is None else _file(row.paper),
        by=row.by,
        at=_time(row.at),
    )


def _file(row: FileRow) -> PaperFile:
    return PaperFile(name=row.name, sha256=row.sha256, bytes=row.size)


def _sample(row: SampleRow) -> dict[str, bytes]:
    kind = announcement_of(row).population.kind
    made = {
        f"announcements/{row.number}.json": bytes(row.announcement),
        f"populations/{row.number}.json": write_population(population_for(row.audit, kind)),
    }
    if row.drawn is not None:
        made[f"samples/{row.number}.json"] = bytes(row.drawn)
    return made


def _hashes(audit: AuditRow) -> set[str]:
    return set(audit.files.values_list("sha256", flat=True))


def _time(at: datetime) -> str:
    return write_instant(at.replace(microsecond=0))
