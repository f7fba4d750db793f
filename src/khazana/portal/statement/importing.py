"""A publication folder becomes rows: files as they came, whole or not at all.

Layout: office.json, statements/*.json, valuations/*.json, memoranda/*.toml, prices.csv,
public-documents/*.json. What an office keeps to itself (descriptors, documents with their salts)
does not enter: a statement is stored as the disclosure that the office chose to publish.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

import msgspec
from django.db import transaction

from khazana.bitcoin.chain import ChainView
from khazana.errors import KhazanaError
from khazana.portal.reserve.deriving import derive_rows
from khazana.portal.statement.models import FileKind, FileRow, OfficeRow, StatementRow
from khazana.portal.statement.times import remember_times
from khazana.reserve.headline import watched_set, widest_set
from khazana.reserve.levels import keep_at
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.reserve.valuation_document import read_valuation
from khazana.statement.envelope import disclose, write_statement
from khazana.statement.signatures import signed_instants
from khazana.statement.times import read_instant

MOST_BYTES = 256 * 1024 * 1024
STATEMENTS = "statements/*.json"
OTHERS: tuple[tuple[str, FileKind], ...] = (
    ("office.json", FileKind.IDENTITY),
    ("prices.csv", FileKind.PRICES),
    ("valuations/*.json", FileKind.VALUATION),
    ("memoranda/*.toml", FileKind.MEMORANDUM),
    ("statistics/*.csv", FileKind.STATISTICS),
    ("public-documents/*.json", FileKind.DOCUMENTS),
    ("mining/*", FileKind.MINING),
    ("reports/*.json", FileKind.REPORT),
)


@dataclass(eq=False, kw_only=True)
class PublicationRefused(KhazanaError):
    """A folder is no publication of the office that it should be of."""

    path: str
    problem: str
    code = "publication_refused"
    words = "{path}: {problem}. Nothing of this folder was imported."


@dataclass(frozen=True)
class Imported:
    """What an import changed."""

    statements: tuple[str, ...] = ()
    """Roots of new statements."""
    renewed: tuple[str, ...] = ()
    """Roots of statements that came with other evidence than before."""
    files: int = 0

    def __bool__(self) -> bool:
        return bool(self.statements or self.renewed or self.files)


@dataclass(frozen=True)
class _Incoming:
    path: PurePosixPath
    raw: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()


def import_folder(
    folder: Path, *, own: bool, level: str = "full", chain: ChainView | None = None
) -> Imported:
    """Bring the database in step with a publication folder; what is there already stays.

    own: the portal's own office, else a partner. level: how much of each statement becomes public.
    chain: where the times of blocks come from; without one only the ends of periods have times.
    """
    incoming = [(item, _statement_of(item, level)) for item in _files(folder, STATEMENTS)]
    known = dict(StatementRow.objects.values_list("root", "sha256"))
    fresh = [
        (item, statement, raw)
        for item, (statement, raw) in incoming
        if known.get(statement.root) != hashlib.sha256(raw).hexdigest()
    ]
    others = [(kind, item) for pattern, kind in OTHERS for item in _files(folder, pattern)]
    if not incoming:
        return Imported()
    newest = max((s for _, (s, _) in incoming), key=lambda s: s.header.period.until.height)
    for item, (statement, _) in incoming:
        if statement.header.office.id != newest.header.office.id:
            raise PublicationRefused(
                path=str(item.path),
                problem=f"it is of {statement.header.office.id}, others of "
                f"{newest.header.office.id}",
            )
    # What comes over the network is fetched before the transaction opens.
    times = {}
    for _, statement, _ in fresh:
        if statement.root not in known:
            times[statement.root] = remember_times(statement, chain)
    with transaction.atomic():
        office = _office(newest, own=own)
        done = Imported()
        for item, statement, raw in fresh:
            done = _store(office, item, statement, raw, times.get(statement.root, {}), done)
        return _store_files(office, others, done)


def _files(folder: Path, pattern: str) -> Iterator[_Incoming]:
    for path in sorted(folder.glob(pattern)):
        if not path.is_file() or path.name.startswith("."):
            continue
        name = PurePosixPath(path.relative_to(folder).as_posix())
        if path.stat().st_size > MOST_BYTES:
            raise PublicationRefused(path=str(name), problem=f"it has over {MOST_BYTES} bytes")
        yield _Incoming(name, path.read_bytes())


def _statement_of(item: _Incoming, level: str) -> tuple[ReserveStatement, bytes]:
    """The statement as the public sees it: no more than `level`, whatever the file discloses."""
    try:
        statement = read_reserve_statement(item.raw)
    except KhazanaError as error:
        raise PublicationRefused(path=str(item.path), problem=str(error)) from error
    raw = write_statement(disclose(statement.envelope, keep_at(level)))
    return read_reserve_statement(raw), raw


def _office(statement: ReserveStatement, *, own: bool) -> OfficeRow:
    header = statement.header
    present = OfficeRow.objects.filter(slug=header.office.id).first()
    if present is not None and present.genesis != header.network.genesis:
        raise PublicationRefused(
            path=header.office.id, problem=f"it published on {present.network} before"
        )
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


def _store(
    office: OfficeRow,
    item: _Incoming,
    statement: ReserveStatement,
    raw: bytes,
    times: dict[str, datetime],
    done: Imported,
) -> Imported:
    """One statement with its rows; or, where its root is known, its evidence renewed."""
    header, envelope = statement.header, statement.envelope
    sha256 = hashlib.sha256(raw).hexdigest()
    renewed = StatementRow.objects.filter(root=statement.root).update(
        raw=raw, sha256=sha256, signed_at=_signed_at(statement)
    )
    if renewed:
        return Imported(done.statements, (*done.renewed, statement.root), done.files)
    row = StatementRow.objects.create(
        office=office,
        root=statement.root,
        raw=raw,
        sha256=sha256,
        file_name=item.path.name,
        after_height=header.period.after.height,
        after_hash=header.period.after.hash,
        after_mtp=read_instant(header.period.after_mtp),
        until_height=header.period.until.height,
        until_hash=header.period.until.hash,
        until_mtp=read_instant(header.period.until_mtp),
        timezone=header.period.timezone,
        previous=header.previous or "",
        supersedes=header.supersedes or "",
        signed_at=_signed_at(statement),
        headline=widest_set(statement),
        watched=watched_set(statement, widest_set(statement)),
        book=[msgspec.to_builtins(body) for body in statement.book_bodies],
        exclusions=[msgspec.to_builtins(body) for body in statement.exclusions],
        part_count=envelope.size,
        withheld_count=len(envelope.withheld),
    )
    derive_rows(row, statement, times)
    return Imported((*done.statements, statement.root), done.renewed, done.files)


def _signed_at(statement: ReserveStatement) -> datetime | None:
    return min(signed_instants(statement.envelope), default=None)


def _store_files(
    office: OfficeRow, others: list[tuple[FileKind, _Incoming]], done: Imported
) -> Imported:
    known = dict(FileRow.objects.filter(office=office).values_list("path", "sha256"))
    stored = 0
    for kind, item in others:
        if known.get(str(item.path)) == item.sha256:
            continue
        FileRow.objects.update_or_create(
            office=office,
            path=str(item.path),
            defaults={
                "kind": kind,
                "statement": _subject(office, kind, item),
                "raw": item.raw,
                "sha256": item.sha256,
            },
        )
        stored += 1
    return Imported(done.statements, done.renewed, stored)


def _subject(office: OfficeRow, kind: FileKind, item: _Incoming) -> StatementRow | None:
    """The statement that a file is about: by its root, else by having its name."""
    if kind is FileKind.VALUATION:
        try:
            root = read_valuation(item.raw).subject_root
        except KhazanaError as error:
            raise PublicationRefused(path=str(item.path), problem=str(error)) from error
        return StatementRow.objects.filter(office=office, root=root).first()
    return StatementRow.objects.filter(office=office, file_name=f"{item.path.stem}.json").first()
