"""A log on disk: killed at any moment, on a full or read-only disk, and two writers at once."""

import errno
import os
import random
import signal
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.cli.files import FileNotUsable
from khazana.cli.log_folder import DiskFolder, LogBusy
from khazana.errors import KhazanaError
from khazana.statement.keys import public_bytes
from khazana.statement.log.files import appended, new_log, open_log, verify_whole
from khazana.statement.log.notes import NoteKey
from khazana.statement.tree import is_consistent

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x01")
ORIGIN = "drill.example/log"
KEY = NoteKey(ORIGIN, public_bytes(PRIVATE))
KILLS = 50


def opened(folder):
    return open_log(DiskFolder(folder), origin=ORIGIN, key=KEY)


def begun(folder, size=0):
    log = new_log(DiskFolder(folder), PRIVATE, origin=ORIGIN)
    return appended(log, [b"entry %d" % number for number in range(size)], PRIVATE)


def append_until_killed(folder: Path, told: int) -> None:
    """In a process of its own: append, then say which size and root are promised."""
    log = opened(folder)
    while True:
        log = appended(log, [b"entry %d" % log.checkpoint.size] * 3, PRIVATE)
        line = f"{log.checkpoint.size} {log.checkpoint.root.hex()}\n"
        os.write(told, line.encode())


def test_what_was_promised_survives_a_process_that_is_killed_at_any_moment(tmp_path):
    begun(tmp_path, 250)
    chance = random.Random(10)
    promised = [(0, b"")]
    for _ in range(KILLS):
        started_at = opened(tmp_path).checkpoint.size
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(told)
            try:
                append_until_killed(tmp_path, tell)
            finally:
                os._exit(1)
        os.close(tell)
        with os.fdopen(told, "rb") as lines:
            # However slow the disk: some die before their first promise, most after one or two.
            heard = b"".join(lines.readline() for _ in range(chance.choice([0, 1, 1, 2])))
            time.sleep(chance.uniform(0.0, 0.02))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            whole = [line.split() for line in (heard + lines.read()).split(b"\n")[:-1]]
        assert os.WIFSIGNALED(status)
        promised += [(int(size), bytes.fromhex(root.decode())) for size, root in whole]
        log = opened(tmp_path)
        size, root = promised[-1]
        # At most the append that nobody was told of yet lies beyond what was promised.
        assert log.checkpoint.size - max(size, started_at) in (0, 3)
        if root:
            assert log.tree.root(size) == root
    log = opened(tmp_path)
    verify_whole(log)
    assert len(promised) > KILLS // 2
    for size, root in promised[1:]:
        assert is_consistent(
            older_root=root,
            older_size=size,
            newer_root=log.checkpoint.root,
            newer_size=log.checkpoint.size,
            proof=log.tree.consistency_proof(size),
        )


@pytest.mark.parametrize(
    ("call", "number", "said"),
    [
        ("fsync", errno.ENOSPC, "no space left on device"),
        ("fsync", errno.EIO, "input/output error"),
        ("replace", errno.EROFS, "read-only file system"),
    ],
)
def test_a_disk_that_refuses_is_named_and_the_log_stays_as_it_was(
    tmp_path, monkeypatch, call, number, said
):
    before = begun(tmp_path, 300)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def refuses(*_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuses)
        with pytest.raises(FileNotUsable, match=said) as raised:
            appended(before, [b"more"] * 300, PRIVATE)
    assert str(tmp_path) in raised.value.path
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files
    verify_whole(appended(opened(tmp_path), [b"later"], PRIVATE))


def test_a_full_disk_in_the_middle_of_a_file_leaves_the_log_as_it_was(tmp_path):
    before = begun(tmp_path, 10)
    child = os.fork()
    if child == 0:
        import resource

        # The kernel's own limit on a file's size: a write stops in its middle, as on a full disk.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        try:
            appended(before, [bytes(4000)] * 3, PRIVATE)
        except FileNotUsable as refused:
            os._exit(7 if "tile" in refused.path and "too large" in refused.problem else 8)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
    assert opened(tmp_path) == before


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(KhazanaError, match="file"):
        begun(tmp_path / "file")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    begun(tmp_path, 2)
    (tmp_path / "checkpoint").write_bytes(bytes(1 << 17))
    with pytest.raises(FileNotUsable, match="larger than 65536 bytes"):
        opened(tmp_path)


def test_a_second_writer_waits_and_then_says_who_is_in_the_way(tmp_path):
    log = begun(tmp_path, 2)
    with DiskFolder(tmp_path).alone():
        hasty = open_log(DiskFolder(tmp_path, wait_s=0.02), origin=ORIGIN, key=KEY)
        with pytest.raises(LogBusy, match="another process"):
            appended(hasty, [b"more"], PRIVATE)
    assert opened(tmp_path) == log


@pytest.mark.parametrize("path", ["", "/etc/passwd", "a/../b", "./a", "a//b"])
def test_no_path_leads_out_of_the_folder(tmp_path, path):
    with pytest.raises(ValueError, match="inside a log"):
        DiskFolder(tmp_path).read(path, most=1)
