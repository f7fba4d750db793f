"""What waits for a person: each app of the desk says it of its own work."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.apps import apps

if TYPE_CHECKING:  # configurations import this before there are models
    from khazana.portal.accounts.models import Person


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line on the desk's first page. text: in the reader's language; address: where to go."""

    text: str
    address: str


def waiting_for(person: "Person") -> Iterator[Waiting]:
    """Ask every app whose configuration has `waiting(person)`, in their order."""
    for config in apps.get_app_configs():
        of_app = getattr(config, "waiting", None)
        if of_app is not None:
            yield from of_app(person)
