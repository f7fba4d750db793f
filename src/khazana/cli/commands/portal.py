"""`khazana portal`: the public pages, as a process of their own."""

import argparse
import os
import sys
from importlib.util import find_spec

from khazana.cli.extras import ExtraNotInstalled

HELP = "serve the public pages, import and export what an office publishes"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("portal", help=HELP, add_help=False, prefix_chars="\0")
    parser.add_argument("words", nargs=argparse.REMAINDER)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """The portal stands beside the command line, not under it, so this becomes its process."""
    if find_spec("django") is None:
        raise ExtraNotInstalled(extra="portal", module="django")
    os.execv(sys.executable, [sys.executable, "-m", "khazana.portal", *args.words])
