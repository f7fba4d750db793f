"""Whether each condition is kept today: of everything evaluated, the newest that could be said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from khazana.conditions.memorandum import Condition
from khazana.conditions.parts import ConditionsBody
from khazana.conditions.verdicts import Evaluated


@dataclass(frozen=True)
class Standing:
    """A condition with its newest evaluation, and the newest that could be assessed before it.

    newest: None when nothing about it was evaluated, such as a duty or a target still ahead.
    """

    condition: Condition
    newest: Evaluated | None
    assessed: Evaluated | None


def standing_of(body: ConditionsBody) -> Sequence[Standing]:
    """Every condition of a statement's part, in the memorandum's order."""
    heights = {day: block.height for day, block in body.closings.items()}

    def moment(evaluated: Evaluated) -> tuple[int, str]:
        day = evaluated.day.isoformat() if evaluated.day is not None else ""
        last = evaluated.until or evaluated.block
        return (heights.get(day, 0) if last is None else last.height, day)

    found = []
    for condition in body.memorandum.conditions:
        own = [
            one
            for one in body.evaluated
            if one.condition == condition.id and _not_ahead(one.day, body.today)
        ]
        own.sort(key=moment)
        assessed = [one for one in own if one.measured is not None and one.headroom is not None]
        found.append(
            Standing(condition, own[-1] if own else None, assessed[-1] if assessed else None)
        )
    return tuple(found)


def _not_ahead(day: date | None, today: date) -> bool:
    return day is None or day <= today
