"""Files of audits: in the office's private folder, under their SHA-256, never changed."""

import hashlib
import unicodedata
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from khazana.portal.auditing.models import AuditRow, FileRow
from khazana.portal.desk.office_store import write_file
from khazana.portal.desk.uploads import MOST_STATEMENT_BYTES, UploadRefused

FOLDER = "audit-papers"
MOST_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it came. name: as its sender calls it, shown and never used as a path."""

    name: str
    raw: bytes


def sent_with(request: HttpRequest, field: str) -> list[Sent]:
    """The files in a form's field, bounded each and together; none is fine."""
    files = request.FILES.getlist(field)
    if sum(file.size or 0 for file in files) > MOST_STATEMENT_BYTES or len(files) > MOST_AT_ONCE:
        problem = f"more than {MOST_AT_ONCE} files or {MOST_STATEMENT_BYTES} bytes came at once"
        raise UploadRefused(problem=problem)
    return [Sent(clean(file.name or "")[:200], bytes(file.read())) for file in files]


def keep(audit: AuditRow, sent: Sent) -> FileRow:
    """Write the file, if it is not there, and note whose audit it belongs to."""
    sha256 = hashlib.sha256(sent.raw).hexdigest()
    path = settings.OFFICE_DIR / FOLDER / sha256
    if not path.is_file():
        write_file(path, sent.raw)
    return FileRow.objects.create(audit=audit, sha256=sha256, name=sent.name, size=len(sent.raw))


def kept(sha256: str) -> bytes:
    """The bytes of a file, which must be what its name says."""
    raw: bytes = (settings.OFFICE_DIR / FOLDER / sha256).read_bytes()
    if hashlib.sha256(raw).hexdigest() != sha256:
        problem = f"the file {sha256} in the private folder was changed; restore it from a backup"
        raise UploadRefused(problem=problem)
    return raw


def clean(text: str) -> str:
    """As papers take it: NFC, without control characters other than line feeds.

    Joiners stay: Urdu needs them.
    """
    plain = text.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")
    shown = "".join(
        " " if unicodedata.category(char) == "Cc" and char != "\n" else char for char in plain
    )
    return unicodedata.normalize("NFC", shown).strip()
