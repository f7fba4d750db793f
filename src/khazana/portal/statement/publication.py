"""A publication folder as the portal reads it: plain files under plain names, nothing elsewhere."""

import hashlib
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from glob import escape
from itertools import islice
from pathlib import Path, PurePosixPath

from khazana.errors import KhazanaError
from khazana.portal.formatting.bidi import visible
from khazana.portal.statement.models import FileKind

LOG = logging.getLogger(__name__)
MOST_BYTES = 256 * 1024 * 1024
MOST_FILES = 10_000
"""Of one kind in one folder."""
MOST_FEED_FILES = 200_000
"""Of a feed: a log has a document for each entry."""
STATEMENTS = "statements/*.json"
COPIES = "copies"
FEED_FILES = (
    "checkpoint",
    "office.json",
    "tile/**/*",
    "documents/*",
    "cosigned/*",
    "witness/*",
    "stamps/*",
)
OTHERS: tuple[tuple[str, FileKind], ...] = (
    ("office.json", FileKind.IDENTITY),
    ("prices.csv", FileKind.PRICES),
    ("valuations/*.json", FileKind.VALUATION),
    ("memoranda/*.toml", FileKind.MEMORANDUM),
    ("statistics/*.csv", FileKind.STATISTICS),
    ("public-documents/*.json", FileKind.DOCUMENTS),
    ("mining/*", FileKind.MINING),
    ("reports/*.json", FileKind.REPORT),
    ("providers/regulator.json", FileKind.PROVIDER),
    ("providers/*/*", FileKind.PROVIDER),
    ("providers/*/*/*", FileKind.PROVIDER),
    # A checkpoint is read before the tiles that it needs: these are written first.
    *((f"feed/{files}", FileKind.FEED) for files in FEED_FILES),
)

# Names stand in addresses, in answers' headers and in shells; they must need no quoting anywhere.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")


@dataclass(eq=False, kw_only=True)
class PublicationRefused(KhazanaError):
    """A folder is no publication of the office that it should be of."""

    path: str
    problem: str
    code = "publication_refused"
    words = "{path}: {problem}. Nothing of this folder was imported."


@dataclass(frozen=True)
class Incoming:
    """A file of the folder. path: relative to the folder."""

    path: PurePosixPath
    raw: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()


def other_files(folder: Path) -> Iterator[tuple[FileKind, Incoming]]:
    """All of the folder's files but the statements.

    A copy with more files than a feed may have is left out, and the others come: its office, which
    decides how many there are, must not decide whether this portal goes on.
    """
    for pattern, kind in OTHERS:
        most = MOST_FEED_FILES if kind is FileKind.FEED else MOST_FILES
        yield from ((kind, item) for item in files_of(folder, pattern, most=most))
    for copy in sorted(folder.glob(f"{COPIES}/*")):
        if sum(1 for _ in islice(copy.rglob("*"), MOST_FEED_FILES + 1)) > MOST_FEED_FILES:
            LOG.warning("%s is left out: it has over %d files", copy.name, MOST_FEED_FILES)
            continue
        for files in FEED_FILES:
            pattern = f"{COPIES}/{escape(copy.name)}/{files}"
            found = files_of(folder, pattern, most=MOST_FEED_FILES)
            yield from ((FileKind.FEED, item) for item in found)


def files_of(folder: Path, pattern: str, *, most: int | None = None) -> Iterator[Incoming]:
    """The folder's files of a pattern, in order of name; PublicationRefused for what is no file of
    its own.
    """
    root = folder.resolve()
    most = MOST_FILES if most is None else most
    for count, path in enumerate(sorted(folder.glob(pattern)), start=1):
        if path.name.startswith("."):
            continue  # half-written, by the custom of whoever writes it
        name = PurePosixPath(path.relative_to(folder).as_posix())
        if count > most:
            raise PublicationRefused(path=pattern, problem=f"there are over {most} of them")
        if not all(_NAME.fullmatch(part) for part in name.parts):
            raise PublicationRefused(
                path=visible(str(name)),
                problem="a file's name has at most 100 of A-Z a-z 0-9 . _ @ + - and begins with a "
                "letter or digit",
            )
        # A folder may be written by somebody else than who serves it: a link would publish
        # whatever the portal can read.
        if not path.resolve().is_relative_to(root):
            raise PublicationRefused(
                path=str(name), problem="it is a link out of the folder; copy the file instead"
            )
        if path.is_file():
            yield Incoming(name, _read(path, name))


def _read(path: Path, name: PurePosixPath) -> bytes:
    """A file's bytes; one that grows or goes while it is read is refused, not waited for."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        problem = f"it cannot be read: {error.strerror or error}"
        raise PublicationRefused(path=str(name), problem=problem) from error
    if len(raw) > MOST_BYTES:
        raise PublicationRefused(path=str(name), problem=f"it has over {MOST_BYTES} bytes")
    return raw


def _without_waiting(path: str, flags: int) -> int:
    # A pipe put in the file's place would otherwise be waited for without end.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
