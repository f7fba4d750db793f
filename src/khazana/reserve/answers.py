"""The answer to one question about a statement: findings, and what they rest on."""

from collections.abc import Iterable
from dataclasses import dataclass

from khazana.ledger.findings import Finding

FILE = "the file itself"
"""The basis of a check that asks nobody."""


@dataclass(frozen=True)
class Answer:
    """No findings: passed. A question that cannot be answered raises instead."""

    basis: str
    summary: str
    findings: tuple[Finding, ...] = ()
    limits: tuple[str, ...] = ()


def answer(
    *, basis: str, good: str, findings: Iterable[Finding], limits: tuple[str, ...] = ()
) -> Answer:
    """An answer whose summary is `good`, or how many findings there are and the first of them."""
    found = tuple(findings)
    if not found:
        return Answer(basis, good, (), limits)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Answer(basis, f"{found[0].text} in {found[0].where}{more}", found, limits)
