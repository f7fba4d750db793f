"""The ways to spend: each a group of keys, and how long a coin must have waited."""

from dataclasses import dataclass
from itertools import combinations

from khazana.bitcoin.network import TARGET_SPACING_S
from khazana.custody.policy import (
    ALWAYS,
    NEVER,
    Lock,
    LockKind,
    Policy,
    Some,
    every,
    is_met,
    key_id,
    keys_in,
    some,
)

_MOST_COMBINATIONS = 20_000


@dataclass(frozen=True, slots=True)
class Way:
    """One way to spend. who: keys and preimages, without locks. waits: every lock that must open.

    A relative lock counts from when a coin was received: moving the coin starts it again.
    """

    who: Policy
    waits: tuple[Lock, ...] = ()

    @property
    def open_at_once(self) -> bool:
        return not self.waits

    @property
    def order(self) -> tuple[int, ...]:
        """Ways without waiting come first, then the shorter waits."""
        return tuple(sorted(_seconds(lock) for lock in self.waits)) or (-1,)


def ways_of(policy: Policy) -> tuple[Way, ...]:
    """Every way to spend, the earliest first, locks drawn out of thresholds (rule K2).

    any 2 of (Anna, Bo, a wait of a year) is read as: Anna and Bo; or any 1 of them after a year.
    """
    parts = policy.parts if isinstance(policy, Some) and policy.required == 1 else (policy,)
    found: list[Way] = []
    for part in parts or (policy,):
        found += (way for way in _ways(part) if way not in found and way.who != NEVER)
    # Stable: ways with the same wait stay in the order written.
    return tuple(sorted(found, key=lambda way: way.order))


def fewest_keys(way: Way) -> int:
    """How many different keys are needed at the least.

    >>> from khazana.custody.policy import ALWAYS
    >>> fewest_keys(Way(ALWAYS))
    0
    """
    keys = sorted({key_id(key) for key in keys_in(way.who)})
    tried = 0
    for size in range(len(keys) + 1):
        for chosen in combinations(keys, size):
            tried += 1
            if tried > _MOST_COMBINATIONS:
                # So wide a policy is counted from below: never more than it truly needs.
                return size
            if is_met(way.who, by=frozenset(chosen), locks_open=True):
                return size
    return len(keys)


def _ways(part: Policy) -> list[Way]:
    if isinstance(part, Lock):
        return [Way(ALWAYS, (part,))]
    if not isinstance(part, Some) or part in (ALWAYS, NEVER):
        return [Way(part)]
    locks = tuple(p for p in part.parts if isinstance(p, Lock))
    others = tuple(p for p in part.parts if not isinstance(p, Lock))
    if part.required == len(part.parts):
        return _joined(locks, others)
    if len({lock.kind for lock in locks}) > 1:
        return [Way(part)]
    # Of locks of one kind the shorter ones are open whenever a longer one is.
    found: list[Way] = []
    waited = sorted(locks, key=lambda lock: lock.value)
    for opened in range(min(len(waited), part.required) + 1):
        who = some(part.required - opened, others)
        found.append(Way(who, tuple(waited[opened - 1 : opened]) if opened else ()))
    return found


def _joined(locks: tuple[Lock, ...], others: tuple[Policy, ...]) -> list[Way]:
    """All parts together: where one of them is a choice, each choice is a way of its own."""
    ways = [Way(ALWAYS, locks)]
    for other in others:
        choices = (
            [w for p in other.parts for w in _ways(p)]
            if isinstance(other, Some) and other.required == 1 and _has_lock(other)
            else _ways(other)
        )
        ways = [
            Way(every(way.who, choice.who), (*way.waits, *choice.waits))
            for way in ways
            for choice in choices
        ]
    return ways


def _has_lock(policy: Policy) -> bool:
    return isinstance(policy, Lock) or (
        isinstance(policy, Some) and any(_has_lock(part) for part in policy.parts)
    )


def _seconds(lock: Lock) -> int:
    """For ordering only: about how long, or when."""
    return lock.value * TARGET_SPACING_S if lock.kind is LockKind.BLOCKS else lock.value
