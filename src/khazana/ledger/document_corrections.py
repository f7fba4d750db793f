"""Corrections by new rows: a document is never edited, a later row takes its place."""

from collections.abc import Sequence

from khazana.ledger.documents import Document
from khazana.ledger.office import CorrectedDocument
from khazana.ledger.tables import Row


def in_force(
    written: Sequence[tuple[Row, Document]],
) -> tuple[tuple[Document, ...], tuple[CorrectedDocument, ...]]:
    """The documents that count, and those that a later row corrects, in the order written.

    Rule M10: a row's `corrects` names a document that stands before it, of the same account, and
    that no other row corrects. So what corrects can never go round in a circle.
    """
    before: dict[str, Document] = {}
    by: dict[str, str] = {}
    for row, document in written:
        old = row.maybe("corrects")
        if old is not None:
            corrected = before.get(old)
            if corrected is None:
                row.wrong("corrects", f"no document {old!r} stands before this row")
            elif old in by:
                text = f"{old} is corrected by {by[old]} already: correct {by[old]} instead"
                row.wrong("corrects", text)
            elif corrected.account != document.account:
                text = (
                    f"{old} is about {corrected.account}, this row about {document.account}: "
                    "a correction stays with its account"
                )
                row.wrong("corrects", text)
            by.setdefault(old, document.id)
        before.setdefault(document.id, document)
    documents = [document for _, document in written]
    return (
        tuple(document for document in documents if document.id not in by),
        tuple(CorrectedDocument(d, by[d.id]) for d in documents if d.id in by),
    )
