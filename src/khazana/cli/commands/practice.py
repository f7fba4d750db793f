"""`khazana practice`: an office of one's own on a test chain, to learn the desk in."""

import argparse
import signal
from importlib.util import find_spec
from pathlib import Path
from threading import Event

from khazana.cli.extras import ExtraNotInstalled, needs_extra

HELP = "a test chain, a staff desk and public pages on this machine, to practise in"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "practice",
        help=HELP,
        description="Run an office on an embedded test network: staff desk, worker and public "
        "pages on this machine, with links for four people. Test network, invented figures.",
    )
    parser.add_argument(
        "--dir", metavar="DIR", type=Path, default=Path("practice"), help="(default: %(default)s)"
    )
    for name, port, what in (
        ("chain", 3003, "the test chain"),
        ("desk", 8010, "the staff desk"),
        ("pages", 8011, "the public pages"),
    ):
        parser.add_argument(
            f"--{name}-port", metavar="PORT", type=int, default=port,
            help=f"of {what}; 0: any free one (default: %(default)s)",
        )  # fmt: skip
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if find_spec("django") is None:
        raise ExtraNotInstalled(extra="portal", module="django")
    with needs_extra("devnet"):
        from khazana.cli.practice import Ports, practise
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    ports = Ports(chain=args.chain_port, desk=args.desk_port, pages=args.pages_port)
    return practise(args.dir.absolute(), ports, stop=stop)
