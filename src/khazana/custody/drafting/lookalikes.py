"""Addresses made to be mistaken for others (rule D5): the same first and last characters.

Poisoners pay dust from such an address and wait until somebody copies it out of the history.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

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
    mine = plain(address)
    groups = (("own", known.own), ("allowed", known.allowed), ("formerly paid", known.paid))
    if any(mine == plain(other) for _, group in groups for other in group):
        return None
    ends = _ends(mine)
    for kind, group in groups:
        for other, name in sorted(group.items()):
            if _ends(plain(other)) == ends:
                return Lookalike(address, other, name, kind)
    return None


def alike(one: str, other: str) -> bool:
    """Whether two different addresses show the same ends.

    >>> alike("bcrt1qabcdefgh234", "bcrt1qabcxxxxx234")
    True
    >>> alike("bcrt1qabcdefgh234", "bcrt1qabcdefgh234")
    False
    """
    return plain(one) != plain(other) and _ends(plain(one)) == _ends(plain(other))


def plain(address: str) -> str:
    """One spelling: addresses of segregated witness may be written in capitals (BIP-173)."""
    lower = address.lower()
    return lower if lower.startswith(("bc1", "tb1", "bcrt1")) else address


def _ends(address: str) -> tuple[str, str, str]:
    fixed = _FIXED.match(address)
    start = fixed.end() if fixed else 0
    first = address[start : start + SHOWN_CHARACTERS]
    return address[:start], first, address[-SHOWN_CHARACTERS:]
