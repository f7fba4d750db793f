"""The order's life: which event may follow which state, and what it changes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from khazana.custody.orders import events as ev
from khazana.custody.orders import steps_purchase, steps_transaction
from khazana.custody.orders.errors import (
    ApprovalRefused,
    ApprovedAlready,
    CheckIsOld,
    MoneyDiffers,
    OrderHasExpired,
    OverrideRefused,
    TransitionImpossible,
)
from khazana.custody.orders.order import Kind
from khazana.custody.orders.signing import (
    Parties,
    drafted_order,
    judge_approval,
    judge_override,
)
from khazana.custody.orders.state import FINAL, OrderState, Override, Status
from khazana.custody.orders.transitions import AFTER as AFTER
from khazana.custody.orders.transitions import (
    BEFORE_RELEASE,
    OF_PAYMENTS,
    OF_PURCHASES,
    UNDER_WAY,
    fresh,
    impossible,
)
from khazana.statement.dsse import Envelope, EnvelopeFile, read_envelope
from khazana.statement.errors import SignatureRefused


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
        raise impossible(state, name, ())
    if isinstance(event, ev.Attempted):
        return replace(state, last_at=at)
    if isinstance(event, ev.Published):
        return replace(_published(state, event), last_at=at)
    _require_possible(state, name, event)
    _require_time(state, name, at)
    return replace(_STEPS[type(event)](state, event, parties, at), last_at=at)


def _require_possible(state: OrderState, name: str, event: ev.Event) -> None:
    purchase = state.order.kind is Kind.PURCHASE
    if (purchase and name in OF_PAYMENTS) or (not purchase and name in OF_PURCHASES):
        other = "payments" if purchase else "purchases"
        raise TransitionImpossible(
            order=state.order.id, event=name, status=f"no order of {other}", after=other
        )
    after = AFTER.get(name, ())
    if isinstance(event, ev.Confirmed):
        # Any transaction that was sent can confirm, whatever is being prepared beside it.
        if not state.sent or state.status in FINAL:
            raise impossible(state, name, (*UNDER_WAY, Status.CONFIRMED))
        return
    if isinstance(event, ev.Attached) and event.purpose != "original":
        after = UNDER_WAY if event.purpose == "replacement" else (Status.BROADCAST,)
        name = f"a {event.purpose}"
    ended = state.declined is not None and name != "expired"
    # Coins that arrived before the money left are there: the order cannot end as if they were not.
    begun = bool(state.deliveries) and name in ("declined", "expired")
    if state.status not in after or ended or begun:
        raise impossible(state, name, after)


def _require_time(state: OrderState, name: str, at: datetime) -> None:
    over = at >= state.order.expires_at
    if name == "expired":
        if not over:
            raise MoneyDiffers(
                order=state.order.id, problem=f"it does not expire before {state.order.expires_at}"
            )
        if state.sent:
            raise impossible(state, name, BEFORE_RELEASE)
    elif over and not state.sent and name in _RELEASING:
        raise OrderHasExpired(order=state.order.id, expired=str(state.order.expires_at))


_RELEASING = frozenset(
    {"attached", "checked", "overridden", "approved", "signed", "broadcast", "paid"}
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
        signed = state.status is Status.SIGNED and new.status is Status.APPROVED
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
    check = fresh(state, at)
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


def _expired(state: OrderState, event: ev.Expired, _: Parties, at: datetime) -> OrderState:
    return replace(state, status=Status.EXPIRED)


def _booked(state: OrderState, event: ev.Booked, _: Parties, at: datetime) -> OrderState:
    if state.order.kind is Kind.PURCHASE and state.receipt is None:
        raise MoneyDiffers(order=state.order.id, problem="the dealer's receipt is missing")
    return replace(state, status=Status.BOOKED, booked=event)


def publication_day(at: datetime, days: int) -> date:
    """The day by which an override made at `at` is published."""
    return (at.astimezone(UTC) + timedelta(days=days)).date()


def _envelope(order: str, file: EnvelopeFile) -> Envelope:
    try:
        return read_envelope(ev.builtins(file))
    except SignatureRefused as error:
        raise ApprovalRefused(order=order, problem=str(error).rstrip(".")) from error


_STEPS: Mapping[type, Callable[[OrderState, Any, Parties, datetime], OrderState]] = {
    ev.Attached: steps_transaction.attached,
    ev.Checked: _checked,
    ev.Overridden: _overridden,
    ev.Approved: _approved,
    ev.Declined: _declined,
    ev.Signed: steps_transaction.signed,
    ev.Broadcast: steps_transaction.broadcast,
    ev.Confirmed: steps_transaction.confirmed,
    ev.Paid: steps_purchase.paid,
    ev.Delivered: steps_purchase.delivered,
    ev.Receipted: steps_purchase.receipted,
    ev.Expired: _expired,
    ev.Booked: _booked,
}
