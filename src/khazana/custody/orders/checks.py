"""The named rules that an order must pass, each with its figures and the largest it allows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from khazana.bitcoin.address import address_of
from khazana.custody.orders import events as ev
from khazana.custody.orders.checks_addresses import (
    address_cap,
    coins,
    destinations,
    fee,
    lane,
    look_alikes,
    payees,
)
from khazana.custody.orders.checks_quotes import quotes
from khazana.custody.orders.conditions import Proposed, judge_conditions, proposed
from khazana.custody.orders.errors import CheckIsOld
from khazana.custody.orders.order import Kind, Order
from khazana.custody.orders.rules import Limit, Per, SpendingRules
from khazana.custody.orders.situation import RuleResult as RuleResult
from khazana.custody.orders.situation import Situation as Situation
from khazana.custody.orders.state import OrderState, Status
from khazana.statement.identity import OfficeVersion
from khazana.statement.times import write_instant
from khazana.units import Sats

LEAST_OUTPUT = Sats(546)
"""The largest dust threshold of a standard output at the default relay fee (Bitcoin Core,
policy/policy.cpp, GetDustThreshold): an order for less is no order."""


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
    """Every rule on an order as it stands (Rules O10 to O24, O34, O35)."""
    results = tuple(_results(state, rules, situation))
    return CheckOutcome(
        results=results,
        largest=_largest(results),
        needed=_needed(state.order, rules, situation.version),
        not_before=_not_before(state.order, rules),
        valid_until=situation.at + timedelta(hours=rules.check_valid_hours),
    )


def require_current(state: OrderState, rules: SpendingRules, version: OfficeVersion) -> None:
    """The logged check was made by the rules as they are: the same people, times and overrides.

    The log's keeper writes checks; one that asks for fewer people, lets others override it, skips
    the cooling off or never ages must not open the way.
    """
    made = state.check
    if made is None:
        return
    if made.rules_sha256 != rules.sha256:
        problem = "spending.toml has changed since, or the check was made by another one"
        raise CheckIsOld(order=state.order.id, problem=problem)
    if tuple(made.needed) != _needed(state.order, rules, version):
        problem = "it asks for other people than spending.toml does"
        raise CheckIsOld(order=state.order.id, problem=problem)
    override = rules.override
    named = (made.override_role, made.publish_after_days)
    if named != ((override.role, override.publish_after_days) if override else (None, None)):
        problem = "it lets other people override it than spending.toml does"
        raise CheckIsOld(order=state.order.id, problem=problem)
    longest = ev.at_of(made.at) + timedelta(hours=rules.check_valid_hours)
    if ev.at_of(made.not_before) < _not_before(state.order, rules) or (
        ev.at_of(made.valid_until) > longest
    ):
        problem = "it opens sooner or holds longer than spending.toml lets it"
        raise CheckIsOld(order=state.order.id, problem=problem)


def disagreements(state: OrderState, own: CheckOutcome) -> tuple[RuleResult, ...]:
    """Rules that an approver's own check finds broken, and no override covers (Rule O36).

    A rule that nobody may override is broken whatever the log says. Left out is what an approver's
    machine cannot know or what passes with the hour: the lender's figures, what addresses hold,
    office hours.
    """
    return tuple(
        each
        for each in own.refusals
        if (each.rule not in state.relied_on or not each.overridable)
        and each.rule.partition(":")[0] not in ("condition", "conditions", "address-cap", "hours")
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
    yield _account(state, now)
    if rules.hours is not None:
        yield _hours(rules, now)
    yield from (_limited(order, limit, now) for limit in rules.limits if _concerns(limit, order))
    yield address_cap(state, rules, now)
    if order.kind is Kind.PURCHASE:
        yield from quotes(order, rules, now)
    else:
        yield destinations(order, now)
        yield lane(order, now)
        if order.kind is Kind.PAYMENT and rules.allow_list:
            yield payees(order, rules)
        yield look_alikes(order, rules, now)
        yield fee(state, rules)
        yield coins(state, now)
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


def _account(state: OrderState, now: Situation) -> RuleResult:
    order, facts = state.order, state.facts
    known = order.account in set(now.scripts.values())
    if not known:
        why = f"the office has no wallet {order.account} whose addresses are known"
        return RuleResult("wallet", False, why, overridable=False)
    if order.purchase is not None and now.scripts.get(order.purchase.script) != order.account:
        why = f"{order.purchase.address} is not an address of wallet {order.account}"
        return RuleResult("wallet", False, why, overridable=False)
    if facts is not None:
        # Derived here: what is change is the word of whoever attached the transaction.
        back = [facts.unsigned.outputs[vout] for vout in sorted(facts.change)]
        for what, outputs in (("input spends", facts.spent), ("change pays", back)):
            strange = [o.script for o in outputs if now.scripts.get(o.script) != order.account]
            if strange:
                shown = address_of(strange[0], order.network) or f"the script {strange[0].hex()}"
                why = f"its {what} {shown}, which is not of wallet {order.account}"
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
