"""Published feeds become rows: each file held to the signed root by the room that reads it.

feed/…             the office's own feed
copies/SLUG/…      its copy of another office's
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from types import MappingProxyType

import msgspec
from django.conf import settings

from khazana.accord.feed.errors import FeedTooLarge
from khazana.accord.feed.paths import OFFICE, witness_path
from khazana.accord.feed.view import (
    CosignatureShown,
    FeedView,
    VerdictShown,
    cosignatures,
    feed_view,
)
from khazana.errors import KhazanaError
from khazana.portal.accord.agreements import derive_agreements
from khazana.portal.accord.known import known_offices
from khazana.portal.accord.models import FeedRow, LogEntryRow, VerdictRow
from khazana.portal.accord.stamps import Confirmed, stamped_sizes
from khazana.portal.statement.models import FileKind, FileRow, OfficeRow
from khazana.portal.statement.publication import PublicationRefused
from khazana.statement.log.files import CHECKPOINT
from khazana.statement.log.notes import Note, read_note
from khazana.statement.log.office_keys import log_origin
from khazana.statement.office_file import Pin, read_office
from khazana.statement.times import write_instant

LOG = logging.getLogger(__name__)
OWN, COPIES, COSIGNED = "feed", "copies", "cosigned"


@dataclass(frozen=True)
class StoredFeed:
    """A feed's files as they are kept in the database, by path; for reading alone."""

    files: Mapping[str, bytes]

    def read(self, path: str, *, most: int) -> bytes | None:
        raw = self.files.get(path)
        if raw is not None and len(raw) > most:
            raise PublicationRefused(path=path, problem=f"it has over {most} bytes")
        return raw

    def write(self, path: str, content: bytes) -> None:
        raise ValueError(f"{path}: the portal writes no feed")

    def write_all(self, files: Iterable[tuple[str, bytes]]) -> None:
        raise ValueError("the portal writes no feed")

    def alone(self) -> AbstractContextManager[None]:
        return nullcontext()


def derive_feeds(
    office: OfficeRow, *, now: datetime, confirmed: Confirmed = MappingProxyType({})
) -> None:
    """Make every feed's rows again from the office's files; PublicationRefused where one of them
    contradicts its own signatures, so that nothing of the folder enters.

    confirmed: time stamps that our own chain confirms.
    """
    known = known_offices(settings.KNOWN_OFFICES)
    stored = _stored(office)
    FeedRow.objects.filter(office=office).delete()
    views: dict[str, FeedView] = {}
    for folder, feed in list(stored.items()):
        pin = _pin_of_own(office) if folder == OWN else known.get(_says_it_is(feed))
        if pin is None:
            del stored[folder]
            _store_unknown(office, folder, feed)
            continue
        try:
            view = feed_view(feed, now=now, pin=pin)
        except FeedTooLarge as error:
            if folder == OWN:
                raise PublicationRefused(path=folder, problem=str(error)) from error
            # Else a partner could stop this office's own pages by publishing more and more.
            LOG.warning("%s of %s is left out: %s", folder, office.slug, error)
            continue
        except KhazanaError as error:
            raise PublicationRefused(path=folder, problem=str(error)) from error
        if view is None:
            continue
        if view.origin in {each.origin for each in views.values()}:
            problem = f"a second copy of the feed of {view.office.id}; keep one"
            raise PublicationRefused(path=folder, problem=problem)
        views[folder] = view
    roots = {
        (view.origin, entry.index, entry.leaf): entry.root
        for view in views.values()
        for entry in view.entries
        if entry.root is not None
    }
    for folder, view in views.items():
        try:
            found = cosignatures(
                view,
                _notes(stored, folder, view),
                [each.office for name, each in views.items() if name != folder],
                now=now,
            )
        except KhazanaError as error:
            raise PublicationRefused(path=folder, problem=str(error)) from error
        stamped = stamped_sizes(stored[folder].files, view.log, confirmed)
        _store(office, folder, view, found, stamped, roots)
    derive_agreements(office, views, stored, now=now)


def knows_others(office: OfficeRow) -> bool:
    """Whether the operator names other offices now than when the rows were made."""
    known = known_offices(settings.KNOWN_OFFICES)
    copies = FeedRow.objects.filter(office=office).exclude(folder=OWN)
    return any((row.fingerprint in known) != row.known for row in copies)


