"""Proofs of control as evidence of a statement: shown, or withheld with only their hash public."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import msgspec

from khazana.bitcoin.address import address_of
from khazana.bitcoin.network import Network
from khazana.custody.collect import Collected
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement import patterns
from khazana.statement.checks import Verdict
from khazana.statement.envelope import Evidence, Statement
from khazana.statement.errors import StatementMalformed
from khazana.statement.evidence import EvidenceResult, evidence_of, failed

CONTROL_TYPE = "khazana.control/1"
COMMITMENT_TYPE = "khazana.control-commitment/1"

FileT = TypeVar("FileT", bound=msgspec.Struct)

_Hash = Annotated[str, msgspec.Meta(pattern=patterns.HASH256)]
_Script = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2}){1,10000}" + patterns.END)]
_OutPoint = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}:(0|[1-9][0-9]{0,9})" + patterns.END)]


class _Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    height: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
    hash: _Hash


class ProofFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A BIP-322 signature by `script`. coins: what a proof of funds claims, in its order."""

    script: _Script
    proof: Annotated[str, msgspec.Meta(min_length=1, max_length=16_000_000)]
    address: str | msgspec.UnsetType = msgspec.UNSET
    coins: list[_OutPoint] | msgspec.UnsetType = msgspec.UNSET


class ControlFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All proofs of one campaign. block: nobody could sign the message before it was found."""

    type: str
    subject_root: _Hash
    message: Annotated[str, msgspec.Meta(max_length=330)]
    block: _Block
    proofs: Annotated[list[ProofFile], msgspec.Meta(min_length=1, max_length=100_000)]


class CommitmentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """sha256: of the withheld evidence's canonical bytes."""

    type: str
    subject_root: _Hash
    sha256: _Hash


def control_evidence(collected: Collected, statement: Statement, network: Network) -> Evidence:
    """The proofs that are complete, ready to be attached to the statement they are about."""
    message = collected.campaign.message
    if message.root != statement.root:
        raise ValueError("the campaign is about another statement's root")
    proofs: list[dict[str, Any]] = []
    for state in collected.rounds:
        if state.proof is None:
            continue
        script = state.round.script
        proof: dict[str, Any] = {"script": script.hex(), "proof": state.proof}
        address = address_of(script, network)
        if address is not None:
            proof["address"] = address
        if len(state.round.inputs) > 1:
            proof["coins"] = [str(i.outpoint) for i in state.round.unsigned.inputs[1:]]
        proofs.append(proof)
    block = {"height": message.block.height, "hash": message.block.hash}
    return evidence_of(CONTROL_TYPE, statement, message=message.text, block=block, proofs=proofs)


def evidence_hash(fields: Mapping[str, Any]) -> str:
    """SHA-256 of the evidence's canonical bytes, 64 hex digits."""
    return hashlib.sha256(canonical_bytes(dict(fields))).hexdigest()


def commitment_to(item: Evidence, statement: Statement) -> Evidence:
    """What the public sees in place of withheld proofs.

    It needs no salt: nobody can guess a signature.
    """
    return evidence_of(COMMITMENT_TYPE, statement, sha256=evidence_hash(item.fields))


def proofs_withheld(statement: Statement) -> Statement:
    """The statement with every proof of control replaced by its hash: proofs name addresses."""
    return replace(
        statement,
        evidence=tuple(
            commitment_to(item, statement)
            if item.type == CONTROL_TYPE and item.subject_root == statement.root
            else item
            for item in statement.evidence
        ),
    )


def read_control(fields: Mapping[str, Any], where: str) -> ControlFile:
    """The proofs in a piece of evidence; StatementMalformed says what is wrong and where."""
    return _converted(fields, ControlFile, where)


def read_commitment(fields: Mapping[str, Any], where: str) -> CommitmentFile:
    return _converted(fields, CommitmentFile, where)


def read_disclosed(raw: bytes, *, commitments: frozenset[str], file: str) -> Mapping[str, Any]:
    """Withheld proofs that an auditor was given, held to the hashes in the statement."""
    fields = parse_strict(raw)
    if not isinstance(fields, dict):
        raise StatementMalformed(path=file, problem="it is not a piece of evidence")
    if canonical_bytes(fields) != raw.rstrip(b"\n"):
        raise StatementMalformed(path=file, problem="it is not in canonical form")
    if evidence_hash(fields) not in commitments:
        raise StatementMalformed(
            path=file, problem="its hash is none that the statement commits to"
        )
    return fields


def _converted(fields: Mapping[str, Any], shape: type[FileT], where: str) -> FileT:
    try:
        return msgspec.convert(dict(fields), shape, strict=True)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at ")
        raise StatementMalformed(
            path=where + place.strip("`").lstrip("$"), problem=problem
        ) from error


@dataclass(frozen=True, slots=True)
class ControlVerifier:
    """Judges the form of proofs; what they prove is the check called "control"."""

    type: str = CONTROL_TYPE

    def verify(self, item: Evidence, statement: Statement, *, where: str) -> EvidenceResult:
        try:
            file = read_control(item.fields, where)
        except StatementMalformed as wrong:
            return failed(where, item, str(wrong))
        return EvidenceResult(
            where=where,
            type=item.type,
            verdict=Verdict.PASSED,
            summary=f"{len(file.proofs)} proofs of control; the check control judges them",
        )


@dataclass(frozen=True, slots=True)
class CommitmentVerifier:
    """Judges the form of a commitment to withheld proofs."""

    type: str = COMMITMENT_TYPE

    def verify(self, item: Evidence, statement: Statement, *, where: str) -> EvidenceResult:
        try:
            file = read_commitment(item.fields, where)
        except StatementMalformed as wrong:
            return failed(where, item, str(wrong))
        return EvidenceResult(
            where=where,
            type=item.type,
            verdict=Verdict.PASSED,
            summary=f"proofs of control are withheld; their hash is {file.sha256}",
        )
