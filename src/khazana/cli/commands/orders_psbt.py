"""`khazana orders psbt` and `signed`: the PSBT an order asks for, and what devices made of it."""

import argparse
import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path

from khazana.bitcoin.bip322.psbt import MAGIC
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.transaction import Transaction
from khazana.cli.chains import add_chain_argument
from khazana.cli.files import naming, read_bytes, write_whole
from khazana.cli.order_desk import OrderDesk, add_desk_arguments, attempt_of, chain_for, desk_of
from khazana.cli.usage import WrongArguments
from khazana.custody.drafting.assemble import Ground
from khazana.custody.drafting.coin_control import CoinControl
from khazana.custody.drafting.draft import Draft, Purpose
from khazana.custody.drafting.make import draft_payment
from khazana.custody.drafting.payments import Payment
from khazana.custody.drafting.reading import draft_of_psbt
from khazana.custody.drafting.replace import replacement_of
from khazana.custody.drafting.rules import DraftRules, feerate_of_text
from khazana.custody.drafting.signing import collect
from khazana.custody.drafting.wallet import (
    SpendingWallet,
    first_unused,
    previous_of,
    spending_wallet,
)
from khazana.custody.orders import events as ev
from khazana.custody.orders.errors import OrderRefused, TransactionDiffers
from khazana.custody.orders.state import AttemptPurpose, OrderState
from khazana.custody.orders.transaction import require_whole
from khazana.custody.psbt_files import MOST_BYTES, psbt_of_file
from khazana.errors import KhazanaError
from khazana.ledger.office import DescriptorSource
from khazana.statement.checks import TEST_NOTICE
from khazana.units import BlockHash, Height

EXIT_INCOMPLETE = 1
CHANGE_BRANCH = 1


@dataclass(eq=False, kw_only=True)
class NoDescriptorToSpend(KhazanaError):
    """A wallet that office.toml states by addresses cannot be drafted for."""

    wallet: str
    code = "no_descriptor_to_spend"
    words = (
        "office.toml states wallet {wallet} without a descriptor; make the PSBT with the program "
        "that knows the wallet, and attach it."
    )


