"""From an order that was carried out to the documents that explain it in the next statement."""

import csv
import hashlib
import io
from collections.abc import Sequence
from datetime import datetime

from khazana.custody.orders import events as ev
from khazana.custody.orders.errors import MoneyDiffers, TransitionImpossible
from khazana.custody.orders.order import Kind, Order
from khazana.custody.orders.order_file import write_order
from khazana.custody.orders.state import OrderState, Status
from khazana.ledger.documents import Document, Fiat, Reason, utc_text
from khazana.ledger.money import major_units
from khazana.ledger.rows import DOCUMENT_COLUMNS
from khazana.statement.times import write_instant
from khazana.units import Sats, Txid


def documents_of(state: OrderState, *, at: datetime) -> tuple[Document, ...]:
    """The documents that explain the movement: one for each payment, one for each delivery.

    at: when the coins moved, as the block's header says. Each names the transaction and the
    address, carries the hash of the order's file, and names those who approved it. A transfer
    needs none: it follows from the chain (Rule T1). Fees follow from the chain too.
    """
    if state.status not in (Status.CONFIRMED, Status.DELIVERED, Status.BOOKED):
        raise TransitionImpossible(
            order=state.order.id,
            event="booked",
            status=state.status.value,
            after="confirmed, delivered",
        )
    if state.order.kind is Kind.PURCHASE:
        return tuple(_deliveries(state, at))
    if state.order.kind is Kind.TRANSFER:
        return ()
    order, txid = state.order, state.confirmed_txid
    return tuple(
        _document(
            state,
            at,
            id_=_id(order, number, len(order.payments)),
            reason=order.reason,
            sats=each.sats,
            txid=txid,
            address=each.address,
            fiat=_share(order, number) if order.money else None,
            note=each.label or None,
        )
        for number, each in enumerate(order.payments)
    )


def _deliveries(state: OrderState, at: datetime) -> Sequence[Document]:
    bought, cost = state.order.purchase, state.order.cost
    if bought is None or cost is None:
        return ()
    if state.receipt is None:
        raise MoneyDiffers(order=state.order.id, problem="the dealer's receipt is missing")
    whole = state.delivered_sats
    price, fees = bought.quote.price.minor, bought.quote.fees_minor
    made = []
    taken = [0, 0]
    for number, each in enumerate(state.deliveries):
        last = number == len(state.deliveries) - 1
        share = [
            total - used if last else total * each.sats // whole
            for total, used in zip((price, fees), taken, strict=True)
        ]
        taken = [used + part for used, part in zip(taken, share, strict=True)]
        made.append(
            _document(
                state,
                at,
                id_=_id(state.order, number, len(state.deliveries)),
                reason=Reason.ACQUISITION,
                sats=each.sats,
                txid=each.txid,
                address=bought.address,
                fiat=Fiat(cost.currency, share[0], share[1]),
                note=f"receipt {state.receipt.file_sha256}",
                counterparty=bought.quote.dealer,
            )
        )
    return made


def _share(order: Order, number: int) -> Fiat | None:
    """What a sale brings, parted by amount; the last payment takes what rounding leaves."""
    if order.money is None:
        return None
    shares = [order.money.minor * each.sats // order.sats for each in order.payments]
    shares[-1] += order.money.minor - sum(shares)
    return Fiat(order.money.currency, shares[number])


def _document(
    state: OrderState,
    at: datetime,
    *,
    id_: str,
    reason: Reason,
    sats: Sats,
    txid: str | None,
    address: str,
    fiat: Fiat | None,
    note: str | None,
    counterparty: str | None = None,
) -> Document:
    order = state.order
    return Document(
        id=id_,
        reason=reason,
        at=at,
        account=order.account,
        amount=sats,
        txid=None if txid is None else Txid(txid),
        address=address,
        counterparty=order.counterparty or counterparty,
        counter_account=order.counter_account,
        fiat=fiat,
        authority=order.authority,
        budget_line=order.budget_line,
        file_sha256=hashlib.sha256(write_order(order)).hexdigest(),
        attested_by=", ".join(state.approvers) or None,
        note=note,
    )


def _id(order: Order, number: int, of: int) -> str:
    return f"order-{order.id}" if of == 1 else f"order-{order.id}-{number + 1}"


def document_rows(
    documents: Sequence[Document], *, header: bool, columns: Sequence[str] = DOCUMENT_COLUMNS
) -> bytes:
    """Rows for the table of documents beside office.toml. header: for a new file.

    columns: of a table that exists, in its order; ValueError when it has no room for a value.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n", extrasaction="ignore")
    if header:
        writer.writeheader()
    for cells in map(_cells, documents):
        lost = sorted(name for name, value in cells.items() if value and name not in columns)
        if lost:
            raise ValueError(f"the table has no column {', '.join(lost)}")
        writer.writerow(cells)
    return text.getvalue().encode()


def _cells(each: Document) -> dict[str, str]:
    fiat = each.fiat
    return {
        "id": each.id,
        "reason": each.reason.value,
        "at": utc_text(each.at),
        "account": each.account,
        "amount_sat": str(each.amount),
        "txid": each.txid or "",
        "address": each.address or "",
        "counterparty": each.counterparty or "",
        "counter_account": each.counter_account or "",
        "currency": fiat.currency if fiat else "",
        "paid": major_units(fiat.paid, fiat.currency) if fiat else "",
        "fees": major_units(fiat.fees, fiat.currency) if fiat and fiat.fees else "",
        "authority": each.authority or "",
        "budget_line": each.budget_line or "",
        "file_sha256": each.file_sha256 or "",
        "attested_by": each.attested_by or "",
        "note": each.note or "",
    }


def booked_event(
    state: OrderState, documents: Sequence[Document], *, at: datetime, by: str
) -> ev.Booked:
    """The event that closes an order, with the hash of its rows as `document_rows` writes them."""
    rows = document_rows(documents, header=False)
    return ev.Booked(
        order=state.order.id,
        at=write_instant(at),
        by=by,
        documents=[each.id for each in documents],
        rows_sha256=hashlib.sha256(rows).hexdigest(),
    )


def moved_at(state: OrderState) -> datetime:
    """The time of the log's confirmation, where no block's header is at hand."""
    return ev.at_of(state.confirmed.at) if state.confirmed else state.last_at
