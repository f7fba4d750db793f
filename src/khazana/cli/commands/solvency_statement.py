"""`khazana solvency snapshot` and `statement`: a provider's coverage at a block drawn by chance."""

import argparse
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from khazana.bitcoin.network import network_of_genesis
from khazana.cli.chains import add_chain_argument, chain_of
from khazana.cli.clock import now
from khazana.cli.coverage_control import campaign_of_coverage, collected_for
from khazana.cli.coverage_papers import attested_in
from khazana.cli.coverage_verify import coverage_in
from khazana.cli.files import (
    MOST_OFFICE_BYTES,
    FileRefused,
    naming,
    read_bytes,
    write_whole,
)
from khazana.cli.keys import read_key
from khazana.cli.offices import office_file, resolved
from khazana.cli.solvency_files import MOST_FILE, epoch_in
from khazana.cli.usage import WrongArguments
from khazana.custody.control_evidence import control_evidence, proofs_withheld
from khazana.ledger.canonical import parse_strict
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.dsse import read_envelope
from khazana.statement.envelope import Statement, disclose, with_evidence, write_statement
from khazana.statement.evidence import IDENTITY_TYPE, identity_evidence
from khazana.statement.identity import Office
from khazana.statement.office_file import read_office
from khazana.statement.signatures import joined_evidence, sign_statement, signed_instant
from khazana.statement.times import read_instant
from khazana.supervision.coverage.countersign import (
    attach_recomputation,
    contradiction,
    read_recomputation,
)
from khazana.supervision.coverage.make import USUAL_WATCH, make_coverage
from khazana.supervision.coverage.reading import CoverageStatement, read_coverage
from khazana.supervision.coverage.snapshot import Draw, draw_block
from khazana.supervision.coverage.summary import coverage_lines

COMMAND = "solvency statement"
HELP = "make, prove, sign and counter-sign a provider's coverage statement"
SNAPSHOT_HELP = "say which block an announced draw gives, once its hash is known"
SALT_SEED_BYTES = 32
EXIT_INCOMPLETE = 1


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    drawn = commands.add_parser("snapshot", help=SNAPSHOT_HELP, description=SNAPSHOT_HELP)
    _add_draw(drawn)
    add_chain_argument(drawn)
    drawn.set_defaults(run=run_snapshot)
    parser = commands.add_parser("statement", help=HELP, description=HELP)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _register_make(actions)
    _register_evidence(actions)
    shown = actions.add_parser("show", help="print a coverage statement's figures")
    shown.add_argument("file", metavar="FILE", type=Path)
    shown.set_defaults(run=run_show)


