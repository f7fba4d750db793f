"""`khazana custody seal`, `open` and `moved`: what becomes of proofs after they were made."""

import argparse
import re
from pathlib import Path

from khazana.cli.campaigns import message_of
from khazana.cli.chains import add_chain_argument, chain_of
from khazana.cli.extras import needs_extra
from khazana.cli.files import (
    MOST_OFFICE_BYTES,
    MOST_STATEMENT_BYTES,
    naming,
    read_bytes,
    write_whole,
)
from khazana.cli.usage import WrongArguments
from khazana.custody.control_evidence import (
    ReaderFile,
    moved_evidence,
    opened_proofs,
    sealed_commitment,
)
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.envelope import with_evidence, write_statement
from khazana.units import Height, Txid

_MOVE = re.compile(r"([0-9a-f]{64})@(0|[1-9][0-9]{0,8})")


def register_sealing(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    seal = actions.add_parser(
        "seal",
        help="encrypt withheld proofs for named readers (age)",
        description="Encrypt the proofs that `custody collect --withhold` wrote, so that only the "
        "named readers can open them. The statement then says for whom they are sealed.",
    )
    seal.add_argument("file", metavar="FILE", type=Path, help="the statement with their hash")
    seal.add_argument("proofs", metavar="PROOFS", type=Path, help="the withheld proofs")
    seal.add_argument(
        "--to", metavar="AGE1KEY", action="append", required=True, help="a reader's public age key"
    )
    seal.add_argument(
        "--for",
        dest="names",
        metavar="NAME",
        action="append",
        required=True,
        help="who holds that key; one for each --to, in the same order",
    )
    seal.add_argument("--sealed", metavar="FILE", type=Path, required=True)
    seal.add_argument("--out", metavar="FILE", type=Path, required=True, help="the new statement")
    seal.set_defaults(run=run_seal)
    opener = actions.add_parser(
        "open",
        help="open proofs that were sealed for you",
        description="Decrypt sealed proofs and hold them to the hashes in the statement; then use "
        "`khazana verify --control PROOFS`.",
    )
    opener.add_argument("file", metavar="FILE", type=Path, help="the statement")
    opener.add_argument("sealed", metavar="SEALED", type=Path, help="the sealed proofs")
    opener.add_argument(
        "--identity", metavar="FILE", type=Path, required=True, help="your private age key"
    )
    opener.add_argument("--out", metavar="PROOFS", type=Path, required=True)
    opener.set_defaults(run=run_open)
    moved = actions.add_parser(
        "moved",
        help="attach moves of the closing coins, made after the closing block",
        description="Record transactions that moved closing coins on, to fresh addresses that the "
        "statement declares or with the message's hash in an output.",
    )
    moved.add_argument("file", metavar="FILE", type=Path, help="the statement")
    add_chain_argument(moved)
    moved.add_argument("moves", metavar="TXID@HEIGHT", nargs="+")
    moved.add_argument(
        "--named", action="store_true", help="the moves hold the message's hash in an output"
    )
    moved.add_argument("--out", metavar="FILE", type=Path, required=True)
    moved.set_defaults(run=run_moved)


def run_seal(args: argparse.Namespace) -> int:
    if len(args.to) != len(args.names):
        problem = f"{len(args.to)} keys (--to) and {len(args.names)} names (--for) do not pair up"
        raise WrongArguments(command="custody seal", problem=problem)
    with needs_extra("office"):
        from khazana.custody.sealing import seal
    statement = _statement(args.file)
    proofs = read_bytes(args.proofs, most=MOST_STATEMENT_BYTES)
    sealed = seal(proofs, args.to)
    readers = [
        ReaderFile(name=name, recipient=key) for name, key in zip(args.names, args.to, strict=True)
    ]
    changed = sealed_commitment(
        proofs, statement.envelope, sealed=sealed, readers=readers, file=str(args.proofs)
    )
    write_whole(args.sealed, sealed, mode=0o600)
    write_whole(args.out, write_statement(changed))
    print(f"sealed for {', '.join(map(str, readers))}: {args.sealed}; statement: {args.out}")
    _say_if_test(statement)
    return 0


def run_open(args: argparse.Namespace) -> int:
    with needs_extra("office"):
        from khazana.custody.sealing import unseal
    statement = _statement(args.file)
    sealed = read_bytes(args.sealed, most=MOST_STATEMENT_BYTES)
    identities = read_bytes(args.identity, most=MOST_OFFICE_BYTES).decode("utf-8", "replace")
    with naming(args.sealed):
        proofs = unseal(sealed, identities)
        opened_proofs(proofs, statement.envelope, sealed=sealed, file=str(args.sealed))
    write_whole(args.out, proofs, mode=0o600)
    print(f"opened, and its hash is one that the statement commits to: {args.out}")
    _say_if_test(statement)
    return 0


def run_moved(args: argparse.Namespace) -> int:
    statement, chain = _statement(args.file), chain_of(args)
    moves = []
    for text in args.moves:
        found = _MOVE.fullmatch(text)
        if found is None:
            problem = f"{text!r} is no transaction id with the height of its block, TXID@HEIGHT"
            raise WrongArguments(command="custody moved", problem=problem)
        block = chain.block_at(Height(int(found[2])))
        chain.transaction(Txid(found[1]), block)
        moves.append((Txid(found[1]), block))
    message = message_of(statement) if args.named else None
    item = moved_evidence(moves, statement.envelope, message)
    write_whole(args.out, write_statement(with_evidence(statement.envelope, item)))
    print(f"{len(moves)} moves attached, written to {args.out}")
    _say_if_test(statement)
    return 0


def _statement(path: Path) -> ReserveStatement:
    with naming(path):
        return read_reserve_statement(read_bytes(path, most=MOST_STATEMENT_BYTES))


def _say_if_test(statement: ReserveStatement) -> None:
    if statement.header.test:
        print(TEST_NOTICE)
