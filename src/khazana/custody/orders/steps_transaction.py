"""What events about a transaction change: attached, signed, broadcast, confirmed."""

from dataclasses import replace
from datetime import datetime

from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.custody.orders import events as ev
from khazana.custody.orders.errors import TransactionDiffers
from khazana.custody.orders.order import Order
from khazana.custody.orders.signing import Parties
from khazana.custody.orders.state import Attempt, AttemptPurpose, OrderState, Status
from khazana.custody.orders.transaction import (
    TransactionFacts,
    require_child,
    require_replacement,
    require_same,
    require_signed,
    unsigned_form,
)
from khazana.custody.orders.transitions import impossible, release
from khazana.units import Sats


def attached(state: OrderState, event: ev.Attached, _: Parties, at: datetime) -> OrderState:
    facts = facts_in(event)
    purpose = AttemptPurpose(event.purpose)
    _require_facts(state.order, facts, child=purpose is AttemptPurpose.CHILD)
    if purpose is AttemptPurpose.ORIGINAL:
        return replace(
            state,
            status=Status.DRAFT,
            attempts=(*state.sent, Attempt(purpose, facts)),
            check=None,
            checked_at=None,
        )
    sent = [each for each in state.sent if each.purpose is not AttemptPurpose.CHILD]
    if purpose is AttemptPurpose.REPLACEMENT:
        # Each of them: one that shares a coin with the last alone could confirm beside the first.
        for each in sent:
            require_replacement(state.order, facts, each.facts)
        status = Status.REPLACED
    else:
        require_child(
            state.order, facts, [each.final.txid for each in sent if each.final is not None]
        )
        status = Status.BUMPED
    return replace(
        state, status=status, attempts=(*state.sent, Attempt(purpose, facts)), check=None
    )


def _require_facts(order: Order, facts: TransactionFacts, *, child: bool) -> None:
    """What `facts_of` found must still hold of what the log says it found."""
    rest = [
        (output.script, output.amount)
        for vout, output in enumerate(facts.unsigned.outputs)
        if vout not in facts.change
    ]
    wanted = [] if child else [(each.script, each.sats) for each in order.payments]
    if sorted(rest) != sorted(wanted) or facts.fee < 0:
        raise TransactionDiffers(
            order=order.id,
            name="payments",
            difference="its outputs, change set aside, are not the payments ordered",
        )


def signed(state: OrderState, event: ev.Signed, _: Parties, at: datetime) -> OrderState:
    attempt = state.attempt
    if attempt is None:
        raise impossible(state, "signed", (Status.APPROVED,))
    final = Transaction.parse(bytes.fromhex(event.raw))
    require_same(state.order, attempt.facts.unsigned, final)
    require_signed(state.order, final)
    signed = replace(attempt, final=final)
    return replace(state, status=Status.SIGNED, attempts=(*state.attempts[:-1], signed))


def broadcast(state: OrderState, event: ev.Broadcast, _: Parties, at: datetime) -> OrderState:
    attempt = state.attempt
    if attempt is None or attempt.final is None:
        raise impossible(state, "broadcast", (Status.SIGNED,))
    release(state, at)
    if event.txid != attempt.final.txid:
        raise TransactionDiffers(
            order=state.order.id,
            name="txid",
            difference=f"{event.txid} was sent, and {attempt.final.txid} was signed",
        )
    sent = replace(attempt, sent_at=at)
    return replace(state, status=Status.BROADCAST, attempts=(*state.attempts[:-1], sent))


def confirmed(state: OrderState, event: ev.Confirmed, _: Parties, at: datetime) -> OrderState:
    found = Transaction.parse(bytes.fromhex(event.raw))
    form = unsigned_form(found)
    own = [
        each
        for each in state.sent
        if each.purpose is not AttemptPurpose.CHILD and unsigned_form(each.facts.unsigned) == form
    ]
    if not own:
        raise TransactionDiffers(
            order=state.order.id,
            name="unknown",
            difference=f"{found.txid} is none of the transactions that were sent",
        )
    return replace(
        state,
        status=Status.CONFIRMED,
        confirmed=event,
        confirmed_txid=str(found.txid),
        confirmed_attempt=own[0],
    )


def facts_in(event: ev.Attached) -> TransactionFacts:
    """The transaction that an event attached."""
    unsigned = Transaction.parse(bytes.fromhex(event.unsigned), witness=False)
    spent = tuple(TxOut(Sats(each.sats), bytes.fromhex(each.script)) for each in event.spent)
    if len(spent) != len(unsigned.inputs) or any(
        vout >= len(unsigned.outputs) for vout in event.change
    ):
        raise TransactionDiffers(
            order=event.order, name="facts", difference="the log contradicts itself about it"
        )
    return TransactionFacts(unsigned, spent, frozenset(event.change), event.psbt_sha256)
