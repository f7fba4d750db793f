"""The check of a valuation: every figure again, from the statement and the prices it lists."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding
from khazana.ledger.office import ImpairmentRule, UnpaidCost
from khazana.ledger.valuation import PricePoint
from khazana.reserve.answers import Answer, answer
from khazana.reserve.block_times import block_times, blocks_of_flows
from khazana.reserve.case import Case, Given, NoValuationGiven
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.valuation import ValuedTooEarly, valuation_of
from khazana.reserve.valuation_cost import BroughtForward, CostInputs, unopened
from khazana.reserve.valuation_document import (
    BroughtForwardBody,
    CostBody,
    PriceBody,
    ValuationDocument,
)
from khazana.reserve.valuation_prices import (
    listed_prices,
    points_of,
    require_one_price_each,
    rule_of,
)
from khazana.statement.times import read_instant, write_instant
from khazana.units import BlockHash

PRICES_LIMIT = (
    "Prices are the venues' word (grade C, when source and hash are given) or only entered "
    "(grade D): that the venues said so, and that they are fair ones, is not shown."
)
OPENING_COST_LIMIT = (
    "The cost of the opening holdings comes from the valuation before (SHA-256 {file}) and was not "
    "computed again."
)
DECLARED_COST_LIMIT = (
    "What the opening holdings of {sets} had cost is the office's word (its table has the SHA-256 "
    "{file}): no earlier valuation shows it."
)
COST_LIMIT = "Costs rest on documents (grade C or D): what was paid is not shown by any chain."


@dataclass(eq=False, kw_only=True)
class CostNotRecomputed(KhazanaError):
    """The fair values hold, and the cost cannot be computed without the documents."""

    code = "cost_not_recomputed"
    words = (
        "the fair values follow from the listed prices, but the cost was not computed again: that "
        "needs every document of the statement (--documents FILE)"
    )


def valuation(case: Case) -> Answer:
    """Whether a valuation is of this statement, and every figure follows from its prices."""
    if case.valuation is None:
        raise NoValuationGiven()
    document = case.valuation
    findings = check_valuation(
        case.statement,
        document,
        prices=case.prices,
        documents=case.documents,
        instants=_instants(case, document),
    )
    limits = [PRICES_LIMIT]
    open_ends = ""
    if document.findings:
        open_ends = f"; {len(document.findings)} findings stand in it"
        limits += [f"Not valued: {found.text} ({found.where})." for found in document.findings]
    if document.cost is not None:
        limits.append(COST_LIMIT)
        if document.cost.brought_forward is not None:
            limits += _opening_limits(document.cost.brought_forward)
    count = len(listed_prices(document)) if not findings else 0
    return answer(
        basis="the statement and the prices listed"
        + (", which your own confirm" if case.prices is not None and not findings else ""),
        good=f"{len(document.sets)} entities and perimeters in {', '.join(document.currencies)} "
        f"at {document.closing.at}, from {count} prices{open_ends}",
        findings=findings,
        limits=tuple(limits),
    )


def _opening_limits(opening: BroughtForwardBody) -> Iterator[str]:
    if opening.file is not None:
        yield OPENING_COST_LIMIT.format(file=opening.file)
    for table in sorted({pool.declared for pool in opening.pools if pool.declared is not None}):
        sets = ", ".join(pool.set for pool in opening.pools if pool.declared == table)
        yield DECLARED_COST_LIMIT.format(sets=sets, file=table)


def check_valuation(
    statement: ReserveStatement,
    document: ValuationDocument,
    *,
    prices: Sequence[PricePoint] | None = None,
    documents: Mapping[str, Given] | None = None,
    instants: Mapping[BlockHash, datetime] | None = None,
) -> tuple[Finding, ...]:
    """Rule V10: everything in the document that does not follow from statement and prices.

    prices: the reader's own; those of the document must be the ones they give. documents: opened
    by the office, needed where the document states costs. instants: median times past of blocks,
    for coins that nobody paid for; the document's own where the reader has none.
    """
    if document.subject_root != statement.root:
        text = f"it is about the statement with root {document.subject_root}, not {statement.root}"
        return (Finding("V6", text, "subject_root"),)
    # With only some of the documents a cost would come out wrong, and be nobody's fault.
    costed = (
        documents is not None
        and not statement.documents.keys() - documents.keys()
        and not unopened(statement, documents)  # another check says which and why
    )
    try:
        rules = [rule_of(body) for body in document.rules]
        listed = listed_prices(document)
        findings = list(_against_own(document, prices)) if prices is not None else []
        again = valuation_of(
            statement,
            prices=listed,
            rules=rules,
            currencies=document.currencies,
            at=read_instant(document.closing.at),
            cost=_inputs(document.cost, documents, instants)
            if document.cost is not None and documents is not None and costed
            else None,
        )
    except (ValueError, ValuedTooEarly) as error:
        return (Finding("V10", str(error), "the valuation"),)
    findings += _differences(_plain(document, costed), _plain(again, costed), "")
    findings += _declared_once(statement, document.cost)
    if document.cost is not None and not costed and not findings:
        raise CostNotRecomputed()
    return tuple(findings)


def _declared_once(statement: ReserveStatement, cost: CostBody | None) -> Iterator[Finding]:
    if cost is not None and cost.method != statement.header.cost_method:
        text = f"cost is by {cost.method}, the statement declares {statement.header.cost_method}"
        yield Finding("V10", text, "cost.method")


def _inputs(
    cost: CostBody,
    documents: Mapping[str, Given],
    instants: Mapping[BlockHash, datetime] | None,
) -> CostInputs:
    """What the document says its costs rest on, but for the documents and times of the reader."""
    read = instants or {}
    earlier = None
    if cost.brought_forward is not None:
        pools = cost.brought_forward.pools
        earlier = BroughtForward(
            cost.brought_forward.file,
            {pool.set: pool.lots for pool in pools},
            {pool.set: pool.complete for pool in pools},
            {pool.set: pool.declared for pool in pools if pool.declared is not None},
        )
    return CostInputs(
        currency=cost.currency,
        unpaid=UnpaidCost(cost.unpaid_cost),
        impairment=ImpairmentRule(cost.impairment),
        documents=documents,
        instants={
            BlockHash(block.block): read.get(BlockHash(block.block), read_instant(block.at))
            for block in cost.blocks
        },
        brought_forward=earlier,
    )


def _instants(case: Case, document: ValuationDocument) -> Mapping[BlockHash, datetime]:
    """The times of the blocks whose prices costs rest on, as the reader's own chain has them."""
    if document.cost is None or case.documents is None:
        return {}
    priced = {block.block for block in document.cost.blocks}
    blocks = [block for block in blocks_of_flows(case.statement) if block.hash in priced]
    return block_times(case.required_chain(), blocks) if blocks else {}


