"""Verdicts in a statement: the extension part `x-conditions/MEMORANDUM`, made and read."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec

from khazana.bitcoin.chain import BlockRef
from khazana.conditions.accumulation import AccumulationTest, accumulation_test
from khazana.conditions.evaluate import evaluate
from khazana.conditions.exact import plain
from khazana.conditions.lint import errors_of, lint
from khazana.conditions.measures import ACCUMULATION
from khazana.conditions.memorandum import LedgerRule, Memorandum
from khazana.conditions.statistics import ClientLiabilities, Figures, Statistic
from khazana.conditions.verdicts import Evaluated, Inputs
from khazana.ledger.accounts import Perimeter
from khazana.ledger.office import Office, Place
from khazana.reserve.figures import Books
from khazana.reserve.reading import ReserveStatement
from khazana.statement.errors import StatementMalformed

KIND = "x-conditions"
NOWHERE = Place("", 1, "")
_MOST_DIGITS = 100
_MOST_PLACES = 60
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class CustodyLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A custodial account is attested for the end of this block."""

    account: str
    block: BlockRef


class ConditionsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a statement says about an arrangement: the conditions as the office understands them,
    every entered figure it used, and what came of it. Whoever reads it computes it again.

    closings: day -> the block that closes it. evaluated: condensed (Rule K26).
    """

    critical: Literal[False]
    format: Literal["khazana.conditions/1"]
    memorandum: Memorandum
    today: date
    closings: dict[str, BlockRef]
    custody: list[CustodyLine]
    statistics: list[Statistic]
    liabilities: list[ClientLiabilities]
    evaluated: list[Evaluated]
    accumulation: list[AccumulationTest]


def conditions_part(memorandum: Memorandum, inputs: Inputs) -> tuple[str, Mapping[str, Any]]:
    """The part of one memorandum: its name, and its body as plain JSON values."""
    body = ConditionsBody(
        critical=False,
        format="khazana.conditions/1",
        memorandum=plain_definition(memorandum),
        today=inputs.today,
        closings={day.isoformat(): block for day, block in sorted(inputs.closings.items())},
        custody=[CustodyLine(a, b) for a, b in sorted(inputs.custody)],
        statistics=list(inputs.figures.statistics),
        liabilities=list(inputs.figures.liabilities),
        evaluated=list(condensed(evaluate(memorandum, inputs))),
        accumulation=list(accumulation_tests(memorandum, inputs)),
    )
    return f"{KIND}/{memorandum.id}", _plain(body)


def plain_definition(memorandum: Memorandum) -> Memorandum:
    """A memorandum without the places where it stands in a file.

    Where an office keeps its files is nobody's business, and must not change a root.
    """
    conditions = tuple(replace(c, place=NOWHERE) for c in memorandum.conditions)
    return replace(memorandum, file="", conditions=conditions)


def _plain(body: ConditionsBody) -> dict[str, Any]:
    """The body as it stands in a file: lists for tuples, text for decimals, days and times."""
    content: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
    return content


class ConditionParts:
    """What a statement's maker is handed (`more` of khazana.reserve.make.make).

    The books are the statement's own; figures, closings and day come from whoever asks.
    """

    def __init__(
        self,
        memoranda: Sequence[Memorandum],
        *,
        figures: Figures,
        closings: Mapping[date, BlockRef],
        today: date,
    ) -> None:
        self.memoranda = tuple(memoranda)
        self.figures = figures
        self.closings = dict(closings)
        self.today = today

    def __call__(self, office: Office, books: Books) -> Iterable[tuple[str, Mapping[str, Any]]]:
        inputs = Inputs(
            books=books,
            perimeters=office.perimeters,
            custody=frozenset(
                (account, block)
                for account, block in custody_of(office)
                if books.after.height <= block.height <= books.until.height
            ),
            figures=self.figures,
            closings=self.closings,
            today=self.today,
        )
        for memorandum in self.memoranda:
            yield conditions_part(memorandum, inputs)


def custody_of(office: Office) -> frozenset[tuple[str, BlockRef]]:
    """Which custodial accounts are attested for the end of which blocks."""
    return frozenset((a.account, a.as_of) for a in office.attestations)


def accumulation_tests(memorandum: Memorandum, inputs: Inputs) -> tuple[AccumulationTest, ...]:
    """The accumulation test over the books' period, for every way in which conditions count it."""
    if inputs.books is None:
        return ()
    wanted: dict[tuple[str, LedgerRule], tuple[str, Perimeter]] = {}
    for condition in memorandum.conditions:
        meant = memorandum.perimeter(condition.perimeter)
        if condition.quantity != ACCUMULATION or condition.ledger is None or meant is None:
            continue
        for perimeter in inputs.perimeters:
            if perimeter.id == meant.office:
                wanted.setdefault((perimeter.id, condition.ledger), (meant.id, perimeter))
    return tuple(
        accumulation_test(
            inputs.books,
            perimeter,
            rule,
            liabilities=inputs.figures.owed.get(name, ()),
            custody=inputs.custody,
        )
        for (_, rule), (name, perimeter) in wanted.items()
    )


