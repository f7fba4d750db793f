"""Published files of providers become rows: each read by the room, each with what a reader finds.

providers/SLUG/office.json                      who the provider is
providers/SLUG/NAME/epoch.json                  what it owed at a block
providers/SLUG/NAME/liabilities-BTC.level.bin   the published level of each tree
providers/SLUG/NAME/statement.json              the coins that it kept at the same block
providers/SLUG/NAME/recomputed.json             the regulator's countersignature
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, TypeVar

import msgspec
from django.utils import timezone

from khazana.bitcoin.descriptor_engines import best_engine
from khazana.errors import KhazanaError
from khazana.ledger.canonical import parse_strict
from khazana.ledger.counted import Counted
from khazana.portal.statement.choosing import standing_of_office
from khazana.portal.statement.models import FileKind, FileRow, OfficeRow
from khazana.portal.statement.publication import PublicationRefused
from khazana.portal.supervision.models import EpochRow, ProviderRow
from khazana.reserve.checks_beside import NotComparable as StateNotComparable
from khazana.reserve.counting import counted_by_state
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.checks import Profile, Verdict
from khazana.statement.dsse import Envelope, read_envelope, valid_signers
from khazana.statement.identity import STATEMENT_ROLE, Office
from khazana.statement.office_file import Pin, read_office
from khazana.statement.times import read_instant
from khazana.supervision.coverage.case import NotComparable
from khazana.supervision.coverage.countersign import contradiction, read_recomputation, signers_in
from khazana.supervision.coverage.counting import counted_by_provider
from khazana.supervision.coverage.reading import read_coverage
from khazana.supervision.coverage.verify import CoverageRequest, verify_coverage
from khazana.supervision.solvency.check import read_level
from khazana.supervision.solvency.epoch import PAYLOAD_TYPE, Epoch, TreeHead, read_epoch
from khazana.supervision.solvency.errors import ProofRejected, Reason

IDENTITY, EPOCH = "office.json", "epoch.json"
COVERAGE, RECOMPUTED = "coverage.json", "recomputed.json"
COVERAGE_WRONG = "coverage_wrong"
"""Why an epoch is rejected whose coverage statement is not what it says."""
REGULATOR = "providers/regulator.json"
Value = TypeVar("Value")


def derive_providers(office: OfficeRow) -> None:
    """Make every provider's rows again from the office's files; PublicationRefused where one of
    them is no such file, so that nothing of the folder enters.
    """
    files = FileRow.objects.filter(office=office, kind=FileKind.PROVIDER)
    folders: dict[str, dict[str, bytes]] = {}
    for path, raw in files.values_list("path", "raw"):
        at = PurePosixPath(path)
        folders.setdefault(str(at.parent), {})[at.name] = bytes(raw)
    regulator, counted = _regulator(office), _counted(office, folders)
    ProviderRow.objects.filter(office=office).delete()
    for folder in sorted(folders):
        if IDENTITY in folders[folder]:
            beside = [each for owner, each in counted.items() if owner != folder]
            _provider(office, folder, folders, regulator, beside)


def _counted(office: OfficeRow, folders: dict[str, dict[str, bytes]]) -> dict[str, Counted]:
    """What each provider's newest coverage statement counts, by the provider's folder, and under
    "" what the office's own newest statement does. Those that contradict themselves do not count.
    """
    found: dict[str, Counted] = {}
    for folder, files in folders.items():
        if COVERAGE not in files:
            continue
        statement = _read(f"{folder}/{COVERAGE}", read_coverage, files[COVERAGE])
        owner = str(PurePosixPath(folder).parent)
        newest = found.get(owner)
        if newest is None or newest.block.height < statement.block.height:
            with suppress(NotComparable):
                found[owner] = counted_by_provider(statement)
    row = standing_of_office(office).first()
    if row is not None:
        with suppress(StateNotComparable):
            found[""] = counted_by_state(read_reserve_statement(bytes(row.raw)))
    return found


def _regulator(office: OfficeRow) -> Office | None:
    """Who countersigns in this office's country, as its folder says."""
    file = FileRow.objects.filter(office=office, path=REGULATOR).first()
    return None if file is None else _read(file.path, read_office, bytes(file.raw))


def _provider(
    office: OfficeRow,
    folder: str,
    folders: dict[str, dict[str, bytes]],
    regulator: Office | None,
    beside: Sequence[Counted],
) -> None:
    identity = _read(f"{folder}/{IDENTITY}", read_office, folders[folder][IDENTITY])
    within = sorted(name for name in folders if PurePosixPath(name).parent == PurePosixPath(folder))
    epochs = [
        _epoch(name, folders[name], identity, regulator, beside)
        for name in within
        if EPOCH in folders[name]
    ]
    provider = ProviderRow.objects.create(
        office=office,
        slug=PurePosixPath(folder).name,
        name=dict(identity.newest.names),
        licence=epochs[-1][0].provider.licence if epochs else "",
        fingerprint=identity.fingerprint,
    )
    for _statement, row in epochs:
        others = {r.digest for _, r in epochs if r.epoch == row.epoch} - {row.digest}
        if others and not row.rejected:
            row.rejected = Reason.OTHER_STATEMENT
            row.why = f"the provider signed another statement of epoch {row.epoch}: {min(others)}"
        row.provider = provider
        row.save()


