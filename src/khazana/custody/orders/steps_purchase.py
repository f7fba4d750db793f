"""What events about a purchase change: paid, delivered, receipted."""

from dataclasses import replace
from datetime import datetime

from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.custody.orders import events as ev
from khazana.custody.orders.errors import MoneyDiffers, TransactionDiffers
from khazana.custody.orders.signing import Parties
from khazana.custody.orders.state import Delivery, OrderState, Status
from khazana.custody.orders.transitions import release
from khazana.units import Sats


def paid(state: OrderState, event: ev.Paid, _: Parties, at: datetime) -> OrderState:
    release(state, at)
    cost = state.order.cost
    if cost is None or (event.currency, event.minor) != (cost.currency, cost.minor):
        decided = f"{cost.minor} {cost.currency}" if cost else "nothing"
        raise MoneyDiffers(
            order=state.order.id,
            problem=f"{event.minor} {event.currency} was paid, and {decided} was decided "
            "(minor units)",
        )
    return _delivery_done(replace(state, status=Status.PAID, paid=event))


def delivered(state: OrderState, event: ev.Delivered, _: Parties, at: datetime) -> OrderState:
    purchase = state.order.purchase
    found = Transaction.parse(bytes.fromhex(event.raw))
    output = found.outputs[event.vout] if event.vout < len(found.outputs) else TxOut(Sats(0), b"")
    if purchase is None or output.script != purchase.script:
        raise TransactionDiffers(
            order=state.order.id,
            name="delivery",
            difference=f"output {event.vout} of {found.txid} does not pay the address of the order",
        )
    new = Delivery(str(found.txid), event.vout, output.amount, event.height, event.block)
    if any((each.txid, each.vout) == (new.txid, new.vout) for each in state.deliveries):
        raise MoneyDiffers(order=state.order.id, problem=f"{new.txid} was delivered already")
    return _delivery_done(replace(state, deliveries=(*state.deliveries, new)))


def _delivery_done(state: OrderState) -> OrderState:
    whole = state.delivered_sats >= state.order.sats
    return replace(state, status=Status.DELIVERED) if whole and state.paid else state


def receipted(state: OrderState, event: ev.Receipted, _: Parties, at: datetime) -> OrderState:
    return replace(state, receipt=event)
