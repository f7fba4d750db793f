"""Transactions that wait for a block: dependencies, conflicts, replacement, eviction."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from khazana.bitcoin.hashes import sha256
from khazana.bitcoin.transaction import OutPoint, Transaction, TxOut
from khazana.devnet.admission import (
    Appraisal,
    TransactionRefused,
    appraise,
    check_dust,
    refused,
    relay_fee,
)
from khazana.devnet.index import ChainIndex, Spender
from khazana.units import Sats, Txid

MAX_ANCESTORS = 25
"""A waiting transaction and everything unconfirmed it descends from."""

MAX_DESCENDANTS = 25
"""A waiting transaction and everything that descends from it."""

MAX_EVICTED_BY_REPLACEMENT = 100
MAX_TOTAL_VSIZE = 50_000_000


@dataclass(frozen=True, eq=False)
class Waiting:
    """A transaction in the mempool with its nearest relatives there."""

    transaction: Transaction
    appraisal: Appraisal
    parents: set[Txid] = field(default_factory=set)
    children: set[Txid] = field(default_factory=set)

    @property
    def txid(self) -> Txid:
        return self.transaction.txid

    @property
    def fee(self) -> Sats:
        return self.appraisal.fee

    @property
    def vsize(self) -> int:
        return self.appraisal.vsize


class Mempool:
    """The waiting transactions in order of arrival. No two spend the same coin."""

    def __init__(self, *, refuse_dust: bool = True) -> None:
        self._refuse_dust = refuse_dust
        self._waiting: dict[Txid, Waiting] = {}
        self._spenders: dict[OutPoint, Spender] = {}
        self._by_script: dict[bytes, dict[Txid, None]] = {}
        self._script_of_hash: dict[bytes, bytes] = {}
        self._arrival: dict[Txid, int] = {}
        self._arrivals = 0
        self._total_vsize = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, txid: object) -> bool:
        return txid in self._waiting

    def __iter__(self) -> Iterator[Waiting]:
        """In order of arrival; a parent always stands before its children."""
        return iter(self._waiting.values())

    @property
    def total_vsize(self) -> int:
        """Virtual bytes of everything that waits."""
        return self._total_vsize

    def arrival(self, txid: Txid) -> int:
        """A number that grows with each arrival: parents have lower ones than their children."""
        return self._arrival[txid]

    def get(self, txid: Txid) -> Waiting | None:
        return self._waiting.get(txid)

    def spender(self, outpoint: OutPoint) -> Spender | None:
        return self._spenders.get(outpoint)

    def touching(self, script: bytes) -> list[Waiting]:
        """What waits and pays the script or spends from it, newest arrival last."""
        return [self._waiting[txid] for txid in self._by_script.get(script, ())]

    def script_with_hash(self, script_hash: bytes) -> bytes | None:
        """The script whose SHA-256, not reversed, this is, among those of what waits."""
        return self._script_of_hash.get(script_hash)

    def output(self, outpoint: OutPoint) -> TxOut | None:
        """An output of a waiting transaction, spent or not."""
        waiting = self._waiting.get(outpoint.txid)
        if waiting is None or outpoint.vout >= len(waiting.transaction.outputs):
            return None
        return waiting.transaction.outputs[outpoint.vout]

    def judge(self, transaction: Transaction, index: ChainIndex) -> tuple[Waiting, list[Txid]]:
        """Whether a new transaction may join: what it would be, and what it would replace.

        Changes nothing. Raises `TransactionRefused`.
        """
        same = self._waiting.get(transaction.txid)
        if same is not None:
            raise refused(
                transaction,
                "txn-already-in-mempool"
                if same.transaction.wtxid_le == transaction.wtxid_le
                else "txn-same-nonwitness-data-in-mempool",
                "it waits already",
            )
        appraisal = appraise(transaction, index, self.output)
        if self._refuse_dust:
            check_dust(transaction)
        needed = relay_fee(appraisal.vsize)
        if appraisal.fee < needed:
            raise refused(transaction, "min relay fee not met", f"{appraisal.fee} < {needed}")
        waiting = Waiting(transaction, appraisal, parents=self._parents_of(transaction))
        replaced = self._check_replacement(waiting)
        self._check_family(waiting, replaced)
        if self._total_vsize + appraisal.vsize > MAX_TOTAL_VSIZE:
            raise refused(transaction, "mempool full", f"{self._total_vsize} vB are waiting")
        return waiting, replaced

    def join(self, waiting: Waiting, replaced: Collection[Txid] = ()) -> None:
        """Take what `judge` allowed, after dropping what it replaces."""
        for txid in replaced:
            self._drop(txid)
        self._add(waiting)

    def readmit(self, candidates: Iterable[Transaction], index: ChainIndex) -> list[Txid]:
        """Start again from `candidates`, each parent before its children, on a new chain.

        Fee rules do not apply: these were accepted or mined before. What is mined now, spends
        a coin that is gone or is locked again stays out. Returns the txids that stay out.
        """
        transactions = list(candidates)
        self._waiting, self._spenders, self._arrival = {}, {}, {}
        self._by_script, self._script_of_hash = {}, {}
        self._total_vsize = 0
        left_out = []
        for transaction in transactions:
            if transaction.txid in self._waiting:
                continue
            try:
                self._add(self._reappraise(transaction, index))
            except TransactionRefused:
                left_out.append(transaction.txid)
        return left_out

    def restore(self, transaction: Transaction, index: ChainIndex) -> bool:
        """Take back a transaction acknowledged before a stop; its scripts are run again."""
        try:
            self._add(self._reappraise(transaction, index, scripts_known_good=False))
        except TransactionRefused:
            return False
        return True

    def block_connected(self, transactions: Iterable[Transaction]) -> list[Txid]:
        """Forget what a block confirmed and evict what conflicts with it; returns both."""
        gone: list[Txid] = []
        for transaction in transactions:
            if transaction.txid in self._waiting:
                self._drop(transaction.txid)
                gone.append(transaction.txid)
                continue
            for source in transaction.inputs:
                conflict = self._spenders.get(source.outpoint)
                if conflict is not None:
                    evicted = self.descendants(conflict.txid)
                    for txid in evicted:
                        self._drop(txid)
                    gone.extend(evicted)
        return gone

    def ancestors(self, parents: Iterable[Txid]) -> set[Txid]:
        """These waiting transactions and everything that waits above them."""
        return self._walk(parents, lambda waiting: waiting.parents)

    def descendants(self, txid: Txid) -> list[Txid]:
        """A waiting transaction and everything that waits below it, in order of arrival."""
        found = self._walk([txid], lambda waiting: waiting.children)
        return sorted(found, key=self._arrival.__getitem__)

    def _walk(self, start: Iterable[Txid], onward: Callable[[Waiting], set[Txid]]) -> set[Txid]:
        found: set[Txid] = set()
        todo = list(start)
        while todo:
            txid = todo.pop()
            if txid not in found:
                found.add(txid)
                todo.extend(onward(self._waiting[txid]))
        return found

    def _parents_of(self, transaction: Transaction) -> set[Txid]:
        return {i.outpoint.txid for i in transaction.inputs if i.outpoint.txid in self._waiting}

    def _reappraise(
        self, transaction: Transaction, index: ChainIndex, *, scripts_known_good: bool = True
    ) -> Waiting:
        for source in transaction.inputs:
            if source.outpoint in self._spenders:
                raise refused(transaction, "txn-mempool-conflict", str(source.outpoint))
        appraisal = appraise(transaction, index, self.output, scripts_known_good=scripts_known_good)
        return Waiting(transaction, appraisal, parents=self._parents_of(transaction))

    def _add(self, waiting: Waiting) -> None:
        transaction, txid = waiting.transaction, waiting.txid
        self._waiting[txid] = waiting
        self._arrivals += 1
        self._arrival[txid] = self._arrivals
        self._total_vsize += waiting.vsize
        for parent in waiting.parents:
            self._waiting[parent].children.add(txid)
        for vin, source in enumerate(transaction.inputs):
            self._spenders[source.outpoint] = Spender(txid, vin)
        for script in _scripts(waiting):
            touching = self._by_script.get(script)
            if touching is None:
                touching = self._by_script[script] = {}
                self._script_of_hash[sha256(script)] = script
            touching[txid] = None

    def _drop(self, txid: Txid) -> None:
        waiting = self._waiting.pop(txid)
        del self._arrival[txid]
        self._total_vsize -= waiting.vsize
        for parent in waiting.parents:
            if parent in self._waiting:
                self._waiting[parent].children.discard(txid)
        for child in waiting.children:
            if child in self._waiting:
                self._waiting[child].parents.discard(txid)
        for source in waiting.transaction.inputs:
            del self._spenders[source.outpoint]
        for script in _scripts(waiting):
            touching = self._by_script[script]
            del touching[txid]
            if not touching:
                del self._by_script[script]
                del self._script_of_hash[sha256(script)]

    def _check_replacement(self, new: Waiting) -> list[Txid]:
        """Full replace-by-fee: BIP-125's rules 3 to 5 and the fee rate, without signalling."""
        direct = {
            spender.txid
            for source in new.transaction.inputs
            if (spender := self._spenders.get(source.outpoint)) is not None
        }
        if not direct:
            return []
        evicted = [txid for conflict in direct for txid in self.descendants(conflict)]
        replaced = sorted(set(evicted), key=self._arrival.__getitem__)
        if len(replaced) > MAX_EVICTED_BY_REPLACEMENT:
            raise refused(
                new.transaction, "too many potential replacements", f"{len(replaced)} would go"
            )
        if not self.ancestors(new.parents).isdisjoint(replaced):
            raise refused(
                new.transaction, "bad-txns-spends-conflicting-tx", "it spends what it replaces"
            )
        for txid in sorted(direct):
            old = self._waiting[txid]
            if new.fee * old.vsize <= old.fee * new.vsize:
                raise refused(
                    new.transaction,
                    "insufficient fee",
                    f"replacing {txid}: fee rate {new.fee}/{new.vsize} sat/vB is not above "
                    f"{old.fee}/{old.vsize}",
                )
        to_beat = sum(self._waiting[txid].fee for txid in replaced) + relay_fee(new.vsize)
        if new.fee < to_beat:
            raise refused(
                new.transaction,
                "insufficient fee",
                f"{new.fee} sat; replacing {len(replaced)} transactions takes {to_beat} sat",
            )
        return replaced

    def _check_family(self, new: Waiting, replaced: Collection[Txid]) -> None:
        ancestors = self.ancestors(new.parents)
        if len(ancestors) + 1 > MAX_ANCESTORS:
            raise refused(
                new.transaction,
                "too-long-mempool-chain",
                f"{len(ancestors)} unconfirmed ancestors, {MAX_ANCESTORS - 1} are allowed",
            )
        for txid in sorted(ancestors):
            family = set(self.descendants(txid)).difference(replaced)
            if len(family) + 1 > MAX_DESCENDANTS:
                raise refused(
                    new.transaction,
                    "too-long-mempool-chain",
                    f"{txid} would have more than {MAX_DESCENDANTS - 1} descendants",
                )


def _scripts(waiting: Waiting) -> dict[bytes, None]:
    outputs = (*waiting.appraisal.spent, *waiting.transaction.outputs)
    return dict.fromkeys(output.script for output in outputs)
