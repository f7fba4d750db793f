"""`khazana verifier`: write the page that checks a statement in a browser, without a network."""

import argparse
import hashlib
from pathlib import Path

from khazana.cli.files import write_whole
from khazana.statement.browser_page.build import page

HELP = "write the page that checks a statement in a browser"
DESCRIPTION = """\
Write one HTML file that checks a statement's form, root, signatures and sums in any current
browser, from disk and without a network. It cannot ask a chain; it prints the command that can.
The same version of Khazana always writes the same bytes: compare their SHA-256 with others.
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("verifier", help=HELP, description=DESCRIPTION)
    parser.add_argument("--out", metavar="FILE", type=Path, required=True)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    content = page()
    write_whole(args.out, content)
    print(f"{args.out}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    return 0
