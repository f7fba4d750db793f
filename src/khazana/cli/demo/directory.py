"""The demo's directory: made fresh each time, and never at the cost of anybody else's files."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from khazana.cli.files import write_whole
from khazana.devnet.directory import DevnetDirectory
from khazana.errors import KhazanaError
from khazana.statement.checks import TEST_NOTICE

MARKER = ".khazana-demo"
_MARK = f"Made by `khazana demo`: {TEST_NOTICE}. The next demo here replaces what it made.\n"

DEVNET = "devnet"
PAKISTAN = "pakistan"
EL_SALVADOR = "el-salvador"
DRILL = "drill-office"
TAMPERED = "tampered.json"
TAMPERED_MINING = "tampered-mining.json"
PROGRESS = "progress.json"
PORTALS = "portals"
PROVIDERS = "providers"
_OURS = (
    *(DEVNET, PAKISTAN, EL_SALVADOR, DRILL, TAMPERED, TAMPERED_MINING),
    *(PROGRESS, PORTALS, PROVIDERS),
)


@dataclass(eq=False, kw_only=True)
class NotADemoDirectory(KhazanaError):
    """A directory that holds something no demo made."""

    directory: str
    problem: str
    code = "not_a_demo_directory"
    words = "{directory} is left as it is: {problem}. Name a new directory with --dir."


def fresh_directory(path: Path) -> None:
    """Make the directory, or empty one that an earlier demo made; refuse any other.

    Raises `NotADemoDirectory`, and `DevnetInUse` while another demo runs in it.
    """
    if path.exists() and not path.is_dir():
        raise NotADemoDirectory(directory=str(path), problem="it is not a directory")
    if path.is_dir() and any(path.iterdir()):
        marker = path / MARKER
        if marker.is_symlink() or not marker.is_file() or marker.read_bytes() != _MARK.encode():
            problem = f"it holds files, and no marker ({MARKER}) says that a demo made them"
            raise NotADemoDirectory(directory=str(path), problem=problem)
        if (path / DEVNET).exists():
            # Whoever has it open keeps it: taking the lock for a moment tells.
            DevnetDirectory(path / DEVNET).release()
        for name in _OURS:
            _remove(path / name)
    path.mkdir(parents=True, exist_ok=True)
    write_whole(path / MARKER, _MARK.encode())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
