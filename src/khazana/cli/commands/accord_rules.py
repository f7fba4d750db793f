"""`khazana accord rules`: what two states' rules say on the same questions."""

import argparse
from datetime import date
from pathlib import Path

from khazana.accord.comparator.provisions import Comparison, Provision, State
from khazana.accord.comparator.read import LANGUAGES, read_comparison, shipped_comparison
from khazana.cli.clock import now
from khazana.cli.files import MOST_OFFICE_BYTES, naming, read_bytes
from khazana.cli.usage import WrongArguments
from khazana.statement.table import printable


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "rules",
        help="two states' rules side by side, with sources and outcomes",
        description="What each state's rules say to a question on a day, and every version of it "
        "with --question. Without --file the comparison that comes with the program.",
    )
    parser.add_argument("--file", metavar="FILE", type=Path)
    parser.add_argument("--question", metavar="ID")
    parser.add_argument("--on", metavar="DAY", help="as of a day such as 2024-06-30; default today")
    parser.add_argument("--language", choices=LANGUAGES, default="en")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    comparison = _comparison(args.file)
    known = [each.id for each in comparison.questions]
    if args.question is not None and args.question not in known:
        problem = f"no question is called {args.question!r}; there are {', '.join(known)}"
        raise WrongArguments(command="accord rules", problem=problem)
    day = _day(args.on)
    for question in comparison.questions:
        if args.question not in (None, question.id):
            continue
        print(f"{question.id}: {printable(question.words[args.language])}")
        for state in State:
            history = comparison.history(question.id, state)
            shown = history if args.question else [comparison.on(question.id, state, day)]
            for provision in shown:
                _show(provision, state, args.language)
            if not history and args.question:
                _show(None, state, args.language)
    return 0


def _show(provision: Provision | None, state: State, language: str) -> None:
    if provision is None:
        print(f"  {state.value}: nothing was found")
        return
    until = f" until {provision.until}" if provision.until else ""
    print(f"  {state.value}, {provision.standing.value} since {provision.since}{until}")
    print(f"    {printable(provision.says[language])}")
    if provision.outcome is not None:
        print(f"    outcome: {printable(provision.outcome[language])}")
    print(
        f"    {provision.article}; source ({provision.mark.value}): {printable(provision.source)}"
    )


def _comparison(path: Path | None) -> Comparison:
    if path is None:
        return shipped_comparison()
    raw = read_bytes(path, most=MOST_OFFICE_BYTES)
    with naming(path):
        return read_comparison(path.name, raw)


def _day(text: str | None) -> date:
    if text is None:
        return now().date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        problem = f"--on: {text!r} is no day such as 2024-06-30"
        raise WrongArguments(command="accord rules", problem=problem) from None
