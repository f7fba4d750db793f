"""`khazana orders approve`, `override`, `decline`, `publish`: what people sign or say."""

import argparse
from datetime import datetime
from pathlib import Path

from khazana.bitcoin.address import address_of
from khazana.cli.clock import now
from khazana.cli.files import MOST_OFFICE_BYTES, naming, read_bytes, write_whole
from khazana.cli.keys import read_key
from khazana.cli.order_desk import OrderDesk, add_desk_arguments, desk_of
from khazana.cli.usage import WrongArguments
from khazana.custody.orders import events as ev
from khazana.custody.orders.checks import Situation, check, disagreements, require_current
from khazana.custody.orders.errors import CheckDisagrees
from khazana.custody.orders.log import OrderLog
from khazana.custody.orders.machine import publication_day
from khazana.custody.orders.signing import (
    OVERRIDE_PAYLOAD_TYPE,
    approve,
    override,
    read_override_words,
)
from khazana.custody.orders.state import AttemptPurpose, OrderState
from khazana.custody.orders.transaction import facts_of, require_shown
from khazana.custody.orders.transitions import AFTER, impossible
from khazana.custody.psbt_files import MOST_BYTES, psbt_of_file
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.dsse import Envelope, joined, read_envelope, sign
from khazana.statement.table import printable
from khazana.units import btc_from_sats


