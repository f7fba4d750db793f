"""Rules about the quotes of a purchase and the decision for one (Rules O20 to O22)."""

from collections.abc import Iterator
from datetime import timedelta

from khazana.custody.orders.order import Order
from khazana.custody.orders.rules import SpendingRules
from khazana.custody.orders.situation import RuleResult, Situation
from khazana.statement.times import write_instant


def quotes(order: Order, rules: SpendingRules, now: Situation) -> Iterator[RuleResult]:
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