def _pin_of_own(office: OfficeRow) -> Pin:
    if not office.fingerprint:
        problem = "its office's statements name no identity, so that nothing ties the log to them"
        raise PublicationRefused(path=OWN, problem=problem)
    return Pin(office.fingerprint)


def _says_it_is(feed: "StoredFeed") -> str:
    """The fingerprint in a copy's office.json; empty where it has none that can be read."""
    raw = feed.files.get(OFFICE)
    try:
        return "" if raw is None else read_office(raw).fingerprint
    except KhazanaError:
        return ""


def _store_unknown(office: OfficeRow, folder: str, feed: "StoredFeed") -> None:
    """Nothing of it is read or repeated but whose it says it is: its name is its own choice."""
    FeedRow.objects.create(
        office=office,
        folder=folder,
        slug="",
        name={},
        fingerprint=_says_it_is(feed),
        known=False,
        size=0,
        root="",
    )


def _stored(office: OfficeRow) -> dict[str, StoredFeed]:
    files = FileRow.objects.filter(office=office, kind=FileKind.FEED).values_list("path", "raw")
    folders: dict[str, dict[str, bytes]] = {}
    for path, raw in files:
        parts = PurePosixPath(path).parts
        depth = 1 if parts[0] == OWN else 2
        folder, rest = "/".join(parts[:depth]), "/".join(parts[depth:])
        folders.setdefault(folder, {})[rest] = bytes(raw)
    return {folder: StoredFeed(folders[folder]) for folder in sorted(folders)}


def _notes(stored: Mapping[str, StoredFeed], folder: str, view: FeedView) -> Iterator[Note]:
    """Checkpoints of a log as its folder keeps them, and as witnesses publish them."""
    for path, raw in stored[folder].files.items():
        if path == CHECKPOINT or path.startswith(f"{COSIGNED}/"):
            yield read_note(raw)
    published = witness_path(view.office.fingerprint)
    for name, feed in stored.items():
        if name != folder and published in feed.files:
            yield read_note(feed.files[published])


def _store(
    office: OfficeRow,
    folder: str,
    view: FeedView,
    found: Sequence[CosignatureShown],
    stamped: Sequence[tuple[int, int, datetime]],
    roots: Mapping[tuple[str, int, str], str],
) -> None:
    row = FeedRow.objects.create(
        office=office,
        folder=folder,
        slug=view.office.id,
        name={language: _text(name) for language, name in view.office.newest.names.items()},
        fingerprint=view.office.fingerprint,
        known=True,
        size=view.log.checkpoint.size,
        root=view.log.checkpoint.root.hex(),
        cosigned=[
            {"witness": each.witness, "size": each.size, "at": write_instant(each.at)}
            for each in found
        ],
        stamped=[
            {"size": size, "height": height, "at": write_instant(at)}
            for size, height, at in stamped
        ],
    )
    LogEntryRow.objects.bulk_create(
        LogEntryRow(
            feed=row,
            index=each.index,
            issued=each.issued,
            kind=each.kind,
            root=each.root or "",
        )
        for each in view.entries
    )
    VerdictRow.objects.bulk_create(
        _verdict(row, each, roots) for each in view.verdicts if is_office_log(each.log)
    )


def _verdict(
    feed: FeedRow, shown: VerdictShown, roots: Mapping[tuple[str, int, str], str]
) -> VerdictRow:
    return VerdictRow(
        feed=feed,
        index=shown.index,
        fingerprint=shown.log.removeprefix(log_origin("")),
        on=shown.on,
        finding=shown.finding,
        basis=_text(shown.basis),
        reason=_text(shown.reason),
        failed=[
            {name: _text(text) for name, text in msgspec.to_builtins(each).items()}
            for each in shown.failed
        ],
        height=shown.height,
        block=shown.block or "",
        signed_at=shown.signed_at,
        root=roots.get((shown.log, shown.on, shown.entry), ""),
    )


def is_office_log(origin: str) -> bool:
    """Whether a log is an office's by its name: else a verdict on it says nothing to readers."""
    return re.fullmatch(re.escape(log_origin("")) + "[0-9a-f]{64}", origin) is not None


def _text(text: str) -> str:
    """No database takes a zero character."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
