"""Good inputs of every parser of a feed, from which mutations begin."""

import json
from base64 import b64encode

from fuzz.accord_judge import PARSERS
from khazana.accord.feed.dated import DATED_TYPE
from khazana.accord.feed.records import CommitmentsRecord, DeclarationRecord, said_by, sign_record
from khazana.accord.feed.split_view import split_between
from khazana.ledger.canonical import canonical_bytes
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.log.checkpoint import cosign
from khazana.statement.log.entries import (
    AgreementEntry,
    CommitmentEntry,
    DeclarationEntry,
    StatementEntry,
    entry_bytes,
)
from khazana.statement.log.files import CHECKPOINT, appended, new_log
from khazana.statement.log.inclusion import inclusion_evidence, path_fields
from khazana.statement.log.notes import Note, read_note
from khazana.statement.log.office_keys import log_origin, witness_name
from khazana.statement.log.tiles import bundle_bytes
from khazana.statement.office_file import write_office
from tests.accord.letters import MINUTES, amended, letter
from tests.accord.letters import signed as signed_letter
from tests.accord.offices import office as fictional
from tests.accord.offices import private_key, rotated, statement_of
from tests.reserve.simulator import NOW
from tests.statement.log.folder import MemoryFolder


def seeds() -> list[bytes]:
    """One input or more for each parser, its number in front."""
    world, raw = statement_of()
    office, statement = rotated(world.identity, since=NOW), read_reserve_statement(raw).envelope
    feed, witness = private_key("drill-office feed 2"), private_key("drill-office witness 1")
    head = {"office": office.fingerprint, "issued": "2026-11-22T12:00:00Z"}
    text = amended(letter(world.identity, fictional("partner-office")))
    agreed = signed_letter(text, "pakistan", world.identity, at=NOW, minutes=(MINUTES,))
    declared = sign_record(
        DeclarationRecord(**said_by(office, at=NOW), wallets={"fund": ("0014" + "ab" * 20,)}), feed
    )
    entries = [
        entry_bytes(StatementEntry(**head, root=statement.root)),
        entry_bytes(
            AgreementEntry(**head, agreement=agreed.agreement.digest, version=2, digest="cd" * 32)
        ),
        entry_bytes(DeclarationEntry(**head, digest=declared.digest)),
        *(entry_bytes(CommitmentEntry(**head, digest=f"{n:064x}")) for n in range(20)),
    ]
    origin = log_origin(office.fingerprint)
    log = appended(new_log(MemoryFolder(), feed, origin=origin), entries, feed)
    other = appended(new_log(MemoryFolder(), feed, origin=origin), entries[1:9], feed)
    note, shorter = (read_note(each.folder.read(CHECKPOINT, most=9999)) for each in (log, other))  # type: ignore[arg-type]
    line = cosign(note, witness, name=witness_name(office.fingerprint), at=NOW)
    cosigned = Note(note.text, (*note.signatures, line)).to_bytes()
    split = split_between(office, shorter, newer=note, tree=log.tree)
    record = CommitmentsRecord(**said_by(office, at=NOW), commitments=("ab" * 32,))
    signed = sign_record(record, feed)
    item = inclusion_evidence(statement, log, note, 0)
    good = {
        "note": [cosigned, shorter.to_bytes()],
        "signed_checkpoint": [cosigned],
        "verifier_key": [log.key.verifier_key().encode()],
        "path": [b"tile/0/x001/234", b"tile/entries/000.p/7"],
        "bundle": [bytes([len(entries) - 1]) + bundle_bytes(entries)],
        "hashes": [bytes([1]) + bytes(64)],
        "entry": entries[:4],
        "record": [signed.to_bytes(), declared.to_bytes()],
        "unsigned": [json.dumps(json.loads(signed.envelope.payload), indent=1).encode()],
        "split_view": [] if split is None else [split.to_bytes()],
        "inclusion": [canonical_bytes(dict(item.fields))],
        "dated": [
            canonical_bytes({"type": DATED_TYPE, "subject_root": "00" * 32, **each})
            for each in (
                path_fields(log, note, 4),
                {**path_fields(log, note, 2), "record": b64encode(declared.to_bytes()).decode()},
            )
        ],
        "signed_agreement_file": [agreed.to_bytes()],
        "disclosed_statement": [raw],
        "redirect": [b"https://[64:ff9b::808:808]:8443/feed/checkpoint?x#y", b"../elsewhere"],
        "office_file": [write_office(office)],
        "proofs": [(21).to_bytes(4, "big") + bytes(4) + b"".join(log.tree.inclusion_proof(0))],
    }
    return [
        bytes([number]) + each
        for number, parser in enumerate(PARSERS)
        for each in good[parser.__name__]
    ]
