"""A finding: something wrong in the books, named by the rule it breaks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Books that break a rule: they are listed, all of them, and nothing is raised.

    rule: the rule's number in docs/methods, such as "L1". where: the entry, file, line or account.

    >>> str(Finding("L1", "inputs exceed outputs and fee by 1 sat", "transaction 4a5e…"))
    'L1: inputs exceed outputs and fee by 1 sat (transaction 4a5e…)'
    """

    rule: str
    text: str
    where: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.text} ({self.where})"
