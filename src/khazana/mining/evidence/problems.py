"""How a file of mining evidence is refused: whole, with its problems and their places."""

from dataclasses import dataclass

from khazana.errors import KhazanaError
from khazana.ledger.office import Place
from khazana.ledger.problems import ProblemList, Problems

MOST_PROBLEMS = 100
"""A file with more is not what it is said to be; nobody reads the rest."""


@dataclass(eq=False, kw_only=True)
class EvidenceRefused(KhazanaError):
    """A file of meters, readings, seals, bills or payouts has problems."""

    file: str
    problems: Problems
    code = "mining_evidence_refused"
    words = "{file} is no evidence as it stands; have its author correct these:\n{problems}"


class EvidenceProblems(ProblemList):
    """Collects problems while a file of evidence is read."""

    def __init__(self) -> None:
        super().__init__()
        self.more = 0

    def add(self, place: Place, text: str) -> None:
        if len(self.found) < MOST_PROBLEMS:
            super().add(place, text)
        else:
            self.more += 1

    def refuse_if_any(self, file: str) -> None:
        """Raise `EvidenceRefused` with everything found so far."""
        if not self.found:
            return
        found = sorted(self.found, key=lambda p: (p.place.file, p.place.line))
        if self.more:
            last = Place(file, found[-1].place.line, "(file)")
            found.append(type(found[0])(last, f"{self.more} more problems"))
        raise EvidenceRefused(file=file, problems=Problems(found))
