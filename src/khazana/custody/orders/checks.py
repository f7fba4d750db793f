"""The named rules that an order must pass, each with its figures and the largest it allows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from khazana.custody.orders import events as ev
from khazana.custody.orders.conditions import (
    ConditionsCheck,
    Proposed,
    judge_conditions,
    proposed,
)
from khazana.custody.orders.order import Kind, Order
from khazana.custody.orders.rules import Limit, Per, SpendingRules
from khazana.custody.orders.state import AttemptPurpose, OrderState, Status
from khazana.statement.identity import OfficeVersion
from khazana.statement.times import write_instant
from khazana.units import Sats

LEAST_OUTPUT = Sats(546)
"""The largest dust threshold of a standard output at the default relay fee (Bitcoin Core,
policy/policy.cpp, GetDustThreshold): an order for less is no order."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule says. over_by: in satoshis or whole units, where it is a matter of amount.

    largest: the largest order of this kind that the rule lets pass; None: it does not depend on
    the amount. overridable: whether two people may let the order pass all the same.
    """

    rule: str
    passed: bool
    why: str
    largest: Sats | None = None
    over_by: str | None = None
    overridable: bool = True
    warning: bool = False


@dataclass(frozen=True, kw_only=True)
class Situation:
    """All that the rules look at beside the order.

    others: every other order of the log. scripts: of the office's wallets, with their wallet.
    held: what own addresses hold already, if a chain was asked. books_height: the last block of
    the books that the conditions were counted in; None when they have no books.
    """

    at: datetime
    zone: ZoneInfo
    version: OfficeVersion
    scripts: Mapping[bytes, str]
    others: tuple[OrderState, ...] = ()
    held: Mapping[bytes, Sats] | None = None
    conditions: ConditionsCheck | None = None
    books_height: int | None = None

    @property
    def day(self) -> date:
        """In the office's zone."""
        return self.at.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """Every rule's answer. largest: the largest order that all of them let pass; None: any size."""

    results: tuple[RuleResult, ...]
    largest: Sats | None
    needed: tuple[ev.NeededFile, ...]
    not_before: datetime
    valid_until: datetime

    @property
    def passed(self) -> bool:
        return all(result.passed for result in self.results)

    @property
    def refusals(self) -> tuple[RuleResult, ...]:
        return tuple(result for result in self.results if not result.passed)


def check(state: OrderState, rules: SpendingRules, situation: Situation) -> CheckOutcome:
    """Every rule on an order as it stands (Rules O10 to O24)."""
    results = tuple(_results(state, rules, situation))
    return CheckOutcome(
        results=results,
        largest=_largest(results),
        needed=_needed(state.order, rules, situation.version),
        not_before=_not_before(state.order, rules),
        valid_until=situation.at + timedelta(hours=rules.check_valid_hours),
    )


def checked_event(
    state: OrderState, outcome: CheckOutcome, rules: SpendingRules, *, at: datetime, by: str
) -> ev.Checked:
    """The outcome as the log keeps it."""
    return ev.Checked(
        order=state.order.id,
        at=write_instant(at),
        by=by,
        passed=outcome.passed,
        results=[
            ev.ResultFile(each.rule, each.passed, each.why, each.overridable, each.largest)
            for each in outcome.results
        ],
        largest_sat=outcome.largest,
        transaction=state.txid,
        rules_sha256=rules.sha256,
        valid_until=write_instant(outcome.valid_until),
        not_before=write_instant(outcome.not_before),
        needed=list(outcome.needed),
        override_role=rules.override.role if rules.override else None,
        publish_after_days=rules.override.publish_after_days if rules.override else None,
    )


def _largest(results: Iterable[RuleResult]) -> Sats | None:
    """The least of what the rules allow; nothing, where one refuses whatever the amount."""
    found = tuple(results)
    if any(not each.passed and each.largest is None for each in found):
        return Sats(0)
    known = [each.largest for each in found if each.largest is not None]
    least = min(known, default=None)
    return least if least is None or least >= LEAST_OUTPUT else Sats(0)


def _needed(
    order: Order, rules: SpendingRules, version: OfficeVersion
) -> tuple[ev.NeededFile, ...]:
    """Per role the larger of what the rules ask for and what the signed identity does."""
    counts: dict[str, int] = {}
    for each in rules.approvals_for(order.sats):
        role = version.roles.get(each.role)
        least = role.threshold if role else 1
        counts[each.role] = max(counts.get(each.role, 0), each.count, least)
    return tuple(ev.NeededFile(role, count) for role, count in sorted(counts.items()))