def register_psbt(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    make = actions.add_parser(
        "psbt",
        help="make the PSBT that an order asks for, or its replacement",
        description="Choose coins, verify the change by derivation, write a PSBT for devices to "
        "sign. Coins of other orders under way are left alone. With --replace a stuck transaction "
        "is drafted again at a higher fee rate.",
    )
    make.add_argument("order", metavar="ORDER")
    make.add_argument("--feerate", metavar="SAT/VB", required=True, help="such as 2.5")
    make.add_argument("--replace", metavar="PSBT", type=Path, help="of the stuck transaction")
    make.add_argument("--out", metavar="FILE", type=Path, required=True)
    add_chain_argument(make)
    add_desk_arguments(make)
    make.set_defaults(run=run_psbt)
    signed = actions.add_parser(
        "signed",
        help="log the signed transaction, if it is the same",
        description="One raw transaction (hex or bytes); or the PSBTs that devices signed, with "
        "the attached one as --psbt. Exit status 1 while signatures are missing; it names whose.",
    )
    signed.add_argument("order", metavar="ORDER")
    signed.add_argument("files", metavar="FILE", type=Path, nargs="+")
    signed.add_argument("--psbt", metavar="PSBT", type=Path, help="the one that was attached")
    signed.add_argument("--by", metavar="NAME", required=True, help="who says so")
    add_desk_arguments(signed)
    signed.set_defaults(run=run_signed)


def run_psbt(args: argparse.Namespace) -> int:
    try:
        rules_feerate = feerate_of_text(args.feerate)
    except ValueError as error:
        raise WrongArguments(command="orders psbt", problem=str(error)) from error
    desk = desk_of(args)
    chain = chain_for(desk, args)
    log = desk.log()
    state = log.order(args.order)
    wallet = _wallet(desk, state.order.account)
    try:
        rules = DraftRules(feerate=rules_feerate, cap_per_address=desk.rules.per_address)
    except ValueError as error:
        raise WrongArguments(command="orders psbt", problem=str(error)) from error
    tip, engine = chain.tip(), best_engine()
    if args.replace is not None:
        stuck = _draft(args.replace, wallet, state)
        ground = Ground(wallet=wallet, engine=engine, tip=tip, rules=rules, previous=stuck.previous)
        draft = replacement_of(stuck, ground)
    else:
        coins = chain.coins_at(frozenset(wallet.places), tip)
        history = chain.history(frozenset(wallet.places), None, tip)
        used = {output.script for each in history for output in each.transaction.outputs}
        taken = frozenset(
            point for other in log.others(args.order) if other.committed for point in other.coins
        )
        draft = draft_payment(
            wallet,
            [
                Payment(each.address, each.script, each.sats, each.label)
                for each in state.order.payments
            ],
            coins=coins,
            previous=previous_of(chain, coins),
            tip=tip,
            rules=rules,
            engine=engine,
            change_index=first_unused(wallet, CHANGE_BRANCH, used),
            control=CoinControl(exclude=taken),
        )
    write_whole(args.out, draft.psbt, replace=False)
    if desk.test:
        print(TEST_NOTICE)
    print(f"{args.out}: {draft.txid}, {len(draft.inputs)} inputs, fee {draft.fee_sats} sat")
    print(f"{draft.returned} sat return to {state.order.account}; attach it next")
    return 0


def run_signed(args: argparse.Namespace) -> int:
    desk = desk_of(args)
    state = desk.log().order(args.order)
    if desk.test:
        print(TEST_NOTICE)
    final = _combined(args, desk, state) if args.psbt else _raw(args)
    if final is None:
        return EXIT_INCOMPLETE
    event = ev.Signed(**desk.heading(args.order, args.by), raw=final.serialize().hex())
    if state.facts is not None:
        try:
            require_whole(state.order, final, state.facts.spent)
        except OrderRefused as refused:
            desk.add(attempt_of(event, refused))
            raise
    after = desk.add(event)
    print(f"order {args.order} is {after.status.value}: {final.txid}")
    return 0


def _raw(args: argparse.Namespace) -> Transaction:
    if len(args.files) != 1:
        problem = "give one raw transaction, or --psbt with the PSBTs that devices signed"
        raise WrongArguments(command="orders signed", problem=problem)
    (path,) = args.files
    raw = read_bytes(path, most=MOST_BYTES)
    if raw.startswith(MAGIC):
        problem = f"{path} is a PSBT: name the attached one as --psbt"
        raise WrongArguments(command="orders signed", problem=problem)
    # What is no hex is the bytes themselves, or refused as a transaction.
    with contextlib.suppress(UnicodeDecodeError, ValueError):
        raw = bytes.fromhex(raw.strip().decode("ascii"))
    with naming(path):
        return Transaction.parse(raw)


def _combined(args: argparse.Namespace, desk: OrderDesk, state: OrderState) -> Transaction | None:
    """The final transaction of the devices' files; None, and who is missing, while it is not."""
    wallet = _wallet(desk, state.order.account)
    draft = _draft(args.psbt, wallet, state)
    if state.facts is None or hashlib.sha256(draft.psbt).hexdigest() != state.facts.psbt_sha256:
        raise TransactionDiffers(
            order=state.order.id,
            name="psbt",
            difference=f"{args.psbt} is not the PSBT that was attached",
        )
    files = [(str(path), read_bytes(path, most=MOST_BYTES)) for path in args.files]
    signing = collect(draft, wallet, files, engine=best_engine())
    for refused in signing.refused:
        print(f"{refused.file} is refused:")
        for finding in refused.findings:
            print(f"  {finding}")
    for problem in signing.bad:
        print(f"bad signature: {problem}")
    if signing.transaction is None:
        print(f"signed by {', '.join(signing.signed) or 'nobody'}")
        print(f"missing are signatures of {', '.join(signing.missing) or 'nobody'}")
    return signing.transaction


def _wallet(desk: OrderDesk, name: str) -> SpendingWallet:
    line = next((line for line in desk.file.wallets if line.id == name), None)
    if line is None or not isinstance(line.source, DescriptorSource):
        raise NoDescriptorToSpend(wallet=name)
    descriptor = parse_descriptor(line.source.descriptor, desk.file.network)
    branches = [(part.branch, part.stop) for part in line.source.branches]
    return spending_wallet(name, descriptor, branches, best_engine(), lane=line.lanes[-1].lane)


def _draft(path: Path, wallet: SpendingWallet, state: OrderState) -> Draft:
    """The draft that a PSBT made here holds, read back from its bytes."""
    with naming(path):
        psbt = psbt_of_file(read_bytes(path, most=MOST_BYTES))
        attempt = state.attempt
        height = 0 if attempt is None else attempt.facts.unsigned.lock_time
        replacing = attempt is not None and attempt.purpose is AttemptPurpose.REPLACEMENT
        # Only the height matters here: drafting writes it as lock time (D-rules), and it is
        # compared with the bytes.
        return draft_of_psbt(
            psbt,
            wallet,
            engine=best_engine(),
            tip=BlockRef(Height(height), BlockHash("00" * 32)),
            purpose=Purpose.REPLACEMENT if replacing else Purpose.PAYMENT,
        )
