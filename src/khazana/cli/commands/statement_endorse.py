"""`khazana statement endorse`: a body signs documents that a statement commits to."""

import argparse
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from khazana.cli.clock import now
from khazana.cli.files import (
    MOST_OFFICE_BYTES,
    MOST_STATEMENT_BYTES,
    naming,
    read_bytes,
    write_whole,
)
from khazana.cli.keys import read_key
from khazana.cli.usage import WrongArguments
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.dsse import Envelope, joined, read_envelope
from khazana.statement.endorsements import ENDORSEMENT_TYPE, endorse, endorsement_evidence
from khazana.statement.envelope import Statement, with_evidence, write_statement
from khazana.statement.evidence import IDENTITY_TYPE, identity_evidence
from khazana.statement.office_file import read_office
from khazana.statement.times import read_instant


def register_endorse(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "endorse",
        help="sign documents of a statement in the name of the body responsible",
        description="Sign the commitments of documents with a key of a body that office.json names "
        "as a role. With enough keys of that body they count as grade B.",
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--role", metavar="BODY", required=True)
    parser.add_argument("--document", metavar="ID", action="append", required=True)
    parser.add_argument("--identity", metavar="FILE", type=Path, required=True)
    parser.add_argument("--key", metavar="FILE", type=Path, required=True)
    parser.add_argument("--at", metavar="TIME", help="time of signing; all signers state the same")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True)
    parser.set_defaults(run=run_endorse)


def run_endorse(args: argparse.Namespace) -> int:
    with naming(args.file):
        statement = read_reserve_statement(read_bytes(args.file, most=MOST_STATEMENT_BYTES))
    with naming(args.identity):
        office = read_office(read_bytes(args.identity, most=MOST_OFFICE_BYTES))
    envelope = endorse(
        statement.envelope,
        office,
        read_key(args.key),
        role=args.role,
        documents=args.document,
        at=_instant(args.at) if args.at else now(),
    )
    signed = _attached(statement.envelope, envelope)
    if not any(item.type == IDENTITY_TYPE for item in signed.evidence):
        signed = with_evidence(signed, identity_evidence(signed, office))
    write_whole(args.out, write_statement(signed))
    count = len(set(args.document))
    print(f"{count} documents endorsed for {args.role} by key {envelope.signatures[0].key}")
    if signed.test:
        print(TEST_NOTICE)
    return 0


def _instant(text: str) -> datetime:
    try:
        return read_instant(text)
    except ValueError as wrong:
        raise WrongArguments(command="statement endorse", problem=f"--at: {wrong}") from None


def _attached(statement: Statement, envelope: Envelope) -> Statement:
    """The envelope joined to another signer's over the same words, or by itself."""
    for item in statement.evidence:
        if item.type != ENDORSEMENT_TYPE or item.subject_root != statement.root:
            continue
        present = read_envelope(item.fields.get("envelope"))
        if (present.payload_type, present.payload) == (envelope.payload_type, envelope.payload):
            together = endorsement_evidence(statement, joined([present, envelope]))
            evidence = tuple(together if each is item else each for each in statement.evidence)
            return replace(statement, evidence=evidence)
    return with_evidence(statement, endorsement_evidence(statement, envelope))