def _not_before(order: Order, rules: SpendingRules) -> datetime:
    cooling = rules.cooling
    if cooling is None or order.sats < cooling.least_sats:
        return order.drafted_at
    return order.drafted_at + timedelta(hours=cooling.hours)


def _results(state: OrderState, rules: SpendingRules, now: Situation) -> Iterator[RuleResult]:
    order = state.order
    yield _drafter(order, rules, now)
    yield _approvers(order, rules, now)
    yield _lifetime(order, rules)
    yield _account(order, now)
    if rules.hours is not None:
        yield _hours(rules, now)
    yield from (_limited(order, limit, now) for limit in rules.limits if _concerns(limit, order))
    yield _cap(state, rules, now)
    if order.kind is Kind.PURCHASE:
        yield from _quotes(order, rules, now)
    else:
        yield _destinations(order, now)
        if order.kind is Kind.PAYMENT and rules.allow_list:
            yield _payees(order, rules)
        yield _fee(state, rules)
    yield from _conditions(order, rules, now)


def _drafter(order: Order, rules: SpendingRules, now: Situation) -> RuleResult:
    keys = now.version.role_keys(rules.draft_role)
    known = order.drafter in keys
    why = (
        f"{rules.holders.get(order.drafter, order.drafter)} drafts for the office"
        if known
        else f"key {order.drafter} is not in the role {rules.draft_role}"
    )
    return RuleResult("drafter", known, why, overridable=False)


def _approvers(order: Order, rules: SpendingRules, now: Situation) -> RuleResult:
    """Whether enough people other than the drafter could approve it at all."""
    drafter = rules.holders.get(order.drafter)
    for each in _needed(order, rules, now.version):
        keys = now.version.role_keys(each.role)
        people = {rules.holders[key] for key in keys if key in rules.holders} - {drafter}
        if len(people) < each.count:
            why = (
                f"{each.count} of {each.role} must approve, and {len(people)} people other than "
                "the drafter hold a key of that role"
            )
            return RuleResult("approvers", False, why, overridable=False)
    return RuleResult("approvers", True, "enough people can approve it")


def _lifetime(order: Order, rules: SpendingRules) -> RuleResult:
    days = rules.expires_within_days
    fits = order.expires_at - order.drafted_at <= timedelta(days=days)
    why = f"expires at {write_instant(order.expires_at)}; at most {days} days after the draft"
    return RuleResult("lifetime", fits, why)


def _account(order: Order, now: Situation) -> RuleResult:
    known = order.account in set(now.scripts.values())
    if not known:
        why = f"the office has no wallet {order.account} whose addresses are known"
        return RuleResult("wallet", False, why, overridable=False)
    if order.purchase is not None and now.scripts.get(order.purchase.script) != order.account:
        why = f"{order.purchase.address} is not an address of wallet {order.account}"
        return RuleResult("wallet", False, why, overridable=False)
    return RuleResult("wallet", True, f"{order.account} is a wallet of the office")


def _hours(rules: SpendingRules, now: Situation) -> RuleResult:
    hours = rules.hours
    local = now.at.astimezone(now.zone)
    inside = hours is None or (
        local.weekday() in hours.days and hours.begins <= local.hour < hours.ends
    )
    return RuleResult("hours", inside, f"checked at {local:%A %H:%M} in the office's zone")


def _concerns(limit: Limit, order: Order) -> bool:
    return limit.on is order.kind and limit.account in (None, order.account)


def _limited(order: Order, limit: Limit, now: Situation) -> RuleResult:
    used = Sats(sum(each.order.sats for each in now.others if _used(each, limit, now)))
    room = Sats(max(0, limit.most - used))
    over = order.sats - room
    already = f" beside {used} sat of this {limit.per.value}" if limit.per is not Per.ORDER else ""
    if over > 0:
        why = (
            f"{order.sats} sat{already} exceed the limit of {limit.most} sat per "
            f"{limit.per.value} by {used + order.sats - limit.most} sat; at most {room} sat would "
            "pass"
        )
        return RuleResult(f"limit:{limit.id}", False, why, room, str(over))
    why = f"{order.sats} sat{already}; {limit.most} sat per {limit.per.value} are allowed"
    return RuleResult(f"limit:{limit.id}", True, why, room)


