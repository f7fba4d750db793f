"""`khazana orders attach-psbt` to `book`: transactions, money, deliveries and documents."""

import argparse
import csv
import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from khazana.bitcoin.chain import BlockRef, ChainView, ConfirmedTransaction
from khazana.bitcoin.transaction import OutPoint, TxOut
from khazana.cli.broadcast import require_sender, send
from khazana.cli.chains import CHAIN_HELP, add_chain_argument, block_of
from khazana.cli.files import MOST_OFFICE_BYTES, naming, read_bytes, write_whole
from khazana.cli.order_desk import OrderDesk, add_desk_arguments, attempt_of, chain_for, desk_of
from khazana.cli.usage import WrongArguments
from khazana.custody.orders import events as ev
from khazana.custody.orders.booking import booked_event, document_rows, documents_of, moved_at
from khazana.custody.orders.errors import MoneyDiffers, OrderRefused
from khazana.custody.orders.state import AttemptPurpose, OrderState
from khazana.custody.orders.transaction import TransactionFacts, facts_of, unsigned_form
from khazana.custody.psbt_files import MOST_BYTES, psbt_of_file
from khazana.errors import KhazanaError
from khazana.ledger.documents import Document
from khazana.ledger.money import minor_units
from khazana.ledger.rows import DOCUMENT_COLUMNS
from khazana.statement.checks import TEST_NOTICE
from khazana.units import BlockHash, Height

Actions = argparse._SubParsersAction


@dataclass(eq=False, kw_only=True)
class NotConfirmedYet(KhazanaError):
    """The chain does not show the transaction, or not deep enough."""

    order: str
    found: int
    wanted: int
    code = "not_confirmed_yet"
    words = (
        "No transaction of order {order} has the {wanted} confirmations that the rules ask for; "
        "the chain shows {found}. Try again later."
    )


@dataclass(eq=False, kw_only=True)
class TableHasNoRoom(KhazanaError):
    """The table of documents lacks a column, or has other rows of the same ids."""

    path: str
    problem: str
    code = "table_has_no_room"
    words = "{path} cannot take the documents: {problem}. Nothing was written."


def register_chain(actions: "Actions[argparse.ArgumentParser]") -> None:
    attach = _action(actions, "attach-psbt", run_attach, "bind a PSBT to an order")
    attach.add_argument("psbt", metavar="PSBT", type=Path)
    attach.add_argument(
        "--purpose",
        choices=[each.value for each in AttemptPurpose],
        default=AttemptPurpose.ORIGINAL.value,
        help="replacement: RBF; child: CPFP (default: %(default)s)",
    )
    attach.add_argument("--chain", metavar="SOURCE", help=f"compare the coins with {CHAIN_HELP}")
    sending = _action(actions, "broadcast", run_broadcast, "send the signed transaction")
    sending.add_argument("--chain", metavar="SOURCE", help="core:... or esplora:URL")
    sending.add_argument("--where", metavar="TEXT", help="it was sent elsewhere: log that only")
    confirm = _action(actions, "confirm", run_confirm, "log that it stands in a block")
    add_chain_argument(confirm)
    confirm.add_argument("--since", metavar="BLOCK", help="look only after this block")
    paid = _action(actions, "paid", run_paid, "log the money of a purchase")
    paid.add_argument("--amount", metavar="MONEY", required=True, help="such as 500005.00")
    paid.add_argument("--currency", metavar="CODE", required=True)
    paid.add_argument("--reference", metavar="TEXT", required=True, help="the bank's")
    came = _action(actions, "delivered", run_delivered, "log coins of a purchase that arrived")
    came.add_argument("txid", metavar="TXID")
    add_chain_argument(came)
    came.add_argument("--since", metavar="BLOCK", help="look only after this block")
    receipt = _action(actions, "receipt", run_receipt, "log the dealer's receipt by its hash")
    receipt.add_argument("paper", metavar="FILE", type=Path)
    book = _action(actions, "book", run_book, "write the documents that explain the movement")
    book.add_argument(
        "--documents", metavar="CSV", type=Path, required=True, help="the office's table; it grows"
    )
    book.add_argument("--chain", metavar="SOURCE", help="for the time of the block")


def _action(
    actions: "Actions[argparse.ArgumentParser]", name: str, run: object, about: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=about)
    parser.add_argument("order", metavar="ORDER")
    parser.add_argument("--by", metavar="NAME", required=True, help="who says so")
    add_desk_arguments(parser)
    parser.set_defaults(run=run)
    return parser