def _against_own(document: ValuationDocument, prices: Sequence[PricePoint]) -> Iterator[Finding]:
    """What the reader's own prices give at the same instants by the same rules."""
    require_one_price_each(prices)
    rules = {body.currency: rule_of(body) for body in document.rules}
    for currency, at, listed, where in _uses(document):
        if currency in rules:
            points, _ = points_of(rules[currency], read_instant(at), prices)
            mine = [(write_instant(point.at), point.price) for point in points]
            theirs = [(point.at, point.price) for point in listed]
            if mine != theirs:
                text = f"your own prices are {_listed(mine)}, the valuation lists {_listed(theirs)}"
                yield Finding("V10", text, where)


def _uses(document: ValuationDocument) -> Iterator[tuple[str, str, Sequence[PriceBody], str]]:
    """Every use of prices in a valuation: currency, instant, prices listed, and where."""
    for side, instant in (("opening", document.opening), ("closing", document.closing)):
        for rate in instant.rates:
            yield rate.currency, instant.at, rate.prices, f"{side}, {rate.currency}"
    if document.cost is not None:
        for block in document.cost.blocks:
            yield document.cost.currency, block.at, block.prices, f"block {block.block}"


def _listed(points: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{price} at {at}" for at, price in points) or "none"


def _plain(document: ValuationDocument, costed: bool) -> Any:
    """The document as plain values; without its costs where they are not computed again."""
    content = msgspec.to_builtins(document)
    if not costed:
        content["cost"] = None
        of_values = [f for f in content["findings"] if not f["rule"].startswith("C")]
        content["findings"] = of_values
    return content


def _differences(stated: Any, due: Any, place: str) -> Iterator[Finding]:
    """Every place at which two documents differ, named as in the file."""
    if isinstance(stated, dict) and isinstance(due, dict) and stated.keys() == due.keys():
        for key in stated:
            yield from _differences(stated[key], due[key], f"{place}.{key}".lstrip("."))
    elif isinstance(stated, list) and isinstance(due, list) and len(stated) == len(due):
        for number, (one, other) in enumerate(zip(stated, due, strict=True)):
            name = one.get("set") or one.get("currency") if isinstance(one, dict) else None
            yield from _differences(one, other, f"{place}[{name or number}]")
    elif stated != due:
        text = f"stated is {_words(stated)}, statement and prices give {_words(due)}"
        yield Finding("V10", text, place)


def _words(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"{len(value)} items" if value else "nothing"
    return "nothing" if value is None else str(value)
