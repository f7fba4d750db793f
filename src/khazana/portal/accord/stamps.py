"""Time stamps of a log's checkpoints, held to the portal's own chain before they are shown."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import PurePosixPath

from khazana.bitcoin.chain import ChainView
from khazana.errors import KhazanaError
from khazana.statement.log.checkpoint import checkpoint_of
from khazana.statement.log.files import LogFiles
from khazana.statement.log.inclusion import stamped_digest
from khazana.statement.log.notes import read_note
from khazana.statement.timestamps.format import read_proof
from khazana.statement.timestamps.judge import judge_proof

STAMPS = "stamps"
SUFFIX = ".ots"

Confirmed = Mapping[str, tuple[int, datetime]]
"""By the stamped digest in hex: the block by which it existed, and when that was found."""


def is_stamp(path: PurePosixPath) -> bool:
    return path.suffix == SUFFIX and path.parent.name == STAMPS


def confirmed_stamps(raws: Iterable[bytes], chain: ChainView) -> dict[str, tuple[int, datetime]]:
    """What these proofs show on our own chain. One that shows nothing there is passed over."""
    found: dict[str, tuple[int, datetime]] = {}
    for raw in raws:
        try:
            proof = read_proof(raw, what="a checkpoint's time stamp")
            judged = judge_proof(proof, chain)
        except KhazanaError:
            continue
        if judged.confirmed and not judged.problems:
            first = judged.confirmed[0]
            found[proof.digest.hex()] = (first.height, first.at)
    return found


def stamped_sizes(
    files: Mapping[str, bytes], log: LogFiles, confirmed: Confirmed
) -> list[tuple[int, int, datetime]]:
    """Entries, block and time of each stamped checkpoint of this very log, the earliest first."""
    found = []
    for path, raw in files.items():
        if not path.startswith(f"{STAMPS}/") or path.endswith(SUFFIX):
            continue
        try:
            note = read_note(raw)
            checkpoint = checkpoint_of(note)
        except KhazanaError:
            continue
        shown = confirmed.get(stamped_digest(note).hex())
        if shown is None or checkpoint.size > log.checkpoint.size:
            continue
        if log.tree.root(checkpoint.size) == checkpoint.root:
            found.append((checkpoint.size, *shown))
    return sorted(found)
