"""Reading and writing files so that a person learns what is wrong and nothing is half-written."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from khazana.errors import KhazanaError

MOST_STATEMENT_BYTES = 1 << 31
MOST_OFFICE_BYTES = 1 << 24
MOST_PRICE_BYTES = 1 << 26
"""Bounds on what is read at all; a file beyond them is not what it is said to be."""


@dataclass(eq=False, kw_only=True)
class FileNotUsable(KhazanaError):
    """A file cannot be read or written."""

    path: str
    problem: str
    code = "file_not_usable"
    words = "{path}: {problem}"


@dataclass(eq=False, kw_only=True)
class FileRefused(KhazanaError):
    """A file can be read, and what stands in it cannot be used."""

    path: str
    problem: str
    code = "file_refused"
    words = "in {path}: {problem}"


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """What is refused inside is refused with the file's name: a command may read several."""
    try:
        yield
    except FileNotUsable:
        raise
    except KhazanaError as error:
        raise FileRefused(path=str(path), problem=str(error)) from error


def read_bytes(path: Path, *, most: int) -> bytes:
    """The file's content; `most` bytes at the most, so that a wrong file cannot fill memory."""
    try:
        if path.stat().st_size > most:
            raise FileNotUsable(path=str(path), problem=f"larger than {most} bytes; not read")
        return path.read_bytes()
    except OSError as error:
        raise FileNotUsable(path=str(path), problem=_reason(error)) from error


def write_whole(path: Path, content: bytes, *, mode: int = 0o644, replace: bool = True) -> None:
    """Write the file in one step: readers see the old content or the new, never a part.

    replace=False refuses to touch a file that exists. A device or a pipe, such as /dev/null, is
    written to and never replaced.
    """
    try:
        if _is_device(path):
            path.write_bytes(content)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, mode)
            if replace:
                os.replace(temporary, path)
            else:
                os.link(temporary, path)
                os.unlink(temporary)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except FileExistsError as error:
        raise FileNotUsable(path=str(path), problem="exists already; not overwritten") from error
    except OSError as error:
        raise FileNotUsable(path=str(path), problem=_reason(error)) from error


def _is_device(path: Path) -> bool:
    """Whether something stands there that is neither a file nor a directory."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
