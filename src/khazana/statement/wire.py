"""The statement file as types: what a reader accepts, and what the JSON Schema is made from."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from khazana.statement import patterns

STATEMENT_FORMAT = "khazana.statement/1"
MAX_PARTS = 5_000_000

Hash256 = Annotated[str, msgspec.Meta(pattern=patterns.HASH256)]
Salt128 = Annotated[str, msgspec.Meta(pattern=patterns.SALT128)]
PartName = Annotated[str, msgspec.Meta(pattern=patterns.PART_NAME)]
PartIndex = Annotated[int, msgspec.Meta(ge=0, lt=MAX_PARTS)]
NetworkLabel = Annotated[str, msgspec.Meta(pattern=patterns.SLUG, max_length=40)]
EvidenceType = Annotated[str, msgspec.Meta(pattern=patterns.EVIDENCE_TYPE, max_length=100)]


class NetworkFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Bitcoin network: its name is for people, its genesis hash is its identity."""

    name: NetworkLabel
    genesis: Hash256


class PartFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A disclosed part; the salt makes its digest useless for guessing."""

    index: PartIndex
    name: PartName
    salt: Salt128
    body: dict[str, Any]


class WithheldFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part that is not shown, by its digest."""

    index: PartIndex
    digest: Hash256


class EvidenceFile(msgspec.Struct, frozen=True):
    """Something that proves a part of the statement; its other fields depend on its type."""

    type: EvidenceType
    subject_root: Hash256


class StatementFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An office's signed account of a period, or a disclosure of it."""

    format: Literal["khazana.statement/1"]
    network: NetworkFile
    test: bool
    root: Hash256
    parts: Annotated[Sequence[PartFile], msgspec.Meta(min_length=1, max_length=MAX_PARTS)]
    withheld: Annotated[Sequence[WithheldFile], msgspec.Meta(max_length=MAX_PARTS)]
    evidence: Annotated[Sequence[EvidenceFile], msgspec.Meta(max_length=10_000)]


def statement_json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the statement file, as shipped in docs/spec.

    It says less than the reader: that indexes have no gaps, that names occur once and that the
    digests give the root cannot be said in JSON Schema.
    """
    return json_schema(STATEMENT_FORMAT, StatementFile)


def json_schema(title: str, type_: type) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a type that a file is read into."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "title": title, **msgspec.json.schema(type_)}
