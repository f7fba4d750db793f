"""Signatures by offline keys: a file goes out, files come in with one signature or several."""

from dataclasses import dataclass
from datetime import datetime

from khazana.portal.audit.record import record
from khazana.portal.desk.models import DraftRow, DraftState
from khazana.portal.desk.office_store import OFFICE_JSON, read_file
from khazana.portal.desk.steps import OPEN, DraftRefused, locked_draft
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.checks import Verdict
from khazana.statement.dsse import read_envelope
from khazana.statement.envelope import Statement, with_evidence, write_statement
from khazana.statement.evidence import IDENTITY_TYPE, identity_evidence
from khazana.statement.identity import STATEMENT_ROLE, Office
from khazana.statement.office_file import read_office
from khazana.statement.signatures import SIGNATURE_TYPE, joined_evidence, judge_signature


@dataclass(frozen=True)
class Standing:
    """Who signed. signed, missing: ids of keys of the identity in force; needed: how many must."""

    signed: tuple[str, ...]
    missing: tuple[str, ...]
    needed: int

    @property
    def enough(self) -> bool:
        return len(self.signed) >= self.needed


def standing_of(draft: DraftRow, *, now: datetime) -> Standing | None:
    """Whose signatures count today; None before the office has an identity."""
    if read_file(OFFICE_JSON) is None or draft.raw is None:
        return None
    return signature_standing(_current(draft), office_now(), now=now)


def signature_standing(statement: Statement, office: Office, *, now: datetime) -> Standing:
    """Which of the office's keys have signed, each version's signatures by themselves (S19)."""
    by_version: dict[int, set[str]] = {}
    for item in statement.evidence:
        if item.type == SIGNATURE_TYPE:
            judged = judge_signature(item, statement, office, now=now, where="signature")
            by_version.setdefault(judged.version, set()).update(judged.signers)
    keys = office.newest.role_keys(STATEMENT_ROLE)
    signed = max(by_version.values(), key=len, default=set())
    return Standing(
        signed=tuple(sorted(signed)),
        missing=tuple(sorted(set(keys) - signed)),
        needed=office.newest.roles[STATEMENT_ROLE].threshold,
    )


def office_now() -> Office:
    """The identity as it is in the office's folder."""
    raw = read_file(OFFICE_JSON)
    if raw is None:
        raise DraftRefused(problem="the office has no office.json yet")
    return read_office(raw)


def take_signed(draft: DraftRow, raw: bytes, *, by: str, now: datetime) -> Standing:
    """Take the signatures out of a file that came back; it has to be the draft and nothing else.

    Only signatures are added to what is here. A file that shows less, or carries anything that
    neither the draft nor a signature is, is refused whole.
    """
    with locked_draft(draft.pk, *OPEN) as row:
        statement = _same_parts(row, raw)
        office = office_now()
        _require_known_evidence(row, statement, office)
        current = _current(row)
        before = signature_standing(current, office, now=now)
        for item in statement.evidence:
            if item.type == SIGNATURE_TYPE:
                judged = judge_signature(item, statement, office, now=now, where="a signature")
                if judged.result.verdict is not Verdict.PASSED:
                    raise DraftRefused(problem=judged.result.summary)
                current = joined_evidence(current, read_envelope(item.fields["envelope"]))
        after = signature_standing(current, office, now=now)
        if after.signed == before.signed:
            raise DraftRefused(problem="the file has no signature that is not here already")
        if not any(item.type == IDENTITY_TYPE for item in current.evidence):
            current = with_evidence(current, identity_evidence(current, office))
        row.signed, row.signed_by = write_statement(current), by
        row.state = DraftState.SIGNED if after.enough else DraftState.MADE
        row.save(update_fields=["signed", "signed_by", "state"])
        detail = {"keys": ", ".join(each[:16] for each in after.signed), "of": str(after.needed)}
        record("signatures taken", actor=by, subject=row.root, detail=detail)
    return after


def _same_parts(row: DraftRow, raw: bytes) -> Statement:
    statement = read_reserve_statement(raw).envelope
    draft = read_reserve_statement(bytes(row.raw or b"")).envelope
    if statement.root != draft.root or statement.root != row.root:
        problem = f"the file's root is {statement.root}, not {row.root}"
        raise DraftRefused(problem=problem)
    if statement.leaves != draft.leaves:
        raise DraftRefused(problem="parts of the draft are withheld or changed in the file")
    return statement


def _require_known_evidence(row: DraftRow, statement: Statement, office: Office) -> None:
    draft = read_reserve_statement(bytes(row.raw or b"")).envelope
    ours = [dict(item.fields) for item in draft.evidence]
    theirs = [dict(item.fields) for item in statement.evidence]
    if any(fields not in theirs for fields in ours):
        raise DraftRefused(problem="evidence of the draft is missing in the file")
    ours.append(dict(identity_evidence(draft, office).fields))
    for item in statement.evidence:
        if item.type != SIGNATURE_TYPE and dict(item.fields) not in ours:
            raise DraftRefused(problem=f"the file has evidence that the draft has not: {item.type}")


def _current(row: DraftRow) -> Statement:
    raw = row.raw if row.signed is None else row.signed
    return read_reserve_statement(bytes(raw or b"")).envelope
