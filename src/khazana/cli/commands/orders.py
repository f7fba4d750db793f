"""`khazana orders`: draft, check, approve, release and book what is to be paid or bought."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from khazana.bitcoin.address import address_of
from khazana.cli.chains import CHAIN_HELP
from khazana.cli.clock import now
from khazana.cli.commands.orders_chain import register_chain
from khazana.cli.commands.orders_psbt import register_psbt
from khazana.cli.commands.orders_sign import read_envelope_file, register_sign
from khazana.cli.files import MOST_OFFICE_BYTES, read_bytes, write_whole
from khazana.cli.keys import read_key
from khazana.cli.memoranda import MEMORANDUM_HELP
from khazana.cli.order_desk import (
    OrderDesk,
    add_desk_arguments,
    chain_for,
    desk_of,
    held_now,
    lender_of,
)
from khazana.cli.usage import WrongArguments
from khazana.custody.drafting.batch import read_batch
from khazana.custody.drafting.lookalikes import KnownAddresses
from khazana.custody.orders import events as ev
from khazana.custody.orders.checks import CheckOutcome, Situation, check, checked_event
from khazana.custody.orders.log import OrderLog, delivery_alarms, overrides_due
from khazana.custody.orders.order import Kind, Payment, record
from khazana.custody.orders.order_file import read_order, write_order
from khazana.custody.orders.request_file import Drafter, read_request
from khazana.custody.orders.signing import drafted_order, sign_order
from khazana.custody.orders.state import OrderState
from khazana.ledger.canonical import canonical_bytes
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.dsse import Envelope
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.table import printable
from khazana.units import Sats, btc_from_sats

EXIT_REFUSED = 1
CHECK_DESCRIPTION = (
    "Hold an order against every rule of spending.toml and every condition of the lender, each "
    "computed as if the order were booked. Says which rule refuses it, by how much, and the "
    "largest order that all of them would let pass. Exit status 1 when it is refused. The outcome "
    "is logged either way."
)


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "orders", help="orders to pay or buy: draft, check, approve, release, book"
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    draft = actions.add_parser("draft", help="make an order from a request (TOML) and sign it")
    draft.add_argument("request", metavar="FILE", type=Path, nargs="?")
    draft.add_argument("--key", metavar="FILE", type=Path, help="the drafter's")
    draft.add_argument(
        "--sign-to", metavar="FILE", type=Path, help="write the signed order here, log nothing"
    )
    draft.add_argument(
        "--envelope", metavar="FILE", type=Path, help="log an order that was signed elsewhere"
    )
    draft.add_argument(
        "--batch",
        metavar="CSV",
        type=Path,
        help="more: address,amount_btc,label,reference",
    )
    draft.add_argument("--out", metavar="FILE", type=Path, help="write the order here as well")
    add_desk_arguments(draft)
    draft.set_defaults(run=run_draft)
    _register_check(actions)
    register_sign(actions)
    register_psbt(actions)
    register_chain(actions)
    show = actions.add_parser("show", help="list the orders, or show one with its figures")
    show.add_argument("order", metavar="ORDER", nargs="?")
    show.add_argument("--json", action="store_true", help="print it for programs")
    add_desk_arguments(show)
    show.set_defaults(run=run_show)
    log = actions.add_parser("log", help="judge every line of the log again, and print it")
    log.add_argument("--head", metavar="HASH", help="the last hash noted before must be in it")
    log.add_argument("--order", metavar="ORDER", help="print the events of this order only")
    add_desk_arguments(log)
    log.set_defaults(run=run_log)
    due = actions.add_parser(
        "due", help="what is late: coins paid for and not delivered, overrides to publish"
    )
    add_desk_arguments(due)
    due.set_defaults(run=run_due)


def _register_check(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "check", help="hold an order against all rules", description=CHECK_DESCRIPTION
    )
    parser.add_argument("order", metavar="ORDER")
    parser.add_argument("--by", metavar="NAME", required=True, help="who makes the check")
    parser.add_argument(
        "--memorandum", metavar="FILE", action="append", default=[], help=MEMORANDUM_HELP
    )
    parser.add_argument("--chain", metavar="SOURCE", help=CHAIN_HELP)
    parser.add_argument("--from", dest="after", metavar="BLOCK", help="opening block of the books")
    parser.add_argument("--to", dest="until", metavar="BLOCK", help="closing block of the books")
    parser.add_argument("--statistics", metavar="CSV", type=Path, help="entered figures")
    parser.add_argument("--liabilities", metavar="CSV", type=Path, help="what clients are owed")
    add_desk_arguments(parser)
    parser.set_defaults(run=run_check)


def run_draft(args: argparse.Namespace) -> int:
    desk = desk_of(args)
    if args.envelope is not None:
        if args.request or args.key or args.batch or args.out or args.sign_to:
            problem = "--envelope stands alone: the order in it is made and signed"
            raise WrongArguments(command="orders draft", problem=problem)
        return _log_draft(desk, read_envelope_file(args.envelope))
    if args.request is None or args.key is None:
        problem = "give a request with --key, or --envelope"
        raise WrongArguments(command="orders draft", problem=problem)
    private = read_key(args.key)
    at = now()
    drafter = Drafter(
        desk.identity.fingerprint, desk.file.network, key_id(public_bytes(private)), at
    )
    raw = read_bytes(args.request, most=MOST_OFFICE_BYTES)
    batch = () if args.batch is None else _batch(args.batch, desk)
    order = read_request(str(args.request), raw, drafter, batch=batch)
    # Read back what would be signed: an order that its own reader refuses must not be logged.
    read_order(write_order(order))
    signed = sign_order(order, private)
    if args.sign_to is not None:
        write_whole(args.sign_to, canonical_bytes(signed.to_json()) + b"\n", replace=False)
        _notice(desk)
        print(f"order {order.id}, {btc_from_sats(order.sats)} BTC: signed to {args.sign_to}")
        return 0
    envelope = ev.envelope_file(signed)
    holder = desk.parties.holder(order.id, order.drafter)
    desk.add(ev.Drafted(**desk.heading(order.id, holder, at=at), envelope=envelope))
    if args.out is not None:
        write_whole(args.out, write_order(order), replace=False)
    _notice(desk)
    print(f"order {order.id} drafted by {holder}: {btc_from_sats(order.sats)} BTC")
    print(f"hash {order.digest}")
    return 0


def _log_draft(desk: OrderDesk, envelope: Envelope) -> int:
    """Log an order that its drafter signed on another machine."""
    at = now()
    order = drafted_order(envelope, desk.parties, role=desk.rules.draft_role, at=at)
    holder = desk.parties.holder(order.id, order.drafter)
    heading = desk.heading(order.id, holder, at=at)
    desk.add(ev.Drafted(**heading, envelope=ev.envelope_file(envelope)))
    _notice(desk)
    print(f"order {order.id} drafted by {holder}: {btc_from_sats(order.sats)} BTC")
    print(f"hash {order.digest}")
    return 0


def _batch(path: Path, desk: OrderDesk) -> tuple[Payment, ...]:
    """The payments of a table; refused whole, with every row that is wrong or a look-alike."""
    network = desk.file.network
    shown = ((address_of(script, network), name) for script, name in desk.scripts.items())
    known = KnownAddresses(own={address: name for address, name in shown if address})
    raw = read_bytes(path, most=MOST_OFFICE_BYTES)
    return tuple(
        Payment(each.address, each.script, each.amount, f"{each.label} {each.reference}".strip())
        for each in read_batch(str(path), raw, network=network, known=known)
    )


def run_check(args: argparse.Namespace) -> int:
    desk = desk_of(args)
    chain = chain_for(desk, args) if args.chain else None
    conditions, height = lender_of(args, desk, chain)
    at = now()
    log = desk.log()
    state = log.order(args.order)
    situation = Situation(
        at=at,
        zone=desk.zone,
        version=desk.identity.newest,
        scripts=desk.scripts,
        others=log.others(args.order),
        held=None if chain is None else held_now(desk, chain),
        conditions=conditions,
        books_height=height,
        lanes=desk.lanes,
    )
    outcome = check(state, desk.rules, situation)
    after = desk.add(checked_event(state, outcome, desk.rules, at=at, by=args.by))
    _notice(desk)
    print("\n".join(map(printable, _outcome(outcome))))
    print(f"order {args.order} is {after.status.value}")
    return 0 if set(after.failed) <= set(after.overridden) else EXIT_REFUSED


def _outcome(outcome: CheckOutcome) -> Iterator[str]:
    for each in outcome.results:
        word = "refused" if not each.passed else "warning" if each.warning else "passed"
        yield f"{word}: {each.rule}: {each.why}"
    if not outcome.passed:
        yield largest_words(outcome.largest)


def largest_words(largest: Sats | None) -> str:
    """The largest order that passes everything, for people.

    >>> largest_words(Sats(0))
    'no amount would pass'
    """
    if largest is None:
        return "an order of any size would pass"
    if largest == 0:
        return "no amount would pass"
    return (
        f"the largest order that would pass everything: {largest} sat, {btc_from_sats(largest)} BTC"
    )


def run_show(args: argparse.Namespace) -> int:
    desk = desk_of(args)
    log = desk.log()
    if args.json:
        states = [log.order(args.order)] if args.order else list(log.orders.values())
        content = [_as_json(state) for state in states]
        notice = TEST_NOTICE if desk.test else None
        json.dump({"notice": notice, "orders": content}, sys.stdout, ensure_ascii=False, indent=2)
        print()
        return 0
    _notice(desk)
    if args.order is None:
        for state in log.orders.values():
            print(_line(state))
        print(f"{len(log.orders)} orders")
        return 0
    print("\n".join(map(printable, _shown(log, log.order(args.order)))))
    return 0


def _line(state: OrderState) -> str:
    order = state.order
    return (
        f"{order.id}  {state.status.value:<9}  {order.kind.value:<8}  "
        f"{btc_from_sats(order.sats)} BTC  {order.purpose}"
    )


def _shown(log: OrderLog, state: OrderState) -> Iterator[str]:
    order = state.order
    yield _line(state)
    yield f"  hash {order.digest}"
    yield f"  {order.reason.value}, wallet {order.account}, drafted by {state.drafter}"
    for each in order.payments:
        yield f"  {each.sats} sat to {each.address} {each.label}".rstrip()
    if order.purchase is not None:
        bought = order.purchase
        cost = bought.quote.total
        yield f"  {bought.sats} sat from {bought.quote.dealer} for {cost.major} {cost.currency}"
        yield f"  to {bought.address} by {bought.deliver_by}; {state.delivered_sats} sat came"
    for attempt in state.attempts:
        sent = "sent" if attempt.sent_at else "signed" if attempt.final else "not signed"
        yield f"  {attempt.purpose.value} {attempt.facts.txid}, fee {attempt.facts.fee} sat, {sent}"
    if state.check is not None:
        for result in state.check.results:
            if not result.passed:
                yield f"  refused by {result.rule}: {result.why}"
        for need in state.check.needed:
            given = {a.holder for a in state.counting if need.role in a.roles}
            yield f"  {len(given)} of {need.count} {need.role}: {', '.join(sorted(given)) or '-'}"
    for override in state.overrides:
        told = override.published or f"to be published by {override.publish_on}"
        yield (
            f"  overridden by {', '.join(override.signed.holders)}: "
            f"{', '.join(override.signed.rules)}, because: {override.signed.reason} ({told})"
        )


def _as_json(state: OrderState) -> dict[str, object]:
    order = state.order
    return {
        "order": record(order),
        "digest": order.digest,
        "kind": order.kind.value,
        "status": state.status.value,
        "drafted_by": state.drafter,
        "approved_by": list(state.approvers if order.kind is Kind.PURCHASE or state.txid else ()),
        "refused_by": list(state.failed),
        "overridden": list(state.overridden),
        "largest_sat": state.check.largest_sat if state.check else None,
        "txid": state.confirmed_txid or state.txid,
        "delivered_sat": state.delivered_sats,
    }


def run_log(args: argparse.Namespace) -> int:
    desk = desk_of(args)
    log = desk.log(head=args.head)
    _notice(desk)
    for event in log.events():
        if args.order in (None, event.order):
            said = f"{event.at} {event.order} {ev.event_name(event)} by {event.by}{_detail(event)}"
            print(printable(said))
    print(f"{len(log.lines) - 1} events, every line and signature judged; last hash {log.head}")
    return 0


def _detail(event: ev.Event) -> str:
    if isinstance(event, ev.Checked) and not event.passed:
        return ": refused by " + ", ".join(r.rule for r in event.results if not r.passed)
    if isinstance(event, ev.Attempted):
        return f": {event.what} refused ({event.code}): {event.why}"
    if isinstance(event, ev.Declined):
        return f": {event.reason}"
    return ""


def run_due(args: argparse.Namespace) -> int:
    desk = desk_of(args)
    log, today = desk.log(), now().astimezone(desk.zone).date()
    _notice(desk)
    found = 0
    for alarm in delivery_alarms(log, today):
        found += 1
        print(alarm)
    for due in overrides_due(log, today):
        found += 1
        signed = due.override.signed
        print(
            f"order {due.order}: the override by {', '.join(signed.holders)} of "
            f"{', '.join(signed.rules)} was to be published by {due.override.publish_on}: "
            f"{due.late_days} days late"
        )
    print(f"{found} late on {today}")
    return EXIT_REFUSED if found else 0


def _notice(desk: OrderDesk) -> None:
    if desk.test:
        print(TEST_NOTICE)
