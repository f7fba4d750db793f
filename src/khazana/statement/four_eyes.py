"""Four eyes: what one person wrote counts when two others, neither of them its author, agreed.

A confirmation is of bytes, by their digest: when the content changes, what was confirmed is gone
and everybody is asked again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from khazana.errors import KhazanaError

NEEDED = 2


@dataclass(eq=False, kw_only=True)
class ConfirmationRefused(KhazanaError):
    """Someone may not confirm this."""

    person: str
    problem: str
    code = "confirmation_refused"
    words = "{person} cannot confirm this: {problem}."


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Who agreed, and to which bytes. digest: SHA-256 of what they saw, hexadecimal."""

    person: str
    digest: str


def counting(author: str, digest: str, confirmations: Iterable[Confirmation]) -> tuple[str, ...]:
    """Who of them counts for the content of this digest: each person once, never the author.

    >>> counting("amina", "d1", [Confirmation("amina", "d1"), Confirmation("bilal", "d1"),
    ...     Confirmation("bilal", "d1"), Confirmation("carla", "d0")])
    ('bilal',)
    """
    persons = dict.fromkeys(
        each.person for each in confirmations if each.digest == digest and each.person != author
    )
    return tuple(persons)


def is_confirmed(author: str, digest: str, confirmations: Iterable[Confirmation]) -> bool:
    """Whether two different people, neither the author, agreed to exactly this content."""
    return len(counting(author, digest, confirmations)) >= NEEDED


def require_may_confirm(
    person: str, *, author: str, digest: str, seen: str, given: Iterable[Confirmation]
) -> None:
    """Refuse the author, whoever confirmed before, and whoever looked at another version."""
    if person == author:
        raise ConfirmationRefused(person=person, problem="its author is never one of the two")
    if seen != digest:
        problem = "it has changed since this page was shown; look at it again"
        raise ConfirmationRefused(person=person, problem=problem)
    if person in counting(author, digest, given):
        raise ConfirmationRefused(person=person, problem="the same person counts once")
