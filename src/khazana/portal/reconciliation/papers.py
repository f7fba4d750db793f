"""Papers behind documents: in the office's private folder, under their SHA-256, never changed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from khazana.bitcoin.secrets import refuse_secrets_in
from khazana.portal.audit.record import record
from khazana.portal.desk.office_store import write_file
from khazana.portal.desk.uploads import UploadRefused
from khazana.portal.reconciliation.models import PaperRow

FOLDER = "papers"
PAPER_COLUMN = "file_sha256"
MOST_PAPER_BYTES = 16 << 20
MOST_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Paper:
    """A file as it came. name: as its sender calls it, shown and never used as a path."""

    name: str
    raw: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def stem(self) -> str:
        return PurePath(self.name).stem


def papers_in(request: HttpRequest, field: str) -> list[Paper]:
    """The files of a form's field: bounded, not empty, and none with a key that could spend."""
    files = request.FILES.getlist(field)
    if len(files) > MOST_AT_ONCE:
        raise UploadRefused(problem=f"more than {MOST_AT_ONCE} files came at once")
    return [_paper(file) for file in files]


def keep(papers: Sequence[Paper], *, by: str, at: datetime) -> None:
    """Write what is not there yet; a file that came before stays as it came."""
    for paper in papers:
        if PaperRow.objects.filter(sha256=paper.sha256).exists():
            continue
        write_file(_path(paper.sha256), paper.raw)
        row = PaperRow(sha256=paper.sha256, name=paper.name, size=len(paper.raw), by=by, at=at)
        row.save()
        detail = {"bytes": str(len(paper.raw))}
        record("paper taken in", actor=by, subject=paper.sha256, detail=detail)


def kept(sha256: str) -> bytes:
    """The bytes of a paper, which must be what its name says."""
    path = _path(sha256)
    raw = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(raw).hexdigest() != sha256:
        problem = f"the paper {sha256} is missing or was changed; restore it from a backup"
        raise UploadRefused(problem=problem)
    return raw


def _path(sha256: str) -> Path:
    folder: Path = settings.OFFICE_DIR / FOLDER
    return folder / sha256


def _paper(file: "UploadedFile[bytes]") -> Paper:
    name = "".join(char for char in file.name or "" if char.isprintable())[:200]
    size = file.size or 0
    if size > MOST_PAPER_BYTES:
        raise UploadRefused(problem=f"{name} has more than {MOST_PAPER_BYTES} bytes")
    if not size:
        raise UploadRefused(problem=f"{name} is empty")
    raw = bytes(file.read())
    refuse_secrets_in(raw.decode("utf-8", errors="replace"), where=name)
    return Paper(name, raw)
