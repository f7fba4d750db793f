"""`khazana audit-log`: check a portal's audit log from its file alone, without the portal."""

import argparse
import re
from pathlib import Path

from khazana.cli.files import FileNotUsable, naming
from khazana.cli.usage import WrongArguments
from khazana.statement.acts import Act, Head, read_acts, require_continuation, require_head
from khazana.statement.times import write_instant

HELP = "check the audit log that a portal's staff desk exported"
MOST_LOG_BYTES = 1 << 30
_HEAD = re.compile(r"([1-9][0-9]{0,14}):([0-9a-f]{64})")


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("audit-log", help=HELP)
    parser.add_argument("file", metavar="FILE", type=Path, help="the exported log")
    parser.add_argument(
        "--older", metavar="FILE", type=Path, help="an older export that this one must continue"
    )
    parser.add_argument(
        "--head", metavar="NUMBER:DIGEST", help="an act that was noted down and must be in it"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    head = None
    if args.head is not None:
        found = _HEAD.fullmatch(args.head)
        if found is None:
            problem = "--head is a number, a colon and 64 hex digits, as the export printed it"
            raise WrongArguments(command="audit-log", problem=problem)
        head = Head(int(found[1]), found[2])
    with naming(args.file):
        acts = _read(args.file)
        older = [] if args.older is None else _read(args.older)
        require_continuation(older, acts)
        if head is not None:
            require_head(acts, head)
    last = acts[-1]
    print(f"{args.file}: {len(acts)} acts, {write_instant(acts[0].at)} to {write_instant(last.at)}")
    print(f"chain unbroken; last act {Head(last.number, last.digest)}")
    if args.older is not None:
        print(f"continues {args.older} ({len(older)} acts)")
    if args.older is None and head is None:
        print("acts cut off at the end are not seen without --older or --head")
    return 0


def _read(path: Path) -> list[Act]:
    try:
        if path.stat().st_size > MOST_LOG_BYTES:
            raise FileNotUsable(path=str(path), problem=f"larger than {MOST_LOG_BYTES} bytes")
        with path.open("rb") as file:
            return list(read_acts(file))
    except OSError as error:
        raise FileNotUsable(path=str(path), problem=error.strerror or str(error)) from error
