"""What is wrong in the files of an office: every problem with its file, line and field."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from khazana.errors import KhazanaError
from khazana.ledger.office import Place


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where, and what to do."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class Problems(tuple[Problem, ...]):
    """All problems of an office's files, in the order of files and lines."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(f"  {problem}" for problem in self)


@dataclass(eq=False, kw_only=True)
class OfficeFileRefused(KhazanaError):
    """An office's description has problems; it is refused whole, with all of them."""

    file: str
    problems: Problems
    code = "office_file_refused"
    words = "{file} is refused and nothing was taken from it:\n{problems}"


class ProblemList:
    """Collects problems while files are read."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, place: Place, text: str) -> None:
        self.found.append(Problem(place, text))

    def refuse_if_any(self, file: str) -> None:
        """Raise `OfficeFileRefused` with everything found so far."""
        if self.found:
            found = sorted(
                self.found, key=lambda p: (p.place.file != file, p.place.file, p.place.line)
            )
            raise OfficeFileRefused(file=file, problems=Problems(found))


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` when one of the known words is close, else all of them.

    >>> suggestion("walet", ["wallet", "entity"])
    '; did you mean "wallet"?'
    >>> suggestion("zzz", ["wallet", "entity"])
    '; known are entity, wallet'
    """
    words = sorted(known)
    close = difflib.get_close_matches(wrong, words, n=1)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; known are {', '.join(words)}" if words else ""