def condensed(evaluated: Iterable[Evaluated]) -> tuple[Evaluated, ...]:
    """Rule K26: of each condition's run of equal verdicts at blocks, the first, the last and the
    one with the least headroom; everything tested at dates stays.
    """
    kept: list[Evaluated] = []
    run: list[Evaluated] = []

    def close() -> None:
        if run:
            least = min(
                (one for one in run if one.headroom is not None),
                key=lambda one: one.headroom or 0,
                default=run[0],
            )
            kept.extend(one for one in run if one in (run[0], least, run[-1]))
            run.clear()

    for one in evaluated:
        continues = (
            run
            and one.block is not None
            and one.day is None
            and one.until is None
            and run[-1].until is None
            and (one.condition, one.verdict, one.target)
            == (run[-1].condition, run[-1].verdict, run[-1].target)
        )
        if not continues:
            close()
        if one.block is None or one.day is not None:
            kept.append(one)
        else:
            run.append(one)
    close()
    return tuple(kept)


def conditions_of(statement: ReserveStatement) -> tuple[ConditionsBody, ...]:
    """The conditions parts that a statement discloses; one that is malformed is refused."""
    found = []
    for part in statement.envelope.parts:
        if part.kind != KIND:
            continue
        try:
            body = msgspec.convert(part.body, ConditionsBody, strict=True)
        except msgspec.ValidationError as error:
            problem, _, place = str(error).partition(" - at ")
            path = f"part {part.name}{place.strip('`').lstrip('$')}"
            raise StatementMalformed(path=path, problem=problem) from error
        # Dataclasses pass over unknown fields; comparing what they hold refuses them, and any
        # second spelling of a value.
        path = f"part {part.name}"
        if _plain(body) != part.body or not all(map(_one_spelling, _decimals(body))):
            raise StatementMalformed(path=path, problem="it has fields or spellings of its own")
        for day in body.closings:
            if not _DAY.fullmatch(day) or not _is_day(day):
                raise StatementMalformed(path=path, problem=f"{day!r} is no day")
        # A definition that no lint would pass is not evaluated: it could not be by its author.
        if wrong := errors_of(lint(body.memorandum)):
            raise StatementMalformed(path=path, problem=f"its memorandum: {wrong[0]}")
        if part.id != body.memorandum.id:
            problem = f"its body is about {body.memorandum.id}"
            raise StatementMalformed(path=path, problem=problem)
        found.append(body)
    return tuple(found)


def _decimals(value: object) -> Iterator[Decimal]:
    """Every decimal in a value and in what it holds."""
    if isinstance(value, Decimal):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _decimals(getattr(value, name))
    elif is_dataclass(value):
        for field in fields(value):
            yield from _decimals(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for held in value.values():
            yield from _decimals(held)
    elif isinstance(value, tuple | list):
        for held in value:
            yield from _decimals(held)


def _one_spelling(amount: Decimal) -> bool:
    """Whether it is short, finite and written the one way that we write it."""
    _, digits, exponent = amount.as_tuple()
    small = isinstance(exponent, int) and -_MOST_PLACES <= exponent <= 0
    return small and len(digits) <= _MOST_DIGITS and str(amount) == str(plain(amount))


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
