"""How a log, or a piece of one that came from outside, can be wrong."""

from dataclasses import dataclass

from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class NoteRefused(KhazanaError):
    """A signed note, a key of one, a checkpoint or a cosignature is not acceptable."""

    problem: str
    code = "log_note_refused"
    words = "The signed note is refused: {problem}."


@dataclass(eq=False, kw_only=True)
class TileRefused(KhazanaError):
    """A tile, a bundle of entries or the path of one is not acceptable."""

    path: str
    problem: str
    code = "log_tile_refused"
    words = "The log's file {path} is refused: {problem}."


@dataclass(eq=False, kw_only=True)
class EntryRefused(KhazanaError):
    """The bytes of an entry do not follow the format."""

    problem: str
    code = "log_entry_refused"
    words = "The log's entry is refused: {problem}."


@dataclass(eq=False, kw_only=True)
class LogDamaged(KhazanaError):
    """A log's files do not give the root that its checkpoint states."""

    path: str
    problem: str
    code = "log_damaged"
    words = (
        "The log is damaged at {path}: {problem}. Nothing was written: restore the folder from a "
        "copy and compare its checkpoint with the one your partner saw last."
    )


@dataclass(eq=False, kw_only=True)
class LogMoved(KhazanaError):
    """The folder's checkpoint is not the one that was opened."""

    expected: int
    found: int
    code = "log_moved"
    words = (
        "The log has {found} entries or another root, and {expected} were read when it was "
        "opened: another program wrote to it. Open it again."
    )