def _register_make(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    made = actions.add_parser("make", help="make it, unsigned, from an epoch and the chain")
    made.add_argument("--office", metavar="TOML", required=True, help="the provider's wallets")
    made.add_argument("--identity", metavar="FILE", type=Path, help="its office.json")
    made.add_argument(
        "--epoch", metavar="FILE", type=Path, required=True, help="what `build` wrote"
    )
    _add_draw(made)
    made.add_argument("--next-announced", metavar="HEIGHT", type=int, help="draws the next epoch")
    made.add_argument("--next-window", metavar="BLOCKS", type=int)
    made.add_argument(
        "--last", action="store_true", help="this provider publishes no further epoch: no next draw"
    )
    made.add_argument("--attested", metavar="CSV", type=Path, help="balances at banks, custodians")
    made.add_argument(
        "--offers",
        metavar="ASSET,SCALE",
        action="append",
        default=[],
        help="an asset that customers can hold, though no tree shows what is owed",
    )
    made.add_argument("--previous", metavar="FILE", type=Path, help="of the epoch before")
    made.add_argument(
        "--watch",
        metavar="BLOCKS",
        type=int,
        default=USUAL_WATCH,
        help="before and after, where coins that come and go are looked for (default: %(default)s)",
    )
    made.add_argument("--salt-seed", metavar="HEX", help="32 secret bytes (default: random)")
    add_chain_argument(made)
    made.add_argument("--out", metavar="FILE", type=Path, required=True)
    made.set_defaults(run=run_make)


def _register_evidence(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    prove = actions.add_parser("prove", help="write what the keys of the coins sign")
    prove.add_argument("file", metavar="FILE", type=Path)
    _add_batch(prove)
    add_chain_argument(prove)
    prove.add_argument("--out-dir", metavar="DIR", type=Path, required=True)
    prove.set_defaults(run=run_prove)
    gather = actions.add_parser("collect", help="combine what came back into proofs")
    gather.add_argument("file", metavar="FILE", type=Path)
    gather.add_argument("signed", metavar="SIGNED", type=Path, nargs="+")
    _add_batch(gather)
    add_chain_argument(gather)
    gather.add_argument("--out", metavar="FILE", type=Path, required=True)
    gather.set_defaults(run=run_collect)
    sign = actions.add_parser("sign", help="add one key's signature")
    sign.add_argument("file", metavar="FILE", type=Path)
    sign.add_argument("--identity", metavar="FILE", type=Path, required=True)
    sign.add_argument("--key", metavar="FILE", type=Path, required=True)
    sign.add_argument("--at", metavar="TIME", help="such as 2026-11-22T12:00:00Z (default: now)")
    sign.add_argument("--out", metavar="FILE", type=Path, required=True)
    sign.set_defaults(run=run_sign)
    counter = actions.add_parser("countersign", help="attach what `recompute` signed")
    counter.add_argument("file", metavar="FILE", type=Path)
    counter.add_argument("recomputed", metavar="RECOMPUTED", type=Path)
    counter.add_argument("--out", metavar="FILE", type=Path, required=True)
    counter.set_defaults(run=run_countersign)
    public = actions.add_parser("disclose", help="write what everybody may see, same root")
    public.add_argument("file", metavar="FILE", type=Path)
    public.add_argument(
        "--without-wallets", action="store_true", help="withhold scripts, coins and proofs too"
    )
    public.add_argument("--out", metavar="FILE", type=Path, required=True)
    public.set_defaults(run=run_disclose)


def _add_draw(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--announced", metavar="HEIGHT", type=int, required=True, help="whose hash draws"
    )
    parser.add_argument(
        "--window", metavar="BLOCKS", type=int, required=True, help="among how many before it"
    )


def _add_batch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--batch",
        metavar="WALLET",
        action="append",
        default=[],
        help="one proof of funds for this wallet, for devices that know them",
    )


def run_snapshot(args: argparse.Namespace) -> int:
    chain = chain_of(args)
    block = draw_block(chain, _draw(args.announced, args.window))
    if chain.network.test:
        print(TEST_NOTICE)
    print(f"drawn: --block-height {block.height} --block-hash {block.hash}")
    return 0


def run_make(args: argparse.Namespace) -> int:
    if (args.next_announced is None) != (args.next_window is None):
        raise WrongArguments(command=COMMAND, problem="give --next-announced with --next-window")
    if (args.next_announced is None) != args.last:
        problem = "announce the next draw (--next-announced, --next-window), or say --last"
        raise WrongArguments(command=COMMAND, problem=problem)
    chain = chain_of(args)
    draw = _draw(args.announced, args.window)
    following = None
    if args.next_announced is not None:
        following = _draw(args.next_announced, args.next_window)
    epoch = epoch_in(args.epoch)
    offers = _offers(args.offers)
    scales = {**offers, "BTC": 8, **{tree.asset: tree.scale for tree in epoch.trees}}
    identity = None if args.identity is None else _office(args.identity)
    made = make_coverage(
        resolved(office_file(args.office), chain),
        epoch,
        chain=chain,
        block=draw_block(chain, draw),
        snapshot=draw,
        next_draw=following,
        fingerprint=None if identity is None else identity.fingerprint,
        salt_seed=_salt_seed(args.salt_seed),
        attested=[] if args.attested is None else attested_in(args.attested, scales=scales),
        offers=offers,
        previous=None if args.previous is None else coverage_in(args.previous),
        watch=args.watch,
        last=args.last,
    )
    _write(args.out, made)
    print("\n".join(coverage_lines(read_coverage(write_statement(made)))))
    print(f"unsigned, written to {args.out}")
    return 0


def run_prove(args: argparse.Namespace) -> int:
    statement = _of_wallets(args.file, args.batch)
    campaign = campaign_of_coverage(statement, chain_of(args), batch=args.batch)
    _say_if_test(statement.envelope)
    print(f"message: {campaign.message.text}")
    for each in campaign.rounds:
        path = args.out_dir / f"{each.name}.psbt"
        write_whole(path, each.psbt, replace=False)
        print(f"{path}: to be signed by the keys of wallet {each.wallet.id}")
    for unplanned in campaign.unplanned:
        print(f"not planned: {unplanned.coin.outpoint}: {unplanned.why}")
    return EXIT_INCOMPLETE if campaign.unplanned else 0


def run_collect(args: argparse.Namespace) -> int:
    statement = _of_wallets(args.file, args.batch)
    files = [(str(path), read_bytes(path, most=MOST_OFFICE_BYTES)) for path in args.signed]
    done = collected_for(statement, chain_of(args), files, batch=args.batch)
    _say_if_test(statement.envelope)
    for state in done.rounds:
        print(state.words)
    for stray in done.stray:
        print(f"{stray.file}: {stray.why}")
    if done.campaign.unplanned or any(state.proof is None for state in done.rounds):
        print("not every coin is proved; nothing was written")
        return EXIT_INCOMPLETE
    network = network_of_genesis(statement.header.network.genesis) or chain_of(args).network
    item = control_evidence(done, statement.envelope, network)
    _write(args.out, with_evidence(statement.envelope, item))
    print(f"proofs attached, written to {args.out}")
    return 0


def run_sign(args: argparse.Namespace) -> int:
    statement = coverage_in(args.file).envelope
    office = _office(args.identity)
    at = _instant(args.at) if args.at else signed_instant(statement) or now()
    envelope = sign_statement(statement, office, read_key(args.key), at=at)
    signed = joined_evidence(statement, envelope)
    if not any(item.type == IDENTITY_TYPE for item in signed.evidence):
        signed = with_evidence(signed, identity_evidence(signed, office))
    _write(args.out, signed)
    _say_if_test(signed)
    print(f"signed as {office.id} with key {envelope.signatures[0].key}, written to {args.out}")
    return 0


def run_countersign(args: argparse.Namespace) -> int:
    """Refuse a recomputation of something else before it is attached."""
    statement = coverage_in(args.file)
    raw = read_bytes(args.recomputed, most=MOST_FILE)
    with naming(args.recomputed):
        envelope = read_envelope(parse_strict(raw))
        found = read_recomputation(envelope)
    epoch = statement.epoch
    if epoch is None:
        raise FileRefused(path=str(args.file), problem="it withholds trees: give the full file")
    if wrong := contradiction(found, epoch):
        raise FileRefused(path=str(args.recomputed), problem=wrong)
    _write(args.out, attach_recomputation(statement.envelope, envelope))
    _say_if_test(statement.envelope)
    print(f"counter-signature attached, written to {args.out}")
    return 0


def run_disclose(args: argparse.Namespace) -> int:
    statement = coverage_in(args.file).envelope
    hidden = {"descriptor", "wallet"} if args.without_wallets else {"descriptor"}
    shown = disclose(statement, lambda name: name.partition("/")[0] not in hidden)
    if args.without_wallets:
        shown = proofs_withheld(shown)
    _write(args.out, shown)
    _say_if_test(shown)
    print(f"{len(shown.parts)} parts disclosed, {len(shown.withheld)} withheld, root {shown.root}")
    return 0


def run_show(args: argparse.Namespace) -> int:
    print("\n".join(coverage_lines(coverage_in(args.file))))
    return 0


def _draw(announced: int, window: int) -> Draw:
    try:
        return Draw(announced=announced, window=window)
    except ValueError as error:
        raise WrongArguments(command=COMMAND, problem=str(error)) from error


def _offers(texts: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in texts:
        name, _, scale = text.partition(",")
        good = name[:1].isalpha() and name.isalnum() and name.isupper() and len(name) <= 16
        if not (name.isascii() and good and scale in {str(n) for n in range(16)}) or name in found:
            raise WrongArguments(command=COMMAND, problem=f"--offers {text!r} is not ASSET,SCALE")
        found[name] = int(scale)
    return found


def _of_wallets(path: Path, batch: Sequence[str]) -> CoverageStatement:
    statement = coverage_in(path)
    if statement.withheld("wallet") or statement.withheld("descriptor"):
        problem = "it withholds wallets or descriptors: give the full file, as it was made"
        raise FileRefused(path=str(path), problem=problem)
    for name in batch:
        if name not in statement.descriptors:
            raise WrongArguments(command=COMMAND, problem=f"--batch {name}: no such descriptor")
    return statement


def _office(path: Path) -> Office:
    with naming(path):
        return read_office(read_bytes(path, most=MOST_OFFICE_BYTES))


def _instant(text: str) -> datetime:
    try:
        return read_instant(text)
    except ValueError as error:
        raise WrongArguments(command=COMMAND, problem=f"--at {text!r} is no time") from error


def _salt_seed(given: str | None) -> bytes:
    if given is None:
        return secrets.token_bytes(SALT_SEED_BYTES)
    try:
        seed = bytes.fromhex(given)
    except ValueError:
        seed = b""
    if len(seed) != SALT_SEED_BYTES:
        raise WrongArguments(command=COMMAND, problem="--salt-seed has 64 hex digits")
    return seed


def _write(path: Path, statement: Statement) -> None:
    write_whole(path, write_statement(statement))


def _say_if_test(statement: Statement) -> None:
    if statement.test:
        print(TEST_NOTICE)
