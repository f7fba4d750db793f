"""What explains a confirmed order in the books: one document per payment (Rule M1)."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime

from khazana.bitcoin.transaction import Transaction
from khazana.custody.drafting.draft import Draft
from khazana.ledger.documents import Document, Reason, utc_text
from khazana.ledger.rows import DOCUMENT_COLUMNS

_ROW_COLUMNS = (
    "id",
    "reason",
    "at",
    "account",
    "amount_sat",
    "txid",
    "address",
    "counterparty",
    "authority",
    "note",
)


def documents_of(
    draft: Draft,
    confirmed: Transaction,
    *,
    order: str,
    at: datetime,
    reason: Reason = Reason.DISBURSEMENT,
    authority: str | None = None,
    own: frozenset[bytes] = frozenset(),
) -> tuple[Document, ...]:
    """The documents of an order: "ORDER-1", "ORDER-2", ... in the order of its outputs.

    confirmed: the transaction in the block, which must be this draft's. at: of the order.
    own: scripts of the office's wallets; payments to them are transfers and need no document, as
    do change, fees, splits, consolidations and children (Rules T1 and L2).
    """
    if confirmed.outputs != draft.unsigned.outputs or [i.outpoint for i in confirmed.inputs] != [
        i.outpoint for i in draft.unsigned.inputs
    ]:
        raise ValueError(f"transaction {confirmed.txid} is not order {order}'s")
    outwards = [each.payment for each in draft.payments if each.payment.script not in own]
    return tuple(
        Document(
            id=f"{order}-{number}",
            reason=reason,
            at=at,
            account=draft.wallet,
            amount=paid.amount,
            txid=confirmed.txid,
            address=paid.address,
            counterparty=paid.label or None,
            authority=authority,
            note=paid.reference or None,
        )
        for number, paid in enumerate(outwards, 1)
    )


def document_rows(documents: Iterable[Document]) -> str:
    """Rows for documents.csv, with their header; lines end as spreadsheets write them."""
    if unknown := set(_ROW_COLUMNS) - set(DOCUMENT_COLUMNS):
        raise ValueError(f"documents.csv has no column {min(unknown)}")
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(_ROW_COLUMNS)
    for each in documents:
        table.writerow(
            [
                each.id,
                each.reason.value,
                utc_text(each.at),
                each.account,
                each.amount,
                each.txid or "",
                each.address or "",
                each.counterparty or "",
                each.authority or "",
                each.note or "",
            ]
        )
    return written.getvalue()
