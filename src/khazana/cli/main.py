"""The `khazana` command: reads arguments, runs one command, turns errors into sentences."""

import argparse
import sys
from collections.abc import Sequence

from khazana import __version__
from khazana.bitcoin.secrets import WHAT_TO_DO_ABOUT_SECRETS, find_secret, refuse_secrets_in
from khazana.cli import commands
from khazana.errors import KhazanaError

EXIT_OK = 0
EXIT_FAILED = 1
"""A check failed."""
EXIT_COULD_NOT = 2
"""Something needed was missing, wrong or silent: nothing was decided."""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="khazana",
        description="Run a state's Bitcoin programme in the open, and check one without trust.",
    )
    parser.add_argument("--version", action="version", version=f"khazana {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands.ALL:
        command.register(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    # People read these pages in four scripts; a console that cannot show one must not crash us.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        # Before argparse, which repeats what it does not understand.
        words = sys.argv[1:] if argv is None else argv
        refuse_secrets_in("\n".join(words), where="the command line")
        args = build_parser().parse_args(argv)
        status: int = args.run(args)
    except KhazanaError as error:
        print(f"khazana: {_repeatable(str(error))}", file=sys.stderr)
        return EXIT_COULD_NOT
    except BrokenPipeError:
        # The reader of our output (head, less) went away: not an error of ours.
        sys.stderr.close()
        return EXIT_COULD_NOT
    except KeyboardInterrupt:
        print("khazana: stopped; nothing was left half-written", file=sys.stderr)
        return 130
    return status


def _repeatable(sentence: str) -> str:
    """The sentence, unless a file that no reader looks through for keys made it quote one."""
    found = find_secret(sentence)
    if found is None:
        return sentence
    return f"{found.kind} stands in a file; it is not repeated. {WHAT_TO_DO_ABOUT_SECRETS}"


if __name__ == "__main__":
    sys.exit(main())
