"""Disclosure levels: which parts the public, a lender and an auditor see, under one root."""

from collections.abc import Callable

TOTALS_KINDS = frozenset(
    {"entity", "wallet", "account", "perimeter", "book", "sealed", "exclusion"}
)
"""Figures and who is counted, without an address."""
ADDRESSES_KINDS = TOTALS_KINDS | {"scripts", "coins"}
"""And what lets anyone derive the figures from the chain."""
FULL_KINDS = ADDRESSES_KINDS | {"entry", "explanation", "document"}
"""And every movement with its reason. Descriptors stay out: they show future addresses."""
AUDITOR_KINDS = FULL_KINDS | {"descriptor"}

LEVELS: dict[str, frozenset[str]] = {
    "totals": TOTALS_KINDS,
    "addresses": ADDRESSES_KINDS,
    "full": FULL_KINDS,
    "auditor": AUDITOR_KINDS,
}


def keep_at(level: str) -> Callable[[str], bool]:
    """Whether a part is shown at a level, by its name; extensions are for the full levels."""
    kinds = LEVELS[level]

    def keep(name: str) -> bool:
        kind = name.partition("/")[0]
        return kind in kinds or (kind.startswith("x-") and level in ("full", "auditor"))

    return keep