def _epoch(
    folder: str,
    files: dict[str, bytes],
    identity: Office,
    regulator: Office | None,
    beside: Sequence[Counted],
) -> tuple[Epoch, EpochRow]:
    """An epoch's row: its statement must be the provider's; what is wrong in it stands in the row,
    for the reader to see.
    """
    path = f"{folder}/{EPOCH}"
    envelope = _read(path, lambda raw: read_envelope(parse_strict(raw)), files[EPOCH])
    if envelope.payload_type != PAYLOAD_TYPE:
        raise PublicationRefused(path=path, problem=f"it signs {envelope.payload_type!r}")
    statement = _read(path, read_epoch, envelope.payload)
    covered = _coverage(folder, files, statement)
    if not _signed_by(envelope, identity, path, since=covered.get("block_time")):
        raise PublicationRefused(path=path, problem="the provider's keys did not sign it")
    reason, why = _rejected(statement, files)
    if covered and not reason:
        reason, why = _lies(files[COVERAGE], identity, beside)
    return statement, EpochRow(
        epoch=statement.epoch,
        digest=statement.digest,
        folder=folder,
        block_height=statement.block.height,
        block_hash=statement.block.hash,
        trees=[_tree(head) for head in statement.trees],
        rejected=reason,
        why=why,
        recomputed=_recomputed(
            folder, files, statement, regulator, since=covered.get("block_time")
        ),
        **covered,
    )


def _coverage(folder: str, files: dict[str, bytes], statement: Epoch) -> dict[str, Any]:
    """What covers each asset at the block, as the provider's coverage statement says."""
    path, raw = f"{folder}/{COVERAGE}", files.get(COVERAGE)
    if raw is None:
        return {}
    coverage = _read(path, read_coverage, raw)
    if coverage.epoch is None or coverage.epoch.digest != statement.digest:
        raise PublicationRefused(path=path, problem="it is not of the epoch statement beside it")
    return {
        "block_time": read_instant(coverage.header.block_mtp),
        "coverage": [msgspec.to_builtins(body) for body in coverage.assets.values()],
        "coverage_sha256": hashlib.sha256(raw).hexdigest(),
    }


def _lies(raw: bytes, identity: Office, beside: Sequence[Counted]) -> tuple[str, str]:
    """What every reader of the coverage statement finds wrong without a chain, if anything: its
    root, the provider's signatures, one block, totals, what assets are called, a coin that
    another counts too.
    """
    report = verify_coverage(
        CoverageRequest(
            raw=raw,
            chain=None,
            engine=best_engine(),
            profile=Profile.TOTALS,
            now=timezone.now(),
            pin=Pin(identity.fingerprint, identity),
            beside=beside,
        )
    )
    for line in report.lines:
        if line.result.verdict is Verdict.FAILED:
            return COVERAGE_WRONG, f"{line.result.name}: {line.result.summary}"
    for name in ("root", "signatures"):
        if report.result(name).verdict is not Verdict.PASSED:
            return COVERAGE_WRONG, f"{name}: {report.result(name).summary}"
    return "", ""


def _recomputed(
    folder: str,
    files: dict[str, bytes],
    statement: Epoch,
    regulator: Office | None,
    *,
    since: datetime | None,
) -> dict[str, Any] | None:
    """What the regulator built again; None without a countersignature that says so."""
    path, raw = f"{folder}/{RECOMPUTED}", files.get(RECOMPUTED)
    if raw is None:
        return None
    envelope = _read(path, lambda given: read_envelope(parse_strict(given)), raw)
    found = _read(path, lambda _: read_recomputation(envelope), raw)
    if problem := contradiction(found, statement):
        raise PublicationRefused(path=path, problem=problem)
    rows = sum(tree.rows for tree in found.trees if tree.name == "liabilities/BTC")
    if regulator is None:
        return {"signed": False, "rows": rows, "by": {}, "fingerprint": ""}
    # Without a coverage statement no file says when the block was; then the clock's time counts.
    at = since or timezone.now()
    keys, threshold = _read(path, lambda _: signers_in(envelope, regulator, since=at), raw)
    return {
        "signed": len(keys) >= threshold,
        "rows": rows,
        "by": dict(regulator.newest.names),
        "fingerprint": regulator.fingerprint,
    }


def _signed_by(envelope: Envelope, identity: Office, path: str, *, since: datetime | None) -> bool:
    """Whether as many of the provider's statement keys signed as a version of it asks for that had
    not ended when the block was found.
    """
    for version in identity.versions:
        role = version.roles.get(STATEMENT_ROLE)
        if role is None or (since is not None and version.valid_until <= since):
            continue
        keys = {key: version.keys[key] for key in role.keys if key not in identity.revoked}
        try:
            if len(valid_signers(envelope, keys)) >= role.threshold:
                return True
        except KhazanaError as error:
            raise PublicationRefused(path=path, problem=str(error)) from error
    return False


def _rejected(statement: Epoch, files: dict[str, bytes]) -> tuple[str, str]:
    """What a reader of the published levels finds wrong, if anything."""
    for number, head in enumerate(statement.trees):
        raw = files.get(level_name(head))
        if raw is None:
            return Reason.LEVEL_NEEDED, f"{level_name(head)} is not published"
        try:
            read_level(raw, epoch=statement, tree=number)
        except ProofRejected as rejected:
            return rejected.reason, rejected.problem
    return "", ""


def level_name(head: TreeHead) -> str:
    """What the file of a tree's published level is called."""
    return f"{head.kind}-{head.asset}.level.bin"


def _tree(head: TreeHead) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.to_builtins(head)
    return {**body, "name": head.name, "level": level_name(head)}


def _read(path: str, read: Callable[[bytes], Value], raw: bytes) -> Value:
    try:
        return read(raw)
    except KhazanaError as error:
        raise PublicationRefused(path=path, problem=str(error)) from error
