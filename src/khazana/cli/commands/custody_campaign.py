"""`khazana custody prove` and `collect`: files to sign, and the proofs made of them."""

import argparse
from pathlib import Path

from khazana.bitcoin.address import address_of
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.campaigns import campaign_of, collected
from khazana.cli.chains import add_chain_argument, chain_of
from khazana.cli.files import MOST_OFFICE_BYTES, MOST_STATEMENT_BYTES, read_bytes, write_whole
from khazana.custody.campaign import Campaign
from khazana.custody.control_evidence import CONTROL_TYPE, commitment_to, control_evidence
from khazana.ledger.canonical import canonical_bytes
from khazana.reserve.case import Case
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.envelope import with_evidence, write_statement

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
    prove.set_defaults(run=run_prove)
    gather = actions.add_parser(
        "collect",
        help="combine signed files into proofs and attach them to the statement",
        description="Files in any order. Says which cosigner is missing and which signature is "
        "bad. Exit status 1 while a proof is missing; nothing is written then, unless --partial.",
    )
    _add_common(gather)
    gather.add_argument("psbts", metavar="PSBT", type=Path, nargs="+")
    gather.add_argument("--out", metavar="FILE", type=Path, help="the statement with the proofs")
    gather.add_argument(
        "--withhold",
        metavar="FILE",
        type=Path,
        help="write the proofs here, for auditors; the statement gets their hash only",
    )
    gather.add_argument("--partial", action="store_true", help="write what is proved so far")
    gather.set_defaults(run=run_collect)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the full statement")
    add_chain_argument(parser)
    parser.add_argument(
        "--wallet", metavar="WALLET", action="append", default=[], help="only this wallet"
    )


def run_prove(args: argparse.Namespace) -> int:
    statement = _statement(args.file)
    campaign = campaign_of(statement, chain_of(args), wallets=args.wallet, batch=args.batch)
    _say_if_test(statement)
    print(f"message: {campaign.message.text}")
    _print_exposures(campaign, statement)
    for round_ in campaign.rounds:
        path = args.out_dir / f"{round_.name}.psbt"
        write_whole(path, round_.psbt, replace=False)
        coins = len(round_.inputs) - 1
        what = f"proof of funds of {coins} coins" if coins else "proof of one address"
        print(f"{path}: {what}, {round_.variant.value}")
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
    files = [(str(path), read_bytes(path, most=MOST_OFFICE_BYTES)) for path in args.psbts]
    done = collected(statement, chain_of(args), files, wallets=args.wallet)
    _say_if_test(statement)
    for state in done.rounds:
        print(state.words)
        if state.proof is not None:
            for bad in state.bad:
                print(f"  {bad}")
    for stray in done.stray:
        print(f"{stray.file}: {stray.why}")
    unplanned = len(done.campaign.unplanned)
    if unplanned:
        print(f"{unplanned} closing coins are in no round")
    complete = done.complete and not unplanned
    proved = any(state.proof is not None for state in done.rounds)
    if args.out is not None and proved and (complete or args.partial):
        network = Case(statement=statement, chain=None, engine=best_engine()).network
        item = control_evidence(done, statement.envelope, network)
        public = item
        if args.withhold is not None:
            write_whole(args.withhold, canonical_bytes(dict(item.fields)) + b"\n", mode=0o600)
            public = commitment_to(item, statement.envelope)
        write_whole(args.out, write_statement(with_evidence(statement.envelope, public)))
        shown = "proofs" if public.type == CONTROL_TYPE else "the hash of the proofs"
        print(f"{shown} attached, written to {args.out}")
    return 0 if complete else EXIT_INCOMPLETE


def _statement(path: Path) -> ReserveStatement:
    return read_reserve_statement(read_bytes(path, most=MOST_STATEMENT_BYTES))


def _say_if_test(statement: ReserveStatement) -> None:
    if statement.header.test:
        print(TEST_NOTICE)
