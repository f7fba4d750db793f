"""`khazana mining stamps`: what is to be stamped of a month's seals, the stamp, and its check."""

import argparse
import hashlib
import re
from pathlib import Path

from khazana.bitcoin.chain import TransactionNotInBlock
from khazana.cli.chains import add_chain_argument, block_of, chain_of
from khazana.cli.files import MOST_STATEMENT_BYTES, read_bytes, write_whole
from khazana.cli.usage import WrongArguments
from khazana.mining.day_stamps import judged_month, month_document
from khazana.mining.evidence.seals import DaySeal, read_seals
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.timestamps.format import MOST_STAMP_BYTES, write_proof
from khazana.statement.timestamps.make import DigestNotCarried, in_block
from khazana.units import Txid

EXIT_FAILED, EXIT_NOT_CHECKABLE = 1, 2
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)
_TXID = re.compile(r"[0-9a-f]{64}", re.ASCII)


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The actions on stamps of `khazana mining`."""
    parser = actions.add_parser("stamps", help="when the seals of a month existed")
    group = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    document = group.add_parser(
        "document",
        help="write the text whose SHA-256 is to be stamped",
        description="The text over a month's seals. Any tool for OpenTimestamps stamps it.",
    )
    _of_month(document)
    document.add_argument("--out", metavar="FILE", type=Path, required=True)
    document.set_defaults(run=run_document)
    make = group.add_parser(
        "make",
        help="make the stamp from a transaction that carries the SHA-256",
        description="The proof that a transaction of your own carries the document's SHA-256.",
    )
    _of_month(make)
    make.add_argument("--txid", metavar="TXID", required=True, help="the transaction")
    make.add_argument("--block", metavar="BLOCK", required=True, help="the block it is in")
    make.add_argument("--out", metavar="FILE", type=Path, required=True)
    add_chain_argument(make)
    make.set_defaults(run=run_make)
    check = group.add_parser(
        "check",
        help="check a stamp against the headers",
        description="Exit status 1 when the stamp does not hold, 2 while it waits for a block.",
    )
    check.add_argument("file", metavar="STAMP", type=Path)
    _of_month(check)
    add_chain_argument(check)
    check.set_defaults(run=run_check)


def _of_month(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seals", metavar="FILE", type=Path, required=True, help="seals.csv")
    parser.add_argument("--month", metavar="YYYY-MM", required=True)


def _seals(args: argparse.Namespace) -> tuple[DaySeal, ...]:
    if not _MONTH.fullmatch(args.month):
        problem = f"--month {args.month!r} is not a month such as 2026-01"
        raise WrongArguments(command="mining stamps", problem=problem)
    return read_seals(str(args.seals), read_bytes(args.seals, most=MOST_STATEMENT_BYTES))


def run_document(args: argparse.Namespace) -> int:
    document = month_document(_seals(args), args.month)
    days = document.count(b"\n") - 2
    if not days:
        problem = f"no day of {args.month} is sealed in {args.seals}"
        raise WrongArguments(command="mining stamps document", problem=problem)
    write_whole(args.out, document)
    print(f"{args.out}: {days} seals of {args.month}, SHA-256 {_digest(document).hex()}")
    return 0


def run_make(args: argparse.Namespace) -> int:
    seals = _seals(args)
    if not _TXID.fullmatch(args.txid):
        problem = "--txid is 64 lower-case hex digits"
        raise WrongArguments(command="mining stamps make", problem=problem)
    chain = chain_of(args)
    block = block_of(chain, args.block, timezone="UTC")
    digest = _digest(month_document(seals, args.month))
    try:
        confirmed = chain.transaction(Txid(args.txid), block)
        proof = in_block(digest, confirmed, chain.network)
    except (TransactionNotInBlock, DigestNotCarried) as wrong:
        raise WrongArguments(command="mining stamps make", problem=str(wrong)) from wrong
    write_whole(args.out, write_proof(proof))
    if chain.network.test:
        print(TEST_NOTICE)
    print(f"{args.out}: the seals of {args.month} in block {block}")
    return 0


def run_check(args: argparse.Namespace) -> int:
    seals = _seals(args)
    chain = chain_of(args)
    raw = read_bytes(args.file, most=MOST_STAMP_BYTES)
    found, waiting, findings = judged_month(seals, args.month, str(args.file), raw, chain)
    if chain.network.test:
        print(TEST_NOTICE)
    for finding in findings:
        print(finding)
    if findings:
        return EXIT_FAILED
    if found is None:
        print(f"{args.file} waits for a block ({waiting}): nothing is proved yet")
        return EXIT_NOT_CHECKABLE
    print(
        f"the seals of {args.month} existed when block {found.height} was found, "
        f"{found.at:%Y-%m-%d %H:%M} UTC by its header ({chain.basis})"
    )
    return 0


def _digest(document: bytes) -> bytes:
    return hashlib.sha256(document).digest()
