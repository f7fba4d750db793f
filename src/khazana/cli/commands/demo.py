"""`khazana demo`: two states' programmes on a test chain, then where to look."""

import argparse
import os
from datetime import date
from pathlib import Path

from khazana.cli.clock import now
from khazana.cli.extras import needs_extra

ONCE_VARIABLE = "KHAZANA_DEMO_ONCE"
DEFAULT_DAYS = 730
FIRST_PAGES_PORT = 8000


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "demo",
        help="play two states' programmes on a test chain and verify them",
        description="Play two states' Bitcoin offices on an embedded test network, verify their "
        "statements in a separate process, and show what becomes of a dishonest one. Test network, "
        "invented figures.",
    )
    parser.add_argument(
        "--dir", metavar="DIR", type=Path, default=Path("demo"), help="(default: %(default)s)"
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help=f"stop after the verifications instead of serving on (also {ONCE_VARIABLE}=1)",
    )
    parser.add_argument(
        "--days", type=int, default=DEFAULT_DAYS, help="daily blocks (default: %(default)s)"
    )
    parser.add_argument(
        "--ends",
        metavar="DATE",
        type=date.fromisoformat,
        help="the last day, YYYY-MM-DD, for a chain that can be repeated (default: today)",
    )
    parser.add_argument(
        "--port", type=int, default=3002, help="of the Esplora API (default: %(default)s)"
    )
    parser.add_argument(
        "--pages",
        metavar="PORT",
        type=int,
        default=FIRST_PAGES_PORT,
        help="of Pakistan's pages; El Salvador's are on the next one; 0: any two free ones "
        "(default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    with needs_extra("devnet"):
        from khazana.cli.demo.play import play
    once = bool(args.once) or os.environ.get(ONCE_VARIABLE) == "1"
    return play(
        args.dir,
        days=args.days,
        ends=args.ends,
        port=args.port,
        pages=None if once else args.pages,
        now=now(),
    )
