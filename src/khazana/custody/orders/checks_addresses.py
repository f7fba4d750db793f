"""Rules about addresses, coins and fees of an order (Rules O15, O16, O18, O19, O34, O35)."""

from khazana.bitcoin.address import address_of
from khazana.custody.drafting.lookalikes import KnownAddresses, lookalike
from khazana.custody.orders.order import Kind, Order
from khazana.custody.orders.rules import SpendingRules
from khazana.custody.orders.situation import RuleResult, Situation
from khazana.custody.orders.state import AttemptPurpose, OrderState, Status
from khazana.ledger.accounts import Lane
from khazana.ledger.documents import Reason
from khazana.units import Sats


def address_cap(state: OrderState, rules: SpendingRules, now: Situation) -> RuleResult:
    """No own address holds more than the cap, with what this order and others send to it."""
    order = state.order
    arriving: dict[bytes, int] = {}
    if order.purchase is not None:
        arriving[order.purchase.script] = order.purchase.sats
    for each in order.payments:
        if each.script in now.scripts:
            arriving[each.script] = arriving.get(each.script, 0) + each.sats
    if state.facts is not None:
        for vout in state.facts.change:
            output = state.facts.unsigned.outputs[vout]
            arriving[output.script] = arriving.get(output.script, 0) + output.amount
    ordered = {order.purchase.script} if order.purchase else {p.script for p in order.payments}
    other = _arriving_too(now)
    spare: int | None = None
    for script, sats in arriving.items():
        there = (now.held or {}).get(script, 0) + other.get(script, 0)
        room = max(0, rules.per_address - there)
        if script in ordered:
            spare = room if spare is None else min(spare, room)
        if sats > room:
            why = (
                f"an address of {now.scripts.get(script, order.account)} would hold "
                f"{there + sats} sat, {there + sats - rules.per_address} sat above the cap of "
                f"{rules.per_address} sat per address"
            )
            alone = order.purchase is not None or len(order.payments) == 1
            largest = Sats(room) if script in ordered and alone else None
            return RuleResult("address-cap", False, why, largest, str(sats - room))
    unknown = "" if now.held is not None else "; what they hold already was not asked of a chain"
    why = f"no own address receives more than {rules.per_address} sat{unknown}"
    alone = order.purchase is not None or len(order.payments) == 1
    largest = Sats(spare) if spare is not None and alone else None
    return RuleResult("address-cap", True, why, largest, warning=now.held is None)


def _arriving_too(now: Situation) -> dict[bytes, int]:
    """What purchases under way will bring to each own address."""
    found: dict[bytes, int] = {}
    for each in now.others:
        bought = each.order.purchase
        if bought is not None and each.committed and each.status is not Status.BOOKED:
            missing = max(0, bought.sats - each.delivered_sats)
            found[bought.script] = found.get(bought.script, 0) + missing
    return found


def destinations(order: Order, now: Situation) -> RuleResult:
    """A transfer stays inside, and nothing else does: what it is called decides what it does."""
    for each in order.payments:
        inside = each.script in now.scripts
        if order.kind is Kind.TRANSFER and not inside:
            why = f"{each.address} is not an address of the office: this is no transfer"
            return RuleResult("destination", False, why, overridable=False)
        if order.kind is Kind.PAYMENT and inside:
            why = f"{each.address} is an address of the office: this is a transfer"
            return RuleResult("destination", False, why, overridable=False)
    return RuleResult("destination", True, "the addresses fit what the order says it is")


def payees(order: Order, rules: SpendingRules) -> RuleResult:
    for each in order.payments:
        if rules.payee_of(each.script) is None:
            why = f"{each.address} is not among the office's payees"
            return RuleResult("payee", False, why)
    return RuleResult("payee", True, "every address is of a known payee")


def fee(state: OrderState, rules: SpendingRules) -> RuleResult:
    if state.facts is None:
        why = "no transaction is attached yet; approvals need one"
        return RuleResult("fee", True, why, warning=True)
    fee = state.facts.fee
    if state.attempt is not None and state.attempt.purpose is AttemptPurpose.CHILD:
        fee = Sats(fee + max(each.facts.fee for each in state.sent))
    over = fee - rules.most_fee
    why = f"fees of {fee} sat; at most {rules.most_fee} sat are allowed"
    return RuleResult("fee", over <= 0, why, over_by=str(over) if over > 0 else None)


def lane(order: Order, now: Situation) -> RuleResult:
    """What is paid is the state's to pay; clients' coins go back to clients, and nowhere else.

    A transfer changes nothing about whose the coins are: no condition looks at it.
    """
    found = None if now.lanes is None else now.lanes.get(order.account)
    if found is not None and order.kind is Kind.TRANSFER:
        return _same_lane(order, now, found)
    if found is None:
        why = f"nobody said whose the coins of {order.account} are"
        return RuleResult("lane", True, why, warning=True)
    clients = order.reason is Reason.CLIENT_WITHDRAWAL
    allowed = {Lane.HELD_FOR_CLIENTS} if clients else _STATES_OWN
    why = f"coins of {order.account} are {found.value.replace('_', ' ')}"
    if found in allowed:
        return RuleResult("lane", True, why)
    return RuleResult("lane", False, f"{why}: {order.reason.value} may not take them")


_STATES_OWN = {Lane.OWNED, Lane.FORFEITED}


def _same_lane(order: Order, now: Situation, found: Lane) -> RuleResult:
    held = f"coins of {order.account} are {found.value.replace('_', ' ')}"
    for each in order.payments:
        wallet = now.scripts.get(each.script, "")
        there = (now.lanes or {}).get(wallet, found)
        if there is not found and not {there, found} <= _STATES_OWN:
            why = f"{held}, and those of {wallet} are {there.value.replace('_', ' ')}"
            return RuleResult("lane", False, f"{why}: a transfer may not change whose they are")
    return RuleResult("lane", True, f"{held}, and stay so")


def coins(state: OrderState, now: Situation) -> RuleResult:
    """No other order that is under way spends a coin of this one: one of the two would fail."""
    if state.facts is None:
        return RuleResult("coins", True, "no transaction is attached yet", warning=True)
    for other in now.others:
        if not other.committed or other.status in _SETTLED:
            continue
        shared = state.facts.outpoints & other.coins
        if shared:
            why = f"order {other.order.id} spends {min(shared)} already: choose other coins"
            return RuleResult("coins", False, why, overridable=False)
    return RuleResult("coins", True, "no other order under way spends its coins")


_SETTLED = (Status.CONFIRMED, Status.BOOKED)


def look_alikes(order: Order, rules: SpendingRules, now: Situation) -> RuleResult:
    """No address is made to be taken for one that is known here."""
    network = order.network

    def named(pairs: list[tuple[bytes, str]]) -> dict[str, str]:
        found = ((address_of(script, network), name) for script, name in pairs)
        return {address: name for address, name in found if address is not None}

    known = KnownAddresses(
        own=named(list(now.scripts.items())),
        allowed=named([(s, payee.name) for payee in rules.payees for s in payee.scripts]),
        paid=named(
            [
                (each.script, f"order {other.order.id}")
                for other in now.others
                if other.committed
                for each in other.order.payments
            ]
        ),
    )
    for each in order.payments:
        found = lookalike(each.address, known)
        if found is not None:
            return RuleResult("look-alike", False, str(found))
    return RuleResult("look-alike", True, "no address looks like another that is known")
