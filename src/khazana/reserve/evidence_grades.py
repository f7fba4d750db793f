"""Whether a grade that a statement prints is carried by what the statement shows (Rule R19)."""

from collections.abc import Iterator

from khazana.reserve.parts import AttestationBody, DocumentBody


def attestation_problems(attestation: AttestationBody) -> Iterator[str]:
    """A custodian's balance is C when a named party attests a paper with its hash, else D.

    It is never A, which anyone derives from the chain.
    """
    carried = attestation.attested_by is not None and attestation.file_sha256 is not None
    due = "C" if carried else "D"
    if attestation.grade != due:
        yield (
            f"the balance attested for block {attestation.block.height} claims grade "
            f"{attestation.grade}, what it carries is grade {due}"
        )


def document_problems(document: DocumentBody) -> Iterator[str]:
    """A document is C only with the hash of its paper; who attests it stands in the record.

    It is never A. B needs a signature over the document, and a statement carries none.
    """
    where = f"document {document.id}"
    if document.grade == "A":
        yield f"{where} claims grade A, which is the chain's own"
    elif document.grade == "B":
        yield f"{where} claims grade B, and no signature over it is shown"
    elif document.grade == "C" and document.file_sha256 is None:
        yield f"{where} claims grade C without the hash of a paper"
