"""Addresses made to be mistaken for others (rule D5): the same first and last characters.

Poisoners pay dust from such an address and wait until somebody copies it out of the history.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

SHOWN_CHARACTERS = 3
"""Characters at each end that must all agree; by chance that happens once in 32 ** 6."""

_FIXED = re.compile(r"(?:bc|tb|bcrt)1[a-z0-9]|[123mn]")
"""What every address of a kind begins with tells nothing apart."""


@dataclass(frozen=True, kw_only=True)
class KnownAddresses:
    """Addresses that mean something here, each with the name to show.

    own: of the office's wallets. allowed: on a list of payees. paid: paid in an earlier order.
    """

    own: Mapping[str, str] = field(default_factory=dict)
    allowed: Mapping[str, str] = field(default_factory=dict)
    paid: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def spelt(self) -> frozenset[str]:
        """All of them, each in its one spelling."""
        return frozenset(plain(a) for group in (self.own, self.allowed, self.paid) for a in group)

    @cached_property
    def by_ends(self) -> Mapping[tuple[str, str, str], tuple[str, str, str]]:
        """The first known address with these ends: address, name and what it is."""
        found: dict[tuple[str, str, str], tuple[str, str, str]] = {}
        groups = (("own", self.own), ("allowed", self.allowed), ("formerly paid", self.paid))
        for kind, group in groups:
            for address, name in sorted(group.items()):
                found.setdefault(ends_of(address), (address, name, kind))
        return found


NONE_KNOWN = KnownAddresses()


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Two addresses that people take for one. name: whose the known one is."""

    address: str
    resembles: str
    name: str
    kind: str

    def __str__(self) -> str:
        return (
            f"{self.address} looks like {self.resembles} ({self.kind}: {self.name}) but is "
            "another address; compare them character by character and take it from the payee again"
        )


def lookalike(address: str, known: KnownAddresses) -> Lookalike | None:
    """The known address that this one imitates; None for a known or an unlike address."""
    if plain(address) in known.spelt:
        return None
    found = known.by_ends.get(ends_of(address))
    return None if found is None else Lookalike(address, *found)


def plain(address: str) -> str:
    """One spelling: addresses of segregated witness may be written in capitals (BIP-173)."""
    lower = address.lower()
    return lower if lower.startswith(("bc1", "tb1", "bcrt1")) else address


def ends_of(address: str) -> tuple[str, str, str]:
    """What people look at: kind, first and last characters.

    >>> ends_of("bcrt1qabcdefgh234") == ends_of("BCRT1QABCXXXXX234")
    True
    """
    address = plain(address)
    fixed = _FIXED.match(address)
    start = fixed.end() if fixed else 0
    first = address[start : start + SHOWN_CHARACTERS]
    return address[:start], first, address[-SHOWN_CHARACTERS:]
