"""Explanations: what each wallet's flows were for, line by line, and what was left open."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from khazana.ledger.documents import Document, Reason, document_grade
from khazana.ledger.findings import Finding
from khazana.ledger.grades import EvidenceGrade
from khazana.units import Sats, Txid


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a transaction changed a wallet's holdings by `amount` (signed as the wallet sees it).

    counterpart: the declared wallet or custodial account at the other end, if there is one.
    rule: the rule of docs/methods/matching.md that made the line.
    """

    txid: Txid
    wallet: str
    reason: Reason
    amount: Sats
    counterpart: str | None
    document: str | None
    rule: str


@dataclass(frozen=True)
class Matching:
    """What documents and chain say together.

    explanations: for each entry and wallet they sum to the wallet's flows without fees.
    findings: every document that did not match, or that contradicts the chain.
    unmatched: ids of the documents that explain nothing, in the order given.
    off_chain: documents about custodial accounts, which no transaction of ours shows.
    """

    explanations: tuple[Explanation, ...]
    findings: tuple[Finding, ...]
    unmatched: tuple[str, ...]
    off_chain: tuple[Document, ...]


def explanation_grade(
    explanation: Explanation,
    documents: Mapping[str, Document],
    *,
    signed: Collection[str] = (),
) -> EvidenceGrade:
    """What an explanation's reason rests on (Rule G1 in docs/methods/matching.md).

    A transfer and dust follow from the chain and published rules: A. A documented reason is as
    good as its document. That nothing explains a flow is only the office's word: D.
    signed: ids of the documents whose signature was verified.
    """
    if explanation.document is not None:
        document = documents[explanation.document]
        return document_grade(document, signature_holds=document.id in signed)
    if explanation.reason in (Reason.TRANSFER, Reason.DUST):
        return EvidenceGrade.A
    return EvidenceGrade.D