def register_sign(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    approval = actions.add_parser(
        "approve",
        help="sign that an order and its transaction may go out",
        description="Approve exactly this order and this transaction. With --out the signature is "
        "written to a file, on a machine without a network; with --envelope such a file is logged.",
    )
    approval.add_argument("order", metavar="ORDER")
    approval.add_argument("--key", metavar="FILE", type=Path)
    approval.add_argument("--envelope", metavar="FILE", type=Path)
    approval.add_argument("--out", metavar="FILE", type=Path)
    approval.add_argument(
        "--psbt",
        metavar="FILE",
        type=Path,
        help="the attached PSBT, to see for yourself what the inputs spend",
    )
    add_desk_arguments(approval)
    approval.set_defaults(run=run_approve)
    over = actions.add_parser(
        "override",
        help="let a refused order pass: two signatures, a reason, published later",
        description="The first signer gives --reason and writes --out; the second signs the same "
        "words with --envelope and --key. With two --key at one machine it is one step.",
    )
    over.add_argument("order", metavar="ORDER")
    over.add_argument("--key", metavar="FILE", type=Path, action="append", default=[])
    over.add_argument("--reason", metavar="TEXT")
    over.add_argument("--envelope", metavar="FILE", type=Path, action="append", default=[])
    over.add_argument("--out", metavar="FILE", type=Path)
    add_desk_arguments(over)
    over.set_defaults(run=run_override)
    decline = actions.add_parser("decline", help="say no to an order, or to its replacement")
    decline.add_argument("order", metavar="ORDER")
    decline.add_argument("--reason", metavar="TEXT", required=True)
    decline.add_argument("--by", metavar="NAME", required=True)
    add_desk_arguments(decline)
    decline.set_defaults(run=run_decline)
    publish = actions.add_parser("publish", help="log that an override was made public, and where")
    publish.add_argument("order", metavar="ORDER")
    publish.add_argument("--where", metavar="TEXT", required=True)
    publish.add_argument("--by", metavar="NAME", required=True)
    add_desk_arguments(publish)
    publish.set_defaults(run=run_publish)
    expire = actions.add_parser("expire", help="log that an order's time has passed")
    expire.add_argument("order", metavar="ORDER")
    expire.add_argument("--by", metavar="NAME", required=True)
    add_desk_arguments(expire)
    expire.set_defaults(run=run_expire)


def run_approve(args: argparse.Namespace) -> int:
    if (args.key is None) == (args.envelope is None):
        problem = "give --key to sign, or --envelope to log what was signed elsewhere"
        raise WrongArguments(command="orders approve", problem=problem)
    if args.psbt is not None and args.key is None:
        problem = "--psbt is for the machine that signs, beside --key"
        raise WrongArguments(command="orders approve", problem=problem)
    desk = desk_of(args)
    _notice(desk)
    at = now()
    log = desk.log()
    state = log.order(args.order)
    if args.key is not None:
        _look(desk, log, state, at)
        _look_into(args.psbt, desk, state)
        envelope = approve(
            state.order,
            state.facts,
            read_key(args.key),
            desk.parties,
            overridden=state.relied_on,
            at=at,
        )
    else:
        envelope = read_envelope_file(args.envelope)
    if args.out is not None:
        write_whole(args.out, canonical_bytes(envelope.to_json()) + b"\n", replace=False)
        print(f"order {args.order}, {btc_from_sats(state.order.sats)} BTC: signed to {args.out}")
        return 0
    key = envelope.signatures[0].key
    by = desk.rules.holders.get(key, f"key {key}")
    after = desk.add(
        ev.Approved(**desk.heading(args.order, by, at=at), envelope=ev.envelope_file(envelope))
    )
    given = ", ".join(sorted({each.holder for each in after.counting}))
    print(f"order {args.order} is {after.status.value}; approved by {given}")
    return 0


def _look(desk: OrderDesk, log: OrderLog, state: OrderState, at: datetime) -> None:
    """Show what is about to be signed; refuse what the rules refuse on this machine."""
    situation = Situation(
        at=at,
        zone=desk.zone,
        version=desk.identity.newest,
        scripts=desk.scripts,
        others=log.others(state.order.id),
        lanes=desk.lanes,
    )
    if state.status not in AFTER["approved"]:
        raise impossible(state, "approved", AFTER["approved"])
    broken = disagreements(state, check(state, desk.rules, situation))
    if broken:
        rules = "; ".join(f"{each.rule} ({each.why})" for each in broken)
        raise CheckDisagrees(order=state.order.id, rules=rules)
    require_current(state, desk.rules, desk.identity.newest)
    order, facts = state.order, state.facts
    print(f"{order.purpose}: {order.kind.value} of {btc_from_sats(order.sats)} BTC")
    if facts is not None:
        for vout, output in enumerate(facts.unsigned.outputs):
            to = address_of(output.script, order.network) or output.script.hex()
            print(f"  {output.amount} sat to {to}{' (change)' if vout in facts.change else ''}")
        print(f"  {facts.fee} sat to the miners")
    for rule in state.relied_on:
        print(f"  against {rule}, overridden")


def _look_into(path: Path | None, desk: OrderDesk, state: OrderState) -> None:
    """Hold what the log says of the inputs against the transactions that the PSBT carries."""
    facts, attempt = state.facts, state.attempt
    if facts is None or attempt is None:
        if path is not None:
            problem = f"order {state.order.id} has no transaction that {path} could be"
            raise WrongArguments(command="orders approve", problem=problem)
        return
    if path is None:
        print("  what the inputs spend, and so the fee, is the log's word; --psbt FILE shows it")
        return
    with naming(path):
        psbt = psbt_of_file(read_bytes(path, most=MOST_BYTES))
    shown = facts_of(
        state.order,
        psbt,
        wallet_scripts=desk.wallet_scripts(state.order.account),
        child_of=facts if attempt.purpose is AttemptPurpose.CHILD else None,
    )
    require_shown(state.order, facts, shown)
    print(f"  {path}: every input spends what the log says")


def run_override(args: argparse.Namespace) -> int:
    if not args.key and not args.envelope:
        problem = "give --key with --reason, or --envelope"
        raise WrongArguments(command="orders override", problem=problem)
    if bool(args.envelope) == bool(args.reason):
        problem = "the first signer gives --reason; with --envelope the words are in the file"
        raise WrongArguments(command="orders override", problem=problem)
    desk = desk_of(args)
    _notice(desk)
    at = now()
    state = desk.log().order(args.order)
    envelopes = [read_envelope_file(path) for path in args.envelope]
    for each in envelopes:
        read_override_words(each, state.order, state.facts, desk.parties, at)
    for path in args.key:
        private = read_key(path)
        envelopes.append(
            sign(OVERRIDE_PAYLOAD_TYPE, envelopes[0].payload, private)
            if envelopes
            else override(
                state.order,
                state.facts,
                private,
                desk.parties,
                rules=state.failed,
                reason=args.reason,
                at=at,
            )
        )
    if any(each.payload != envelopes[0].payload for each in envelopes):
        problem = "the envelopes are over different words; sign the first one's with --envelope"
        raise WrongArguments(command="orders override", problem=problem)
    together = joined(envelopes)
    rules, reason = read_override_words(together, state.order, state.facts, desk.parties, at)
    words = f"order {args.order}: to pass against {', '.join(rules)}, because: {reason}"
    print(printable(words))
    if args.out is not None:
        write_whole(args.out, canonical_bytes(together.to_json()) + b"\n", replace=False)
        print(f"{len(together.signatures)} signature(s) written to {args.out}")
        return 0
    days = state.check.publish_after_days if state.check else None
    publish_on = publication_day(at, days or 0)
    holders = desk.rules.holders
    by = ", ".join(sorted({holders.get(s.key, f"key {s.key}") for s in together.signatures}))
    heading = desk.heading(args.order, by, at=at)
    after = desk.add(
        ev.Overridden(
            **heading, envelope=ev.envelope_file(together), publish_on=publish_on.isoformat()
        )
    )
    print(f"order {args.order} is {after.status.value}; to be published by {publish_on}")
    return 0


def run_decline(args: argparse.Namespace) -> int:
    desk = desk_of(args)
    after = desk.add(ev.Declined(**desk.heading(args.order, args.by), reason=args.reason))
    _notice(desk)
    print(f"order {args.order} is {after.status.value}")
    return 0


def run_publish(args: argparse.Namespace) -> int:
    desk = desk_of(args)
    desk.add(ev.Published(**desk.heading(args.order, args.by), where=args.where))
    _notice(desk)
    print(f"order {args.order}: published in {args.where}")
    return 0


def run_expire(args: argparse.Namespace) -> int:
    desk = desk_of(args)
    after = desk.add(ev.Expired(**desk.heading(args.order, args.by)))
    _notice(desk)
    print(f"order {args.order} is {after.status.value}")
    return 0


def read_envelope_file(path: Path) -> Envelope:
    """The signature that a person made on another machine."""
    raw = read_bytes(path, most=MOST_OFFICE_BYTES)
    with naming(path):
        return read_envelope(parse_strict(raw))


def _notice(desk: OrderDesk) -> None:
    if desk.test:
        print(TEST_NOTICE)
