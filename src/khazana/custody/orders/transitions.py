"""After which states each event may come, and what has to be true before a release."""

from collections.abc import Mapping
from datetime import datetime

from khazana.custody.orders import events as ev
from khazana.custody.orders.errors import CheckIsOld, CoolingOff, TransitionImpossible
from khazana.custody.orders.state import OrderState, Status

S = Status
BEFORE_RELEASE = (S.DRAFT, S.CHECKED, S.REFUSED, S.APPROVED, S.SIGNED)

AFTER: Mapping[str, tuple[Status, ...]] = {
    "attached": (S.DRAFT, S.CHECKED, S.REFUSED),
    "checked": (*BEFORE_RELEASE, S.REPLACED, S.BUMPED),
    "overridden": (S.REFUSED,),
    "approved": (S.CHECKED,),
    "declined": (*BEFORE_RELEASE, S.REPLACED, S.BUMPED),
    "signed": (S.APPROVED,),
    "broadcast": (S.SIGNED,),
    "paid": (S.APPROVED,),
    "delivered": (S.APPROVED, S.PAID, S.DELIVERED),
    "receipted": (S.APPROVED, S.PAID, S.DELIVERED),
    "expired": BEFORE_RELEASE,
    "booked": (S.CONFIRMED, S.DELIVERED),
}
"""After which states each event may come; transactions under way have their own rows below."""
UNDER_WAY = (S.BROADCAST, S.REPLACED, S.BUMPED)
"""A replacement may be attached to these; a child only to what was broadcast."""
OF_PAYMENTS = ("attached", "signed", "broadcast", "confirmed")
OF_PURCHASES = ("paid", "delivered", "receipted")


def fresh(state: OrderState, at: datetime) -> ev.Checked:
    """The check of the current transaction, if it is not too old (Rule O6)."""
    check = state.check
    if check is None or check.transaction != state.txid:
        raise CheckIsOld(order=state.order.id, problem="it was not checked with its transaction")
    if at > ev.at_of(check.valid_until):
        raise CheckIsOld(order=state.order.id, problem=f"its check ended at {check.valid_until}")
    return check


def release(state: OrderState, at: datetime) -> None:
    """Raise unless the order may go out now: freshly checked and cooled off (Rules O6, O8)."""
    check = fresh(state, at)
    if at < ev.at_of(check.not_before):
        raise CoolingOff(order=state.order.id, not_before=check.not_before)


def impossible(state: OrderState, event: str, after: tuple[Status, ...]) -> TransitionImpossible:
    """The refusal of an event that cannot follow."""
    status = "declined" if state.declined is not None else state.status.value
    return TransitionImpossible(
        order=state.order.id,
        event=event,
        status=status,
        after=", ".join(each.value for each in after) or "nothing",
    )
