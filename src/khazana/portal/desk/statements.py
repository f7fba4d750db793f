"""A statement is published by another person: exactly the bytes that this person saw."""

from datetime import datetime
from pathlib import Path

from django.conf import settings

from khazana.portal.audit.record import record
from khazana.portal.desk.models import CampaignRow, DraftRow, DraftState
from khazana.portal.desk.office_store import OFFICE_JSON, read_file, write_file
from khazana.portal.desk.readers import Shown, publication_of
from khazana.portal.desk.signing import office_now, signature_standing
from khazana.portal.desk.steps import DraftRefused, locked_draft
from khazana.portal.statement.choosing import standing_statements
from khazana.portal.statement.models import StatementRow
from khazana.portal.tasks.jobs import check_newest, import_publication
from khazana.reserve.reading import read_reserve_statement

IMPORTED_LEVEL = "full"
"""The most that an import lets in; the file itself shows what was chosen, and no more."""


def publish(draft: DraftRow, *, by: str, seen: str, now: datetime) -> None:
    """Write what the public sees into the publication folder; not by who prepared any of it.

    seen: SHA-256 of the file as the page showed it to this person. The state is decided on the
    locked row.
    """
    # Committed before a file is written: whatever ends this process in between, the log says who
    # was publishing which bytes, and publishing again writes the same files.
    with locked_draft(draft.pk, DraftState.SIGNED) as row:
        shown = _publishable(row, by=by, seen=seen, now=now)
        detail = {"sha256": shown.sha256, "level": shown.level}
        record("statement being published", actor=by, subject=row.root, detail=detail)
    with locked_draft(draft.pk, DraftState.SIGNED) as row:
        shown = _publishable(row, by=by, seen=seen, now=now)
        row.state, row.published_by = DraftState.PUBLISHED, by
        row.save(update_fields=["state", "published_by"])
        detail = {"sha256": shown.sha256, "level": shown.level}
        if row.supersedes:
            detail |= {"supersedes": row.supersedes, "reason": row.reason}
        record("statement published", actor=by, subject=row.root, detail=detail)
        folder: Path = settings.PUBLICATION_DIR
        import_publication.enqueue(str(folder), True, IMPORTED_LEVEL)
        check_newest.enqueue()
        until = read_reserve_statement(shown.raw).header.period.until.height
        written = {
            folder / OFFICE_JSON: read_file(OFFICE_JSON) or b"",
            folder / "statements" / f"{until:08d}-{row.root[:12]}.json": shown.raw,
            folder / "publication.json": b"{}\n",
        }
        for path, content in written.items():
            write_file(path, content)
    # The public's process reads what was written here; of what others put beside it nothing is
    # touched, for a link there could lead anywhere.
    for path in (folder, folder / "statements", *written):
        path.chmod(0o755 if path in (folder, folder / "statements") else 0o644)


def _publishable(row: DraftRow, *, by: str, seen: str, now: datetime) -> Shown:
    """What would be published, if this person may publish it now."""
    if by in _preparers(row):
        raise DraftRefused(problem="who prepared it does not publish it")
    shown = publication_of(row)
    if shown is None:
        raise DraftRefused(problem="nobody has chosen yet what the public sees")
    if shown.sha256 != seen:
        raise DraftRefused(problem="it has changed since this page was shown; look again")
    # A key may have been revoked since the signatures came in.
    standing = signature_standing(shown.statement, office_now(), now=now)
    if not standing.enough:
        have, needed = len(standing.signed), standing.needed
        raise DraftRefused(problem=f"{have} of the {needed} keys that it takes count today")
    there = StatementRow.objects.filter(root=row.root).exists()  # by an attempt that was cut off
    replaced = row.supersedes and not standing_statements().filter(root=row.supersedes).exists()
    if replaced and not there:
        raise DraftRefused(problem="what it corrects was corrected by another statement")
    return shown


def _preparers(row: DraftRow) -> set[str]:
    names = {row.made_by, row.signed_by, row.level_by}
    campaign = CampaignRow.objects.filter(draft=row).first()
    if campaign is not None:
        names |= {campaign.made_by, *campaign.returned.values_list("by", flat=True)}
    return names
