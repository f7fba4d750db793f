"""The staff's audit log as a file: each act carries the digest of all before it.

Line 1 names the format; every further line is one act as RFC 8785 JSON with its own digest:
digest = SHA-256("khazana.act/1" || 0x0a || canonical JSON of the act without `digest`), and the
act's `previous` is the digest of the act before (64 zeros for the first). Whoever changes, drops
or reorders an act changes every digest behind it. A log that is cut off at its end is still a log:
who kept an older copy, or the number and digest of its last act, sees that something is missing.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from khazana.errors import KhazanaError
from khazana.ledger.canonical import JsonRefused, canonical_bytes, parse_strict
from khazana.statement.times import read_instant, write_instant

ACTS_FORMAT = "khazana.audit-log/1"
FIRST_PREVIOUS = "0" * 64
_DOMAIN = b"khazana.act/1\n"
_FIELDS = {"number", "at", "actor", "action", "subject", "detail", "previous", "digest"}


@dataclass(eq=False, kw_only=True)
class ActsRefused(KhazanaError):
    """An audit log that is not what its digests say. number: of the act, 0 for the file."""

    number: int
    problem: str
    code = "acts_refused"
    words = "The audit log is not whole at act {number}: {problem}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who did what, when, to what. actor: the name of an account, or of the command that acted."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)
    previous: str = FIRST_PREVIOUS

    def to_json(self) -> dict[str, object]:
        return {
            "number": self.number,
            "at": write_instant(self.at),
            "actor": self.actor,
            "action": self.action,
            "subject": self.subject,
            "detail": dict(self.detail),
            "previous": self.previous,
        }

    @property
    def digest(self) -> str:
        """SHA-256 over the act and, by `previous`, over all before it."""
        return hashlib.sha256(_DOMAIN + canonical_bytes(self.to_json())).hexdigest()  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Head:
    """How far a log goes: the number of its last act and that act's digest."""

    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


EMPTY = Head(0, FIRST_PREVIOUS)


def chained(acts: Iterable[tuple[Act, str]]) -> Head:
    """Follow the chain; raises ActsRefused at the first act that does not continue it.

    acts: each with the digest that was stored beside it. Gives how far the chain goes.
    """
    head = EMPTY
    for act, digest in acts:
        if act.number != head.number + 1:
            problem = f"act {head.number + 1} should stand here"
            raise ActsRefused(number=act.number, problem=problem)
        if act.previous != head.digest:
            problem = "it does not continue the act before it"
            raise ActsRefused(number=act.number, problem=problem)
        if act.digest != digest:
            raise ActsRefused(number=act.number, problem="its content is not what its digest says")
        head = Head(act.number, digest)
    return head


def write_acts(acts: Iterable[Act]) -> Iterable[bytes]:
    """The lines of the file, one after the other: a log need not fit into memory."""
    yield canonical_bytes({"format": ACTS_FORMAT}) + b"\n"
    for act in acts:
        yield canonical_bytes({**act.to_json(), "digest": act.digest}) + b"\n"  # type: ignore[dict-item]


def read_acts(lines: Iterable[bytes]) -> Sequence[Act]:
    """The acts of a whole log; ActsRefused names the first that is not in its place."""
    read: list[tuple[Act, str]] = []
    for position, line in enumerate(lines):
        if position == 0:
            _require_format(line)
        else:
            read.append(_act(position, line))
    if not read:
        raise ActsRefused(number=0, problem="there is no act in it")
    chained(read)
    return [act for act, _ in read]


def require_continuation(older: Sequence[Act], newer: Sequence[Act]) -> None:
    """The newer log begins with every act of the older: nothing was taken out or rewritten."""
    if len(newer) < len(older):
        problem = f"the older copy goes on to act {len(older)}; this one ends before"
        raise ActsRefused(number=len(newer), problem=problem)
    for before, now in zip(older, newer, strict=False):
        if before.digest != now.digest:
            raise ActsRefused(number=before.number, problem="the older copy says something else")


def require_head(acts: Sequence[Act], head: Head) -> None:
    """The log has this act under this number, as someone noted it down."""
    if not 1 <= head.number <= len(acts):
        raise ActsRefused(number=head.number, problem="the log has no act of this number")
    if acts[head.number - 1].digest != head.digest:
        raise ActsRefused(number=head.number, problem=f"its digest is not {head.digest}")


def _require_format(line: bytes) -> None:
    try:
        said = parse_strict(line)
    except JsonRefused as error:
        raise ActsRefused(number=0, problem=f"its first line is no JSON: {error}") from error
    if said != {"format": ACTS_FORMAT}:
        raise ActsRefused(number=0, problem=f"its first line does not name {ACTS_FORMAT}")


def _act(position: int, line: bytes) -> tuple[Act, str]:
    try:
        said = parse_strict(line)
    except JsonRefused as error:
        raise ActsRefused(number=position, problem=f"it is no JSON: {error}") from error
    if not isinstance(said, dict) or set(said) != _FIELDS:
        raise ActsRefused(number=position, problem="it has not the fields of an act")
    number, detail = said["number"], said["detail"]
    texts = [said[key] for key in ("at", "actor", "action", "subject", "previous", "digest")]
    if not isinstance(number, int) or isinstance(number, bool):
        raise ActsRefused(number=position, problem="its number is none")
    if not isinstance(detail, dict) or not all(
        isinstance(each, str) for each in (*texts, *detail.values())
    ):
        raise ActsRefused(number=position, problem="a field that should be text is not")
    at, actor, action, subject, previous, digest = texts
    try:
        instant = read_instant(at)
    except ValueError as error:
        raise ActsRefused(number=position, problem=str(error)) from error
    act = Act(
        number=number,
        at=instant,
        actor=actor,
        action=action,
        subject=subject,
        detail=detail,
        previous=previous,
    )
    if canonical_bytes({**act.to_json(), "digest": digest}) + b"\n" != line:  # type: ignore[dict-item]
        raise ActsRefused(number=position, problem="it is not written in canonical form")
    return act, digest
