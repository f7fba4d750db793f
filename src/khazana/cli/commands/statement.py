"""`khazana statement`: make, sign and disclose an office's statements."""

import argparse
import secrets
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.cli.chains import add_chain_argument, block_of, chain_of
from khazana.cli.clock import now
from khazana.cli.commands import value
from khazana.cli.commands.statement_endorse import register_endorse
from khazana.cli.files import (
    MOST_OFFICE_BYTES,
    MOST_STATEMENT_BYTES,
    read_bytes,
    write_whole,
)
from khazana.cli.keys import read_key
from khazana.cli.memoranda import MEMORANDUM_HELP, closings_of, figures_from, linted
from khazana.cli.mining_parts import MiningParts, sites_in
from khazana.cli.offices import office_file, resolved
from khazana.cli.rotations import RotationParts, links_of, rotation_lines
from khazana.cli.usage import WrongArguments
from khazana.conditions.parts import ConditionParts
from khazana.custody.control_evidence import proofs_withheld
from khazana.ledger.document_file import write_document_file
from khazana.ledger.office import Office
from khazana.reserve.gather import ChainFacts, gather_period
from khazana.reserve.levels import LEVELS, keep_at
from khazana.reserve.make import Made, MoreParts, make
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.reserve.summary import summary_lines
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.envelope import Statement, disclose, with_evidence, write_statement
from khazana.statement.evidence import IDENTITY_TYPE, identity_evidence
from khazana.statement.office_file import read_office
from khazana.statement.signatures import joined_evidence, sign_statement, signed_instant
from khazana.statement.times import read_instant

SALT_SEED_BYTES = 32


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("statement", help="make, sign, show and disclose statements")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _register_make(actions)
    _register_sign(actions)
    register_endorse(actions)
    _register_disclose(actions)
    value.register(actions)
    show = actions.add_parser("show", help="print a statement's figures")
    show.add_argument("file", metavar="FILE", type=Path)
    show.set_defaults(run=run_show)


