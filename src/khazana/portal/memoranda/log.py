"""The log of verdicts: what each published statement said of each condition, the newest first."""

from collections.abc import Iterator
from dataclasses import dataclass

from khazana.conditions.parts import conditions_of
from khazana.conditions.standing import standing_of
from khazana.portal.statement.choosing import standing_statements
from khazana.reserve.reading import read_reserve_statement

MOST_STATEMENTS = 40


@dataclass(frozen=True)
class Said:
    """One condition in one statement. verdict: its name for the words in four languages."""

    root: str
    until: int
    memorandum: str
    condition: str
    verdict: str
    why: str


def verdict_log() -> Iterator[Said]:
    """From the statements that stand today; those they replaced are on the corrections page."""
    rows = standing_statements(own=True).defer(None)[:MOST_STATEMENTS]
    for row in rows:
        statement = read_reserve_statement(bytes(row.raw))
        for body in conditions_of(statement):
            for standing in standing_of(body):
                if standing.newest is not None:
                    yield Said(
                        root=row.root,
                        until=row.until_height,
                        memorandum=body.memorandum.id,
                        condition=standing.condition.id,
                        verdict=standing.newest.verdict.value,
                        why=standing.newest.why,
                    )
