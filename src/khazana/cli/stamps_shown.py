"""The stamped checkpoints of a feed in words: how many entries, and the block that shows them."""

from collections.abc import Iterator

from khazana.bitcoin.chain import ChainView
from khazana.cli.commands.accord_publish import stamp_of
from khazana.cli.log_folder import DiskFolder
from khazana.errors import KhazanaError
from khazana.statement.identity import Office
from khazana.statement.log.files import LogFiles
from khazana.statement.log.inclusion import stamped_digest
from khazana.statement.log.notes import MOST_NOTE_BYTES, Note, read_note
from khazana.statement.log.office_keys import read_office_checkpoint
from khazana.statement.times import write_instant
from khazana.statement.timestamps.format import BitcoinBlock, Proof, TestBlock, read_proof
from khazana.statement.timestamps.judge import judge_proof

STAMPS = "stamps"


def stamps_shown(
    folder: DiskFolder, log: LogFiles, office: Office, chain: ChainView | None
) -> Iterator[tuple[bool, str]]:
    """Each stamped checkpoint, the earliest first: whether it holds, and a line about it.

    chain: what time stamps are held to; without one they are only read.
    """
    found = []
    for path in (folder.root / STAMPS).glob("[0-9a-f]*"):
        raw = (
            folder.read(f"{STAMPS}/{path.name}", most=MOST_NOTE_BYTES) if not path.suffix else None
        )
        if raw is not None:
            note = read_note(raw)
            checkpoint, _, _ = read_office_checkpoint(raw, office, revoked_too=True)
            size = checkpoint.size
            fits = size <= log.checkpoint.size and log.tree.root(size) == checkpoint.root
            found.append((size, fits, note))
    for size, fits, note in sorted(found, key=lambda each: each[0]):
        if not fits:
            yield False, f"stamped: {size} entries of another log"
            continue
        stamp = stamp_of(folder, note)
        if stamp is not None:
            good, words = _words(stamp, note, chain)
            yield good, f"stamped: {size} entries, {words}"


def _words(stamp: bytes, note: Note, chain: ChainView | None) -> tuple[bool, str]:
    try:
        proof = read_proof(stamp, what="the time stamp")
    except KhazanaError as error:
        return False, f"false: {error}"
    if proof.digest != stamped_digest(note):
        return False, "false: the time stamp is of something else"
    if chain is None:
        return True, f"{_named(proof)} by its time stamp, not checked (--chain)"
    judged = judge_proof(proof, chain)
    if judged.problems:
        return False, f"false: {judged.problems[0]}"
    if judged.confirmed:
        first = judged.confirmed[0]
        return True, f"shown by block {first.height} ({write_instant(first.at)})"
    return True, "no block shows it yet"


def _named(proof: Proof) -> str:
    heights = [
        one.height for _, one in proof.stamp.attested() if isinstance(one, BitcoinBlock | TestBlock)
    ]
    return f"block {min(heights)}" if heights else "no block"
