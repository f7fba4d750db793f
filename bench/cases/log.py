"""The transparency log at a million entries: appending, proofs, a new partner's first copy."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.measure import CannotMeasure, Case, measurement
from khazana.accord.feed.documents import Limits
from khazana.accord.feed.mirror import pull
from khazana.accord.feed.paths import OFFICE
from khazana.bitcoin.network import REGTEST
from khazana.cli.feed_source import FolderFeed
from khazana.cli.log_folder import DiskFolder
from khazana.statement.envelope import NetworkName
from khazana.statement.identity import Office, OfficeVersion, Role, new_office
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.log.entries import CommitmentEntry, entry_bytes
from khazana.statement.log.files import LogFiles, appended, new_log, open_log
from khazana.statement.log.notes import NoteKey
from khazana.statement.log.office_keys import log_origin
from khazana.statement.office_file import Pin, write_office
from khazana.statement.tree import includes, is_consistent, leaf_hash

SIZE = 1_000_000
PROOFS = 200
KEY = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x0a")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _office() -> Office:
    public = public_bytes(KEY)
    role = Role(frozenset({key_id(public)}), 1)
    version = OfficeVersion(
        id="bench-office",
        names={"en": "Bench Office"},
        network=NetworkName(REGTEST.name, REGTEST.genesis),
        test=True,
        version=1,
        previous=None,
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        valid_until=datetime(2027, 1, 1, tzinfo=UTC),
        keys={key_id(public): public},
        roles=dict.fromkeys(("root", "statement", "feed", "witness"), role),
    )
    return new_office(version, [KEY])


OFFICE_OF = _office()
ORIGIN = log_origin(OFFICE_OF.fingerprint)


def _entries(size: int) -> list[bytes]:
    """Commitments, as an office would log them; made alike from a number."""
    head: dict[str, Any] = {"office": OFFICE_OF.fingerprint, "issued": "2026-11-22T12:00:00Z"}
    pattern = entry_bytes(CommitmentEntry(**head, digest="0" * 64))
    before, after = pattern.split(b"0" * 64)
    return [before + b"%064x" % number + after for number in range(size)]


def _bytes_below(folder: Path) -> tuple[int, int]:
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


@contextmanager
def _folder(*, in_memory: bool = False) -> Iterator[Path]:
    """On the disk; in memory for what is only read, as a disk's cache would give it anyway."""
    memory = "/dev/shm" if in_memory and os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="bench-log-", dir=memory) as name:
        yield Path(name)


@contextmanager
def _made(size: int) -> Iterator[tuple[Path, LogFiles, list[bytes]]]:
    with _folder(in_memory=True) as root:
        (root / OFFICE).write_bytes(write_office(OFFICE_OF))
        entries = _entries(size)
        log = appended(new_log(DiskFolder(root), KEY, origin=ORIGIN), entries, KEY)
        yield root, log, entries


