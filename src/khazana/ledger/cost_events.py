"""From entries and their explanations to what enters and leaves a pool, and at which cost."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from khazana.ledger.cost import CostEvent, Order
from khazana.ledger.documents import Document, Reason
from khazana.ledger.entries import BookEntry, BookKind, ChainEntry
from khazana.ledger.explanations import Explanation
from khazana.ledger.findings import Finding
from khazana.ledger.flows import fee_shares
from khazana.ledger.office import UnpaidCost
from khazana.units import Sats, Txid

AFTER_EVERY_TRANSACTION = 2**32
"""The position of what the office enters at the end of a block."""

ValueOf = Callable[[Sats, ChainEntry], int | Finding]
"""The fair value of an amount at an entry's block, in minor units, or why it is missing."""


def cost_events(
    entries: Iterable[ChainEntry],
    explanations: Iterable[Explanation],
    book_entries: Iterable[BookEntry] = (),
    *,
    documents: Mapping[str, Document],
    pool: Collection[str],
    currency: str,
    unpaid: UnpaidCost,
    value_of: ValueOf,
) -> tuple[tuple[CostEvent, ...], tuple[Finding, ...]]:
    """Rules C1, C4 and C5: the pool's events in chain order, and where a cost is missing.

    pool: the wallets and accounts whose coins are one pool. A missing cost enters as zero beside
    its finding: nothing is estimated.
    """
    events: list[CostEvent] = []
    findings: list[Finding] = []
    lines: dict[Txid, list[Explanation]] = {}
    for line in explanations:
        if line.wallet in pool and line.counterpart not in pool:
            lines.setdefault(line.txid, []).append(line)
    for entry in entries:
        for line in lines.get(entry.txid, ()):
            cost = 0
            if line.amount > 0:
                found = _cost(line, entry, documents, currency, unpaid, value_of)
                if isinstance(found, Finding):
                    findings.append(found)
                else:
                    cost = found
            label = f"{line.reason.value} {line.document or line.txid}"
            events.append(CostEvent(entry.order, line.amount, cost, label))
        fee = sum(share for wallet, share in fee_shares(entry).items() if wallet in pool)
        if fee:
            events.append(CostEvent(entry.order, Sats(-fee), 0, f"fee {entry.txid}"))
    events += _written_off(book_entries, pool)
    return tuple(sorted(events, key=lambda event: event.order)), tuple(findings)


def _cost(
    line: Explanation,
    entry: ChainEntry,
    documents: Mapping[str, Document],
    currency: str,
    unpaid: UnpaidCost,
    value_of: ValueOf,
) -> int | Finding:
    if line.reason is Reason.ACQUISITION:
        where = f"document {line.document}"
        document = documents.get(line.document or "")
        if document is None:
            return Finding("C1", "an acquisition whose document was not given", where)
        fiat = document.fiat
        if fiat is None:
            return Finding("C1", "an acquisition says nothing of the money paid", where)
        if fiat.currency != currency:
            text = f"money was paid in {fiat.currency}, but cost is kept in {currency}"
            return Finding("C1", text, where)
        return fiat.paid + fiat.fees
    if unpaid is UnpaidCost.ZERO or line.reason in (Reason.DUST, Reason.UNEXPLAINED):
        return 0
    return value_of(line.amount, entry)


def _written_off(book_entries: Iterable[BookEntry], pool: Collection[str]) -> Iterator[CostEvent]:
    for entry in book_entries:
        if entry.kind is BookKind.LOSS and entry.account in pool and entry.amount:
            order: Order = entry.block.height, AFTER_EVERY_TRANSACTION
            yield CostEvent(order, entry.amount, 0, f"loss {entry.document or entry.account}")
