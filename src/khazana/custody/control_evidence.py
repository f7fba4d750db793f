"""Proofs of control as evidence of a statement: shown, or withheld with only their hash public."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import msgspec

from khazana.bitcoin.address import address_of
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.network import Network
from khazana.custody.collect import Collected
from khazana.custody.message import ControlMessage
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement import patterns
from khazana.statement.checks import Verdict
from khazana.statement.envelope import Evidence, Statement
from khazana.statement.errors import StatementMalformed
from khazana.statement.evidence import EvidenceResult, evidence_of, failed
from khazana.units import Txid

CONTROL_TYPE = "khazana.control/1"
COSIGNED_TYPE = "khazana.control-messages/1"
MOVED_TYPE = "khazana.control-move/1"
COMMITMENT_TYPE = "khazana.control-commitment/1"
PROOF_TYPES = frozenset({CONTROL_TYPE, COSIGNED_TYPE, MOVED_TYPE})
"""What can be shown, or withheld behind a commitment."""

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


class SignedByFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One cosigner's signature. key: as the descriptor writes it; branch, index: of its child."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    branch: Annotated[int, msgspec.Meta(ge=0, le=0x7FFF_FFFF)]
    index: Annotated[int, msgspec.Meta(ge=0, le=0x7FFF_FFFF)]
    signature: Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]


class CosignedWalletFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    wallet: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    signatures: Annotated[list[SignedByFile], msgspec.Meta(min_length=1, max_length=1_000)]


class CosignedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cosigners' messages, by wallet. block: as in `ControlFile`."""

    type: str
    subject_root: _Hash
    message: Annotated[str, msgspec.Meta(max_length=330)]
    block: _Block
    wallets: Annotated[list[CosignedWalletFile], msgspec.Meta(min_length=1, max_length=10_000)]


class MoveFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A transaction that spent closing coins. block: it stands in."""

    txid: _Hash
    block: _Block


class MovedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Moves on the chain. message: what an output of theirs commits to, where one does."""

    type: str
    subject_root: _Hash
    moves: Annotated[list[MoveFile], msgspec.Meta(min_length=1, max_length=100_000)]
    message: Annotated[str, msgspec.Meta(max_length=330)] | msgspec.UnsetType = msgspec.UNSET


class ReaderFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Somebody the proofs were sealed for. recipient: the age key of theirs that was used."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    recipient: Annotated[str, msgspec.Meta(pattern="^age1[02-9ac-hj-np-z]{58}" + patterns.END)]

    def __str__(self) -> str:
        return f"{self.name} ({self.recipient})"


class SealedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """sha256: of the sealed file as it was handed over."""

    sha256: _Hash
    readers: Annotated[list[ReaderFile], msgspec.Meta(min_length=1, max_length=100)]


class CommitmentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """sha256: of the withheld evidence's canonical bytes. sealed: for whom it was encrypted."""

    type: str
    subject_root: _Hash
    sha256: _Hash
    sealed: SealedFile | msgspec.UnsetType = msgspec.UNSET

    @property
    def readers(self) -> list[ReaderFile]:
        return self.sealed.readers if isinstance(self.sealed, SealedFile) else []


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


def cosigned_evidence(
    message: ControlMessage,
    signatures: Mapping[str, Sequence[Mapping[str, Any]]],
    statement: Statement,
) -> Evidence:
    """Cosigners' messages, ready to be attached. signatures: of each wallet, as `SignedByFile`."""
    if message.root != statement.root:
        raise ValueError("the message is about another statement's root")
    block = {"height": message.block.height, "hash": message.block.hash}
    wallets = [
        {"wallet": wallet, "signatures": [dict(each) for each in given]}
        for wallet, given in sorted(signatures.items())
    ]
    return evidence_of(COSIGNED_TYPE, statement, message=message.text, block=block, wallets=wallets)


def moved_evidence(
    moves: Iterable[tuple[Txid, BlockRef]], statement: Statement, message: ControlMessage | None
) -> Evidence:
    """Moves on the chain, ready to be attached. message: what they commit to, if they do."""
    rows = [
        {"txid": txid, "block": {"height": block.height, "hash": block.hash}}
        for txid, block in moves
    ]
    named = {} if message is None else {"message": message.text}
    return evidence_of(MOVED_TYPE, statement, moves=rows, **named)


