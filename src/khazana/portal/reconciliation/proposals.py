"""A proposal's way: entered, computed on a copy, confirmed by two others, appended to the files."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django_tasks import task

from khazana.bitcoin.adapters.source import open_chain
from khazana.errors import KhazanaError
from khazana.ledger.canonical import Json, canonical_bytes
from khazana.ledger.office import OfficeFile
from khazana.ledger.problems import OfficeFileRefused
from khazana.portal.audit.record import record
from khazana.portal.desk.office_store import alone, append, files_sha256, grown, stored
from khazana.portal.reconciliation.models import ConfirmationRow, ProposalRow, ProposalState
from khazana.portal.reconciliation.papers import PAPER_COLUMN, kept
from khazana.portal.reconciliation.reading import (
    ask_for_reading,
    finding_shown,
    lines_shown,
    office_on,
)
from khazana.portal.tasks.worker import Effect
from khazana.reserve.reconciliation import effect_of, gather_all, read_books
from khazana.statement.four_eyes import (
    NEEDED,
    Confirmation,
    counting,
    is_confirmed,
    require_may_confirm,
)

MOST_WORD = 1000


@dataclass(eq=False, kw_only=True)
class ProposalRefused(KhazanaError):
    """A step that this proposal cannot take."""

    problem: str
    code = "proposal_refused"
    words = "This cannot be done with the proposal: {problem}."


def propose(table: str, rows: Sequence[Mapping[str, str]], *, by: str, at: datetime) -> ProposalRow:
    """Take rows in, if the ledger could read the files with them; a worker computes the rest."""
    grown(table, rows)
    with transaction.atomic():
        row = ProposalRow.objects.create(table=table, rows=[dict(r) for r in rows], by=by, at=at)
        detail = {"table": table, "rows": str(len(rows))}
        record("rows proposed", actor=by, subject=f"proposal {row.pk}", detail=detail)
        compute_effect.enqueue(row.pk)
    return row


@task()
def compute_effect(pk: int) -> Effect:
    """What the rows would explain, computed by the ledger on a copy of the office's files."""
    row = ProposalRow.objects.get(pk=pk)
    base = files_sha256()
    fields: dict[str, Any] = {"state": ProposalState.REFUSED, "base": base, "problems": []}
    try:
        before, after = stored().office, grown(row.table, row.rows).office
        effect = _effect(before, after)
    except OfficeFileRefused as error:
        fields["problems"] = [str(problem) for problem in error.problems]
    else:
        problems = _problems(effect)
        fields |= {"effect": effect, "problems": problems}
        if not problems:
            fields["state"] = ProposalState.OPEN
            fields["digest"] = digest_of(row.table, row.rows, base=base, effect=effect)

    def store() -> dict[str, Any]:
        ProposalRow.objects.filter(pk=pk, state=ProposalState.WAITING).update(**fields)
        return {"proposal": pk, "state": str(fields["state"])}

    return Effect(store)


def digest_of(
    table: str, rows: Sequence[Mapping[str, str]], *, base: str, effect: Mapping[str, Any]
) -> str:
    """What a confirmation is of: SHA-256 of table, rows, base and effect, as RFC 8785 bytes."""
    said: Json = {
        "table": table,
        "rows": [{**r} for r in rows],
        "base": base,
        "effect": dict(effect),
    }
    return hashlib.sha256(canonical_bytes(said)).hexdigest()


def counted(row: ProposalRow) -> tuple[str, ...]:
    """Who agreed to the proposal as it stands."""
    return counting(row.by, row.digest, _given(row))


def confirm(pk: int, *, by: str, seen: str, at: datetime) -> None:
    """One person agrees; with the second one the rows are appended to the office's files."""
    with alone(), transaction.atomic():
        row = _locked(pk)
        require_may_confirm(by, author=row.by, digest=row.digest, seen=seen, given=_given(row))
        stale = row.base != files_sha256()
        if stale:
            _compute_again(row)
        else:
            _agree(row, by=by, at=at)
    if stale:
        problem = "the office's files changed; its effect is computed again, then look again"
        raise ProposalRefused(problem=problem)


def decline(pk: int, *, by: str, word: str, at: datetime) -> None:
    """Nobody will write these rows; the proposal stays with the reason."""
    said = " ".join(word.split())[:MOST_WORD]
    if not said:
        raise ProposalRefused(problem="say why it is declined")
    with transaction.atomic():
        row = _locked(pk, states=(ProposalState.OPEN, ProposalState.WAITING))
        row.state, row.ended_by, row.ended_at, row.word = ProposalState.DECLINED, by, at, said
        row.save()
        record("proposal declined", actor=by, subject=f"proposal {pk}", detail={"why": said})


def _agree(row: ProposalRow, *, by: str, at: datetime) -> None:
    row.confirmations.create(person=by, digest=row.digest, at=at)
    detail = {"digest": row.digest}
    record("proposal confirmed", actor=by, subject=f"proposal {row.pk}", detail=detail)
    if not is_confirmed(row.by, row.digest, _given(row)):
        return
    if digest_of(row.table, row.rows, base=row.base, effect=row.effect) != row.digest:
        raise ProposalRefused(problem="its rows are not those that were confirmed")
    for each in row.rows:
        if each.get(PAPER_COLUMN):
            kept(each[PAPER_COLUMN])
    row.state, row.ended_by, row.ended_at = ProposalState.CONFIRMED, by, at
    row.save()
    ask_for_reading()
    # Last, so that nothing which could still fail comes after the files.
    append(row.table, row.rows, seen=row.base, by=by, what=f"proposal {row.pk}")


def _compute_again(row: ProposalRow) -> None:
    row.state, row.digest = ProposalState.WAITING, ""
    row.save()
    compute_effect.enqueue(row.pk)


def _locked(pk: int, *, states: Sequence[ProposalState] = (ProposalState.OPEN,)) -> ProposalRow:
    row = ProposalRow.objects.select_for_update().get(pk=pk)
    if row.state not in states:
        raise ProposalRefused(problem=f"it is {row.state}")
    return row


def _given(row: ProposalRow) -> list[Confirmation]:
    given = ConfirmationRow.objects.filter(proposal=row)
    return [Confirmation(each.person, each.digest) for each in given]


def _effect(before: OfficeFile | None, after: OfficeFile) -> dict[str, Any]:
    """Computed of one and the same chain with and without the rows."""
    if before is None or not settings.DESK_SOURCE:
        raise ProposalRefused(problem="there is no chain to compute its effect from")
    chain = open_chain(settings.DESK_SOURCE)
    now, then = office_on(chain, before), office_on(chain, after)
    facts = gather_all(chain, now)
    found = effect_of(read_books(now, facts), read_books(then, facts))
    return {
        "height": found.until.height,
        "block": found.until.hash,
        "explained": lines_shown(found.explained),
        "replaced": lines_shown(found.replaced),
        "opened": lines_shown(found.opened),
        "before": found.before,
        "after": found.after,
        "findings": [finding_shown(f.rule, f.text, f.where) for f in found.new_findings],
    }


def _problems(effect: Mapping[str, Any]) -> list[str]:
    """Why nobody is asked to confirm: rows that fit nothing, or that take an explanation away."""
    return [f"{f['rule']}: {f['text']} ({f['where']})" for f in effect["findings"]]


def still_needed(row: ProposalRow) -> int:
    """How many people it still takes."""
    return max(0, NEEDED - len(counted(row)))
