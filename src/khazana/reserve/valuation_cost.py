"""Cost, impaired cost and fair value of the own coins of each entity and perimeter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction

from khazana.bitcoin.chain import BlockRef
from khazana.errors import KhazanaError
from khazana.ledger.cost import CostAccount, CostEvent, ImpairmentTest, Lot, cost_account
from khazana.ledger.cost_events import AFTER_EVERY_TRANSACTION, cost_events
from khazana.ledger.documents import Document, Reason, commitment, utc_text
from khazana.ledger.entries import BookEntry, BookKind, ChainEntry
from khazana.ledger.explanations import Explanation
from khazana.ledger.findings import Finding
from khazana.ledger.money import major_units
from khazana.ledger.office import CostMethod, ImpairmentRule, UnpaidCost
from khazana.ledger.valuation import BITCOIN, PricePoint, PriceRule, Value, value_at
from khazana.reserve.bodies import block_ref, wallet_of
from khazana.reserve.case import Given, PartsWithheld
from khazana.reserve.holdings import OWN_LANES, SetHoldings, own_of
from khazana.reserve.own_members import OwnMembers
from khazana.reserve.parts import ExplanationLineBody
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.sets import accounts_of
from khazana.reserve.valuation_document import (
    BroughtForwardBody,
    CarriedBody,
    CostBody,
    LotBody,
    PoolBody,
    PricedBlockBody,
    ValuationDocument,
    minor_of,
    valuation_hash,
)
from khazana.reserve.valuation_prices import points_of, price_body
from khazana.units import BlockHash, Height, Sats, Txid

NEEDED = ("entry", "explanation", "document")
CUSTODIANS_WORD = (Reason.RECEIPT, Reason.DISBURSEMENT, Reason.UNEXPLAINED)
"""As what a custodian's account shows coins that a wallet of the same pool sent or took back."""


@dataclass(eq=False, kw_only=True)
class DocumentsDoNotOpen(KhazanaError):
    """Documents that were given are not those the statement commits to."""

    documents: str
    code = "documents_do_not_open"
    words = (
        "the statement does not commit to {documents} as given: take the file of documents that "
        "was written together with this statement"
    )


@dataclass(eq=False, kw_only=True)
class ValuationDoesNotFollow(KhazanaError):
    """The earlier valuation is not the one that this statement's costs begin with."""

    problem: str
    code = "valuation_does_not_follow"
    words = "the previous valuation cannot be continued: {problem}"


@dataclass(frozen=True)
class BroughtForward:
    """What pools open with. file: the hash of the valuation that left it; None: there is none.

    declared: the hash of the office's own table, for the pools whose cost it declares (Rule C10).
    """

    file: str | None
    lots: Mapping[str, Sequence[LotBody]]
    complete: Mapping[str, bool]
    declared: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CostInputs:
    """What the cost of pools needs beside the statement; the method stands in the statement.

    currency, unpaid, impairment: as the office declared them. documents: with the salts that open
    their commitments. instants: a block's median time past, for coins that nobody paid for.
    """

    currency: str
    unpaid: UnpaidCost
    impairment: ImpairmentRule
    documents: Mapping[str, Given]
    instants: Mapping[BlockHash, datetime] = field(default_factory=dict)
    brought_forward: BroughtForward | None = None


def brought_forward(previous: ValuationDocument, statement: ReserveStatement) -> BroughtForward:
    """The closing lots of the valuation of the statement before."""
    if previous.subject_root != statement.header.previous:
        raise ValuationDoesNotFollow(
            problem=f"it is about root {previous.subject_root}, the statement follows "
            f"{statement.header.previous or 'none'}"
        )
    pools = previous.cost.pools if previous.cost is not None else []
    return BroughtForward(
        valuation_hash(previous),
        {pool.set: pool.lots for pool in pools},
        {pool.set: pool.complete for pool in pools},
    )