def _used(other: OrderState, limit: Limit, now: Situation) -> bool:
    if not other.committed or other.checked_at is None or not _concerns(limit, other.order):
        return False
    day = other.checked_at.astimezone(now.zone).date()
    if limit.per is Per.DAY:
        return day == now.day
    return limit.per is Per.MONTH and (day.year, day.month) == (now.day.year, now.day.month)


def _cap(state: OrderState, rules: SpendingRules, now: Situation) -> RuleResult:
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


def _destinations(order: Order, now: Situation) -> RuleResult:
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


def _payees(order: Order, rules: SpendingRules) -> RuleResult:
    for each in order.payments:
        if rules.payee_of(each.script) is None:
            why = f"{each.address} is not among the office's payees"
            return RuleResult("payee", False, why)
    return RuleResult("payee", True, "every address is of a known payee")


def _fee(state: OrderState, rules: SpendingRules) -> RuleResult:
    if state.facts is None:
        why = "no transaction is attached yet; approvals need one"
        return RuleResult("fee", True, why, warning=True)
    fee = state.facts.fee
    if state.attempt is not None and state.attempt.purpose is AttemptPurpose.CHILD:
        fee = Sats(fee + max(each.facts.fee for each in state.sent))
    over = fee - rules.most_fee
    why = f"fees of {fee} sat; at most {rules.most_fee} sat are allowed"
    return RuleResult("fee", over <= 0, why, over_by=str(over) if over > 0 else None)


def _quotes(order: Order, rules: SpendingRules, now: Situation) -> Iterator[RuleResult]:
    purchase = order.purchase
    if purchase is None:
        return
    dealers = {quote.dealer for quote in purchase.quotes}
    why = f"{len(dealers)} dealers were asked; at least {rules.quotes.least} must be"
    yield RuleResult("quotes", len(dealers) >= rules.quotes.least, why)
    chosen = purchase.quote
    oldest = timedelta(hours=rules.quotes.most_hours)
    stale = [q.id for q in purchase.quotes if now.at - q.at > oldest or q.at > now.at]
    if stale or now.at >= chosen.valid_until:
        late = f"quote {chosen.id} ended at {write_instant(chosen.valid_until)}"
        why = f"older than {rules.quotes.most_hours} hours: {', '.join(stale)}" if stale else late
        yield RuleResult("quote-age", False, why)
    else:
        yield RuleResult("quote-age", True, "the quotes are fresh, and the chosen one is open")
    same = {quote.price.currency for quote in purchase.quotes} == {chosen.price.currency}
    cheapest = same and all(chosen.total.minor <= q.total.minor for q in purchase.quotes)
    fine = cheapest or purchase.why is not None
    if cheapest:
        why = f"quote {chosen.id} is the cheapest with its fees"
    elif fine:
        why = f"quote {chosen.id} is not the cheapest; decided because: {purchase.why}"
    elif same:
        why = f"quote {chosen.id} is not the cheapest, and the decision gives no reason"
    else:
        why = "quotes in several currencies cannot be compared: the decision must say why"
    yield RuleResult("best-quote", fine, why)


def _conditions(order: Order, rules: SpendingRules, now: Situation) -> Iterator[RuleResult]:
    if order.kind is Kind.TRANSFER:
        yield RuleResult("conditions", True, "a transfer neither brings nor takes anything")
        return
    if now.conditions is None:
        why = "no memorandum was handed in" + (
            ", and the rules require one" if rules.conditions_required else "; none is required"
        )
        yield RuleResult("conditions", not rules.conditions_required, why)
        return
    pending = [proposed_of for each in now.others for proposed_of in _pending(each, now)]
    found = judge_conditions(order, now.conditions, day=now.day, pending=pending)
    if not found:
        yield RuleResult("conditions", True, "it moves no condition towards its limit")
    for each in found:
        yield RuleResult(
            f"condition:{each.memorandum}/{each.condition}",
            not each.refuses,
            each.why,
            each.largest,
            None if each.over_by is None else f"{each.over_by} {each.unit}",
            warning=each.warns,
        )


def _pending(other: OrderState, now: Situation) -> Iterator[Proposed]:
    """The part of another order that is under way and not in the books that were counted."""
    if not other.committed or other.order.kind is Kind.TRANSFER:
        return
    sats: int = other.order.sats
    if now.books_height is None:
        if other.status is Status.BOOKED:
            return
    else:
        if other.confirmed is not None and other.confirmed.height <= now.books_height:
            return
        sats -= sum(d.sats for d in other.deliveries if d.height <= now.books_height)
    if sats > 0:
        yield proposed(other.order, now.day, sats=Sats(sats))
