"""Cosigning the partner's checkpoints: append-only consistency with what was seen, nothing else."""

from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.accord.feed.errors import ClockWentBack, FeedBehind
from khazana.accord.feed.split_view import require_one_log
from khazana.statement.identity import Office
from khazana.statement.log.checkpoint import checkpoint_of, cosign
from khazana.statement.log.files import LogFiles
from khazana.statement.log.notes import Note
from khazana.statement.log.office_keys import (
    WITNESS_ROLE,
    cosigned_by,
    key_in_role,
    read_office_checkpoint,
)
from khazana.statement.times import write_instant

RENEWED_AFTER = timedelta(hours=12)
"""An unchanged checkpoint is cosigned again after this long: it shows that somebody still looks."""


def next_cosignature(
    partner: Office,
    log: LogFiles,
    note: Note,
    last: Note | None,
    *,
    witness: Office,
    private: Ed25519PrivateKey,
    now: datetime,
) -> Note | None:
    """The partner's checkpoint with our cosignature; None where the last one is still fresh.

    log, note: our copy and its checkpoint. last: what we cosigned last, as we published it. The
    caller makes the result durable before anybody sees it. Refused is a log that does not begin
    with what we cosigned, a copy that is behind it, and a clock that is behind it.
    """
    key = key_in_role(witness, private, WITNESS_ROLE, at=now)
    _, _, log_key = read_office_checkpoint(note.to_bytes(), partner, at=now)
    if last is not None:
        older = checkpoint_of(last)
        if older.size > log.checkpoint.size:
            raise FeedBehind(shown=log.checkpoint.size, known=older.size)
        require_one_log(partner, last, newer=note, tree=log.tree)
        at = cosigned_by(last, witness, now=None)
        if at is not None and at > now:
            raise ClockWentBack(now=write_instant(now), last=write_instant(at))
        if at is not None and last.text == note.text and now - at < RENEWED_AFTER:
            return None
    line = cosign(note, private, name=key.name, at=now)
    # Others' lines stay out: a partner could fill the note with as many as a reader takes.
    signed = note.by(log_key)
    return Note(note.text, (line,) if signed is None else (signed, line))
