"""What `khazana verify` asks about conditions: what rests on the chain is computed again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.days import DayBeforeChain, DayNotClosed, closing_block
from khazana.conditions.evaluate import days_named, evaluate
from khazana.conditions.memorandum import Memorandum
from khazana.conditions.parts import (
    KIND,
    NOWHERE,
    ConditionsBody,
    accumulation_tests,
    condensed,
    conditions_of,
    plain_definition,
)
from khazana.conditions.statistics import Figures
from khazana.conditions.verdicts import Evaluated, Inputs
from khazana.ledger.findings import Finding
from khazana.reserve.answers import FILE, Answer, answer
from khazana.reserve.bodies import block_ref, perimeter_of
from khazana.reserve.case import Case
from khazana.reserve.checks_books import stated_books
from khazana.reserve.question import Question
from khazana.statement.checks import Check, Profile
from khazana.statement.errors import StatementMalformed


class ConditionChecks:
    """The checks that this room hands to `khazana.reserve.verify.verify` (its `more`).

    memoranda: the conditions as the reader knows them; a statement that states them otherwise
    fails. Without them the statement's own wording is taken, and the report says so.
    """

    def __init__(self, memoranda: Sequence[Memorandum] = ()) -> None:
        self.memoranda = tuple(memoranda)

    def __call__(self, case: Case) -> Iterable[Check[Case]]:
        if not case.statement.header.parts.get(KIND) and not self.memoranda:
            return ()
        return (
            Question(
                "conditions",
                "Lender's conditions",
                self.conditions,
                Profile.TOTALS if self.memoranda else Profile.FULL,
                ("schema", "period", "entries", "completeness", "closing_coins"),
            ),
        )

    def conditions(self, case: Case) -> Answer:
        """Whether measured figures, headroom and verdicts are those that books and chain give."""
        stated = case.statement.header.parts.get(KIND, 0)
        shown = sum(1 for part in case.statement.envelope.parts if part.kind == KIND)
        if shown < stated:
            case.require(KIND)
        case.require("entry", "explanation", "scripts", "account", "perimeter")
        try:
            bodies = conditions_of(case.statement)
        except StatementMalformed as wrong:
            findings = [Finding("K40", wrong.problem, wrong.path)]
            return answer(basis=FILE, good="", findings=findings)
        findings = [f for body in bodies for f in _body(case, body)]
        findings += self._definitions(bodies)
        counted = sum(1 for body in bodies for e in body.evaluated if _on_chain(e))
        entered = sum(len(body.statistics) + len(body.liabilities) for body in bodies)
        limits = [
            f"{entered} figures behind the conditions are entered: they are their sources' word, "
            "and only what was computed from them was checked."
        ]
        limits += sorted(
            f"The conditions of {body.memorandum.id} are in the office's wording; compare them "
            "with a memorandum of your own (--memorandum FILE)."
            for body in bodies
            if body.memorandum.id not in {m.id for m in self.memoranda}
        )
        return answer(
            basis="opening coins, entries and explanations as stated, and the source's headers",
            good=f"{sum(len(b.evaluated) for b in bodies)} verdicts computed again, {counted} of "
            "them from the books",
            findings=findings,
            limits=tuple(limits),
        )

    def _definitions(self, bodies: Sequence[ConditionsBody]) -> Iterator[Finding]:
        by_id = {body.memorandum.id: body.memorandum for body in bodies}
        for memorandum in self.memoranda:
            where = f"part {KIND}/{memorandum.id}"
            stated = by_id.get(memorandum.id)
            if stated is None:
                yield Finding("K40", "the statement has no verdicts on this memorandum", where)
            elif plain_definition(stated) != plain_definition(memorandum):
                for text in _differences(stated, memorandum):
                    yield Finding("K40", text, where)


def _differences(stated: Memorandum, known: Memorandum) -> Iterator[str]:
    ours = {c.id: replace(c, place=NOWHERE) for c in known.conditions}
    theirs = {c.id: replace(c, place=NOWHERE) for c in stated.conditions}
    named = False
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            named = True
            yield f"condition {name} is not as in the memorandum you gave"
    if not named:
        yield "it is not the memorandum you gave: perimeters, rates or effects differ"


def _on_chain(one: Evaluated) -> bool:
    return one.block is not None


def inputs_of(case: Case, body: ConditionsBody) -> Inputs:
    """The inputs of an evaluation as the statement discloses them, its own books included."""
    books = replace(stated_books(case), wallets=case.wallets)
    return Inputs(
        books=books,
        perimeters=tuple(perimeter_of(p) for p in case.statement.perimeters.values()),
        custody=frozenset((line.account, line.block) for line in body.custody),
        figures=Figures(tuple(body.statistics), tuple(body.liabilities)),
        closings={date.fromisoformat(day): block for day, block in body.closings.items()},
        today=body.today,
    )


def _body(case: Case, body: ConditionsBody) -> Iterator[Finding]:
    where = f"part {KIND}/{body.memorandum.id}"
    closings = list(_closings(case, body, where))
    custody = list(_custody(case, body, where))
    yield from closings
    yield from custody
    if closings or custody:
        return  # what was computed from them needs no second word
    inputs = inputs_of(case, body)
    due = condensed(evaluate(body.memorandum, inputs))
    yield from _verdicts(body.evaluated, due, where)
    tests = accumulation_tests(body.memorandum, inputs)
    if len(tests) != len(body.accumulation):
        text = f"{len(body.accumulation)} accumulation tests are stated, {len(tests)} are due"
        yield Finding("K40", text, where)
    for stated, found in zip(body.accumulation, tests, strict=False):
        if stated != found:
            text = (
                f"accumulation of {stated.perimeter} is stated as {stated.verdict.value} (gain "
                f"{stated.gain} sat); the books give {found.verdict.value} (gain {found.gain} sat)"
            )
            yield Finding("K40", text, where)


def _verdicts(
    stated: Sequence[Evaluated], due: Sequence[Evaluated], where: str
) -> Iterator[Finding]:
    by_key = _keyed(stated)
    wanted = _keyed(due)
    for key in [*wanted, *(k for k in by_key if k not in wanted)]:
        ours, theirs = wanted.get(key), by_key.get(key)
        if ours == theirs:
            continue
        name, day, block, _ = key
        at = f"on {day}" if day else f"at block {block.height}" if block else "as a whole"
        if theirs is None:
            yield Finding("K40", f"the verdict on {name} {at} is missing", where)
        elif ours is None:
            yield Finding("K40", f"the verdict on {name} {at} follows from nothing", where)
        else:
            text = (
                f"{name} {at} is stated as {theirs.verdict.value} (measured {theirs.measured}, "
                f"headroom {theirs.headroom}); what is disclosed gives {ours.verdict.value} "
                f"(measured {ours.measured}, headroom {ours.headroom})"
            )
            yield Finding("K40", text, where)


Key = tuple[str, date | None, BlockRef | None, int]


def _keyed(evaluated: Sequence[Evaluated]) -> Mapping[Key, Evaluated]:
    """Each verdict by condition, day, block and, of several there, its place."""
    found: dict[Key, Evaluated] = {}
    for one in evaluated:
        place = 0
        while (one.condition, one.day, one.block, place) in found:
            place += 1
        found[one.condition, one.day, one.block, place] = one
    return found


def _closings(case: Case, body: ConditionsBody, where: str) -> Iterator[Finding]:
    """The blocks that are said to close days do close them, in the office's zone."""
    name = case.statement.header.period.timezone
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Finding("K41", f"{name!r} is no time zone: no day closes in it", where)
        return
    chain = case.required_chain()
    needed = set(days_named(body.memorandum))
    for text, block in body.closings.items():
        day = date.fromisoformat(text)
        if day not in needed:
            yield Finding("K41", f"no condition needs the block that closes {day}", where)
            continue
        try:
            found = closing_block(chain, day, zone)
        except (DayNotClosed, DayBeforeChain) as wrong:
            yield Finding("K41", str(wrong), where)
            continue
        if found != block:
            yield Finding("K41", f"{day} closes with block {found}, stated is {block}", where)
    until = case.statement.header.period.until
    for day in sorted(needed - {date.fromisoformat(text) for text in body.closings}):
        # Left out, it would make a verdict "not assessable" that the chain allows.
        try:
            found = closing_block(chain, day, zone)
        except (DayNotClosed, DayBeforeChain):
            continue
        if found.height <= until.height:
            yield Finding("K41", f"the block that closes {day} is left out: {found}", where)
    closed = date.fromisoformat(case.statement.header.period.until_mtp[:10])
    # A day's difference is what time zones can make.
    if body.today < closed - timedelta(days=1):
        text = f"it is asked on {body.today}, before the closing block was there ({closed})"
        yield Finding("K41", text, where)


def _custody(case: Case, body: ConditionsBody, where: str) -> Iterator[Finding]:
    """Custodial accounts are attested where the statement's own accounts say so."""
    known = {
        (account.id, block_ref(a.block))
        for account in case.statement.accounts.values()
        for a in (account.opening, *account.attested)
        if a is not None
    }
    for line in body.custody:
        if (line.account, line.block) not in known:
            text = f"{line.account} is not attested at block {line.block.height}"
            yield Finding("K41", text, where)
