"""Reading a memorandum (`khazana.memorandum/1`): complete, or refused whole with every problem."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from khazana.conditions.condition_sections import read_conditions
from khazana.conditions.fields import (
    day,
    decimal,
    maybe_day,
    once,
    sentences,
    source,
)
from khazana.conditions.measures import QUANTITIES, Dimension, Origin, Quantity, unit_of
from khazana.conditions.memorandum import (
    ArrangementRate,
    Effect,
    Memorandum,
    MemorandumPerimeter,
    Reference,
)
from khazana.conditions.problems import MemorandumProblems
from khazana.ledger.documents import Reason
from khazana.ledger.money import minor_digits
from khazana.ledger.office import Place
from khazana.ledger.problems import ProblemList
from khazana.ledger.sections import Section, read_toml

MEMORANDUM_FORMAT = "khazana.memorandum/1"


def load_memorandum(path: Path) -> Memorandum:
    """Read a memorandum from the disk."""
    problems = MemorandumProblems()
    if not path.is_file():
        problems.add(Place(str(path), 1, "(file)"), "there is no such file")
        problems.refuse_if_any(str(path))
    return read_memorandum(path.name, path.read_bytes())


def read_memorandum(name: str, raw: bytes) -> Memorandum:
    """The memorandum in these bytes, or `MemorandumRefused` with file, line and field of all
    that is wrong with its form. What is wrong with its sense is for `lint` to say.
    """
    problems = MemorandumProblems()
    top = read_toml(name, raw, problems)
    memorandum = _memorandum(top)
    problems.refuse_if_any(name)
    return memorandum


def _memorandum(top: Section) -> Memorandum:
    if top.text("format") not in ("", MEMORANDUM_FORMAT):
        top.wrong(f'this program reads format = "{MEMORANDUM_FORMAT}"', "format")
    head = top.section("memorandum") or _empty(top, "memorandum")
    approved, ends = day(head, "approved"), maybe_day(head, "ends")
    if ends is not None and ends <= approved:
        head.wrong("ends before it is approved", "ends")
    quantities = {q.id: q for q in _quantities(top.sections("quantity"))}
    memorandum = Memorandum(
        file=top.file,
        id=head.identifier(),
        name=head.names(),
        lender=head.text("lender"),
        country=head.text("country"),
        arrangement=head.text("arrangement"),
        approved=approved,
        ends=ends,
        notice=head.maybe_text("notice"),
        quantities=quantities,
        perimeters=tuple(_perimeters(top.sections("perimeter"))),
        rates=tuple(_rates(top.sections("rate"))),
        references=tuple(_references(top.sections("reference"))),
        effects=tuple(_effects(top.sections("effect"))),
        conditions=tuple(read_conditions(top.sections("condition"))),
        open=sentences(head, "open"),
    )
    if not memorandum.conditions:
        top.wrong("is missing: [[condition]]", "condition")
    head.finish()
    top.finish()
    return memorandum


def _empty(top: Section, key: str) -> Section:
    """Stands in for a section that is missing, so that only that is reported."""
    return Section({}, file=top.file, path=(key,), lines=top.lines, problems=ProblemList())


def _quantities(sections: list[Section]) -> Iterator[Quantity]:
    for section in once(sections):
        id_ = section.identifier()
        if id_ in QUANTITIES:
            section.wrong(f"{id_} is a known quantity already; remove this or rename it", "id")
        yield Quantity(
            id_,
            section.choice("dimension", Dimension),
            Origin.ENTERED,
            section.maybe_text("never_above"),
        )
        section.names()
        section.finish()


def _perimeters(sections: list[Section]) -> Iterator[MemorandumPerimeter]:
    for section in once(sections):
        id_ = section.identifier()
        yield MemorandumPerimeter(
            id=id_,
            name=section.names(),
            definition=section.text("definition"),
            office=section.identifier("office_perimeter")
            if section.has("office_perimeter")
            else id_,
            source=source(section),
        )
        section.finish()


def _rates(sections: list[Section]) -> Iterator[ArrangementRate]:
    for section in once(sections, "currency"):
        currency = section.text("currency")
        if currency and (currency not in minor_digits() or currency == "USD"):
            section.wrong(f"{currency!r} is no other currency of ISO 4217 than USD", "currency")
        per_usd = decimal(section, "per_usd")
        if section.has("per_usd") and per_usd <= 0:
            section.wrong("should be more than zero", "per_usd")
        # One stands for a rate that could not be read; the file is refused before it is used.
        usable = per_usd if per_usd > 0 else Decimal(1)
        yield ArrangementRate(currency, usable, day(section, "as_of"), source(section))
        section.finish()


def _references(sections: list[Section]) -> Iterator[Reference]:
    seen: set[tuple[str, date]] = set()
    for section in sections:
        reference = Reference(
            section.text("quantity"),
            day(section, "date"),
            decimal(section, "value"),
            section.text("unit"),
            source(section),
        )
        if reference.unit:
            try:
                unit_of(reference.unit)
            except ValueError as wrong:
                section.wrong(str(wrong), "unit")
        if (reference.quantity, reference.day) in seen:
            section.wrong("this quantity has a figure for that day already", "date")
        seen.add((reference.quantity, reference.day))
        section.finish()
        yield reference


def _effects(sections: list[Section]) -> Iterator[Effect]:
    for section in sections:
        reason = section.choice("reason", Reason)
        if not reason.from_document or not reason.direction:
            section.wrong(f"no order is made for the reason {reason.value}", "reason")
        factor: Decimal = decimal(section, "factor")
        yield Effect(
            reason,
            section.maybe_text("paid_from"),
            section.text("quantity"),
            factor,
            source(section),
        )
        section.finish()
