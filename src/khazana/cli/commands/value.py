"""`khazana statement value`: what a statement's holdings are worth, in a file of its own."""

import argparse
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from khazana.cli.chains import CHAIN_HELP, chain_of
from khazana.cli.files import (
    MOST_PRICE_BYTES,
    MOST_STATEMENT_BYTES,
    read_bytes,
    write_whole,
)
from khazana.cli.offices import office_file
from khazana.cli.usage import WrongArguments
from khazana.ledger.document_file import read_document_file
from khazana.ledger.money import minor_digits
from khazana.ledger.valuation import Quote, read_prices
from khazana.reserve.block_times import block_times, blocks_of_flows
from khazana.reserve.case import Given
from khazana.reserve.opening_cost import with_opening_costs
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.reserve.valuation import valuation_of
from khazana.reserve.valuation_cost import CostInputs, brought_forward
from khazana.reserve.valuation_document import (
    MoneyBody,
    ValuationDocument,
    read_valuation,
    write_valuation,
)
from khazana.reserve.valuation_prices import rules_for
from khazana.statement.times import read_instant
from khazana.units import Sats, btc_from_sats

COMMAND = "statement value"
HOURS_IN_A_YEAR = 366 * 24
DESCRIPTION = (
    "Value what a statement's entities and perimeters hold at cited prices, and write a valuation "
    "that refers to the statement's root. A price that is missing is a finding, never a guess; a "
    "corrected price needs no new signature over the statement."
)


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The action `value` of `khazana statement`."""
    parser = actions.add_parser(
        "value", help="value a statement's holdings at cited prices", description=DESCRIPTION
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the statement")
    parser.add_argument(
        "--prices",
        metavar="CSV",
        type=Path,
        required=True,
        help="at,venue,rule,base,currency,price and, if known, source,file_sha256",
    )
    parser.add_argument(
        "--currency",
        metavar="CODE",
        action="append",
        required=True,
        help="an ISO 4217 currency, such as USD; may be repeated",
    )
    parser.add_argument(
        "--quote",
        nargs=3,
        metavar=("PAIR", "VENUE", "RULE"),
        action="append",
        default=[],
        help='which quote answers for a pair, such as BTC/USD "Venue A" "daily close"; needed '
        "where the table has several",
    )
    parser.add_argument(
        "--max-age",
        metavar="HOURS",
        type=int,
        default=24,
        help="how old a price may be at its instant (default: %(default)s)",
    )
    parser.add_argument(
        "--at",
        metavar="TIME",
        default="close",
        help="when the closing holdings are valued: close (the closing block's median time past) "
        "or a later time such as 2026-11-22T12:00:00Z (default: %(default)s)",
    )
    parser.add_argument(
        "--documents", metavar="FILE", type=Path, help="the documents, to compute costs as well"
    )
    parser.add_argument(
        "--office", metavar="FILE", help="office.toml, which declares how cost is kept"
    )
    parser.add_argument(
        "--previous",
        metavar="FILE",
        type=Path,
        help="the valuation of the statement before, whose costs are brought forward",
    )
    parser.add_argument(
        "--opening-cost",
        metavar="FILE",
        type=Path,
        help="opening-cost.csv: what coins had cost that no earlier valuation knows of",
    )
    parser.add_argument(
        "--chain",
        metavar="SOURCE",
        help=f"for the times of coins nobody paid for; {CHAIN_HELP}",
    )
    parser.add_argument("--out", metavar="FILE", type=Path, required=True)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Value, write, print a table; what could not be valued goes to standard error."""
    currencies = [_currency(code) for code in dict.fromkeys(args.currency)]
    if not 0 <= args.max_age <= HOURS_IN_A_YEAR:
        raise WrongArguments(command=COMMAND, problem=f"--max-age is 0 to {HOURS_IN_A_YEAR} hours")
    if (args.documents is None) != (args.office is None):
        problem = "costs need both --documents FILE and --office FILE"
        raise WrongArguments(command=COMMAND, problem=problem)
    if args.documents is None and (args.previous or args.chain or args.opening_cost):
        options = "--previous, --opening-cost and --chain"
        problem = f"{options} are for costs, which need --documents FILE"
        raise WrongArguments(command=COMMAND, problem=problem)
    statement = read_reserve_statement(read_bytes(args.file, most=MOST_STATEMENT_BYTES))
    prices = read_prices(args.prices.name, read_bytes(args.prices, most=MOST_PRICE_BYTES))
    cost = _cost(args, statement)
    wanted = currencies if cost is None else list(dict.fromkeys([*currencies, cost.currency]))
    rules = rules_for(
        prices,
        wanted,
        decided=[_quote(*words) for words in args.quote],
        max_age=timedelta(hours=args.max_age),
    )
    document = valuation_of(
        statement, prices=prices, rules=rules, currencies=wanted, at=_at(args.at), cost=cost
    )
    raw = write_valuation(document)
    read_valuation(raw)  # an absurd price must not make a file that no reader accepts
    write_whole(args.out, raw)
    print("\n".join(table(document)))
    print(f"\nvaluation of root {document.subject_root} written to {args.out}")
    if document.findings:
        print(f"{len(document.findings)} findings stand in it:", file=sys.stderr)
        for finding in document.findings:
            print(f"  {finding.rule}: {finding.text} ({finding.where})", file=sys.stderr)
    return 0


