"""Since when a wallet was promised: the first entry with its commitment, and who saw it there.

A statement says at which block a wallet was sealed. That is the office's word until its log,
cosigned or stamped, shows the commitment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from khazana.statement.identity import Office
from khazana.statement.log.checkpoint import checkpoint_of
from khazana.statement.log.entries import CommitmentEntry
from khazana.statement.log.files import LogFiles
from khazana.statement.log.notes import Note
from khazana.statement.log.office_keys import cosigned_by, read_office_checkpoint
from khazana.statement.log.office_log import entries_of
from khazana.statement.times import read_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """A sealed wallet in the log. issued: in the office's word.

    seen: the witnesses that cosigned a checkpoint with it, and when each did so first.
    """

    commitment: str
    index: int
    issued: datetime
    seen: tuple[tuple[str, datetime], ...]

    @property
    def no_later_than(self) -> datetime | None:
        """The earliest time at which somebody else saw it; None while nobody did."""
        return min((at for _, at in self.seen), default=None)


def promised_in(
    log: LogFiles,
    office: Office,
    commitments: Iterable[str],
    *,
    notes: Sequence[Note] = (),
    witnesses: Sequence[Office] = (),
    now: datetime,
) -> dict[str, Promised]:
    """Each of these commitments that the log has, with who vouches for when.

    notes: checkpoints of this log as witnesses cosigned them. One that is not of this log counts
    for nothing here; `khazana.accord.feed.split_view` makes a proof of it.
    """
    wanted = set(commitments)
    first: dict[str, tuple[int, datetime]] = {}
    for index, entry in entries_of(log, CommitmentEntry):
        if entry.digest in wanted and entry.digest not in first:
            first[entry.digest] = index, read_instant(entry.issued)
    seen = _seen(log, office, notes, witnesses, now)
    return {
        commitment: Promised(
            commitment=commitment,
            index=index,
            issued=issued,
            seen=_first_times((name, at) for name, size, at in seen if index < size),
        )
        for commitment, (index, issued) in first.items()
    }


def _seen(
    log: LogFiles,
    office: Office,
    notes: Sequence[Note],
    witnesses: Sequence[Office],
    now: datetime,
) -> list[tuple[str, int, datetime]]:
    """Who cosigned how many entries of this very log, and when."""
    found = []
    for note in notes:
        read_office_checkpoint(note.to_bytes(), office)
        checkpoint = checkpoint_of(note)
        if checkpoint.size > log.checkpoint.size:
            continue
        if log.tree.root(checkpoint.size) != checkpoint.root:
            continue
        for witness in witnesses:
            at = cosigned_by(note, witness, now=now)
            if at is not None:
                found.append((witness.id, checkpoint.size, at))
    return found


def _first_times(seen: Iterable[tuple[str, datetime]]) -> tuple[tuple[str, datetime], ...]:
    first: dict[str, datetime] = {}
    for name, at in seen:
        first[name] = min(at, first.get(name, at))
    return tuple(sorted(first.items()))