def cost_body(
    statement: ReserveStatement,
    sets: Sequence[SetHoldings],
    inputs: CostInputs,
    *,
    prices: Sequence[PricePoint],
    rules: Mapping[str, PriceRule],
    at: datetime,
) -> tuple[CostBody, tuple[Finding, ...]]:
    """Rules C1 to C9 for every entity and perimeter; where they do not lead to a cost, a finding.

    at: when the closing holdings are valued, for the test of impairment.
    """
    for kind in NEEDED:
        if missing := statement.withheld(kind):
            raise PartsWithheld(kind=kind, missing=missing)
    office = _Work(statement, inputs, _opened(statement, inputs.documents), prices, rules, at)
    pools: list[PoolBody] = []
    findings: list[Finding] = []
    for held in sets:
        pool, found = office.pool(held)
        pools += [] if pool is None else [pool]
        findings += found
    body = CostBody(
        currency=inputs.currency,
        method=office.method.value,
        unpaid_cost=inputs.unpaid.value,
        impairment=inputs.impairment.value,
        brought_forward=_carried(inputs.brought_forward),
        blocks=[office.priced[block] for block in sorted(office.priced)],
        pools=pools,
    )
    return body, tuple(findings)


def unopened(statement: ReserveStatement, given: Mapping[str, Given]) -> list[str]:
    """The documents that do not open the commitment that stands under their name."""
    return sorted(
        name
        for name, item in given.items()
        if item.document.id != name
        or (stated := statement.documents.get(name)) is None
        or commitment(item.document, item.salt) != stated.commitment
    )


def _opened(statement: ReserveStatement, given: Mapping[str, Given]) -> dict[str, Document]:
    if wrong := unopened(statement, given):
        raise DocumentsDoNotOpen(documents=", ".join(wrong))
    return {name: item.document for name, item in given.items()}