def table(document: ValuationDocument) -> Iterator[str]:
    """The closing figures for people: each set's own, what stands apart, and costs."""
    if document.notice:
        yield document.notice
    yield f"closing holdings at {document.closing.at}"
    for rate in document.closing.rates:
        for price in rate.prices:
            yield (
                f"  {price.base} {price.price} {price.currency} at {price.venue} ({price.rule}), "
                f"{price.at}, grade {price.grade}"
            )
    for one in document.sets:
        yield ""
        yield one.set
        for label, measure in (
            ("own", one.closing.own),
            ("  of it pledged", one.closing.pledged),
            ("apart: seized", one.closing.seized),
            ("apart: clients'", one.closing.held_for_clients),
        ):
            if label != "own" and not measure.holdings and not measure.recognised:
                continue
            yield _row(label, measure.holdings, measure.value)
            if measure.recognised != measure.holdings:
                yield _row("  recognised", measure.recognised, measure.recognised_value)
    if document.cost is None:
        return
    yield ""
    yield f"cost in {document.cost.currency}, {document.cost.method.replace('_', ' ')}"
    for pool in document.cost.pools:
        fair = pool.fair_value or "not known"
        partly = "" if pool.complete else " (not complete: see the findings)"
        yield (
            f"  {pool.set}: cost {pool.cost}, impaired cost {pool.impaired_cost}, "
            f"fair value {fair}{partly}"
        )


def _row(label: str, amount: int, values: list[MoneyBody]) -> str:
    worth = "  ".join(f"{v.amount or 'not known'} {v.currency}" for v in values)
    return f"  {label:17} {btc_from_sats(Sats(amount)):>18} BTC  {worth}"


def _currency(code: str) -> str:
    if code not in minor_digits():
        raise WrongArguments(command=COMMAND, problem=f"{code} is not a currency of ISO 4217")
    return code


def _quote(pair: str, venue: str, rule: str) -> Quote:
    base, slash, currency = pair.partition("/")
    if not (base and slash and currency):
        problem = f"--quote {pair}: a pair is written BASE/CURRENCY, such as BTC/USD"
        raise WrongArguments(command=COMMAND, problem=problem)
    return Quote(base, currency, venue, rule)


def _at(text: str) -> datetime | None:
    if text == "close":
        return None
    try:
        return read_instant(text)
    except ValueError as error:
        raise WrongArguments(command=COMMAND, problem=f"--at: {error}") from error


def _cost(args: argparse.Namespace, statement: ReserveStatement) -> CostInputs | None:
    if args.documents is None:
        return None
    rules = office_file(args.office).rules
    if rules.cost_method.value != statement.header.cost_method:
        problem = (
            f"{args.office} keeps cost by {rules.cost_method.value}, the statement declares "
            f"{statement.header.cost_method}"
        )
        raise WrongArguments(command=COMMAND, problem=problem)
    opened = read_document_file(read_bytes(args.documents, most=MOST_STATEMENT_BYTES))
    earlier = None
    if args.previous is not None:
        earlier = brought_forward(
            read_valuation(read_bytes(args.previous, most=MOST_STATEMENT_BYTES)), statement
        )
    if args.opening_cost is not None:
        table = read_bytes(args.opening_cost, most=MOST_STATEMENT_BYTES)
        earlier = with_opening_costs(
            earlier, args.opening_cost.name, table, currency=rules.currency
        )
    return CostInputs(
        currency=rules.currency,
        unpaid=rules.unpaid_cost,
        impairment=rules.impairment,
        documents={document.id: Given(document, salt) for document, salt in opened},
        instants={}
        if args.chain is None
        else block_times(chain_of(args), blocks_of_flows(statement)),
        brought_forward=earlier,
    )
