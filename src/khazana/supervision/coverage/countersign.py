"""The regulator's counter-signature as evidence on a coverage statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from khazana.errors import KhazanaError
from khazana.ledger.canonical import JsonRefused, canonical_bytes, parse_strict
from khazana.statement.checks import Verdict
from khazana.statement.dsse import Envelope, read_envelope, valid_signers
from khazana.statement.envelope import Evidence, Statement, with_evidence
from khazana.statement.errors import SignatureRefused
from khazana.statement.evidence import EvidenceResult, evidence_of, failed
from khazana.statement.identity import STATEMENT_ROLE, Office
from khazana.supervision.solvency.epoch import Epoch
from khazana.supervision.solvency.recompute import PAYLOAD_TYPE, Recomputation

RECOMPUTATION_TYPE = "khazana.solvency-recomputation/1"
_FIELDS = {"type", "subject_root", "envelope"}


def attach_recomputation(statement: Statement, envelope: Envelope) -> Statement:
    """The statement with what the regulator signed; refuses what is not one."""
    read_recomputation(envelope)
    made = evidence_of(RECOMPUTATION_TYPE, statement, envelope=envelope.to_json())
    return with_evidence(statement, made)


def read_recomputation(envelope: Envelope) -> Recomputation:
    """What was signed, strictly; SignatureRefused says what else it is."""
    if envelope.payload_type != PAYLOAD_TYPE:
        raise SignatureRefused(problem=f"it signs {envelope.payload_type!r}, no recomputation")
    try:
        document = parse_strict(envelope.payload)
        found = msgspec.convert(document, Recomputation)
    except (JsonRefused, msgspec.ValidationError) as error:
        raise SignatureRefused(problem=f"what it signs is malformed: {error}") from error
    if canonical_bytes(document) != envelope.payload:
        raise SignatureRefused(problem="what it signs is not in canonical form")
    return found


def envelope_of(fields: Mapping[str, Any]) -> Envelope:
    return read_envelope(fields.get("envelope"))


def contradiction(found: Recomputation, epoch: Epoch) -> str | None:
    """Where a recomputation is of something else than these trees."""
    if found.statement != epoch.digest:
        return f"it is of the epoch statement {found.statement}, this one is {epoch.digest}"
    if (found.epoch, found.test) != (epoch.epoch, epoch.test):
        return f"it is of epoch {found.epoch}, this one is {epoch.epoch}"
    stated = [(tree.name, tree.root, tree.sum) for tree in epoch.trees]
    built = sorted((tree.name, tree.root, tree.sum) for tree in found.trees)
    if stated != built:
        return "the trees built again are not those of this statement"
    return None


def signers_in(
    envelope: Envelope, regulator: Office, *, since: datetime
) -> tuple[frozenset[str], int]:
    """The regulator's keys that signed, and how many are needed, by its newest version.

    since: the median time of the block. A version that had ended by then signed nothing of it.
    """
    newest = regulator.newest
    needed = newest.roles[STATEMENT_ROLE].threshold
    if newest.valid_until <= since:
        return frozenset(), needed
    good = valid_signers(envelope, newest.role_keys(STATEMENT_ROLE)) - regulator.revoked
    return frozenset(good), needed


@dataclass(frozen=True, slots=True)
class RecomputationVerifier:
    """Judges the form; whose it is, is the question of the check `coverage_countersigned`."""

    type: str = RECOMPUTATION_TYPE

    def verify(self, item: Evidence, statement: Statement, *, where: str) -> EvidenceResult:
        if stray := set(item.fields) - _FIELDS:
            return failed(where, item, f"unknown field {min(stray)}")
        try:
            found = read_recomputation(envelope_of(item.fields))
        except KhazanaError as error:
            return failed(where, item, str(error))
        return EvidenceResult(
            where=where,
            type=item.type,
            verdict=Verdict.PASSED,
            summary=f"is a recomputation of {len(found.trees)} trees of epoch {found.epoch}",
        )
