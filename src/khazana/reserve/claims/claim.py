"""A claim: who said what, when, where it was read, and by which kind of check it can be looked at.

Institutions are reported, never judged: a check says whether a claim fits the figures that we could
find, by how much, and what it rests on.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction

from khazana.ledger.grades import EvidenceGrade

LANGUAGES = ("en", "ur", "ar", "es")
"""Every text of the register stands in each of these."""
Texts = Mapping[str, str]
"""language -> text, for exactly the languages of LANGUAGES."""

NO_ADDRESS = "not recorded"
"""Stands for the address of a source that came to us without one."""

UNITS = (
    "BTC",
    "BTC per day",
    "USD",
    "USD per kWh",
    "SDR",
    "PKR",
    "PKR per kWh",
    "MW",
    "people",
    "addresses",
    "machines",
    "per cent",
    "articles",
    "months",
    "schools",
    "incidents",
)


class Subject(Enum):
    """What a claim is about."""

    RESERVE = "reserve"
    POLICY = "policy"
    MINING = "mining"
    SUPERVISION = "supervision"
    INCLUSION = "inclusion"
    EDUCATION = "education"
    COOPERATION = "cooperation"


class Perimeter(Enum):
    """What a quantity was said of."""

    FUND_PAGE = "fund's page"
    LISTED = "listed addresses"
    PUBLIC_SECTOR = "public sector"
    COMPANY = "company"
    COUNTRY = "country"
    PROGRAMME = "programme"
    PROVIDERS = "licensed providers"
    NOT_STATED = "not stated"


class Qualifier(Enum):
    """How firmly a figure was said."""

    EXACTLY = "exactly"
    ABOUT = "about"
    OVER = "over"
    UP_TO = "up to"


class Mark(Enum):
    """How sure we are that the source says so (docs/memorandum-file.md)."""

    STATED = "S"
    MEASURED = "M"
    RECALLED = "R"
    INFERRED = "I"


class ClaimVerdict(Enum):
    """What became of a check. None of these says that anybody told an untruth."""

    FITS = "fits"
    DOES_NOT_FIT = "does not fit"
    DERIVE = "derive it yourself"
    CITED = "cited"
    NOT_COMPUTED = "not computed here"
    """Another room's figures are needed, and nobody handed them in."""
    NOT_CHECKABLE = "not checkable"


class Relation(Enum):
    """How the claimed figure stands to the computed one if the claim fits."""

    EQUAL = "equal"
    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True)
class When:
    """A day, a month or a year as the source gives it: 2025-07-16, 2025-07, 2025."""

    text: str
    first: date
    last: date

    @classmethod
    def of(cls, text: str) -> "When":
        """ValueError when it is none.

        >>> When.of("2024-02").last
        datetime.date(2024, 2, 29)
        """
        parts = text.split("-")
        if [len(part) for part in parts] not in ([4], [4, 2], [4, 2, 2]) or not all(
            part.isascii() and part.isdigit() for part in parts
        ):
            raise ValueError(f"{text!r} is no date such as 2025-07-16, 2025-07 or 2025")
        numbers = [int(part) for part in parts]
        try:
            first = date(*[*numbers, 1, 1][:3])
            if len(numbers) == 3:
                last = first
            elif len(numbers) == 2:
                last = first.replace(day=monthrange(first.year, first.month)[1])
            else:
                last = date(numbers[0], 12, 31)
        except ValueError as wrong:
            raise ValueError(f"{text!r} is not in the calendar") from wrong
        return cls(text, first, last)

    @property
    def day(self) -> date | None:
        """The day, if it is known to the day."""
        return self.first if self.first == self.last else None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A figure as it was said. text: its digits. unit: one of UNITS."""

    text: str
    value: Fraction
    unit: str
    qualifier: Qualifier
    perimeter: Perimeter


@dataclass(frozen=True, slots=True)
class ClaimSource:
    """Where the claim was read. address: as recorded, host first, or NO_ADDRESS."""

    publisher: str
    address: str
    fetched: date
    mark: Mark

    @property
    def link(self) -> str | None:
        """An https address to follow, or None."""
        return None if self.address == NO_ADDRESS else f"https://{self.address}"


@dataclass(frozen=True, slots=True)
class PriceCheck:
    """The quantity times the prices of a day, against the worth that was claimed with it."""

    at: date
    worth_text: str
    worth: Fraction
    currency: str
    qualifier: Qualifier
    kind = "price"


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """Countable by anyone with a list of addresses that somebody published. office: its name."""

    office: str
    command: str
    kind = "chain"


@dataclass(frozen=True, slots=True)
class ArithmeticCheck:
    """The quantity against a formula over other claims. within: per cent of the computed figure."""

    formula: str
    relation: Relation
    within: Fraction
    compares: Texts
    kind = "arithmetic"


@dataclass(frozen=True, slots=True)
class DocumentCheck:
    """A source is cited, and there is nothing to compute."""

    kind = "document"


@dataclass(frozen=True, slots=True)
class MiningCheck:
    """Bitcoin said to be mined from a power between two days, against difficulty and subsidy.

    The quantity is BTC in all, or BTC per day. power_mw: megawatts at the plug, all the time.
    """

    power_mw: Fraction
    power_text: str
    first: date
    last: date
    kind = "mining"


@dataclass(frozen=True, slots=True)
class NotCheckable:
    """Nothing public to hold it against, and why."""

    why: Texts
    kind = "not checkable"


ClaimPlan = PriceCheck | ChainCheck | ArithmeticCheck | DocumentCheck | MiningCheck | NotCheckable
PLAN_KINDS = ("price", "chain", "arithmetic", "document", "mining", "not checkable")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of the register.

    country: ISO 3166-1 alpha-3 of the programme it is about. as_of: what moment it speaks of.
    grade: what the claim itself rests on. own words: `text` is ours, never the speaker's.
    """

    id: str
    subject: Subject
    country: str
    speaker: Texts
    said: When
    as_of: When
    text: Texts
    quantity: Quantity | None
    source: ClaimSource
    grade: EvidenceGrade
    plan: ClaimPlan
