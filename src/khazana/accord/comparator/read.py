"""Reading a comparison (`khazana.comparison/1`, TOML): complete, or refused whole."""

from collections.abc import Iterator
from datetime import date, datetime
from importlib import resources

from khazana.accord.comparator.provisions import (
    Comparison,
    Mark,
    Provision,
    Question,
    Standing,
    State,
    overlaps,
)
from khazana.ledger.problems import ProblemList, suggestion
from khazana.ledger.sections import Section, read_toml

COMPARISON_FORMAT = "khazana.comparison/1"
LANGUAGES = ("en", "ur", "ar", "es")
NO_DAY = date(1, 1, 1)


def read_comparison(name: str, raw: bytes) -> Comparison:
    """The comparison in these bytes; `OfficeFileRefused` names every problem with its line."""
    problems = ProblemList()
    top = read_toml(name, raw, problems)
    if top.text("format") not in ("", COMPARISON_FORMAT):
        top.wrong(f'this program reads format = "{COMPARISON_FORMAT}"', "format")
    questions = tuple(_questions(top.sections("question")))
    sections = top.sections("provision")
    known = [each.id for each in questions]
    provisions = [_provision(section, known) for section in sections]
    for first, second in overlaps(provisions):
        sections[provisions.index(second)].wrong(
            f"begins before the answer of {first.since} ends: give that one an `until`", "since"
        )
    top.finish()
    problems.refuse_if_any(name)
    return Comparison(questions, tuple(provisions))


def _questions(sections: list[Section]) -> Iterator[Question]:
    seen = set()
    for section in sections:
        id_ = section.identifier()
        if id_ in seen:
            section.wrong(f"{id_!r} stands twice", "id")
        seen.add(id_)
        yield Question(id=id_, words=_in_all(section, "words"))
        section.finish()


def _provision(section: Section, questions: list[str]) -> Provision:
    question = section.text("question")
    if question and question not in questions:
        section.wrong(f"{question!r} is unknown{suggestion(question, questions)}", "question")
    since = _day(section, "since")
    until = _day(section, "until") if section.has("until") else None
    if until is not None and until <= since:
        section.wrong("ends before it begins", "until")
    made = Provision(
        question=question,
        state=section.choice("state", State),
        article=section.text("article"),
        since=since,
        until=until,
        standing=section.choice("standing", Standing),
        says=_in_all(section, "says"),
        outcome=_in_all(section, "outcome") if section.has("outcome") else None,
        source=section.text("source"),
        mark=section.choice("mark", Mark),
    )
    section.finish()
    return made


def _in_all(section: Section, key: str) -> dict[str, str]:
    names = dict(section.names(key))
    if section.has(key) and isinstance(section.values[key], dict):
        for missing in sorted(set(LANGUAGES) - set(names)):
            section.wrong(f"is not given in {missing}", key)
    return names


def _day(section: Section, key: str) -> date:
    if not section.has(key):
        section.wrong("is missing: a day such as 2025-05-01", key)
        return NO_DAY
    value = section.values[key]
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    section.wrong("should be a day such as 2025-05-01, without quotes", key)
    return NO_DAY


def shipped_comparison() -> Comparison:
    """The comparison of Pakistan's and El Salvador's rules that comes with the program.

    >>> len(shipped_comparison().questions) >= 8
    True
    """
    folder = resources.files("khazana.accord.comparator").joinpath("data")
    return read_comparison("frameworks.toml", folder.joinpath("frameworks.toml").read_bytes())
