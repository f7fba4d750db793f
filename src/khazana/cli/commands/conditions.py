"""`khazana conditions`: lint, show and evaluate a lender's conditions."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from khazana.bitcoin.secrets import refuse_secrets_in
from khazana.cli.commands import conditions_restatements, conditions_what_if
from khazana.cli.condition_inputs import add_input_arguments, evaluated_lines, inputs_of
from khazana.cli.files import read_bytes, write_whole
from khazana.cli.memoranda import (
    MEMORANDUM_HELP,
    MOST_TABLE_BYTES,
    linted,
    memorandum_named,
)
from khazana.cli.usage import WrongArguments
from khazana.conditions.accumulation import LIMITS, AccumulationTest
from khazana.conditions.evaluate import evaluate
from khazana.conditions.exact import amount_text
from khazana.conditions.lint import errors_of, lint
from khazana.conditions.memorandum import Condition, Memorandum
from khazana.conditions.mona import draft_memorandum, read_mona
from khazana.conditions.parts import accumulation_tests, condensed
from khazana.conditions.verdicts import Verdict
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.times import read_instant

COMMAND = "conditions evaluate"
EXIT_BREACHED = 1
EVALUATE_DESCRIPTION = (
    "Measure every condition at every moment it is tested. What concerns bitcoin is counted in the "
    "office's books from the chain; everything else is as good as the statistics you give. Exit "
    "status 1 when a condition is breached."
)


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("conditions", help="a lender's conditions: lint, show, evaluate")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    linter = actions.add_parser("lint", help="find what would make an evaluation mislead")
    linter.add_argument("file", metavar="FILE", help=MEMORANDUM_HELP)
    linter.set_defaults(run=run_lint)
    show = actions.add_parser("show", help="print a memorandum's conditions")
    show.add_argument("file", metavar="FILE", help=MEMORANDUM_HELP)
    show.set_defaults(run=run_show)
    draft = actions.add_parser(
        "draft", help="write a memorandum to be completed from a table of the MONA database"
    )
    draft.add_argument("file", metavar="CSV", type=Path)
    draft.add_argument("--arrangement", metavar="NUMBER", help="of several in the table")
    draft.add_argument("--out", metavar="FILE", type=Path, required=True)
    draft.set_defaults(run=run_draft)
    _register_evaluate(actions)
    conditions_restatements.register(actions)
    conditions_what_if.register(actions)


def _register_evaluate(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "evaluate", help="measure every condition", description=EVALUATE_DESCRIPTION
    )
    parser.add_argument("file", metavar="FILE", help=MEMORANDUM_HELP)
    add_input_arguments(parser)
    parser.add_argument("--today", metavar="DATE", type=date.fromisoformat)
    parser.add_argument(
        "--known-at", metavar="TIME", help="use only figures entered by then: what was known"
    )
    parser.add_argument("--json", action="store_true", help="print the verdicts for programs")
    parser.set_defaults(run=run_evaluate)


def run_lint(args: argparse.Namespace) -> int:
    findings = lint(memorandum_named(args.file))
    for finding in findings:
        print(finding)
    wrong = len(errors_of(findings))
    print(f"{wrong} errors, {len(findings) - wrong} notes")
    return EXIT_BREACHED if wrong else 0


def run_show(args: argparse.Namespace) -> int:
    print("\n".join(_shown(memorandum_named(args.file))))
    return 0


def _shown(memorandum: Memorandum) -> Iterator[str]:
    yield f"{memorandum.name['en']} ({memorandum.lender}: {memorandum.arrangement})"
    if memorandum.notice:
        yield memorandum.notice
    for condition in memorandum.conditions:
        yield ""
        yield from _condition(condition)
    if memorandum.open:
        yield ""
        yield "Left open:"
        yield from (f"  {sentence}" for sentence in memorandum.open)


def _condition(condition: Condition) -> Iterator[str]:
    yield f"{condition.id}: {condition.name['en']}"
    source = condition.source
    mark = source.mark.value if source.mark else "?"
    yield (
        f"  {condition.kind.value.replace('_', ' ')}; {condition.direction.value} on "
        f"{condition.quantity} of {condition.perimeter}, {condition.unit}"
    )
    for target in condition.targets:
        day = target.day or (f"since {target.since}" if target.since else "day open")
        value = (
            "open: " + (target.open or "") if target.value is None else amount_text(target.value)
        )
        yield f"  {day}: {value}"
    yield f"  source: {source.document}, {source.page} [{mark}]"
    yield from (f"  open: {sentence}" for sentence in condition.open)


def run_draft(args: argparse.Namespace) -> int:
    raw = read_bytes(args.file, most=MOST_TABLE_BYTES)
    refuse_secrets_in(raw.decode("utf-8", errors="replace"), where=str(args.file))
    rows = read_mona(str(args.file), raw)
    numbers = sorted({row.arrangement_number for row in rows})
    wanted = args.arrangement or (numbers[0] if len(numbers) == 1 else None)
    if wanted not in numbers:
        problem = f"say which --arrangement: the table has {', '.join(numbers) or 'none'}"
        raise WrongArguments(command="conditions draft", problem=problem)
    text = draft_memorandum([row for row in rows if row.arrangement_number == wanted])
    write_whole(args.out, text.encode(), replace=False)
    print(f"{args.out} written; `khazana conditions lint {args.out}` lists what to complete")
    return 0


def run_evaluate(args: argparse.Namespace) -> int:
    memorandum = linted(args.file)
    inputs, test = inputs_of(args, memorandum, command=COMMAND)
    if args.known_at:
        known = inputs.figures.known_at(read_instant(args.known_at))
        inputs = replace(inputs, figures=known)
    evaluated = condensed(evaluate(memorandum, inputs))
    tests = accumulation_tests(memorandum, inputs)
    notices = [n for n in (TEST_NOTICE if test else None, memorandum.notice) if n]
    if args.json:
        document = {
            "format": "khazana.evaluation/1",
            "memorandum": memorandum.id,
            "notices": notices,
            "today": inputs.today,
            "evaluated": evaluated,
            "accumulation": tests,
            "limits": list(LIMITS) if tests else [],
        }
        content: Any = msgspec.json.decode(msgspec.json.encode(document))
        json.dump(content, sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        print("\n".join([*notices, *evaluated_lines(evaluated), *_tests(tests)]))
    breached = any(one.verdict is Verdict.BREACHED for one in evaluated)
    return EXIT_BREACHED if breached else 0


def _tests(tests: Iterable[AccumulationTest]) -> Iterator[str]:
    found = tuple(tests)
    for test in found:
        yield ""
        yield (
            f"accumulation in {test.perimeter} after block {test.after.height} up to block "
            f"{test.until.height}: {test.verdict.value}"
        )
        yield f"  {test.why}"
        for arrival in test.arrivals:
            source = f" from {arrival.source}" if arrival.source else ""
            yield (
                f"  {arrival.amount} sat to {arrival.wallet}{source}, {arrival.origin.value}, "
                f"{arrival.reason}: {arrival.txid}"
            )
        for late in test.late:
            document = late.document or "no document"
            yield (
                f"  {late.wallet} of {late.entity} was declared at block {late.declared.height} "
                f"({document})"
            )
    if found:
        yield from (f"  {limit}" for limit in LIMITS)
