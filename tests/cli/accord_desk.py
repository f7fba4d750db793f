"""An office at its desk: files and keys on disk, and the commands of the accord."""

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from khazana.accord.feed.mirror import open_mirror
from khazana.accord.feed.records import (
    CommitmentsRecord,
    CorrectionRecord,
    said_by,
    sign_record,
    signed_too,
)
from khazana.cli.clock import now
from khazana.cli.log_folder import DiskFolder
from khazana.cli.main import main
from khazana.statement.identity import Office
from khazana.statement.keys import private_key_to_pem
from khazana.statement.log.checkpoint import Checkpoint
from khazana.statement.log.entries import read_entry
from khazana.statement.log.office_log import entries_from, open_office_log
from khazana.statement.office_file import Pin, write_office
from khazana.statement.tree import leaf_hash
from tests.accord.offices import AccordWorld, private_key
from tests.bitcoin.block_file_writer import write_blocks
from tests.reserve.simulator import keys


@dataclass
class Desk:
    """One office's folder. version: which of its feed and witness keys it uses now."""

    root: Path
    world: AccordWorld
    office: Office = field(init=False)
    feed_key: str = "feed 1"
    witness_key: str = "witness 1"

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True)
        self.adopt(self.world.identity)
        for name in ("feed 1", "feed 2", "witness 1", "witness 2"):
            private = private_key(f"{self.world.name} {name}")
            (self.root / f"{name}.pem").write_bytes(private_key_to_pem(private))

    def adopt(self, office: Office) -> None:
        self.office = office
        self.identity.write_bytes(write_office(office))

    @property
    def identity(self) -> Path:
        return self.root / "office.json"

    @property
    def feed(self) -> Path:
        return self.root / "feed"

    def mirror(self, other: "Desk") -> Path:
        return self.root / f"mirror-{other.world.name}"

    def write(self, name: str, content: bytes) -> Path:
        path = self.root / name
        path.write_bytes(content)
        return path

    def commitments(self, start: int, end: int) -> Path:
        """A signed record of wallets that exist and are not shown."""
        record = CommitmentsRecord(
            **said_by(self.office, at=now()),
            commitments=tuple(f"{number:064x}" for number in range(start, end)),
        )
        first, second = keys(self.world.name)[:2]
        signed = signed_too(sign_record(record, first), second)
        return self.write(f"commitments-{start}-{end}.json", signed.to_bytes())

    def correction(self, index: int, **changes: object) -> Path:
        log = self.log()
        fields = {
            **said_by(self.office, at=now()),
            "corrects": index,
            "entry": leaf_hash(log.entry(index)).hex(),
            "replaced_by": None,
            "reason": {"en": "An invented mistake.", "es": "Un error inventado."},
            **changes,
        }
        first, second = keys(self.world.name)[:2]
        signed = signed_too(sign_record(CorrectionRecord(**fields), first), second)
        return self.write(f"correction-{index}.json", signed.to_bytes())

    def own(self) -> list[object]:
        key = self.root / f"{self.feed_key}.pem"
        return ["--feed", self.feed, "--identity", self.identity, "--key", key]

    def publish_words(self, *words: object) -> list[str]:
        return [str(word) for word in ["accord", "publish", *words, *self.own()]]

    def pull_words(self, other: "Desk", *words: object, source: object = None) -> list[str]:
        given = ["--office", other.world.identity.fingerprint, *words]
        place = ["--mirror", self.mirror(other)]
        return [str(w) for w in ["accord", "pull", source or other.feed, *place, *given]]

    def witness_words(self, other: "Desk", chain: Path, *words: object) -> list[str]:
        key = ["--witness-key", self.root / f"{self.witness_key}.pem"]
        given = [*self.own(), *key, "--chain", f"blocks:{chain}", *words]
        return [str(w) for w in ["accord", "witness", self.mirror(other), *given]]

    def publish(self, *words: object) -> int:
        return main(self.publish_words(*words))

    def pull(self, other: "Desk", *words: object, source: object = None) -> int:
        return main(self.pull_words(other, *words, source=source))

    def witness(self, other: "Desk", chain: Path, *words: object) -> int:
        return main(self.witness_words(other, chain, *words))

    def log(self):
        log = open_office_log(DiskFolder(self.feed), self.office)
        assert log is not None
        return log

    def checkpoint(self) -> Checkpoint:
        return self.log().checkpoint

    def entries(self, kind: str | None = None):
        """Our log's entries, by kind."""
        found = [(index, read_entry(raw)) for index, raw in entries_from(self.log())]
        wanted = f"{(kind or '').title().replace('-', '')}Entry"
        return [(i, e) for i, e in found if kind is None or type(e).__name__ == wanted]

    def copied(self, other: "Desk"):
        opened = open_mirror(DiskFolder(self.mirror(other)), Pin(other.office.fingerprint))
        return None if opened is None else opened[1].checkpoint


def two_desks(folder: Path, *, chain_blocks: int = 12) -> tuple[Desk, Desk, Path]:
    """Two offices on one chain, and the block files of everybody's node."""
    first = AccordWorld("drill-office")
    second = AccordWorld("partner-office", chain=first.chain)
    blocks = folder / "blocks"
    first.mine(chain_blocks)
    write_blocks(blocks, first.chain.blocks)
    return Desk(folder / "drill", first), Desk(folder / "partner", second), blocks


def killed_after(words: list[str], seconds: float) -> bool:
    """Run a command in a process of its own and kill it; whether it was still at work."""
    child = os.fork()
    if child == 0:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        try:
            main(words)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])