def run_attach(args: argparse.Namespace) -> int:
    desk = desk_of(args)
    state = desk.log().order(args.order)
    raw = read_bytes(args.psbt, most=MOST_BYTES)
    coins = _coins(desk, chain_for(desk, args), state) if args.chain else None
    parent = None
    if args.purpose == AttemptPurpose.CHILD.value and state.sent:
        parent = state.sent[-1].facts
    with naming(args.psbt):
        psbt = psbt_of_file(raw)
    heading = desk.heading(args.order, args.by)
    try:
        facts = facts_of(
            state.order,
            psbt,
            wallet_scripts=desk.wallet_scripts(state.order.account),
            coins=coins,
            child_of=parent,
        )
    except OrderRefused as refused:
        # Refused before it is an event; the log keeps it all the same.
        failed = ev.Attached(
            **heading, purpose="original", unsigned="", spent=[], change=[], psbt_sha256=_NONE
        )
        desk.add(attempt_of(failed, refused))
        raise
    after = desk.add(_attached(heading, args.purpose, facts))
    _notice(desk)
    print(f"order {args.order}: {args.purpose} {facts.txid}, fee {facts.fee} sat")
    print(f"it is {after.status.value}; check it next")
    return 0


_NONE = "00" * 32


def _attached(heading: dict[str, str], purpose: str, facts: TransactionFacts) -> ev.Attached:
    return ev.Attached(
        **heading,
        purpose=AttemptPurpose(purpose).value,
        unsigned=facts.unsigned.serialize(witness=False).hex(),
        spent=[ev.SpentFile(each.amount, each.script.hex()) for each in facts.spent],
        change=sorted(facts.change),
        psbt_sha256=facts.psbt_sha256,
    )


def _coins(desk: OrderDesk, chain: ChainView, state: OrderState) -> dict[OutPoint, TxOut]:
    scripts = desk.wallet_scripts(state.order.account)
    return {
        coin.outpoint: TxOut(coin.amount, coin.script)
        for coin in chain.coins_at(scripts, chain.tip())
    }


def run_broadcast(args: argparse.Namespace) -> int:
    if (args.chain is None) == (args.where is None):
        problem = "give --chain to send it, or --where if it was sent elsewhere"
        raise WrongArguments(command="orders broadcast", problem=problem)
    desk = desk_of(args)
    attempt = desk.log().order(args.order).attempt
    txid = attempt.final.txid if attempt and attempt.final else _NONE
    heading = desk.heading(args.order, args.by)
    where = args.where or "(about to send)"
    event = ev.Broadcast(**heading, txid=txid, where=where)
    if args.chain:
        require_sender(args.chain)
        chain_for(desk, args)
        # Judged before it goes out: what may not be released must not reach the network.
        desk.would(event)
        if attempt is not None and attempt.final is not None:
            where = send(args.chain, attempt.final)
    after = desk.add(ev.Broadcast(**heading, txid=txid, where=where))
    _notice(desk)
    print(f"order {args.order} is {after.status.value}: {txid} through {where}")
    return 0


def run_confirm(args: argparse.Namespace) -> int:
    desk = desk_of(args)
    chain = chain_for(desk, args)
    state = desk.log().order(args.order)
    forms = {unsigned_form(each.facts.unsigned) for each in state.sent}
    scripts = [each.script for each in state.order.payments]
    found = [
        each
        for each in _history(desk, chain, scripts, args.since)
        if unsigned_form(each.transaction) in forms
    ]
    confirmed = _deep_enough(desk, chain, found, args.order)
    after = desk.add(
        ev.Confirmed(
            **desk.heading(args.order, args.by),
            raw=confirmed.transaction.serialize().hex(),
            height=confirmed.block.height,
            block=confirmed.block.hash,
        )
    )
    _notice(desk)
    print(f"order {args.order} is {after.status.value}: {confirmed.txid} in {confirmed.block}")
    return 0


def _history(
    desk: OrderDesk, chain: ChainView, scripts: list[bytes], since: str | None
) -> list[ConfirmedTransaction]:
    after = block_of(chain, since, timezone=desk.file.rules.timezone) if since else None
    return list(chain.history(scripts, after, chain.tip()))


def _deep_enough(
    desk: OrderDesk, chain: ChainView, found: list[ConfirmedTransaction], order: str
) -> ConfirmedTransaction:
    tip, wanted = chain.tip(), desk.rules.confirmations
    depths = [tip.height - each.block.height + 1 for each in found]
    if not found or max(depths) < wanted:
        raise NotConfirmedYet(order=order, found=max(depths, default=0), wanted=wanted)
    return found[-1]


def run_paid(args: argparse.Namespace) -> int:
    try:
        minor = minor_units(args.amount, args.currency)
    except ValueError as error:
        raise WrongArguments(command="orders paid", problem=str(error)) from error
    if minor <= 0:
        raise WrongArguments(command="orders paid", problem=f"{args.amount} is not above zero")
    desk = desk_of(args)
    after = desk.add(
        ev.Paid(
            **desk.heading(args.order, args.by),
            currency=args.currency,
            minor=minor,
            reference=args.reference,
        )
    )
    _notice(desk)
    print(f"order {args.order} is {after.status.value}")
    return 0


