"""Evidence grades: what a figure rests on, and totals that show how much of each they carry."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from khazana.units import Sats


class EvidenceGrade(Enum):
    """What a figure rests on, strongest first."""

    A = "A"
    """Anyone derives it from the chain."""
    B = "B"
    """Signed by the keys or the body responsible."""
    C = "C"
    """A document attests it and the document's hash is published."""
    D = "D"
    """Entered or estimated."""

    @property
    def rank(self) -> int:
        """0 for the strongest."""
        return "ABCD".index(self.value)


def weakest(grades: Iterable[EvidenceGrade]) -> EvidenceGrade:
    """The grade of something that needs all of them: a chain is as strong as its weakest link.

    >>> weakest([EvidenceGrade.A, EvidenceGrade.C]).value
    'C'
    """
    return max(grades, key=lambda grade: grade.rank)


_NOTHING = Sats(0)


@dataclass(frozen=True)
class GradedTotal:
    """A sum of satoshis that shows how much of each grade it carries; parts may be negative.

    >>> str(GradedTotal.of(Sats(5), EvidenceGrade.A) + GradedTotal.of(Sats(-2), EvidenceGrade.D))
    '3 sat (A 5, D -2)'
    """

    a: Sats = _NOTHING
    b: Sats = _NOTHING
    c: Sats = _NOTHING
    d: Sats = _NOTHING

    @classmethod
    def of(cls, amount: Sats, grade: EvidenceGrade) -> "GradedTotal":
        """One amount of one grade."""
        return cls(**{grade.value.lower(): amount})

    @classmethod
    def sum(cls, totals: Iterable["GradedTotal"]) -> "GradedTotal":
        """The sum of many, grade by grade."""
        result = cls()
        for total in totals:
            result += total
        return result

    @property
    def total(self) -> Sats:
        return Sats(self.a + self.b + self.c + self.d)

    def part(self, grade: EvidenceGrade) -> Sats:
        """How much of the total carries this grade."""
        return {
            EvidenceGrade.A: self.a,
            EvidenceGrade.B: self.b,
            EvidenceGrade.C: self.c,
            EvidenceGrade.D: self.d,
        }[grade]

    def __add__(self, other: "GradedTotal") -> "GradedTotal":
        return GradedTotal(
            Sats(self.a + other.a),
            Sats(self.b + other.b),
            Sats(self.c + other.c),
            Sats(self.d + other.d),
        )

    def __sub__(self, other: "GradedTotal") -> "GradedTotal":
        return self + -other

    def __neg__(self) -> "GradedTotal":
        return GradedTotal(Sats(-self.a), Sats(-self.b), Sats(-self.c), Sats(-self.d))

    def __str__(self) -> str:
        parts = ", ".join(f"{g.value} {self.part(g)}" for g in EvidenceGrade if self.part(g))
        return f"{self.total} sat" + (f" ({parts})" if parts else "")
