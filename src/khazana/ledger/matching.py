"""Which document explains which flow: numbered rules (docs/methods/matching.md), no guesses."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from khazana.bitcoin.address import BadAddress, SecretInsteadOfAddress, script_of
from khazana.bitcoin.network import Network
from khazana.bitcoin.transaction import OutPoint, TxOut
from khazana.ledger.documents import Document, Reason
from khazana.ledger.entries import ChainEntry, Fact, Flow
from khazana.ledger.explanations import Explanation, Matching
from khazana.ledger.findings import Finding
from khazana.ledger.flows import flows
from khazana.units import BlockHash, Sats, Txid

K = TypeVar("K")
V = TypeVar("V")

COINBASE_REASONS = frozenset({Reason.MINED, Reason.RECEIPT, Reason.DONATION})
"""What a document may say of new coins: nobody buys, seizes or withdraws a coinbase (Rule M8)."""


@dataclass(frozen=True, kw_only=True)
class MatchingRules:
    """window_days: how far a document's time may be from the block's (Rules M2, M3), both ways.

    dust_threshold: receipts of at most this many satoshis need no document (Rule M4).
    """

    window_days: int
    dust_threshold: Sats

    def __post_init__(self) -> None:
        if self.window_days < 0 or self.dust_threshold < 0:
            raise ValueError("a window and a threshold are not negative")


@dataclass
class _Line:
    """What one transaction moved between one wallet and outsiders; documents fill it up."""

    entry: ChainEntry
    wallet: str
    fact: Fact
    amount: int
    matched: list[tuple[Document, str]] = field(default_factory=list)

    @property
    def direction(self) -> int:
        return -1 if self.fact is Fact.OUT else 1

    @property
    def open_amount(self) -> int:
        return self.amount - sum(document.amount for document, _ in self.matched)


@dataclass(frozen=True, slots=True)
class _Output:
    """An output that a document's address and amount may mean, and the flow it is a part of."""

    outpoint: OutPoint
    line: _Line


def match(
    entries: Sequence[ChainEntry],
    documents: Sequence[Document],
    *,
    wallets: Collection[str],
    accounts: Collection[str],
    outputs: Mapping[Txid, Sequence[TxOut]],
    times: Mapping[BlockHash, datetime],
    network: Network,
    rules: MatchingRules,
) -> Matching:
    """Explain every flow of every entry by documents, and list what does not fit.

    wallets, accounts: ids of the declared wallets and custodial accounts.
    outputs: each entry's outputs, for Rule M2. times: each entry's block time in UTC, for M2, M3.
    Give all entries that the documents may belong to: a document matches within what it is given.
    """
    ids = [document.id for document in documents]
    if len(set(ids)) != len(ids):
        raise ValueError("two documents have the same id")
    desk = _Desk(entries, outputs, times, network, rules)
    on_chain = desk.admit(documents, wallets=wallets, accounts=accounts)
    desk.by_txid([d for d in on_chain if d.txid is not None])
    desk.by_address([d for d in on_chain if d.txid is None and d.address is not None])
    desk.by_amount([d for d in on_chain if d.txid is None and d.address is None])
    return Matching(
        explanations=tuple(desk.explanations()),
        findings=tuple(sorted(desk.findings, key=lambda f: (f.where, f.rule, f.text))),
        unmatched=tuple(i for i in ids if i in desk.rejected),
        off_chain=tuple(
            d for d in documents if d.account in accounts and d.id not in desk.rejected
        ),
    )