def _register_make(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    make_parser = actions.add_parser(
        "make", help="make the statement of a period", description=MAKE_DESCRIPTION
    )
    add_make_arguments(make_parser)
    make_parser.set_defaults(run=run_make)


def add_make_arguments(make_parser: argparse.ArgumentParser) -> None:
    """What a statement is made from and where it goes; `khazana audit` takes the same."""
    make_parser.add_argument(
        "--office",
        metavar="FILE",
        required=True,
        help="office.toml, or shipped:el_salvador_claimed",
    )
    add_chain_argument(make_parser)
    block = "a height, a hash, a date (its close in the office's zone) or tip-N"
    make_parser.add_argument(
        "--from", dest="after", metavar="BLOCK", required=True, help=f"opening block: {block}"
    )
    make_parser.add_argument(
        "--to", dest="until", metavar="BLOCK", required=True, help=f"closing block: {block}"
    )
    make_parser.add_argument("--out", metavar="FILE", type=Path, required=True)
    make_parser.add_argument(
        "--identity", metavar="FILE", type=Path, help="the office's office.json"
    )
    make_parser.add_argument("--previous", metavar="FILE", type=Path, help="the statement before")
    make_parser.add_argument(
        "--supersedes", metavar="FILE", type=Path, help="the statement that this one replaces"
    )
    make_parser.add_argument(
        "--documents-out",
        metavar="FILE",
        type=Path,
        help="write the documents with their salts, for readers you choose",
    )
    make_parser.add_argument(
        "--salt-seed",
        metavar="HEX",
        help="32 secret bytes; the same office, chain and seed give the same file "
        "(default: new random bytes)",
    )
    make_parser.add_argument(
        "--memorandum",
        metavar="FILE",
        action="append",
        default=[],
        help=f"add verdicts on a lender's conditions: {MEMORANDUM_HELP}",
    )
    make_parser.add_argument(
        "--mining",
        metavar="JSON",
        type=Path,
        help="add mining sites: energy, fleet and payouts; what follows from them is computed",
    )
    make_parser.add_argument(
        "--rotation",
        metavar="FILE",
        type=Path,
        help="tell the rotations of quorums in this file, from the chain",
    )
    make_parser.add_argument("--statistics", metavar="CSV", type=Path, help="for its conditions")
    make_parser.add_argument(
        "--liabilities", metavar="CSV", type=Path, help="what is owed to clients, for the same"
    )


def _register_sign(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser("sign", help="add one key's signature to a statement")
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--identity", metavar="FILE", type=Path, required=True)
    parser.add_argument("--key", metavar="FILE", type=Path, required=True)
    parser.add_argument(
        "--at",
        metavar="TIME",
        help="time of signing, such as 2026-11-22T12:00:00Z (default: that of the signatures "
        "there are, else now); all signers state the same",
    )
    parser.add_argument("--out", metavar="FILE", type=Path, required=True)
    parser.set_defaults(run=run_sign)


def _register_disclose(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser("disclose", help="write what one kind of reader sees, same root")
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--level", choices=list(LEVELS), required=True)
    parser.add_argument("--out", metavar="FILE", type=Path, required=True)
    parser.set_defaults(run=run_disclose)


MAKE_DESCRIPTION = (
    "Read the office's wallets from the chain, explain every movement by its documents, and write "
    "an unsigned statement of the period after block --from up to and including block --to."
)


def run_make(args: argparse.Namespace) -> int:
    return make_from(chain_of(args), args)


def make_from(chain: ChainView, args: argparse.Namespace) -> int:
    """Make the statement that the arguments describe from this chain, and write it."""
    office = resolved(office_file(args.office), chain)
    zone = office.rules.timezone
    after = block_of(chain, args.after, timezone=zone)
    until = block_of(chain, args.until, timezone=zone)
    made = _make(args, chain, office, after, until)
    write_whole(args.out, write_statement(made.statement))
    if args.documents_out is not None:
        write_whole(args.documents_out, write_document_file(made.documents), mode=0o600)
    statement = read_reserve_statement(write_statement(made.statement))
    print("\n".join(summary_lines(statement)))
    print(f"\nunsigned statement written to {args.out}, root {made.statement.root}")
    if made.findings:
        print(f"{len(made.findings)} findings to look at before anyone signs:", file=sys.stderr)
        for finding in made.findings:
            print(f"  {finding}", file=sys.stderr)
    return 0


def _make(
    args: argparse.Namespace,
    chain: ChainView,
    office: Office,
    after: BlockRef,
    until: BlockRef,
) -> Made:
    previous = _statement(args.previous)
    replaced = _statement(args.supersedes)
    identity = (
        None
        if args.identity is None
        else read_office(read_bytes(args.identity, most=MOST_OFFICE_BYTES))
    )
    scripts = {script for wallet in office.wallets for script in wallet.scripts}
    facts = gather_period(chain, scripts, after=after, until=until)
    return make(
        office,
        facts,
        salt_seed=_salt_seed(args.salt_seed),
        fingerprint=None if identity is None else identity.fingerprint,
        previous=None if previous is None else previous.root,
        supersedes=None if replaced is None else replaced.root,
        more=[
            *_conditions(args, chain, office),
            *_rotations(args, chain, office, facts),
            *_mining(args, chain),
        ],
    )


def _mining(args: argparse.Namespace, chain: ChainView) -> list[MoreParts]:
    return [] if args.mining is None else [MiningParts(sites_in(args.mining), chain=chain)]


def _rotations(
    args: argparse.Namespace, chain: ChainView, office: Office, facts: ChainFacts
) -> list[MoreParts]:
    if args.rotation is None:
        return []
    return [RotationParts(links_of(args.rotation, office, chain), facts)]


def _conditions(args: argparse.Namespace, chain: ChainView, office: Office) -> list[MoreParts]:
    """The verdicts on the memoranda that were named."""
    if not args.memorandum:
        if args.statistics or args.liabilities:
            problem = "--statistics and --liabilities need --memorandum"
            raise WrongArguments(command="statement make", problem=problem)
        return []
    memoranda = [linted(name) for name in args.memorandum]
    zone = office.rules.timezone
    return [
        ConditionParts(
            memoranda,
            figures=figures_from(args.statistics, args.liabilities, chain=chain, zone=zone),
            closings=closings_of(memoranda, chain, zone=zone),
            today=now().astimezone(ZoneInfo(zone)).date(),
        )
    ]


def _salt_seed(given: str | None) -> bytes:
    if given is None:
        return secrets.token_bytes(SALT_SEED_BYTES)
    try:
        seed = bytes.fromhex(given)
    except ValueError:
        seed = b""
    if len(seed) != SALT_SEED_BYTES:
        problem = f"--salt-seed has {2 * SALT_SEED_BYTES} hex digits"
        raise WrongArguments(command="statement make", problem=problem)
    return seed


def _statement(path: Path | None) -> ReserveStatement | None:
    if path is None:
        return None
    return read_reserve_statement(read_bytes(path, most=MOST_STATEMENT_BYTES))


def run_sign(args: argparse.Namespace) -> int:
    statement = read_reserve_statement(read_bytes(args.file, most=MOST_STATEMENT_BYTES)).envelope
    office = read_office(read_bytes(args.identity, most=MOST_OFFICE_BYTES))
    at = read_instant(args.at) if args.at else signed_instant(statement) or now()
    envelope = sign_statement(statement, office, read_key(args.key), at=at)
    signed = joined_evidence(statement, envelope)
    if not any(item.type == IDENTITY_TYPE for item in signed.evidence):
        signed = with_evidence(signed, identity_evidence(signed, office))
    write_whole(args.out, write_statement(signed))
    print(f"signed as {office.id} with key {envelope.signatures[0].key}, written to {args.out}")
    _say_if_test(signed)
    return 0


def run_disclose(args: argparse.Namespace) -> int:
    statement = read_reserve_statement(read_bytes(args.file, most=MOST_STATEMENT_BYTES)).envelope
    shown = disclose(statement, keep_at(args.level))
    if "scripts" not in LEVELS[args.level]:
        shown = proofs_withheld(shown)
    write_whole(args.out, write_statement(shown))
    print(
        f"{len(shown.parts)} parts disclosed, {len(shown.withheld)} withheld, root {shown.root}, "
        f"written to {args.out}"
    )
    _say_if_test(shown)
    return 0


def _say_if_test(statement: Statement) -> None:
    if statement.test:
        print(TEST_NOTICE)


def run_show(args: argparse.Namespace) -> int:
    statement = read_reserve_statement(read_bytes(args.file, most=MOST_STATEMENT_BYTES))
    print("\n".join([*summary_lines(statement), *rotation_lines(statement)]))
    return 0
