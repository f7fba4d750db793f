"""Provisions of two states side by side: what a rule says, since when, and what came of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from itertools import pairwise


class State(Enum):
    """Whose rules are compared."""

    PAKISTAN = "pakistan"
    EL_SALVADOR = "el-salvador"


class Standing(Enum):
    """How far a rule has come."""

    IN_FORCE = "in-force"
    AMENDED = "amended"
    REPEALED = "repealed"
    SUPERSEDED = "superseded"
    ANNOUNCED = "announced"
    DRAFT = "draft"
    REFUSED = "refused"
    NOT_FOUND = "not-found"


class Mark(Enum):
    """How sure the line is: stated in its source, recalled, or inferred."""

    STATED = "S"
    RECALLED = "R"
    INFERRED = "I"


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question that both states' rules answer, or leave open."""

    id: str
    words: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Provision:
    """A state's answer to a question for a time: from `since` until the day before `until`.

    article: the law and its article as the source names them. outcome: what was seen to follow.
    """

    question: str
    state: State
    article: str
    since: date
    until: date | None
    standing: Standing
    says: Mapping[str, str]
    outcome: Mapping[str, str] | None
    source: str
    mark: Mark

    def applies(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True)
class Comparison:
    """Questions and what each state's rules say to them."""

    questions: tuple[Question, ...]
    provisions: tuple[Provision, ...]

    def history(self, question: str, state: State) -> tuple[Provision, ...]:
        """Every version of a state's answer, oldest first."""
        found = (
            each for each in self.provisions if (each.question, each.state) == (question, state)
        )
        return tuple(sorted(found, key=lambda each: each.since))

    def on(self, question: str, state: State, day: date) -> Provision | None:
        """The answer that applied on a day; None where none did or none was found."""
        return next((each for each in self.history(question, state) if each.applies(day)), None)


def overlaps(provisions: Iterable[Provision]) -> list[tuple[Provision, Provision]]:
    """Pairs of answers of one state to one question that apply on the same day."""
    ordered = sorted(provisions, key=lambda each: (each.question, each.state.value, each.since))
    return [
        (first, second)
        for first, second in pairwise(ordered)
        if (first.question, first.state) == (second.question, second.state)
        and (first.until is None or first.until > second.since)
    ]
