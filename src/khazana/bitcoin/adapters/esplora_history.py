"""The transactions of scripts from an Esplora server: listed, hashed again, and proved in place."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from khazana.bitcoin.adapters.esplora_blocks import EsploraBlocks
from khazana.bitcoin.adapters.esplora_requests import KIB, MIB, EsploraHttp
from khazana.bitcoin.adapters.esplora_shapes import Hash, ListedTransaction, MerkleProof
from khazana.bitcoin.adapters.reading import answerable
from khazana.bitcoin.block import merkle_branches, merkle_proof_holds
from khazana.bitcoin.chain import BlockRef, ConfirmedTransaction
from khazana.bitcoin.hashes import from_displayed, sha256
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import OutPoint, Transaction
from khazana.units import BlockHash, Height, Txid

_PAGE_BYTES = 64 * MIB
_BLOCK_BYTES = 4 * MIB
_RAW_BYTES = 4_000_000


class ChainMoved(Exception):
    """The best chain changed during a read: what was read belongs to no single chain."""


@dataclass(frozen=True)
class Listed:
    """A transaction and the block that the server says it is in."""

    transaction: Transaction
    block: BlockRef
    spent_scripts: frozenset[bytes]
    """Scripts of the outputs it spends: the server's word."""


class EsploraHistory:
    """Reads that each ask many questions. `ChainMoved` says that the read must begin again."""

    def __init__(self, http: EsploraHttp, blocks: EsploraBlocks, *, most_transactions: int) -> None:
        self._http = http
        self._blocks = blocks
        self._most = most_transactions

    def history(
        self, scripts: Collection[bytes], *, after: Height | None, until: Height
    ) -> Sequence[ConfirmedTransaction]:
        """Every transaction of the scripts in blocks above `after` and not above `until`."""
        asked = answerable(scripts, source=self._http.url)
        wanted = frozenset(asked)
        lists = self._http.each(lambda script: self._list(script, after), asked)
        found: dict[Txid, Listed] = {}
        for listed in (entry for entries in lists for entry in entries):
            known = found.setdefault(listed.transaction.txid, listed)
            if known.block != listed.block:
                raise ChainMoved
        # All of them, those outside the period too: a page that began behind a transaction whose
        # block is gone is empty, and would hide everything older.
        self._check_best(listed.block for listed in found.values())
        self._check_relevant(found.values(), wanted, whole=after is None)
        floor = -1 if after is None else after
        inside = [listed for listed in found.values() if floor < listed.block.height <= until]
        placed = self._placed(inside)
        # Once more: the proofs were read after the blocks were compared.
        self._check_best(listed.block for listed in inside)
        return sorted(placed, key=lambda confirmed: confirmed.order)

    def transaction(self, txid: Txid, block: BlockRef) -> ConfirmedTransaction | None:
        """One transaction, if the server says that this block contains it."""
        path = f"/tx/{txid}"
        found = self._http.json(path, ListedTransaction, limit=_PAGE_BYTES)
        if found is None or found.status.block != block:
            return None
        return self._placed([self._read(found, path, wanted=txid)])[0]

    def _list(self, script: bytes, after: Height | None) -> Sequence[Listed]:
        """What the server lists for a script, newest first, until it has no more.

        It ends with an empty page, not with a short one: page sizes differ between servers. When
        everything on a page is old enough the rest is older still, which the order must show.
        """
        base = f"/scripthash/{sha256(script).hex()}/txs"
        listed: dict[Txid, Listed] = {}
        path = base
        height = None
        while True:
            page = self._http.json(path, list[ListedTransaction], limit=_PAGE_BYTES)
            if page is None:
                raise self._http.error(path, "no such page (status 404): not an Esplora server?")
            entries = [self._read(entry, path) for entry in page if entry.status.confirmed]
            for entry in entries:
                if entry.transaction.txid in listed:
                    problem = f"transaction {entry.transaction.txid} is listed for the second time"
                    raise self._http.error(path, problem)
                listed[entry.transaction.txid] = entry
                if height is not None and entry.block.height > height:
                    raise self._http.error(
                        path, f"block {entry.block.height} is listed behind block {height}"
                    )
                height = entry.block.height
            if len(listed) > self._most:
                problem = f"more than {self._most:,} transactions for script {script.hex()}"
                raise self._http.error(path, problem)
            if not entries and (path != base or not page):
                break
            if after is not None and entries and entries[0].block.height <= after:
                break
            path = f"{base}/chain"
            if entries:
                path += f"/{entries[-1].transaction.txid}"
        return list(listed.values())

    def _read(self, listed: ListedTransaction, path: str, *, wanted: str | None = None) -> Listed:
        """The transaction that a list describes, if it hashes to the txid it is listed under."""
        block = listed.status.block
        if block is None:
            problem = f"transaction {listed.txid} is confirmed, but its block is not named"
            raise self._http.error(path, problem)
        if wanted is not None and listed.txid != wanted:
            raise self._http.error(path, f"the answer is about transaction {listed.txid}")
        transaction = listed.transaction()
        if transaction.txid != listed.txid:
            # Some servers shorten long scripts in JSON. The raw bytes decide.
            transaction = self._raw(Txid(listed.txid))
        spent = (i.prevout.scriptpubkey for i in listed.vin if i.prevout is not None)
        return Listed(transaction, block, frozenset(bytes.fromhex(script) for script in spent))

    def _raw(self, txid: Txid) -> Transaction:
        path = f"/tx/{txid}/raw"
        raw = self._http.get(path, limit=_RAW_BYTES)
        if raw is None:
            raise ChainMoved
        try:
            transaction = Transaction.parse(raw)
        except MalformedBytes as error:
            raise self._http.error(path, str(error)) from error
        if transaction.txid != txid:
            raise self._http.error(path, f"the transaction hashes to {transaction.txid}")
        return transaction

    def _check_relevant(
        self, found: Collection[Listed], wanted: frozenset[bytes], *, whole: bool
    ) -> None:
        """Refuse a transaction that neither pays nor spends an output of the scripts."""
        ours: set[OutPoint] = set()
        paying: set[Txid] = set()
        for listed in found:
            transaction = listed.transaction
            for vout, output in enumerate(transaction.outputs):
                if output.script in wanted:
                    ours.add(transaction.outpoint(vout))
                    paying.add(transaction.txid)
        for listed in found:
            transaction = listed.transaction
            if transaction.txid in paying or any(i.outpoint in ours for i in transaction.inputs):
                continue
            # What it spends may be older than the list, and is the server's word then.
            if whole or not listed.spent_scripts & wanted:
                problem = f"it neither pays nor spends from the {len(wanted)} scripts asked about"
                raise self._http.error(f"/tx/{transaction.txid}", problem)

    def _check_best(self, blocks: Iterable[BlockRef]) -> None:
        """Raise `ChainMoved` unless all these blocks are in the best chain now."""
        wanted = set(blocks)
        best = self._blocks.best_of({block.height for block in wanted})
        if any(best.get(block.height) != block.hash for block in wanted):
            raise ChainMoved

    def _placed(self, listed: Collection[Listed]) -> list[ConfirmedTransaction]:
        by_block: dict[BlockRef, list[Transaction]] = defaultdict(list)
        for entry in listed:
            by_block[entry.block].append(entry.transaction)
        answers = self._http.each(self._placed_in, by_block.items())
        return [confirmed for answer in answers for confirmed in answer]

    def _placed_in(
        self, question: tuple[BlockRef, list[Transaction]]
    ) -> list[ConfirmedTransaction]:
        """These transactions of one block, each with a proof that leads to the block's header."""
        block, transactions = question
        header = self._blocks.header(block.hash)
        if header is None:
            raise ChainMoved
        if len(transactions) == 1:
            placed = [self._proof(transactions[0], block)]
        else:
            placed = self._proofs(transactions, block)
        for confirmed in placed:
            if not merkle_proof_holds(
                confirmed.transaction,
                position=confirmed.position,
                branch_le=confirmed.branch_le,
                root_le=header.merkle_root_le,
            ):
                self._require_best(block)
                raise self._http.error(
                    f"/tx/{confirmed.txid}",
                    f"the Merkle proof does not lead from it to the header of block {block}",
                )
        return placed

    def _proof(self, transaction: Transaction, block: BlockRef) -> ConfirmedTransaction:
        path = f"/tx/{transaction.txid}/merkle-proof"
        proof = self._http.json(path, MerkleProof, limit=64 * KIB)
        if proof is None or proof.block_height != block.height:
            self._require_best(block)
            raise self._http.error(path, f"no proof for block {block}, which should contain it")
        return ConfirmedTransaction(transaction, block, proof.pos, proof.branch_le)

    def _proofs(
        self, transactions: Collection[Transaction], block: BlockRef
    ) -> list[ConfirmedTransaction]:
        """From the block's list of txids: one question, however many of them are ours."""
        path = f"/block/{block.hash}/txids"
        txids = self._http.json(path, list[Hash], limit=_BLOCK_BYTES)
        if txids is None:
            raise ChainMoved
        leaves = [from_displayed(txid) for txid in txids]
        places: dict[str, int] = {}
        for number, txid in enumerate(txids):
            places.setdefault(txid, number)
        for transaction in transactions:
            if transaction.txid not in places:
                self._require_best(block)
                problem = f"transaction {transaction.txid}, said to be in this block, is missing"
                raise self._http.error(path, problem)
        positions = [places[transaction.txid] for transaction in transactions]
        branches = merkle_branches(leaves, positions)
        return [
            ConfirmedTransaction(transaction, block, position, branch)
            for transaction, position, branch in zip(transactions, positions, branches, strict=True)
        ]

    def _require_best(self, block: BlockRef) -> None:
        """A contradiction about a block that is gone is a reorganisation, else it is nonsense."""
        if self._blocks.hash_at(block.height) != BlockHash(block.hash):
            raise ChainMoved
