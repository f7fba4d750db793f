"""The log as files: appended to, killed at every write, damaged, and compared with an oracle."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from khazana.errors import KhazanaError
from khazana.statement.keys import public_bytes
from khazana.statement.log.errors import LogDamaged, LogMoved, NoteRefused
from khazana.statement.log.files import appended, new_log, open_log, verify_whole
from khazana.statement.log.notes import NoteKey
from khazana.statement.tree import (
    consistency_proof,
    includes,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    root_of,
)
from tests.statement.log.folder import Killed, MemoryFolder

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x01")
ORIGIN = "drill.example/log"
KEY = NoteKey(ORIGIN, public_bytes(PRIVATE))


def entries(start, end):
    return [b"entry %d" % number for number in range(start, end)]


def log_of(size, folder=None):
    log = new_log(folder or MemoryFolder(), PRIVATE, origin=ORIGIN)
    return appended(log, entries(0, size), PRIVATE)


def opened(folder):
    return open_log(folder, origin=ORIGIN, key=KEY)


@pytest.mark.parametrize("steps", [[1], [255, 1], [256, 1], [300, 212, 1], [1, 2, 3, 1000]])
def test_a_log_appended_to_in_steps_is_the_log_written_at_once(steps):
    log = new_log(MemoryFolder(), PRIVATE, origin=ORIGIN)
    size = 0
    for step in steps:
        log = appended(log, entries(size, size + step), PRIVATE)
        size += step
        assert opened(log.folder) == log
    verify_whole(log)
    assert log.checkpoint.root == root_of([leaf_hash(e) for e in entries(0, size)])
    assert log.tree.root() == log.checkpoint.root
    assert [log.entry(i) for i in range(size)] == entries(0, size)
    assert log.folder.files["checkpoint"] == log_of(size).folder.files["checkpoint"]


def test_a_log_that_fills_a_tile_of_tiles_holds():
    log = log_of(256 * 256 + 257)
    assert opened(log.folder) == log
    verify_whole(log)
    older = 256 * 256 - 3
    assert is_consistent(
        older_root=log.tree.root(older),
        older_size=older,
        newer_root=log.checkpoint.root,
        newer_size=log.checkpoint.size,
        proof=log.tree.consistency_proof(older),
    )
    assert includes(
        root=log.checkpoint.root,
        size=log.checkpoint.size,
        index=65_000,
        leaf=leaf_hash(b"entry 65000"),
        proof=log.tree.inclusion_proof(65_000),
    )


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("size", "more"), [(0, 1), (3, 4), (250, 300), (255, 1), (65_530, 10)])
def test_a_process_killed_at_any_write_leaves_the_old_log_or_the_new_one(size, more, after):
    before = log_of(size)
    whole = MemoryFolder(before.folder.files)
    new = appended(opened(whole), entries(size, size + more), PRIVATE)
    assert whole.writes[-1] == "checkpoint"
    for death in range(len(whole.writes)):
        folder = MemoryFolder(before.folder.files)
        folder.dies_at, folder.after = death, after
        with pytest.raises(Killed):
            appended(opened(folder), entries(size, size + more), PRIVATE)
        survivor = MemoryFolder(folder.files)
        log = opened(survivor)
        last = after and death == len(whole.writes) - 1
        assert log.checkpoint == (new if last else before).checkpoint
        # Other entries may follow after the crash, over whatever it left.
        log = appended(log, [b"another"] * 7, PRIVATE)
        verify_whole(opened(survivor))
        older = (new if last else before).checkpoint
        if older.size:
            assert is_consistent(
                older_root=older.root,
                older_size=older.size,
                newer_root=log.checkpoint.root,
                newer_size=log.checkpoint.size,
                proof=log.tree.consistency_proof(older.size),
            )


def test_every_damaged_file_is_found():
    folder = log_of(600).folder
    assert len(folder.files) > 6
    found = 0
    for path, content in folder.files.items():
        for damaged in (None, content[:-1], bytes([content[0] ^ 1]) + content[1:]):
            copy = MemoryFolder(folder.files)
            if damaged is None:
                del copy.files[path]
            else:
                copy.files[path] = damaged
            with pytest.raises(KhazanaError):
                verify_whole(opened(copy))
            found += 1
    assert found == 3 * len(folder.files)


def test_a_folder_whose_edge_gives_another_root_is_refused_on_opening():
    folder = log_of(5).folder
    folder.files["tile/0/000.p/5"] = log_of(5, MemoryFolder()).folder.files["tile/0/000.p/5"][32:]
    folder.files["tile/0/000.p/5"] += bytes(32)
    with pytest.raises(LogDamaged, match="another root"):
        opened(folder)


def test_two_writers_do_not_fork_the_log():
    folder = MemoryFolder()
    log_of(5, folder)
    one, other = opened(folder), opened(folder)
    appended(one, [b"one"], PRIVATE)
    with pytest.raises(LogMoved):
        appended(other, [b"other"], PRIVATE)
    assert opened(folder).entry(5) == b"one"


def test_a_log_is_not_begun_over_another():
    folder = log_of(2).folder
    with pytest.raises(LogDamaged, match="already"):
        new_log(folder, PRIVATE, origin=ORIGIN)


def test_an_entry_that_is_too_large_leaves_nothing_behind():
    log = log_of(2)
    files = dict(log.folder.files)
    with pytest.raises(ValueError, match="4096"):
        appended(log, [b"fine", bytes(4097)], PRIVATE)
    assert log.folder.files == files


def test_the_checkpoint_of_another_log_is_refused():
    with pytest.raises(NoteRefused, match=r"not 'other\.example/log'"):
        open_log(log_of(2).folder, origin="other.example/log", key=KEY)


@given(st.integers(1, 900), st.data())
def test_proofs_from_tiles_are_those_of_the_whole_tree(size, data):
    log = log_of(size)
    earlier = data.draw(st.integers(1, size))
    leaves = [leaf_hash(entry) for entry in entries(0, earlier)]
    index, older = data.draw(st.integers(0, earlier - 1)), data.draw(st.integers(1, earlier))
    assert log.tree.root(earlier) == root_of(leaves)
    assert log.tree.inclusion_proof(index, size=earlier) == inclusion_proof(leaves, index)
    assert log.tree.consistency_proof(older, size=earlier) == consistency_proof(leaves, older)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 700])
def test_roots_and_proofs_from_tiles_equal_those_of_an_independent_implementation(size):
    pymerkle = pytest.importorskip("pymerkle")
    oracle = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries(0, size):
        oracle.append_entry(entry)
    log = log_of(size)
    assert log.checkpoint.root == oracle.get_root()
    for index in {0, size // 3, size - 1}:
        path = oracle.prove_inclusion(index + 1, size).serialize()["path"]
        assert [h.hex() for h in log.tree.inclusion_proof(index)] == path[1:]
