"""What an office puts into its log: small records that name a document by its digest."""

from typing import Annotated, Any, Final, Literal

import msgspec

from khazana.ledger.canonical import JsonRefused, canonical_bytes, parse_strict
from khazana.statement import patterns
from khazana.statement.log.errors import EntryRefused
from khazana.statement.log.tiles import MOST_ENTRY_BYTES
from khazana.statement.times import read_instant
from khazana.statement.wire import Hash256

ENTRY_FORMAT: Final = "khazana.log-entry/1"

Instant = Annotated[str, msgspec.Meta(pattern=patterns.INSTANT)]
Index = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Origin = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Entry(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
):
    """What every entry says. office: its fingerprint. issued: UTC, in the office's word."""

    format: Literal["khazana.log-entry/1"] = ENTRY_FORMAT
    office: Hash256
    issued: Instant


class StatementEntry(Entry, frozen=True, tag="statement"):
    """A statement was published. root: the statement's."""

    root: Hash256


class DisclosureEntry(Entry, frozen=True, tag="disclosure"):
    """A disclosure was published. digest: SHA-256 of its file."""

    root: Hash256
    digest: Hash256


class CommitmentEntry(Entry, frozen=True, tag="wallet-commitment"):
    """A sealed wallet was declared. digest: the commitment, which shows nothing of the wallet."""

    digest: Hash256


class DeclarationEntry(Entry, frozen=True, tag="wallet-declaration"):
    """Wallets were declared, by scripts of theirs. digest: SHA-256 of the signed declaration."""

    digest: Hash256


class VerdictEntry(Entry, frozen=True, tag="verdict"):
    """A verdict on entry `index` of the log `log`. digest: SHA-256 of the signed verdict."""

    log: Origin
    index: Index
    finding: Literal["verified", "contradicted", "not-checkable"]
    digest: Hash256


class IdentityEntry(Entry, frozen=True, tag="identity"):
    """A version of the office's identity. digest: the version's, as office.json defines it."""

    version: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    digest: Hash256


class CorrectionEntry(Entry, frozen=True, tag="correction"):
    """Entry `corrects` of this log was wrong. digest: SHA-256 of what explains and replaces it."""

    corrects: Index
    digest: Hash256


class AgreementEntry(Entry, frozen=True, tag="agreement"):
    """A version of an agreement that the office signed. agreement: the hash of every language.

    digest: SHA-256 of the published file, with the text and the office's signatures.
    """

    agreement: Hash256
    version: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    digest: Hash256


AnyEntry = (
    StatementEntry
    | DisclosureEntry
    | CommitmentEntry
    | VerdictEntry
    | IdentityEntry
    | CorrectionEntry
    | AgreementEntry
    | DeclarationEntry
)


def entry_bytes(entry: AnyEntry) -> bytes:
    """The entry as it stands in the log: RFC 8785 JSON; refuses what a reader would refuse."""
    document: Any = msgspec.to_builtins(entry)
    raw = canonical_bytes(document)
    read_entry(raw)
    return raw


def read_entry(raw: bytes) -> AnyEntry:
    """The entry in these bytes, which must be its one spelling."""
    if len(raw) > MOST_ENTRY_BYTES:
        raise EntryRefused(problem=f"it has more than {MOST_ENTRY_BYTES} bytes")
    try:
        document = parse_strict(raw)
        entry: AnyEntry = msgspec.convert(document, AnyEntry)
        read_instant(entry.issued)
    except JsonRefused as error:
        raise EntryRefused(problem=f"{error.path}: {error.problem}") from error
    except ValueError as error:  # msgspec's own refusal is one
        raise EntryRefused(problem=str(error)) from error
    if canonical_bytes(document) != raw:
        raise EntryRefused(problem="it is not in canonical form (RFC 8785)")
    if not isinstance(document, dict) or "format" not in document:
        raise EntryRefused(problem="it does not state its format")
    return entry


def require_correctable(entry: AnyEntry, *, index: int) -> None:
    """Entry `index` can only correct one before it."""
    if isinstance(entry, CorrectionEntry) and entry.corrects >= index:
        raise EntryRefused(problem=f"entry {index} corrects {entry.corrects}, a later one")
