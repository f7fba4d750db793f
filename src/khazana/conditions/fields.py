"""Fields that a memorandum has and an office file has not: decimals, days, marks, sources."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import TypeVar

from khazana.conditions.exact import ZERO, decimal_of
from khazana.conditions.memorandum import Mark, SourceRef
from khazana.ledger.problems import suggestion
from khazana.ledger.sections import Section

E = TypeVar("E", bound=Enum)
NO_DAY = date(1, 1, 1)
"""Stands for a day that could not be read; the file is refused before anybody could miss it."""


def maybe_decimal(section: Section, key: str) -> Decimal | None:
    """A whole number, or a decimal in quotes: TOML's own fractions are binary and would round."""
    if not section.has(key):
        return None
    value = section.values[key]
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        section.wrong('should be a whole number, or a decimal in quotes such as "-12150.5"', key)
        return ZERO
    try:
        return decimal_of(value)
    except ValueError as wrong:
        section.wrong(str(wrong), key)
        return ZERO


def decimal(section: Section, key: str) -> Decimal:
    value = maybe_decimal(section, key)
    if value is None:
        section.wrong("is missing", key)
        return ZERO
    return value


def maybe_day(section: Section, key: str) -> date | None:
    """A day of the calendar; a time of day would need a zone and is refused."""
    if not section.has(key):
        return None
    value = section.values[key]
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    section.wrong("should be a day such as 2024-12-31, without quotes", key)
    return NO_DAY


def day(section: Section, key: str) -> date:
    value = maybe_day(section, key)
    if value is None:
        section.wrong("is missing: a day such as 2024-12-31", key)
        return NO_DAY
    return value


def choices(section: Section, key: str, kind: type[E]) -> tuple[E, ...]:
    """A list of words, each once."""
    known = {member.value: member for member in kind}
    found: list[E] = []
    for word, position in section.texts(key):
        if word not in known:
            section.wrong(f"{word!r} is no choice here{suggestion(word, known)}", key, position)
        elif known[word] in found:
            section.wrong(f"{word!r} stands here twice", key, position)
        else:
            found.append(known[word])
    return tuple(found)


def sentences(section: Section, key: str) -> tuple[str, ...]:
    return tuple(text for text, _ in section.texts(key))


def maybe_source(section: Section) -> SourceRef | None:
    """`source = { document, page, mark }`; what is missing in it is for the lint to say."""
    if not section.has("source"):
        return None
    part = section.section("source")
    if part is None:
        return SourceRef(None, None, None)
    mark = part.choice("mark", Mark) if part.has("mark") else None
    source = SourceRef(part.maybe_text("document"), _page(part), mark)
    part.finish()
    return source


def _page(part: Section) -> str | None:
    """A page as text, or as a number."""
    if not part.has("page"):
        return None
    value = part.values["page"]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return part.maybe_text("page")


def source(section: Section) -> SourceRef:
    return maybe_source(section) or SourceRef(None, None, None)


def once(sections: list[Section], key: str = "id") -> Iterator[Section]:
    """The sections in turn; a name that stands twice is reported where it stands again."""
    seen: dict[str, int] = {}
    for section in sections:
        value = section.values.get(key)
        if isinstance(value, str):
            if value in seen:
                section.wrong(f"{value!r} stands in line {seen[value]} too", key)
            seen.setdefault(value, section.place(key).line)
        yield section