class _Desk:
    """The entries' open lines on one side, the documents on the other; rules apply in order."""

    def __init__(
        self,
        entries: Sequence[ChainEntry],
        outputs: Mapping[Txid, Sequence[TxOut]],
        times: Mapping[BlockHash, datetime],
        network: Network,
        rules: MatchingRules,
    ) -> None:
        self.entries = sorted(entries, key=lambda entry: entry.order)
        self.outputs = outputs
        self.times = times
        self.network = network
        self.rules = rules
        self.findings: list[Finding] = []
        self.rejected: set[str] = set()
        self.flows: dict[Txid, tuple[Flow, ...]] = {e.txid: flows(e) for e in self.entries}
        self.lines: dict[tuple[Txid, str], _Line] = {}
        for entry in self.entries:
            for flow in self.flows[entry.txid]:
                if flow.fact in (Fact.IN, Fact.COINBASE):
                    self._open(entry, flow.target, flow)
                elif flow.fact is Fact.OUT:
                    self._open(entry, flow.source, flow)

    def _open(self, entry: ChainEntry, wallet: str, flow: Flow) -> None:
        # Rule L4 gives a wallet one direction per transaction, so its outside flows are one line.
        line = self.lines.setdefault((entry.txid, wallet), _Line(entry, wallet, flow.fact, 0))
        if line.fact is not flow.fact:
            raise ValueError(f"{wallet} has {line.fact} and {flow.fact} in {entry.txid}")
        line.amount += flow.amount

    def reject(self, rule: str, text: str, documents: Iterable[Document]) -> None:
        for document in documents:
            self.rejected.add(document.id)
            self.findings.append(Finding(rule, text, f"document {document.id}"))

    def admit(
        self,
        documents: Sequence[Document],
        *,
        wallets: Collection[str],
        accounts: Collection[str],
    ) -> list[Document]:
        """The documents about wallets that may be matched at all."""
        admitted = []
        for document in documents:
            reason = document.reason
            if not reason.from_document:
                text = f"{reason.value} is derived from the chain, never from a document"
                self.reject("M9", text, [document])
            elif document.account not in wallets and document.account not in accounts:
                self.reject("M5", f"no wallet or account is called {document.account}", [document])
            elif document.counter_account is not None and document.counter_account not in accounts:
                text = f"no custodial account is called {document.counter_account}"
                self.reject("M5", text, [document])
            elif reason is Reason.DUST and document.amount > self.rules.dust_threshold:
                text = (
                    f"{document.amount} sat are more than the dust threshold of "
                    f"{self.rules.dust_threshold} sat"
                )
                self.reject("M8", text, [document])
            elif document.account in wallets:
                admitted.append(document)
        return admitted

    # Rule M1 ------------------------------------------------------------------------------------

    def by_txid(self, documents: Iterable[Document]) -> None:
        groups: dict[tuple[Txid, str], list[Document]] = {}
        for document in documents:
            if document.txid is None:
                raise ValueError(f"document {document.id} names no transaction")
            key = document.txid, document.account
            line = self.lines.get(key)
            if line is None:
                self._reject_without_line(document, document.txid)
            elif problem := self._contradiction(document, line):
                self.reject("M8", problem, [document])
            else:
                groups.setdefault(key, []).append(document)
        for key, group in groups.items():
            self._fill(self.lines[key], group, "M1")

    def _reject_without_line(self, document: Document, txid: Txid) -> None:
        name = document.account
        shown = self.flows.get(txid)
        if shown is None:
            self.reject("M5", f"transaction {txid} touches no declared wallet here", [document])
        elif any(f.fact is Fact.INTERNAL and name in (f.source, f.target) for f in shown):
            text = (
                f"the chain shows a transfer between declared wallets: no {document.reason.value}"
            )
            self.reject("M9", text, [document])
        else:
            self.reject("M5", f"transaction {txid} moves nothing of {name}", [document])

    def _contradiction(self, document: Document, line: _Line) -> str | None:
        """Rule M8: what the document says against what the chain shows."""
        if document.reason.direction != line.direction:
            came = "came in" if line.direction > 0 else "went out"
            return f"{document.reason.value} contradicts the chain: {line.amount} sat {came}"
        if line.fact is Fact.COINBASE and document.reason not in COINBASE_REASONS:
            return f"{document.reason.value} contradicts the chain: it is a coinbase"
        if document.address is not None and line.entry.txid in self.outputs:
            script = self._script(document)
            if script is None:
                return f"its address is not one of {self.network.name}"
            if all(output.script != script for output in self.outputs[line.entry.txid]):
                return f"transaction {line.entry.txid} does not pay {document.address}"
        return None

    def _fill(self, line: _Line, group: Sequence[Document], rule: str) -> None:
        claimed = sum(document.amount for document in group)
        if claimed > line.open_amount:
            # Which of them is wrong cannot be told: none explains anything.
            text = (
                f"the documents {', '.join(sorted(d.id for d in group))} claim {claimed} sat of "
                f"transaction {line.entry.txid}, where {line.open_amount} sat are to be explained"
            )
            self.reject("M7", text, group)
        else:
            line.matched += [(document, rule) for document in group]

    # Rule M2 ------------------------------------------------------------------------------------

    def by_address(self, documents: Sequence[Document]) -> None:
        index = self._output_index() if documents else {}
        found: dict[str, list[_Output]] = {}
        for document in documents:
            script = self._script(document)
            if script is None:
                text = f"its address is not one of {self.network.name}"
                self.reject("M8", text, [document])
                continue
            key = document.account, document.reason.direction, script, int(document.amount)
            found[document.id] = [
                output
                for output in index.get(key, ())
                if self._near(document, output.line)
                and self._contradiction(document, output.line) is None
            ]
        groups: dict[int, tuple[_Line, list[Document]]] = {}
        pairs = ((d, [(o.outpoint, o) for o in found[d.id]]) for d in documents if d.id in found)
        for document, output in self._unique(pairs, "pays that address exactly that amount"):
            groups.setdefault(id(output.line), (output.line, []))[1].append(document)
        for line, group in groups.values():
            self._fill(line, group, "M2")

    def _output_index(self) -> dict[tuple[str, int, bytes, int], list[_Output]]:
        """Outputs by wallet, direction, script and amount: ours if received, else outsiders'."""
        index: dict[tuple[str, int, bytes, int], list[_Output]] = {}
        for line in self.lines.values():
            if line.open_amount <= 0:
                continue
            entry = line.entry
            # An output that a document named with its transaction (M1) is not there for another.
            taken = Counter((self._script(d), int(d.amount)) for d, _ in line.matched if d.address)
            owner = {posting.outpoint: posting.wallet for posting in entry.received}
            for vout, output in enumerate(self.outputs.get(entry.txid, ())):
                outpoint = OutPoint(entry.txid, vout)
                wanted = line.wallet if line.direction > 0 else None
                meant = output.script, int(output.amount)
                if taken[meant]:
                    taken[meant] -= 1
                elif owner.get(outpoint) == wanted:
                    key = line.wallet, line.direction, output.script, int(output.amount)
                    index.setdefault(key, []).append(_Output(outpoint, line))
        return index

    # Rule M3 ------------------------------------------------------------------------------------

    def by_amount(self, documents: Sequence[Document]) -> None:
        index: dict[tuple[str, int, int], list[_Line]] = {}
        for line in self.lines.values():
            if not line.matched:
                index.setdefault((line.wallet, line.direction, line.amount), []).append(line)
        pairs = []
        for document in documents:
            key = document.account, document.reason.direction, int(document.amount)
            lines = [
                line
                for line in index.get(key, ())
                if self._near(document, line) and self._contradiction(document, line) is None
            ]
            pairs.append((document, [((line.entry.txid, line.wallet), line) for line in lines]))
        for document, line in self._unique(pairs, "moves exactly that amount"):
            self._fill(line, [document], "M3")

    # Shared by M2 and M3 ------------------------------------------------------------------------

    def _unique(
        self, pairs: Iterable[tuple[Document, list[tuple[K, V]]]], what: str
    ) -> Iterator[tuple[Document, V]]:
        """The pairs that are alone on both sides; all others are findings M5 and M6."""
        choices = list(pairs)
        suitors: dict[K, list[str]] = {}
        for document, candidates in choices:
            for key, _ in candidates:
                suitors.setdefault(key, []).append(document.id)
        for document, candidates in choices:
            if not candidates:
                text = (
                    f"no transaction of {document.account} {what} within "
                    f"{self.rules.window_days} days of {document.at.date()}"
                )
                self.reject("M5", text, [document])
            elif len(candidates) > 1:
                text = f"{len(candidates)} candidates fit: name the transaction"
                self.reject("M6", text, [document])
            elif len(rivals := suitors[candidates[0][0]]) > 1:
                text = f"the documents {', '.join(sorted(rivals))} fit the same transaction"
                self.reject("M6", text, [document])
            else:
                yield document, candidates[0][1]

    def _near(self, document: Document, line: _Line) -> bool:
        block = line.entry.block
        at = self.times.get(block.hash)
        if at is None:
            raise ValueError(f"the time of block {block} is missing")
        return abs(at - document.at) <= timedelta(days=self.rules.window_days)

    def _script(self, document: Document) -> bytes | None:
        if document.address is None:
            return None
        try:
            return script_of(document.address, self.network)
        except (BadAddress, SecretInsteadOfAddress):
            return None

    def explanations(self) -> Iterator[Explanation]:
        """Rules T1, M1 to M4 and U1, in the order of the chain, then by wallet."""
        for entry in self.entries:
            lines = [*self._transfers(entry), *self._explained(entry)]
            yield from sorted(lines, key=lambda line: line.wallet)

    def _transfers(self, entry: ChainEntry) -> Iterator[Explanation]:
        """Rule T1: between declared wallets, seen from both ends."""
        for flow in self.flows[entry.txid]:
            if flow.fact is Fact.INTERNAL:
                for wallet, other, sign in (
                    (flow.source, flow.target, -1),
                    (flow.target, flow.source, 1),
                ):
                    amount = Sats(sign * flow.amount)
                    yield Explanation(
                        entry.txid, wallet, Reason.TRANSFER, amount, other, None, "T1"
                    )

    def _explained(self, entry: ChainEntry) -> Iterator[Explanation]:
        for wallet in entry.wallets:
            line = self.lines.get((entry.txid, wallet))
            if line is None:
                continue
            for document, rule in sorted(line.matched, key=lambda match: match[0].id):
                yield Explanation(
                    entry.txid,
                    wallet,
                    document.reason,
                    Sats(line.direction * document.amount),
                    document.counter_account,
                    document.id,
                    rule,
                )
            rest = line.open_amount
            if rest:
                dust = (
                    line.fact is Fact.IN
                    and not line.matched
                    and line.amount <= self.rules.dust_threshold
                )
                reason, rule = (Reason.DUST, "M4") if dust else (Reason.UNEXPLAINED, "U1")
                amount = Sats(line.direction * rest)
                yield Explanation(entry.txid, wallet, reason, amount, None, None, rule)
