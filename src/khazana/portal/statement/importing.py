"""A publication folder becomes rows: files as they came, whole or not at all.

What an office keeps to itself (descriptors, documents with their salts) does not enter: a statement
is stored as the disclosure that the office chose to publish.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from django.db import DataError, IntegrityError, transaction

from khazana.accord.feed.records import MOST_RECORD_BYTES
from khazana.bitcoin.chain import ChainView
from khazana.conditions.parts import conditions_of
from khazana.errors import KhazanaError
from khazana.mining.parts import mining_bodies
from khazana.portal.accord.deriving import derive_feeds, knows_others
from khazana.portal.accord.stamps import Confirmed, confirmed_stamps, is_stamp
from khazana.portal.conditions.kept import verdicts_of
from khazana.portal.formatting.bidi import visible
from khazana.portal.mining.importing import derive_sites
from khazana.portal.reserve.deriving import derive_rows, forget_rows
from khazana.portal.reserve.models import MovementRow
from khazana.portal.statement.models import FileKind, FileRow, OfficeRow, StatementRow
from khazana.portal.statement.opinions import opinions_shown
from khazana.portal.statement.publication import (
    STATEMENTS,
    Incoming,
    PublicationRefused,
    files_of,
    other_files,
)
from khazana.portal.statement.times import remember_times
from khazana.portal.supervision.deriving import derive_providers
from khazana.reserve.headline import watched_set, widest_set
from khazana.reserve.levels import keep_at
from khazana.reserve.parts import HeaderBody
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.reserve.valuation_document import read_valuation
from khazana.statement.envelope import disclose, write_statement
from khazana.statement.signatures import signed_instants
from khazana.statement.times import read_instant

DOCUMENTS = "documents"
"""The folder of what a feed's entries name."""


@dataclass(frozen=True)
class Imported:
    """What an import changed."""

    statements: tuple[str, ...] = ()
    """Roots of new statements."""
    renewed: tuple[str, ...] = ()
    """Roots of statements that came with other evidence, parts or times than before."""
    files: int = 0

    def __bool__(self) -> bool:
        return bool(self.statements or self.renewed or self.files)


@dataclass(frozen=True)
class _Fresh:
    """A statement that is not here as it came. raw: its bytes as the public sees them."""

    item: Incoming
    statement: ReserveStatement
    raw: bytes


def import_folder(
    folder: Path, *, own: bool, level: str = "full", chain: ChainView | None = None
) -> Imported:
    """Bring the database in step with a publication folder; what is there already stays.

    own: the portal's own office, else a partner. level: how much of each statement becomes public.
    chain: where the times of blocks come from; without one only the ends of periods have times.
    """
    incoming = [_incoming(item, level) for item in files_of(folder, STATEMENTS)]
    others = [
        (kind, item)
        for kind, item in other_files(folder)
        # Of the documents of a feed, statements came in already; records are small.
        if item.path.parent.name != DOCUMENTS or len(item.raw) <= MOST_RECORD_BYTES
    ]
    if not incoming:
        return Imported()
    newest = max(incoming, key=lambda each: each.statement.header.period.until.height).statement
    _require_one_office(incoming, newest.header)
    known = dict(StatementRow.objects.values_list("root", "sha256"))
    undated = set() if chain is None else _undated()
    fresh = [
        each
        for each in incoming
        if known.get(each.statement.root) != hashlib.sha256(each.raw).hexdigest()
        or each.statement.root in undated
    ]
    # What comes over the network is fetched before the transaction opens.
    times = {each.statement.root: remember_times(each.statement, chain) for each in fresh}
    stamps = [item.raw for _, item in others if is_stamp(item.path)]
    confirmed = {} if chain is None else confirmed_stamps(stamps, chain)
    try:
        with transaction.atomic():
            office = _office(newest, own=own)
            done = Imported()
            for each in fresh:
                done = _store(office, each, times[each.statement.root], done)
            return _store_files(office, others, done, confirmed)
    except (DataError, IntegrityError, OverflowError) as error:
        problem = f"something in it has no place in the portal's tables: {error}"
        raise PublicationRefused(path=folder.name, problem=problem) from error


