"""Whether the lender's conditions are kept, counted for the first page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from khazana.conditions.parts import conditions_of
from khazana.conditions.standing import standing_of
from khazana.conditions.verdicts import Verdict
from khazana.portal.statement.models import StatementRow
from khazana.reserve.reading import ReserveStatement


@dataclass(frozen=True)
class Verdicts:
    """How many conditions have a verdict now; `name` is the verdict's for the style sheet."""

    name: str
    verdict: str
    number: int


@dataclass(frozen=True)
class Kept:
    """The newest verdict of each condition that was evaluated, counted."""

    verdicts: Sequence[Verdicts]
    breached: bool
    unassessed: bool


def verdicts_of(statement: ReserveStatement) -> dict[str, int]:
    """How many conditions of a statement's parts have which verdict now, by the verdict's name."""
    return dict(
        Counter(
            standing.newest.verdict.name
            for body in conditions_of(statement)
            for standing in standing_of(body)
            if standing.newest is not None
        )
    )


def kept_of(statement: StatementRow) -> Kept | None:
    """None where the published view carries no evaluated condition."""
    counted: dict[str, int] = statement.verdicts
    if not counted:
        return None
    return Kept(
        verdicts=tuple(
            Verdicts(verdict.name.lower(), verdict.value, counted[verdict.name])
            for verdict in Verdict
            if verdict.name in counted
        ),
        breached=Verdict.BREACHED.name in counted,
        unassessed=Verdict.NOT_ASSESSABLE.name in counted,
    )
