"""A state's log in the demo's time: what it publishes is entered and stamped on its day.

The story's clock is the chain's: an entry of day 300 stands under a checkpoint whose hash is in a
block of day 300 or 301. When the story is over, the commands go on with the same log.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.accord.feed.paths import OFFICE, digest_of, document_path
from khazana.accord.feed.publication import not_yet_in, publication_of
from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.script import null_data
from khazana.cli.commands.accord_publish import stamp_path
from khazana.cli.demo.purses import Purse
from khazana.cli.demo.stage import Stage
from khazana.cli.log_folder import DiskFolder
from khazana.statement.identity import Office
from khazana.statement.log.files import LogFiles, appended, new_log
from khazana.statement.log.inclusion import stamped_digest
from khazana.statement.log.notes import Note
from khazana.statement.log.office_keys import log_origin
from khazana.statement.log.office_log import entries_from, note_in
from khazana.statement.office_file import write_office
from khazana.statement.timestamps.format import write_proof
from khazana.statement.timestamps.make import in_block
from khazana.units import Height, Txid


@dataclass(frozen=True, kw_only=True)
class _Carried:
    """A checkpoint whose digest a transaction of a day carries."""

    note: Note
    txid: Txid
    day: int


@dataclass
class LogBook:
    """An office's log while the story is played."""

    folder: DiskFolder
    office: Office
    private: Ed25519PrivateKey
    log: LogFiles
    stamped: int = 0
    """How many entries the newest stamped checkpoint has."""
    _carried: list[_Carried] = field(default_factory=list)

    def publish(self, files: Sequence[bytes], *, at: datetime) -> None:
        """Enter what these files say, documents first; the identity goes with the first."""
        raws = [*files, write_office(self.office)]
        said = [publication_of(raw, self.office, now=at, log=self.log) for raw in raws]
        known = (raw for _, raw in entries_from(self.log))
        entries = [entry for each in said for entry in each.entries]
        new = not_yet_in(known, entries, size=self.log.checkpoint.size)
        documents = [raw for each in said for raw in each.documents]
        with self.folder.alone():
            self.folder.write_all(
                [
                    *((document_path(digest_of(raw)), raw) for raw in documents),
                    (OFFICE, write_office(self.office)),
                ]
            )
        self.log = appended(self.log, new, self.private)

    def stamp(self, stage: Stage, payer: Purse) -> None:
        """Put the checkpoint's digest into today's block, if entries came since the last one."""
        note, size = note_in(self.folder), self.log.checkpoint.size
        if note is None or size == self.stamped:
            return
        with self.folder.alone():
            self.folder.write(stamp_path(note), note.to_bytes())
        txid = stage.pay(payer, (null_data(stamped_digest(note)), 0))
        self._carried.append(_Carried(note=note, txid=txid, day=stage.today))
        self.stamped = size

    def confirm(self, chain: ChainView) -> None:
        """Write the proofs of the checkpoints that blocks carry by now."""
        for one in self._carried:
            confirmed = chain.transaction(one.txid, chain.block_at(Height(one.day)))
            proof = in_block(stamped_digest(one.note), confirmed, chain.network)
            with self.folder.alone():
                self.folder.write(f"{stamp_path(one.note)}.ots", write_proof(proof))
        self._carried = []


def begun_logbook(folder: Path, office: Office, private: Ed25519PrivateKey) -> LogBook:
    """A log without entries, in a folder that has none."""
    place = DiskFolder(folder)
    log = new_log(place, private, origin=log_origin(office.fingerprint))
    return LogBook(place, office, private, log)
