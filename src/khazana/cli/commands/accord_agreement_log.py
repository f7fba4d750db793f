"""`khazana accord agreement join` and `status`: an agreement for the log, and what came of it."""

import argparse
from datetime import UTC, date, datetime, time
from pathlib import Path

from khazana.accord.agreement.evidence import shown_by
from khazana.accord.agreement.published import published_in
from khazana.accord.agreement.read import read_agreement
from khazana.accord.agreement.signed import signed_agreement
from khazana.accord.agreement.status import Status, standings
from khazana.accord.feed.errors import FeedRefused
from khazana.accord.feed.paths import OFFICE
from khazana.accord.feed.view import FeedView, feed_view
from khazana.cli.clock import now
from khazana.cli.files import (
    MOST_OFFICE_BYTES,
    FileNotUsable,
    naming,
    read_bytes,
    write_whole,
)
from khazana.cli.log_folder import DiskFolder
from khazana.cli.usage import WrongArguments
from khazana.ledger.canonical import parse_strict
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.dsse import read_envelope
from khazana.statement.table import printable
from khazana.statement.times import write_instant

EXIT_BROKEN = 1


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    join = steps.add_parser(
        "join",
        help="text, signatures and minutes as one file for `khazana accord publish`",
        description="Each party publishes the file with its own signatures in its own log.",
    )
    join.add_argument("file", metavar="FILE", type=Path)
    join.add_argument("--signature", metavar="FILE", type=Path, action="append", required=True)
    join.add_argument(
        "--minutes", metavar="FILE", type=Path, action="append", default=[],
        help="minutes of a visit that the agreement records: text in UTF-8",
    )  # fmt: skip
    join.add_argument("--out", metavar="FILE", type=Path, required=True)
    join.set_defaults(run=run_join)
    status = steps.add_parser(
        "status",
        help="whether promises were kept, computed from the parties' logs",
        description="Exit status 1: a promise is overdue or contradicted.",
    )
    status.add_argument("file", metavar="FILE", type=Path)
    status.add_argument(
        "--feed", metavar="DIR", type=Path, action="append", required=True,
        help="a party's feed, or a copy of it; once for each",
    )  # fmt: skip
    status.add_argument("--on", metavar="DAY", help="as of another day than today")
    status.set_defaults(run=run_status)


def run_join(args: argparse.Namespace) -> int:
    envelopes = []
    for path in args.signature:
        with naming(path):
            document = parse_strict(read_bytes(path, most=MOST_OFFICE_BYTES))
            envelopes.append(read_envelope(document))
    text, minutes = _text(args.file), [_text(path) for path in args.minutes]
    with naming(args.file):
        made = signed_agreement(text, envelopes, minutes=minutes)
    write_whole(args.out, made.to_bytes())
    print(f"version {made.agreement.version}, hash {made.agreement.digest}")
    print(f"{len(envelopes)} signatures, {len(minutes)} minutes, written to {args.out}")
    if made.agreement.test:
        print(TEST_NOTICE)
    return 0


def run_status(args: argparse.Namespace) -> int:
    with naming(args.file):
        agreement = read_agreement(args.file.name, read_bytes(args.file, most=MOST_OFFICE_BYTES))
    at = now()
    views = [_view(path, at) for path in args.feed]
    for path, view in zip(args.feed, views, strict=True):
        for each in published_in(DiskFolder(path), view.log, view.office, now=at):
            if each.signed.agreement.digest == agreement.digest:
                when = write_instant(each.by.at)
                print(f"{each.by.party} is bound since {when}, entry {each.index} of its log")
    found = standings(agreement, shown_by(agreement, views), now=_day(args.on) or at)
    for standing in found:
        print(f"{standing.commitment.id}: {printable(standing.sentence())}")
        for shown in standing.rests_on:
            print(f"  rests on entry {shown.index} of {shown.by}, {write_instant(shown.at)}")
    if agreement.test:
        print(TEST_NOTICE)
    broken = {Status.OVERDUE, Status.CONTRADICTED}
    return EXIT_BROKEN if any(each.status in broken for each in found) else 0


def _view(path: Path, at: datetime) -> FeedView:
    view = feed_view(DiskFolder(path), now=at)
    if view is None:
        raise FeedRefused(path=OFFICE, problem=f"{path} is no feed, nor a copy of one")
    return view


def _day(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(12), tzinfo=UTC)
    except ValueError:
        problem = f"{text!r} is no day such as 2026-12-31"
        raise WrongArguments(command="accord agreement status", problem=problem) from None


def _text(path: Path) -> str:
    try:
        return read_bytes(path, most=MOST_OFFICE_BYTES).decode()
    except UnicodeDecodeError as error:
        raise FileNotUsable(path=str(path), problem=f"it is not UTF-8: {error.reason}") from error
