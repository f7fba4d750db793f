"""The file in which an office hands documents to a reader, with the salts that open them."""

from collections.abc import Sequence
from dataclasses import dataclass

from khazana.errors import KhazanaError
from khazana.ledger.canonical import Json, canonical_bytes, parse_strict
from khazana.ledger.documents import SALT_BYTES, Document, document_from_record, record

FORMAT = "khazana.documents/1"


@dataclass(eq=False, kw_only=True)
class DocumentFileRefused(KhazanaError):
    """A file of documents does not have the format."""

    place: str
    problem: str
    code = "document_file_refused"
    words = "The file of documents is refused: at {place}, {problem}. Ask the office for it again."


def write_document_file(documents: Sequence[tuple[Document, bytes]]) -> bytes:
    """The bytes of the file: canonical JSON, in the order given."""
    content: list[Json] = [
        {"record": record(document), "salt": salt.hex()} for document, salt in documents
    ]
    return canonical_bytes({"format": FORMAT, "documents": content}) + b"\n"


def read_document_file(raw: bytes) -> tuple[tuple[Document, bytes], ...]:
    """The documents and salts in a file, or a refusal that names the place."""
    content = parse_strict(raw)
    if not isinstance(content, dict) or content.keys() != {"format", "documents"}:
        raise DocumentFileRefused(place="the top", problem="format and documents are expected")
    if content["format"] != FORMAT:
        raise DocumentFileRefused(place="format", problem=f"{FORMAT} is expected")
    rows = content["documents"]
    if not isinstance(rows, list):
        raise DocumentFileRefused(place="documents", problem="a list is expected")
    documents = tuple(_document(f"documents[{number}]", row) for number, row in enumerate(rows))
    seen: set[str] = set()
    for number, (document, _) in enumerate(documents):
        if document.id in seen:
            raise DocumentFileRefused(
                place=f"documents[{number}]", problem=f"{document.id} stands here twice"
            )
        seen.add(document.id)
    return documents


def _document(place: str, row: object) -> tuple[Document, bytes]:
    if not isinstance(row, dict) or row.keys() != {"record", "salt"}:
        raise DocumentFileRefused(place=place, problem="record and salt are expected")
    try:
        salt = bytes.fromhex(row["salt"])
        if len(salt) != SALT_BYTES:
            raise ValueError(f"a salt has {SALT_BYTES} bytes")
        return document_from_record(row["record"]), salt
    except (TypeError, ValueError) as error:
        raise DocumentFileRefused(place=place, problem=str(error)) from error
