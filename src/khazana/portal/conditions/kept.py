"""Whether the lender's conditions are kept, counted for the first page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from khazana.conditions.parts import conditions_of
from khazana.conditions.standing import standing_of
from khazana.conditions.verdicts import Verdict
from khazana.portal.reserve.pair import cached_value
from khazana.portal.statement.models import StatementRow


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


def kept_of(statement: StatementRow) -> Kept | None:
    """None where the published view carries no evaluated condition."""
    return _kept(statement.root, statement.sha256)


@lru_cache(maxsize=32)
def _kept(root: str, sha256: str) -> Kept | None:
    counted = Counter(
        standing.newest.verdict
        for body in conditions_of(cached_value(root, sha256))
        for standing in standing_of(body)
        if standing.newest is not None
    )
    if not counted:
        return None
    return Kept(
        verdicts=tuple(
            Verdicts(verdict.name.lower(), verdict.value, counted[verdict])
            for verdict in Verdict
            if counted[verdict]
        ),
        breached=counted[Verdict.BREACHED] > 0,
        unassessed=counted[Verdict.NOT_ASSESSABLE] > 0,
    )
