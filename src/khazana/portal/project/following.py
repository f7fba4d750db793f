"""Keeping the database in step with publication folders while the portal serves."""

import contextlib
import logging
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.db import DatabaseError, close_old_connections

from khazana.bitcoin.adapters.source import open_chain
from khazana.errors import KhazanaError
from khazana.portal.project.frame import progress_now
from khazana.portal.statement.checking import check_statement, unchecked
from khazana.portal.statement.choosing import standing_statements
from khazana.portal.statement.importing import import_folder
from khazana.portal.statement.publication import PublicationRefused
from khazana.portal.supervision.checking import check_coverage, unchecked_coverage

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
AGAIN_SECONDS = 30.0
"""Until the next attempt where the chain or the database did not answer."""
CHECK_AGAIN_SECONDS = 3600.0
"""Until the next attempt to check a statement whose check gave no report."""
INDEX = "publication.json"


def follow(
    own: Path, partners: tuple[Path, ...], *, level: str, source: str | None
) -> None:  # pragma: no cover - runs until the process ends
    """Import each folder whenever its index changes, and check what is newest."""
    if source is not None:
        threading.Thread(target=keep_checked, args=(source,), daemon=True).start()
    folders = [
        Followed(folder, own=folder == own, level=level, source=source)
        for folder in (own, *partners)
    ]
    while True:
        for folder in folders:
            folder.look(time.monotonic())
        time.sleep(LOOK_SECONDS)


def keep_checked(source: str) -> None:  # pragma: no cover - runs until the process ends
    """A check takes minutes; what is published meanwhile does not wait for it."""
    checks = Checks(source)
    while True:
        checks.check_newest(time.monotonic())
        time.sleep(LOOK_SECONDS)


def is_still() -> bool:
    """Whether no demo is being played: what is published in one is soon not the newest."""
    progress = progress_now()
    return progress is None or progress.get("stage") == "ready"


class Followed:
    """A publication folder and how far the database is in step with it. Times: seconds."""

    def __init__(self, folder: Path, *, own: bool, level: str, source: str | None) -> None:
        self.folder, self.own, self.level, self.source = folder, own, level, source
        self._seen: tuple[tuple[int, int], ...] | None = None
        self._not_before = float("-inf")
        self._said_missing = False

    def look(self, now: float) -> None:
        """Import the folder if its index is not the one that was imported or refused last."""
        if now < self._not_before:
            return
        try:
            stat = (self.folder / INDEX).stat()
        except OSError as error:
            if not self._said_missing:
                LOG.warning("waiting for %s: %s", self.folder / INDEX, error.strerror)
            self._said_missing = True
            return  # nothing published yet
        mark = ((stat.st_mtime_ns, stat.st_size), *self._checkpoints())
        if mark == self._seen:
            return
        if self._import(now):
            self._seen = mark

    def _checkpoints(self) -> Iterator[tuple[int, int]]:
        """How far the feeds are: a log grows, and a partner is copied, between statements."""
        for pattern in ("feed/checkpoint", "copies/*/checkpoint"):
            for path in sorted(self.folder.glob(pattern)):
                with contextlib.suppress(OSError):
                    stat = path.stat()
                    yield stat.st_mtime_ns, stat.st_size

    def _import(self, now: float) -> bool:
        """Whether the folder as it is need not be looked at again; says in the log what is wrong.

        Whatever one folder brings, the others are still followed.
        """
        close_old_connections()
        try:
            chain = open_chain(self.source) if self.source else None
            import_folder(self.folder, own=self.own, level=self.level, chain=chain)
        except PublicationRefused as error:
            LOG.warning("%s was not imported: %s", self.folder.name, error)
        except (KhazanaError, DatabaseError) as error:
            LOG.warning(
                "%s was not imported; next attempt in %d seconds: %s",
                self.folder.name,
                AGAIN_SECONDS,
                error,
            )
            self._not_before = now + AGAIN_SECONDS
            return False
        except Exception:
            LOG.exception("%s was not imported", self.folder.name)
        return True


class Checks:
    """The portal's own checks against one source. Times: seconds."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._not_before: dict[tuple[str, str], float] = {}

    def check_newest(self, now: float) -> None:
        """Check each office's newest standing statement that no report speaks of yet."""
        if not is_still():
            return
        close_old_connections()
        try:
            self._check_newest(now)
        except DatabaseError as error:
            LOG.warning("nothing was checked: %s", error)

    def _check_newest(self, now: float) -> None:
        offices: set[int] = set()
        for statement in (*standing_statements(own=True), *standing_statements(own=False)):
            if statement.office_id in offices:
                continue
            offices.add(statement.office_id)
            name = (statement.root, statement.sha256)
            if now < self._not_before.get(name, now):
                continue
            if not unchecked(statement, now=datetime.now(UTC)):
                continue
            try:
                check_statement(statement, self.source)
            except (KhazanaError, OSError, subprocess.SubprocessError) as error:
                LOG.warning("%s was not checked: %s", statement.root[:12], error)
                self._not_before[name] = now + CHECK_AGAIN_SECONDS
        self._check_coverage(now)

    def _check_coverage(self, now: float) -> None:
        """Check each provider's newest coverage statement that no report speaks of yet."""
        for epoch in unchecked_coverage(now=datetime.now(UTC)):
            name = (epoch.digest, epoch.coverage_sha256)
            if now < self._not_before.get(name, now):
                continue
            try:
                check_coverage(epoch, self.source)
            except (KhazanaError, OSError, subprocess.SubprocessError) as error:
                LOG.warning("%s was not checked: %s", epoch.folder, error)
                self._not_before[name] = now + CHECK_AGAIN_SECONDS
