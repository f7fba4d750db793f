"""Turning chain history into entries and flows, for an office with a thousand scripts."""

import hashlib
from collections.abc import Iterator, Sequence

from bench.measure import Case, measurement
from khazana.bitcoin.chain import BlockRef, ConfirmedTransaction
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.ledger.accounts import Lane, LaneSpan, Wallet
from khazana.ledger.flows import flows
from khazana.ledger.postings import entries_of
from khazana.units import BlockHash, Height, Sats, Txid

SCRIPTS = 1_000
WALLETS = 10
TRANSACTIONS = 20_000
PER_BLOCK = 20


def _script(index: int) -> bytes:
    return b"\x00\x14" + hashlib.sha256(b"script %d" % index).digest()[:20]


def _block(height: int) -> BlockRef:
    return BlockRef(Height(height), BlockHash(hashlib.sha256(b"block %d" % height).hexdigest()))


def _history() -> list[ConfirmedTransaction]:
    """Receipts from outside and, two in three, payments on with change: as busy offices look."""
    coins: list[tuple[OutPoint, int]] = []
    history = []
    for number in range(TRANSACTIONS):
        if number % 3 == 0 or not coins:
            outside = OutPoint(Txid(hashlib.sha256(b"outside %d" % number).hexdigest()), 0)
            inputs, outputs = [outside], [TxOut(Sats(1_000_000), _script(number % SCRIPTS))]
        else:
            outpoint, amount = coins.pop(0)
            inputs = [outpoint]
            outputs = [
                TxOut(Sats(amount // 2), _script((number * 7) % SCRIPTS)),
                TxOut(Sats(amount - amount // 2 - 1), _script((number * 11) % SCRIPTS)),
            ]
        transaction = Transaction(
            2, tuple(TxIn(o, b"", 0xFFFFFFFD) for o in inputs), tuple(outputs), 0
        )
        coins += [(transaction.outpoint(v), o.amount) for v, o in enumerate(outputs)]
        block = _block(number // PER_BLOCK + 1)
        history.append(ConfirmedTransaction(transaction, block, number % PER_BLOCK + 1, ()))
    return history


def _wallets() -> list[Wallet]:
    return [
        Wallet(
            id=f"wallet-{w}",
            entity="office",
            name={"en": f"wallet {w}"},
            scripts=tuple(_script(i) for i in range(w, SCRIPTS, WALLETS)),
            lanes=(LaneSpan(Lane.OWNED, None),),
            declared=_block(0),
        )
        for w in range(WALLETS)
    ]


@measurement("postings_1000_scripts")
def postings() -> Iterator[Case]:
    """Entries and flows of 20,000 transactions over 1,000 scripts in ten wallets."""
    history, wallets = _history(), _wallets()

    def run() -> Sequence[object]:
        return [flows(entry) for entry in entries_of(history, wallets, {})]

    entries = entries_of(history, wallets, {})
    count = sum(len(entry.spent) + len(entry.received) for entry in entries)
    yield Case(run=run, amount=count, unit="postings/s", note=f"{len(entries)} entries")
