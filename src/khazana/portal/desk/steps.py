"""What every step of a statement begins with: its row, locked, and in a state that allows it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from khazana.errors import KhazanaError
from khazana.portal.desk.models import DraftRow, DraftState
from khazana.portal.desk.office_store import HISTORY
from khazana.portal.statement.choosing import newest_statement

OPEN = (DraftState.MADE, DraftState.SIGNED)


@dataclass(eq=False, kw_only=True)
class DraftRefused(KhazanaError):
    """A step that this statement cannot take."""

    problem: str
    code = "statement_step_refused"
    words = "This cannot be done with the statement: {problem}."


@contextmanager
def locked_draft(pk: int, *states: DraftState) -> Iterator[DraftRow]:
    """The row as it stands now; nobody else changes it until this transaction ends."""
    with transaction.atomic():
        row = DraftRow.objects.select_for_update().get(pk=pk)
        if row.state not in states:
            raise DraftRefused(problem=f"it is {row.state}")
        yield row


def inputs_now() -> str:
    """SHA-256 over the office's files and the newest published root; another is another input."""
    digest = hashlib.sha256()
    folder: Path = settings.OFFICE_DIR
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if name.parts[0] == HISTORY or name.parts[0].startswith(".") or not path.is_file():
            continue
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{content} {name.as_posix()}\n".encode())
    newest = newest_statement()
    digest.update(b"" if newest is None else newest.root.encode())
    return digest.hexdigest()
