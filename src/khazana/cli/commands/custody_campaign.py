"""`khazana custody prove` and `collect`: files to sign, and the proofs made of them."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from khazana.bitcoin.address import address_of
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.campaigns import campaign_of, collected, messages_collected, unscanned
from khazana.cli.chains import add_chain_argument, chain_of
from khazana.cli.commands.custody_seal import register_sealing
from khazana.cli.extras import needs_extra
from khazana.cli.files import MOST_OFFICE_BYTES, MOST_STATEMENT_BYTES, read_bytes, write_whole
from khazana.cli.usage import WrongArguments
from khazana.custody.campaign import Campaign
from khazana.custody.control_evidence import (
    PROOF_TYPES,
    commitment_to,
    control_evidence,
    cosigned_evidence,
)
from khazana.custody.message_files import is_signed_text, signing_paths
from khazana.custody.moves import commitment_script
from khazana.custody.qr_parts import PSBT, TEXT, split_qr
from khazana.ledger.canonical import canonical_bytes
from khazana.reserve.case import Case
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.envelope import Evidence, with_evidence, write_statement

EXIT_INCOMPLETE = 1


def register_campaign(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    prove = actions.add_parser(
        "prove",
        help="make the files that the coins' keys sign for a statement",
        description="For every closing coin of the statement, write PSBTs whose message contains "
        "the statement's root. They spend nothing. First it lists which public keys the proofs "
        "would expose.",
    )
    _add_common(prove)
    prove.add_argument(
        "--batch",
        metavar="WALLET",
        action="append",
        default=[],
        help="prove all coins of this wallet in one file: its devices know proofs of funds",
    )
    prove.add_argument("--out-dir", metavar="DIR", type=Path, required=True)
    prove.add_argument(
        "--qr",
        action="store_true",
        help="also write each file as QR codes (BBQr): one moving picture, and one of each part",
    )
    prove.set_defaults(run=run_prove)
    gather = actions.add_parser(
        "collect",
        help="combine signed files into proofs and attach them to the statement",
        description="Files in any order. Says which cosigner is missing and which signature is "
        "bad. Exit status 1 while a proof is missing; nothing is written then, unless --partial.",
    )
    _add_common(gather)
    gather.add_argument(
        "signed",
        metavar="SIGNED",
        type=Path,
        nargs="+",
        help="PSBTs that came back, or messages that cosigners signed alone",
    )
    gather.add_argument("--out", metavar="FILE", type=Path, help="the statement with the proofs")
    gather.add_argument(
        "--withhold",
        metavar="FILE",
        type=Path,
        help="write the proofs here, for auditors; the statement gets their hash only",
    )
    gather.add_argument("--partial", action="store_true", help="write what is proved so far")
    gather.set_defaults(run=run_collect)
    register_sealing(actions)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the full statement")
    add_chain_argument(parser)
    parser.add_argument(
        "--wallet", metavar="WALLET", action="append", default=[], help="only this wallet"
    )
    parser.add_argument(
        "--recovery",
        metavar="WALLET[:N]",
        action="append",
        default=[],
        help="prove a way of this wallet that waits: its first, or its N-th, by `custody describe`",
    )


def run_prove(args: argparse.Namespace) -> int:
    statement = _statement(args.file)
    campaign = campaign_of(
        statement,
        chain_of(args),
        wallets=args.wallet,
        batch=args.batch,
        recovery=_recovery(args.recovery),
    )
    _say_if_test(statement)
    print(f"message: {campaign.message.text}")
    _print_exposures(campaign, statement)
    for round_ in campaign.rounds:
        path = args.out_dir / f"{round_.name}.psbt"
        write_whole(path, round_.psbt, replace=False)
        coins = len(round_.inputs) - 1
        what = f"proof of funds of {coins} coins" if coins else "proof of one address"
        print(f"{path}: {what}, {round_.variant.value}")
        if args.qr:
            _write_codes(args.out_dir, round_.name, round_.psbt, PSBT)
    write_whole(args.out_dir / "message.txt", campaign.message.text.encode(), replace=False)
    if args.qr:
        _write_codes(args.out_dir, "message", campaign.message.text.encode(), TEXT)
    print(f"{args.out_dir / 'message.txt'}: the message, for cosigners who sign it alone:")
    for wallet in campaign.wallets:
        for name, path_of_key in signing_paths(wallet):
            print(f"  {wallet.id}: {name} at {path_of_key}")
    print(f"an output that names it in a move: {commitment_script(campaign.message).hex()}")
    for each in campaign.unplanned:
        print(f"not planned: {each.coin.outpoint} of wallet {each.coin.wallet}: {each.why}")
    return EXIT_INCOMPLETE if campaign.unplanned else 0


def _print_exposures(campaign: Campaign, statement: ReserveStatement) -> None:
    network = Case(statement=statement, chain=None, engine=best_engine()).network
    for each in campaign.exposures:
        name = address_of(each.script, network) or each.script.hex()
        keys = f"{len(each.public_keys)} public key{'s' if len(each.public_keys) != 1 else ''}"
        said = f"would expose {keys}" if each.new else f"exposes nothing new: {each.already}"
        print(f"{each.wallet} {name}: {said}")


def run_collect(args: argparse.Namespace) -> int:
    statement = _statement(args.file)
    given = [(str(path), read_bytes(path, most=MOST_OFFICE_BYTES)) for path in args.signed]
    files, unread = unscanned(given)
    texts = [(name, raw) for name, raw in files if is_signed_text(raw)]
    psbts = [(name, raw) for name, raw in files if not is_signed_text(raw)]
    done = collected(
        statement,
        chain_of(args),
        psbts,
        wallets=args.wallet,
        recovery=_recovery(args.recovery),
    )
    alone = messages_collected(statement, texts, wallets=args.wallet)
    _say_if_test(statement)
    for state in done.rounds:
        print(state.words)
        if state.proof is not None:
            for bad in state.bad:
                print(f"  {bad}")
    for wallet in alone.wallets:
        print(wallet.words)
    for stray in (*unread, *done.stray, *alone.stray):
        print(f"{stray.file}: {stray.why}")
    unplanned = len(done.campaign.unplanned)
    if unplanned:
        print(f"{unplanned} closing coins are in no round")
    enough = {wallet.wallet for wallet in alone.wallets if wallet.enough}
    proved = [state.proof is not None for state in done.rounds]
    covered = [state.proof is not None or state.round.wallet.id in enough for state in done.rounds]
    complete = all(covered) and not unplanned
    items = []
    if any(proved):
        network = Case(statement=statement, chain=None, engine=best_engine()).network
        items.append(control_evidence(done, statement.envelope, network))
    if alone.signatures:
        items.append(cosigned_evidence(done.campaign.message, alone.signatures, statement.envelope))
    if args.out is not None and items and (complete or args.partial):
        _attach(statement, items, args)
    return 0 if complete else EXIT_INCOMPLETE


def _attach(
    statement: ReserveStatement, items: Sequence[Evidence], args: argparse.Namespace
) -> None:
    """Write the statement with its evidence; where it is withheld, each piece to its own file."""
    public = list(items)
    if args.withhold is not None:
        for number, item in enumerate(items):
            path = args.withhold if not number else args.withhold.with_suffix(f".{number + 1}.json")
            write_whole(path, canonical_bytes(dict(item.fields)) + b"\n", mode=0o600)
            public[number] = commitment_to(item, statement.envelope)
            print(f"withheld: {path}")
    write_whole(args.out, write_statement(with_evidence(statement.envelope, *public)))
    shown = {item.type for item in public} <= PROOF_TYPES
    said = "proofs" if shown else "the hash of the proofs"
    print(f"{said} attached, written to {args.out}")


def _recovery(words: Sequence[str]) -> dict[str, int]:
    """WALLET or WALLET:N, each wallet once."""
    found: dict[str, int] = {}
    for word in words:
        wallet, colon, number = word.partition(":")
        if wallet in found or (colon and not re.fullmatch(r"[1-9][0-9]{0,3}", number)):
            problem = f"--recovery {word}: name each wallet once, with a number from 1 or without"
            raise WrongArguments(command="custody", problem=problem)
        found[wallet] = int(number) if colon else 1
    return found


def _write_codes(folder: Path, name: str, raw: bytes, file_type: str) -> None:
    """A file as QR codes beside it."""
    with needs_extra("office"):
        from khazana.custody.qr_images import moving_picture, still_picture
    parts = split_qr(raw, file_type=file_type)
    for number, part in enumerate(parts, 1):
        picture = still_picture(part, caption=f"{name}: {number} of {len(parts)}")
        write_whole(folder / f"{name}.qr-{number:02}.svg", picture, replace=False)
    if len(parts) > 1:
        picture = moving_picture(parts, caption=name)
        write_whole(folder / f"{name}.qr.svg", picture, replace=False)
    print(f"{folder / name}.qr-*.svg: the same in {len(parts)} codes")


def _statement(path: Path) -> ReserveStatement:
    return read_reserve_statement(read_bytes(path, most=MOST_STATEMENT_BYTES))


def _say_if_test(statement: ReserveStatement) -> None:
    if statement.header.test:
        print(TEST_NOTICE)
