"""The folder of `--metering`: which files it may hold, found and read."""

import re
from pathlib import Path

from khazana.cli.files import MOST_STATEMENT_BYTES, read_bytes
from khazana.mining.evidence.metering import (
    NEEDED,
    OPTIONAL,
    RECEIPTS,
    STAMPS,
    File,
    Metering,
    read_metering,
)
from khazana.statement.timestamps.format import MOST_STAMP_BYTES

METERING_FILES = NEEDED
MOST_FILES = 2_000
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def metering_in(folder: Path) -> Metering:
    """Everything in a folder of metering; what is not there is not claimed."""
    meters, readings, seals = (_file(folder / name) for name in NEEDED)
    receipts = [_file(path) for path in _listed(folder / RECEIPTS, "*.kzr")]
    stamps = {
        path.stem: (str(path), read_bytes(path, most=MOST_STAMP_BYTES))
        for path in _listed(folder / STAMPS, "*.ots")
        if _MONTH.fullmatch(path.stem)
    }
    return read_metering(
        meters=meters,
        readings=readings,
        seals=seals,
        tables={name: _file(folder / name) for name in OPTIONAL if (folder / name).exists()},
        receipts=receipts,
        stamps=stamps,
    )


def _listed(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))[:MOST_FILES] if folder.is_dir() else []


def _file(path: Path) -> File:
    return str(path), read_bytes(path, most=MOST_STATEMENT_BYTES)
