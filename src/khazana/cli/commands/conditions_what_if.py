"""`khazana conditions what-if`: each condition as it would stand with one more booking."""

import argparse
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from khazana.cli.clock import now
from khazana.cli.condition_inputs import add_input_arguments, inputs_of
from khazana.cli.memoranda import MEMORANDUM_HELP, linted
from khazana.cli.usage import WrongArguments
from khazana.conditions.as_if_booked import as_if_booked
from khazana.conditions.exact import amount_text
from khazana.conditions.preview import AsIfBooked, Preview
from khazana.ledger.documents import Reason
from khazana.statement.checks import TEST_NOTICE
from khazana.units import Sats, sats_from_btc

COMMAND = "conditions what-if"
EXIT_BREACHED = 1
REASONS = tuple(reason.value for reason in Reason if reason.from_document and reason.direction)


@dataclass(frozen=True)
class Booking:
    """One supposed booking (`khazana.conditions.preview.ProposedBooking`)."""

    reason: Reason
    account: str
    sats: Sats
    day: date
    counter_account: str | None
    paid_from: str | None
    cost: Decimal | None
    currency: str | None


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "what-if",
        help="each condition as it would stand with one more booking",
        description="Compute every condition that a booking would touch, before and after it, with "
        "the largest that would pass. Nothing is written. Exit status 1 when a criterion would be "
        "breached, or nothing can be said of one.",
    )
    parser.add_argument("file", metavar="FILE", help=MEMORANDUM_HELP)
    parser.add_argument("--reason", required=True, choices=REASONS)
    parser.add_argument("--account", required=True, metavar="ID", help="a wallet or account")
    parser.add_argument("--btc", required=True, metavar="AMOUNT", help="above zero")
    parser.add_argument("--counter-account", metavar="ID")
    parser.add_argument("--paid-from", metavar="POCKET", help="as [[effect]] names it")
    parser.add_argument("--cost", metavar="MONEY", help="in major units of --currency")
    parser.add_argument("--currency", metavar="CODE")
    parser.add_argument("--day", metavar="DATE", type=date.fromisoformat, help="(default: today)")
    add_input_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the lines for programs")
    parser.set_defaults(run=run, today=None)


def run(args: argparse.Namespace) -> int:
    memorandum = linted(args.file)
    booking = _booking(args)
    inputs, test = inputs_of(args, memorandum, command=COMMAND)
    preview = as_if_booked(memorandum, inputs, booking)
    notices = [n for n in (TEST_NOTICE if test else None, memorandum.notice) if n]
    if args.json:
        print(json.dumps(_document(preview, memorandum.id, notices), ensure_ascii=False, indent=2))
    else:
        print("\n".join([*notices, *(_said(line) for line in preview.lines)]))
        if not preview.lines:
            print("no condition is touched")
    return 0 if preview.passes else EXIT_BREACHED


def _booking(args: argparse.Namespace) -> Booking:
    try:
        sats = sats_from_btc(Decimal(args.btc))
        cost = None if args.cost is None else Decimal(args.cost)
    except (ValueError, InvalidOperation) as error:
        raise WrongArguments(command=COMMAND, problem=str(error)) from error
    if sats <= 0:
        raise WrongArguments(command=COMMAND, problem="--btc is above zero")
    if cost is not None and not (cost.is_finite() and cost > 0):
        raise WrongArguments(command=COMMAND, problem="--cost is an amount of money above zero")
    if (cost is None) != (args.currency is None):
        raise WrongArguments(command=COMMAND, problem="give --cost and --currency together")
    return Booking(
        reason=Reason(args.reason),
        account=args.account,
        sats=sats,
        day=args.day or now().date(),
        counter_account=args.counter_account,
        paid_from=args.paid_from,
        cost=cost,
        currency=args.currency,
    )


def _said(line: AsIfBooked) -> str:
    figures = f"{_text(line.before)} before, {_text(line.after)} after, limit {_text(line.limit)}"
    largest = "" if line.largest_sats is None else f"; the largest that passes: {line.largest_sats}"
    return f"{line.condition}: {line.verdict.value}\n  {figures} {line.unit}{largest}\n  {line.why}"


def _text(amount: Decimal | None) -> str:
    return "not known" if amount is None else amount_text(amount)


def _document(preview: Preview, memorandum: str, notices: list[str]) -> dict[str, object]:
    return {
        "format": "khazana.what-if/1",
        "memorandum": memorandum,
        "notices": notices,
        "passes": preview.passes,
        "largest_sats": preview.largest_sats,
        "lines": [
            {
                "condition": line.condition,
                "kind": line.kind.value,
                "unit": line.unit,
                "before": _text(line.before),
                "after": _text(line.after),
                "limit": _text(line.limit),
                "headroom": _text(line.headroom),
                "verdict": line.verdict.name,
                "refuses": line.refuses,
                "largest_sats": line.largest_sats,
                "why": line.why,
            }
            for line in preview.lines
        ],
    }