def _durable_copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    handle = os.open(target, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _floor(entries: list[bytes]) -> bytes:
    """Every hash of the tree and nothing else: hashlib, no files, no levels kept."""
    sha = hashlib.sha256
    level = [sha(b"\x00" + entry).digest() for entry in entries]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [sha(b"\x01" + left + right).digest() for left, right in pairs]
        level = above + level[len(above) * 2 :]
    return level[0]


@measurement("log_append_million")
def append_million() -> Iterator[Case]:
    entries = _entries(SIZE)
    with _folder() as root:
        place = root / "log"

        def run() -> LogFiles:
            return appended(new_log(DiskFolder(place), KEY, origin=ORIGIN), entries, KEY)

        def before() -> None:
            shutil.rmtree(place, ignore_errors=True)

        log = run()
        if log.checkpoint.root != _floor(entries):
            raise AssertionError("the log's root is not that of the floor")
        files, size = _bytes_below(place)
        before()
        yield Case(
            run=run,
            before=before,
            peer=lambda: _floor(entries),
            peer_name="hashlib: the tree's hashes alone, nothing stored",
            amount=SIZE,
            unit="entries/s",
            note=f"one append, durable on disk; {files} files, {size / SIZE:.0f} bytes an entry of "
            f"{len(entries[0])}",
        )
        before()


def _append_batches(batch: int) -> Iterator[Case]:
    with _made(SIZE) as (made, _, entries), _folder() as folder:
        root = shutil.copytree(made, folder / "log")
        log = open_log(DiskFolder(root), origin=ORIGIN, key=NoteKey(ORIGIN, public_bytes(KEY)))
        states = [log]
        times = max(1, 20 // batch)

        def run() -> None:
            for _ in range(times):
                states[0] = appended(states[0], entries[:batch], KEY)

        yield Case(
            run=run,
            amount=batch * times,
            unit="entries/s",
            note=f"{batch} at a time onto a million, each append durable on disk",
        )


for _batch in (1, 256):
    measurement(f"log_append_{_batch}_at_a_time")(partial(_append_batches, _batch))


@measurement("log_inclusion_proofs")
def inclusion() -> Iterator[Case]:
    with _made(SIZE) as (_, log, entries):
        chance = Random(1)
        indexes = [chance.randrange(SIZE) for _ in range(PROOFS)]

        def run() -> None:
            for index in indexes:
                proof = log.tree.inclusion_proof(index)
                if not includes(
                    root=log.checkpoint.root,
                    size=SIZE,
                    index=index,
                    leaf=leaf_hash(entries[index]),
                    proof=proof,
                ):
                    raise AssertionError(f"entry {index} is not included")

        longest = max(len(log.tree.inclusion_proof(index)) for index in indexes)
        yield Case(
            run=run,
            amount=PROOFS,
            unit="proofs/s",
            note=f"of random entries of a million, from tiles in files, made and verified; at most "
            f"{longest} hashes, {longest * 32} bytes",
        )


@measurement("log_consistency_proofs")
def consistency() -> Iterator[Case]:
    with _made(SIZE) as (_, log, _):
        chance = Random(2)
        sizes = [chance.randrange(1, SIZE) for _ in range(PROOFS // 4)]
        roots = [log.tree.root(size) for size in sizes]

        def run() -> None:
            for size, older_root in zip(sizes, roots, strict=True):
                if not is_consistent(
                    older_root=older_root,
                    older_size=size,
                    newer_root=log.checkpoint.root,
                    newer_size=SIZE,
                    proof=log.tree.consistency_proof(size),
                ):
                    raise AssertionError(f"{size} is no earlier state")

        longest = max(len(log.tree.consistency_proof(size)) for size in sizes)
        yield Case(
            run=run,
            amount=len(sizes),
            unit="proofs/s",
            note=f"from random earlier states to a million entries, made and verified; at most "
            f"{longest} hashes, {longest * 32} bytes",
        )


@measurement("log_proofs_beside_pymerkle")
def beside_pymerkle() -> Iterator[Case]:
    """Smaller, because the peer keeps its tree in memory and grows slowly."""
    try:
        import pymerkle  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise CannotMeasure("pymerkle is not installed") from error
    size = 20_000
    with _made(size) as (_, log, entries):
        peer = pymerkle.InmemoryTree(algorithm="sha256")
        for entry in entries:
            peer.append_entry(entry)
        if peer.get_root() != log.checkpoint.root:
            raise AssertionError("the peer has another root")
        chance = Random(3)
        indexes = [chance.randrange(size) for _ in range(PROOFS)]

        def ours() -> None:
            for index in indexes:
                log.tree.inclusion_proof(index)

        def theirs() -> None:
            for index in indexes:
                peer.prove_inclusion(index + 1, size)

        yield Case(
            run=ours,
            peer=theirs,
            peer_name="pymerkle, tree in memory",
            amount=PROOFS,
            unit="proofs/s",
            note=f"inclusion of random entries of {size:,}; ours reads tiles from files",
        )


@measurement("log_open_million")
def opened() -> Iterator[Case]:
    with _made(SIZE) as (root, log, _):

        def run() -> None:
            if open_log(DiskFolder(root), origin=ORIGIN, key=log.key) != log:
                raise AssertionError("it opens as another log")

        yield Case(
            run=run, amount=1, unit="opens/s", note="signature, the edge's hashes and last entries"
        )


@measurement("log_cold_start_million")
def cold_start() -> Iterator[Case]:
    """A new partner copies the whole log, hashes all of it and holds a verified copy."""
    with _made(SIZE) as (root, log, _), _folder() as copies:
        place = copies / "mirror"

        def before() -> None:
            shutil.rmtree(place, ignore_errors=True)

        def run() -> None:
            pulled = pull(
                FolderFeed(root),
                DiskFolder(place),
                Pin(OFFICE_OF.fingerprint),
                now=NOW,
                limits=Limits(),
            )
            if pulled.log.checkpoint != log.checkpoint:
                raise AssertionError("the copy is another log")

        def plain() -> None:
            shutil.rmtree(copies / "plain", ignore_errors=True)
            shutil.copytree(root, copies / "plain", copy_function=_durable_copy)

        yield Case(
            run=run,
            before=before,
            peer=plain,
            peer_name="copying the files, unread, each with fsync",
            amount=SIZE,
            unit="entries/s",
            note="from a folder, durable on disk; each entry hashed, and read for documents",
        )
