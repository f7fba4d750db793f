"""The [[condition]] sections of a memorandum, field by field."""

from collections.abc import Iterator

from khazana.conditions.fields import (
    choices,
    day,
    decimal,
    maybe_day,
    maybe_decimal,
    maybe_source,
    once,
    sentences,
    source,
)
from khazana.conditions.memorandum import (
    Adjuster,
    Baseline,
    Condition,
    Direction,
    Kind,
    LedgerRule,
    Sign,
    Target,
    Trigger,
)
from khazana.ledger.accounts import Lane
from khazana.ledger.documents import Reason
from khazana.ledger.sections import Section

_MOST_LAG_DAYS = 366


def read_conditions(sections: list[Section]) -> Iterator[Condition]:
    for section in once(sections):
        yield _condition(section)


def _condition(section: Section) -> Condition:
    kind = section.choice("kind", Kind)
    if section.has("continuous"):
        continuous = section.flag("continuous")
        if (kind is Kind.CONTINUOUS) is not continuous and kind in (Kind.CONTINUOUS, Kind.PERIODIC):
            section.wrong(f"contradicts kind {kind.value}", "continuous")
    else:
        continuous = kind is Kind.CONTINUOUS
    condition = Condition(
        id=section.identifier(),
        name=section.names(),
        kind=kind,
        quantity=section.text("quantity"),
        perimeter=section.maybe_text("perimeter"),
        unit=section.text("unit"),
        sign=section.choice("sign", Sign),
        direction=section.choice("direction", Direction),
        continuous=continuous,
        cumulative_from=maybe_day(section, "cumulative_from"),
        reporting_lag_days=section.integer("reporting_lag_days", least=0, most=_MOST_LAG_DAYS)
        if section.has("reporting_lag_days")
        else None,
        targets=tuple(_targets(section.sections("target"))),
        adjusters=tuple(_adjusters(section.sections("adjuster"))),
        exclusions=sentences(section, "exclusions"),
        ledger=_ledger(section),
        source=source(section),
        open=sentences(section, "open"),
        note=section.maybe_text("note"),
        place=section.place(),
    )
    section.finish()
    return condition


def _targets(sections: list[Section]) -> Iterator[Target]:
    """A target is a value, or says why it is open; it has a day or a beginning, not both."""
    for section in sections:
        test_day, since = maybe_day(section, "date"), maybe_day(section, "since")
        value, left_open = maybe_decimal(section, "value"), section.maybe_text("open")
        if (value is None) == (left_open is None):
            section.wrong('needs either value, or open = "why it is not known"')
        note, origin = section.maybe_text("note"), maybe_source(section)
        section.finish()
        both = test_day is not None and since is not None
        neither = test_day is None and since is None and left_open is None
        if both or neither:
            section.wrong("needs either date (tested then) or since (in force from then on)")
            continue
        yield Target(test_day, since, value, left_open, note, origin)


def _adjusters(sections: list[Section]) -> Iterator[Adjuster]:
    for section in once(sections):
        cap = maybe_decimal(section, "cap")
        if cap is not None and cap < 0:
            section.wrong("is how far the target may move either way: zero or more", "cap")
        factor = decimal(section, "factor")
        if section.has("factor") and factor == 0:
            section.wrong("is zero: this would adjust nothing", "factor")
        baselines = []
        for part in section.sections("projection"):
            baselines.append(Baseline(day(part, "date"), decimal(part, "value")))
            part.finish()
        if not baselines:
            section.wrong("is missing: [[condition.adjuster.projection]]", "projection")
        if len({b.day for b in baselines}) != len(baselines):
            section.wrong("has two projections for one day", "projection")
        yield Adjuster(
            id=section.identifier(),
            quantity=section.text("quantity"),
            unit=section.text("unit"),
            trigger=section.choice("trigger", Trigger),
            factor=factor,
            cap=cap,
            baselines=tuple(baselines),
            note=section.maybe_text("note"),
        )
        section.finish()


def _ledger(section: Section) -> LedgerRule | None:
    part = section.section("ledger", required=False)
    if part is None:
        return None
    counts = choices(part, "counts", Reason)
    excluded = choices(part, "excluded_reasons", Reason)
    for key, reasons in (("counts", counts), ("excluded_reasons", excluded)):
        for reason in reasons:
            if reason.direction < 1:
                part.wrong(f"{reason.value} brings nothing in", key)
    for reason in set(counts) & set(excluded):
        part.wrong(f"{reason.value} is both counted and excluded", "excluded_reasons")
    rule = LedgerRule(
        counts=counts,
        excluded_reasons=excluded,
        excluded_lanes=choices(part, "excluded_lanes", Lane),
        net_of_clients=part.flag("net_of_clients"),
    )
    part.finish()
    return rule