class _Work:
    """One statement's pools; remembers which prices they used."""

    def __init__(
        self,
        statement: ReserveStatement,
        inputs: CostInputs,
        documents: Mapping[str, Document],
        prices: Sequence[PricePoint],
        rules: Mapping[str, PriceRule],
        at: datetime,
    ) -> None:
        self.statement, self.inputs, self.documents = statement, inputs, documents
        self.prices, self.rule, self.at = prices, rules.get(inputs.currency), at
        self.method = CostMethod(statement.header.cost_method)
        self.wallets = [wallet_of(body, ()) for body in statement.wallets.values()]
        self.accounts = {account.id: account for account in accounts_of(statement)}
        self.entries = sorted(statement.entries, key=lambda entry: entry.order)
        period = statement.header.period
        self.after, self.until = block_ref(period.after).height, block_ref(period.until).height
        self.period = f"{self.after}-{self.until}"
        self.priced: dict[str, PricedBlockBody] = {}

    def pool(self, held: SetHoldings) -> tuple[PoolBody | None, list[Finding]]:
        """One set's pool, or None beside the finding that says why it has no cost."""
        opening, problem = self._opening(held)
        if opening is None:
            return None, [Finding("C8", problem, held.part)]
        findings = [] if not problem else [Finding("C8", problem, held.part)]
        events, found = self._events(held)
        findings += [Finding(f.rule, f.text, f"{held.part}, {f.where}") for f in found]
        account = self._account(events, (), opening)
        recognised = own_of(held.closing).recognised
        if account.amount != recognised:
            text = f"the pool's events leave {account.amount} sat, it recognises {recognised} sat"
            return None, [Finding("C9", f"{text}; its cost cannot be said", held.part)]
        fair = self._value(Sats(recognised), self.at)
        tests = []
        if isinstance(fair, Value):
            order = (self.until, AFTER_EVERY_TRANSACTION + 1)
            tests = [ImpairmentTest(order, fair.minor, self.period, "impairment test")]
        elif recognised:
            text = f"no impairment test: {fair.text}"
            findings.append(Finding("C6", text, held.part))
        account = self._account(events, tests, opening)
        findings += [Finding(f.rule, f.text, f"{held.part}, {f.where}") for f in account.findings]
        currency = self.inputs.currency
        body = PoolBody(
            set=held.part,
            lots=_lot_bodies(account.lots, currency),
            amount=account.amount,
            cost=major_units(account.cost, currency),
            impaired_cost=major_units(account.impaired_cost, currency),
            fair_value=major_units(fair.minor, currency) if isinstance(fair, Value) else None,
            complete=not findings,
        )
        return body, findings

    def _account(
        self, events: Sequence[CostEvent], tests: Sequence[ImpairmentTest], opening: Sequence[Lot]
    ) -> CostAccount:
        return cost_account(
            events,
            tests,
            currency=self.inputs.currency,
            method=self.method,
            impairment=self.inputs.impairment,
            opening=opening,
        )

    def _own(self, name: str, height: int) -> bool:
        """Whether an account's coins are the state's own at the end of a block."""
        if name in self.accounts:
            return self.accounts[name].lane in OWN_LANES
        return any(w.id == name and w.lane_at(Height(height)) in OWN_LANES for w in self.wallets)

    def _opening(self, held: SetHoldings) -> tuple[list[Lot] | None, str]:
        """The lots brought forward, and what is wrong with them; None: their cost is unknown."""
        due = own_of(held.opening).recognised
        earlier = self.inputs.brought_forward
        lots = [] if earlier is None else list(earlier.lots.get(held.part, ()))
        amount = sum(lot.amount for lot in lots)
        if amount != due:
            text = f"{due} sat are held at the opening, the cost of {amount} sat is brought forward"
            return None, text
        wrong = earlier is not None and not earlier.complete.get(held.part, not due)
        return [
            Lot(lot.amount, Fraction(minor_of(lot.cost)), Fraction(minor_of(lot.impaired_cost)))
            for lot in lots
        ], "what is brought forward was not complete" if wrong else ""

    def _events(self, held: SetHoldings) -> tuple[list[CostEvent], list[Finding]]:
        """What the pool's own accounts did while they were counted, and what came with them."""
        members = OwnMembers(held.perimeter, self.wallets, self._own)
        events: list[CostEvent] = []
        findings: list[Finding] = []
        lines: list[Explanation] = []
        for explained in self.statement.explanations.values():
            for line in explained.lines:
                try:
                    lines.append(_explanation(Txid(explained.txid), line))
                except ValueError as error:
                    findings.append(Finding("C1", str(error), f"entry {explained.txid}"))
        spans: dict[frozenset[str], list[ChainEntry]] = {}
        for entry in self.entries:
            spans.setdefault(members.moving_in(entry.block.height), []).append(entry)
        for pool, entries in spans.items():
            more, found = self._cost_events(entries, lines, (), pool)
            events, findings = [*events, *more], [*findings, *found]
        for booked in self.statement.book:
            height = booked.block.height
            if not self.after < height <= self.until or not booked.amount:
                continue
            if booked.kind is BookKind.LOSS:
                more, found = self._cost_events((), (), [booked], members.standing_after(height))
            else:
                more, found = self._crossing(held, booked, members)
            events, findings = [*events, *more], [*findings, *found]
        more, found = self._off_chain(members.standing_after(self.until))
        return [*events, *more], [*findings, *found]

    def _crossing(
        self, held: SetHoldings, booked: BookEntry, members: OwnMembers
    ) -> tuple[list[CostEvent], list[Finding]]:
        """Rule C8: coins that come or go with their account, or whose title changes."""
        name, height = booked.account, booked.block.height
        details = booked.details or {}
        # What was written off before is no longer recognised, and so neither comes nor goes.
        amount = abs(booked.amount) + sum(
            lost.amount
            for lost in self.statement.book
            if lost.kind is BookKind.LOSS and lost.account == name and lost.block.height < height
        )
        if booked.kind is BookKind.PERIMETER_CHANGE and booked.perimeter == held.part:
            if not self._own(name, height):
                return [], []
            amount = amount if booked.amount > 0 else -amount
        elif booked.kind is BookKind.RECLASSIFICATION and name in members.counted_in(height):
            own = {lane.value for lane in OWN_LANES}
            before, now = details.get("from") in own, details.get("to") in own
            if before is now:
                return [], []
            amount = amount if now else -amount
        else:
            return [], []
        findings: list[Finding] = []
        cost = 0
        if not amount:
            return [], []
        if amount > 0 and self.inputs.unpaid is UnpaidCost.FAIR_VALUE:
            value = self._value_at_block(Sats(amount), booked.block)
            if isinstance(value, Finding):
                findings.append(value)
            else:
                cost = value
        order = height, AFTER_EVERY_TRANSACTION
        label = f"{booked.kind.value} {name}"
        return [CostEvent(order, Sats(amount), cost, label)], findings

    def _off_chain(self, pool: frozenset[str]) -> tuple[list[CostEvent], list[Finding]]:
        """What custodians' balances changed by, at the block at which they last attested one."""
        events: list[CostEvent] = []
        findings: list[Finding] = []
        for body in self.statement.accounts.values():
            if body.id not in pool or not body.attested:
                continue
            block = block_ref(body.attested[-1].block)
            moved = self._moved_to(body.id, pool)
            for number, line in enumerate(body.lines):
                # An entry that stands for the attested change, so that one rule values all lines.
                txid = Txid(f"{body.id} {number}")
                order = AFTER_EVERY_TRANSACTION - 1
                entry = ChainEntry(txid, block, order, False, (), (), None, None)
                try:
                    explained = _explanation(txid, line)
                except ValueError as error:
                    findings.append(Finding("C1", str(error), f"account {body.id}"))
                    continue
                inside = _within(moved, line.amount) if line.counterpart is None else 0
                if inside and explained.reason in CUSTODIANS_WORD:
                    moved -= inside
                    explained = replace(explained, amount=Sats(line.amount - inside))
                lines = [explained] if explained.amount else []
                more, found = self._cost_events([entry], lines, (), pool)
                events += more
                findings += found
        return events, findings

    def _moved_to(self, account: str, pool: frozenset[str]) -> int:
        """Satoshis that the pool's own wallets sent to a custodial account; below 0: took back."""
        return -sum(
            line.amount
            for explained in self.statement.explanations.values()
            for line in explained.lines
            if line.wallet in pool and line.counterpart == account
        )

    def _cost_events(
        self,
        entries: Sequence[ChainEntry],
        lines: Sequence[Explanation],
        book: Sequence[BookEntry],
        pool: frozenset[str],
    ) -> tuple[Sequence[CostEvent], Sequence[Finding]]:
        return cost_events(
            entries,
            lines,
            book,
            documents=self.documents,
            pool=pool,
            currency=self.inputs.currency,
            unpaid=self.inputs.unpaid,
            value_of=self._value_at_entry,
        )

    def _value(self, amount: Sats, at: datetime) -> Value | Finding:
        if self.rule is None:
            text = f"no quote leads from {BITCOIN} to {self.inputs.currency}"
            return Finding("V4", text, "rules")
        return value_at(amount, at, prices=self.prices, rule=self.rule)

    def _value_at_entry(self, amount: Sats, entry: ChainEntry) -> int | Finding:
        return self._value_at_block(amount, entry.block)

    def _value_at_block(self, amount: Sats, block: BlockRef) -> int | Finding:
        """Rule C4: fair value at the median time past of the block at which coins come in."""
        at = self.inputs.instants.get(block.hash)
        if at is None:
            text = f"the time of block {block.height} was not given"
            return Finding("C4", text, f"block {block.height}")
        points = () if self.rule is None else points_of(self.rule, at, self.prices)[0]
        self.priced[block.hash] = PricedBlockBody(
            block=block.hash,
            at=utc_text(at),
            prices=[price_body(point) for point in points],
        )
        found = self._value(amount, at)
        if isinstance(found, Finding):
            return Finding("C4", found.text, f"block {block.height}")
        return found.minor


