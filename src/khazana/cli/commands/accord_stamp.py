"""`khazana accord stamp`: bind a checkpoint of your log to a block, by a transaction of yours."""

import argparse
import re
from pathlib import Path

from khazana.accord.feed.errors import PublicationRefused
from khazana.cli.chains import CHAIN_HELP, chain_of
from khazana.cli.commands.accord_publish import read_identity, stamp_path
from khazana.cli.feeds import office_of
from khazana.cli.log_folder import DiskFolder
from khazana.cli.usage import WrongArguments
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.log.checkpoint import checkpoint_of
from khazana.statement.log.inclusion import stamped_digest
from khazana.statement.log.notes import MOST_NOTE_BYTES, read_note
from khazana.statement.log.office_keys import read_office_checkpoint
from khazana.statement.log.office_log import note_in
from khazana.statement.timestamps.format import write_proof
from khazana.statement.timestamps.make import in_block
from khazana.units import Height, Txid

_PLACE = re.compile(r"([0-9a-f]{64})@(0|[1-9][0-9]{0,8})")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "stamp",
        help="show that a checkpoint of your log existed when a block was found",
        description="First without --digest: the checkpoint is kept, and its digest printed, for "
        "an OP_RETURN output of a transaction. Once that has confirmed: with --digest, "
        "--transaction and --chain the proof is written, in the form of OpenTimestamps.",
    )
    parser.add_argument("--feed", metavar="DIR", type=Path, required=True, help="your feed")
    parser.add_argument(
        "--identity", metavar="FILE", type=Path, required=True, help="your office.json"
    )
    parser.add_argument("--digest", metavar="HEX", help="which checkpoint, as printed before")
    parser.add_argument("--transaction", metavar="TXID@HEIGHT", help="what carries it, and where")
    parser.add_argument("--chain", metavar="SOURCE", help=CHAIN_HELP)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    given = [args.digest, args.transaction, args.chain]
    if any(given) and not all(given):
        problem = "--digest, --transaction and --chain go together"
        raise WrongArguments(command="accord stamp", problem=problem)
    folder = DiskFolder(args.feed)
    office = office_of(folder, read_identity(args.identity))
    if args.digest is None:
        note = note_in(folder)
        if note is None:
            raise PublicationRefused(problem=f"{args.feed} has no log yet")
        read_office_checkpoint(note.to_bytes(), office)
        with folder.alone():
            folder.write(stamp_path(note), note.to_bytes())
        print(f"checkpoint of {checkpoint_of(note).size} entries; put this into a transaction:")
        print(stamped_digest(note).hex())
    else:
        place = _PLACE.fullmatch(args.transaction)
        if place is None or not _DIGEST.fullmatch(args.digest):
            problem = "a digest has 64 hex digits, a transaction is given as TXID@HEIGHT"
            raise WrongArguments(command="accord stamp", problem=problem)
        raw = folder.read(f"stamps/{args.digest}", most=MOST_NOTE_BYTES)
        if raw is None:
            problem = f"no checkpoint with the digest {args.digest} is kept"
            raise PublicationRefused(problem=problem)
        note, chain = read_note(raw), chain_of(args)
        block = chain.block_at(Height(int(place[2])))
        confirmed = chain.transaction(Txid(place[1]), block)
        proof = in_block(stamped_digest(note), confirmed, chain.network)
        with folder.alone():
            folder.write(f"{stamp_path(note)}.ots", write_proof(proof))
        print(f"checkpoint of {checkpoint_of(note).size} entries, stamped in block {block}")
    if office.newest.test:
        print(TEST_NOTICE)
    return 0
