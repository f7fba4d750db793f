"""`khazana conditions restatements`: certified verdicts beside what is known today."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from khazana.cli.condition_inputs import add_input_arguments, evaluated_lines, inputs_of
from khazana.cli.files import read_bytes
from khazana.cli.memoranda import MEMORANDUM_HELP, linted
from khazana.cli.usage import WrongArguments
from khazana.conditions.evaluate import evaluate
from khazana.conditions.parts import condensed
from khazana.conditions.restatements import Restatement, restatements
from khazana.conditions.verdicts import Evaluated, Inputs
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.times import read_instant

COMMAND = "conditions restatements"
EXIT_RESTATED = 1
MOST_EVALUATION_BYTES = 200_000_000
DESCRIPTION = (
    "Evaluate the conditions twice: with the figures known when a certificate was given, and with "
    "those known today. Every verdict that differs is printed with both figures and with what came "
    "in between; the certified one is never replaced (Rule K42). Exit status 1 when a verdict, not "
    "only a figure, is another one today."
)


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "restatements",
        help="certified verdicts beside what is known today",
        description=DESCRIPTION,
    )
    parser.add_argument("file", metavar="FILE", help=MEMORANDUM_HELP)
    add_input_arguments(parser)
    parser.add_argument(
        "--certified-at",
        metavar="TIME",
        required=True,
        help="when the figures were certified, such as 2026-07-05T12:00:00Z",
    )
    parser.add_argument(
        "--office-then",
        metavar="FILE",
        help="office.toml with the documents of that moment (default: --office, whose documents "
        "carry no time of entry)",
    )
    parser.add_argument(
        "--certified",
        metavar="FILE",
        type=Path,
        help="what was published, from `khazana conditions evaluate --json` (default: evaluated "
        "again from the figures known then)",
    )
    parser.add_argument("--today", metavar="DATE", type=date.fromisoformat)
    parser.add_argument("--json", action="store_true", help="print the restatements for programs")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    memorandum = linted(args.file)
    at = read_instant(args.certified_at)
    now, test = inputs_of(args, memorandum, command=COMMAND)
    before, _ = (
        inputs_of(args, memorandum, command=COMMAND, office=args.office_then)
        if args.office_then
        else (now, test)
    )
    if at.date() > now.today:
        problem = f"--certified-at {args.certified_at} lies after today, {now.today}"
        raise WrongArguments(command=COMMAND, problem=problem)
    before = _known(before, at)
    again = evaluate(memorandum, before)
    certified = again if args.certified is None else _published(args.certified, memorandum.id)
    found = restatements(memorandum, certified=certified, certified_at=at, before=before, now=now)
    unlike = () if args.certified is None else _not_from_these(certified, again)
    notices = [n for n in (TEST_NOTICE if test else None, memorandum.notice) if n]
    if args.json:
        document = {
            "format": "khazana.restatements/1",
            "memorandum": memorandum.id,
            "notices": notices,
            "certified_at": at,
            "today": now.today,
            "restatements": found,
            "not_from_these_figures": unlike,
        }
        content: Any = msgspec.json.decode(msgspec.json.encode(document))
        json.dump(content, sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        print("\n".join([*notices, *_lines(found), *_unlike_lines(unlike)]))
    changed = any(one.verdict_changed for one in found)
    return EXIT_RESTATED if changed or unlike else 0


def _known(inputs: Inputs, at: datetime) -> Inputs:
    """The inputs as they were known then."""
    return replace(inputs, figures=inputs.figures.known_at(at), today=at.date())


def _published(path: Path, memorandum: str) -> tuple[Evaluated, ...]:
    """The verdicts in a file of `khazana conditions evaluate --json`."""
    try:
        content = msgspec.json.decode(read_bytes(path, most=MOST_EVALUATION_BYTES))
        if content["format"] != "khazana.evaluation/1":
            raise ValueError(f"its format is {content['format']!r}")
        if content["memorandum"] != memorandum:
            raise ValueError(f"it is about memorandum {content['memorandum']!r}, not {memorandum}")
        return msgspec.convert(content["evaluated"], tuple[Evaluated, ...])
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as wrong:
        problem = f"{path} holds no evaluation: {wrong}"
        raise WrongArguments(command=COMMAND, problem=problem) from None


def _not_from_these(
    certified: Sequence[Evaluated], again: Sequence[Evaluated]
) -> tuple[Evaluated, ...]:
    """Published lines that the figures known then do not give: published from something else."""
    computed = {*again, *condensed(again)}
    return tuple(one for one in certified if one not in computed)


def _lines(found: Sequence[Restatement]) -> Iterator[str]:
    if not found:
        yield "nothing is restated: today's figures give every certified verdict"
    for one in found:
        word = "verdict changed" if one.verdict_changed else "figure changed"
        yield f"{word}, certified {one.certified_at.isoformat()}:"
        for name, evaluated in (("certified", one.certified), ("today", one.today)):
            if evaluated is None:
                yield f"  {name}: no such line"
            else:
                yield from (f"  {name}: {line.strip()}" for line in evaluated_lines([evaluated]))
    if found:
        yield "what came in since:"
        for news in found[0].news:
            when = "" if news.entered is None else f", entered {news.entered.isoformat()}"
            yield f"  {news.what} {news.name}: {news.text}{when}"


def _unlike_lines(unlike: Sequence[Evaluated]) -> Iterator[str]:
    if unlike:
        yield "published, but not what the figures known then give:"
    for one in unlike:
        yield from (f"  {line}" for line in evaluated_lines([one]))
