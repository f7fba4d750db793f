"""Keeping the database in step with publication folders while the portal serves."""

import logging
import subprocess
import time
from pathlib import Path

from django.db import close_old_connections

from khazana.bitcoin.adapters.source import open_chain
from khazana.errors import KhazanaError
from khazana.portal.project.frame import progress_now
from khazana.portal.statement.checking import check_statement, unchecked
from khazana.portal.statement.choosing import standing_statements
from khazana.portal.statement.importing import import_folder

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
INDEX = "publication.json"


def follow(
    own: Path, partners: tuple[Path, ...], *, level: str, source: str | None
) -> None:  # pragma: no cover - runs until the process ends
    """Import each folder whenever its index changes; what is wrong with one is logged."""
    seen: dict[Path, tuple[int, int]] = {}
    while True:
        for folder in (own, *partners):
            look(folder, seen, own=folder == own, level=level, source=source)
        if source is not None and is_still():
            check_newest(source)
        time.sleep(LOOK_SECONDS)


def is_still() -> bool:
    """Whether no demo is being played: what is published in one is soon not the newest."""
    progress = progress_now()
    return progress is None or progress.get("stage") == "ready"


def check_newest(source: str) -> None:
    """Check each office's newest standing statement that no report speaks of yet."""
    for own in (True, False):
        offices: set[int] = set()
        for statement in standing_statements(own=own):
            if statement.office_id in offices:
                continue
            offices.add(statement.office_id)
            if unchecked(statement):
                try:
                    check_statement(statement, source)
                except (KhazanaError, OSError, subprocess.SubprocessError) as error:
                    LOG.warning("%s was not checked: %s", statement.root[:12], error)
                return


def look(
    folder: Path,
    seen: dict[Path, tuple[int, int]],
    *,
    own: bool,
    level: str,
    source: str | None,
) -> None:
    """Import a folder if its index is not the one that was imported last."""
    try:
        stat = (folder / INDEX).stat()
    except OSError:
        return  # nothing published yet
    mark = (stat.st_mtime_ns, stat.st_size)
    if seen.get(folder) == mark:
        return
    close_old_connections()
    try:
        import_folder(folder, own=own, level=level, chain=open_chain(source) if source else None)
    except KhazanaError as error:
        LOG.warning("%s was not imported: %s", folder.name, error)
        if error.code not in ("publication_refused",):
            return  # the chain was silent: try again
    seen[folder] = mark