def run_delivered(args: argparse.Namespace) -> int:
    desk = desk_of(args)
    chain = chain_for(desk, args)
    state = desk.log().order(args.order)
    bought = state.order.purchase
    if bought is None:
        problem = f"{args.order} is no purchase"
        raise WrongArguments(command="orders delivered", problem=problem)
    found = [
        each
        for each in _history(desk, chain, [bought.script], args.since)
        if each.txid == args.txid.lower()
    ]
    came = _deep_enough(desk, chain, found, args.order)
    _require_from_outside(desk, chain, came, args)
    for vout, output in enumerate(came.transaction.outputs):
        if output.script == bought.script:
            state = desk.add(
                ev.Delivered(
                    **desk.heading(args.order, args.by),
                    raw=came.transaction.serialize().hex(),
                    vout=vout,
                    height=came.block.height,
                    block=came.block.hash,
                )
            )
    _notice(desk)
    print(f"order {args.order} is {state.status.value}: {state.delivered_sats} sat came")
    return 0


def _require_from_outside(
    desk: OrderDesk, chain: ChainView, came: ConfirmedTransaction, args: argparse.Namespace
) -> None:
    """A dealer's coins are not the office's own: else one wallet would deliver to another."""
    own = {
        each.transaction.outpoint(vout)
        for each in chain.history(frozenset(desk.scripts), None, came.block)
        for vout, output in enumerate(each.transaction.outputs)
        if output.script in desk.scripts
    }
    spent = next((i.outpoint for i in came.transaction.inputs if i.outpoint in own), None)
    if spent is None:
        return
    problem = f"{came.txid} spends {spent}, a coin of the office's own: it is no delivery"
    refused = MoneyDiffers(order=args.order, problem=problem)
    event = ev.Delivered(
        **desk.heading(args.order, args.by), raw="", vout=0, height=0, block=came.block.hash
    )
    desk.add(attempt_of(event, refused))
    raise refused


def run_receipt(args: argparse.Namespace) -> int:
    digest = hashlib.sha256(read_bytes(args.paper, most=MOST_OFFICE_BYTES)).hexdigest()
    desk = desk_of(args)
    desk.add(ev.Receipted(**desk.heading(args.order, args.by), file_sha256=digest))
    _notice(desk)
    print(f"order {args.order}: receipt {digest}")
    return 0


def run_book(args: argparse.Namespace) -> int:
    desk = desk_of(args)
    state = desk.log().order(args.order)
    at = moved_at(state)
    if args.chain and (block := _block(state)) is not None:
        chain = chain_for(desk, args)
        at = datetime.fromtimestamp(
            chain.headers(block.height, chain.block_of(block.hash))[-1].time, tz=UTC
        )
    documents = documents_of(state, at=at)
    heading = desk.heading(args.order, args.by)
    event = booked_event(state, documents, at=ev.at_of(heading["at"]), by=args.by)
    desk.would(event)
    written = _grown(args.documents, documents)
    # The table first: a log that says "booked" while the rows are missing would be worse than
    # rows that a second run of this command finds in place.
    if written is not None:
        write_whole(args.documents, written)
    after = desk.add(event)
    _notice(desk)
    print(f"order {args.order} is {after.status.value}: {len(documents)} documents")
    return 0


def _block(state: OrderState) -> BlockRef | None:
    if state.confirmed is not None:
        return BlockRef(Height(state.confirmed.height), BlockHash(state.confirmed.block))
    if state.deliveries:
        last = state.deliveries[-1]
        return BlockRef(Height(last.height), BlockHash(last.block))
    return None


def _grown(path: Path, documents: tuple[Document, ...]) -> bytes | None:
    """The table with the documents; None when all of them stand in it already."""
    if not documents:
        return None
    if not path.exists():
        return document_rows(documents, header=True)
    raw = read_bytes(path, most=MOST_OFFICE_BYTES)
    try:
        text = raw.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text), strict=True))
        header = [cell.strip() for cell in rows[0]] if rows else list(DOCUMENT_COLUMNS)
        new = document_rows(documents, header=not rows, columns=header)
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise TableHasNoRoom(path=str(path), problem=str(error)) from error
    ids = {each.id for each in documents}
    column = header.index("id") if "id" in header else 0
    present = {row[column] for row in rows[1:] if len(row) > column} & ids
    if present:
        if present == ids and new.decode().strip() in text.replace("\r\n", "\n"):
            return None
        problem = f"it has other rows called {', '.join(sorted(present))}"
        raise TableHasNoRoom(path=str(path), problem=problem)
    return raw + (b"" if not raw or raw.endswith(b"\n") else b"\n") + new


def _notice(desk: OrderDesk) -> None:
    if desk.test:
        print(TEST_NOTICE)
