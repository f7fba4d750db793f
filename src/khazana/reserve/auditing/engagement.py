"""What an audit's papers say in words: the engagement, requests, answers and findings.

Everything is told by entries with a person and a time; nothing is ever changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from khazana.errors import KhazanaError
from khazana.ledger.canonical import Json, canonical_bytes, parse_strict
from khazana.reserve.parts import Hash, Sum, UtcTime
from khazana.statement.patterns import END

ENGAGEMENT_FORMAT: Final = "khazana.audit-engagement/1"
REQUESTS_FORMAT: Final = "khazana.audit-requests/1"
FINDINGS_FORMAT: Final = "khazana.audit-findings/1"
Outcome = Literal["agrees", "differs", "not_seen"]
OUTCOMES: tuple[Outcome, ...] = ("agrees", "differs", "not_seen")
Step = Literal["asked", "answered", "accepted", "asked_again"]
_FOLLOWS: Mapping[Step | None, tuple[Step, ...]] = {
    None: ("asked",),
    "asked": ("answered",),
    "answered": ("answered", "accepted", "asked_again"),
    "asked_again": ("answered",),
    "accepted": ("asked_again",),
}

PaperT = TypeVar("PaperT", "Engagement", "Requests", "Findings")
Who = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


@dataclass(eq=False, kw_only=True)
class StepRefused(KhazanaError):
    """A step that does not follow from where a request stands."""

    problem: str
    code = "audit_step_refused"
    words = "This step cannot be taken: {problem}."


class Engagement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An audit of one statement. key: id of the auditor's statement key; materiality: satoshi."""

    format: Literal["khazana.audit-engagement/1"] = ENGAGEMENT_FORMAT
    root: Hash
    auditor: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    key: Hash
    scope: Words
    materiality: Sum
    opened_by: Who
    opened_at: UtcTime


class PaperFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file that came with an entry, by its hash; `name` as its sender called it."""

    name: Annotated[str, msgspec.Meta(max_length=200)]
    sha256: Hash
    bytes: Annotated[int, msgspec.Meta(ge=0)]


class RequestEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One step of a request."""

    step: Step
    by: Who
    at: UtcTime
    text: Annotated[str, msgspec.Meta(max_length=4000)]
    files: list[PaperFile]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something that the auditor wants to see. due: a day, as 2026-06-30."""

    number: Annotated[int, msgspec.Meta(ge=1)]
    due: Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}" + END)]
    entries: Annotated[list[RequestEntry], msgspec.Meta(min_length=1)]


class Requests(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The request list, in the order of asking."""

    format: Literal["khazana.audit-requests/1"] = REQUESTS_FORMAT
    requests: list[Request]


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the auditor saw of one item of a sample. sample: SHA-256 of the announcement."""

    sample: Hash
    item: Annotated[str, msgspec.Meta(min_length=1, max_length=2100)]
    outcome: Outcome
    note: Annotated[str, msgspec.Meta(max_length=4000)]
    paper: PaperFile | None
    by: Who
    at: UtcTime


class Findings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every finding in the order of writing; of several on one item the last one counts."""

    format: Literal["khazana.audit-findings/1"] = FINDINGS_FORMAT
    findings: list[Finding]


def require_follows(before: Step | None, step: Step) -> None:
    """A request is asked, answered, accepted or asked again; nothing else.

    >>> require_follows("asked", "answered")
    """
    if step not in _FOLLOWS[before]:
        stands = "nothing was asked yet" if before is None else f"it is {before}"
        raise StepRefused(problem=f"{step} does not follow, {stands}".replace("_", " "))


def require_steps(requests: Requests) -> None:
    """The whole list, each request's steps in an order that can be, in time as well."""
    if [each.number for each in requests.requests] != list(range(1, len(requests.requests) + 1)):
        raise StepRefused(problem="the requests are not numbered 1, 2, 3 ...")
    for request in requests.requests:
        before: Step | None = None
        for entry in request.entries:
            require_follows(before, entry.step)
            before = entry.step
        times = [entry.at for entry in request.entries]
        if times != sorted(times):
            raise StepRefused(problem=f"the entries of request {request.number} go back in time")


Paper = Engagement | Requests | Findings


def write_paper(paper: Paper) -> bytes:
    """The bytes of the file: RFC 8785 JSON and one newline."""
    document: Json = msgspec.to_builtins(paper)
    return canonical_bytes(document) + b"\n"


def read_paper(raw: bytes, kind: type[PaperT]) -> PaperT:
    """A paper in its one spelling."""
    try:
        paper = msgspec.convert(parse_strict(raw), kind)
    except msgspec.ValidationError as error:
        raise StepRefused(problem=f"the paper is malformed: {error}") from error
    if write_paper(paper) != raw:
        raise StepRefused(problem="the paper is not in canonical form")
    return paper
