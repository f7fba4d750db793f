"""How a memorandum or a table of figures is refused: whole, with every problem and its place."""

from dataclasses import dataclass

from khazana.errors import KhazanaError
from khazana.ledger.problems import ProblemList, Problems


@dataclass(eq=False, kw_only=True)
class MemorandumRefused(KhazanaError):
    """A memorandum, or a table that goes with it, has problems."""

    file: str
    problems: Problems
    code = "memorandum_refused"
    words = "{file} is refused as it stands; correct these and read it again:\n{problems}"


class MemorandumProblems(ProblemList):
    """Collects problems while a memorandum or a table is read."""

    def refuse_if_any(self, file: str) -> None:
        """Raise `MemorandumRefused` with everything found so far."""
        if self.found:
            found = sorted(self.found, key=lambda p: (p.place.file, p.place.line))
            raise MemorandumRefused(file=file, problems=Problems(found))