def _incoming(item: Incoming, level: str) -> _Fresh:
    """The statement as the public sees it: no more than `level`, whatever the file discloses."""
    try:
        statement = read_reserve_statement(item.raw)
        # A page that cannot read them would be a page that fails.
        conditions_of(statement)
        mining_bodies(statement.envelope.parts)
    except KhazanaError as error:
        raise PublicationRefused(path=str(item.path), problem=str(error)) from error
    zone = statement.header.period.timezone
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        problem = f"{visible(zone[:64])!r} is no time zone such as Asia/Karachi"
        raise PublicationRefused(path=str(item.path), problem=problem) from error
    raw = write_statement(disclose(statement.envelope, keep_at(level)))
    return _Fresh(item, read_reserve_statement(raw), raw)


def _require_one_office(incoming: Sequence[_Fresh], expected: HeaderBody) -> None:
    """A folder is of one office under one identity on one network, and has each statement once."""
    files: dict[str, Incoming] = {}
    for each in incoming:
        header = each.statement.header
        for what, found, other in (
            ("of", header.office.id, expected.office.id),
            ("on the network with genesis", header.network.genesis, expected.network.genesis),
            ("of the identity", header.office.fingerprint, expected.office.fingerprint),
        ):
            if found != other:
                raise PublicationRefused(
                    path=str(each.item.path), problem=f"it is {what} {found}, others of {other}"
                )
        first = files.setdefault(each.statement.root, each.item)
        if first is not each.item:
            raise PublicationRefused(
                path=str(each.item.path), problem=f"it is the same statement as {first.path}"
            )


def _undated() -> set[str]:
    """Roots of statements with movements in blocks whose times are not known."""
    rows = MovementRow.objects.filter(median_time=None).order_by()
    return set(rows.values_list("statement__root", flat=True).distinct())


def _office(statement: ReserveStatement, *, own: bool) -> OfficeRow:
    header = statement.header
    _require_same_office(header, own=own)
    row, _ = OfficeRow.objects.update_or_create(
        slug=header.office.id,
        defaults={
            "name": dict(header.office.name),
            "own": own,
            "fingerprint": header.office.fingerprint or "",
            "notice": header.office.notice or "",
            "network": header.network.name,
            "genesis": header.network.genesis,
            "test": header.test,
        },
    )
    return row


def _require_same_office(header: HeaderBody, *, own: bool) -> None:
    """A portal has one office of its own, and no folder takes another office's place."""
    slug, fingerprint = header.office.id, header.office.fingerprint or ""
    present = OfficeRow.objects.filter(slug=slug).first()
    mine = OfficeRow.objects.filter(own=True).first()
    if own and mine is not None and mine.slug != slug:
        problem = f"this portal's own office is {mine.slug}; another needs its own --data folder"
    elif present is None:
        return
    elif present.own != own:
        was = "this portal's own office" if present.own else "a partner of this portal"
        problem = f"it is {was}, and cannot come in as the other"
    elif present.genesis != header.network.genesis:
        problem = f"it published on {present.network} before"
    elif present.fingerprint and present.fingerprint != fingerprint:
        problem = f"it published under the identity {present.fingerprint} before"
    else:
        return
    raise PublicationRefused(path=slug, problem=problem)


def _store(
    office: OfficeRow, fresh: _Fresh, times: dict[str, datetime], done: Imported
) -> Imported:
    """One statement with its rows. Where its root is known, rows of what was disclosed before go:
    what the office withholds now must not stay on the pages.
    """
    statement = fresh.statement
    root, shown = statement.root, _shown(fresh)
    row = StatementRow.objects.filter(root=root).defer("raw").first()
    if row is None:
        row = StatementRow.objects.create(
            office=office, root=root, file_name=_file_name(office, fresh), **_period(statement),
            **shown,
        )  # fmt: skip
        derive_rows(row, statement, times)
        derive_sites(row, statement)
        return replace(done, statements=(*done.statements, root))
    StatementRow.objects.filter(pk=row.pk).update(**shown)
    forget_rows(row)
    derive_rows(row, statement, times)
    derive_sites(row, statement)
    return replace(done, renewed=(*done.renewed, root))


