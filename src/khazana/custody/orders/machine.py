"""The order's life: which event may follow which state, and what it changes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.custody.orders import events as ev
from khazana.custody.orders.errors import (
    ApprovalRefused,
    ApprovedAlready,
    CheckIsOld,
    CoolingOff,
    MoneyDiffers,
    OrderHasExpired,
    OverrideRefused,
    TransactionDiffers,
    TransitionImpossible,
)
from khazana.custody.orders.order import Kind, Order
from khazana.custody.orders.signing import (
    Parties,
    drafted_order,
    judge_approval,
    judge_override,
)
from khazana.custody.orders.state import (
    FINAL,
    Attempt,
    AttemptPurpose,
    Delivery,
    OrderState,
    Override,
    Status,
)
from khazana.custody.orders.transaction import (
    TransactionFacts,
    require_child,
    require_replacement,
    require_same,
    require_signed,
    unsigned_form,
)
from khazana.statement.dsse import Envelope, EnvelopeFile, read_envelope
from khazana.statement.errors import SignatureRefused
from khazana.units import Sats

S = Status
_BEFORE_RELEASE = (S.DRAFT, S.CHECKED, S.REFUSED, S.APPROVED, S.SIGNED)

AFTER: Mapping[str, tuple[Status, ...]] = {
    "attached": (S.DRAFT, S.CHECKED, S.REFUSED),
    "checked": (*_BEFORE_RELEASE, S.REPLACED, S.BUMPED),
    "overridden": (S.REFUSED,),
    "approved": (S.CHECKED,),
    "declined": (*_BEFORE_RELEASE, S.REPLACED, S.BUMPED),
    "signed": (S.APPROVED,),
    "broadcast": (S.SIGNED,),
    "paid": (S.APPROVED,),
    "delivered": (S.APPROVED, S.PAID, S.DELIVERED),
    "receipted": (S.APPROVED, S.PAID, S.DELIVERED),
    "expired": _BEFORE_RELEASE,
    "booked": (S.CONFIRMED, S.DELIVERED),
}
"""After which states each event may come; transactions under way have their own rows below."""
UNDER_WAY = (S.BROADCAST, S.REPLACED, S.BUMPED)
"""A replacement may be attached to these; a child only to what was broadcast."""
_OF_PAYMENTS = ("attached", "signed", "broadcast", "confirmed")
_OF_PURCHASES = ("paid", "delivered", "receipted")


def drafted(event: ev.Drafted, parties: Parties) -> OrderState:
    """The order in its first state, if its drafter signed it."""
    at = ev.at_of(event.at)
    order = drafted_order(_envelope(event.order, event.envelope), parties, at=at)
    holder = parties.holder(order.id, order.drafter)
    if event.order != order.id or event.by != holder:
        raise ApprovalRefused(order=order.id, problem="the event names another order or person")
    if at < order.drafted_at:
        raise ApprovalRefused(order=order.id, problem="it was drafted later than it is logged")
    if at >= order.expires_at:
        raise OrderHasExpired(order=order.id, expired=str(order.expires_at))
    return OrderState(order=order, status=Status.DRAFT, drafter=holder, last_at=at)


def apply(state: OrderState, event: ev.Event, parties: Parties) -> OrderState:
    """The order after the event; an OrderRefused that says why when it cannot be."""
    if event.order != state.order.id:
        raise ValueError(f"an event of order {event.order} was given to {state.order.id}")
    name, at = ev.event_name(event), ev.at_of(event.at)
    if isinstance(event, ev.Drafted):
        raise _impossible(state, name, ())
    if isinstance(event, ev.Attempted):
        return replace(state, last_at=at)
    if isinstance(event, ev.Published):
        return replace(_published(state, event), last_at=at)
    _require_possible(state, name, event)
    _require_time(state, name, at)
    return replace(_STEPS[type(event)](state, event, parties, at), last_at=at)


def _require_possible(state: OrderState, name: str, event: ev.Event) -> None:
    purchase = state.order.kind is Kind.PURCHASE
    if (purchase and name in _OF_PAYMENTS) or (not purchase and name in _OF_PURCHASES):
        other = "payments" if purchase else "purchases"
        raise TransitionImpossible(
            order=state.order.id, event=name, status=f"no order of {other}", after=other
        )
    after = AFTER.get(name, ())
    if isinstance(event, ev.Confirmed):
        # Any transaction that was sent can confirm, whatever is being prepared beside it.
        if not state.sent or state.status in FINAL:
            raise _impossible(state, name, (*UNDER_WAY, S.CONFIRMED))
        return
    if isinstance(event, ev.Attached) and event.purpose != "original":
        after = UNDER_WAY if event.purpose == "replacement" else (S.BROADCAST,)
        name = f"a {event.purpose}"
    ended = state.declined is not None and name != "expired"
    # Coins that arrived before the money left are there: the order cannot end as if they were not.
    begun = bool(state.deliveries) and name in ("declined", "expired")
    if state.status not in after or ended or begun:
        raise _impossible(state, name, after)


def _require_time(state: OrderState, name: str, at: datetime) -> None:
    over = at >= state.order.expires_at
    if name == "expired":
        if not over:
            raise MoneyDiffers(
                order=state.order.id, problem=f"it does not expire before {state.order.expires_at}"
            )
        if state.sent:
            raise _impossible(state, name, _BEFORE_RELEASE)
    elif over and not state.sent and name in _RELEASING:
        raise OrderHasExpired(order=state.order.id, expired=str(state.order.expires_at))


_RELEASING = frozenset(
    {"attached", "checked", "overridden", "approved", "signed", "broadcast", "paid"}
)


def _attached(state: OrderState, event: ev.Attached, _: Parties, at: datetime) -> OrderState:
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


def _checked(state: OrderState, event: ev.Checked, parties: Parties, at: datetime) -> OrderState:
    if event.passed != all(each.passed for each in event.results):
        raise CheckIsOld(order=state.order.id, problem="the check contradicts its own results")
    if event.transaction != state.txid:
        raise CheckIsOld(order=state.order.id, problem="the check is of another transaction")
    new = replace(state, check=event)
    if event.passed or set(new.failed) <= set(new.overridden):
        new = _counted(replace(new, status=Status.CHECKED, checked_at=at), parties, at)
        # What was signed stays signed; a check made anew confirms that it may still go out.
        signed = state.status is S.SIGNED and new.status is S.APPROVED
        return replace(new, status=Status.SIGNED) if signed else new
    return replace(new, status=Status.REFUSED)


def _overridden(
    state: OrderState, event: ev.Overridden, parties: Parties, at: datetime
) -> OrderState:
    check = state.check
    if check is None or check.override_role is None or check.publish_after_days is None:
        raise OverrideRefused(order=state.order.id, problem="the rules let nobody override")
    fixed = [each.rule for each in check.results if not each.passed and not each.overridable]
    if fixed:
        raise OverrideRefused(
            order=state.order.id, problem=f"nobody may override {', '.join(fixed)}"
        )
    signed = judge_override(
        _envelope(event.order, event.envelope),
        state.order,
        state.facts,
        parties,
        role=check.override_role,
        at=at,
    )
    if signed.rules != state.failed:
        raise OverrideRefused(
            order=state.order.id,
            problem=f"it names {', '.join(signed.rules)}; broken are {', '.join(state.failed)}",
        )
    publish_on = publication_day(at, check.publish_after_days)
    if event.publish_on != publish_on.isoformat():
        raise OverrideRefused(
            order=state.order.id, problem=f"it is to be published by {publish_on}"
        )
    return replace(
        state,
        status=Status.CHECKED,
        checked_at=at,
        overrides=(*state.overrides, Override(signed, publish_on)),
    )


def _published(state: OrderState, event: ev.Published) -> OrderState:
    if not any(each.published is None for each in state.overrides):
        raise OverrideRefused(order=state.order.id, problem="there is none left to publish")
    told = tuple(
        each if each.published else replace(each, published=event.where) for each in state.overrides
    )
    return replace(state, overrides=told)


def _approved(state: OrderState, event: ev.Approved, parties: Parties, at: datetime) -> OrderState:
    check = _fresh(state, at)
    if state.order.kind is not Kind.PURCHASE and state.txid is None:
        raise CheckIsOld(
            order=state.order.id, problem="no transaction is attached; approvals are of both"
        )
    approver = judge_approval(
        _envelope(event.order, event.envelope),
        state.order,
        state.facts,
        parties,
        overridden=state.relied_on,
        roles=frozenset(each.role for each in check.needed),
        at=at,
    )
    if event.by != approver.holder:
        raise ApprovalRefused(
            order=state.order.id, problem=f"{approver.holder} signed it, not {event.by}"
        )
    if any(each.holder == approver.holder for each in state.counting):
        raise ApprovedAlready(order=state.order.id, holder=approver.holder)
    return _counted(replace(state, approvals=(*state.approvals, approver)), parties, at)


def _counted(state: OrderState, parties: Parties, at: datetime) -> OrderState:
    """Approved when every role that is asked for has given enough people."""
    check, version = state.check, parties.version_at(at)
    if check is None or version is None:
        return state
    if state.txid is None and state.order.kind is not Kind.PURCHASE:
        return state
    for each in check.needed:
        given = {a.holder for a in state.counting if each.role in a.roles}
        role = version.roles.get(each.role)
        # The signed identity sets the least; the rules beside it can only ask for more.
        if role is None or len(given) < max(each.count, role.threshold):
            return state
    return replace(state, status=Status.APPROVED)


def _declined(state: OrderState, event: ev.Declined, _: Parties, at: datetime) -> OrderState:
    if state.sent:
        # What went out is out: only the replacement or child is declined.
        return replace(state, status=Status.BROADCAST, attempts=state.sent, check=None)
    return replace(state, status=Status.REFUSED, declined=event)


def _signed(state: OrderState, event: ev.Signed, _: Parties, at: datetime) -> OrderState:
    attempt = state.attempt
    if attempt is None:
        raise _impossible(state, "signed", (S.APPROVED,))
    final = Transaction.parse(bytes.fromhex(event.raw))
    require_same(state.order, attempt.facts.unsigned, final)
    require_signed(state.order, final)
    signed = replace(attempt, final=final)
    return replace(state, status=Status.SIGNED, attempts=(*state.attempts[:-1], signed))


def _broadcast(state: OrderState, event: ev.Broadcast, _: Parties, at: datetime) -> OrderState:
    attempt = state.attempt
    if attempt is None or attempt.final is None:
        raise _impossible(state, "broadcast", (S.SIGNED,))
    _release(state, at)
    if event.txid != attempt.final.txid:
        raise TransactionDiffers(
            order=state.order.id,
            name="txid",
            difference=f"{event.txid} was sent, and {attempt.final.txid} was signed",
        )
    sent = replace(attempt, sent_at=at)
    return replace(state, status=Status.BROADCAST, attempts=(*state.attempts[:-1], sent))


def _confirmed(state: OrderState, event: ev.Confirmed, _: Parties, at: datetime) -> OrderState:
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


def _paid(state: OrderState, event: ev.Paid, _: Parties, at: datetime) -> OrderState:
    _release(state, at)
    cost = state.order.cost
    if cost is None or (event.currency, event.minor) != (cost.currency, cost.minor):
        decided = f"{cost.minor} {cost.currency}" if cost else "nothing"
        raise MoneyDiffers(
            order=state.order.id,
            problem=f"{event.minor} {event.currency} was paid, and {decided} was decided "
            "(minor units)",
        )
    return _delivery_done(replace(state, status=Status.PAID, paid=event))


def _delivered(state: OrderState, event: ev.Delivered, _: Parties, at: datetime) -> OrderState:
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


def _receipted(state: OrderState, event: ev.Receipted, _: Parties, at: datetime) -> OrderState:
    return replace(state, receipt=event)


def _expired(state: OrderState, event: ev.Expired, _: Parties, at: datetime) -> OrderState:
    return replace(state, status=Status.EXPIRED)


def _booked(state: OrderState, event: ev.Booked, _: Parties, at: datetime) -> OrderState:
    if state.order.kind is Kind.PURCHASE and state.receipt is None:
        raise MoneyDiffers(order=state.order.id, problem="the dealer's receipt is missing")
    return replace(state, status=Status.BOOKED, booked=event)


def _fresh(state: OrderState, at: datetime) -> ev.Checked:
    check = state.check
    if check is None or check.transaction != state.txid:
        raise CheckIsOld(order=state.order.id, problem="it was not checked with its transaction")
    if at > ev.at_of(check.valid_until):
        raise CheckIsOld(order=state.order.id, problem=f"its check ended at {check.valid_until}")
    return check


def _release(state: OrderState, at: datetime) -> None:
    check = _fresh(state, at)
    if at < ev.at_of(check.not_before):
        raise CoolingOff(order=state.order.id, not_before=check.not_before)


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


def publication_day(at: datetime, days: int) -> date:
    """The day by which an override made at `at` is published."""
    return (at.astimezone(UTC) + timedelta(days=days)).date()


def _impossible(state: OrderState, event: str, after: tuple[Status, ...]) -> TransitionImpossible:
    status = "declined" if state.declined is not None else state.status.value
    return TransitionImpossible(
        order=state.order.id,
        event=event,
        status=status,
        after=", ".join(each.value for each in after) or "nothing",
    )


def _envelope(order: str, file: EnvelopeFile) -> Envelope:
    try:
        return read_envelope(ev.builtins(file))
    except SignatureRefused as error:
        raise ApprovalRefused(order=order, problem=str(error).rstrip(".")) from error


_STEPS: Mapping[type, Callable[[OrderState, Any, Parties, datetime], OrderState]] = {
    ev.Attached: _attached,
    ev.Checked: _checked,
    ev.Overridden: _overridden,
    ev.Approved: _approved,
    ev.Declined: _declined,
    ev.Signed: _signed,
    ev.Broadcast: _broadcast,
    ev.Confirmed: _confirmed,
    ev.Paid: _paid,
    ev.Delivered: _delivered,
    ev.Receipted: _receipted,
    ev.Expired: _expired,
    ev.Booked: _booked,
}