def evidence_hash(fields: Mapping[str, Any]) -> str:
    """SHA-256 of the evidence's canonical bytes, 64 hex digits."""
    return hashlib.sha256(canonical_bytes(dict(fields))).hexdigest()


def commitment_to(item: Evidence, statement: Statement) -> Evidence:
    """What the public sees in place of withheld proofs.

    It needs no salt: nobody can guess a signature.
    """
    return evidence_of(COMMITMENT_TYPE, statement, sha256=evidence_hash(item.fields))


def sealed_commitment(
    proofs: bytes, statement: Statement, *, sealed: bytes, readers: Sequence[ReaderFile], file: str
) -> Statement:
    """The statement whose commitment to these proofs says for whom they were sealed, and as what.

    proofs: as withheld. sealed: the encrypted file. StatementMalformed without such a commitment.
    """
    read_disclosed(proofs, commitments=_hashes_committed(statement), file=file)
    digest = hashlib.sha256(proofs.rstrip(b"\n")).hexdigest()
    shape = {
        "sha256": hashlib.sha256(sealed).hexdigest(),
        "readers": [{"name": each.name, "recipient": each.recipient} for each in readers],
    }
    return replace(
        statement,
        evidence=tuple(
            evidence_of(COMMITMENT_TYPE, statement, sha256=digest, sealed=shape)
            if item.type == COMMITMENT_TYPE and item.fields.get("sha256") == digest
            else item
            for item in statement.evidence
        ),
    )


def opened_proofs(proofs: bytes, statement: Statement, *, sealed: bytes, file: str) -> None:
    """Refuse an opened file that is not what the statement commits to, or was not sealed so.

    StatementMalformed names what differs: the sealed file, or what was in it.
    """
    read_disclosed(proofs, commitments=_hashes_committed(statement), file=file)
    digest = hashlib.sha256(proofs.rstrip(b"\n")).hexdigest()
    for item in statement.evidence:
        if item.type != COMMITMENT_TYPE or item.fields.get("sha256") != digest:
            continue
        stated = read_commitment(item.fields, file).sealed
        if isinstance(stated, SealedFile) and stated.sha256 != hashlib.sha256(sealed).hexdigest():
            problem = "the sealed file is not the one whose hash the statement states"
            raise StatementMalformed(path=file, problem=problem)


def _hashes_committed(statement: Statement) -> frozenset[str]:
    return frozenset(
        str(item.fields.get("sha256"))
        for item in statement.evidence
        if item.type == COMMITMENT_TYPE and item.subject_root == statement.root
    )


def proofs_withheld(statement: Statement) -> Statement:
    """The statement with every proof of control replaced by its hash: proofs name addresses."""
    return replace(
        statement,
        evidence=tuple(
            commitment_to(item, statement)
            if item.type in PROOF_TYPES and item.subject_root == statement.root
            else item
            for item in statement.evidence
        ),
    )


def read_control(fields: Mapping[str, Any], where: str) -> ControlFile:
    """The proofs in a piece of evidence; StatementMalformed says what is wrong and where."""
    return _converted(fields, ControlFile, where)


def read_cosigned(fields: Mapping[str, Any], where: str) -> CosignedFile:
    return _converted(fields, CosignedFile, where)


def read_moved(fields: Mapping[str, Any], where: str) -> MovedFile:
    return _converted(fields, MovedFile, where)


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
    """Judges the form of one type of proof; what it proves is the check called "control"."""

    type: str = CONTROL_TYPE

    def verify(self, item: Evidence, statement: Statement, *, where: str) -> EvidenceResult:
        try:
            summary = self._read(item, where)
        except StatementMalformed as wrong:
            return failed(where, item, str(wrong))
        return EvidenceResult(
            where=where,
            type=item.type,
            verdict=Verdict.PASSED,
            summary=f"{summary}; the check control judges them",
        )

    def _read(self, item: Evidence, where: str) -> str:
        if self.type == COSIGNED_TYPE:
            return (
                f"cosigners' messages for {len(read_cosigned(item.fields, where).wallets)} wallets"
            )
        if self.type == MOVED_TYPE:
            return f"{len(read_moved(item.fields, where).moves)} moves on the chain"
        return f"{len(read_control(item.fields, where).proofs)} proofs of control"


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
            summary=f"proofs of control are {_withheld(file)}, hash {file.sha256}",
        )


def _withheld(file: CommitmentFile) -> str:
    names = ", ".join(str(reader) for reader in file.readers)
    return f"sealed for {names}" if names else "withheld"