def _period(statement: ReserveStatement) -> dict[str, Any]:
    """Columns that are under the root: they never change."""
    header = statement.header
    return {
        "after_height": header.period.after.height,
        "after_hash": header.period.after.hash,
        "after_mtp": read_instant(header.period.after_mtp),
        "until_height": header.period.until.height,
        "until_hash": header.period.until.hash,
        "until_mtp": read_instant(header.period.until_mtp),
        "timezone": header.period.timezone,
        "previous": header.previous or "",
        "supersedes": header.supersedes or "",
    }


def _shown(fresh: _Fresh) -> dict[str, Any]:
    """Columns that depend on what is disclosed, and on evidence."""
    statement, envelope = fresh.statement, fresh.statement.envelope
    headline = widest_set(statement)
    return {
        "raw": fresh.raw,
        "sha256": hashlib.sha256(fresh.raw).hexdigest(),
        "signed_at": min(signed_instants(envelope), default=None),
        "headline": headline,
        "watched": watched_set(statement, headline),
        "verdicts": verdicts_of(statement),
        "book": [msgspec.to_builtins(body) for body in statement.book_bodies],
        "exclusions": [msgspec.to_builtins(body) for body in statement.exclusions],
        "opinions": opinions_shown(envelope, now=datetime.now(UTC)),
        "part_count": envelope.size,
        "withheld_count": len(envelope.withheld),
    }


def _file_name(office: OfficeRow, fresh: _Fresh) -> str:
    """The file's own name; with the root in it where another statement came under that name, or
    export would write one over the other.
    """
    name = fresh.item.path.name
    if StatementRow.objects.filter(office=office, file_name=name).exists():
        return f"{fresh.item.path.stem}-{fresh.statement.root}.json"
    return name


def _store_files(
    office: OfficeRow,
    others: list[tuple[FileKind, Incoming]],
    done: Imported,
    confirmed: Confirmed,
) -> Imported:
    present = FileRow.objects.filter(office=office)
    known = {
        path: (sha256, statement)
        for path, sha256, statement in present.values_list("path", "sha256", "statement")
    }
    stored, providers, feeds = 0, False, False
    for kind, item in others:
        subject = _subject(office, kind, item)
        # A file may come before the statement that it is about.
        if known.get(str(item.path)) == (item.sha256, None if subject is None else subject.pk):
            continue
        FileRow.objects.update_or_create(
            office=office,
            path=str(item.path),
            defaults={
                "kind": kind,
                "statement": subject,
                "raw": item.raw,
                "sha256": item.sha256,
            },
        )
        stored += 1
        providers |= kind is FileKind.PROVIDER
        feeds |= kind is FileKind.FEED
    # A coin of a provider may stand in a statement that is new.
    if providers or done.statements or done.renewed:
        derive_providers(office)
    if feeds or knows_others(office):
        derive_feeds(office, now=datetime.now(UTC), confirmed=confirmed)
    return replace(done, files=stored)


def _subject(office: OfficeRow, kind: FileKind, item: Incoming) -> StatementRow | None:
    """The statement that a file is about: by its root, else by having its name."""
    statements = StatementRow.objects.filter(office=office).defer("raw")
    if kind is FileKind.VALUATION:
        try:
            root = read_valuation(item.raw).subject_root
        except KhazanaError as error:
            raise PublicationRefused(path=str(item.path), problem=str(error)) from error
        return statements.filter(root=root).first()
    return statements.filter(file_name=f"{item.path.stem}.json").first()
