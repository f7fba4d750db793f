"""The statement file as types: what a reader accepts, and what the JSON Schema is made from."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from khazana.statement.parts import PART_NAME_PATTERN

STATEMENT_FORMAT = "khazana.statement/1"
MAX_PARTS = 5_000_000

# The bounds on length matter: in Python a pattern's "$" also matches before a final newline.
Hash256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", min_length=64, max_length=64)]
Salt128 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$", min_length=32, max_length=32)]
PartName = Annotated[str, msgspec.Meta(pattern=PART_NAME_PATTERN, max_length=430)]
PartIndex = Annotated[int, msgspec.Meta(ge=0, lt=MAX_PARTS)]
NetworkLabel = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]*$", max_length=40)]
EvidenceType = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.-]*/[1-9][0-9]*$", max_length=100)
]


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
    schema = msgspec.json.schema(StatementFile)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": STATEMENT_FORMAT,
        **schema,
    }