def _carried(earlier: BroughtForward | None) -> BroughtForwardBody | None:
    if earlier is None:
        return None
    return BroughtForwardBody(
        file=earlier.file,
        pools=[
            CarriedBody(
                set=part,
                lots=list(lots),
                complete=earlier.complete[part],
                declared=earlier.declared.get(part),
            )
            for part, lots in earlier.lots.items()
        ],
    )


def _within(moved: int, change: int) -> int:
    """How much of a change of a custodian's balance is what was moved inside the pool (Rule C5).

    >>> _within(150, 200), _within(150, 100), _within(-50, -80), _within(150, -80)
    (150, 100, -50, 0)
    """
    if moved * change <= 0:
        return 0
    return min(moved, change) if moved > 0 else max(moved, change)


def _explanation(txid: Txid, line: ExplanationLineBody) -> Explanation:
    return Explanation(
        txid,
        line.wallet,
        Reason(line.reason),
        Sats(line.amount),
        line.counterpart,
        line.document,
        line.rule,
    )


def _lot_bodies(lots: Sequence[Lot], currency: str) -> list[LotBody]:
    """Lots in whole minor units that sum to the rounded balances (Rule C7)."""
    bodies = []
    cost = carrying = Fraction(0)
    for lot in lots:
        last_cost, last_carrying = round(cost), round(carrying)
        cost, carrying = cost + lot.cost, carrying + lot.carrying
        if lot.amount:
            bodies.append(
                LotBody(
                    amount=lot.amount,
                    cost=major_units(round(cost) - last_cost, currency),
                    impaired_cost=major_units(round(carrying) - last_carrying, currency),
                )
            )
    return bodies
