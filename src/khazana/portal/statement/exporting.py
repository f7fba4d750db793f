"""Everything imported, written back as the files it came from, byte for byte."""

import os
from pathlib import Path

from khazana.portal.statement.models import FileRow, OfficeRow, StatementRow


def export_folder(folder: Path) -> int:
    """Write each office into a folder of its own; gives the number of files.

    Statements have the bytes that the public was shown. Importing the result gives the same rows.
    """
    count = 0
    for office in OfficeRow.objects.all():
        for statement in StatementRow.objects.filter(office=office):
            _write(folder / office.slug / "statements" / statement.file_name, bytes(statement.raw))
            count += 1
        for file in FileRow.objects.filter(office=office):
            _write(folder / office.slug / file.path, bytes(file.raw))
            count += 1
    return count


def _write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(raw)
    os.replace(part, path)
