"""Reminders: which key must sign again by when, before anybody needs it in earnest (K7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from khazana.custody.key_findings import HEALTH_DAYS
from khazana.custody.register import KeyRegister, RegisteredKey

REMIND_DAYS = 30
"""A reminder comes this many days before the day."""


class Health(Enum):
    """How a key stands on a day."""

    FINE = "fine"
    DUE_SOON = "due soon"
    OVERDUE = "overdue"
    NEVER = "never signed"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class KeyHealth:
    """due: the last day on which the key must have signed again; None for a retired key."""

    key: RegisteredKey
    health: Health
    due: date | None

    @property
    def words(self) -> str:
        """One line for the holder."""
        key = self.key
        who = f"{key.id} ({key.holder}, {key.vendor} {key.model}, {key.site})"
        if self.due is None:
            return f"{who}: retired on {key.retired}"
        proven = f"last signed on {key.last_proven}" if key.last_proven else "has never signed"
        return f"{who}: {self.health.value}; {proven}, to sign by {self.due}"


def health_of(
    register: KeyRegister,
    *,
    at: date,
    health_days: int = HEALTH_DAYS,
    remind_days: int = REMIND_DAYS,
) -> Iterator[KeyHealth]:
    """Every key of the register on a day, the most urgent first.

    A key that never signed is due at once, from the day it was created.
    """
    if health_days < 1 or remind_days < 0:
        raise ValueError(f"no reminders {remind_days} days before every {health_days} days")
    found = []
    for key in register.keys:
        if key.retired is not None and key.retired <= at:
            found.append(KeyHealth(key, Health.RETIRED, None))
            continue
        if key.last_proven is None:
            found.append(KeyHealth(key, Health.NEVER, key.created))
            continue
        due = key.last_proven + timedelta(days=health_days)
        soon = due - timedelta(days=remind_days) <= at
        health = Health.OVERDUE if due < at else Health.DUE_SOON if soon else Health.FINE
        found.append(KeyHealth(key, health, due))
    yield from sorted(found, key=lambda one: (one.due or date.max, one.key.id))
