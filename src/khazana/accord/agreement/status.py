"""Whether a commitment was kept: computed from what the logs show, never ticked by anybody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from khazana.accord.agreement.model import Agreement, Commitment


class Finding(Enum):
    """What the partner found when it checked an entry by its own means."""

    VERIFIED = "verified"
    CONTRADICTED = "contradicted"
    NOT_CHECKABLE = "not-checkable"


class Status(Enum):
    """Where a commitment stands."""

    FULFILLED = "fulfilled"
    FULFILLED_LATE = "fulfilled-late"
    OPEN = "open"
    OVERDUE = "overdue"
    CONTRADICTED = "contradicted"
    NOT_CHECKABLE = "not-checkable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An entry in a party's log. at: when the log's witness first saw it, else the entry's word.

    finding: what somebody else than its publisher found; None while nobody has looked.
    """

    by: str
    kind: str
    index: int
    at: datetime
    finding: Finding | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A commitment with its status and the entries that it rests on, oldest first."""

    commitment: Commitment
    status: Status
    rests_on: tuple[Shown, ...]
    missing: int

    def sentence(self) -> str:
        """The status with its reason, in English."""
        wanted = self.commitment.proof
        have = wanted.count - self.missing
        counted = f"{have} of {wanted.count} {wanted.kind} entries of {wanted.by} verify"
        match self.status:
            case Status.FULFILLED:
                return f"fulfilled: {counted}"
            case Status.FULFILLED_LATE:
                return f"fulfilled after {self.commitment.due}: {counted}"
            case Status.CONTRADICTED:
                numbers = ", ".join(str(each.index) for each in self.rests_on)
                return f"contradicted: entry {numbers} of {wanted.by} failed the check; {counted}"
            case Status.NOT_CHECKABLE:
                return f"not checkable: entries are there, and nobody could check them; {counted}"
            case Status.OPEN | Status.OVERDUE:
                return f"{self.status.value}, due {self.commitment.due}: {counted}"


def standings(agreement: Agreement, shown: Iterable[Shown], *, now: datetime) -> list[Standing]:
    """Every commitment's standing. An entry proves as many commitments as ask for its like.

    An entry of the right kind that was contradicted makes the commitment contradicted, unless
    enough others verify. One that nobody else checked proves nothing.
    """
    entries = sorted(shown, key=lambda each: (each.at, each.index))
    return [_standing(each, entries, now=now) for each in agreement.commitments]


def _standing(commitment: Commitment, shown: Sequence[Shown], *, now: datetime) -> Standing:
    wanted = commitment.proof
    fitting = [
        each
        for each in shown
        if (each.by, each.kind) == (wanted.by, wanted.kind)
        and commitment.since <= each.at.date() <= now.date()
    ]
    verified = [each for each in fitting if each.finding is Finding.VERIFIED]
    proof = verified[: wanted.count]
    missing = wanted.count - len(proof)
    if not missing:
        late = proof[-1].at.date() > commitment.due
        status = Status.FULFILLED_LATE if late else Status.FULFILLED
        return Standing(commitment=commitment, status=status, rests_on=tuple(proof), missing=0)
    failed = [each for each in fitting if each.finding is Finding.CONTRADICTED]
    unknown = [each for each in fitting if each.finding is Finding.NOT_CHECKABLE]
    overdue = now.date() > commitment.due
    if failed:
        return Standing(
            commitment=commitment,
            status=Status.CONTRADICTED,
            rests_on=tuple(failed),
            missing=missing,
        )
    if overdue and len(unknown) >= missing:
        return Standing(
            commitment=commitment,
            status=Status.NOT_CHECKABLE,
            rests_on=tuple(unknown),
            missing=missing,
        )
    return Standing(
        commitment=commitment,
        status=Status.OVERDUE if overdue else Status.OPEN,
        rests_on=tuple(proof),
        missing=missing,
    )
