"""`khazana ledger`: export a statement's journal for bookkeeping programs."""

import argparse
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from khazana.cli.chains import add_chain_argument, chain_of
from khazana.cli.files import MOST_STATEMENT_BYTES, read_bytes, write_whole
from khazana.ledger.journal import journal_csv
from khazana.ledger.journal_beancount import journal_beancount
from khazana.reserve.journal import blocks_of_journal, journal_of_statement
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.checks import TEST_NOTICE
from khazana.units import BlockHash


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("ledger", help="bookkeeping: export the journal")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    journal = actions.add_parser(
        "journal", help="write a full statement's journal as CSV or for beancount"
    )
    journal.add_argument("file", metavar="FILE", type=Path, help="a full statement")
    add_chain_argument(journal)
    journal.add_argument("--format", choices=["csv", "beancount"], default="csv")
    journal.add_argument("--out", metavar="FILE", type=Path, help="(default: print it)")
    journal.set_defaults(run=run_journal)


def run_journal(args: argparse.Namespace) -> int:
    statement = read_reserve_statement(read_bytes(args.file, most=MOST_STATEMENT_BYTES))
    chain = chain_of(args)
    zone = ZoneInfo(statement.header.period.timezone)
    days: dict[BlockHash, date] = {}
    for block in blocks_of_journal(statement):
        header = chain.headers(block.height, block)[0]
        days[block.hash] = datetime.fromtimestamp(header.time, tz=UTC).astimezone(zone).date()
    journal = journal_of_statement(statement, days)
    notice = TEST_NOTICE if statement.header.test else statement.header.office.notice
    if args.format == "csv":
        text = journal_csv(journal, notice=notice)
    else:
        title = statement.header.office.name.get("en", statement.header.office.id)
        text = journal_beancount(journal, title=title, notice=notice)
    if args.out is None:
        sys.stdout.write(text)
    else:
        write_whole(args.out, text.encode())
        print(f"{len(journal.lines)} lines written to {args.out}")
        if notice:
            print(notice)
    return 0
