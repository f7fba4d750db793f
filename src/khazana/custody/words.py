"""A wallet's policy in plain words: "any 2 of Anna, Bo, Cia; or Dara after about 1 year"."""

from collections.abc import Mapping
from datetime import UTC, datetime

from khazana.bitcoin.descriptor import Descriptor, KeyExpression
from khazana.bitcoin.network import TARGET_SPACING_S
from khazana.custody.policy import (
    ALWAYS,
    NEVER,
    Lock,
    LockKind,
    Policy,
    Preimage,
    SignedBy,
    Some,
    key_id,
    policy_of,
)
from khazana.custody.ways import Way, ways_of

_DAY = 86_400
# Longest first; a year is 365 days, a month 30: these words say "about".
_UNITS = (("year", 365 * _DAY), ("month", 30 * _DAY), ("day", _DAY), ("hour", 3600), ("minute", 60))
_LAST_TIME = 253_402_300_799
"""The end of the year 9999; older dates are said as numbers."""


def describe(descriptor: Descriptor, names: Mapping[str, str]) -> str:
    """One sentence that says who may spend. names: holders by key (rule K1 to K3).

    A key without a name is called by its position and fingerprint.
    """
    named = key_names(descriptor, names)
    ways = ways_of(policy_of(descriptor))
    if not ways:
        return "nobody, ever"
    return "; or ".join(way_in_words(way, named) for way in ways)


def key_names(descriptor: Descriptor, names: Mapping[str, str]) -> dict[str, str]:
    """A name for every key; two keys of one holder are told apart by their position."""
    held: dict[str, str] = {}
    for position, key in enumerate(descriptor.keys, 1):
        name = names.get(key_id(key))
        if name is not None and name in held.values() and key_id(key) not in held:
            name = f"{name} (key {position})"
        held.setdefault(key_id(key), name or _unnamed(position, key))
    return held


def way_in_words(way: Way, names: Mapping[str, str]) -> str:
    """Who, then how long they wait."""
    who = "anybody" if way.who == ALWAYS else policy_in_words(way.who, names)
    return " ".join([who, *filter(None, [" and ".join(map(lock_in_words, way.waits))])])


def policy_in_words(policy: Policy, names: Mapping[str, str]) -> str:
    """A policy as people say it; parts of parts in parentheses."""
    match policy:
        case SignedBy(key):
            return names[key_id(key)]
        case Lock():
            return f"a wait {lock_in_words(policy)}"
        case Preimage(function, digest):
            return f"whoever knows what {function} turns into {digest[:8]}…"
        case Some(required, parts):
            if policy in (ALWAYS, NEVER):
                return "anybody" if policy == ALWAYS else "nobody"
            said = [_inner(part, names) for part in parts]
            if required == len(parts):
                return " and ".join(said) if len(said) == 2 else "all of " + ", ".join(said)
            return f"any {required} of {', '.join(said)}"


def lock_in_words(lock: Lock) -> str:
    """A timelock with its exact number behind it.

    >>> lock_in_words(Lock(LockKind.BLOCKS, 52_560))
    'after about 1 year (52,560 blocks)'
    """
    match lock.kind:
        case LockKind.BLOCKS:
            count = f"{lock.value:,} block{'s' if lock.value != 1 else ''}"
            return f"after about {about(lock.value * TARGET_SPACING_S)} ({count})"
        case LockKind.SECONDS:
            return f"after about {about(lock.value)} ({lock.value:,} seconds)"
        case LockKind.HEIGHT:
            return f"from block {lock.value:,} on"
        case LockKind.TIME:
            if lock.value > _LAST_TIME:
                return f"from second {lock.value:,} after 1970 on"
            at = datetime.fromtimestamp(lock.value, tz=UTC)
            return f"from {at:%Y-%m-%d %H:%M:%S} UTC on"


def about(seconds: int) -> str:
    """A time span in one unit, the largest that loses little.

    >>> about(52_560 * 600), about(65_535 * 600), about(144 * 600), about(4320 * 600)
    ('1 year', '15 months', '1 day', '1 month')
    """
    for unit, size in _UNITS:
        # Under two of a unit only if exact, so that 15 months do not become one year.
        exact = seconds % size == 0
        if seconds >= size and (exact or seconds >= 2 * size or unit == "minute"):
            count = (seconds + size // 2) // size
            return f"{count} {unit}" + ("s" if count != 1 else "")
    return f"{seconds} second" + ("s" if seconds != 1 else "")


def _inner(part: Policy, names: Mapping[str, str]) -> str:
    said = policy_in_words(part, names)
    return f"({said})" if isinstance(part, Some) else said


def _unnamed(position: int, key: KeyExpression) -> str:
    origin = f" ({key.fingerprint})" if key.fingerprint else ""
    return f"key {position}{origin}"
