"""A chain on paper for the ledger's tests: real transactions, invented blocks, no scripts run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from khazana.bitcoin.chain import BlockRef, Coin, ConfirmedTransaction
from khazana.bitcoin.transaction import (
    COINBASE_VOUT,
    NULL_TXID,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
)
from khazana.ledger.accounts import Lane, LaneSpan, Wallet
from khazana.units import BlockHash, Height, Sats, Txid

STRANGER = bytes.fromhex("0014") + b"\x99" * 20
OP_RETURN = bytes.fromhex("6a")


def block_ref(height: int) -> BlockRef:
    return BlockRef(Height(height), BlockHash(sha256(b"block %d" % height).hexdigest()))


def script_of(wallet: str, index: int = 0) -> bytes:
    return bytes.fromhex("0014") + sha256(f"{wallet}/{index}".encode()).digest()[:20]


def wallet_of(
    name: str,
    *,
    entity: str = "treasury",
    declared: int = 0,
    scripts: int = 2,
    lanes: tuple[LaneSpan, ...] = (LaneSpan(Lane.OWNED, None),),
) -> Wallet:
    return Wallet(
        id=name,
        entity=entity,
        name={"en": name},
        scripts=tuple(script_of(name, index) for index in range(scripts)),
        lanes=lanes,
        declared=block_ref(declared),
    )


def script(party: str) -> bytes:
    """`fund` or `fund/1` for a wallet's script, `stranger` or `op_return` for nobody's."""
    if party == "stranger":
        return STRANGER
    if party == "op_return":
        return OP_RETURN
    name, _, index = party.partition("/")
    return script_of(name, int(index or 0))


@dataclass
class PaperChain:
    """Mines transactions into blocks; every coin ever made can be named as an input."""

    history: list[ConfirmedTransaction] = field(default_factory=list)
    made: int = 0

    def coin(self, party: str, amount: int, height: int = 0, *, coinbase: bool = False) -> Coin:
        """A coin from before the history."""
        self.made += 1
        txid = Txid(sha256(b"coin %d" % self.made).hexdigest())
        return Coin(OutPoint(txid, 0), Sats(amount), script(party), block_ref(height), coinbase)

    def foreign(self) -> OutPoint:
        """A coin that no declared wallet ever had."""
        return self.coin("stranger", 0).outpoint

    def pay(
        self,
        height: int,
        inputs: Sequence[OutPoint | Coin],
        outputs: Iterable[tuple[str, int]],
    ) -> Transaction:
        spent = (i.outpoint if isinstance(i, Coin) else i for i in inputs)
        return self._mine(height, tuple(TxIn(o, b"", 0xFFFFFFFD) for o in spent), outputs)

    def coinbase(self, height: int, outputs: Iterable[tuple[str, int]]) -> Transaction:
        given = TxIn(OutPoint(NULL_TXID, COINBASE_VOUT), height.to_bytes(4, "little"), 0xFFFFFFFF)
        return self._mine(height, (given,), outputs)

    def _mine(
        self, height: int, inputs: tuple[TxIn, ...], outputs: Iterable[tuple[str, int]]
    ) -> Transaction:
        paid = tuple(TxOut(Sats(amount), script(party)) for party, amount in outputs)
        self.made += 1
        transaction = Transaction(2, inputs, paid, lock_time=self.made)
        position = sum(1 for c in self.history if c.block.height == height)
        if not transaction.is_coinbase:
            position += 1  # a block's first transaction is its coinbase, whoever it pays
        self.history.append(ConfirmedTransaction(transaction, block_ref(height), position, ()))
        return transaction
