"""A split view: two checkpoints that one office signed and that no single log can have.

The proof is a file that anyone can verify who knows the office's fingerprint. It shows that the
tree of the newer checkpoint begins with another tree than the older checkpoint's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from khazana.errors import KhazanaError
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement.identity import Office
from khazana.statement.keys import key_id
from khazana.statement.log.checkpoint import Checkpoint, checkpoint_of
from khazana.statement.log.notes import MOST_NOTE_BYTES, Note, NoteKey, read_note
from khazana.statement.log.office_keys import read_office_checkpoint
from khazana.statement.log.tiles import TiledTree
from khazana.statement.office_file import office_document, office_from_document
from khazana.statement.tree import is_consistent
from khazana.statement.wire import Hash256

SPLIT_VIEW_FORMAT = "khazana.split-view/1"
MOST_PROOF_BYTES = 2 << 20


@dataclass(eq=False, kw_only=True)
class SplitViewRefused(KhazanaError):
    """A file that is said to prove a split view does not."""

    problem: str
    code = "split_view_refused"
    words = "This is no proof of a split view: {problem}."


@dataclass(eq=False, kw_only=True)
class SplitViewFound(KhazanaError):
    """An office showed two logs. proof: the bytes of the file that shows it to anyone."""

    office: str
    older: int
    newer: int
    proof: bytes
    code = "split_view_found"
    words = (
        "{office} signed two logs that contradict each other: one of {older} entries, and one of "
        "{newer} that does not begin with it. Nothing was cosigned. Keep the proof and publish it."
    )


class _ProofFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    format: Literal["khazana.split-view/1"]
    office: dict[str, Any]
    older: Annotated[str, msgspec.Meta(max_length=MOST_NOTE_BYTES)]
    newer: Annotated[str, msgspec.Meta(max_length=MOST_NOTE_BYTES)]
    beginning: Hash256
    proof: Annotated[Sequence[Hash256], msgspec.Meta(max_length=128)]


@dataclass(frozen=True)
class SplitView:
    """Two signed checkpoints of one log, and why they exclude each other.

    beginning: the root over the newer tree's first `older.size` entries. proof: that it is (RFC
    6962 section 2.1.2). It cannot be built wrong: whoever holds one holds a proof.
    """

    office: Office
    older: Note
    newer: Note
    beginning: bytes
    proof: tuple[bytes, ...]

    def __post_init__(self) -> None:
        older, _ = self.signed(self.older)
        newer, _ = self.signed(self.newer)
        if not is_consistent(
            older_root=self.beginning,
            older_size=older.size,
            newer_root=newer.root,
            newer_size=newer.size,
            proof=self.proof,
        ):
            raise SplitViewRefused(problem="the path does not lead to the newer checkpoint's root")
        if self.beginning == older.root:
            raise SplitViewRefused(problem="the newer log begins with the older one")

    def signed(self, note: Note) -> tuple[Checkpoint, NoteKey]:
        """A checkpoint and the office's key that signed it, revoked since or not."""
        checkpoint, _, key = read_office_checkpoint(note.to_bytes(), self.office, revoked_too=True)
        return checkpoint, key

    @property
    def revoked(self) -> frozenset[str]:
        """Ids of the keys that signed either checkpoint and that the office has revoked since."""
        keys = {key_id(self.signed(note)[1].public) for note in (self.older, self.newer)}
        return self.office.revoked & keys

    def to_bytes(self) -> bytes:
        """The proof's file."""
        document: dict[str, Any] = {
            "format": SPLIT_VIEW_FORMAT,
            "office": office_document(self.office),
            "older": self.older.to_bytes().decode(),
            "newer": self.newer.to_bytes().decode(),
            "beginning": self.beginning.hex(),
            "proof": [each.hex() for each in self.proof],
        }
        return canonical_bytes(document) + b"\n"


def read_split_view(raw: bytes) -> SplitView:
    """The proof in a file, verified; refuses everything that proves nothing."""
    if len(raw) > MOST_PROOF_BYTES:
        raise SplitViewRefused(problem=f"it has more than {MOST_PROOF_BYTES} bytes")
    try:
        file = msgspec.convert(parse_strict(raw), _ProofFile)
    except msgspec.ValidationError as error:
        raise SplitViewRefused(problem=str(error)) from error
    return SplitView(
        office_from_document(file.office),
        read_note(file.older.encode()),
        read_note(file.newer.encode()),
        bytes.fromhex(file.beginning),
        tuple(bytes.fromhex(each) for each in file.proof),
    )


def split_between(office: Office, older: Note, *, newer: Note, tree: TiledTree) -> SplitView | None:
    """The proof that two signed checkpoints exclude each other; None where they do not.

    tree: the newer one's; its hashes must lead to that checkpoint's root, which is verified here.
    """
    small, large = checkpoint_of(older), checkpoint_of(newer)
    if not small.size <= large.size == tree.size:
        raise ValueError(f"a tree of {tree.size} entries does not relate {small} to {large}")
    if small.size == 0:
        return None
    beginning, proof = tree.root(small.size), tree.consistency_proof(small.size)
    if not is_consistent(
        older_root=beginning,
        older_size=small.size,
        newer_root=large.root,
        newer_size=large.size,
        proof=proof,
    ):
        # Tiles that somebody exchanged would hide a split as easily as they would feign one.
        problem = "the tiles do not lead to the newer checkpoint's root: get the feed anew"
        raise SplitViewRefused(problem=problem)
    return None if beginning == small.root else SplitView(office, older, newer, beginning, proof)


def require_one_log(office: Office, older: Note, *, newer: Note, tree: TiledTree) -> None:
    """Raise `SplitViewFound`, with the proof, where two signed checkpoints exclude each other."""
    split = split_between(office, older, newer=newer, tree=tree)
    if split is not None:
        raise SplitViewFound(
            office=office.id,
            older=checkpoint_of(older).size,
            newer=checkpoint_of(newer).size,
            proof=split.to_bytes(),
        )
